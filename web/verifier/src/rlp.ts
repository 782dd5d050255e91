import { Malformed, Reader } from './bytes';

export type Rlp = Uint8Array | Rlp[];

const MAX_DEPTH = 16;

/** Decodes one RLP item and refuses anything after it. */
export function decodeRlp(bytes: Uint8Array): Rlp {
  const reader = new Reader(bytes);
  const item = read(reader, 0);
  reader.end();
  return item;
}

function read(reader: Reader, depth: number): Rlp {
  if (depth > MAX_DEPTH) throw new Malformed('RLP nested too deep');
  const first = reader.take(1)[0] ?? 0;
  if (first < 0x80) return Uint8Array.of(first);
  if (first < 0xc0) {
    const length = first < 0xb8 ? first - 0x80 : longLength(reader, first - 0xb7);
    const out = reader.take(length);
    if (length === 1 && (out[0] ?? 0) < 0x80) throw new Malformed('RLP byte not minimal');
    return out;
  }
  const length = first < 0xf8 ? first - 0xc0 : longLength(reader, first - 0xf7);
  const inner = new Reader(reader.take(length));
  const items: Rlp[] = [];
  while (inner.at < inner.bytes.length) items.push(read(inner, depth + 1));
  return items;
}

function longLength(reader: Reader, size: number): number {
  const length = reader.uint(size);
  if (length < 56n || length > 0x7fffffffn) throw new Malformed('RLP length not minimal');
  return Number(length);
}

/** The RLP of a list position: the key of a receipt in its trie. */
export function indexKey(index: number): Uint8Array {
  if (index === 0) return Uint8Array.of(0x80);
  if (index < 0x80) return Uint8Array.of(index);
  const bytes: number[] = [];
  for (let rest = index; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from([0x80 + bytes.length, ...bytes]);
}

export function asBytes(item: Rlp | undefined): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new Malformed('expected a byte string');
  return item;
}

export function asList(item: Rlp | undefined): Rlp[] {
  if (!Array.isArray(item)) throw new Malformed('expected a list');
  return item;
}

export function asUint(item: Rlp | undefined): bigint {
  let value = 0n;
  for (const b of asBytes(item)) value = (value << 8n) | BigInt(b);
  return value;
}
