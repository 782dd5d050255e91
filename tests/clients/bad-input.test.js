import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Transaction, HDNodeWallet, id } from 'ethers';
import { MNEMONIC, post, rpc, startNode } from './lib/node.js';

let node, chainId, wallet;

before(async () => {
  node = await startNode();
  chainId = BigInt((await rpc(node.url, 'eth_chainId', [])).result);
  wallet = HDNodeWallet.fromPhrase(MNEMONIC, undefined, "m/44'/60'/0'/0/0");
});

after(() => node?.stop());

/** A signed transfer of nothing, changed as told. */
function signed(change = {}) {
  const tx = Transaction.from({ type: 2, chainId, nonce: 0, gasLimit: 21_000n, to: wallet.address, value: 0n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, ...change });
  tx.signature = wallet.signingKey.sign(tx.unsignedHash);
  return tx.serialized;
}

async function refused(method, params, code, words) {
  const { error } = await rpc(node.url, method, params);
  assert.equal(error?.code, code, `${method}: ${JSON.stringify(error)}`);
  assert.match(error.message, words);
  return error;
}

test('transactions that cannot be are refused, each with its reason', async () => {
  const send = (raw, code, words) => refused('eth_sendRawTransaction', [raw], code, words);
  await send('0x', -32000, /rlp/);
  await send('0xdeadbeef', -32000, /rlp/);
  await send(`${signed()}00`, -32000, /rlp/);
  await send(signed().slice(0, -2), -32000, /rlp/);
  await send('0x03c0', -32000, /rlp|not supported/);
  await send('0x7fc0', -32000, /type not supported/);
  await send('not hex', -32602, /invalid params/i);
  await send(`0x${'00'.repeat(200_000)}`, -32000, /oversized data/);
  await send(signed({ chainId: chainId + 1n }), -32000, /invalid chain id/);
  await send(signed({ gasLimit: 20_999n }), -32000, /intrinsic gas too low/);
  await send(signed({ gasLimit: 1n << 40n }), -32000, /gas limit/);
  await send(signed({ nonce: 1_000_000 }), -32000, /nonce too high/);
  await send(signed({ value: 1n << 200n }), -32000, /insufficient funds/);
  await send(signed({ to: null, data: `0x${'00'.repeat(49_153)}`, gasLimit: 10_000_000n }), -32000, /max initcode size exceeded/);
  const raw = signed({ value: 1n });
  assert.equal((await rpc(node.url, 'eth_sendRawTransactionSync', [raw])).result.status, '0x1');
  await send(raw, -32000, /nonce too low|already known/);
});

test('a nonce gap waits and closes', async () => {
  const next = Number((await rpc(node.url, 'eth_getTransactionCount', [wallet.address, 'pending'])).result);
  const later = (await rpc(node.url, 'eth_sendRawTransaction', [signed({ nonce: next + 1 })])).result;
  assert.equal((await rpc(node.url, 'eth_getTransactionReceipt', [later])).result, null);
  const first = await rpc(node.url, 'eth_sendRawTransactionSync', [signed({ nonce: next })]);
  assert.equal(first.result.status, '0x1');
  const second = await rpc(node.url, 'eth_sendRawTransactionSync', [signed({ nonce: next + 1 })]);
  assert.equal(second.result.transactionHash, later);
});

test('calls that no module knows are refused with data', async () => {
  const { modules } = await (await fetch(`${node.url}/api/v1`)).json();
  assert.ok(modules.length > 0);
  for (const { address, name } of modules) {
    const unknown = await refused('eth_call', [{ to: address, data: '0x00000000' }], 3, /revert/);
    assert.equal(unknown.data.slice(0, 10), id('UnknownSelector(bytes4)').slice(0, 10), name);
    await refused('eth_call', [{ to: address, data: '0x01' }], 3, /revert/);
    await refused('eth_call', [{ to: address }], 3, /revert/);
  }
  const { abi } = modules.find(({ name }) => name === 'decisions');
  assert.equal(abi, '/abi/decisions.json');
  const decisions = modules.find(({ name }) => name === 'decisions').address;
  const selector = id('motion(uint64)').slice(0, 10);
  const cut = await refused('eth_call', [{ to: decisions, data: `${selector}00` }], 3, /revert/);
  assert.equal(cut.data, '0x');
  const large = await refused('eth_call', [{ to: decisions, data: selector + 'ff'.repeat(32) }], 3, /revert/);
  assert.equal(large.data, '0x');
});

test('broken JSON-RPC gets its code', async () => {
  const code = async (body) => (await post(node.url, body)).json?.error?.code;
  assert.equal(await code('{'), -32700);
  assert.equal(await code('[]'), -32600);
  assert.equal(await code('{"id":1}'), -32600);
  assert.equal((await rpc(node.url, 'eth_none', [])).error.code, -32601);
  assert.equal((await rpc(node.url, 'eth_getBalance', ['0x12', 'latest'])).error.code, -32602);
  assert.equal((await rpc(node.url, 'eth_getBalance', [wallet.address, '0xffffffff'])).error.code, -32000);
  const nested = '['.repeat(100_000);
  assert.equal(await code(nested), -32700);
});

test('a body that is too large is refused', async () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: ['x'.repeat(11 << 20)] });
  const status = await post(node.url, body).then((answer) => answer.status, () => 413);
  assert.equal(status, 413);
});

test('a WebSocket that sends junk is answered or closed, and nobody else notices', async () => {
  const { WebSocket } = await import('ws').catch(() => globalThis);
  const socket = new WebSocket(node.ws);
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  const answer = new Promise((resolve) => { socket.onmessage = ({ data }) => resolve(JSON.parse(String(data))); socket.onclose = () => resolve(null); });
  socket.send('junk');
  const said = await answer;
  assert.ok(said === null || said.error.code === -32700);
  socket.close();
});

test('after all that the node is alive and in order', async () => {
  assert.ok(node.alive(), node.said());
  const health = await (await fetch(`${node.url}/healthz`)).json();
  assert.equal(health.status, 'ok');
  assert.ok(!/panicked/.test(node.said()), node.said());
});
