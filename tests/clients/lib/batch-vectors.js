/**
 * Prints the vectors of `crates/primitives/src/transaction/vectors.json`: batches (type 0x76) as the pinned
 * `viem/tempo` signs and serialises them, and the account that it says has signed. Keys are fixed, signatures
 * are deterministic except WebCrypto's.
 *
 *     node lib/batch-vectors.js > ../../crates/primitives/src/transaction/vectors.json
 */
import { keccak256 } from 'viem';
import { Account, Transaction } from 'viem/tempo';

const key = (byte) => `0x${byte.repeat(32)}`;
const site = { rpId: 'tulou.test', origin: 'https://tulou.test' };
const module = '0x7755000000000000000000000000000000000004';
const friend = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

const base = {
  chainId: 8_899, nonce: 7, gas: 200_000n, maxFeePerGas: 3n, maxPriorityFeePerGas: 2n,
  calls: [{ to: module, data: '0x01020300' }, { to: friend, value: 5n, data: '0x' }],
};

const secp256k1 = Account.fromSecp256k1(key('11'));
const p256 = Account.fromP256(key('22'));
const passkey = Account.fromHeadlessWebAuthn(key('33'), site);
const session = Account.fromP256(key('44'), { access: passkey });

async function signed(name, account, changes = {}) {
  const raw = await account.signTransaction({ ...base, ...changes }, { serializer: Transaction.serialize });
  return { name, sender: account.address.toLowerCase(), hash: keccak256(raw), raw };
}

const vectors = [
  await signed('secp256k1', secp256k1),
  await signed('p256', p256),
  await signed('webauthn', passkey),
  await signed('window', passkey, { validAfter: 1_000, validBefore: 2_000 }),
  await signed('access list', p256, {
    accessList: [{ address: module, storageKeys: [key('00'), key('01')] }],
  }),
  await signed('nonce key', p256, { nonceKey: 1n }),
  await signed('fee token', p256, { feeToken: '0x20c0000000000000000000000000000000000001' }),
  await signed('fee payer', p256, { feePayerSignature: { r: key('01'), s: key('02'), yParity: 0 } }),
  await signed('create', p256, { calls: [{ data: '0x6000' }] }),
  await signed('key authorization', passkey, {
    keyAuthorization: await Account.signKeyAuthorization(passkey, { chainId: BigInt(base.chainId), key: session }),
  }),
  await signed('keychain', session),
];
process.stdout.write(`${JSON.stringify(vectors, null, 1)}\n`);
