import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  createPublicClient, createWalletClient, decodeFunctionData, encodeFunctionData, http,
  parseEther, toFunctionSelector, zeroAddress,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { chainOf } from './lib/chain.js';
import { coin } from './lib/contracts.js';
import { MNEMONIC, rpc, startNode } from './lib/node.js';

const account = mnemonicToAccount(MNEMONIC, { addressIndex: 0 });
const other = mnemonicToAccount(MNEMONIC, { addressIndex: 1 });

let node, chain, reads, wallet, token;

before(async () => {
  node = await startNode();
  chain = await chainOf(node);
  reads = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  wallet = createWalletClient({ account, chain, transport: http() });
  const { abi, bytecode } = coin();
  const hash = await wallet.deployContract({ abi, bytecode, args: [1_000n] });
  token = { address: (await reads.waitForTransactionReceipt({ hash })).contractAddress, abi };
});

after(() => node?.stop());

async function ask(method, params) {
  const answer = await rpc(node.url, method, params);
  assert.equal(answer.error, undefined, JSON.stringify(answer.error));
  return answer.result;
}

/** The native module of that name and its ABI, as explorers find them. */
async function module(name) {
  const index = await (await fetch(`${node.url}/api/v1`)).json();
  const row = index.modules.find((each) => each.name === name);
  return { address: row.address, abi: await (await fetch(node.url + row.abi)).json() };
}

test('viem simulates calls on each other, with the changes of assets', async () => {
  const before = await reads.getBalance({ address: other.address });
  const { results } = await reads.simulateCalls({
    account: account.address,
    calls: [
      { to: token.address, abi: token.abi, functionName: 'transfer', args: [other.address, 400n] },
      { to: token.address, abi: token.abi, functionName: 'balanceOf', args: [other.address] },
      { to: token.address, abi: token.abi, functionName: 'transfer', args: [zeroAddress, 1n] },
      { to: other.address, value: parseEther('1') },
    ],
  });
  assert.deepEqual(results.map((each) => each.status), ['success', 'success', 'failure', 'success']);
  assert.equal(results[1].result, 400n);
  assert.equal(results[0].logs[0].address, token.address);
  assert.equal(await reads.getBalance({ address: other.address }), before);
});

test('viem simulates blocks with pretended balances and times', async () => {
  const poor = '0x00000000000000000000000000000000000000aa';
  const head = await reads.getBlock();
  const blocks = await reads.simulateBlocks({
    blocks: [
      { stateOverrides: [{ address: poor, balance: 5n }], calls: [{ account: poor, to: other.address, value: 5n }] },
      { blockOverrides: { time: head.timestamp + 1_000n }, calls: [{ account: poor, to: other.address, value: 0n }] },
    ],
    traceTransfers: true,
  });
  assert.equal(blocks.length, 2);
  assert.equal(blocks[0].number, head.number + 1n);
  assert.equal(blocks[1].parentHash, blocks[0].hash);
  assert.equal(blocks[1].timestamp, head.timestamp + 1_000n);
  assert.equal(blocks[0].calls[0].logs.length, 1);
  await assert.rejects(reads.simulateBlocks({ blocks: [{ calls: [{ account: poor, to: other.address, value: 5n }] }] }), /insufficient funds/);
});

test('a native module is a frame that its ABI decodes', async () => {
  const roles = await module('roles');
  const view = roles.abi.find((entry) => entry.name === 'officesOf');
  const data = encodeFunctionData({ abi: [view], args: [account.address] });
  const trace = await ask('debug_traceCall', [{ from: account.address, to: roles.address, data }, 'latest', { tracer: 'callTracer' }]);
  assert.equal(trace.type, 'CALL');
  assert.equal(trace.to.toLowerCase(), roles.address.toLowerCase());
  assert.equal(decodeFunctionData({ abi: roles.abi, data: trace.input }).functionName, view.name);
  const steps = await ask('debug_traceCall', [{ from: account.address, to: roles.address, data }, 'latest', {}]);
  assert.deepEqual(steps.structLogs, []);
  assert.equal(trace.input.slice(0, 10), toFunctionSelector(view));
});

test('traces show frames, state before and every step', async () => {
  const hash = await wallet.writeContract({ ...token, functionName: 'transfer', args: [other.address, 7n] });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  const call = await ask('debug_traceTransaction', [hash, { tracer: 'callTracer', tracerConfig: { withLog: true } }]);
  assert.equal(BigInt(call.gasUsed), receipt.gasUsed);
  assert.equal(call.logs.length, 1);
  assert.equal(decodeFunctionData({ abi: token.abi, data: call.input }).functionName, 'transfer');
  const prestate = await ask('debug_traceTransaction', [hash, { tracer: 'prestateTracer' }]);
  assert.equal(Object.keys(prestate[token.address.toLowerCase()].storage).length, 2);
  const diff = await ask('debug_traceTransaction', [hash, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }]);
  assert.ok(diff.post[account.address.toLowerCase()].nonce > (diff.pre[account.address.toLowerCase()].nonce ?? 0));
  const steps = await ask('debug_traceTransaction', [hash]);
  assert.ok(steps.structLogs.length > 50);
  assert.equal(BigInt(steps.gas), receipt.gasUsed);
  const number = `0x${receipt.blockNumber.toString(16)}`;
  const block = await ask('debug_traceBlockByNumber', [number, { tracer: 'callTracer' }]);
  assert.deepEqual(block.map((each) => each.txHash), [hash]);
  assert.deepEqual(block[0].result, await ask('debug_traceTransaction', [hash, { tracer: 'callTracer' }]));
  const raw = await ask('debug_getRawBlock', [number]);
  assert.equal(BigInt((raw.length - 2) / 2), (await reads.getBlock({ blockNumber: receipt.blockNumber })).size);
  assert.equal((await ask('debug_traceBlock', [raw, { tracer: 'callTracer' }])).length, 1);
});

