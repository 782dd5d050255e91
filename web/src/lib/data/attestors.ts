/** Attestors as screens use them. */
import { bool, num, obj, read, readAll, str } from '../api';

export interface Attestor {
  id: number;
  key: string;
  /** As `IAccounts.Method`: 1 a card, 2 a face. */
  method: number;
  name: string;
  page: string;
  untilAt: number;
  endedAt: number;
  /** Accounts it has bound. */
  bindings: number;
  /** Its statements are taken now. */
  works: boolean;
}

/** All that were ever listed, oldest first. Shown to everybody: who wants to join is no member yet. */
export const attestors = async (): Promise<Attestor[]> =>
  (await readAll('accounts', 'attestors')).map((o) => {
    const listing = obj(o['listing']);
    return {
      id: num(o['id']),
      key: str(listing['key']).toLowerCase(),
      method: num(listing['method']),
      name: str(listing['name']),
      page: str(listing['page']),
      untilAt: num(listing['until_at']),
      endedAt: num(o['ended_at']),
      bindings: num(o['bindings']),
      works: bool(o['works']),
    };
  });

/** How many accounts ever came by each way. */
export async function bindingsByWay(): Promise<{ counter: number; letter: number; card: number; face: number }> {
  const o = obj(await read('registry', 'bindings'));
  return { counter: num(o['counter']), letter: num(o['letter']), card: num(o['card']), face: num(o['face']) };
}
