/** A key that signs for an account which is not its own: what it signs, and how its signature is written (kind 0x04). */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, fromHex } from '$verifier/bytes';

const KIND = Uint8Array.of(0x04);

/** What such a key signs for a hash: with the account in it, so that it counts for no other account of the key. */
export function keychainHash(hash: Uint8Array, account: string): Uint8Array {
  return keccak_256(concat(KIND, hash, fromHex(account)));
}

/** The signature as it is sent. `inner` is the key's own over `keychainHash`. */
export function keychainSignature(account: string, inner: Uint8Array): Uint8Array {
  return concat(KIND, fromHex(account), inner);
}
