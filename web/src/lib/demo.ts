/** Demo identities only: a key that anyone can make from a public name, so it proves nothing about a person. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { toHex } from '$verifier/bytes';

export function demoKey(name: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(`tulou-demo:${name}`));
}

/** Address of a demo identity, lower case. */
export function demoAddress(name: string): string {
  const point = secp256k1.getPublicKey(demoKey(name), false);
  return toHex(keccak_256(point.subarray(1)).subarray(12));
}
