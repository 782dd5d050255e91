/** Which offices this device trusts, and how it came to know them. */
import { get, set } from './prefs.svelte';
import { parseKeySheet, printKeySheet, type KeySheet } from '$verifier/index';

export interface Trusted {
  sheet: KeySheet;
  /** `lobby`: read from the printed sheet. `first`: as the server said on the first visit. */
  from: 'lobby' | 'first';
  /** Seconds. */
  at: number;
}

/** What this device trusts; `null` before its first visit, or where what it kept cannot be read. */
export function trusted(): Trusted | null {
  try {
    const kept = JSON.parse(get('trust') ?? 'null') as { text: string; from: Trusted['from']; at: number } | null;
    return kept && { sheet: parseKeySheet(kept.text), from: kept.from, at: kept.at };
  } catch {
    return null;
  }
}

export function trust(sheet: KeySheet, from: Trusted['from']): void {
  set('trust', JSON.stringify({ text: printKeySheet(sheet), from, at: Math.floor(Date.now() / 1000) }));
}

export function forget(): void {
  set('trust', '');
}
