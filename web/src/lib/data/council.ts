/** What the member organisations are deciding together. Times are seconds, votes are weights. */
import { num, obj, read, readAll, ReadError, str, type Obj } from '../api';

export const enum ProposalState {
  None,
  Voting,
  Passed,
  Ready,
}

export interface Proposal {
  id: number;
  state: ProposalState;
  title: string;
  /** Name of the member that proposed it. */
  proposer: string;
  closesAt: number;
  executableAt: number;
  inFavour: number;
  against: number;
  /** Weight that must still vote; 0 where enough did. */
  missing: number;
}

/** Weight by which a comparison falls short on its left side. */
export function shortBy(c: Obj): number {
  const factor = num(c['left_factor']);
  if (!factor) return 0;
  return Math.max(0, Math.ceil((num(c['right_factor']) * num(c['right_value'])) / factor) - num(c['left_value']));
}

const open: readonly number[] = [ProposalState.Voting, ProposalState.Passed, ProposalState.Ready];

/** Proposals that are not over, newest first; `null` where this book has no council. */
export async function openProposals(): Promise<Proposal[] | null> {
  try {
    const [all, members] = await Promise.all([readAll('council', 'proposals'), readAll('council', 'members')]);
    if (!members.length) return null;
    const names = new Map(members.map((m) => [num(m['id']), str(m['name'])]));
    const waiting = all.filter((p) => open.includes(num(p['state']))).reverse();
    return await Promise.all(
      waiting.map(async (p) => {
        const tally = obj(await read('council', 'tally', { id: num(p['id']) }));
        return {
          id: num(p['id']),
          state: num(p['state']),
          title: str(p['title']),
          proposer: names.get(num(p['proposer'])) ?? '',
          closesAt: num(p['closes_at']),
          executableAt: num(p['executable_at']),
          inFavour: num(tally['in_favour']),
          against: num(tally['against']),
          missing: shortBy(obj(tally['participation'])),
        };
      }),
    );
  } catch (cause) {
    // A book without the module answers that there is no such call.
    if (cause instanceof ReadError && cause.status >= 400 && cause.status < 500) return null;
    throw cause;
  }
}
