import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { anchorOf, verifyPage, verifyReceipt, type ReceiptProof } from '../src/index';
import { quorum } from '../src/certificate';
import { makeProof } from './make';

const flip = (hex: string, at: number): string => {
  const i = at < 0 ? hex.length + at : at;
  return hex.slice(0, i) + (hex[i] === '0' ? '1' : '0') + hex.slice(i + 1);
};

describe('a good proof', () => {
  it('is verified, with who signed and what happened', async () => {
    const proof = makeProof();
    const verdict = await verifyReceipt(proof, anchorOf(proof));
    expect(verdict).toMatchObject({
      ok: true,
      height: 48_226n,
      timestamp: 1_694_498_816n,
      signed: [true, true, true, false],
      needed: 3,
      receipt: { type: 2, ok: true },
    });
    if (verdict.ok) expect(verdict.receipt.logs[0]).toMatchObject({ address: `0x${'07'.repeat(20)}`, data: '0x05' });
  });
  it('is verified in script where the browser has no Ed25519', async () => {
    const proof = makeProof([0, 1, 2, 3]);
    const spy = vi.spyOn(globalThis.crypto.subtle, 'importKey').mockRejectedValue(new Error('NotSupportedError'));
    expect((await verifyReceipt(proof, anchorOf(proof))).ok).toBe(true);
    spy.mockRestore();
  });
});

it('a proof made by a real node of one office is verified', async () => {
  const proof = JSON.parse(readFileSync(new URL('./vectors/one-office.json', import.meta.url), 'utf8')) as ReceiptProof;
  expect(await verifyReceipt(proof, anchorOf(proof))).toMatchObject({
    ok: true,
    height: 4n,
    signed: [true],
    needed: 1,
    receipt: { ok: true },
  });
});

it('a page alone is verified, and refused where its header or a signature is another', async () => {
  const good = makeProof();
  const anchor = anchorOf(good);
  expect(await verifyPage(good, anchor)).toMatchObject({ ok: true, height: 48_226n, needed: 3 });
  const header = { ...good, header: flip(good.header, -1) };
  expect(await verifyPage(header, anchor)).toMatchObject({ ok: false, step: 'header' });
  const signature = { ...good, certificate: flip(good.certificate, -1) };
  expect(await verifyPage(signature, anchor)).toMatchObject({ ok: false, step: 'certificate' });
  const others = { ...anchor, validators: anchor.validators.slice().reverse() };
  expect(await verifyPage(good, others)).toMatchObject({ ok: false, step: 'anchor' });
});

describe('a bad proof fails at the step that is wrong', () => {
  const good = makeProof();
  const cases: [string, string, Partial<ReceiptProof>][] = [
    ['other offices', 'anchor', { validators: good.validators.slice().reverse() }],
    ['another book', 'anchor', { chain: { id: 1, genesis: `0x${'11'.repeat(32)}` } }],
    ['a changed signature', 'certificate', { certificate: flip(good.certificate, -1) }],
    ['a changed view', 'certificate', { certificate: flip(good.certificate, 5) }],
    ['a certificate cut short', 'certificate', { certificate: good.certificate.slice(0, -2) }],
    ['bytes left over', 'certificate', { certificate: `${good.certificate}00` }],
    ['no hex at all', 'certificate', { certificate: '0xzz' }],
    ['too few offices', 'certificate', makeProof([0, 1])],
    ['a changed header', 'header', { header: flip(good.header, 40) }],
    ['a changed receipt', 'path', { receipt: flip(good.receipt, -1) }],
    ['another position', 'path', { index: 1 }],
    ['a position that is not there', 'path', { index: 5 }],
    ['a path without its end', 'path', { proof: good.proof.slice(0, 1) }],
    ['a changed path', 'path', { proof: [flip(good.proof[0] ?? '', -1), good.proof[1] ?? ''] }],
  ];
  for (const [name, step, change] of cases)
    it(name, async () => {
      expect(await verifyReceipt({ ...good, ...change }, anchorOf(good))).toMatchObject({ ok: false, step });
    });
});

it('never throws, whatever comes', async () => {
  const good = makeProof();
  let seed = 7;
  const next = (n: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % n;
  };
  for (let i = 0; i < 200; i += 1) {
    const field = (['header', 'certificate', 'receipt'] as const)[next(3)] ?? 'header';
    const bad = { ...good, [field]: flip(good[field], 2 + next(good[field].length - 2)) };
    expect((await verifyReceipt(bad, anchorOf(good))).ok).toBe(false);
  }
});

it('needs more than two thirds of the offices', () => {
  expect([1, 2, 3, 4, 5, 7, 10].map(quorum)).toEqual([1, 2, 3, 3, 4, 5, 7]);
});
