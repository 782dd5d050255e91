/** Reads comma-separated tables and says for every fault where it is: line (from 1, head included) and column name. */

export interface Fault {
  file: string;
  line: number;
  column: string;
  why: Why;
}
export type Why =
  | { kind: 'missing' | 'twice' | 'unknownUnit' | 'unknownOwner' | 'choice' | 'share'; what: string }
  | { kind: 'columns'; what: number }
  | { kind: 'empty' | 'number' | 'area' | 'flag' | 'date' | 'quote' };

export interface Row {
  line: number;
  cells: Record<string, string>;
}
export interface Table {
  rows: Row[];
  faults: Fault[];
}

/** Longest file that is read: far above any estate, far below what hangs a phone. */
export const MOST_CHARS = 4_000_000;

export function parseCsv(file: string, text: string, columns: readonly string[]): Table {
  const faults: Fault[] = [];
  const lines = split(file, text.replace(/^\uFEFF/, '').slice(0, MOST_CHARS), faults);
  const head = lines[0]?.cells.map((c) => c.trim()) ?? [];
  for (const name of columns) if (!head.includes(name)) faults.push({ file, line: 1, column: name, why: { kind: 'missing', what: name } });
  if (faults.length) return { rows: [], faults };
  const rows: Row[] = [];
  for (const { line, cells } of lines.slice(1)) {
    if (cells.length !== head.length) {
      faults.push({ file, line, column: head[Math.min(cells.length, head.length - 1)] ?? '', why: { kind: 'columns', what: head.length } });
      continue;
    }
    rows.push({ line, cells: Object.fromEntries(head.map((name, i) => [name, (cells[i] ?? '').trim()])) });
  }
  return { rows, faults };
}

function split(file: string, text: string, faults: Fault[]): { line: number; cells: string[] }[] {
  const out: { line: number; cells: string[] }[] = [];
  let cells: string[] = [],
    cell = '',
    quoted = false,
    line = 1,
    begun = 1;
  const close = () => {
    cells.push(cell);
    cell = '';
  };
  const endLine = () => {
    close();
    if (cells.length > 1 || cells[0] !== '') out.push({ line: begun, cells });
    cells = [];
    begun = line + 1;
  };
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') {
        cell += '"';
        i += 1;
      } else if (c === '"') quoted = false;
      else {
        cell += c;
        if (c === '\n') line += 1;
      }
    } else if (c === '"') quoted = true;
    else if (c === ',') close();
    else if (c === '\n') {
      endLine();
      line += 1;
    } else if (c !== '\r') cell += c;
  }
  if (quoted) faults.push({ file, line: begun, column: '', why: { kind: 'quote' } });
  if (cell !== '' || cells.length) endLine();
  return out;
}
