import { expect, it } from 'vitest';
import { differ } from '../keysheet';

const key = (n: number): string => `0x${n.toString(16).padStart(2, '0').repeat(32)}`;
const sheet = (over: object = {}) => ({
  chainId: 820n,
  genesis: key(9),
  epochLength: 500n,
  epoch: 0n,
  validators: [key(1), key(2), key(0xab)],
  ...over,
});

it('finds no difference between equal sheets, however the hex is written', () => {
  expect(differ(sheet(), sheet({ validators: [key(1), key(2), key(0xab).toUpperCase().replace('0X', '0x')] }))).toBeNull();
});

it('names who stands on one side only', () => {
  expect(differ(sheet(), sheet({ validators: [key(1), key(3), key(0xab)] }))).toMatchObject({
    book: false,
    onlyPrinted: [key(2)],
    onlyServer: [key(3)],
  });
});

it('tells another book by its number, its beginning or its terms', () => {
  for (const over of [{ chainId: 821n }, { genesis: key(8) }, { epochLength: 100n }]) expect(differ(sheet(), sheet(over))?.book).toBe(true);
});
