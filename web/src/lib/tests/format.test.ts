import { describe, expect, it } from 'vitest';
import {
  area,
  barShare,
  checkCode,
  dayStart,
  deadline,
  hundredths,
  isoDay,
  left,
  parseHundredths,
  percentCut,
  unitName,
  wan,
  yuan,
} from '../format';

describe('money and area', () => {
  it('groups and keeps both decimals', () => {
    expect(hundredths(9_377_856n)).toBe('93,778.56');
    expect(hundredths(0n)).toBe('0.00');
    expect(hundredths(-200n)).toBe('\u22122.00');
    expect(yuan(37_569n, 'zh')).toBe('375.69 元');
    expect(yuan(-200n, 'en')).toBe('\u2212¥2.00');
    expect(area(1_302_480n, 'zh')).toBe('13,024.80 ㎡');
    expect(wan(25_030_000n)).toBe('25.03');
  });
  it('reads what it writes and refuses the rest', () => {
    for (const v of [0n, 5n, 99n, 1_302_480n, -200n]) expect(parseHundredths(hundredths(v).replace('\u2212', '-'))).toBe(v);
    expect(parseHundredths('7')).toBe(700n);
    expect(parseHundredths('7.5')).toBe(750n);
    for (const bad of ['', 'x', '1.234', '1e3', '--1']) expect(() => parseHundredths(bad)).toThrow(RangeError);
  });
  it('cuts percent, so that just under two thirds never shows as 66.7', () => {
    expect(percentCut(86_699n, 130_000n)).toBe('66.6%');
    expect(percentCut(2n, 3n)).toBe('66.6%');
    expect(percentCut(0n, 0n)).toBe('0.0%');
    expect(barShare(5n, 4n)).toBe(100);
  });
});

describe('dates', () => {
  const midnight = Date.parse('2026-03-13T00:00:00+08:00') / 1000;
  const now = Date.parse('2026-03-10T10:00:00+08:00') / 1000;
  it('writes a deadline at midnight as 24:00 of the day that ends', () => {
    expect(deadline(midnight, 'zh')).toContain('3月12日 周四 24:00');
    expect(deadline(midnight + 3600, 'zh')).toContain('3月13日 周五 01:00');
  });
  it('says what is left in two units', () => {
    expect(left(midnight, 'zh', now)).toBe('还有 2 天 14 小时');
    expect(left(now + 3700, 'en', now)).toBe('1 h 1 min left');
    expect(left(now, 'zh', now)).toBeNull();
  });
  it('uses the days of the community, whatever the device thinks', () => {
    expect(isoDay(midnight - 1)).toBe('2026-03-12');
    expect(dayStart('2026-03-13')).toBe(midnight);
  });
});

it('names homes as people do', () => {
  expect(unitName('2-1-302', 'zh')).toBe('2号楼1单元302室');
  expect(unitName('2-S-03', 'zh')).toBe('2号楼商铺03');
  expect(unitName('P-017', 'zh')).toBe('P-017');
});

it('makes check codes without I, O, 0 and 1', () => {
  const groups = checkCode(`0x${'ffee0123456789abcdef'.repeat(3)}ffff`);
  expect(groups).toHaveLength(4);
  expect(groups.join('')).toMatch(/^[A-HJ-NP-Z2-9]{16}$/);
  expect(checkCode('0x00')).not.toEqual(groups);
});
