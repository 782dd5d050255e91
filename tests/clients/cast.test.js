import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { coin } from './lib/contracts.js';
import { MNEMONIC, startNode } from './lib/node.js';

const run = promisify(execFile);
const binary = fileURLToPath(new URL('./node_modules/.bin/cast', import.meta.url));
/** First and second account of the phrase. */
const ACCOUNT = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const OTHER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

let node, token;

async function cast(...args) {
  const env = { ...process.env, ETH_RPC_URL: node.url, NO_COLOR: '1' };
  const { stdout, stderr } = await run(binary, args, { env, timeout: 60_000 });
  // The npm package's launcher ends with 0 whatever happened; what went wrong is only said.
  if (stderr.startsWith('Error')) throw new Error(stderr);
  return stdout.trim();
}

const signing = ['--mnemonic', MNEMONIC, '--mnemonic-index', '0'];

before(async () => { node = await startNode(); });
after(() => node?.stop());

test('cast reads the chain', async () => {
  assert.match(await cast('block-number'), /^\d+$/);
  assert.match(await cast('chain-id'), /^\d+$/);
  assert.equal(await cast('gas-price'), '0');
  assert.ok(BigInt(await cast('balance', ACCOUNT)) > 0n);
  assert.match(await cast('client'), /^tulou\//);
  assert.match(await cast('block', 'finalized', '--field', 'hash'), /^0x[0-9a-f]{64}$/);
});

test('cast deploys, sends and calls', async () => {
  const { bytecode } = coin();
  const supply = '0'.repeat(61) + '3e8';
  const deployed = JSON.parse(await cast('send', '--json', ...signing, '--create', bytecode + supply));
  assert.equal(deployed.status, '0x1');
  token = deployed.contractAddress;
  const sent = JSON.parse(await cast('send', '--json', ...signing, token, 'transfer(address,uint256)', OTHER, '40'));
  assert.equal(sent.status, '0x1');
  assert.equal(await cast('call', token, 'balanceOf(address)(uint256)', OTHER), '40');
  assert.equal(await cast('receipt', sent.transactionHash, 'status'), 'true');
  const logs = JSON.parse(await cast('logs', '--json', '--from-block', 'earliest', '--address', token, 'Transfer(address indexed,address indexed,uint256)'));
  assert.equal(logs.length, 2);
  assert.ok(BigInt(await cast('estimate', token, 'transfer(address,uint256)', OTHER, '1', '--from', ACCOUNT)) > 21_000n);
  assert.equal(await cast('nonce', ACCOUNT), '2');
});

test('cast moves native value', async () => {
  const before = BigInt(await cast('balance', OTHER));
  await cast('send', ...signing, OTHER, '--value', '1gwei');
  await cast('send', '--legacy', ...signing, OTHER, '--value', '1gwei');
  assert.equal(BigInt(await cast('balance', OTHER)), before + 2_000_000_000n);
});

test('cast shows why a call is refused', async () => {
  await assert.rejects(cast('call', token, 'refuseInWords()'), /not today/);
  await assert.rejects(cast('call', token, 'refuseTyped(uint256)', '11'), /execution reverted, data: "0x[0-9a-f]{136}"/);
});

test('cast proves', async () => {
  const proof = JSON.parse(await cast('proof', ACCOUNT));
  assert.ok(proof.accountProof.length > 0);
});
