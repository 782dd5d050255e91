import { beforeEach, expect, it, vi } from 'vitest';
import { parseKeySheet, printKeySheet } from '$verifier/index';
import { named, vectors } from '../../../verifier/tests/vectors';
import { check, latestCheck } from '../checking';
import { forget, trust, trusted } from '../trust';

const memory = new Map<string, string>();
let sheet = vectors.sheet;
const answers: Record<string, (params: unknown[]) => unknown> = {};

vi.mock('../prefs.svelte', () => ({
  get: (key: string) => memory.get(key) ?? null,
  set: (key: string, value: string) => memory.set(key, value),
}));
vi.mock('../rpc', () => {
  class RpcError extends Error {
    readonly code = -32000;
  }
  return {
    RpcError,
    rpc: (method: string, params: unknown[] = []) => {
      const answer = answers[method]?.(params);
      return answer === undefined ? Promise.reject(new RpcError('not there')) : Promise.resolve(answer);
    },
  };
});

const far = named('receipt: 127 on page 9');

beforeEach(() => {
  memory.clear();
  forget();
  sheet = vectors.sheet;
  vi.stubGlobal('location', { hostname: 'estate.example' });
  answers['tulou_getKeySheet'] = () => ({ text: sheet });
  answers['tulou_getEpochLink'] = ([epoch]) => vectors.links[Number(epoch)];
  answers['tulou_getFinality'] = () => named('page: of an epoch with five offices').proof;
  answers['tulou_getReceiptProof'] = () => far.proof;
});

it('pins the book at the first visit and follows the offices when they change', async () => {
  expect(trusted()).toBeNull();
  expect(await latestCheck()).toBe(4);
  expect(trusted()?.client.epoch).toBe(3n);
  const got = await check(far.transaction ?? '');
  expect(got?.verdict).toMatchObject({ ok: true, height: 9n });
  expect(got?.genesis).toBe(vectors.genesis);
});

it('believes no other book later, whatever the server says', async () => {
  await latestCheck();
  sheet = printKeySheet({ ...parseKeySheet(sheet), genesis: `0x${'22'.repeat(32)}` });
  expect(await latestCheck()).toBe(4);
  answers['tulou_getFinality'] = () => named('page: of another book with the same offices').proof;
  expect(await latestCheck()).toBe(0);
  expect(trusted()?.client.sheet.genesis).toBe(vectors.genesis);
});

it('meets a fresh demo anew on one’s own machine, but not where a sheet was scanned', async () => {
  vi.stubGlobal('location', { hostname: 'localhost' });
  const other = printKeySheet({ ...parseKeySheet(sheet), genesis: `0x${'22'.repeat(32)}` });
  sheet = other;
  expect(await latestCheck()).toBe(0);
  sheet = vectors.sheet;
  expect(await latestCheck()).toBe(4);
  trust(parseKeySheet(other), 'lobby');
  expect(await latestCheck()).toBe(0);
  trust(parseKeySheet(vectors.sheet), 'lobby');
  expect(await latestCheck()).toBe(4);
  trust(parseKeySheet(vectors.sheet), 'lobby');
  expect(trusted()?.client.epoch).toBe(3n);
});

it('says so where the server shows the receipt of another entry, or none', async () => {
  const got = await check(named('receipt: 0 on page 2').transaction ?? '');
  expect(got?.verdict).toMatchObject({ ok: false, step: 'transaction' });
  answers['tulou_getReceiptProof'] = () => null;
  expect(await check(far.transaction ?? '')).toBeNull();
});
