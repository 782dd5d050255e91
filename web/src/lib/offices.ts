import { i18n } from './i18n/index.svelte';

/** Names of the offices in a mask: bit n is office n. */
export function officeList(mask: number): string[] {
  return i18n.t.officeNames.map((name, n) => (n > 0 && (mask >>> n) & 1 ? name : '')).filter(Boolean);
}
