import { keepers, shortNames } from '$lib/consortium';
import { books } from '$lib/i18n/books.svelte';
import type { Watch } from '$lib/watch.svelte';

/** Names for the foot of a sheet; the tick only where this device checked a recent signature. */
export function witnesses(watch: Watch): { name: string; on: boolean }[] {
  const c = watch.now;
  if (!c) return [];
  const names = shortNames(c.members, books.t.short);
  return keepers(c).map((m) => ({ name: names.get(m.key) ?? m.name, on: watch.lamp(m) === 'ok' }));
}
