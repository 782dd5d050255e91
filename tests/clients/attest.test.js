// Attestors: a body outside the ledger signs EIP-712 typed data with viem, as docs/reference/attestors.md says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { TypedDataEncoder, Wallet } from 'ethers';
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, hashTypedData, http, keccak256, toHex, verifyTypedData,
} from 'viem';
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';
import { chainOf } from './lib/chain.js';
import { MNEMONIC, startNode } from './lib/node.js';

const page = readFileSync(new URL('../../docs/reference/attestors.md', import.meta.url), 'utf8');
const vector = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(page)[1]);
const [, digest] = /Digest `(0x[0-9a-f]{64})`/.exec(page);
const [, signed] = /signature\n`(0x[0-9a-f]{130})`/.exec(page);
const [, secret] = /Signed by the key `(0x[0-9a-f]{64})`/.exec(page);
const [, named] = /whose address is `(0x[0-9a-fA-F]{40})`/.exec(page);

const abiOf = (name) => JSON.parse(readFileSync(new URL(`../../web/src/generated/abi/${name}.json`, import.meta.url), 'utf8'));
/** What the modules below refuse comes through under their own names. */
const errors = ['registry', 'roles'].flatMap((name) => abiOf(name).filter((entry) => entry.type === 'error'));
const accounts = { address: '0x7755000000000000000000000000000000000005', abi: [...abiOf('accounts'), ...errors] };
const registry = { address: '0x7755000000000000000000000000000000000006', abi: abiOf('registry') };
/** Holds every office of an empty chain. */
const office = mnemonicToAccount(MNEMONIC, { addressIndex: 0 });
const [first, second, third] = [1, 2, 3].map((addressIndex) => mnemonicToAccount(MNEMONIC, { addressIndex }));
const owners = ['an owner', 'another', 'a third'].map((text) => keccak256(toHex(text)));

let node, chain, reads;
const stations = {};

/** A call that went through. */
async function send(account, to, functionName, args) {
  const { request } = await reads.simulateContract({ account, ...to, functionName, args });
  const hash = await createWalletClient({ account, chain, transport: http() }).writeContract(request);
  const receipt = await reads.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success', functionName);
}

/** Name of the refusal of a call. */
async function refusal(account, to, functionName, args) {
  try {
    await reads.simulateContract({ account, ...to, functionName, args });
  } catch (error) {
    assert.ok(error instanceof BaseError, String(error));
    const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    assert.ok(reverted, String(error));
    return reverted.data?.errorName ?? reverted.signature;
  }
  return '';
}

const ask = (to, functionName, args = []) => reads.readContract({ ...to, functionName, args });

/** What a body returns for a person: the statement and its signature by viem's `signTypedData`. */
async function state(station, account, home, changes = {}, domain = {}) {
  const now = Number((await reads.getBlock()).timestamp);
  const message = {
    attestor: station.id, method: station.method, account: account.address, unit: BigInt(home), owner: owners[home - 1],
    issuedAt: BigInt(now), expiresAt: BigInt(now + 3_600), nonce: generatePrivateKey(), ...changes,
  };
  const signature = await station.key.signTypedData({
    domain: { ...vector.domain, chainId: chain.id, ...domain }, types: vector.types, primaryType: 'Statement', message,
  });
  return [message, signature];
}

async function list(name, method, key = privateKeyToAccount(generatePrivateKey())) {
  const now = Number((await reads.getBlock()).timestamp);
  const listing = {
    key: key.address, method, name, page: 'https://attest.example.org/check', untilAt: BigInt(now + 300 * 86_400), basis: keccak256(toHex(name)),
  };
  await send(office, accounts, 'listAttestor', [listing]);
  const [items] = await ask(accounts, 'attestors', [0n, 200n]);
  return { key, method, id: items.at(-1).id };
}

before(async () => {
  node = await startNode();
  chain = await chainOf(node);
  reads = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  const home = (code) => ({
    code, building: 1, stair: 1, floor: 1, use: 1, areaM2: 9_000n, areaSource: 1, countsArea: true, countsHead: true, delivered: true, developerOwned: false,
  });
  await send(office, registry, 'addUnits', [['1-101', '1-102', '1-103'].map(home)]);
  await send(office, registry, 'addOwners', [owners]);
  const holdings = owners.map((owner, i) => ({ unit: BigInt(i + 1), owner, shareNum: 1, shareDen: 1, kind: 1, since: 0n }));
  await send(office, registry, 'addHoldings', [holdings]);
  stations.card = await list('便民服务站', 1);
  stations.face = await list('核身公司', 2);
});

