import { webcrypto } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { expect, it } from 'vitest';
import { concat, toBase64url } from '$verifier/bytes';
import { demoAddress, demoKey } from '../../demo';
import { keychainHash, keychainSignature } from '../keychain';
import { accountOf, pointOf, webcryptoSignature } from '../p256';
import { speakerOf } from '../verify';
import { webauthnSignature } from '../webauthn';

const hash = new Uint8Array(32).fill(7);
const other = new Uint8Array(32).fill(8);
const account = `0x${'ab'.repeat(20)}`;

async function device(of: Uint8Array) {
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const point = pointOf(new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey)));
  const raw = new Uint8Array(await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, Uint8Array.from(of)));
  return { key: accountOf(point), signature: webcryptoSignature(raw, point) };
}

const secret = p256.utils.randomSecretKey();
const point = p256.getPublicKey(secret, false).slice(1);
function finger(of: Uint8Array, told: object = {}, flags = 0x05): Uint8Array {
  const seen = concat(new Uint8Array(32).fill(1), Uint8Array.of(flags, 0, 0, 0, 9));
  const client = new TextEncoder().encode(JSON.stringify({ type: 'webauthn.get', challenge: toBase64url(of), ...told }));
  const signature = p256.sign(concat(seen, sha256(client)), secret, { prehash: true, format: 'der', lowS: true });
  return webauthnSignature({ authenticatorData: seen, clientData: client, signature }, point);
}

function wallet(of: Uint8Array): Uint8Array {
  const signed = secp256k1.sign(of, demoKey('O0054'), { prehash: false, lowS: true, format: 'recovered' });
  return concat(signed.subarray(1), Uint8Array.of(27 + (signed[0] ?? 0)));
}

it('knows a wallet, an authenticator and a device key, each by its own address', async () => {
  expect(speakerOf(wallet(hash), hash)).toEqual({ key: demoAddress('O0054'), account: demoAddress('O0054') });
  expect(speakerOf(finger(hash), hash)).toEqual({ key: accountOf(point), account: accountOf(point) });
  const { key, signature } = await device(hash);
  expect(speakerOf(signature, hash)).toEqual({ key, account: key });
});

it('knows for which account a key of another one signed', async () => {
  const { key, signature } = await device(keychainHash(hash, account));
  expect(speakerOf(keychainSignature(account, signature), hash)).toEqual({ key, account });
  expect(speakerOf(keychainSignature(account, finger(keychainHash(hash, account))), hash)).toEqual({ key: accountOf(point), account });
  // What was signed for one account counts for no other.
  expect(speakerOf(keychainSignature(`0x${'cd'.repeat(20)}`, signature), hash)).toBeNull();
  // One layer only.
  expect(speakerOf(keychainSignature(account, keychainSignature(account, signature)), hash)).toBeNull();
});

it('believes nothing else', async () => {
  for (const signature of [finger(hash), (await device(hash)).signature]) expect(speakerOf(signature, other)).toBeNull();
  expect(speakerOf(wallet(hash), other)?.key).not.toBe(demoAddress('O0054'));
  expect(speakerOf(finger(hash, { type: 'webauthn.create' }), hash)).toBeNull();
  expect(speakerOf(finger(hash, { challenge: toBase64url(other) }), hash)).toBeNull();
  expect(speakerOf(finger(hash, {}, 0x01), hash), 'nobody was verified').toBeNull();
  for (const odd of [new Uint8Array(), Uint8Array.of(4), new Uint8Array(65), new Uint8Array(130).fill(1), new Uint8Array(300).fill(2)])
    expect(speakerOf(odd, hash)).toBeNull();
});

it('is not moved by a byte', () => {
  const good = finger(hash);
  for (let at = 0; at < good.length; at += 1) {
    const bad = Uint8Array.from(good);
    bad[at] = (bad[at] ?? 0) ^ 1;
    expect(speakerOf(bad, hash)?.key, `byte ${at}`).not.toBe(accountOf(point));
  }
});
