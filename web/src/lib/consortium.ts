/** Who keeps the book, as the node tells it, and what this device makes of it. No reads here: only rules. */
import { bool, list, num, obj, str, type Json } from './api';

export type MemberState = 'agrees' | 'behind' | 'stopped' | 'differs';
export type Kind = 'validator' | 'observer' | 'archive' | 'none';

export interface Member {
  name: string;
  account: string;
  /** Public key, lower case 0x hex: the member's signature is checked against it. */
  key: string;
  kind: Kind;
  endpoint: string;
  /** Whether it is in the set that signs in this epoch. */
  inSet: boolean;
  connected: boolean;
  /** Its newest page, as it says; `null` while it has not been heard. */
  height: number | null;
  hash: string;
  program: string;
  release: string;
  clockOffsetMs: number | null;
  signedLast: number;
  ofLast: number;
  /** `null` when it has signed none of the pages the node still counts. */
  lastSignedHeight: number | null;
  state: MemberState;
}

export interface Stalled {
  /** When the newest page came, in milliseconds. */
  sinceMs: number;
  missing: string[];
  needed: number;
  have: number;
  reason: string;
}

export interface Consortium {
  ledger: { name: string; chainId: number; genesis: string };
  /** Key of the member that answered. */
  me: string;
  program: string;
  release: string;
  protocol: string;
  height: number;
  hash: string;
  /** Seconds. */
  timestamp: number;
  epoch: number;
  epochLength: number;
  view: number;
  leader: string;
  quorum: number;
  members: Member[];
  stalled: Stalled | null;
}

const maybe = (v: Json | undefined): number | null => (v === null || v === undefined ? null : num(v));
const kinds: readonly string[] = ['validator', 'observer', 'archive', 'none'];
const states: readonly string[] = ['agrees', 'behind', 'stopped', 'differs'];

function toMember(value: Json): Member {
  const o = obj(value);
  const kind = str(o['kind']).toLowerCase();
  const state = str(o['state']);
  return {
    name: str(o['name']),
    account: str(o['account']).toLowerCase(),
    key: str(o['key']).toLowerCase(),
    kind: kinds.includes(kind) ? (kind as Kind) : 'none',
    endpoint: str(o['endpoint']),
    inSet: bool(o['inSet']),
    connected: bool(o['connected']),
    height: maybe(o['height']),
    hash: str(o['hash']),
    program: str(o['program']),
    release: str(o['release']),
    clockOffsetMs: maybe(o['clockOffsetMs']),
    signedLast: num(o['signedLast']),
    ofLast: num(o['ofLast']),
    lastSignedHeight: maybe(o['lastSignedHeight']),
    // A word this app does not know is not good news.
    state: states.includes(state) ? (state as MemberState) : 'stopped',
  };
}

/** Reads the answer of `GET /api/v1/node/consortium`. Throws where it is none. */
export function toConsortium(value: Json): Consortium {
  const o = obj(value);
  const ledger = obj(o['ledger']);
  const members = list(o['members']).map(toMember);
  const stalled = o['stalled'] ? obj(o['stalled']) : null;
  return {
    ledger: { name: str(ledger['name']), chainId: num(ledger['chainId']), genesis: str(ledger['genesis']).toLowerCase() },
    me: str(o['me']).toLowerCase(),
    program: str(o['program']),
    release: str(o['release']),
    protocol: str(o['protocol']),
    height: num(o['height']),
    hash: str(o['hash']),
    timestamp: num(o['timestamp']),
    epoch: num(o['epoch']),
    epochLength: num(o['epochLength']),
    view: num(o['view']),
    leader: str(o['leader']).toLowerCase(),
    quorum: num(o['quorum']),
    members,
    stalled: stalled && {
      sinceMs: num(stalled['sinceMs']),
      missing: list(stalled['missing']).map((k) => str(k).toLowerCase()),
      needed: num(stalled['needed']),
      have: num(stalled['have']),
      reason: str(stalled['reason']),
    },
  };
}

/** How many of `n` may stop, or lie, and the book still goes on truly. */
export const spare = (n: number): number => Math.floor((n - 1) / 3);

/** Fewest signatures that make a page count. */
export const quorum = (n: number): number => n - spare(n);

