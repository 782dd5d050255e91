import { read } from './api';
import { shortNames, toConsortium } from './consortium';
import { books } from './i18n/books.svelte';
import { i18n } from './i18n/index.svelte';

/** Names of the offices that keep the book, in the fixed order of the set. One alone is the demo's own. */
export function seatNames(n: number): string[] {
  if (n === 1) return [i18n.t.receipt.alone];
  return Array.from({ length: n }, (_, i) => i18n.t.receipt.seat(i + 1));
}

/** Who keeps the book now, in the council's order, with names short enough for a ring. One alone keeps the demo's name. */
export async function seatsOfCouncil(): Promise<{ key: string; name: string }[]> {
  const { members } = toConsortium(await read('node', 'consortium'));
  if (members.length === 1) return [];
  const names = shortNames(members, books.t.short);
  return members.map((m) => ({ key: m.key, name: names.get(m.key) ?? m.name }));
}