test('viem reads the past: balances, calls and proofs at an old block', async () => {
  const target = '0x00000000000000000000000000000000000000bb';
  const old = await reads.getBlock();
  const held = await reads.readContract({ ...token, functionName: 'balanceOf', args: [other.address] });
  for (const value of [1n, 2n, 3n]) {
    await reads.waitForTransactionReceipt({ hash: await wallet.sendTransaction({ to: target, value }) });
  }
  await reads.waitForTransactionReceipt({ hash: await wallet.writeContract({ ...token, functionName: 'transfer', args: [other.address, 9n] }) });
  const at = { blockNumber: old.number };
  assert.equal(await reads.getBalance({ address: target }), 6n);
  assert.equal(await reads.getBalance({ address: target, ...at }), 0n);
  assert.equal(await reads.readContract({ ...token, functionName: 'balanceOf', args: [other.address], ...at }), held);
  assert.equal((await reads.getProof({ address: target, storageKeys: [], ...at })).balance, 0n);
  assert.ok((await reads.getTransactionCount({ address: account.address, ...at })) < (await reads.getTransactionCount({ address: account.address })));
});

test('viem\'s filters report blocks and events since the last poll', async () => {
  const blocks = await reads.createBlockFilter();
  const events = await reads.createContractEventFilter({ ...token, eventName: 'Transfer' });
  const hash = await wallet.writeContract({ ...token, functionName: 'transfer', args: [other.address, 3n] });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.ok((await reads.getFilterChanges({ filter: blocks })).includes(receipt.blockHash));
  assert.deepEqual((await reads.getFilterChanges({ filter: events })).map((event) => event.args.value), [3n]);
  assert.deepEqual(await reads.getFilterChanges({ filter: events }), []);
  assert.equal(await reads.uninstallFilter({ filter: events }), true);
});

test('the pool shows what waits for an earlier nonce', async () => {
  const nonce = await reads.getTransactionCount({ address: other.address });
  const raw = await other.signTransaction({ chainId: chain.id, to: account.address, value: 1n, gas: 21_000n, nonce: nonce + 1, type: 'eip1559' });
  const hash = await ask('eth_sendRawTransaction', [raw]);
  assert.deepEqual(await ask('txpool_status', []), { pending: '0x0', queued: '0x1' });
  const content = await ask('txpool_content', []);
  assert.equal(Object.values(content.queued)[0][String(nonce + 1)].hash, hash);
  const from = await ask('txpool_contentFrom', [other.address]);
  assert.equal(from.queued[String(nonce + 1)].hash, hash);
  const first = await other.signTransaction({ chainId: chain.id, to: account.address, value: 1n, gas: 21_000n, nonce, type: 'eip1559' });
  await ask('eth_sendRawTransaction', [first]);
  await reads.waitForTransactionReceipt({ hash });
  assert.deepEqual(await ask('txpool_content', []), { pending: {}, queued: {} });
});

test('MetaMask\'s sequence of calls for a transfer', async () => {
  const chainId = await ask('eth_chainId', []);
  assert.equal(await ask('net_version', []), String(Number(chainId)));
  const head = await ask('eth_getBlockByNumber', ['latest', false]);
  assert.equal(head.baseFeePerGas, '0x0');
  assert.equal(await ask('eth_getCode', [other.address, 'latest']), '0x');
  const tx = { from: account.address, to: other.address, value: '0x1' };
  const gas = await ask('eth_estimateGas', [tx]);
  assert.equal(gas, '0x5208');
  const history = await ask('eth_feeHistory', ['0x5', 'latest', [10, 20, 30]]);
  assert.ok(history.reward.every((row) => row.length === 3));
  assert.equal(await ask('eth_gasPrice', []), '0x0');
  const nonce = Number(await ask('eth_getTransactionCount', [account.address, 'pending']));
  const simulated = await ask('eth_simulateV1', [{ blockStateCalls: [{ calls: [{ ...tx, maxFeePerGas: '0x0' }] }], traceTransfers: true, validation: false }, 'latest']);
  assert.equal(simulated[0].calls[0].status, '0x1');
  const raw = await account.signTransaction({ chainId: Number(chainId), to: other.address, value: 1n, gas: BigInt(gas), nonce, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n });
  const hash = await ask('eth_sendRawTransaction', [raw]);
  await reads.waitForTransactionReceipt({ hash });
  const receipt = await ask('eth_getTransactionReceipt', [hash]);
  assert.equal(receipt.status, '0x1');
  assert.equal((await ask('eth_getTransactionByHash', [hash])).blockNumber, receipt.blockNumber);
});