/** The members that sign, in the council's fixed order. */
export const keepers = (c: Consortium): Member[] => c.members.filter((m) => m.inSet);

/** Members that keep the book but do not sign now: observers, archives, those that wait for their turn. */
export const listeners = (c: Consortium): Member[] => c.members.filter((m) => !m.inSet && m.kind !== 'none');

/**
 * What a lamp shows. `ok` only for a signature that this device checked; `quiet` for a member that is said to
 * follow but whose signature was not needed lately; `wait` while nothing is checked.
 */
export type Lamp = 'ok' | 'quiet' | 'wait' | 'behind' | 'stopped' | 'bad';

/** A signature older than this many pages says nothing about now. */
export const RECENT_PAGES = 20;

export interface Sight {
  /** Newest page on which this device checked a signature of this member. */
  signedAt?: number | undefined;
  /** Newest page that this device checked at all. */
  checkedAt?: number | undefined;
  /** Whether the answer is of now. */
  fresh: boolean;
}

export function lampOf(member: Pick<Member, 'state'>, height: number, sight: Sight): Lamp {
  if (!sight.fresh) return 'wait';
  if (member.state === 'differs') return 'bad';
  if (member.state === 'stopped') return 'stopped';
  if (member.state === 'behind') return 'behind';
  const recent = (at: number | undefined): boolean => at !== undefined && height - at <= RECENT_PAGES;
  if (recent(sight.signedAt)) return 'ok';
  return recent(sight.checkedAt) ? 'quiet' : 'wait';
}

/** How the book stands as a whole; the first that holds. */
export type Standing = 'lone' | 'differs' | 'stalled' | 'checking' | 'all' | 'enough' | 'short';

export function standing(lamps: Lamp[], stalled: boolean): Standing {
  const up = lamps.filter((l) => l === 'ok' || l === 'quiet').length;
  if (lamps.includes('bad')) return 'differs';
  if (stalled) return 'stalled';
  if (lamps.includes('wait')) return 'checking';
  if (lamps.length === 1) return 'lone';
  if (up === lamps.length) return 'all';
  return up >= quorum(lamps.length) ? 'enough' : 'short';
}

/** What happens when members stop, with numbers that follow from `n`. `on` is empty where none can be spared. */
export function whatIf(n: number): { on: { from: number; to: number } | null; waits: number; quorum: number } {
  const f = spare(n);
  return { on: f > 0 ? { from: 1, to: f } : null, waits: f + 1, quorum: quorum(n) };
}

/** Lamps of one page in the order of `members`, from a bitmap in the order of `keys`. `undefined`: was not in that set. */
export function pageLamps(members: Pick<Member, 'key'>[], keys: string[], signed: boolean[]): (boolean | undefined)[] {
  const at = new Map(keys.map((k, i) => [k.toLowerCase(), signed[i]]));
  return members.map((m) => at.get(m.key));
}

/** What sort of organisation a name speaks of: for its picture and its short name. */
export type Sort = 'committee' | 'manager' | 'street' | 'bureau' | 'bank' | 'other';

const sorts: [Exclude<Sort, 'other'>, RegExp][] = [
  ['committee', /业委会|业主委员会|owners.*committee/i],
  ['manager', /物业|property/i],
  ['street', /街道|street/i],
  ['bureau', /住建|房管|住房|housing/i],
  ['bank', /银行|开户行|\bbank\b/i],
];

/** Pages that a member lacks; 0 while unknown. */
export const lag = (c: Consortium, m: Member): number => (m.height === null ? 0 : Math.max(0, c.height - m.height));

export const sortOf = (name: string): Sort => sorts.find(([, re]) => re.test(name))?.[0] ?? 'other';

/**
 * Names short enough for the ring, by key. A sort of organisation names a member only where it is the only one of
 * its sort; all others keep the name they registered.
 */
export function shortNames(members: Member[], words: Record<Sort, string>): Map<string, string> {
  const times = new Map<Sort, number>();
  for (const m of members) times.set(sortOf(m.name), (times.get(sortOf(m.name)) ?? 0) + 1);
  return new Map(
    members.map((m) => {
      const sort = sortOf(m.name);
      return [m.key, (times.get(sort) === 1 && words[sort]) || m.name];
    }),
  );
}
