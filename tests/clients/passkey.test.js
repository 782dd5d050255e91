// Batches (type 0x76) from a stock `viem/tempo` client: passkeys, P-256 keys, and what others see of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { JsonRpcProvider } from 'ethers';
import {
  createClient, createWalletClient, decodeErrorResult, encodeFunctionData, http, keccak256, parseAbi, parseEther,
  publicActions, walletActions,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { Account, WebCryptoP256 } from 'viem/tempo';
import { tempo } from 'viem/tempo/chains';
import { chainOf } from './lib/chain.js';
import { coin } from './lib/contracts.js';
import { MNEMONIC, rpc, startNode } from './lib/node.js';

const SCHEDULE = '0x7755000000000000000000000000000000000009';
const schedule = parseAbi([
  'function run(uint64 most) returns (uint64 taken, bool more)', 'function cancel(uint64 id)', 'error NoSuchTask(uint64 id)',
]);
const rich = mnemonicToAccount(MNEMONIC, { addressIndex: 0 });
const friend = '0x00000000000000000000000000000000000000f1';
const site = { rpId: 'localhost', origin: 'http://localhost' };
const passkey = Account.fromHeadlessWebAuthn(`0x${'a1'.repeat(32)}`, site);

let node, chain, token;

/** A client of viem/tempo's for an account. */
const clientOf = (account) => createClient({ account, chain, transport: http(), pollingInterval: 100 })
  .extend(publicActions).extend(walletActions);

const run = { to: SCHEDULE, data: encodeFunctionData({ abi: schedule, functionName: 'run', args: [1n] }) };
const refused = { to: SCHEDULE, data: encodeFunctionData({ abi: schedule, functionName: 'cancel', args: [99n] }) };

before(async () => {
  node = await startNode();
  // viem's own serialisers, formatters and preparation of type 0x76, on our chain.
  const { formatters, serializers, prepareTransactionRequest } = tempo;
  chain = await chainOf(node, { formatters, serializers, prepareTransactionRequest });
  const ordinary = createWalletClient({ account: rich, chain: { ...chain, formatters: {}, serializers: {}, prepareTransactionRequest: undefined }, transport: http() })
    .extend(publicActions);
  const { abi, bytecode } = coin();
  const deployed = await ordinary.waitForTransactionReceipt({ hash: await ordinary.deployContract({ abi, bytecode, args: [5n] }) });
  token = { address: deployed.contractAddress, abi };
  await ordinary.waitForTransactionReceipt({ hash: await ordinary.sendTransaction({ to: passkey.address, value: parseEther('1') }) });
});

after(() => node?.stop());

test('a passkey batches a call to a module, one to a contract and a transfer', async () => {
  const client = clientOf(passkey);
  const approve = { to: token.address, data: encodeFunctionData({ abi: token.abi, functionName: 'approve', args: [friend, 7n] }) };
  const hash = await client.sendTransaction({ calls: [run, approve, { to: friend, value: 5n }] });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  assert.equal(receipt.from.toLowerCase(), passkey.address.toLowerCase());
  assert.equal(receipt.logs.length, 1);
  const [approval] = await client.getContractEvents({ ...token, eventName: 'Approval', blockHash: receipt.blockHash });
  assert.equal(approval.args.owner.toLowerCase(), passkey.address.toLowerCase());
  assert.equal(await client.getBalance({ address: friend }), 5n);
  assert.equal(await client.getTransactionCount({ address: passkey.address }), 1);

  const tx = await client.getTransaction({ hash });
  assert.equal(tx.type, 'tempo');
  assert.equal(tx.calls.length, 3);
  assert.equal(tx.signature.type, 'webAuthn');
  assert.equal(JSON.parse(tx.signature.metadata.clientDataJSON).origin, site.origin);
});

test('a batch whose second call is refused leaves nothing but its nonce', async () => {
  const client = clientOf(passkey);
  const before = await client.getTransactionCount({ address: passkey.address });
  const calls = [{ to: friend, value: 5n }, refused];
  // The estimate says so beforehand, with the module's own error.
  const { error } = await rpc(node.url, 'eth_estimateGas', [{ from: passkey.address, keyType: 'webAuthn', calls: [{ to: friend, value: '0x5' }, refused] }]);
  assert.equal(decodeErrorResult({ abi: schedule, data: error.data }).errorName, 'NoSuchTask');
  await assert.rejects(client.sendTransaction({ calls }));
  const hash = await client.sendTransaction({ calls, gas: 300_000n });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'reverted');
  assert.equal(receipt.logs.length, 0);
  assert.equal(await client.getBalance({ address: friend }), 5n);
  assert.equal(await client.getTransactionCount({ address: passkey.address }), before + 1);
});

