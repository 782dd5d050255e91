import { webcrypto } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { SignatureEnvelope } from 'ox/tempo';
import { expect, it } from 'vitest';
import { concat, toHex } from '$verifier/bytes';
import { keychainHash, keychainSignature } from '../keychain';
import { accountOf, candidates, compactOf, pointOf, webcryptoSignature } from '../p256';

const account = `0x${'ab'.repeat(20)}`;
const hash = new Uint8Array(32).fill(7);

async function browserKey() {
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  return { key: pair.privateKey, point: pointOf(new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey))) };
}

it('writes the signature of a browser’s key with the lower s, and it verifies', async () => {
  const { key, point } = await browserKey();
  for (let i = 0; i < 12; i += 1) {
    const raw = new Uint8Array(
      await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, Uint8Array.from(keychainHash(hash, account))),
    );
    const written = webcryptoSignature(raw, point);
    expect(written.length).toBe(130);
    expect([written[0], written[129]]).toEqual([1, 1]);
    const compact = written.slice(1, 65);
    expect(p256.verify(compact, sha256(keychainHash(hash, account)), concat(Uint8Array.of(4), point), { prehash: false, lowS: true })).toBe(
      true,
    );
  }
});

it('is a keychain signature as tempo’s own library reads it', async () => {
  const { key, point } = await browserKey();
  const raw = new Uint8Array(
    await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, Uint8Array.from(keychainHash(hash, account))),
  );
  const bytes = toHex(keychainSignature(account, webcryptoSignature(raw, point))) as `0x${string}`;
  const read = SignatureEnvelope.deserialize(bytes) as { type: string; userAddress?: string; inner?: { type: string; prehash?: boolean } };
  expect(read).toMatchObject({ type: 'keychain', userAddress: account, inner: { type: 'p256', prehash: true } });
});

it('signs another thing for another account', () => {
  expect(keychainHash(hash, account)).not.toEqual(keychainHash(hash, `0x${'ac'.repeat(20)}`));
});

it('finds the one key that two signatures have in common', () => {
  const secret = p256.utils.randomSecretKey();
  const point = p256.getPublicKey(secret, false).slice(1);
  const found = ['one', 'two'].map((text) => {
    const message = new TextEncoder().encode(text);
    const der = p256.sign(message, secret, { prehash: true, format: 'der', lowS: false });
    return candidates(compactOf(der), message).map(accountOf);
  });
  const both = found[0]?.filter((a) => found[1]?.includes(a));
  expect(found.map((f) => f.length)).toEqual([2, 2]);
  expect(both).toEqual([accountOf(point)]);
});
