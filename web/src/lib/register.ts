/** Turns the estate's three tables into register entries, or into a list of everything that is wrong with them. */
import { parseHundredths } from './format';
import { parseCsv, type Fault, type Row, type Why } from './csv';

export interface UnitEntry {
  code: string;
  building: number;
  stair: number;
  floor: number;
  use: number;
  areaM2: bigint;
  areaSource: number;
  countsArea: boolean;
  countsHead: boolean;
  delivered: boolean;
  developerOwned: boolean;
}
export interface HoldingEntry {
  unit: string;
  owner: string;
  shareNum: number;
  shareDen: number;
  kind: number;
  since: number;
}
/** Name and telephone are read to seal the owner's commitment; they stay on this device. */
export interface OwnerEntry {
  id: string;
  kind: string;
  name: string;
  phone: string;
}
export interface Register {
  units: UnitEntry[];
  owners: OwnerEntry[];
  holdings: HoldingEntry[];
}
export interface Sums {
  units: number;
  area: bigint;
  heads: number;
}

export const columns = {
  units: [
    'unit_id',
    'building',
    'stair',
    'floor',
    'door',
    'use',
    'area_m2',
    'area_source',
    'counts_area',
    'counts_head',
    'delivered',
    'developer_owned',
  ],
  owners: ['owner_id', 'kind', 'name', 'phone'],
  holdings: ['unit_id', 'owner_id', 'share_num', 'share_den', 'kind', 'from_date'],
} as const;
export type FileKey = keyof typeof columns;

const uses = ['home', 'shop', 'parking'];
const sources = ['registered', 'surveyed', 'contract'];
const kinds = ['sole', 'joint', 'by_share'];
const ownerKinds = ['person', 'company', 'developer'];

export function readRegister(texts: Record<FileKey, string>): { register: Register; faults: Fault[] } {
  const faults: Fault[] = [];
  const table = (key: FileKey): Row[] => {
    const t = parseCsv(`${key}.csv`, texts[key], columns[key]);
    faults.push(...t.faults);
    return t.rows;
  };
  const unitRows = table('units'),
    ownerRows = table('owners'),
    holdingRows = table('holdings');
  const blank: Register = { units: [], owners: [], holdings: [] };
  // A file without its columns makes every row of the others look wrong: say only what is the matter.
  if (faults.some((f) => f.why.kind === 'missing')) return { register: blank, faults };
  once('units.csv', 'unit_id', unitRows, faults);
  once('owners.csv', 'owner_id', ownerRows, faults);
  const units = unitRows.map((row) => unitEntry(new Cells('units.csv', row, faults)));
  const owners = ownerRows.map((row) => ownerEntry(new Cells('owners.csv', row, faults)));
  const known = { units: new Set(units.map((u) => u.code)), owners: new Set(owners.map((o) => o.id)) };
  const holdings = holdingRows.map((row) => holdingEntry(new Cells('holdings.csv', row, faults), known));
  return { register: { units, owners, holdings }, faults: faults.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line) };
}

/** One row, read cell by cell; every fault is kept with its place. */
class Cells {
  constructor(
    readonly file: string,
    readonly row: Row,
    readonly faults: Fault[],
  ) {}
  fault(column: string, why: Why): void {
    this.faults.push({ file: this.file, line: this.row.line, column, why });
  }
  text(column: string): string {
    const v = this.row.cells[column] ?? '';
    if (!v) this.fault(column, { kind: 'empty' });
    return v;
  }
  int(column: string): number {
    const v = this.row.cells[column] ?? '';
    if (!/^\d{1,6}$/.test(v)) {
      this.fault(column, { kind: 'number' });
      return 0;
    }
    return Number(v);
  }
  /** Buildings and stairs: letters such as S and P stand for none. */
  place(column: string): number {
    return /^\d{1,6}$/.test(this.row.cells[column] ?? '') ? Number(this.row.cells[column]) : 0;
  }
  area(column: string): bigint {
    try {
      return parseHundredths(this.row.cells[column] ?? '');
    } catch {
      this.fault(column, { kind: 'area' });
      return 0n;
    }
  }
  flag(column: string): boolean {
    const v = this.row.cells[column];
    if (v !== 'true' && v !== 'false') this.fault(column, { kind: 'flag' });
    return v === 'true';
  }
  choice(column: string, of: readonly string[]): number {
    const at = of.indexOf(this.row.cells[column] ?? '');
    if (at < 0) this.fault(column, { kind: 'choice', what: of.join(', ') });
    return at + 1;
  }
  date(column: string): number {
    const v = this.row.cells[column] ?? '';
    const at = /^\d{4}-\d\d-\d\d$/.test(v) ? Date.parse(`${v}T00:00:00+08:00`) : Number.NaN;
    if (Number.isNaN(at)) {
      this.fault(column, { kind: 'date' });
      return 0;
    }
    return at / 1000;
  }
}

function unitEntry(c: Cells): UnitEntry {
  return {
    code: c.text('unit_id'),
    building: c.place('building'),
    stair: c.place('stair'),
    floor: c.place('floor'),
    use: c.choice('use', uses),
    areaM2: c.area('area_m2'),
    areaSource: c.choice('area_source', sources),
    countsArea: c.flag('counts_area'),
    countsHead: c.flag('counts_head'),
    delivered: c.flag('delivered'),
    developerOwned: c.flag('developer_owned'),
  };
}

function ownerEntry(c: Cells): OwnerEntry {
  c.choice('kind', ownerKinds);
  return { id: c.text('owner_id'), kind: c.row.cells['kind'] ?? '', name: c.text('name'), phone: c.row.cells['phone'] ?? '' };
}

function holdingEntry(c: Cells, known: { units: Set<string>; owners: Set<string> }): HoldingEntry {
  const unit = c.text('unit_id'),
    owner = c.text('owner_id');
  if (unit && !known.units.has(unit)) c.fault('unit_id', { kind: 'unknownUnit', what: unit });
  if (owner && !known.owners.has(owner)) c.fault('owner_id', { kind: 'unknownOwner', what: owner });
  return {
    unit,
    owner,
    shareNum: c.int('share_num'),
    shareDen: c.int('share_den'),
    kind: c.choice('kind', kinds),
    since: c.date('from_date'),
  };
}

function once(file: string, column: string, rows: Row[], faults: Fault[]): void {
  const seen = new Set<string>();
  for (const row of rows) {
    const id = row.cells[column] ?? '';
    if (id && seen.has(id)) faults.push({ file, line: row.line, column, why: { kind: 'twice', what: id } });
    seen.add(id);
  }
}

/** Units that count, their area, and heads: the developer once, one set of owners once (Interpretation art. 8, 9). */
export function sums(r: Register): Sums {
  const counted = r.units.filter((u) => u.countsArea);
  const owners = new Map<string, string[]>();
  for (const h of r.holdings) owners.set(h.unit, [...(owners.get(h.unit) ?? []), h.owner]);
  const heads = new Set<string>();
  for (const u of r.units) {
    if (!u.countsHead) continue;
    if (u.developerOwned || !u.delivered) heads.add('developer');
    else heads.add([...(owners.get(u.code) ?? [])].sort().join('+'));
  }
  return { units: counted.length, area: counted.reduce((n, u) => n + u.areaM2, 0n), heads: heads.size };
}
