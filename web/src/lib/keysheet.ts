/** The key sheet: what the server says it is, and whether that is what hangs in the lobby. */
import type { KeySheet } from '$verifier/index';
import { checkPage, serverSheet } from './checking';
import { keccakHex } from './sha';

/** Where two sheets part, and whether the newest page stands under the first. */
export interface Difference {
  /** Another book altogether. */
  book: boolean;
  /** Keys that only the printed sheet has. */
  onlyPrinted: string[];
  /** Keys that only the server has. */
  onlyServer: string[];
  /** The newest page is not signed by those on the printed sheet. */
  unsigned: boolean;
  server: KeySheet;
}

/** Compares parts; `null` where the sheets are equal. Both name the offices of the same epoch. */
export function differ(printed: KeySheet, server: KeySheet): Omit<Difference, 'unsigned'> | null {
  const low = (keys: string[]): string[] => keys.map((k) => k.toLowerCase());
  const here = low(printed.validators);
  const there = low(server.validators);
  const out = {
    book:
      printed.chainId !== server.chainId ||
      printed.genesis.toLowerCase() !== server.genesis.toLowerCase() ||
      printed.epochLength !== server.epochLength,
    onlyPrinted: here.filter((k) => !there.includes(k)),
    onlyServer: there.filter((k) => !here.includes(k)),
    server,
  };
  return out.book || out.onlyPrinted.length || out.onlyServer.length ? out : null;
}

/**
 * Asks the server and compares; `null` where all agrees. The newest page is checked against what this device trusts,
 * so the printed sheet must be trusted before.
 */
export async function compare(printed: KeySheet): Promise<Difference | null> {
  const said = await serverSheet(printed.epoch);
  const parts = differ(printed, said);
  const newest = await checkPage('latest');
  const unsigned = newest?.verdict.ok === false;
  if (!parts && !unsigned) return null;
  return { ...(parts ?? { book: false, onlyPrinted: [], onlyServer: [], server: said }), unsigned };
}

/** Hex of the text's hash, for its check code: short enough to compare by eye. */
export const sheetMark = (text: string): string => keccakHex(text);
