import { generateKeyPairSync, sign as signWith } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromBase64url, toBase64url } from '$verifier/bytes';
import { hindrance, PasskeyTrouble, register, sign } from '../device';
import { accountOf } from '../p256';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }));
const id = Uint8Array.of(1, 2, 3);
let create: ReturnType<typeof vi.fn>;
let get: ReturnType<typeof vi.fn>;

/** An authenticator in software: signs what it is asked to. */
function assert({ publicKey }: CredentialRequestOptions): unknown {
  const authenticatorData = concat(sha256(new TextEncoder().encode(publicKey?.rpId ?? '')), Uint8Array.of(0x1d, 0, 0, 0, 1));
  const challenge = toBase64url(publicKey?.challenge as Uint8Array);
  const clientDataJSON = new TextEncoder().encode(JSON.stringify({ type: 'webauthn.get', challenge }));
  const signature = new Uint8Array(signWith('sha256', concat(authenticatorData, sha256(clientDataJSON)), pair.privateKey));
  return { response: { authenticatorData, clientDataJSON, signature } };
}

beforeEach(() => {
  create = vi.fn(async () => ({ rawId: id, response: { getPublicKey: () => spki, getPublicKeyAlgorithm: () => -7 } }));
  get = vi.fn(async (asked: CredentialRequestOptions) => assert(asked));
  vi.stubGlobal('location', { hostname: 'estate.example' });
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('PublicKeyCredential', class {});
  vi.stubGlobal('navigator', { credentials: { create, get } });
});

describe('a key', () => {
  it('is of P-256, found without a name, asks for a person, and would seal', async () => {
    const key = await register('2 栋 302');
    expect(key).toEqual({ id: toBase64url(id), point: toBase64url(spki.slice(-64)), address: accountOf(spki.slice(-64)) });
    const asked = (create.mock.calls[0] as [CredentialCreationOptions])[0].publicKey;
    expect(asked?.pubKeyCredParams).toEqual([{ type: 'public-key', alg: -7 }]);
    expect(asked?.authenticatorSelection).toEqual({ residentKey: 'required', userVerification: 'required' });
    expect(asked?.rp.id).toBe('estate.example');
    expect(asked?.extensions).toHaveProperty('prf');
  });

  it('signs a hash so that the ledger can check it, whichever s came', async () => {
    const key = await register('x');
    for (let i = 0; i < 12; i += 1) {
      const hash = new Uint8Array(32).fill(i);
      const out = await sign(key, hash);
      const [data, rs, point] = [out.slice(1, -128), out.slice(-128, -64), out.slice(-64)];
      expect(out[0]).toBe(2);
      expect(toBase64url(point)).toBe(key.point);
      const message = concat(data.slice(0, 37), sha256(data.slice(37)));
      expect(p256.verify(rs, message, concat(Uint8Array.of(4), fromBase64url(key.point)), { lowS: true })).toBe(true);
    }
  });
});

describe('what goes wrong is told apart', () => {
  const trouble = (name: string) => () => Promise.reject(new DOMException('', name));
  it.each([
    ['NotAllowedError', 'cancelled'],
    ['SecurityError', 'bare'],
    ['NotSupportedError', 'nothing'],
    ['InvalidStateError', 'gone'],
    ['UnknownError', 'unfit'],
  ])('%s', async (name, what) => {
    create.mockImplementation(trouble(name));
    await expect(register('x')).rejects.toEqual(new PasskeyTrouble(what as 'gone'));
    await expect(register('x')).rejects.toHaveProperty('what', what);
  });

  it('a key of another kind', async () => {
    create.mockResolvedValue({ rawId: id, response: { getPublicKey: () => spki, getPublicKeyAlgorithm: () => -257 } });
    await expect(register('x')).rejects.toHaveProperty('what', 'unfit');
    create.mockResolvedValue({ rawId: id, response: { getPublicKey: () => null, getPublicKeyAlgorithm: () => -7 } });
    await expect(register('x')).rejects.toHaveProperty('what', 'unfit');
  });

  it('what stands in the way is said before anybody is asked', async () => {
    expect(hindrance()).toBeUndefined();
    vi.stubGlobal('PublicKeyCredential', undefined);
    expect(hindrance()).toBe('browser');
    vi.stubGlobal('isSecureContext', false);
    expect(hindrance()).toBe('insecure');
    for (const hostname of ['192.168.1.7', '127.0.0.1', '[::1]']) {
      vi.stubGlobal('location', { hostname });
      expect(hindrance()).toBe('bare');
    }
    await expect(register('x')).rejects.toHaveProperty('what', 'bare');
    expect(create).not.toHaveBeenCalled();
  });
});
