import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { mnemonicToAccount } from 'viem/accounts';
import { coin } from './lib/contracts.js';
import { MNEMONIC, startNode } from './lib/node.js';

const keys = [0, 1].map((addressIndex) => {
  const account = mnemonicToAccount(MNEMONIC, { addressIndex });
  return `0x${Buffer.from(account.getHdKey().privateKey).toString('hex')}`;
});

/** Hardhat 3 is for Node 22 and later; on an older one npm leaves out the native part that it starts with. */
function missing() {
  try {
    createRequire(import.meta.url)('@nomicfoundation/edr');
    return false;
  } catch {
    return `Hardhat 3 needs Node 22 or later, this is ${process.version}: NOT run`;
  }
}

const skip = missing();
let node, ethers, connection;

before(async () => {
  if (skip) return;
  const { default: hardhatEthers } = await import('@nomicfoundation/hardhat-ethers');
  const { createHardhatRuntimeEnvironment } = await import('hardhat/hre');
  node = await startNode();
  const config = {
    plugins: [hardhatEthers],
    networks: { tulou: { type: 'http', chainType: 'l1', url: node.url, accounts: keys } },
  };
  const hre = await createHardhatRuntimeEnvironment(config);
  connection = await hre.network.create('tulou');
  ({ ethers } = connection);
});

after(async () => {
  await connection?.close?.();
  await node?.stop();
});

test('Hardhat deploys, sends and reads through its own connection', { skip }, async () => {
  const [signer, other] = await ethers.getSigners();
  const { abi, bytecode } = coin();
  const factory = new ethers.ContractFactory(abi, bytecode, signer);
  const token = await factory.deploy(500n);
  await token.waitForDeployment();
  const sent = await token.transfer(other.address, 5n);
  const receipt = await sent.wait();
  assert.equal(receipt.status, 1);
  assert.equal(await token.balanceOf(other.address), 5n);
  assert.equal(await token.balanceOf(other.address, { blockTag: receipt.blockNumber - 1 }), 0n);
  await assert.rejects(token.connect(other).transfer(signer.address, 6n), /execution reverted/);
});

test('Hardhat reads what a debugger needs', { skip }, async () => {
  const [signer, other] = await ethers.getSigners();
  const sent = await signer.sendTransaction({ to: other.address, value: 1n });
  await sent.wait();
  const trace = await connection.provider.request({ method: 'debug_traceTransaction', params: [sent.hash, { tracer: 'callTracer' }] });
  assert.equal(trace.value, '0x1');
  assert.equal(trace.to.toLowerCase(), other.address.toLowerCase());
});
