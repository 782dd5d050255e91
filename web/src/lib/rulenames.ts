import { prefs } from './prefs.svelte';

/** Rule keys in words. A key without words shows as it is, so that nothing is hidden. */
const names: Record<string, [string, string]> = {};

export function ruleName(key: string): string {
  const found = names[key];
  return found ? (prefs.lang === 'en' ? found[1] : found[0]) : key;
}
