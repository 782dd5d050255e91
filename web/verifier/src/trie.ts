import { keccak_256 } from '@noble/hashes/sha3.js';
import { equal, Malformed } from './bytes';
import { asBytes, asList, decodeRlp, type Rlp } from './rlp';

/** Walks a Merkle-Patricia path from `root` and returns the value at `key`. Throws when a node is missing or does not fit. */
export function trieValue(root: Uint8Array, key: Uint8Array, nodes: Uint8Array[]): Uint8Array {
  const path = nibbles(key);
  let at = 0;
  let used = 0;
  let node = load(root, nodes, used);
  used += 1;
  for (;;) {
    const items = asList(node);
    let next: Rlp | undefined;
    if (items.length === 17) {
      if (at === path.length) return value(items[16]);
      next = items[path[at] ?? 0];
      at += 1;
    } else if (items.length === 2) {
      const { leaf, part } = compact(asBytes(items[0]));
      if (!part.every((n, i) => path[at + i] === n)) throw new Malformed('path leads elsewhere');
      at += part.length;
      if (leaf) {
        if (at !== path.length) throw new Malformed('path ends early');
        return value(items[1]);
      }
      next = items[1];
    } else throw new Malformed('not a trie node');
    if (Array.isArray(next)) {
      node = next;
      continue;
    }
    const hash = asBytes(next);
    if (hash.length !== 32) throw new Malformed('nothing at this place');
    node = load(hash, nodes, used);
    used += 1;
  }
}

function load(hash: Uint8Array, nodes: Uint8Array[], index: number): Rlp {
  const bytes = nodes[index];
  if (!bytes || !equal(keccak_256(bytes), hash)) throw new Malformed('node does not match its parent');
  return decodeRlp(bytes);
}

function value(item: Rlp | undefined): Uint8Array {
  const bytes = asBytes(item);
  if (bytes.length === 0) throw new Malformed('nothing at this place');
  return bytes;
}

function nibbles(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((b) => [b >> 4, b & 15]);
}

function compact(bytes: Uint8Array): { leaf: boolean; part: number[] } {
  const all = nibbles(bytes);
  const flag = all[0] ?? 0;
  if (flag > 3) throw new Malformed('not a path');
  return { leaf: flag >= 2, part: all.slice(flag % 2 === 1 ? 1 : 2) };
}
