/** Makes proofs the long way round, with an encoder of its own, so that the verifier is not tested against itself. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import type { ReceiptProof } from '../src/index';

type Item = Uint8Array | Item[];
const hex = (b: Uint8Array) => `0x${Buffer.from(b).toString('hex')}`;
const bytes = (...n: number[]) => Uint8Array.from(n);
const join = (...p: Uint8Array[]) => Uint8Array.from(p.flatMap((x) => [...x]));

function rlp(item: Item): Uint8Array {
  if (item instanceof Uint8Array) return item.length === 1 && (item[0] ?? 0) < 0x80 ? item : join(head(0x80, item.length), item);
  const body = join(...item.map(rlp));
  return join(head(0xc0, body.length), body);
}
function head(base: number, length: number): Uint8Array {
  if (length < 56) return bytes(base + length);
  return length < 256 ? bytes(base + 56, length) : bytes(base + 57, length >> 8, length & 255);
}

export const NAMESPACE = bytes(1, 2, 3);
const secrets = [1, 2, 3, 4].map((n) => new Uint8Array(32).fill(n));
export const validators = secrets.map((s) => hex(ed25519.getPublicKey(s)));

export const receipt = join(
  bytes(2),
  rlp([bytes(1), bytes(0x52, 8), new Uint8Array(256), [[new Uint8Array(20).fill(7), [new Uint8Array(32).fill(9)], bytes(5)]]]),
);
const other = join(bytes(2), rlp([bytes(), bytes(0x52, 8), new Uint8Array(256), []]));

/** Two receipts: keys 0x80 and 0x01, so the root is a branch with two leaves. */
function receiptsTrie(): { root: Uint8Array; proof: Uint8Array[] } {
  const leaf = (rest: number, value: Uint8Array) => rlp([bytes(0x30 | rest), value]);
  const first = leaf(0, receipt),
    second = leaf(1, other);
  const branch: Item[] = Array.from({ length: 17 }, () => bytes());
  branch[8] = keccak_256(first);
  branch[0] = keccak_256(second);
  const top = rlp(branch);
  return { root: keccak_256(top), proof: [top, first] };
}

/** A proof for receipt 0, certified by the offices whose positions are given. */
export function makeProof(signers: number[] = [0, 1, 2]): ReceiptProof {
  const { root, proof } = receiptsTrie();
  const zero = new Uint8Array(32);
  const header = rlp([
    zero,
    zero,
    new Uint8Array(20),
    zero,
    zero,
    root,
    new Uint8Array(256),
    bytes(),
    bytes(0xbc, 0x62),
    bytes(1),
    bytes(),
    bytes(0x65, 0, 0, 0),
    bytes(),
    zero,
    new Uint8Array(8),
  ]);
  const proposal = join(bytes(0), bytes(0xac, 0x02), bytes(0xab, 0x02), keccak_256(header));
  const ns = join(NAMESPACE, new TextEncoder().encode('_FINALIZE'));
  const message = join(bytes(ns.length), ns, proposal);
  const map = signers.reduce((m, i) => m | (1 << i), 0);
  const signatures = signers.map((i) => ed25519.sign(message, secrets[i] ?? zero));
  const certificate = join(proposal, bytes(0, 0, 0, 0, 0, 0, 0, 4), bytes(map), bytes(signers.length), ...signatures);
  return {
    header: hex(header),
    certificate: hex(certificate),
    index: 0,
    receipt: hex(receipt),
    proof: proof.map(hex),
    namespace: hex(NAMESPACE),
    validators,
    chain: { id: 1, genesis: hex(zero) },
  };
}
