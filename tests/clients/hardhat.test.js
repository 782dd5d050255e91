import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import hardhatEthers from '@nomicfoundation/hardhat-ethers';
import { createHardhatRuntimeEnvironment } from 'hardhat/hre';
import { mnemonicToAccount } from 'viem/accounts';
import { coin } from './lib/contracts.js';
import { MNEMONIC, startNode } from './lib/node.js';

const keys = [0, 1].map((addressIndex) => {
  const account = mnemonicToAccount(MNEMONIC, { addressIndex });
  return `0x${Buffer.from(account.getHdKey().privateKey).toString('hex')}`;
});

let node, ethers, connection;

before(async () => {
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

test('Hardhat deploys, sends and reads through its own connection', async () => {
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
  await assert.rejects(token.connect(other).transfer(signer.address, 6n), /ERC20InsufficientBalance/);
});

test('Hardhat reads what a debugger needs', async () => {
  const [signer, other] = await ethers.getSigners();
  const sent = await signer.sendTransaction({ to: other.address, value: 1n });
  await sent.wait();
  const trace = await connection.provider.request({ method: 'debug_traceTransaction', params: [sent.hash, { tracer: 'callTracer' }] });
  assert.equal(trace.value, '0x1');
  assert.equal(trace.to.toLowerCase(), other.address.toLowerCase());
});
