/** Demo owners worth being: with their home, and whether an open vote waits for them. */
import { hasVoted, isOpen, motions, votesOf, type Ballot } from './decisions';
import { unitsOf, type Unit } from './registry';

export interface DemoOwner {
  name: string;
  code: string;
  waits: boolean;
}

/** Where to look: owners whom the demo leaves a vote to cast, then others. */
const CANDIDATES = ['O0054', 'O0061', 'O0076', 'O0080', 'O0055', 'O0056', 'O0062', 'O0012', 'O0016', 'O0070'];
const MOST = 6;

/** At most six owners, those that a vote waits for first. */
export async function demoOwners(): Promise<DemoOwner[]> {
  const { demoAddress } = await import('../demo');
  const open = (await motions()).find(isOpen);
  const all = await Promise.all(
    CANDIDATES.map(async (name) => {
      const address = demoAddress(name);
      // Nobody is signed in yet where only members read: the people are offered by their numbers.
      const [units, mine] = await Promise.all([unitsOf(address), open ? votesOf(open.id, address) : []]).catch((): [Unit[], Ballot[]] => [
        [],
        [],
      ]);
      return { name, code: units[0]?.code ?? '', waits: mine.length > 0 && !hasVoted(mine) };
    }),
  );
  const known = all.filter((o) => o.code);
  const waiting = known.filter((o) => o.waits).slice(0, MOST - 2);
  const list = [...waiting, ...known.filter((o) => !waiting.includes(o)).slice(0, MOST - waiting.length)];
  return list.length ? list : CANDIDATES.slice(0, MOST).map((name) => ({ name, code: '', waits: false }));
}
