import { keccak_256 } from '@noble/hashes/sha3.js';
import { toHex } from '$verifier/bytes';

/** Keccak-256 of text or bytes, as 0x hex: the mark a document leaves in the book. */
export function keccakHex(data: string | Uint8Array): `0x${string}` {
  return toHex(keccak_256(typeof data === 'string' ? new TextEncoder().encode(data) : data)) as `0x${string}`;
}
