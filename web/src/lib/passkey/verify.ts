/** Whose signature of a hash it is, for the kinds that this app makes; the ledger is not asked. */
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, toBase64url, toHex } from '$verifier/bytes';
import { keychainHash } from './keychain';
import { accountOf } from './p256';

export interface Speaker {
  /** Address of the key. */
  key: string;
  /** The account that it signed for: its own address, or the one that a keychain signature names. */
  account: string;
}

const WORD = 32;
const POINT = 2 * WORD;
const AUTHENTICATOR_BYTES = 37;
const FLAGS_AT = 32;
const PRESENT = 0x01;
const VERIFIED = 0x04;

/** `null` for whatever is no good signature. That the key may speak for the account is the ledger's to say. */
export function speakerOf(signature: Uint8Array, hash: Uint8Array): Speaker | null {
  try {
    if (signature[0] === 0x04 && signature.length > 21) {
      const account = toHex(signature.subarray(1, 21));
      const inner = signature.subarray(21);
      const key = inner[0] === 0x04 ? null : own(inner, keychainHash(hash, account));
      return key === null ? null : { key, account };
    }
    const key = own(signature, hash);
    return key === null ? null : { key, account: key };
  } catch {
    return null;
  }
}

function own(signature: Uint8Array, hash: Uint8Array): string | null {
  if (signature.length === 65) return byWallet(signature, hash);
  if (signature[0] === 0x01 && signature.length === 2 + 2 * POINT) return byDevice(signature, hash);
  return signature[0] === 0x02 ? byAuthenticator(signature.subarray(1), hash) : null;
}

function byWallet(signature: Uint8Array, hash: Uint8Array): string | null {
  const bit = (signature[64] ?? 0) - 27;
  if (bit !== 0 && bit !== 1) return null;
  const parts = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact').addRecoveryBit(bit);
  if (parts.hasHighS()) return null;
  return toHex(keccak_256(parts.recoverPublicKey(hash).toBytes(false).subarray(1)).subarray(12));
}

/** `0x01 || r || s || x || y || 1`: WebCrypto hashes what it is given once more. */
function byDevice(signature: Uint8Array, hash: Uint8Array): string | null {
  const prehashed = signature[1 + 2 * POINT] === 1;
  return byPoint(signature.subarray(1, 1 + 2 * POINT), prehashed ? sha256(hash) : hash);
}

/** What the authenticator saw and what the browser told it, then `r || s || x || y`. */
function byAuthenticator(bytes: Uint8Array, hash: Uint8Array): string | null {
  const [seen, rest] = [bytes.subarray(0, AUTHENTICATOR_BYTES), bytes.subarray(AUTHENTICATOR_BYTES)];
  const client = rest.subarray(0, -2 * POINT);
  const told = JSON.parse(new TextDecoder().decode(client)) as { type?: unknown; challenge?: unknown };
  const flags = seen[FLAGS_AT] ?? 0;
  if (told.type !== 'webauthn.get' || told.challenge !== toBase64url(hash) || !(flags & PRESENT) || !(flags & VERIFIED)) return null;
  return byPoint(rest.subarray(-2 * POINT), sha256(concat(seen, sha256(client))));
}

function byPoint(parts: Uint8Array, digest: Uint8Array): string | null {
  const [compact, point] = [parts.slice(0, POINT), parts.slice(POINT)];
  const good = p256.verify(compact, digest, concat(Uint8Array.of(4), point), { prehash: false, lowS: true });
  return good ? accountOf(point) : null;
}
