import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { verifyMerkleProof } from '@ethereumjs/mpt';
import { RLP } from '@ethereumjs/rlp';
import { bytesToHex, hexToBytes } from '@ethereumjs/util';
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, http, keccak256,
  parseAbi, parseEther, webSocket,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { chainOf } from './lib/chain.js';
import { coin } from './lib/contracts.js';
import { MNEMONIC, rpc, startNode } from './lib/node.js';

const account = mnemonicToAccount(MNEMONIC, { addressIndex: 0 });
const other = mnemonicToAccount(MNEMONIC, { addressIndex: 1 });
const SUPPLY = 1_000_000n;

let node, chain, reads, wallet, token;

before(async () => {
  node = await startNode();
  chain = await chainOf(node);
  reads = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  wallet = createWalletClient({ account, chain, transport: http() });
});

after(() => node?.stop());

test('viem deploys OpenZeppelin\'s ERC-20', async () => {
  const { abi, bytecode } = coin();
  const hash = await wallet.deployContract({ abi, bytecode, args: [SUPPLY] });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  token = { address: receipt.contractAddress, abi };
  assert.equal(await reads.readContract({ ...token, functionName: 'balanceOf', args: [account.address] }), SUPPLY);
  assert.equal(await reads.readContract({ ...token, functionName: 'name' }), 'Coin');
});

test('viem estimates, transfers and reads the event', async () => {
  const args = [other.address, 250n];
  const gas = await reads.estimateContractGas({ ...token, functionName: 'transfer', args, account });
  assert.ok(gas > 21_000n && gas < 100_000n, String(gas));
  const hash = await wallet.writeContract({ ...token, functionName: 'transfer', args });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  assert.ok(receipt.gasUsed <= gas);
  assert.equal(receipt.effectiveGasPrice, 0n);
  const events = await reads.getContractEvents({ ...token, eventName: 'Transfer', fromBlock: receipt.blockNumber });
  assert.deepEqual(events.map((event) => event.args), [{ from: account.address, to: other.address, value: 250n }]);
  const block = await reads.getBlock({ blockNumber: receipt.blockNumber, includeTransactions: true });
  assert.equal(block.transactions.find((tx) => tx.hash === hash).from.toLowerCase(), account.address.toLowerCase());
});

test('viem moves native value with every standard type', async () => {
  const start = await reads.getBalance({ address: other.address });
  for (const type of ['legacy', 'eip2930', 'eip1559']) {
    const accessList = type === 'eip2930' ? [{ address: token.address, storageKeys: [] }] : undefined;
    const hash = await wallet.sendTransaction({ to: other.address, value: parseEther('0.01'), type, accessList });
    const receipt = await reads.waitForTransactionReceipt({ hash });
    assert.equal(receipt.type, type);
  }
  assert.equal(await reads.getBalance({ address: other.address }), start + parseEther('0.03'));
});

test('a delegation (EIP-7702) takes effect', async () => {
  const third = mnemonicToAccount(MNEMONIC, { addressIndex: 2 });
  const authorization = await wallet.signAuthorization({ account: third, contractAddress: token.address });
  const hash = await wallet.sendTransaction({ to: third.address, value: 0n, data: '0x95d89b41', authorizationList: [authorization] });
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  const code = await reads.getCode({ address: third.address });
  assert.equal(code.toLowerCase(), `0xef0100${token.address.slice(2)}`.toLowerCase());
});

test('one call sends and answers with the receipt (EIP-7966)', async () => {
  const request = await wallet.prepareTransactionRequest({ to: other.address, value: 1n });
  const raw = await wallet.signTransaction(request);
  const receipt = await wallet.sendRawTransactionSync({ serializedTransaction: raw });
  assert.equal(receipt.status, 'success');
  assert.equal(receipt.transactionHash, keccak256(raw));
});

test('viem decodes a typed refusal', async () => {
  const refused = reads.readContract({ ...token, functionName: 'refuseTyped', args: [11n] });
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof BaseError);
    const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    assert.equal(reverted?.data?.errorName, 'TooMuch');
    assert.deepEqual(reverted.data.args, [11n, 10n]);
    return true;
  });
  const words = reads.simulateContract({ ...token, functionName: 'refuseInWords', account });
  await assert.rejects(words, /not today/);
  const poor = reads.simulateContract({ ...token, functionName: 'transfer', args: [account.address, SUPPLY], account: other });
  await assert.rejects(poor, /ERC20InsufficientBalance/);
});

