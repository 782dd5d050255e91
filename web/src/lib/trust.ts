/** Which offices this device trusts, how it came to know them, and what it has followed from there. */
import { LightClient, printKeySheet, type KeySheet } from '$verifier/index';
import { get, set } from './prefs.svelte';

export interface Trusted {
  client: LightClient;
  /** `lobby`: read from the printed sheet. `first`: as the server said on the first visit. */
  from: 'lobby' | 'first';
  /** Seconds. */
  at: number;
}

interface Kept {
  from: Trusted['from'];
  at: number;
  light: string;
}

let now: Trusted | null | undefined;

/** What this device trusts; `null` before its first visit, or where what it kept cannot be read. */
export function trusted(): Trusted | null {
  if (now === undefined) now = load();
  return now;
}

function load(): Trusted | null {
  try {
    const kept = JSON.parse(get('trust') ?? 'null') as Kept | null;
    const client = kept && LightClient.load(kept.light);
    return kept && client ? { client, from: kept.from, at: kept.at } : null;
  } catch {
    return null;
  }
}

/** Begins from a sheet; where it is the very sheet trusted before, what was followed since is kept. */
export function trust(sheet: KeySheet, from: Trusted['from']): Trusted {
  const before = trusted()?.client;
  const same = before && printKeySheet(before.sheet) === printKeySheet(sheet);
  now = { client: same ? before : new LightClient(sheet), from, at: Math.floor(Date.now() / 1000) };
  keep();
  return now;
}

/** Writes down what was followed since. */
export function keep(): void {
  if (now) set('trust', JSON.stringify({ from: now.from, at: now.at, light: now.client.save() } satisfies Kept));
}

export function forget(): void {
  now = null;
  set('trust', '');
}
