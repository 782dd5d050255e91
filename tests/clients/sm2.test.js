// Signatures of sm-crypto, which is not ours, in transactions of type 0x53 and in contracts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { JsonRpcProvider } from 'ethers';
import {
  bytesToHex, concatHex, createPublicClient, createWalletClient, encodeFunctionData, http, keccak256, parseEther, stringToHex, toHex,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { compile } from './lib/contracts.js';
import { chainOf } from './lib/chain.js';
import { MNEMONIC, rpc, startNode } from './lib/node.js';
import { accountOf, point, serialize, sign, sm2, sm3 } from './lib/sm2.js';

const SM2VERIFY = '0x7755000000000000000000000000000000000102';
const SM3 = '0x7755000000000000000000000000000000000103';
const ONE = toHex(1, { size: 32 });

const rich = mnemonicToAccount(MNEMONIC, { addressIndex: 0 });
const other = mnemonicToAccount(MNEMONIC, { addressIndex: 1 });
const keys = sm2.generateKeyPairHex();
const account = accountOf(keys);

let node, chain, reads, wallet, funder;

before(async () => {
  node = await startNode();
  chain = await chainOf(node);
  reads = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  wallet = createWalletClient({ account, chain, transport: http() });
  funder = createWalletClient({ account: rich, chain, transport: http() });
  const hash = await funder.sendTransaction({ to: account.address, value: parseEther('1') });
  await reads.waitForTransactionReceipt({ hash });
});

after(() => node?.stop());

const transfer = (nonce, value = 1n) => ({
  chainId: chain.id, nonce, gas: 52_500n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, to: other.address, value,
});

/** What the node thinks it takes. viem does not say with which key it will sign, so we ask ourselves. */
async function gasFor(request) {
  const { result } = await rpc(node.url, 'eth_estimateGas', [{ from: account.address, keyType: 'sm2', ...request }]);
  return BigInt(result);
}

test('a signature by SM2 is estimated, paid, and one unit less is refused', async () => {
  assert.equal(await gasFor({ to: other.address }), 52_500n);
  const nonce = await reads.getTransactionCount({ address: account.address });
  const raw = await account.signTransaction({ ...transfer(nonce), gas: 52_499n });
  const { error } = await rpc(node.url, 'eth_sendRawTransaction', [raw]);
  assert.match(error.message, /intrinsic gas too low: gas 52499, minimum needed 52500/);
});

test('a viem wallet with an SM2 key sends and reads its receipt', async () => {
  const before = await reads.getBalance({ address: other.address });
  const hash = await wallet.sendTransaction({ to: other.address, value: 7n, gas: await gasFor({ to: other.address, value: '0x7' }) });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  assert.equal(receipt.type, '0x53');
  assert.equal(receipt.from.toLowerCase(), account.address.toLowerCase());
  assert.equal(await reads.getBalance({ address: other.address }), before + 7n);
  assert.equal(await reads.getTransactionCount({ address: account.address }), 1);

  const { result: raw } = await rpc(node.url, 'eth_getRawTransactionByHash', [hash]);
  assert.equal(raw.slice(0, 4), '0x53');
  assert.equal(keccak256(raw), hash);
  const { result: tx } = await rpc(node.url, 'eth_getTransactionByHash', [hash]);
  assert.equal(tx.type, '0x53');
  assert.equal(tx.from.toLowerCase(), account.address.toLowerCase());
  assert.deepEqual([tx.r, tx.s, tx.v, tx.yParity], ['0x0', '0x0', '0x0', '0x0']);
  assert.equal(tx.publicKey, `0x${keys.publicKey}`);
  assert.equal(tx.signature.type, 'sm2');
  // What was signed can be rebuilt from the answer, and sm-crypto verifies what the node shows.
  const fields = await reads.getTransaction({ hash });
  assert.equal(fields.value, 7n);
  const message = keccak256(serialize({
    chainId: chain.id, nonce: fields.nonce, gas: fields.gas, maxFeePerGas: BigInt(tx.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(tx.maxPriorityFeePerGas), to: fields.to, value: fields.value, data: fields.input, accessList: tx.accessList,
  }));
  const shown = tx.signature.r.slice(2) + tx.signature.s.slice(2);
  assert.ok(sm2.doVerifySignature(Array.from(Buffer.from(message.slice(2), 'hex')), shown, keys.publicKey, { hash: true }));
});

test('viem and ethers read the block it stands in', async () => {
  const nonce = await reads.getTransactionCount({ address: account.address });
  const raw = await account.signTransaction(transfer(nonce));
  const hash = await reads.sendRawTransaction({ serializedTransaction: raw });
  const { blockNumber } = await reads.waitForTransactionReceipt({ hash });
  const block = await reads.getBlock({ blockNumber, includeTransactions: true });
  assert.ok(block.transactions.some((tx) => tx.hash === hash));
  const ethers = new JsonRpcProvider(node.url);
  try {
    const seen = await ethers.getBlock(Number(blockNumber), true);
    const tx = seen.prefetchedTransactions.find((found) => found.hash === hash);
    assert.equal(tx.from.toLowerCase(), account.address.toLowerCase());
    assert.equal(tx.type, 0x53);
    assert.equal((await ethers.getTransactionReceipt(hash)).status, 1);
  } finally {
    ethers.destroy();
  }
});

test('what is not signed so is refused in words, and nothing moves', async () => {
  const nonce = await reads.getTransactionCount({ address: account.address });
  const balance = await reads.getBalance({ address: other.address });
  const send = async (raw) => (await rpc(node.url, 'eth_sendRawTransaction', [raw])).error;
  const tx = transfer(nonce);
  const good = sign(keccak256(serialize(tx)), keys);
  const order = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
  const negated = toHex(order - BigInt(good.s), { size: 32 });
  for (const [why, raw] of [
    ['for other fields', serialize({ ...tx, value: 2n }, good)],
    ['s negated', serialize(tx, { ...good, s: negated })],
    ['r and s exchanged', serialize(tx, { ...good, r: good.s, s: good.r })],
    ['r is zero', serialize(tx, { ...good, r: toHex(0, { size: 32 }) })],
    ['another key', serialize(tx, { ...good, ...point(sm2.generateKeyPairHex().publicKey) })],
    ['the hash itself, without the identity', serialize(tx, withoutIdentity(tx))],
  ]) {
    const error = await send(raw);
    assert.match(error?.message ?? '', /SM2: the signature does not verify/, why);
  }
  assert.match((await send(serialize({ ...tx, chainId: 1 }, sign(keccak256(serialize({ ...tx, chainId: 1 })), keys))))?.message, /chain/i);
  assert.equal(await reads.getTransactionCount({ address: account.address }), nonce);
  assert.equal(await reads.getBalance({ address: other.address }), balance);
});

function withoutIdentity(tx) {
  const message = Array.from(Buffer.from(keccak256(serialize(tx)).slice(2), 'hex'));
  const signature = sm2.doSignature(message, keys.privateKey, { hash: false });
  return { r: `0x${signature.slice(0, 64)}`, s: `0x${signature.slice(64)}`, ...point(keys.publicKey) };
}

test('the precompiles answer eth_call as sm-crypto does', async () => {
  const ask = async (to, data) => (await rpc(node.url, 'eth_call', [{ to, data }, 'latest'])).result;
  for (const length of [0, 1, 55, 64, 200]) {
    const data = new Uint8Array(length).fill(0x53);
    assert.equal(await ask(SM3, bytesToHex(data)), `0x${sm3(Array.from(data))}`);
  }
  // With e given, sm-crypto signs it without another hash.
  const e = `0x${sm3('a motion')}`;
  const signature = sm2.doSignature(Array.from(Buffer.from(e.slice(2), 'hex')), keys.privateKey, { hash: false });
  const { x, y } = point(keys.publicKey);
  const input = concatHex([e, `0x${signature}`, x, y]);
  assert.equal(await ask(SM2VERIFY, input), ONE);
  assert.equal(await ask(SM2VERIFY, concatHex([keccak256(e), `0x${signature}`, x, y])), '0x');
  assert.equal(await ask(SM2VERIFY, `${input}00`), '0x');
});

test('a contract judges what sm-crypto signed', async () => {
  const { abi, bytecode } = compile(new URL('./contracts/', import.meta.url), 'National.sol', 'Notary');
  const deployed = await reads.waitForTransactionReceipt({ hash: await funder.deployContract({ abi, bytecode }) });
  const notary = { address: deployed.contractAddress, abi };
  const message = stringToHex('议题十二：同意');
  const { r, s, x, y } = sign(message, keys);
  const judge = (args) => reads.readContract({ ...notary, functionName: 'verifies', args });
  assert.equal(await judge([message, r, s, x, y]), true);
  assert.equal(await judge([`${message}00`, r, s, x, y]), false);
  assert.equal(await judge([message, s, r, x, y]), false);
  assert.equal(await reads.readContract({ ...notary, functionName: 'sm3', args: [message] }), `0x${sm3('议题十二：同意')}`);
  // An SM2 account calls the contract that judges an SM2 signature.
  const data = encodeFunctionData({ abi, functionName: 'record', args: [message, r, s, x, y] });
  const gas = await gasFor({ to: notary.address, data });
  const hash = await wallet.writeContract({ ...notary, functionName: 'record', args: [message, r, s, x, y], gas });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  const [event] = await reads.getContractEvents({ ...notary, eventName: 'Signed', fromBlock: receipt.blockNumber });
  assert.deepEqual(event.args, { x, message });
  await assert.rejects(wallet.writeContract({ ...notary, functionName: 'record', args: [message, s, r, x, y] }), /not signed/);
});