test('viem decodes the refusal of a native module', async () => {
  const modules = await (await fetch(`${node.url}/api/v1`)).json();
  const { address } = modules.modules.find((module) => module.name === 'decisions');
  const abi = await (await fetch(`${node.url}/abi/decisions.json`)).json();
  await assert.rejects(reads.readContract({ address, abi, functionName: 'motion', args: [999n] }), (error) => {
    const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    assert.ok(reverted?.data?.errorName, String(error));
    return true;
  });
});

test('heads and events come over WebSocket', async () => {
  const live = createPublicClient({ chain, transport: webSocket(node.ws) });
  const heads = [], events = [];
  const stopHeads = live.watchBlocks({ onBlock: (block) => heads.push(block.number) });
  const stopEvents = live.watchContractEvent({ ...token, eventName: 'Transfer', onLogs: (logs) => events.push(...logs) });
  // Subscriptions have no acknowledgement to wait for here; a call on the same socket comes after them.
  await live.getChainId();
  await live.getChainId();
  const hash = await wallet.writeContract({ ...token, functionName: 'transfer', args: [other.address, 7n] });
  const { blockNumber } = await reads.waitForTransactionReceipt({ hash });
  await eventually(() => heads.some((height) => height >= blockNumber) && events.length > 0);
  assert.equal(events[0].args.value, 7n);
  assert.deepEqual(heads, [...heads].sort((a, b) => Number(a - b)));
  stopHeads();
  stopEvents();
  const socket = await live.transport.getRpcClient();
  socket.close();
});

test('@ethereumjs verifies account and storage against the header', async () => {
  const block = await reads.getBlock();
  const slot = '0x0000000000000000000000000000000000000000000000000000000000000002';
  const proof = await reads.getProof({ address: token.address, storageKeys: [slot], blockNumber: block.number });
  const accountRlp = await verified(block.stateRoot, token.address, proof.accountProof);
  const [nonce, balance, storageRoot, codeHash] = RLP.decode(accountRlp).map((item) => bytesToHex(item));
  assert.equal(nonce, '0x01');
  assert.equal(balance, '0x');
  assert.equal(storageRoot, proof.storageHash);
  assert.equal(codeHash, keccak256(await reads.getCode({ address: token.address })));
  const [supply] = proof.storageProof;
  const word = RLP.decode(await verified(proof.storageHash, slot, supply.proof));
  assert.equal(BigInt(bytesToHex(word)), SUPPLY);
  assert.equal(supply.value, SUPPLY);
  // An account that is not there is proven absent.
  const nobody = '0x00000000000000000000000000000000000000aa';
  const absent = await reads.getProof({ address: nobody, storageKeys: [], blockNumber: block.number });
  assert.equal(await verified(block.stateRoot, nobody, absent.accountProof), null);
  // A proof with one byte changed proves nothing.
  const broken = [...proof.accountProof];
  broken[0] = `${broken[0].slice(0, -2)}${broken[0].endsWith('00') ? '01' : '00'}`;
  await assert.rejects(verified(block.stateRoot, token.address, broken));
});

test('@ethereumjs verifies the path of a receipt', async () => {
  const hash = await wallet.sendTransaction({ to: other.address, value: 2n });
  const { blockHash } = await reads.waitForTransactionReceipt({ hash });
  const { result: proof } = await rpc(node.url, 'tulou_getReceiptProof', [hash]);
  assert.equal(keccak256(proof.header), blockHash);
  const receiptsRoot = RLP.decode(hexToBytes(proof.header))[5];
  const nodes = proof.proof.map((hex) => hexToBytes(hex));
  const value = await verifyMerkleProof(RLP.encode(proof.index), nodes, { root: receiptsRoot });
  assert.equal(bytesToHex(value), proof.receipt);
  assert.ok(proof.certificate.length > 2 + 2 * 64);
  assert.ok(proof.validators.length > 0);
  const { result: finality } = await rpc(node.url, 'tulou_getFinality', ['latest']);
  assert.equal(keccak256(finality.header), finality.hash);
});

test('the ledger keeps its own tokens at ERC-20 addresses', async () => {
  const abi = parseAbi(['function decimals() view returns (uint8)']);
  const asset = '0x7755000000000000000000000000000100000008';
  assert.equal(await reads.readContract({ address: asset, abi, functionName: 'decimals' }), 2);
});

/** Value at the hashed key, null where the proof shows that there is none; throws where it proves nothing. */
async function verified(root, key, proof) {
  const nodes = proof.map((hex) => hexToBytes(hex));
  return verifyMerkleProof(hexToBytes(keccak256(key)), nodes, {
    root: hexToBytes(root),
  });
}

async function eventually(holds) {
  const end = Date.now() + 15_000;
  while (!holds()) {
    assert.ok(Date.now() < end, 'waited in vain');
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
