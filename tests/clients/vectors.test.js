// The paths of the shared vectors, judged by a trie that is not ours: it finds the same values, and refuses where our verifiers do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { verifyMerkleProof } from '@ethereumjs/mpt';
import { RLP } from '@ethereumjs/rlp';
import { bytesToHex, hexToBytes } from '@ethereumjs/util';
import { keccak256, toHex } from 'viem';

const vectors = JSON.parse(readFileSync(new URL('../vectors/light.json', import.meta.url), 'utf8'));
const [PARENT, STATE, TRANSACTIONS, RECEIPTS] = [0, 3, 4, 5];

const field = (header, place) => RLP.decode(hexToBytes(header))[place];

/** The value that the other trie finds; null for a proof that there is none; undefined where it refuses. */
async function found(root, key, nodes) {
  try {
    return await verifyMerkleProof(key, nodes.map(hexToBytes), { root });
  } catch {
    return undefined;
  }
}

const leads = async (root, key, nodes, value) => {
  const there = await found(root, key, nodes);
  return there instanceof Uint8Array && bytesToHex(there) === value;
};

test('receipts and transactions stand where our verifiers say', async () => {
  let good = 0;
  let bad = 0;
  for (const { name, kind, expect, proof, transaction } of vectors.cases) {
    if (kind !== 'receipt' || !['ok', 'path', 'transaction'].includes(expect)) continue;
    // This library passes over nodes that no path needs; ours refuse them.
    if (name === 'receipt: a path that goes on') continue;
    const key = RLP.encode(proof.index);
    const path = await leads(field(proof.header, RECEIPTS), key, proof.proof, proof.receipt);
    const whose = await leads(field(proof.header, TRANSACTIONS), key, proof.transactionProof, proof.transaction);
    const asked = keccak256(proof.transaction) === transaction;
    const verdict = !path ? 'path' : whose && asked ? 'ok' : 'transaction';
    assert.equal(verdict, expect, name);
    if (verdict === 'ok') good += 1;
    else bad += 1;
  }
  assert.ok(good >= 5 && bad >= 12, `${good} good, ${bad} bad`);
});

test('balances and slots are what our verifiers say', async () => {
  let good = 0;
  let bad = 0;
  for (const { name, kind, expect, proof } of vectors.cases) {
    if (kind !== 'account') continue;
    const { page, account } = proof;
    const verdict = await judge(field(page.header, STATE), account);
    assert.equal(verdict, expect, name);
    if (verdict === 'ok') good += 1;
    else bad += 1;
  }
  assert.ok(good >= 4 && bad >= 12, `${good} good, ${bad} bad`);
});

async function judge(root, account) {
  const leaf = await found(root, hexToBytes(keccak256(account.address)), account.accountProof);
  if (leaf === undefined) return 'account';
  const [, balance, storage] = leaf ? RLP.decode(leaf) : [, new Uint8Array(), null];
  if (number(balance) !== BigInt(account.balance)) return 'account';
  for (const slot of account.storageProof ?? []) {
    const key = hexToBytes(keccak256(toHex(BigInt(slot.key), { size: 32 })));
    const word = storage && (await found(storage, key, slot.proof));
    if (word === undefined || number(word ? RLP.decode(word) : new Uint8Array()) !== BigInt(slot.value)) return 'storage';
  }
  return 'ok';
}

function number(bytes) {
  return bytes.length === 0 ? 0n : BigInt(bytesToHex(bytes));
}

test('each link and page names its parent as Ethereum does', () => {
  const page = vectors.cases.find((x) => x.name === 'page: linked to the next').proof;
  assert.equal(bytesToHex(field(page.links[0], PARENT)), keccak256(page.header));
});