test('P-256 keys have accounts, of a file or of WebCrypto', async () => {
  const accounts = [
    Account.fromP256(`0x${'b2'.repeat(32)}`),
    Account.fromWebCryptoP256(await WebCryptoP256.createKeyPair()),
    Account.fromSecp256k1(`0x${'c3'.repeat(32)}`),
  ];
  for (const account of accounts) {
    const client = clientOf(account);
    const hash = await client.sendTransaction({ calls: [run, run] });
    const receipt = await client.waitForTransactionReceipt({ hash });
    assert.equal(receipt.status, 'success');
    assert.equal(receipt.from.toLowerCase(), account.address.toLowerCase());
  }
});

test('a batch keeps to its window', async () => {
  const client = clientOf(passkey);
  const now = Math.floor(Date.now() / 1000);
  await assert.rejects(client.sendTransaction({ calls: [run], validBefore: now - 1 }), /expired/);
  await assert.rejects(client.sendTransaction({ calls: [run], validAfter: now + 100_000 }), /not yet valid/);
  const hash = await client.sendTransaction({ calls: [run], validAfter: now - 10, validBefore: now + 600 });
  assert.equal((await client.waitForTransactionReceipt({ hash })).status, 'success');
  const soon = Math.floor(Date.now() / 1000) + 2;
  const later = await client.sendTransaction({ calls: [run], validAfter: soon });
  const receipt = await client.waitForTransactionReceipt({ hash: later });
  const block = await client.getBlock({ blockHash: receipt.blockHash });
  assert.ok(Number(block.timestamp) >= soon, `${block.timestamp} before ${soon}`);
});

test('eth_fillTransaction fills in what is open', async () => {
  const client = clientOf(passkey);
  const nonce = await client.getTransactionCount({ address: passkey.address });
  const filled = await client.prepareTransactionRequest({ calls: [run, { to: friend, value: 1n }] });
  assert.equal(filled.nonce, nonce);
  assert.equal(filled.chainId, chain.id);
  // 21,000, the second call with value, P-256, and the passkey's data.
  assert.ok(filled.gas > 21_000n + 11_600n + 5_000n && filled.gas < 100_000n, String(filled.gas));
  assert.equal(filled.maxFeePerGas, 0n);
});

test('ethers reads the block and the transaction', async () => {
  const client = clientOf(passkey);
  const hash = await client.sendTransaction({ calls: [{ to: friend, value: 3n }, run] });
  const { blockNumber } = await client.waitForTransactionReceipt({ hash });
  const provider = new JsonRpcProvider(node.url, undefined, { cacheTimeout: -1 });
  try {
    const block = await provider.getBlock(Number(blockNumber), true);
    const tx = block.prefetchedTransactions.find((it) => it.hash === hash);
    assert.equal(tx.type, 0x76);
    assert.equal(tx.from.toLowerCase(), passkey.address.toLowerCase());
    assert.equal(tx.to.toLowerCase(), friend);
    assert.equal(tx.value, 3n);
    const alone = await provider.getTransaction(hash);
    assert.equal(alone.blockNumber, Number(blockNumber));
    const receipt = await provider.getTransactionReceipt(hash);
    assert.equal(receipt.status, 1);
    assert.equal(receipt.type, 0x76);
    assert.equal(receipt.fee, 0n);
  } finally {
    provider.destroy();
  }
});

test('a client that knows nothing of batches reads the block, too', async () => {
  const client = clientOf(passkey);
  const hash = await client.sendTransaction({ calls: [{ to: friend, value: 3n }, run] });
  const { blockNumber } = await client.waitForTransactionReceipt({ hash });
  const plain = createClient({ transport: http(node.url) }).extend(publicActions);
  const block = await plain.getBlock({ blockNumber, includeTransactions: true });
  const tx = block.transactions.find((it) => it.hash === hash);
  assert.equal(tx.typeHex, '0x76');
  assert.equal(tx.to, friend);
  const { result } = await rpc(node.url, 'eth_getRawTransactionByHash', [tx.hash]);
  assert.equal(keccak256(result), tx.hash);
});
