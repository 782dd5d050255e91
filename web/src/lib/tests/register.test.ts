import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { byUnit, commitment } from '../import';
import { readRegister, sums, type FileKey } from '../register';

const head = 'unit_id,building,stair,floor,door,use,area_m2,area_source,counts_area,counts_head,delivered,developer_owned\n';
const good: Record<FileKey, string> = {
  units: `${head}1-1-101,1,1,1,101,home,88.12,registered,true,true,true,false\n1-1-102,1,1,1,102,home,119.60,registered,true,true,false,false\n`,
  owners: 'owner_id,kind,name,phone\nO1,person,甲,\nO2,person,乙,13800000000\n',
  holdings:
    'unit_id,owner_id,share_num,share_den,kind,from_date\n1-1-101,O1,1,1,joint,2022-06-11\n1-1-101,O2,1,1,joint,2022-06-11\n1-1-102,O1,1,1,sole,2024-02-04\n',
};

describe('register', () => {
  it('counts joint owners once and what is not delivered for the developer', () => {
    const { register, faults } = readRegister(good);
    expect(faults).toEqual([]);
    expect(sums(register)).toEqual({ units: 2, area: 20_772n, heads: 2 });
  });

  const cases: [string, Partial<Record<FileKey, string>>, object][] = [
    [
      'a missing column',
      { owners: 'owner_id,name,phone\nO1,甲,\nO2,乙,\n' },
      { file: 'owners.csv', line: 1, column: 'kind', why: { kind: 'missing', what: 'kind' } },
    ],
    [
      'an area with three decimals',
      { units: good.units.replace('88.12', '88.125') },
      { file: 'units.csv', line: 2, column: 'area_m2', why: { kind: 'area' } },
    ],
    [
      'a flag that is none',
      { units: good.units.replace('registered,true', 'registered,yes') },
      { line: 2, column: 'counts_area', why: { kind: 'flag' } },
    ],
    [
      'a unit twice',
      { units: good.units + good.units.split('\n')[1] },
      { line: 4, column: 'unit_id', why: { kind: 'twice', what: '1-1-101' } },
    ],
    ['a cell too many', { holdings: good.holdings.replace('2024-02-04', '2024-02-04,x') }, { line: 4, why: { kind: 'columns', what: 6 } }],
    [
      'an owner nobody knows',
      { holdings: good.holdings.replace('102,O1', '102,O9') },
      { line: 4, column: 'owner_id', why: { kind: 'unknownOwner', what: 'O9' } },
    ],
    [
      'an open quotation mark',
      { owners: 'owner_id,kind,name,phone\nO1,person,甲,\nO2,person,"乙,\n' },
      { line: 3, why: { kind: 'quote' } },
    ],
  ];
  for (const [name, change, expected] of cases)
    it(`says where ${name} is`, () => {
      expect(readRegister({ ...good, ...change }).faults).toContainEqual(expect.objectContaining(expected));
    });

  it('seals an owner by all that is known of them', () => {
    const owner = { id: 'O1', kind: 'person', name: '甲', phone: '' };
    const salt = new Uint8Array(32).fill(7);
    expect(commitment(salt, owner)).toMatch(/^0x[0-9a-f]{64}$/);
    expect(commitment(salt, { ...owner, name: '乙' })).not.toBe(commitment(salt, owner));
    expect(commitment(salt, { ...owner, name: '', phone: '甲' })).not.toBe(commitment(salt, owner));
  });

  it('keeps the holdings of a unit in one batch', () => {
    const { register } = readRegister(good);
    expect(byUnit(register.holdings, 2).map((b) => b.map((h) => h.unit))).toEqual([['1-1-101', '1-1-101'], ['1-1-102']]);
  });
});

const folder = new URL('../../../../demo/guihua/', import.meta.url);
describe.skipIf(!existsSync(new URL('units.csv', folder)))('Guihua Garden', () => {
  it('gives 13,024.80 m2 and 116 heads', () => {
    const text = (name: FileKey) => readFileSync(new URL(`${name}.csv`, folder), 'utf8');
    const { register, faults } = readRegister({ units: text('units'), owners: text('owners'), holdings: text('holdings') });
    expect(faults).toEqual([]);
    expect(sums(register)).toEqual({ units: 126, area: 1_302_480n, heads: 116 });
  });
});
