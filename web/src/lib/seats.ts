import { i18n } from './i18n/index.svelte';

/** Names of the offices that keep the book, in the fixed order of the set. One alone is the demo's own. */
export function seatNames(n: number): string[] {
  if (n === 1) return [i18n.t.receipt.alone];
  return Array.from({ length: n }, (_, i) => i18n.t.receipt.seat(i + 1));
}
