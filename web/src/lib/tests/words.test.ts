import { expect, it } from 'vitest';
import { en } from '../i18n/en';
import { zh } from '../i18n/zh';

const texts = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'function'
      ? [String((value as (...a: unknown[]) => unknown)('2', '2', '2'))]
      : Object.values(value as object).flatMap(texts);
const paths = (value: unknown, at = ''): string[] =>
  value !== null && typeof value === 'object' ? Object.entries(value).flatMap(([k, v]) => paths(v, `${at}/${k}`)) : [at];

/** Everything but what stands behind a fold for the curious. */
const firstLevel = (d: typeof zh | typeof en) => ({ ...d, receipt: { ...d.receipt, tech: {} } });

it('has the same keys in both languages', () => {
  expect(paths(en).sort()).toEqual(paths(zh).sort());
});

it('has no Han characters in English', () => {
  expect(texts(en).filter((s) => /\p{Script=Han}/u.test(s))).toEqual([]);
});

it('never says on a first-level screen what people should not need to know', () => {
  expect(texts(firstLevel(zh)).filter((s) => /区块|哈希|节点|共识|钱包|上链|提交|系统/.test(s))).toEqual([]);
  expect(texts(firstLevel(en)).filter((s) => /\b(block|chain|hash|node|consensus|wallet|gas|nonce|submit)\b/i.test(s))).toEqual([]);
});
