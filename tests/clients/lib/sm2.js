/** Transactions of type 0x53 for viem: the serializer, and an account whose key `sm-crypto` holds. */
import smCrypto from 'sm-crypto';
import { concatHex, hexToBytes, keccak256, numberToHex, slice, toRlp } from 'viem';
import { toAccount } from 'viem/accounts';

export const { sm2, sm3 } = smCrypto;

const quantity = (value) => (value ? numberToHex(value) : '0x');

/** `0x53 || rlp(fields)`, or with signature and key the bytes that are sent. */
export function serialize(tx, signature) {
  const fields = [
    quantity(tx.chainId), quantity(tx.nonce), quantity(tx.maxPriorityFeePerGas), quantity(tx.maxFeePerGas), quantity(tx.gas),
    tx.to ?? '0x', quantity(tx.value), tx.data ?? '0x',
    (tx.accessList ?? []).map(({ address, storageKeys }) => [address, storageKeys]),
  ];
  const signed = signature ? [signature.r, signature.s, signature.x, signature.y] : [];
  return concatHex(['0x53', toRlp([...fields, ...signed])]);
}

/** The coordinates of sm-crypto's `04 || x || y`. */
export const point = (publicKey) => ({ x: `0x${publicKey.slice(2, 66)}`, y: `0x${publicKey.slice(66, 130)}` });

/** Signs a message as the standard says: ZA of the default identity, SM3. */
export function sign(message, { privateKey, publicKey }) {
  const signature = `0x${sm2.doSignature(Array.from(hexToBytes(message)), privateKey, { hash: true, publicKey })}`;
  return { r: slice(signature, 0, 32), s: slice(signature, 32, 64), ...point(publicKey) };
}

/** The account of a key. */
export function accountOf(keys) {
  const { x, y } = point(keys.publicKey);
  return toAccount({
    address: slice(keccak256(concatHex(['0x53', x, y])), 12),
    async signTransaction(tx) {
      return serialize(tx, sign(keccak256(serialize(tx)), keys));
    },
    async signMessage() { throw new Error('signs transactions alone'); },
    async signTypedData() { throw new Error('signs transactions alone'); },
  });
}
