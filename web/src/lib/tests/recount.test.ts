import { expect, it } from 'vitest';
import { toBallot, toResult, type Ballot } from '../data/decisions';
import { byPurpose, toMovement, twelveMonths } from '../data/funds';
import { recount } from '../recount';

const comparison = {
  left_factor: '3',
  left_value: '0',
  right_factor: '2',
  right_value: '0',
  left: '0',
  right: '0',
  strict: false,
  met: true,
};
const weight = (area_m2: string, heads: number) => ({ area_m2, heads });
const published = toResult({
  id: '1',
  state: 4,
  outcome: 4,
  roll: weight('300.00', 3),
  participating: weight('300.00', 3),
  yes: weight('200.50', 2),
  no: weight('99.50', 1),
  abstain: weight('0.00', 0),
  missing: weight('0.00', 0),
  quorum_area: comparison,
  quorum_heads: comparison,
  consent_area: comparison,
  consent_heads: comparison,
});
const ballot = (head: string, choice: number, area_m2: string): Ballot =>
  toBallot({ head, choice, channel: 1, cast_at: '1', area_m2, times: 1 });
const cast = [ballot('0xa', 1, '100.25'), ballot('0xb', 1, '100.25'), ballot('0xc', 2, '99.50')];

it('agrees with what was published only when every subtotal agrees', () => {
  expect(recount(cast, published)).toBe(true);
  expect(recount(cast.slice(1), published)).toBe(false);
  expect(recount([...cast.slice(0, 2), ballot('0xc', 1, '99.50')], published)).toBe(false);
  expect(recount([...cast.slice(0, 2), ballot('0xa', 2, '99.50')], published)).toBe(false);
});

const movement = (kind: number, amount: string, occurredAt: number, memo: string) =>
  toMovement({
    id: '1',
    fund: '1',
    kind,
    amount_fen: amount,
    balance_fen: '0',
    bank_ref: '',
    occurred_at: String(occurredAt),
    memo,
    request: '0',
    decision: '0',
    line: '0',
    explanation: '',
  });

it('sums twelve months that end with the last one, and leaves out what is older', () => {
  const month = (s: number) => ({ year: 2026, month: s });
  const rows = [movement(1, '500', 4, 'in'), movement(2, '200', 4, 'out'), movement(2, '7', -20, 'old')];
  const sums = twelveMonths(rows, { year: 2026, month: 4 }, month);
  expect(sums).toHaveLength(12);
  expect(sums[0]).toMatchObject({ year: 2025, month: 5 });
  expect(sums[11]).toEqual({ year: 2026, month: 4, income: 500n, spending: 200n });
  expect(sums.reduce((n, m) => n + m.spending, 0n)).toBe(200n);
});

it('adds up the small ones at the end', () => {
  const rows = ['a', 'b', 'b', 'c', 'd'].map((memo, i) => movement(2, String(100 * (i + 1)), 1, memo));
  expect(byPurpose(rows, (r) => r.memo, 3, 'rest')).toEqual([
    { name: 'b', sum: 500n },
    { name: 'd', sum: 500n },
    { name: 'rest', sum: 500n },
  ]);
});
