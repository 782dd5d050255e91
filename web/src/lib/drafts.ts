/** Words of which the ledger has only the mark, such as why somebody objected: kept on this device, and nowhere else. */
import type { Roll, Unit } from './data/registry';
import { get, set } from './prefs.svelte';
import { toHex } from '$verifier/bytes';

export interface Draft {
  at: number;
  title: string;
  /** The very words whose mark was written, salt included. */
  words: string;
}

/** Words of which only the mark is written, with a salt, so that nobody finds them by trying. */
export const salted = (text: string): string => `${text}\n${toHex(crypto.getRandomValues(new Uint8Array(16))).slice(2)}`;

export const drafts = {
  all(): Draft[] {
    try {
      return JSON.parse(get('drafts') ?? '[]') as Draft[];
    } catch {
      return [];
    }
  },
  add(draft: Draft): void {
    set('drafts', JSON.stringify([draft, ...drafts.all()].slice(0, 50)));
  },
};

export interface Posted {
  /** Whose homes these are. */
  account: string;
  last: Roll | undefined;
  units: Unit[];
}

/** The posted roll as it was last read, so that somebody without a network can still object to it. */
export const lastRoll = {
  keep(posted: Posted): void {
    set(
      'roll',
      JSON.stringify(posted, (_, v: unknown) => (typeof v === 'bigint' ? { n: String(v) } : v)),
    );
  },
  of(account: string): Posted | null {
    try {
      const revived = (_: string, v: { n?: unknown } | null): unknown => (typeof v?.n === 'string' ? BigInt(v.n) : v);
      const kept = JSON.parse(get('roll') ?? 'null', revived) as Posted | null;
      return kept?.account === account ? kept : null;
    } catch {
      return null;
    }
  },
};
