/** The register as screens use it. Areas are hundredths of m². */
import { bool, list, m2, num, obj, read, readAll, ReadError, str, type Json, type Obj } from '../api';

export interface Totals {
  units: number;
  area: bigint;
  heads: number;
  places: number;
}
export interface Unit {
  id: number;
  code: string;
  building: number;
  stair: number;
  use: number;
  area: bigint;
  countsArea: boolean;
  countsHead: boolean;
  delivered: boolean;
  developerOwned: boolean;
  head: string;
}
export interface Roll {
  id: number;
  kind: number;
  area: bigint;
  heads: number;
  units: number;
  takenAt: number;
  postedUntil: number;
  objections: number;
  openObjections: number;
}
export interface Building {
  building: number;
  area: bigint;
  heads: number;
  units: number;
  stairs: number[];
}

export async function totals(): Promise<Totals> {
  const o = obj(await read('registry', 'totals'));
  return { units: num(o['units']), area: m2(o['area_m2']), heads: num(o['heads']), places: num(o['places']) };
}

function toUnit(o: Obj): Unit {
  const e = obj(o['entry']);
  return {
    id: num(o['id']),
    code: str(e['code']),
    building: num(e['building']),
    stair: num(e['stair']),
    use: num(e['use']),
    area: m2(e['area_m2']),
    countsArea: bool(e['counts_area']),
    countsHead: bool(e['counts_head']),
    delivered: bool(e['delivered']),
    developerOwned: bool(e['developer_owned']),
    head: str(o['head']),
  };
}
const rows = (v: Json): Obj[] => list(Array.isArray(v) ? v : obj(v)['items']).map(obj);

export const units = async (): Promise<Unit[]> => (await readAll('registry', 'units', { of_building: 0 })).map(toUnit);

export const unitById = async (id: number): Promise<Unit> => toUnit(obj(await read('registry', 'unit', { id })));

export const unitByCode = async (code: string): Promise<Unit> => toUnit(obj(await read('registry', 'unit_by_code', { code })));

/** Who holds a unit now, as commitments. */
export const holdersOf = async (unit: number): Promise<string[]> =>
  rows(await read('registry', 'holdings_of', { of_unit: unit })).map((o) => str(o['owner']));

/** Units of an account that count in decisions; empty where it has none. */
export async function unitsOf(account: string | undefined): Promise<Unit[]> {
  if (!account) return [];
  try {
    return rows(await read('registry', 'mine', { account }))
      .map(toUnit)
      .filter((u) => u.countsHead || u.countsArea);
  } catch (cause) {
    // A stranger has no homes; somebody who is signed out may have, and is told to sign in.
    if (cause instanceof ReadError && cause.status === 401) throw cause;
    return [];
  }
}

export const rolls = async (): Promise<Roll[]> =>
  (await readAll('registry', 'rolls')).map((o) => ({
    id: num(o['id']),
    kind: num(o['kind']),
    area: m2(o['area_m2']),
    heads: num(o['heads']),
    units: num(o['units']),
    takenAt: num(o['taken_at']),
    postedUntil: num(o['posted_until']),
    objections: num(o['objections']),
    openObjections: num(o['open_objections']),
  }));

export const buildings = async (): Promise<Building[]> =>
  rows(await read('registry', 'buildings')).map((o) => ({
    building: num(o['building']),
    area: m2(o['area_m2']),
    heads: num(o['heads']),
    units: num(o['units']),
    stairs: list(o['stairs']).map(num),
  }));

/** Weight of a scope's electorate as it stands now; heads of a stair are counted from its units. */
export async function scopeWeight(kind: number, building: number, stair: number): Promise<{ area: bigint; heads: number; units: number }> {
  if (kind === 1) return totals();
  const inScope = (await units()).filter((u) => u.building === building && (kind === 2 || u.stair === stair) && u.countsArea);
  return {
    area: inScope.reduce((n, u) => n + u.area, 0n),
    heads: new Set(inScope.filter((u) => u.countsHead).map((u) => u.head)).size,
    units: inScope.length,
  };
}
