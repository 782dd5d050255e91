//! How fast a state goes into a snapshot and comes back, and blocks into sections and back.
//! `cargo bench -p tulou-archive [-- accounts]` prints a table; nothing is asserted.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use alloy_consensus::{
    Receipt, SignableTransaction, TxEip1559, TxEnvelope,
    proofs::{calculate_receipt_root, ordered_trie_root_with_encoder},
};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use tulou_archive::{Archive, Place};
use tulou_ledger::{Ledger, LedgerConfig};
use tulou_primitives::{
    AccountChange, AccountState, Block, ChangeSet, Header, ReceiptEnvelope, Tx, TxType,
};

/// Blocks that are shipped, and transactions in each.
const BLOCKS: u64 = 500;
const PER_BLOCK: u64 = 100;

fn set(changes: &mut ChangeSet, n: u64, balance: u64) {
    let state = AccountState { nonce: 1, balance: U256::from(balance), ..Default::default() };
    let address = Address::from_word(keccak256(n.to_be_bytes()));
    changes.accounts.insert(address, AccountChange { state: Some(state), ..Default::default() });
}

fn certificate(hash: B256) -> Bytes {
    [&[0, 0, 0], hash.as_slice(), &[0; 240]].concat().into()
}

fn extend(ledger: &Ledger, count: u64) {
    for _ in 0..count {
        let head = ledger.head();
        let height = head.height + 1;
        let mut changes = ChangeSet::default();
        let (mut transactions, mut receipts) = (Vec::new(), Vec::new());
        for n in 0..PER_BLOCK {
            set(&mut changes, height * PER_BLOCK + n, height);
            let word = keccak256((height << 20 | n).to_be_bytes());
            let signature = Signature::new(word.into(), word.into(), false);
            let tx = TxEip1559 {
                nonce: height << 20 | n,
                gas_limit: 21_000,
                to: Address::from_word(word).into(),
                value: U256::from(n),
                ..Default::default()
            };
            transactions.push(Tx::from_envelope(TxEnvelope::from(tx.into_signed(signature))));
            let gas = (n + 1) * 21_000;
            let receipt = Receipt { status: true.into(), cumulative_gas_used: gas, logs: vec![] };
            receipts.push(ReceiptEnvelope::from_typed(TxType::Eip1559, receipt.with_bloom()));
        }
        let speculation = ledger.propose_root(head.hash, &changes).expect("the parent is held");
        let header = Header {
            parent_hash: head.hash,
            number: height,
            state_root: speculation.root(),
            transactions_root: ordered_trie_root_with_encoder(&transactions, |tx, out| {
                out.extend_from_slice(tx.raw());
            }),
            receipts_root: calculate_receipt_root(&receipts),
            ..Default::default()
        };
        let block = Block::new(header, transactions);
        let hash = block.hash();
        ledger.hold(block, receipts, speculation);
        ledger.put_finality(height, certificate(hash)).expect("the disk has room");
        ledger.finalize(hash).expect("the block is next");
    }
}

fn row(name: &str, bytes: u64, time: Duration) {
    let rate = bytes as f64 / 1e6 / time.as_secs_f64();
    println!("{name:<44} {:>9.1} MB {time:>10.3?} {rate:>9.1} MB/s", bytes as f64 / 1e6);
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}

fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("the folder is there").flatten();
    entries.map(|entry| entry.metadata().map_or(0, |data| data.len())).sum()
}

fn main() {
    let accounts = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(500_000);
    let mut changes = ChangeSet::default();
    (0..accounts).for_each(|n| set(&mut changes, n, n + 1));
    let state_root = Ledger::genesis_root(&changes);
    let genesis = Block::new(Header { state_root, ..Default::default() }, Vec::new());
    let [from, to, place] = [0; 3].map(|_| tempfile::tempdir().expect("a temporary folder"));
    let config = LedgerConfig::default();
    let ledger = Ledger::open(from.path(), &genesis, changes, config).expect("the ledger opens");
    extend(&ledger, BLOCKS);
    let archive = Archive::open(&Place::folder(place.path()), 7755, genesis.hash())
        .expect("the archive opens");

    let version = ledger.latest();
    let (name, time) = timed(|| archive.put_snapshot(&ledger, &version).expect("a snapshot"));
    let manifest = archive.manifest(&name).expect("it was just put");
    row(&format!("snapshot, {} accounts", manifest.accounts), manifest.record_bytes, time);
    println!("{:<44} {:>9.1} MB", "  as it is kept", manifest.bytes as f64 / 1e6);
    let (opened, time) = timed(|| {
        let source = &mut archive.snapshot(&name);
        let mut accept = |_: &tulou_ledger::Offer<'_>| Ok(());
        Ledger::open_snapshot(to.path(), &genesis, 7755, source, &mut accept, config)
    });
    let (restored, _) = opened.expect("the snapshot is sound");
    row("restore of the state, ready to serve", manifest.record_bytes, time);

    let (shipped, time) = timed(|| archive.ship_blocks(&ledger, BLOCKS, true).expect("blocks"));
    let sections = archive.sections().expect("they were just put");
    let bytes: u64 = sections.iter().map(|section| section.record_bytes).sum();
    row(&format!("{} blocks of {PER_BLOCK} transfers out", shipped.blocks), bytes, time);
    println!(
        "{:<44} {:>9.1} MB",
        "  as they are kept",
        size(&place.path().join("sections")) as f64 / 1e6
    );
    let (_, time) = timed(|| archive.restore_blocks(&restored).expect("blocks"));
    row("and back, checked", bytes, time);
    let (report, time) = timed(|| {
        restored
            .verify(0..=u64::MAX, Default::default(), &mut |_| std::ops::ControlFlow::Continue(()))
    });
    assert!(report.is_sound(), "{report:?}");
    row("verify, blocks and state", bytes + manifest.record_bytes, time);
}
