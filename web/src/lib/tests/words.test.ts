import { expect, it } from 'vitest';
import { en } from '../i18n/en';
import { enKeys } from '../i18n/en.keys';
import { enMine } from '../i18n/en.mine';
import { enPeople } from '../i18n/en.people';
import { enWays } from '../i18n/en.ways';
import { zh } from '../i18n/zh';
import { zhKeys } from '../i18n/zh.keys';
import { zhMine } from '../i18n/zh.mine';
import { zhPeople } from '../i18n/zh.people';
import { zhWays } from '../i18n/zh.ways';

const texts = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'function'
      ? [String((value as (...a: unknown[]) => unknown)('2', '2', '2'))]
      : Object.values(value as object).flatMap(texts);
const paths = (value: unknown, at = ''): string[] =>
  value !== null && typeof value === 'object' ? Object.entries(value).flatMap(([k, v]) => paths(v, `${at}/${k}`)) : [at];

/** Words that come with their screens. */
const late = { zh: { zhKeys, zhMine, zhPeople, zhWays }, en: { enKeys, enMine, enPeople, enWays } };

/** Everything but what stands behind a fold for the curious. */
const firstLevel = (d: typeof zh | typeof en) => ({ ...d, receipt: { ...d.receipt, tech: {} } });

it('has the same keys in both languages', () => {
  expect(paths(en).sort()).toEqual(paths(zh).sort());
  // A list may have another number of lines: what one language needs two for, the other says in one.
  const keys = (d: object): string[] => Object.values(d).flatMap((part) => paths(part)).filter((path) => !/\/\d+$/.test(path));
  expect(keys(late.en).sort()).toEqual(keys(late.zh).sort());
});

it('has no Han characters in English', () => {
  expect([...texts(en), ...texts(late.en)].filter((s) => /\p{Script=Han}/u.test(s))).toEqual([]);
});

it('never says on a first-level screen what people should not need to know', () => {
  expect([...texts(firstLevel(zh)), ...texts(late.zh)].filter((s) => /区块|哈希|节点|共识|钱包|上链|提交|系统/.test(s))).toEqual([]);
  expect([...texts(firstLevel(en)), ...texts(late.en)].filter((s) => /\b(block|chain|hash|node|consensus|wallet|gas|nonce|submit)\b/i.test(s))).toEqual([]);
});