after(() => node?.stop());

test('the page\'s vector is what viem and ethers sign', async () => {
  const key = privateKeyToAccount(secret);
  assert.equal(key.address, named);
  assert.equal(hashTypedData(vector), digest);
  assert.equal(await key.signTypedData(vector), signed);
  assert.ok(await verifyTypedData({ ...vector, address: named, signature: signed }));
  assert.equal(TypedDataEncoder.hash(vector.domain, vector.types, vector.message), digest);
  assert.equal(await new Wallet(secret).signTypedData(vector.domain, vector.types, vector.message), signed);
  // The types are the fields of the interface, in its order.
  const call = accounts.abi.find((entry) => entry.name === 'redeemAttested');
  assert.deepEqual(call.inputs[0].components.map(({ name, type }) => ({ name, type })), vector.types.Statement);
  assert.equal(vector.domain.verifyingContract, accounts.address);
});

test('who was recognised by a card or a face is bound, and the ledger says by which', async () => {
  for (const [person, home, name, way] of [[first, 1, 'card', 3], [second, 2, 'face', 4]]) {
    const station = stations[name];
    const given = await state(station, person, home);
    assert.equal(await refusal(third, accounts, 'redeemAttested', given), 'OtherAccount');
    await send(person, accounts, 'redeemAttested', given);
    assert.equal(await ask(registry, 'ownerOf', [person.address]), owners[home - 1]);
    const [found, source] = await ask(registry, 'bindingOf', [person.address]);
    assert.deepEqual([found, source], [way, station.id]);
    await send(office, registry, 'unbind', [person.address, digest]);
    assert.equal(await refusal(person, accounts, 'redeemAttested', given), 'StatementUsed');
    await send(person, accounts, 'redeemAttested', await state(station, person, home));
  }
  assert.deepEqual(await ask(registry, 'bindings'), [0n, 0n, 2n, 2n]);
  const [items] = await ask(accounts, 'attestors', [0n, 200n]);
  assert.deepEqual(items.map(({ bindings, works }) => [bindings, works]), [[2n, true], [2n, true]]);
});

test('what is foreign, late, changed or of another key is refused by name', async () => {
  const { card, face } = stations;
  const now = Number((await reads.getBlock()).timestamp);
  const of = async (changes, domain) => refusal(third, accounts, 'redeemAttested', await state(card, third, 3, changes, domain));
  assert.equal(await of({}), '');
  assert.equal(await of({}, { chainId: chain.id + 1 }), 'BadStatement');
  assert.equal(await of({}, { verifyingContract: registry.address }), 'BadStatement');
  assert.equal(await of({ issuedAt: BigInt(now - 3_600), expiresAt: BigInt(now) }), 'StatementOver');
  assert.equal(await of({ expiresAt: BigInt(now + 3_700) }), 'StatementOver');
  assert.equal(await of({ attestor: 9n }), 'NoSuchAttestor');
  assert.equal(await of({ method: 2 }), 'BadMethod');
  assert.equal(await of({ unit: 2n }), 'NotHolder');
  assert.equal(await of({ unit: 1n, owner: owners[0] }), 'OwnerBound');
  const [message, signature] = await state(card, third, 3);
  const changed = [{ ...message, nonce: digest }, signature];
  assert.equal(await refusal(third, accounts, 'redeemAttested', changed), 'BadStatement');
  const forged = await state({ ...face, id: card.id, method: 1 }, third, 3);
  assert.equal(await refusal(third, accounts, 'redeemAttested', forged), 'BadStatement');
  assert.equal(await refusal(first, accounts, 'redeemAttested', await state(card, first, 1)), 'AccountBound');
});

test('an ended attestor binds nobody, and its key does not come back', async () => {
  const { card } = stations;
  assert.equal(await refusal(third, accounts, 'endAttestor', [card.id, 'mine']), 'NotPermitted');
  await send(office, accounts, 'endAttestor', [card.id, '合同到期']);
  assert.equal(await refusal(third, accounts, 'redeemAttested', await state(card, third, 3)), 'AttestorOver');
  const again = { key: card.key.address, method: 1, name: 'x', page: 'https://a', untilAt: 0n, basis: digest };
  assert.equal(await refusal(office, accounts, 'listAttestor', [again]), 'BadKey');
});
