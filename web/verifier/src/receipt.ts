import { Malformed, toHex } from './bytes';
import { asBytes, asList, asUint, decodeRlp } from './rlp';

export interface Log {
  address: string;
  topics: string[];
  data: string;
}
export interface Receipt {
  type: number;
  ok: boolean;
  logs: Log[];
}
export interface Header {
  number: bigint;
  timestamp: bigint;
  receiptsRoot: Uint8Array;
  stateRoot: Uint8Array;
  parent: Uint8Array;
  transactionsRoot: Uint8Array;
  /** In the last page of an epoch: the hash of the next offices. */
  extraData: Uint8Array;
}

/** Decodes an EIP-2718 receipt: legacy list, or a type byte and a list. */
export function decodeReceipt(bytes: Uint8Array): Receipt {
  const first = bytes[0];
  if (first === undefined) throw new Malformed('empty receipt');
  const typed = first < 0x80;
  const items = asList(decodeRlp(typed ? bytes.subarray(1) : bytes));
  const logs = asList(items[3]).map((item) => {
    const [address, topics, data] = asList(item);
    return { address: toHex(asBytes(address)), topics: asList(topics).map((t) => toHex(asBytes(t))), data: toHex(asBytes(data)) };
  });
  return { type: typed ? first : 0, ok: asUint(items[0]) === 1n, logs };
}

/** Reads the fields we need from an Ethereum header. */
export function decodeHeader(bytes: Uint8Array): Header {
  const items = asList(decodeRlp(bytes));
  if (items.length < 15) throw new Malformed('header too short');
  return {
    parent: asBytes(items[0]),
    stateRoot: asBytes(items[3]),
    transactionsRoot: asBytes(items[4]),
    receiptsRoot: asBytes(items[5]),
    number: asUint(items[8]),
    timestamp: asUint(items[11]),
    extraData: asBytes(items[12]),
  };
}
