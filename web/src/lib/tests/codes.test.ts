import { beforeAll, expect, it, vi } from 'vitest';
import { accountIn, accountLink, addIn, addLink, answerIn, answerLink, keyCode, Suite, vouchIn, vouchLink } from '../codes';

const account = `0x${'ab'.repeat(20)}`;
const key = `0x${'cd'.repeat(20)}`;

beforeAll(() => {
  vi.stubGlobal('location', { origin: 'https://gui.example' });
});

it('reads back what it writes, whole or as a fragment alone', () => {
  expect(accountLink(account)).toBe(`https://gui.example/devices/new#1.${account}`);
  expect(accountIn(accountLink(account))).toBe(account);
  expect(accountIn(account.toUpperCase().replace('0X', '0x'))).toBe(account);
  expect(addIn(addLink(account, key))).toEqual({ account, key });
  expect(addIn(`#1.${account}.${key}`)).toEqual({ account, key });
  expect(vouchIn(vouchLink(key, Suite.WebAuthn))).toEqual({ key, suite: 3 });
  expect(answerIn(answerLink(account, null))).toEqual({ account, id: 0, readyAt: 0 });
  expect(answerIn(answerLink(account, { id: 7, readyAt: 1_800_000_000 }))).toEqual({ account, id: 7, readyAt: 1_800_000_000 });
});

it('takes nothing that is cut, of another version, or no address', () => {
  for (const bad of ['', '#', `#2.${account}.${key}`, `#1.${account}.${key.slice(0, -1)}`, '#1.2-1-302']) {
    expect(addIn(bad)).toBeNull();
    expect(vouchIn(bad)).toBeNull();
  }
  expect(vouchIn(`#1.${key}.9`)).toBeNull();
  expect(answerIn(`#1.${account}.x`)).toBeNull();
  expect(accountIn('2-1-302')).toBeNull();
});

it('gives two keys two codes to compare', () => {
  expect(keyCode(key)).toHaveLength(4);
  expect(keyCode(key)).not.toEqual(keyCode(account));
});
