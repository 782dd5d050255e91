/** Motions, results and ballots as screens use them. Areas are hundredths of m², money is fen, times are seconds. */
import { big, bool, list, m2, num, obj, read, readAll, ReadError, str, type Json, type Obj } from '../api';

export const enum MotionState {
  None,
  Noticed,
  Open,
  Closed,
  Passed,
  Failed,
  NotQuorate,
  Cancelled,
}

export interface Weight {
  area: bigint;
  heads: number;
}
export interface Comparison {
  leftFactor: bigint;
  left: bigint;
  rightFactor: bigint;
  right: bigint;
  strict: boolean;
  met: boolean;
}

export interface Motion {
  id: number;
  matter: number;
  special: boolean;
  scope: { kind: number; building: number; stair: number };
  extraordinary: boolean;
  title: string;
  textHash: string;
  state: MotionState;
  opener: string;
  noticeAt: number;
  opensAt: number;
  closesAt: number;
  closedAt: number;
  extended: boolean;
  roll: number;
  rollArea: bigint;
  rollHeads: number;
  rollUnits: number;
  packHash: string;
  budget: bigint;
  payeeHash: string;
  target: string;
  actionState: number;
}

export interface Result {
  state: MotionState;
  outcome: MotionState;
  roll: Weight;
  participating: Weight;
  yes: Weight;
  no: Weight;
  abstain: Weight;
  missing: Weight;
  quorumArea: Comparison;
  quorumHeads: Comparison;
  consentArea: Comparison;
  consentHeads: Comparison;
}

export interface Ballot {
  head: string;
  choice: number;
  channel: number;
  castAt: number;
  area: bigint;
  times: number;
}

export function toMotion(o: Obj): Motion {
  const scope = obj(o['scope']);
  return {
    id: num(o['id']),
    matter: num(o['matter']),
    special: bool(o['special']),
    scope: { kind: num(scope['kind']), building: num(scope['building']), stair: num(scope['stair']) },
    extraordinary: bool(o['extraordinary']),
    title: str(o['title']),
    textHash: str(o['text_hash']),
    state: num(o['state']),
    opener: str(o['opener']),
    noticeAt: num(o['notice_at']),
    opensAt: num(o['opens_at']),
    closesAt: num(o['closes_at']),
    closedAt: num(o['closed_at']),
    extended: bool(o['extended']),
    roll: num(o['roll']),
    rollArea: m2(o['roll_area_m2']),
    rollHeads: num(o['roll_heads']),
    rollUnits: num(o['roll_units']),
    packHash: str(o['pack_hash']),
    budget: big(o['budget_fen']),
    payeeHash: str(o['payee_hash']),
    target: str(o['target']),
    actionState: num(o['action_state']),
  };
}

const toWeight = (v: Json | undefined): Weight => {
  const o = obj(v);
  return { area: m2(o['area_m2']), heads: num(o['heads']) };
};
const toComparison = (v: Json | undefined): Comparison => {
  const o = obj(v);
  return {
    leftFactor: big(o['left_factor']),
    left: big(o['left_value']),
    rightFactor: big(o['right_factor']),
    right: big(o['right_value']),
    strict: bool(o['strict']),
    met: bool(o['met']),
  };
};

export function toResult(o: Obj): Result {
  return {
    state: num(o['state']),
    outcome: num(o['outcome']),
    roll: toWeight(o['roll']),
    participating: toWeight(o['participating']),
    yes: toWeight(o['yes']),
    no: toWeight(o['no']),
    abstain: toWeight(o['abstain']),
    missing: toWeight(o['missing']),
    quorumArea: toComparison(o['quorum_area']),
    quorumHeads: toComparison(o['quorum_heads']),
    consentArea: toComparison(o['consent_area']),
    consentHeads: toComparison(o['consent_heads']),
  };
}

export function toBallot(o: Obj): Ballot {
  return {
    head: str(o['head']),
    choice: num(o['choice']),
    channel: num(o['channel']),
    castAt: num(o['cast_at']),
    area: m2(o['area_m2']),
    times: num(o['times']),
  };
}

export const motions = async (): Promise<Motion[]> => (await readAll('decisions', 'motions', { state: 0 })).map(toMotion);
export const motion = async (id: number): Promise<Motion> => toMotion(obj(await read('decisions', 'motion', { id })));
export const result = async (id: number): Promise<Result> => toResult(obj(await read('decisions', 'result', { id })));
export const ballots = async (id: number): Promise<Ballot[]> => (await readAll('decisions', 'ballots', { id })).map(toBallot);
export const earliestOpening = async (extraordinary: boolean): Promise<number> =>
  num(scalar(await read('decisions', 'earliest_opening', { extraordinary }), 'opens_at'));

/** Votes of an account in one motion; empty where it has none. */
export async function votesOf(id: number, account: string | undefined): Promise<Ballot[]> {
  if (!account) return [];
  try {
    const answer = await read('decisions', 'votes_of', { id, account });
    return list(Array.isArray(answer) ? answer : obj(answer)['items']).map((v) => toBallot(obj(v)));
  } catch (cause) {
    // Before a motion opens there is no electorate to belong to.
    if (cause instanceof ReadError && cause.status >= 400 && cause.status !== 401) return [];
    throw cause;
  }
}

/** A single value: bare, or under its name. */
export function scalar(value: Json, name: string): Json | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value[name] ?? value['value']) : value;
}

export interface MotionView {
  motion: Motion;
  result: Result;
  mine: Ballot[];
}

/** A motion with its sums and the votes of whoever is acting. */
export async function motionView(id: number, account: string | undefined): Promise<MotionView> {
  const [m, r, mine] = await Promise.all([motion(id), result(id), votesOf(id, account)]);
  return { motion: m, result: r, mine };
}

export async function motionViews(account: string | undefined): Promise<MotionView[]> {
  const all = await motions();
  const views = await Promise.all(all.map(async (m) => ({ motion: m, result: await result(m.id), mine: await votesOf(m.id, account) })));
  return views.sort((a, b) => b.motion.noticeAt - a.motion.noticeAt || b.motion.id - a.motion.id);
}

export const isOpen = (m: Motion): boolean => m.state === MotionState.Open;
export const isOver = (m: Motion): boolean => m.state >= MotionState.Passed;
export const hasVoted = (mine: Ballot[]): boolean => mine.length > 0 && mine.every((b) => b.choice > 0);
export const weightOf = (mine: Ballot[]): Weight => ({ area: mine.reduce((n, b) => n + b.area, 0n), heads: mine.length });
