/** Bytes, hex and the few encodings that the proof format needs. Every reader refuses instead of running past its end. */

/** Thrown inside the verifier only; `verifyReceipt` turns it into a failed step. */
export class Malformed extends Error {}

export function fromHex(hex: string): Uint8Array {
  const body = hex.startsWith('0x') ? hex.slice(2) : hex;
  if (body.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(body)) throw new Malformed('not hex');
  const out = new Uint8Array(body.length / 2);
  for (let i = 0; i < out.length; i += 1) out[i] = Number.parseInt(body.slice(2 * i, 2 * i + 2), 16);
  return out;
}

export function toHex(bytes: Uint8Array): string {
  let out = '0x';
  for (const b of bytes) out += b.toString(16).padStart(2, '0');
  return out;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Unsigned LEB128, as in the certificate and before the signing namespace. */
export function varint(value: number | bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest ? low | 0x80 : low);
  } while (rest);
  return Uint8Array.from(out);
}

/** Base64 of URLs without padding: what a square code on paper holds well. */
export function toBase64url(bytes: Uint8Array): string {
  let text = '';
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** Strict: no padding, no other alphabet, no bits left over. */
export function fromBase64url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new Malformed('not base64url');
  const out = Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  if (toBase64url(out) !== text) throw new Malformed('not base64url');
  return out;
}

/** A cursor over bytes. */
export class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  take(n: number): Uint8Array {
    if (n < 0 || this.at + n > this.bytes.length) throw new Malformed('cut short');
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  /** A number of at most 64 bits in its shortest form: there is one way to write it. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0] ?? 0;
      if ((shift === 63n && byte > 1) || (shift > 0n && byte === 0)) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Malformed('malformed number');
  }

  /** Big-endian unsigned integer of `n` bytes. */
  uint(n: number): bigint {
    let value = 0n;
    for (const b of this.take(n)) value = (value << 8n) | BigInt(b);
    return value;
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new Malformed('bytes left over');
  }
}
