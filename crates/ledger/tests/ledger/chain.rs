//! A small deterministic chain: the same seed gives the same block everywhere.

use std::{collections::BTreeMap, path::Path};

use alloy_consensus::{
    Receipt, SignableTransaction, TxEnvelope, TxLegacy,
    proofs::{calculate_receipt_root, ordered_trie_root_with_encoder},
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, LogData, Signature, U256, keccak256};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tulou_ledger::{Ledger, LedgerConfig};
use tulou_primitives::{
    AccountChange, AccountState, Block, ChangeSet, Header, ReceiptEnvelope, Tx, TxType, epoch_of,
    is_epoch_end, validators_hash,
};

pub(crate) const PEOPLE: u64 = 2_000;
/// Heights of an epoch.
pub(crate) const EPOCH: u64 = 20;
pub(crate) const CHAIN_ID: u64 = 7755;

pub(crate) fn person(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

/// One of a few accounts with code and storage.
pub(crate) fn contract(n: u64) -> Address {
    Address::from_word(B256::from(U256::from(0x7755_0000 + n % 5)))
}

pub(crate) fn code(n: u64) -> Bytes {
    Bytes::from(vec![n as u8 + 1; 100])
}

fn rich(balance: u64) -> AccountChange {
    let state = AccountState { balance: U256::from(balance), ..Default::default() };
    AccountChange { state: Some(state), ..Default::default() }
}

pub(crate) fn genesis() -> (Block, ChangeSet) {
    let mut changes = ChangeSet::default();
    for n in 0..PEOPLE {
        changes.accounts.insert(person(n), rich(1_000_000 + n));
    }
    let state_root = Ledger::genesis_root(&changes);
    (Block::new(Header { state_root, timestamp: 1_000, ..Default::default() }, vec![]), changes)
}

pub(crate) fn open(dir: &Path) -> Ledger {
    let (block, changes) = genesis();
    // A small memtable, so that tests of a few hundred blocks see tables written.
    let config = LedgerConfig { memtable_bytes: 256 << 10, ..Default::default() };
    Ledger::open(dir, &block, changes, config).unwrap()
}

/// What block `height` changes. Rivals have different seeds.
pub(crate) fn changes(height: u64, seed: u64) -> ChangeSet {
    let mut rng = StdRng::seed_from_u64(height << 8 | seed);
    let mut changes = ChangeSet::default();
    for _ in 0..40 {
        let n = rng.random_range(0..PEOPLE * 2);
        let gone = AccountChange::default();
        let change = if rng.random_bool(0.1) { gone } else { rich(rng.random_range(1..1 << 40)) };
        changes.accounts.insert(person(n), change);
    }
    let storage: BTreeMap<_, _> = (0..20)
        .map(|_| (U256::from(rng.random_range(0..200)), U256::from(rng.random_range(0..50))))
        .collect();
    let code = code(height % 7);
    let state = AccountState { nonce: height, balance: U256::ZERO, code_hash: keccak256(&code) };
    changes.code.insert(state.code_hash, code);
    let wipe = rng.random_bool(0.1);
    changes.accounts.insert(contract(height), AccountChange { wipe, state: Some(state), storage });
    changes
}

fn transaction(nonce: u64) -> TxEnvelope {
    let signature = Signature::new(U256::from(1), U256::from(2), false);
    TxLegacy { nonce, gas_limit: 21_000, ..Default::default() }.into_signed(signature).into()
}

/// An event of [`contract`]`(height)` with the height as second topic.
fn event(height: u64) -> Log {
    let topics = vec![keccak256("Paid(uint256)"), B256::from(U256::from(height))];
    Log { address: contract(height), data: LogData::new_unchecked(topics, Bytes::from("x")) }
}

/// The validators of an epoch.
pub(crate) fn validators(epoch: u64) -> Vec<B256> {
    (0..4).map(|n| keccak256([epoch.to_be_bytes(), u64::to_be_bytes(n)].concat())).collect()
}

/// What the last block of an epoch says of the next.
fn next_validators(height: u64) -> Bytes {
    let next = epoch_of(height, EPOCH) + 1;
    let commitment = || Bytes::copy_from_slice(validators_hash(next, &validators(next)).as_slice());
    if is_epoch_end(height, EPOCH) { commitment() } else { Bytes::new() }
}

/// Something with the shape of a certificate of the block with this hash.
pub(crate) fn certificate(hash: B256, height: u64) -> Bytes {
    let mut bytes = vec![epoch_of(height, EPOCH) as u8, height as u8 & 127, 0];
    bytes.extend_from_slice(hash.as_slice());
    bytes.extend_from_slice(&[7; 200]);
    bytes.into()
}

/// Finalizes `count` blocks, each with its certificate, and tells who validates the next epoch.
pub(crate) fn certify(ledger: &Ledger, count: u64) {
    for _ in 0..count {
        let block = grow(ledger, ledger.head().hash, 0);
        let height = block.height();
        if is_epoch_end(height, EPOCH) {
            let next = epoch_of(height, EPOCH) + 1;
            ledger.put_epoch_validators(next, &validators(next)).unwrap();
        }
        ledger.put_finality(height, certificate(block.hash(), height)).unwrap();
        ledger.finalize(block.hash()).unwrap();
    }
}

/// Executes a block on `parent`, a candidate or the head, and holds it.
pub(crate) fn grow(ledger: &Ledger, parent: B256, seed: u64) -> Block {
    let parent = ledger.version(parent).unwrap();
    let height = parent.height() + 1;
    let speculation = ledger.propose_root(parent.block_hash(), &changes(height, seed)).unwrap();
    let transactions: Vec<_> =
        (0..3).map(|n| Tx::from_envelope(transaction(height << 20 | seed << 8 | n))).collect();
    let receipts: Vec<ReceiptEnvelope> = (0..3)
        .map(|n| {
            let logs = if n == 1 { vec![event(height)] } else { vec![] };
            let gas = (n + 1) * 21_000;
            let receipt = Receipt { status: (n != 2).into(), cumulative_gas_used: gas, logs };
            ReceiptEnvelope::from_typed(TxType::Legacy, receipt.with_bloom())
        })
        .collect();
    let logs_bloom =
        receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
    let header = Header {
        parent_hash: parent.block_hash(),
        number: height,
        state_root: speculation.root(),
        transactions_root: ordered_trie_root_with_encoder(&transactions, |tx, out| {
            out.extend_from_slice(tx.raw());
        }),
        receipts_root: calculate_receipt_root(&receipts),
        logs_bloom,
        timestamp: 1_000 + height,
        extra_data: next_validators(height),
        ..Default::default()
    };
    let block = Block::new(header, transactions);
    ledger.hold(block.clone(), receipts, speculation);
    block
}

/// Finalizes `count` blocks.
pub(crate) fn extend(ledger: &Ledger, count: u64) {
    for _ in 0..count {
        let block = grow(ledger, ledger.head().hash, 0);
        ledger.finalize(block.hash()).unwrap();
    }
}
