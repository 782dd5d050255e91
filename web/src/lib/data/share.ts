/** What a motion costs, and what of it falls on the homes of an account. */
import type { Motion } from './decisions';
import { estimate, funds, payee, unitBalance } from './funds';
import { unitsOf } from './registry';

export interface OwnShare {
  area: bigint;
  share: bigint;
  receivable: bigint;
  balance: bigint | null;
}
export interface MotionMoney {
  payee: string | null;
  mine: OwnShare | null;
}

export async function motionMoney(motion: Motion, account: string | undefined): Promise<MotionMoney> {
  if (motion.budget === 0n) return { payee: null, mine: null };
  const [to, units, all] = await Promise.all([payee(motion.payeeHash), unitsOf(account), funds()]);
  const maintenance = all.find((f) => f.purpose === 1);
  const parts = await Promise.all(
    units.map(async (u) => ({
      part: await estimate(motion.id, u.id),
      balance: maintenance ? await unitBalance(maintenance.id, u.id) : null,
    })),
  );
  const known = parts.filter((p) => p.part && p.part.share > 0n);
  if (!known.length) return { payee: to?.name ?? null, mine: null };
  const mine: OwnShare = { area: 0n, share: 0n, receivable: 0n, balance: 0n };
  for (const { part, balance } of known) {
    if (!part) continue;
    mine.area += part.area;
    mine.share += part.share;
    mine.receivable += part.receivable;
    mine.balance = balance === null || mine.balance === null ? null : mine.balance + balance;
  }
  return { payee: to?.name ?? null, mine };
}
