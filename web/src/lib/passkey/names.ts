/** What a person calls their devices. The ledger has the mark of the name that was given with the key; the words are kept here alone. */
import { salted } from '../drafts';
import { get, set } from '../prefs.svelte';
import { keccakHex } from '../sha';

/** Letters of a name. */
export const NAME_MOST = 20;

export interface Name {
  /** As it is shown. */
  name: string;
  /** The very words whose mark was written with the key, salt included; none where it was named later. */
  words?: string;
}

/** Names by the address of the key, lower case. */
export function names(): Record<string, Name> {
  try {
    const kept: unknown = JSON.parse(get('names') ?? '{}');
    return kept !== null && typeof kept === 'object' && !Array.isArray(kept) ? (kept as Record<string, Name>) : {};
  } catch {
    return {};
  }
}

export const nameOf = (key: string): string => names()[key.toLowerCase()]?.name ?? '';

/** Calls a device by another name, or by none; what the ledger has stays. */
export function rename(key: string, name: string): void {
  const at = key.toLowerCase();
  keep(at, { ...names()[at], name: plain(name) });
}

/** Words and mark of a name for a key that is about to be let in; all zero for no name. */
export function marked(name: string): { words: string; label: `0x${string}` } {
  const said = plain(name);
  if (!said) return { words: '', label: `0x${'00'.repeat(32)}` };
  const words = salted(said);
  return { words, label: keccakHex(words) };
}

/** Remembers the name that a key was let in with. */
export function named(key: string, words: string): void {
  if (words) keep(key.toLowerCase(), { name: words.split('\n')[0] ?? '', words });
}

const plain = (name: string): string => name.replace(/\s+/g, ' ').trim().slice(0, NAME_MOST);

function keep(key: string, name: Name): void {
  set('names', JSON.stringify({ ...names(), [key]: name }));
}
