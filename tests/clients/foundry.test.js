import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createPublicClient, hexToBigInt, http } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { MNEMONIC, rpc, startNode } from './lib/node.js';

const require = createRequire(import.meta.url);
const run = promisify(execFile);
const account = mnemonicToAccount(MNEMONIC, { addressIndex: 0 });
const key = `0x${Buffer.from(account.getHdKey().privateKey).toString('hex')}`;

let node, dir;

before(async () => {
  node = await startNode();
  dir = await mkdtemp(join(tmpdir(), 'tulou-forge-'));
  await cp(fileURLToPath(new URL('./forge', import.meta.url)), dir, { recursive: true });
});

after(async () => {
  await node?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The program of the package for this machine. */
function forge() {
  const platform = `@foundry-rs/forge-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return join(dirname(require.resolve(`${platform}/package.json`)), 'bin', 'forge');
}

test('forge script deploys and calls', async () => {
  const solc = fileURLToPath(new URL('./lib/solc.js', import.meta.url));
  const args = [
    'script', 'script/Deploy.s.sol:Deploy', '--root', dir, '--rpc-url', node.url, '--private-key', key, '--broadcast', '--slow',
    '--use', solc, '--offline', '--with-gas-price', '0', '--priority-gas-price', '0',
  ];
  const { stdout } = await run(forge(), args, { cwd: dir, env: { ...process.env, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1', HOME: dir }, timeout: 240_000 });
  assert.match(stdout, /ONCHAIN EXECUTION COMPLETE & SUCCESSFUL/);
  const id = Number((await rpc(node.url, 'eth_chainId', [])).result);
  const log = JSON.parse(await readFile(join(dir, 'broadcast', 'Deploy.s.sol', String(id), 'run-latest.json'), 'utf8'));
  assert.deepEqual(log.receipts.map((receipt) => receipt.status), ['0x1', '0x1']);
  const box = log.transactions[0].contractAddress;
  const client = createPublicClient({ transport: http(node.url) });
  const slot = await client.getStorageAt({ address: box, slot: '0x0' });
  assert.equal(hexToBigInt(slot), 42n);
});
