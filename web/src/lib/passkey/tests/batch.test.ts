import { readFileSync } from 'node:fs';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toBase64url, toHex } from '$verifier/bytes';
import { asBytes, asList, asUint, decodeRlp } from '$verifier/rlp';
import { encodeBatch, rlp, signingHash, type Batch } from '../batch';
import { accountOf } from '../p256';

interface Vector {
  name: string;
  sender: string;
  hash: string;
  raw: string;
}
/** What `viem/tempo` signs; the same file that the ledger's own tests read. */
const vectors = JSON.parse(
  readFileSync(new URL('../../../../../crates/primitives/src/transaction/vectors.json', import.meta.url), 'utf8'),
) as Vector[];
const vector = (name: string): Vector => {
  const found = vectors.find((v) => v.name === name);
  if (!found) throw new Error(`no vector ${name}`);
  return found;
};

function read(raw: string): { batch: Batch; signature: Uint8Array } {
  const f = asList(decodeRlp(fromHex(raw).subarray(1)));
  const calls = asList(f[4]).map((c) => {
    const [to, value, input] = asList(c);
    return { to: asBytes(to), value: asUint(value), input: asBytes(input) };
  });
  const at = (i: number): bigint => asUint(f[i]);
  return {
    batch: {
      chainId: at(0),
      maxPriorityFeePerGas: at(1),
      maxFeePerGas: at(2),
      gasLimit: at(3),
      calls,
      nonce: at(7),
      before: at(8),
      after: at(9),
    },
    signature: asBytes(f[13]),
  };
}

describe('a batch', () => {
  it.each(['secp256k1', 'p256', 'webauthn', 'window'])('is written as viem writes it: %s', (name) => {
    const { raw, hash } = vector(name);
    const { batch, signature } = read(raw);
    const mine = encodeBatch(batch, signature);
    expect(toHex(mine)).toBe(raw);
    expect(toHex(keccak_256(mine))).toBe(hash);
  });

  it('has the window in its place', () => {
    expect(read(vector('window').raw).batch).toMatchObject({ after: 1000n, before: 2000n, nonce: 7n, chainId: 8899n });
  });

  it.each(['webauthn', 'window'])('has the hash that the authenticator signed, and its account: %s', (name) => {
    const { raw, sender } = vector(name);
    const { batch, signature } = read(raw);
    const [data, rs, point] = [signature.slice(1, -128), signature.slice(-128, -64), signature.slice(-64)];
    const [authenticator, client] = [data.slice(0, 37), data.slice(37)];
    const said = JSON.parse(new TextDecoder().decode(client)) as { challenge: string };
    expect(said.challenge).toBe(toBase64url(signingHash(batch)));
    expect(p256.verify(rs, concat(authenticator, sha256(client)), concat(Uint8Array.of(4), point))).toBe(true);
    expect(accountOf(point)).toBe(sender);
  });

  it('has the account of a bare P-256 key', () => {
    const { raw, sender } = vector('p256');
    expect(accountOf(read(raw).signature.slice(65, 129))).toBe(sender);
  });

  it('refuses no call and a call to nowhere', () => {
    const { batch } = read(vector('p256').raw);
    expect(() => signingHash({ ...batch, calls: [] })).toThrow('without a call');
    expect(() => signingHash({ ...batch, calls: [{ to: new Uint8Array(), value: 0n, input: new Uint8Array() }] })).toThrow('an address');
    expect(() => signingHash({ ...batch, nonce: -1n })).toThrow('below 0');
  });
});

describe('RLP', () => {
  it.each([
    [0n, '0x80'],
    [127n, '0x7f'],
    [128n, '0x8180'],
    [1024n, '0x820400'],
  ])('writes %s in the shortest way', (value, want) => {
    expect(toHex(rlp(value))).toBe(want);
  });
  it.each([0, 1, 55, 56, 255, 256, 70_000])('reads back %s bytes and a list of them', (length) => {
    const bytes = new Uint8Array(length).fill(0xaa);
    expect(toHex(asBytes(decodeRlp(rlp(bytes))))).toBe(toHex(bytes));
    const [first, rest] = asList(decodeRlp(rlp([bytes, [bytes]])));
    expect([first, asList(rest)[0]].map((item) => toHex(asBytes(item)))).toEqual([toHex(bytes), toHex(bytes)]);
  });
});
