import { webcrypto } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '$verifier/bytes';
import { accountOf, compactOf, pointOf } from '../p256';
import { webauthnSignature } from '../webauthn';

const ORDER = p256.Point.Fn.ORDER;
const HALF = ORDER / 2n;
const word = (n: bigint): string => n.toString(16).padStart(64, '0');

/** DER of two numbers, as an authenticator writes them. */
function der(...values: bigint[]): Uint8Array {
  const item = (n: bigint): Uint8Array => {
    let hex = n.toString(16);
    if (hex.length % 2) hex = `0${hex}`;
    if (Number.parseInt(hex.slice(0, 2), 16) >= 0x80) hex = `00${hex}`;
    return concat(Uint8Array.of(2, hex.length / 2), fromHex(hex));
  };
  const all = concat(...values.map(item));
  return concat(Uint8Array.of(0x30, all.length), all);
}

describe('a signature', () => {
  it.each([
    [1n, 1n, 1n],
    [0x7fn, 0x80n, 0x80n],
    [ORDER - 1n, HALF, HALF],
    [5n, HALF + 1n, ORDER - HALF - 1n],
    [1n << 255n, ORDER - 1n, 1n],
  ])('keeps r and takes the lower s: %s %s', (r, s, low) => {
    expect(toHex(compactOf(der(r, s)))).toBe(`0x${word(r)}${word(low)}`);
  });

  it('verifies either way, in the form that the ledger takes', () => {
    const secret = fromHex('11'.repeat(32));
    const message = fromHex('22'.repeat(40));
    const low = p256.Signature.fromBytes(p256.sign(message, secret), 'compact');
    for (const s of [low.s, ORDER - low.s]) {
      const mine = compactOf(der(low.r, s));
      expect(p256.verify(mine, message, p256.getPublicKey(secret), { lowS: true })).toBe(true);
    }
  });

  it('is refused where it is no DER of two numbers in range', () => {
    const good = der(5n, 7n);
    const bad: [string, Uint8Array][] = [
      ['nothing', new Uint8Array()],
      ['cut', good.subarray(0, -1)],
      ['longer', concat(good, Uint8Array.of(0))],
      ['another tag', concat(Uint8Array.of(0x31), good.subarray(1))],
      ['one number', der(5n)],
      ['three numbers', der(5n, 7n, 9n)],
      ['zero', der(0n, 7n)],
      ['the order', der(5n, ORDER)],
      ['a sign', fromHex('3006020181020107')],
      ['a zero too many', fromHex('300702020005020107')],
      ['an empty number', fromHex('30050200020107')],
      ['a long length', concat(Uint8Array.of(0x30, 0x81, 6), good.subarray(2))],
      ['a word and more', der(1n << 264n, 7n)],
    ];
    for (const [what, bytes] of bad) expect(() => compactOf(bytes), what).toThrow(/DER|signature/);
  });
});

describe('a key', () => {
  it('is read from what the browser exports', async () => {
    const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
    const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey));
    const raw = new Uint8Array(await webcrypto.subtle.exportKey('raw', pair.publicKey));
    expect(pointOf(spki)).toEqual(raw.slice(1));
    expect(accountOf(pointOf(spki))).toMatch(/^0x[0-9a-f]{40}$/);
  });
  it('of another curve or off the curve is none', async () => {
    const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
    const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey));
    const other = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign']);
    const off = Uint8Array.from(spki);
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
    for (const bad of [
      new Uint8Array(await webcrypto.subtle.exportKey('spki', other.publicKey)),
      off,
      spki.subarray(1),
      spki.subarray(0, -1),
    ])
      expect(() => pointOf(bad)).toThrow(/P-256/);
    expect(() => accountOf(spki)).toThrow('not a point');
  });
});

describe('what an authenticator hands over', () => {
  const data = (flags: number, length = 37): Uint8Array => {
    const out = new Uint8Array(length);
    out[32] = flags;
    return out;
  };
  const point = fromHex('33'.repeat(64));
  const client = new TextEncoder().encode('{"type":"webauthn.get"}');
  const given = { clientData: client, signature: der(5n, HALF + 1n) };

  it('is laid out in one order', () => {
    const out = webauthnSignature({ ...given, authenticatorData: data(0x1d) }, point);
    expect(toHex(out)).toBe(toHex(concat(Uint8Array.of(2), data(0x1d), client, compactOf(given.signature), point)));
  });
  it('is refused where the ledger would refuse it', () => {
    const sign =
      (authenticatorData: Uint8Array, clientData = client, at = point) =>
      () =>
        webauthnSignature({ authenticatorData, clientData, signature: given.signature }, at);
    expect(sign(data(0x85))).toThrow('extensions');
    expect(sign(data(0x45))).toThrow('extensions');
    expect(sign(data(0x05, 40))).toThrow('extensions');
    expect(sign(data(0x05, 36))).toThrow('extensions');
    expect(sign(data(0x00))).toThrow('nobody');
    expect(sign(data(0x05), client, point.subarray(1))).toThrow('point');
    const room = 2_048 - 37 - 128;
    expect(sign(data(0x05), new Uint8Array(room))).not.toThrow();
    expect(sign(data(0x05), new Uint8Array(room + 1))).toThrow('too long');
  });
});
