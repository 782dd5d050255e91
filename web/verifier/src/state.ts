/** Accounts and their slots under the state root of a page: balances and tallies. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, fromHex, Malformed, toHex } from './bytes';
import { at, Failed } from './page';
import { asBytes, asList, asUint, decodeRlp } from './rlp';
import { EMPTY_ROOT, trieValue } from './trie';

/** The answer of `eth_getProof` (EIP-1186). Numbers are 0x hex. */
export interface AccountProof {
  address: string;
  balance: string;
  accountProof: string[];
  storageProof?: { key: string; value: string; proof: string[] }[];
}

export interface VerifiedAccount {
  exists: boolean;
  nonce: bigint;
  balance: bigint;
  /** In the order of the proof; 0 where nothing was written. */
  slots: { key: bigint; value: bigint }[];
}

const MAX_SLOTS = 1024;

/** Throws `Failed`. */
export function checkAccount(proof: AccountProof, stateRoot: Uint8Array): VerifiedAccount {
  const storage = proof.storageProof ?? [];
  if (storage.length > MAX_SLOTS) throw new Failed('size', 'more slots than a proof has');
  const account = at('account', () => {
    const address = fromHex(proof.address);
    if (address.length !== 20) throw new Malformed('not an address');
    const leaf = trieValue(stateRoot, keccak_256(address), proof.accountProof.map(fromHex));
    const found = leaf ? decode(leaf) : { nonce: 0n, balance: 0n, root: EMPTY_ROOT };
    if (found.balance !== BigInt(proof.balance)) throw new Malformed('the balance in the book is another');
    return { ...found, exists: leaf !== null };
  });
  const slots = storage.map((slot) =>
    at('storage', () => {
      const key = BigInt(slot.key);
      const leaf = trieValue(account.root, keccak_256(word(key)), slot.proof.map(fromHex));
      const value = leaf ? asUint(decodeRlp(leaf)) : 0n;
      if (value !== BigInt(slot.value)) throw new Malformed('the value in the book is another');
      return { key, value };
    }),
  );
  return { exists: account.exists, nonce: account.nonce, balance: account.balance, slots };
}

function decode(leaf: Uint8Array): { nonce: bigint; balance: bigint; root: Uint8Array } {
  const [nonce, balance, root, code] = asList(decodeRlp(leaf));
  if (asBytes(root).length !== 32 || asBytes(code).length !== 32) throw new Malformed('not an account');
  return { nonce: asUint(nonce), balance: asUint(balance), root: asBytes(root) };
}

function word(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0'));
}

/** Slot of a mapping's value in Solidity's layout: keccak256 of the key and the mapping's own slot. */
export function mappingSlot(key: bigint, slot: bigint): bigint {
  return BigInt(toHex(keccak_256(concat(word(key), word(slot)))));
}
