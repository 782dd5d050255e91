import { describe, expect, it } from 'vitest';
import { shortBy } from '../data/council';
import { enBooks } from '../i18n/en.books';
import { enSheets } from '../i18n/en.sheets';
import { zhBooks } from '../i18n/zh.books';
import { n } from '../i18n/zh.count';
import { zhSheets } from '../i18n/zh.sheets';
import {
  keepers,
  lampOf,
  listeners,
  pageLamps,
  quorum,
  shortNames,
  RECENT_PAGES,
  sortOf,
  spare,
  standing,
  toConsortium,
  whatIf,
  type Lamp,
} from '../consortium';

describe('numbers follow from how many there are', () => {
  it('asks for n - floor((n-1)/3) signatures', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 10, 13, 20].map(quorum)).toEqual([1, 2, 3, 3, 4, 5, 5, 7, 9, 14]);
  });
  it('never lets two groups that can both sign be without a truthful member in common', () => {
    for (let k = 1; k <= 64; k += 1) expect(2 * quorum(k) - k).toBeGreaterThan(spare(k));
  });
  it('says how many may stop', () => {
    expect(whatIf(3)).toEqual({ on: null, waits: 1, quorum: 3 });
    expect(whatIf(5)).toEqual({ on: { from: 1, to: 1 }, waits: 2, quorum: 4 });
    expect(whatIf(7)).toEqual({ on: { from: 1, to: 2 }, waits: 3, quorum: 5 });
  });
  it('reads as words', () => {
    expect([4, 5, 7, 12, 20].map((x) => zhBooks.title(x))).toEqual(['四家账本', '五家账本', '七家账本', '十二家账本', '二十家账本']);
    expect([2, 10, 11, 19, 21].map(n)).toEqual(['两', '十', '十一', '十九', '21']);
    expect(enBooks.title(13)).toBe('The thirteen books');
    expect(zhBooks.stalledTitle(4, 3)).toBe('要四家签字才算数，现在只有三家');
  });
});

describe('a lamp', () => {
  const now = { fresh: true, signedAt: 100, checkedAt: 100 };
  it('is jade only for a signature that was checked here, and lately', () => {
    expect(lampOf({ state: 'agrees' }, 100, now)).toBe('ok');
    expect(lampOf({ state: 'agrees' }, 100, { fresh: true })).toBe('wait');
    expect(lampOf({ state: 'agrees' }, 100, { fresh: true, checkedAt: 100 })).toBe('quiet');
    expect(lampOf({ state: 'agrees' }, 101 + RECENT_PAGES, now)).toBe('wait');
    expect(lampOf({ state: 'agrees' }, 101 + RECENT_PAGES, { ...now, checkedAt: 120 })).toBe('quiet');
  });
  it('never vouches for an old answer', () => {
    for (const state of ['agrees', 'behind', 'stopped', 'differs'] as const)
      expect(lampOf({ state }, 100, { ...now, fresh: false })).toBe('wait');
  });
  it('takes bad news from the server without a signature', () => {
    expect(lampOf({ state: 'differs' }, 100, now)).toBe('bad');
    expect(lampOf({ state: 'behind' }, 100, now)).toBe('behind');
    expect(lampOf({ state: 'stopped' }, 100, now)).toBe('stopped');
  });
});

it('tells how the book stands', () => {
  const of = (text: string): Lamp[] => text.split(' ') as Lamp[];
  expect(standing(of('ok'), false)).toBe('lone');
  expect(standing(of('ok ok ok ok ok'), false)).toBe('all');
  expect(standing(of('ok ok quiet ok stopped'), false)).toBe('enough');
  expect(standing(of('ok ok ok behind stopped'), false)).toBe('short');
  expect(standing(of('ok ok ok stopped stopped'), true)).toBe('stalled');
  expect(standing(of('ok ok ok wait ok'), false)).toBe('checking');
  expect(standing(of('ok bad ok stopped stopped'), true)).toBe('differs');
});

