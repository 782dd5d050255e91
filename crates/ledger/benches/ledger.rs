//! How long the ledger takes for what it does per block. `cargo bench -p tulou-ledger [-- accounts]`
//! prints a table; nothing is asserted.

use std::{
    fs,
    hint::black_box,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use alloy_consensus::{
    Receipt, SignableTransaction, TxEip1559, TxEnvelope,
    proofs::{calculate_receipt_root, ordered_trie_root_with_encoder},
};
use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tulou_ledger::{Ledger, LedgerConfig};
use tulou_primitives::{
    AccountChange, AccountState, Block, ChangeSet, Header, ReceiptEnvelope, StateReader, Tx, TxType,
};

const RUNS: usize = 9;

fn person(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

fn set(changes: &mut ChangeSet, n: u64, balance: u64) {
    let state = AccountState { nonce: 1, balance: U256::from(balance), ..Default::default() };
    changes.accounts.insert(person(n), AccountChange { state: Some(state), ..Default::default() });
}

/// Nine updates for each insert, anywhere among the accounts.
fn some_changes(rng: &mut StdRng, accounts: u64, count: usize) -> ChangeSet {
    let mut changes = ChangeSet::default();
    while changes.accounts.len() < count {
        let new = rng.random_bool(0.1);
        let n = rng.random_range(0..accounts) + if new { accounts << 8 } else { 0 };
        set(&mut changes, n, rng.random());
    }
    changes
}

fn row(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    println!(
        "{name:<40} {:>10.3?} median {:>10.3?} worst",
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = black_box(work());
    times.push(start.elapsed());
    result
}

fn open(dir: &Path, genesis: &Block, changes: ChangeSet) -> Ledger {
    Ledger::open(dir, genesis, changes, LedgerConfig::default()).expect("the ledger opens")
}

fn blocks(ledger: &Ledger, rng: &mut StdRng, accounts: u64, count: usize) {
    let (mut propose, mut finalize) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let head = ledger.head();
        let changes = some_changes(rng, accounts, count);
        let speculation = timed(&mut propose, || ledger.propose_root(head.hash, &changes))
            .expect("the parent is held");
        let header = Header {
            parent_hash: head.hash,
            number: head.height + 1,
            state_root: speculation.root(),
            ..Default::default()
        };
        let block = Block::new(header, Vec::new());
        let hash = block.hash();
        ledger.hold(block, Vec::new(), speculation);
        timed(&mut finalize, || ledger.finalize(hash)).expect("the block is next");
    }
    row(&format!("propose_root, {count} changes"), propose);
    row(&format!("finalize, {count} changes"), finalize);
}

/// Bytes that the files in a folder really take.
fn disk(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("the folder is there").flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => disk(&entry.path()),
            Ok(data) => data.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// Blocks of transfers between random accounts.
fn transfers(ledger: &Ledger, rng: &mut StdRng, accounts: u64, per_block: u64, count: u64) {
    for height in 0..count {
        let head = ledger.head();
        let mut changes = ChangeSet::default();
        let mut transactions = Vec::new();
        let mut receipts = Vec::new();
        for n in 0..per_block {
            (0..2).for_each(|_| set(&mut changes, rng.random_range(0..accounts), rng.random()));
            let signature = Signature::new(rng.random(), rng.random(), false);
            let tx = TxEip1559 {
                chain_id: 7755,
                nonce: height << 20 | n,
                gas_limit: 21_000,
                to: Address::from(rng.random::<[u8; 20]>()).into(),
                value: U256::from(rng.random::<u64>()),
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
            number: head.height + 1,
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
        ledger.finalize(hash).expect("the block is next");
    }
}

fn reads(ledger: &Ledger, rng: &mut StdRng, accounts: u64) {
    const COUNT: u32 = 10_000;
    let version = ledger.latest();
    let people: Vec<_> = (0..COUNT).map(|_| person(rng.random_range(0..accounts))).collect();
    let mut times = Vec::new();
    timed(&mut times, || people.iter().filter(|who| version.account(**who).is_ok()).count());
    println!("{:<40} {:>10.3?} each", "account", times[0] / COUNT);
    timed(&mut times, || {
        people.iter().map(|who| version.proof(*who, &[]).account_proof.len()).sum::<usize>()
    });
    println!("{:<40} {:>10.3?} each", "proof", times[1] / COUNT);
}

fn main() {
    let accounts = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(100_000);
    let mut rng = StdRng::seed_from_u64(1);
    let mut changes = ChangeSet::default();
    (0..accounts).for_each(|n| set(&mut changes, n, n + 1));
    let dir = tempfile::tempdir().expect("a temporary folder");

    let mut times = Vec::new();
    let state_root: B256 = timed(&mut times, || Ledger::genesis_root(&changes));
    row(&format!("root of {accounts} accounts"), times);
    let genesis = Block::new(Header { state_root, ..Default::default() }, Vec::new());
    let ledger = open(dir.path(), &genesis, changes);
    for count in [200, 2_000, 20_000] {
        blocks(&ledger, &mut rng, accounts, count);
    }
    reads(&ledger, &mut rng, accounts);
    let before = disk(dir.path());
    transfers(&ledger, &mut rng, accounts, 200, 250);
    println!("{:<40} {:>10}", "disk bytes per transfer", (disk(dir.path()) - before) / 50_000);
    drop(ledger);

    let mut times = Vec::new();
    timed(&mut times, || open(dir.path(), &genesis, ChangeSet::default()));
    row("open", times);
}
