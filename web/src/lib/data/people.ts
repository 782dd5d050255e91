/** Demo owners worth being: with their home, and whether an open vote waits for them. */
import { ReadError, type Json, type Obj } from '../api';
import { hasVoted, isOpen, motions, toBallot } from './decisions';

export interface DemoOwner {
  name: string;
  code: string;
  waits: boolean;
}

/** Where to look: owners whom the demo leaves a vote to cast, then others. */
const CANDIDATES = ['O0054', 'O0061', 'O0076', 'O0080', 'O0055', 'O0056', 'O0062', 'O0012', 'O0016', 'O0070'];
const MOST = 6;
/** Whose key reads the list where only members read: anybody can make it, and nobody is signed in by it. */
const READER = 'auditor';
let token: Promise<string> | undefined;

/** At most six owners, those that a vote waits for first. */
export async function demoOwners(): Promise<DemoOwner[]> {
  const { demoAddress } = await import('../demo');
  const open = (await motions()).find(isOpen);
  const all: DemoOwner[] = [];
  for (const name of CANDIDATES) {
    const account = demoAddress(name);
    const [homes, votes] = await Promise.all([
      rows(`registry/mine?account=${account}`),
      open ? rows(`decisions/votes_of?id=${open.id}&account=${account}`) : [],
    ]);
    const mine = votes.map(toBallot);
    const code = (homes[0]?.['entry'] as Obj | undefined)?.['code'];
    all.push({ name, code: typeof code === 'string' ? code : '', waits: mine.length > 0 && !hasVoted(mine) });
  }
  const known = all.filter((o) => o.code);
  const waiting = known.filter((o) => o.waits).slice(0, MOST - 2);
  return [...waiting, ...known.filter((o) => !waiting.includes(o)).slice(0, MOST - waiting.length)];
}

/** A list, read beside the session of this browser; empty where the ledger has none. */
async function rows(path: string): Promise<Obj[]> {
  const before = token;
  let answer = await ask(path);
  if (answer.status === 401) {
    if (token === before) token = import('../signin').then(({ demoToken }) => demoToken(READER));
    answer = await ask(path);
  }
  if (answer.status === 422) return [];
  if (!answer.ok) throw new ReadError(answer.status, `HTTP ${answer.status}`);
  const body = (await answer.json()) as Json[] | { items: Json[] };
  return (Array.isArray(body) ? body : body.items) as Obj[];
}

async function ask(path: string): Promise<Response> {
  const headers: HeadersInit = token ? { authorization: `Bearer ${await token}` } : {};
  return fetch(`/api/v1/${path}`, { credentials: 'omit', headers });
}