it('puts a bitmap in the order of the council', () => {
  const members = [{ key: '0xcc' }, { key: '0xaa' }, { key: '0xdd' }];
  expect(pageLamps(members, ['0xAA', '0xbb', '0xcc'], [true, false, false])).toEqual([false, true, undefined]);
});

const member = (over: object) => ({
  name: '业委会',
  account: '0x00',
  key: '0xAA',
  kind: 'Validator',
  endpoint: '127.0.0.1:1',
  inSet: true,
  connected: true,
  lastSeenMs: 1,
  height: 7,
  hash: '0x01',
  program: 'tulou',
  release: '1',
  clockOffsetMs: null,
  signedLast: 3,
  ofLast: 7,
  lastSignedHeight: null,
  state: 'agrees',
  ...over,
});
const answer = (members: object[]) => ({
  ledger: { name: 'g', chainId: 1, genesis: '0xAB' },
  me: '0xAA',
  height: 7,
  leader: null,
  members,
  stalled: null,
});

it('reads what a node says, and takes an unknown word for no good news', () => {
  const c = toConsortium(
    answer([member({}), member({ key: '0xBB', inSet: false, kind: 'observer' }), member({ key: '0xCC', state: 'fine' })]) as never,
  );
  expect(keepers(c).map((m) => [m.key, m.state])).toEqual([
    ['0xaa', 'agrees'],
    ['0xcc', 'stopped'],
  ]);
  expect(listeners(c).map((m) => m.kind)).toEqual(['observer']);
  expect(c.members[0]?.lastSignedHeight).toBeNull();
  expect(() => toConsortium([] as never)).toThrow();
});

it('counts the votes that a proposal still needs', () => {
  const c = (leftValue: number) => ({ left_factor: 3, left_value: leftValue, right_factor: 2, right_value: 5 });
  expect([0, 3, 4, 5].map((x) => shortBy(c(x)))).toEqual([4, 1, 0, 0]);
});

it('names members shortly where that is clear, and fully where it is not', () => {
  const c = toConsortium(
    answer([
      member({ name: '桂花苑业主委员会' }),
      member({ key: '0xBB', name: '第一银行' }),
      member({ key: '0xCC', name: '第二银行' }),
    ]) as never,
  );
  expect([...shortNames(c.members, zhBooks.short).values()]).toEqual(['业委会', '第一银行', '第二银行']);
  expect(['区住建局', '街道办事处', '清澜物业', '开户行', '居委会'].map(sortOf)).toEqual(['bureau', 'street', 'manager', 'bank', 'other']);
});

const texts = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(texts)
      : typeof value === 'function'
        ? texts((value as (...a: unknown[]) => unknown)(2, 2, 2))
        : Object.values(value as object).flatMap(texts);
const paths = (value: unknown, at = ''): string[] =>
  value !== null && typeof value === 'object' ? Object.entries(value).flatMap(([k, v]) => paths(v, `${at}/${k}`)) : [at];

describe('the words of these pages', () => {
  it('have the same keys in both languages', () => {
    expect(paths(enBooks).sort()).toEqual(paths(zhBooks).sort());
    expect(paths(enSheets).sort()).toEqual(paths(zhSheets).sort());
  });
  it('spare people what they need not know', () => {
    const zh = texts([{ ...zhBooks, tech: {} }, zhSheets]);
    const en = texts([{ ...enBooks, tech: {} }, enSheets]);
    expect(zh.filter((s) => /区块|哈希|节点|共识|钱包|上链|提交|系统/.test(s))).toEqual([]);
    expect(en.filter((s) => /\b(block|chain|hash|node|consensus|wallet|gas|nonce|submit)\b/i.test(s))).toEqual([]);
    expect(en.filter((s) => /\p{Script=Han}/u.test(s))).toEqual([]);
  });
});
