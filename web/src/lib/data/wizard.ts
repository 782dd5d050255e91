/** What the rules demand of a motion, as the wizard shows it while it is being filled. */
import { earliestOpening } from './decisions';
import { rule, type Rule } from './rules';
import { scopeWeight, totals, type Totals } from './registry';

export interface Demands {
  notice: Rule | null;
  noticeShort: Rule | null;
  least: Rule | null;
  most: Rule | null;
  earliest: number;
  earliestShort: number;
  totals: Totals;
}

export async function demands(): Promise<Demands> {
  const [notice, noticeShort, least, most, earliest, earliestShort, sum] = await Promise.all([
    rule('vote.notice_days'),
    rule('vote.notice_days.extraordinary'),
    rule('vote.period_days.min'),
    rule('vote.period_days.max'),
    earliestOpening(false),
    earliestOpening(true),
    totals(),
  ]);
  return { notice, noticeShort, least, most, earliest, earliestShort, totals: sum };
}

export { scopeWeight };

export interface Draft {
  matter: number;
  scope: number;
  building: number;
  stair: number;
  extraordinary: boolean;
  title: string;
  body: string;
  budget: string;
  payee: string;
  opens: string;
  closes: string;
}

/** Most bytes of a title, as the module takes them. */
export const TITLE_BYTES = 200;
export const bytes = (text: string): number => new TextEncoder().encode(text).length;
/** Matters that need three quarters instead of more than half (Civil Code art. 278). */
export const isSpecial = (matter: number): boolean => matter >= 6 && matter <= 8;
