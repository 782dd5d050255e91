import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Contract, ContractFactory, HDNodeWallet, JsonRpcProvider, NonceManager, WebSocketProvider, isError, parseEther } from 'ethers';
import { coin } from './lib/contracts.js';
import { MNEMONIC, startNode } from './lib/node.js';

let node, provider, signer, other, token;

before(async () => {
  node = await startNode();
  provider = new JsonRpcProvider(node.url, undefined, { polling: true, pollingInterval: 100, cacheTimeout: -1 });
  const path = (index) => `m/44'/60'/0'/0/${index}`;
  signer = HDNodeWallet.fromPhrase(MNEMONIC, undefined, path(0)).connect(provider);
  other = HDNodeWallet.fromPhrase(MNEMONIC, undefined, path(1)).connect(provider);
});

after(async () => {
  provider?.destroy();
  await node?.stop();
});

test('ethers deploys, transfers and reads the event', async () => {
  const { abi, bytecode } = coin();
  token = await new ContractFactory(abi, bytecode, signer).deploy(1_000n);
  await token.waitForDeployment();
  const gas = await token.transfer.estimateGas(other.address, 5n);
  const sent = await token.transfer(other.address, 5n);
  const receipt = await sent.wait();
  assert.equal(receipt.status, 1);
  assert.ok(receipt.gasUsed <= gas);
  assert.equal(receipt.fee, 0n);
  assert.equal(await token.balanceOf(other.address), 5n);
  const [event] = await token.queryFilter(token.filters.Transfer(signer.address), receipt.blockNumber);
  assert.equal(event.args.value, 5n);
  const block = await provider.getBlock(receipt.blockNumber, true);
  assert.equal(block.prefetchedTransactions[0].hash, sent.hash);
});

test('ethers decodes refusals', async () => {
  await assert.rejects(token.refuseTyped(11n), (error) => {
    assert.ok(isError(error, 'CALL_EXCEPTION'), String(error));
    assert.equal(error.revert.name, 'TooMuch');
    assert.deepEqual([...error.revert.args], [11n, 10n]);
    return true;
  });
  await assert.rejects(token.refuseInWords(), (error) => error.reason === 'not today');
});

test('ethers polls with filters', async () => {
  const seen = [];
  await token.on('Transfer', (from, to, value) => seen.push(value));
  const receipt = await (await token.transfer(other.address, 6n)).wait();
  assert.equal(receipt.status, 1);
  await eventually(() => seen.includes(6n));
  await token.off('Transfer');
});

test('ethers subscribes over WebSocket', async () => {
  const live = new WebSocketProvider(node.ws);
  const heads = [], hashes = [], transfers = [];
  await live.on('block', (height) => heads.push(height));
  await live.on('pending', (hash) => hashes.push(hash));
  const contract = new Contract(token.target, token.interface, live);
  await contract.on('Transfer', (from, to, value) => transfers.push(value));
  await live.getNetwork();
  const sent = await token.transfer(other.address, 8n);
  const receipt = await sent.wait();
  await eventually(() => heads.includes(receipt.blockNumber) && hashes.includes(sent.hash) && transfers.includes(8n));
  await live.destroy();
});

test('many transactions in flight keep their order', async () => {
  const manager = new NonceManager(signer);
  const sent = await Promise.all(Array.from({ length: 20 }, () => manager.sendTransaction({ to: other.address, value: 1n, gasLimit: 21_000n })));
  const receipts = await Promise.all(sent.map((tx) => tx.wait()));
  assert.ok(receipts.every((receipt) => receipt.status === 1));
});

test('fees are zero and blocks are final at once', async () => {
  const fees = await provider.getFeeData();
  assert.equal(fees.gasPrice, 0n);
  const [latest, safe, final] = await Promise.all(['latest', 'safe', 'finalized'].map((tag) => provider.getBlock(tag)));
  assert.ok(final.number >= latest.number && safe.number >= latest.number);
  const sent = await signer.sendTransaction({ to: other.address, value: parseEther('0.5') });
  const receipt = await sent.wait();
  assert.ok((await provider.getBlock('finalized')).number >= receipt.blockNumber);
});

async function eventually(holds) {
  const end = Date.now() + 15_000;
  while (!holds()) {
    assert.ok(Date.now() < end, 'waited in vain');
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
