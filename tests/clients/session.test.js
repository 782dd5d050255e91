// Signing in (EIP-4361) at a node whose readers are members, with what viem and ethers know of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Contract, FetchRequest, JsonRpcProvider } from 'ethers';
import {
  createPublicClient, createWalletClient, encodeFunctionData, hashMessage, http, parseAbi, verifyMessage, webSocket,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { createSiweMessage, parseSiweMessage, validateSiweMessage, verifySiweMessage } from 'viem/siwe';
import { Account } from 'viem/tempo';
import { WebSocket } from 'ws';
import { chainOf } from './lib/chain.js';
import { MNEMONIC, rpc, startNode } from './lib/node.js';
import { accountOf, sign as signSm2, sm2 } from './lib/sm2.js';

const REGISTRY = '0x7755000000000000000000000000000000000006';
const registry = parseAbi([
  'function totals() view returns (uint32 units, uint64 areaM2, uint32 heads, uint32 places)',
  'function ownerOf(address account) view returns (bytes32 owner)',
]);
const ACCOUNTS = '0x7755000000000000000000000000000000000005';
const accounts = parseAbi(['function nameHelper(address helper)']);
// Account 0 of an empty dev chain holds every office, the others none.
const member = mnemonicToAccount(MNEMONIC, { addressIndex: 0 });
const stranger = mnemonicToAccount(MNEMONIC, { addressIndex: 1 });

let node, chain;

before(async () => {
  node = await startNode(['--readers', 'members']);
  chain = await chainOf(node);
});

after(() => node?.stop());

async function post(path, body) {
  const response = await fetch(`${node.url}/api/v1/session${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}

const challenge = async (account) => (await post('/challenge', { account })).json.message;
const enter = (message, signature) => post('', { message, signature });

async function signIn(account) {
  const message = await challenge(account.address);
  const { status, json } = await enter(message, await account.signMessage({ message }));
  assert.equal(status, 200, JSON.stringify(json));
  return json;
}

const bearer = ({ token }) => ({ headers: { authorization: `Bearer ${token}` } });

test('viem reads the text as EIP-4361, and makes the same one', async () => {
  const message = await challenge(member.address);
  const parsed = parseSiweMessage(message);
  const host = new URL(node.url).host;
  assert.equal(parsed.address, member.address);
  assert.equal(parsed.domain, host);
  assert.equal(parsed.uri, node.url);
  assert.equal(parsed.version, '1');
  assert.equal(parsed.chainId, chain.id);
  assert.match(parsed.nonce, /^[a-z0-9]{8,}$/);
  assert.equal(parsed.expirationTime - parsed.issuedAt, 300_000);
  assert.ok(validateSiweMessage({ message: parsed, address: member.address, domain: host, nonce: parsed.nonce }));
  const plain = (text) => text.replaceAll('.000Z', 'Z');
  assert.equal(plain(createSiweMessage(parsed)), message);
  const signature = await member.signMessage({ message });
  assert.ok(await verifyMessage({ address: member.address, message, signature }));
  const reads = createPublicClient({ chain, transport: http() });
  assert.ok(await verifySiweMessage(reads, { message, signature, domain: host, address: member.address }));
});

test('what a member reads and what nobody else does', async () => {
  const reads = (options) => createPublicClient({ chain, transport: http(node.url, options && { fetchOptions: options }) });
  const ask = (client, functionName, args) => client.readContract({ address: REGISTRY, abi: registry, functionName, args });
  const outside = reads();
  assert.equal((await ask(outside, 'totals'))[0], 0);
  await assert.rejects(ask(outside, 'ownerOf', [member.address]), (error) => {
    const { code, data } = error.walk((cause) => cause.data?.name);
    assert.deepEqual([code, data.name, data.what], [-32001, 'signInNeeded', 'registry.ownerOf']);
    return true;
  });
  const inside = reads(bearer(await signIn(member)));
  assert.equal(await ask(inside, 'ownerOf', [member.address]), `0x${'00'.repeat(32)}`);
  const guest = reads(bearer(await signIn(stranger)));
  await assert.rejects(ask(guest, 'ownerOf', [member.address]), /for members of this estate/);
});

test('ethers reads with a token', async () => {
  const request = new FetchRequest(node.url);
  request.setHeader('authorization', bearer(await signIn(member)).headers.authorization);
  const provider = new JsonRpcProvider(request, undefined, { staticNetwork: true });
  const contract = new Contract(REGISTRY, ['function ownerOf(address account) view returns (bytes32)'], provider);
  assert.equal(await contract.ownerOf(member.address), `0x${'00'.repeat(32)}`);
  const events = await provider.getLogs({ fromBlock: 0, toBlock: 'latest' });
  assert.ok(Array.isArray(events));
  provider.destroy();
});

test('an outsider sends, waits and reads pages as before', async () => {
  const reads = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  const request = await reads.prepareTransactionRequest({ account: stranger, to: member.address, value: 1n, gas: 21_000n });
  const hash = await reads.sendRawTransaction({ serializedTransaction: await stranger.signTransaction(request) });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  const page = await reads.getBlock({ blockNumber: receipt.blockNumber });
  assert.deepEqual(page.transactions, []);
  assert.ok((await rpc(node.url, 'tulou_getReceiptProof', [hash])).result.receipt);
});

test('an outsider follows pages and public events over WebSocket', async () => {
  const client = createPublicClient({ chain, transport: webSocket(node.ws) });
  const seen = new Promise((resolve, reject) => {
    client.watchBlockNumber({ onBlockNumber: resolve, onError: reject });
  });
  assert.ok((await seen) > 0n);
  await assert.rejects(client.request({ method: 'eth_subscribe', params: ['newPendingTransactions'] }), /sign/);
  (await client.transport.getRpcClient()).close();
});

/** A subscription to the events of a module over a WebSocket that was opened with these headers. */
async function follow(address, headers) {
  const socket = new WebSocket(node.ws, { headers });
  await once(socket, 'open');
  const seen = [];
  const subscribed = new Promise((resolve) => {
    socket.addEventListener('message', ({ data }) => {
      const { id, params } = JSON.parse(data);
      if (id === 1) resolve();
      else seen.push(params.result);
    });
  });
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['logs', { address }] }));
  await subscribed;
  return { seen, close: () => socket.close() };
}

test('a WebSocket reads as whoever opened it, until he signs out', async () => {
  const wallet = createWalletClient({ account: member, chain, transport: http() });
  const reads = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  const session = await signIn(member);
  const inside = await follow(ACCOUNTS, { cookie: `tulou_session=${session.token}` });
  const outside = await follow(ACCOUNTS, {});
  const name = async (helper) => {
    const data = encodeFunctionData({ abi: accounts, functionName: 'nameHelper', args: [helper] });
    const hash = await wallet.sendTransaction({ to: ACCOUNTS, data, gas: 500_000n });
    assert.equal((await reads.waitForTransactionReceipt({ hash })).status, 'success');
    // A block after it: what was to be sent of the one before has been sent.
    const later = await wallet.sendTransaction({ to: member.address, gas: 21_000n });
    await reads.waitForTransactionReceipt({ hash: later });
    await sleep(500);
    return hash;
  };
  const hash = await name(stranger.address);
  assert.deepEqual(inside.seen.map((log) => log.transactionHash), [hash]);
  const all = await fetch(`${node.url}/api/v1/session/all`, { method: 'DELETE', ...bearer(session) });
  assert.equal(all.status, 204);
  await name('0x00000000000000000000000000000000000000f1');
  assert.equal(inside.seen.length, 1);
  assert.deepEqual(outside.seen, []);
  inside.close();
  outside.close();
});

test('a passkey and a WebCrypto-like key sign in with the bytes of type 0x76', async () => {
  for (const account of [
    Account.fromHeadlessWebAuthn(`0x${'a1'.repeat(32)}`, { rpId: 'localhost', origin: 'http://localhost' }),
    Account.fromP256(`0x${'b2'.repeat(32)}`),
    Account.fromSecp256k1(`0x${'c3'.repeat(32)}`),
  ]) {
    const message = await challenge(account.address);
    const { status, json } = await enter(message, await account.sign({ hash: hashMessage(message) }));
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(json.account.toLowerCase(), account.address.toLowerCase());
    assert.equal(json.class, 'public');
  }
});

test('an SM2 key of sm-crypto signs in', async () => {
  const keys = sm2.generateKeyPairHex();
  const account = accountOf(keys).address;
  const message = await challenge(account);
  const { r, s, x, y } = signSm2(hashMessage(message), keys);
  const { status, json } = await enter(message, `0x53${[r, s, x, y].map((word) => word.slice(2)).join('')}`);
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(json.account.toLowerCase(), account.toLowerCase());
});

test('a text is good once, and for its own account', async () => {
  const message = await challenge(member.address);
  const signature = await member.signMessage({ message });
  assert.equal((await enter(message, await stranger.signMessage({ message }))).json.error.name, 'signInRefused');
  assert.equal((await enter(message, signature)).status, 200);
  assert.equal((await enter(message, signature)).json.error.name, 'signInRefused');
});
