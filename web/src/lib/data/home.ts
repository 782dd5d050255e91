/** What the home page needs, in one go. */
import { hasVoted, isOpen, isOver, motionViews, type MotionView } from './decisions';
import { funds, MovementKind, movements, payments, RequestState, signed, type Fund, type Movement } from './funds';
import { unitsOf, type Unit } from './registry';
import { inTerm, mandates, Office } from './roles';

export interface HomeData {
  units: Unit[];
  /** Open motions that wait for this account. */
  todo: MotionView[];
  /** Other open motions. */
  running: MotionView[];
  recent: MotionView[];
  toSign: number;
  funds: Fund[];
  unexplained: number;
  last: Movement | undefined;
  lastSigned: bigint;
}

const signers: readonly number[] = [Office.Chair, Office.Member, Office.Treasurer, Office.Manager];

export async function homeData(account: string | undefined): Promise<HomeData> {
  const [units, views, allFunds, toSign] = await Promise.all([unitsOf(account), motionViews(account), funds(), waitingForMe(account)]);
  const main = allFunds[0];
  const rows = main ? await movements(main.id, Math.floor(Date.now() / 1000) - 120 * 86_400) : [];
  const open = views.filter((v) => isOpen(v.motion));
  const waits = (v: MotionView) => v.mine.length > 0 && !hasVoted(v.mine);
  const last = rows.find((r) => r.kind !== MovementKind.Credit) ?? rows[0];
  return {
    units,
    funds: allFunds,
    toSign,
    last,
    lastSigned: last ? signed(last) : 0n,
    todo: open.filter(waits).sort((a, b) => a.motion.closesAt - b.motion.closesAt),
    running: open.filter((v) => !waits(v)),
    recent: views
      .filter((v) => isOver(v.motion))
      .sort((a, b) => b.motion.closedAt - a.motion.closedAt)
      .slice(0, 2),
    unexplained: allFunds.reduce((n, f) => n + f.unexplainedCount, 0),
  };
}

async function waitingForMe(account: string | undefined): Promise<number> {
  if (!account) return 0;
  const [all, asked] = await Promise.all([mandates(), payments()]);
  const mine = inTerm(all, account);
  if (!mine.some((m) => signers.includes(m.office))) return 0;
  return asked.filter((p) => p.state === RequestState.Requested && p.requester !== account.toLowerCase()).length;
}
