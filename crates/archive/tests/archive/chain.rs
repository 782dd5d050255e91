//! A small chain of blocks with certificates.

use std::path::Path;

use alloy_consensus::{
    Receipt, SignableTransaction, TxEnvelope, TxLegacy,
    proofs::{calculate_receipt_root, ordered_trie_root_with_encoder},
};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use tulou_ledger::{Ledger, LedgerConfig, Offer};
use tulou_primitives::{
    AccountChange, AccountState, Block, ChangeSet, Header, ReceiptEnvelope, Tx, TxType, epoch_of,
    is_epoch_end, validators_hash,
};

pub(crate) const CHAIN_ID: u64 = 7755;
const EPOCH: u64 = 500;

fn rich(n: u64, balance: u64) -> (Address, AccountChange) {
    let state = AccountState { nonce: 1, balance: U256::from(balance), ..Default::default() };
    let change = AccountChange { state: Some(state), ..Default::default() };
    (Address::from_word(keccak256(n.to_be_bytes())), change)
}

pub(crate) fn genesis() -> (Block, ChangeSet) {
    let mut changes = ChangeSet::default();
    changes.accounts.extend((0..500).map(|n| rich(n, n + 1)));
    let state_root = Ledger::genesis_root(&changes);
    (Block::new(Header { state_root, ..Default::default() }, Vec::new()), changes)
}

pub(crate) fn config() -> LedgerConfig {
    LedgerConfig { retained_versions: 8, ..Default::default() }
}

pub(crate) fn open(dir: &Path) -> Ledger {
    let (block, changes) = genesis();
    Ledger::open(dir, &block, changes, config()).unwrap()
}

pub(crate) fn accept(offer: &Offer<'_>) -> Result<(), String> {
    (offer.manifest.certificate == certificate(offer.manifest.hash))
        .then_some(())
        .ok_or("no".into())
}

fn certificate(hash: B256) -> Bytes {
    let mut bytes = vec![0, 0, 0];
    bytes.extend_from_slice(hash.as_slice());
    bytes.extend_from_slice(&[9; 100]);
    bytes.into()
}

/// Finalizes `count` blocks of one transaction each.
pub(crate) fn extend(ledger: &Ledger, count: u64) {
    for _ in 0..count {
        let head = ledger.head();
        let height = head.height + 1;
        let mut changes = ChangeSet::default();
        changes.accounts.extend((0..5).map(|n| rich(height * 7 + n, height)));
        let speculation = ledger.propose_root(head.hash, &changes).unwrap();
        let signature = Signature::new(U256::from(1), U256::from(2), false);
        let tx = TxLegacy { nonce: height, gas_limit: 21_000, ..Default::default() };
        let transactions = vec![Tx::from_envelope(TxEnvelope::from(tx.into_signed(signature)))];
        let receipt =
            Receipt { status: true.into(), cumulative_gas_used: 21_000, logs: Vec::new() };
        let receipts = vec![ReceiptEnvelope::from_typed(TxType::Legacy, receipt.with_bloom())];
        let next = epoch_of(height, EPOCH) + 1;
        let commitment = || Bytes::copy_from_slice(validators_hash(next, &[]).as_slice());
        let header = Header {
            parent_hash: head.hash,
            number: height,
            state_root: speculation.root(),
            transactions_root: ordered_trie_root_with_encoder(&transactions, |tx, out| {
                out.extend_from_slice(tx.raw());
            }),
            receipts_root: calculate_receipt_root(&receipts),
            extra_data: if is_epoch_end(height, EPOCH) { commitment() } else { Bytes::new() },
            ..Default::default()
        };
        let block = Block::new(header, transactions);
        let hash = block.hash();
        ledger.hold(block, receipts, speculation);
        ledger.put_finality(height, certificate(hash)).unwrap();
        ledger.finalize(hash).unwrap();
    }
}
