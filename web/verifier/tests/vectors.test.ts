import { describe, expect, it, vi } from 'vitest';
import { LightClient, parseKeySheet, printKeySheet, SheetError } from '../src/index';
import { quorum } from '../src/certificate';
import { asAccount, asLink, asPage, asReceipt, clientAt, named, vectors, type Case } from './vectors';

async function verdict(x: Case): Promise<string> {
  if (x.kind === 'sheet') {
    try {
      const sheet = parseKeySheet(x.text ?? '');
      expect(parseKeySheet(printKeySheet(sheet))).toEqual(sheet);
      return 'ok';
    } catch (error) {
      expect(error).toBeInstanceOf(SheetError);
      return 'sheet';
    }
  }
  const client = await clientAt(x.follow ?? 0, x.sheet);
  const name = (found: { ok: true } | { ok: false; step: string }) => (found.ok ? 'ok' : found.step);
  if (x.kind === 'link') {
    const before = client.epoch;
    const found = await client.follow(asLink(x));
    expect(client.epoch).toBe(before + (found.ok ? 1n : 0n));
    return name(found);
  }
  if (x.kind === 'page') {
    const found = await client.page(asPage(x));
    if (found.ok) expect(Number(found.height)).toBe(x.height);
    return name(found);
  }
  if (x.kind === 'receipt') {
    const found = await client.receipt(asReceipt(x), x.transaction ?? '');
    if (found.ok) expect(found.receipt.ok).toBe(x.succeeded);
    return name(found);
  }
  const { page, account } = asAccount(x);
  const found = await client.account(page, account);
  if (found.ok) expect(found.account.balance).toBe(BigInt(x.balance ?? ''));
  return name(found);
}

describe('every shared vector is accepted or fails at the step it names', () => {
  for (const x of vectors.cases) it(x.name, async () => expect(await verdict(x)).toBe(x.expect));
});

it('what the browser cannot do is done in script, with the same answers', async () => {
  const spy = vi.spyOn(globalThis.crypto.subtle, 'importKey').mockRejectedValue(new Error('NotSupportedError'));
  for (const name of ['page: of the first epoch', 'certificate: an altered second half of a signature', 'certificate: by all']) {
    const x = named(name);
    expect(await verdict(x), name).toBe(x.expect);
  }
  spy.mockRestore();
});

it('a sheet of five offices fits a square code', () => {
  const five = vectors.cases.find((x) => x.name === 'sheet: five keys and a later epoch')?.text ?? '';
  expect(five.length).toBeLessThan(350);
  const sheet = parseKeySheet(five);
  expect([sheet.validators.length, sheet.epoch, sheet.epochLength]).toEqual([5, 7n, 500n]);
});

it('says who signed, what happened, and goes on from what was saved', async () => {
  const client = await clientAt(2);
  const x = named('receipt: 127 on page 9');
  const found = await client.receipt(asReceipt(x), x.transaction ?? '');
  expect(found).toMatchObject({ ok: true, height: 9n, epoch: 2n, needed: 4, signed: [true, true, true, true, false] });
  const third = named('receipt: 3 on page 2');
  const events = await client.receipt(asReceipt(third), third.transaction ?? '');
  expect(events.ok && events.receipt.logs[0]?.address).toBe(`0x${'77'.repeat(20)}`);
  expect(client.head?.height).toBe(9n);
  const again = LightClient.load(client.save());
  expect(again?.epoch).toBe(2n);
  expect(again?.head).toEqual(client.head);
  expect(again?.offices(1n)).toEqual(vectors.links[0]?.next);
  expect(again?.offices(2n)).toEqual(vectors.links[1]?.next);
  expect(again?.offices(3n)).toBeNull();
  expect(LightClient.load('nonsense')).toBeNull();
});

it('wants the page that was asked for', async () => {
  const client = await clientAt(0);
  const page = asPage(named('page: of the first epoch'));
  expect((await client.page(page, 2n)).ok).toBe(true);
  expect(await client.page(page, 1n)).toMatchObject({ ok: false, step: 'header' });
});

it('never throws, whatever comes', async () => {
  const client = await clientAt(0);
  const x = named('receipt: 3 on page 2');
  const good = asReceipt(x);
  let seed = 7;
  const next = (n: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % n;
  };
  for (let i = 0; i < 60; i += 1) {
    const field = (['header', 'certificate', 'receipt', 'transaction'] as const)[next(4)] ?? 'header';
    const at = 2 + next(good[field].length - 2);
    const changed = good[field].slice(0, at) + (good[field][at] === '0' ? '1' : '0') + good[field].slice(at + 1);
    expect((await client.receipt({ ...good, [field]: changed }, x.transaction ?? '')).ok).toBe(false);
  }
  for (const nonsense of [{}, null, 7, { header: 3 }, { header: '0xzz', certificate: '0x' }])
    expect((await client.page(nonsense as never)).ok).toBe(false);
});

it('needs more than two thirds of the offices', () => {
  expect([1, 2, 3, 4, 5, 7, 10].map(quorum)).toEqual([1, 2, 3, 3, 4, 5, 7]);
});
