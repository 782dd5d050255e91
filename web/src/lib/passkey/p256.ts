/** Keys and signatures of P-256 as authenticators give them and as the ledger takes them. */
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, Malformed, toHex } from '$verifier/bytes';

const ORDER = p256.Point.Fn.ORDER;
const WORD = 32;
/** What stands before the point in the SubjectPublicKeyInfo of an uncompressed P-256 key (RFC 5480). */
const SPKI_HEAD = Uint8Array.of(
  ...[0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00],
);

/** The point of a key, `x` and `y` in 64 bytes, from its SubjectPublicKeyInfo. */
export function pointOf(spki: Uint8Array): Uint8Array {
  const point = spki.subarray(SPKI_HEAD.length);
  const fits = spki.length === SPKI_HEAD.length + 1 + 2 * WORD && SPKI_HEAD.every((b, i) => spki[i] === b) && point[0] === 4;
  if (!fits) throw new Malformed('not a P-256 key');
  try {
    p256.Point.fromBytes(point);
  } catch {
    throw new Malformed('not a point of P-256');
  }
  return point.slice(1);
}

/** The account of a key: the end of the hash of `x` and `y`. Lower case. */
export function accountOf(point: Uint8Array): string {
  if (point.length !== 2 * WORD) throw new Malformed('not a point');
  return toHex(keccak_256(point).subarray(12));
}

/** `r` and `s` in 64 bytes from the DER of an authenticator, with the lower `s` of the two that verify. */
export function compactOf(der: Uint8Array): Uint8Array {
  const [r, rest] = integer(body(der, 0x30));
  const [s, after] = integer(rest);
  if (after.length) throw new Malformed('bytes after the signature');
  for (const value of [r, s]) if (value === 0n || value >= ORDER) throw new Malformed('not a signature of P-256');
  return lowered(r, s);
}

/** The signature that WebCrypto makes of bytes (`r` and `s`), as a batch carries it: `0x01 || r || s || x || y || 1`. */
export function webcryptoSignature(raw: Uint8Array, point: Uint8Array): Uint8Array {
  if (raw.length !== 2 * WORD || point.length !== 2 * WORD) throw new Malformed('not a signature of P-256');
  const [r, s] = [raw.subarray(0, WORD), raw.subarray(WORD)].map((b) => b.reduce((n, x) => (n << 8n) | BigInt(x), 0n));
  return concat(Uint8Array.of(0x01), lowered(r ?? 0n, s ?? 0n), point, Uint8Array.of(1));
}

/** The two points that may have made a signature (`r` and `s`) over bytes, each `x` and `y`. */
export function candidates(compact: Uint8Array, message: Uint8Array): Uint8Array[] {
  return [0, 1].flatMap((bit) => {
    try {
      const signature = p256.Signature.fromBytes(compact, 'compact').addRecoveryBit(bit);
      return [signature.recoverPublicKey(sha256(message)).toBytes(false).slice(1)];
    } catch {
      return [];
    }
  });
}

function lowered(r: bigint, s: bigint): Uint8Array {
  return concat(word(r), word(s > ORDER / 2n ? ORDER - s : s));
}

/** The content of the only DER item. A signature's lengths fit in one byte. */
function body(der: Uint8Array, tag: number): Uint8Array {
  const length = der[1] ?? 0x80;
  if (der[0] !== tag || length >= 0x80 || der.length !== 2 + length) throw new Malformed('not DER');
  return der.subarray(2);
}

function integer(bytes: Uint8Array): [bigint, Uint8Array] {
  const length = bytes[1] ?? 0;
  const value = body(bytes.subarray(0, 2 + length), 0x02);
  const [first = 0, second = 0] = value;
  // No sign, no zero that could be left out, at most a word.
  const plain = length > 0 && first < 0x80 && (first !== 0 || length === 1 || second >= 0x80) && length <= WORD + 1;
  if (!plain) throw new Malformed('not DER');
  return [value.reduce((n, b) => (n << 8n) | BigInt(b), 0n), bytes.subarray(2 + length)];
}

function word(value: bigint): Uint8Array {
  const out = new Uint8Array(WORD);
  for (let at = WORD - 1, rest = value; at >= 0; at -= 1, rest >>= 8n) out[at] = Number(rest & 0xffn);
  return out;
}
