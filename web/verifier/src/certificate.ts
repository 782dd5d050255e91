import { concat, Malformed, Reader, varint } from './bytes';

/** What the offices signed and who signed it. */
export interface Certificate {
  epoch: bigint;
  view: bigint;
  parentView: bigint;
  /** Hash of the page (block header). */
  digest: Uint8Array;
  /** The encoded proposal: exactly the signed bytes after the namespace. */
  proposal: Uint8Array;
  /** One entry per office, in the order of the set. */
  signed: boolean[];
  signatures: Uint8Array[];
}

/** Most offices that a set may have: bounds what a hostile server can make us read. */
const MAX_OFFICES = 4096;

/** Decodes a finalization. Layout: proposal, bit count (8 bytes), bitmap (low bit first), count, signatures of 64 bytes. */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  const r = new Reader(bytes);
  const epoch = r.varint(),
    view = r.varint(),
    parentView = r.varint();
  const digest = r.take(32);
  const proposal = bytes.subarray(0, r.at);
  const bits = r.uint(8);
  if (bits > BigInt(MAX_OFFICES)) throw new Malformed('too many offices');
  const size = Number(bits);
  const map = r.take(Math.ceil(size / 8));
  const signed = Array.from({ length: size }, (_, i) => (((map[i >> 3] ?? 0) >> (i & 7)) & 1) === 1);
  if (size % 8 !== 0 && (map[map.length - 1] ?? 0) >> (size % 8) !== 0) throw new Malformed('a signer beyond the set');
  const count = Number(r.varint());
  if (count !== signed.filter(Boolean).length) throw new Malformed('signatures and signers differ');
  const signatures = Array.from({ length: count }, () => r.take(64));
  r.end();
  return { epoch, view, parentView, digest, proposal, signed, signatures };
}

/** Fewest signatures that make a page final: n - floor((n-1)/3). */
export function quorum(n: number): number {
  return n - Math.floor((n - 1) / 3);
}

/** The bytes under each signature. */
export function signedMessage(namespace: Uint8Array, proposal: Uint8Array): Uint8Array {
  const ns = concat(namespace, new TextEncoder().encode('_FINALIZE'));
  return concat(varint(ns.length), ns, proposal);
}

/**
 * Checks one Ed25519 signature: by the browser itself, or in script where the browser cannot. What the browser refuses is judged again
 * by the rules of ZIP 215, which the validators use and which differ for keys made to deceive: all readers must say the same.
 */
export async function ed25519(key: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle) {
    try {
      const imported = await subtle.importKey('raw', key.slice(), 'Ed25519', false, ['verify']);
      if (await subtle.verify('Ed25519', imported, signature.slice(), message.slice())) return true;
    } catch {
      // This browser has no Ed25519 of its own.
    }
  }
  const { ed25519: curve } = await import('@noble/curves/ed25519.js');
  try {
    return curve.verify(signature, message, key, { zip215: true });
  } catch {
    return false;
  }
}
