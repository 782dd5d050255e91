import { describe, expect, it } from 'vitest';
import { keccak256, encodePacked, recoverAddress, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { fromHex, toHex } from '$verifier/bytes';
import { letterKey, letterProof, newSecret, parseLetter, printLetter } from '../letter';

const secret = fromHex('44'.repeat(32));
const letter = { unit: 208, id: 17n, secret, code: '' };
const account = '0x753760da489ab353f18a0e379309545716fd79cb';

describe('a letter', () => {
  it('reads back, with and without the mark of a fragment', () => {
    const text = printLetter(letter);
    expect(text).toBe(`1.208.17.${'RERE'.repeat(10)}REQ`);
    expect(parseLetter(text)).toEqual(letter);
    expect(parseLetter(`#${text}`)).toEqual(letter);
  });
  it('says which home it is for, and is known to be cut off by the secret at its end', () => {
    const named = printLetter({ ...letter, code: '3号楼商铺03' });
    expect(parseLetter(named)).toEqual({ ...letter, code: '3号楼商铺03' });
    expect(() => parseLetter(named.slice(0, -1))).toThrow();
    expect(() => parseLetter(`${named}.x`)).toThrow();
  });
  it('is refused where something is missing, too much or of another version', () => {
    const text = printLetter(letter);
    const bad = [
      '',
      '#',
      text.slice(0, -1),
      `${text}A`,
      `${text}.1`,
      text.replace(/^1/, '2'),
      text.replace('.208', '.0'),
      text.replace('.17', '.-1'),
    ];
    bad.push(text.replace('.208', '.1e3'), printLetter({ ...letter, secret: new Uint8Array(32) }), text.replace('RERE', 'RE+E'));
    for (const one of bad) expect(() => parseLetter(one), one).toThrow();
  });
  it('has a secret of its own each time', () => {
    const [a, b] = [newSecret(), newSecret()];
    expect(a.length).toBe(32);
    expect(toHex(a)).not.toBe(toHex(b));
  });
  it('is known by the address of its key', () => {
    expect(letterKey(secret)).toBe(privateKeyToAccount(toHex(secret) as Hex).address.toLowerCase());
  });
  it('proves itself for one account on one ledger', async () => {
    const hash = (chain: bigint, id: bigint, who: string) =>
      keccak256(encodePacked(['string', 'uint64', 'uint64', 'address'], ['tulou/invitation/v1', chain, id, who as Hex]));
    const signature = toHex(letterProof(letter, 8899n, account)) as Hex;
    const signer = (h: Hex) => recoverAddress({ hash: h, signature }).then((a) => a.toLowerCase());
    expect(await signer(hash(8899n, 17n, account))).toBe(letterKey(secret));
    expect(await signer(hash(8898n, 17n, account))).not.toBe(letterKey(secret));
    expect(await signer(hash(8899n, 18n, account))).not.toBe(letterKey(secret));
    expect(await signer(hash(8899n, 17n, letterKey(secret)))).not.toBe(letterKey(secret));
  });
});
