import { beforeEach, expect, it, vi } from 'vitest';
import { keccakHex } from '../../sha';
import { marked, named, nameOf, NAME_MOST, names, rename } from '../names';

const KEY = `0x${'a1'.repeat(20)}`;
const kept = new Map<string, string>();
beforeEach(() => {
  kept.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
});

it('marks a name so that nobody finds it by trying, and keeps the words', () => {
  const [one, two] = [marked('客厅的平板'), marked('客厅的平板')];
  expect(one.label).toBe(keccakHex(one.words));
  expect(one.label).not.toBe(two.label);
  expect([keccakHex('客厅的平板'), `0x${'00'.repeat(32)}`]).not.toContain(one.label);
  named(KEY.toUpperCase().replace('X', 'x'), one.words);
  expect(nameOf(KEY)).toBe('客厅的平板');
  expect(names()[KEY]?.words).toBe(one.words);
});

it('has no mark for no name', () => {
  expect(marked('  ')).toEqual({ words: '', label: `0x${'00'.repeat(32)}` });
  named(KEY, '');
  expect(names()).toEqual({});
});

it('renames here alone, and keeps what the mark was made of', () => {
  const { words } = marked('平板');
  named(KEY, words);
  rename(KEY, ` ${'长'.repeat(NAME_MOST + 5)}\n`);
  expect(nameOf(KEY)).toBe('长'.repeat(NAME_MOST));
  expect(names()[KEY]?.words).toBe(words);
  rename(KEY, '');
  expect(nameOf(KEY)).toBe('');
});

it('begins anew where what was kept cannot be read', () => {
  for (const broken of ['{', '[]', 'null', '7']) {
    kept.set('tulou.names', broken);
    expect(names()).toEqual({});
  }
});
