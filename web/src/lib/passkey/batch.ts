/**
 * Type 0x76, the transaction that a passkey can sign, as `crates/primitives/src/transaction/batch.rs` reads it:
 * several calls, all or none. What this ledger leaves out of the type is written empty.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat } from '$verifier/bytes';

const TYPE = 0x76;
const ADDRESS_BYTES = 20;

export interface BatchCall {
  /** 20 bytes. */
  to: Uint8Array;
  value: bigint;
  input: Uint8Array;
}
export interface Batch {
  chainId: bigint;
  maxPriorityFeePerGas: bigint;
  maxFeePerGas: bigint;
  gasLimit: bigint;
  /** At least one. */
  calls: BatchCall[];
  nonce: bigint;
  /** Seconds of the block's time; 0 for no bound. `before` is the first second in which it is over. */
  after: bigint;
  before: bigint;
}

type Item = Uint8Array | bigint | Item[];

/** RLP. Numbers are the shortest big-endian bytes. */
export function rlp(item: Item): Uint8Array {
  if (typeof item === 'bigint') return rlp(shortest(item));
  if (Array.isArray(item)) {
    const body = concat(...item.map(rlp));
    return concat(head(0xc0, body.length), body);
  }
  if (item.length === 1 && (item[0] ?? 0) < 0x80) return item;
  return concat(head(0x80, item.length), item);
}

function head(base: number, length: number): Uint8Array {
  if (length < 56) return Uint8Array.of(base + length);
  const size = shortest(BigInt(length));
  return concat(Uint8Array.of(base + 55 + size.length), size);
}

function shortest(value: bigint): Uint8Array {
  if (value < 0n) throw new RangeError('a number below 0');
  const out: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 8n) out.unshift(Number(rest & 0xffn));
  return Uint8Array.from(out);
}

function fields(batch: Batch): Item[] {
  if (!batch.calls.length) throw new RangeError('a batch without a call');
  if (batch.calls.some((call) => call.to.length !== ADDRESS_BYTES)) throw new RangeError('a call to something else than an address');
  const none = new Uint8Array();
  return [
    batch.chainId,
    batch.maxPriorityFeePerGas,
    batch.maxFeePerGas,
    batch.gasLimit,
    batch.calls.map((call): Item => [call.to, call.value, call.input]),
    [], // access list
    0n, // nonce key
    batch.nonce,
    batch.before,
    batch.after,
    none, // fee token
    none, // fee payer
    [], // authorizations
  ];
}

/** What the account signs. */
export function signingHash(batch: Batch): Uint8Array {
  return keccak_256(concat(Uint8Array.of(TYPE), rlp(fields(batch))));
}

/** The bytes that are sent; their keccak256 is the receipt's hash. */
export function encodeBatch(batch: Batch, signature: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(TYPE), rlp([...fields(batch), signature]));
}
