/** The key sheet: all that a reader must know beforehand, short enough for a square code in the lobby. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, equal, fromBase64url, fromHex, Malformed, Reader, toBase64url, toHex, varint } from './bytes';

export interface KeySheet {
  chainId: bigint;
  /** Hash of the first page, 0x hex. */
  genesis: string;
  /** Pages in one epoch. */
  epochLength: bigint;
  /** Epoch of the offices below: 0 on the sheet of the founding, later on a sheet printed anew. */
  epoch: bigint;
  /** Ed25519 keys of the offices of that epoch, ascending, 0x hex. */
  validators: string[];
}

/**
 * Why a text is no key sheet. `other` is something else, `version` needs a newer program, `damaged` and `checksum` want a
 * second scan, `values` cannot be those of a book.
 */
export type SheetProblem = 'other' | 'version' | 'damaged' | 'checksum' | 'values';

export class SheetError extends Error {
  constructor(readonly problem: SheetProblem) {
    super(`key sheet: ${problem}`);
  }
}

const MAX_OFFICES = 64;
const MAX_TEXT = 4096;
const CHECKSUM = 4;
const DOMAIN = new TextEncoder().encode('tulou key sheet 1');

const checksum = (body: Uint8Array): Uint8Array => keccak_256(concat(DOMAIN, body)).slice(0, CHECKSUM);

/** Reads what `printKeySheet` wrote; white space is ignored, for text typed from paper. Throws `SheetError`. */
export function parseKeySheet(text: string): KeySheet {
  if (text.length > MAX_TEXT) throw new SheetError('other');
  const parts = text.replace(/\s+/g, '').split(':');
  const [name, version, ...rest] = parts;
  if (name !== 'tulou' || version === undefined || rest.length === 0) throw new SheetError('other');
  if (version !== '1') throw new SheetError('version');
  let bytes: Uint8Array;
  try {
    bytes = fromBase64url(rest.join(':'));
  } catch {
    throw new SheetError('damaged');
  }
  if (bytes.length < CHECKSUM) throw new SheetError('damaged');
  const body = bytes.subarray(0, bytes.length - CHECKSUM);
  if (!equal(checksum(body), bytes.subarray(body.length))) throw new SheetError('checksum');
  return decode(body);
}

function decode(body: Uint8Array): KeySheet {
  const r = new Reader(body);
  try {
    const chainId = r.varint();
    const genesis = toHex(r.take(32));
    const epochLength = r.varint(),
      epoch = r.varint();
    const count = Number(r.varint());
    if (epochLength === 0n || count < 1 || count > MAX_OFFICES) throw new SheetError('values');
    const validators = Array.from({ length: count }, () => toHex(r.take(32)));
    r.end();
    if (!ascending(validators)) throw new SheetError('damaged');
    return { chainId, genesis, epochLength, epoch, validators };
  } catch (error) {
    if (error instanceof Malformed) throw new SheetError('damaged');
    throw error;
  }
}

/** The sheet as text of under 350 characters for five offices: `tulou:1:` and base64url of the values and a checksum. */
export function printKeySheet(sheet: KeySheet): string {
  const keys = sheet.validators.map(fromHex);
  const body = concat(
    varint(sheet.chainId),
    fromHex(sheet.genesis),
    varint(sheet.epochLength),
    varint(sheet.epoch),
    varint(keys.length),
    ...keys,
  );
  return `tulou:1:${toBase64url(concat(body, checksum(body)))}`;
}

/** Whether keys of equal length in 0x hex ascend, each once. */
export function ascending(keys: string[]): boolean {
  return keys.every((key, i) => i === 0 || (keys[i - 1] ?? '').toLowerCase() < key.toLowerCase());
}

/** What every signature of this book is bound to. */
export function namespaceOf(sheet: KeySheet): Uint8Array {
  const id = new Uint8Array(8);
  new DataView(id.buffer).setBigUint64(0, sheet.chainId);
  return concat(new TextEncoder().encode('TULOU'), id, fromHex(sheet.genesis));
}
