/** Hyperledger Caliper and its Ethereum connector, as published, against a node; what they report is compared with the chain. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { compile } from '../clients/lib/contracts.js';
import { rpc, startNode } from '../clients/lib/node.js';
import { run } from './run.mjs';

const require = createRequire(import.meta.url);
const Web3 = require('web3');
const { abi } = new Web3().eth;

/** Transactions of a round. */
const NUMBER = 40;
/** Workers of bench.yaml. */
const WORKERS = 2;
/** Balance of an account that bench.yaml opens. */
const OPENED = 10_000n;
/** First accounts of the phrase that the node funds. */
const ACCOUNTS = [
  '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266', '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
];
/** Caliper reports, and waits, every 5 seconds unless told otherwise. */
const env = { CALIPER_PROGRESS_REPORTING_INTERVAL: '200' };
/** Longest that a run may take. */
const LIMIT_MS = 180_000;

/** A node for one test, which ends with it. */
async function nodeOf(t) {
  const node = await startNode();
  t.after(() => node.stop());
  return node;
}

async function ask(node, method, params) {
  const answer = await rpc(node.url, method, params);
  assert.equal(answer.error, undefined, JSON.stringify(answer.error));
  return answer.result;
}

/** Every transaction of the chain, with its receipt. */
async function transactions(node) {
  const found = [];
  const last = Number(await ask(node, 'eth_blockNumber', []));
  for (let height = 1; height <= last; height++) {
    const at = `0x${height.toString(16)}`;
    const { transactions: sent } = await ask(node, 'eth_getBlockByNumber', [at, true]);
    const receipts = await ask(node, 'eth_getBlockReceipts', [at]);
    assert.deepEqual(receipts.map((each) => each.transactionHash), sent.map((each) => each.hash));
    found.push(...sent.map((tx, i) => ({ ...tx, receipt: receipts[i] })));
  }
  return found;
}

/** How many transactions there are of each kind. */
const count = (list, kind) => list.reduce((all, each) => ({ ...all, [kind(each)]: (all[kind(each)] ?? 0) + 1 }), {});

const json = async (file) => JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8'));
const entry = (list, name) => list.find((each) => each.name === name);
const selector = (list, name) => abi.encodeFunctionSignature(entry(list, name));

/** Runs a benchmark and expects every round to have succeeded in full. */
async function drive(node, name, rounds) {
  const result = await run({ name, url: node.ws, number: NUMBER, env, limit: LIMIT_MS });
  const seen = result.rounds.map(({ name, succ, fail }) => ({ name, succ, fail }));
  assert.ok(result.finished, result.log);
  assert.deepEqual(seen, rounds.map((name) => ({ name, succ: NUMBER, fail: 0 })), result.log);
}

test('simple.json is what Simple.sol compiles to', async () => {
  const compiled = compile(new URL('.', import.meta.url), 'Simple.sol', 'Simple');
  const kept = await json('simple.json');
  assert.deepEqual({ abi: kept.abi, bytecode: kept.bytecode }, compiled);
});

// Caliper rests five seconds between rounds: side by side its benchmarks take no longer than one.
describe('Caliper', { concurrency: true }, () => {
  test('Caliper moves coin, deploys, opens, transfers and queries, and the chain has it all', async (t) => {
    const node = await nodeOf(t);
    await drive(node, 'simple', ['value', 'open', 'transfer', 'query']);

    const { abi: interfaces } = await json('simple.json');
    const sent = await transactions(node);
    assert.ok(sent.every(({ receipt }) => receipt.status === '0x1'));
    const [deployed, ...more] = sent.filter((tx) => tx.to === null);
    assert.deepEqual([deployed.from, more.length], [ACCOUNTS[0], 0]);
    const contract = deployed.receipt.contractAddress;

    // Values: each worker from its own account, to as many recipients as there were transactions.
    const values = sent.filter((tx) => tx.input === '0x');
    assert.deepEqual(count(values, (tx) => tx.from), { [ACCOUNTS[1]]: NUMBER / WORKERS, [ACCOUNTS[2]]: NUMBER / WORKERS });
    for (let i = 0; i < NUMBER / WORKERS; i++) {
      const recipient = `0xca11${i.toString(16).padStart(36, '0')}`;
      assert.equal(BigInt(await ask(node, 'eth_getBalance', [recipient, 'latest'])), BigInt(WORKERS), recipient);
    }

    // Calls of the contract: in each round each worker from an account of its own.
    const calls = sent.filter((tx) => tx.to === contract);
    const called = { [selector(interfaces, 'open')]: NUMBER, [selector(interfaces, 'transfer')]: NUMBER };
    assert.deepEqual(count(calls, (tx) => tx.input.slice(0, 10)), called);
    assert.deepEqual(Object.values(count(calls, (tx) => tx.from)), Array(WORKERS).fill(2 * NUMBER / WORKERS));
    assert.equal(sent.length, 1 + values.length + calls.length);
    for (let worker = 0; worker < WORKERS; worker++) {
      for (let i = 0; i < NUMBER / WORKERS; i++) {
        // As many transfers as accounts, from even ones to odd ones: two of each.
        const data = abi.encodeFunctionCall(entry(interfaces, 'query'), [`${worker}-${i}`]);
        assert.equal(BigInt(await ask(node, 'eth_call', [{ to: contract, data }, 'latest'])), i % 2 === 0 ? OPENED - 2n : OPENED + 2n);
      }
    }
  });

  test('Caliper puts documents on file in a native module and looks them up', async (t) => {
    const node = await nodeOf(t);
    const { address, abi: used } = (await json('network-native.json')).ethereum.contracts.documents;
    const index = await (await fetch(`${node.url}/api/v1`)).json();
    const module = entry(index.modules, 'documents');
    const served = await (await fetch(node.url + module.abi)).json();
    assert.equal(address, module.address);
    for (const each of used) assert.deepEqual(each, entry(served, each.name));

    await drive(node, 'native', ['register', 'document']);

    const sent = await transactions(node);
    assert.ok(sent.every(({ receipt }) => receipt.status === '0x1'));
    const kind = (tx) => `${tx.from} ${tx.to} ${tx.input.slice(0, 10)}`;
    assert.deepEqual(count(sent, kind), { [`${ACCOUNTS[0]} ${address} ${selector(served, 'register')}`]: NUMBER });
    const page = entry(served, 'documents');
    const answer = await ask(node, 'eth_call', [{ to: address, data: abi.encodeFunctionCall(page, ['0', '100']) }, 'latest']);
    const { items } = abi.decodeParameters(page.outputs, answer);
    const titles = items.map(({ title }) => title).sort();
    assert.deepEqual(titles, Array.from({ length: NUMBER }, (_, i) => `Caliper ${i}`).sort());
  });
});
