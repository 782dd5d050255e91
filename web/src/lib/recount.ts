import type { Ballot, Result, Weight } from './data/decisions';

/** Adds up ballots on this device and compares every subtotal with the published ones. */
export function recount(ballots: Ballot[], published: Result): boolean {
  const sums: Record<number, Weight> = { 1: { area: 0n, heads: 0 }, 2: { area: 0n, heads: 0 }, 3: { area: 0n, heads: 0 } };
  const seen = new Set<string>();
  for (const b of ballots) {
    const sum = sums[b.choice];
    if (!sum) continue;
    if (seen.has(b.head)) return false;
    seen.add(b.head);
    sum.area += b.area;
    sum.heads += 1;
  }
  const same = (a: Weight | undefined, b: Weight) => a !== undefined && a.area === b.area && a.heads === b.heads;
  const all = (k: 'area') => (sums[1]?.[k] ?? 0n) + (sums[2]?.[k] ?? 0n) + (sums[3]?.[k] ?? 0n);
  const heads = (sums[1]?.heads ?? 0) + (sums[2]?.heads ?? 0) + (sums[3]?.heads ?? 0);
  return (
    same(sums[1], published.yes) &&
    same(sums[2], published.no) &&
    same(sums[3], published.abstain) &&
    all('area') === published.participating.area &&
    heads === published.participating.heads
  );
}
