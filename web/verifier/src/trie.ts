import { keccak_256 } from '@noble/hashes/sha3.js';
import { equal, fromHex, Malformed } from './bytes';
import { asBytes, asList, decodeRlp, type Rlp } from './rlp';

/** Root of a trie without entries: keccak256 of the RLP of nothing. */
export const EMPTY_ROOT = fromHex('0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421');

/** Most nodes and bytes of a path: bounds what a hostile server can make us hash. */
const MAX_NODES = 65;
const MAX_BYTES = 4 << 20;

/**
 * Walks a Merkle-Patricia path from `root`: the value at `key`, or null where the path shows that there is none. Throws where a
 * node is missing, does not belong, or is left over.
 */
export function trieValue(root: Uint8Array, key: Uint8Array, nodes: Uint8Array[]): Uint8Array | null {
  if (nodes.length > MAX_NODES || nodes.reduce((n, x) => n + x.length, 0) > MAX_BYTES) throw new Malformed('path too long');
  if (equal(root, EMPTY_ROOT)) {
    if (nodes.length > 1 || nodes.some((x) => x.length !== 1 || x[0] !== 0x80)) throw new Malformed('path goes on after its end');
    return null;
  }
  const path = nibbles(key);
  let at = 0;
  let used = 1;
  const end = (value: Uint8Array | null): Uint8Array | null => {
    if (used !== nodes.length) throw new Malformed('path goes on after its end');
    return value;
  };
  let node = load(root, nodes, 0);
  for (;;) {
    const items = asList(node);
    let next: Rlp | undefined;
    if (items.length === 17) {
      if (asBytes(items[16]).length !== 0) throw new Malformed('not a trie node');
      if (at === path.length) return end(null);
      next = items[path[at] ?? 0];
      at += 1;
    } else if (items.length === 2) {
      const { leaf, part } = compact(asBytes(items[0]));
      const here = at + part.length <= path.length && part.every((n, i) => path[at + i] === n);
      if (leaf) return end(here && at + part.length === path.length ? asBytes(items[1]) : null);
      if (part.length === 0) throw new Malformed('not a trie node');
      if (!here) return end(null);
      at += part.length;
      next = items[1];
    } else throw new Malformed('not a trie node');
    if (Array.isArray(next)) {
      node = next;
      continue;
    }
    const hash = asBytes(next);
    if (hash.length === 0) return end(null);
    if (hash.length !== 32) throw new Malformed('not a trie node');
    node = load(hash, nodes, used);
    used += 1;
  }
}

function load(hash: Uint8Array, nodes: Uint8Array[], index: number): Rlp {
  const bytes = nodes[index];
  if (!bytes) throw new Malformed('path ends early');
  if (!equal(keccak_256(bytes), hash)) throw new Malformed('node does not match its parent');
  return decodeRlp(bytes);
}

function nibbles(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((b) => [b >> 4, b & 15]);
}

function compact(bytes: Uint8Array): { leaf: boolean; part: number[] } {
  const all = nibbles(bytes);
  const flag = all[0];
  if (flag === undefined || flag > 3 || all.length > 66) throw new Malformed('not a path');
  return { leaf: flag >= 2, part: all.slice(flag % 2 === 1 ? 1 : 2) };
}
