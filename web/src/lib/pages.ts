/** Pages of the book as the list of newest pages shows them: checked here, with what was written on them in words. */
import { eventOf, type EventName } from './events';
import { checkPage } from './checking';
import { rpc } from './rpc';

export interface PageView {
  height: number;
  /** Seconds. */
  timestamp: number;
  /** `foreign`: of another book or other offices than this device trusts. `wrong`: it does not hold; see `why`. */
  check: 'ok' | 'wrong' | 'foreign';
  why: string;
  /** Keys of the set of that page, and who signed, in the same order. */
  keys: string[];
  signed: boolean[];
  /** What was done on it: known events with their number; `undefined` for others. */
  acts: [EventName | undefined, number][];
}

interface RawReceipt {
  status: string;
  type: string;
  logs: { address: string; topics: string[]; data: string }[];
}

const hex = (height: number): string => `0x${height.toString(16)}`;

/** Fetches one page and checks it on this device. `null` where the server has no such page yet. */
export async function pageView(height: number): Promise<PageView | null> {
  const [checked, receipts] = await Promise.all([
    checkPage(height),
    rpc<RawReceipt[] | null>('eth_getBlockReceipts', [hex(height)]).catch(() => null),
  ]);
  if (!checked) return null;
  const { verdict, foreign } = checked;
  const done = acts(receipts ?? []);
  if (!verdict.ok)
    return {
      height,
      timestamp: await timeOf(height),
      check: foreign ? 'foreign' : 'wrong',
      why: verdict.reason,
      keys: [],
      signed: [],
      acts: done,
    };
  return {
    height,
    timestamp: Number(verdict.timestamp),
    check: 'ok',
    why: '',
    keys: verdict.validators.map((k) => k.toLowerCase()),
    signed: verdict.signed,
    acts: done,
  };
}

/** When a page was written, in seconds, as the server says; 0 where it does not. */
export async function timeOf(height: number): Promise<number> {
  const block = await rpc<{ timestamp: string } | null>('eth_getBlockByNumber', [hex(height), false]).catch(() => null);
  return block ? Number(block.timestamp) : 0;
}

function acts(receipts: RawReceipt[]): [EventName | undefined, number][] {
  const found = new Map<EventName | undefined, number>();
  for (const r of receipts) {
    if (Number(r.status) !== 1) continue;
    const name = eventOf({ type: Number(r.type), ok: true, logs: r.logs });
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  return [...found];
}
