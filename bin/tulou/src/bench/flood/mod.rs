//! The load generator: transactions that are signed and packed into requests beforehand, sent over
//! keep-alive connections to any Ethereum endpoint, and counted when the endpoint shows them in a block.
//!
//! The generator's own CPU time is reported apart from that of the nodes. Nothing is signed, encoded or
//! decoded while the clock runs, except the hashes of the blocks that come back.

mod ballots;
mod bills;
mod city;
mod community;
mod follow;
mod lanes;
mod signed;
mod token;
mod workload;

use std::{
    collections::HashSet,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, keccak256};
use serde_json::{Value, json};
use tulou_client::{Key, Rpc};

pub(crate) use self::{
    bills::measure as bills,
    workload::{Sizes, Workload},
};
use self::{follow::Follower, lanes::Lanes, signed::Signed};
use crate::{
    bench::{
        limit, process,
        report::{Row, quantile},
    },
    output::Failure,
};

/// Accounts of the test mnemonic that send. Every development chain funds at least ten of them.
pub(crate) const SENDERS: u32 = 10;
/// Longest wait for the last transaction to be in a block.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an endpoint is, and so what can be set up on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A dev ledger of ours: account 0 of the test mnemonic holds every office, and the clock moves.
    Dev,
    /// A consortium of processes: offices as the founding gives them, and the clock is everybody's.
    Consortium,
    /// Somebody else's: nothing but Ethereum.
    Peer,
}

/// Where to send, and whose cost to count.
pub(crate) struct Target {
    pub(crate) kind: Kind,
    /// One endpoint for each node; the senders are dealt to them.
    pub(crate) urls: Vec<String>,
    pub(crate) chain_id: u64,
    /// Accounts of the state that receive.
    pub(crate) accounts: u64,
    /// Processes of the nodes on this machine; empty where they are not ours to measure.
    pub(crate) pids: Vec<u32>,
    /// Their folders.
    pub(crate) folders: Vec<PathBuf>,
}

impl Target {
    fn cpu_s(&self) -> f64 {
        self.pids.iter().map(|pid| process::cpu_s(*pid)).sum()
    }

    fn disk_bytes(&self) -> u64 {
        self.folders.iter().map(|folder| process::folder_bytes(folder)).sum()
    }

    fn rss_mib(&self) -> f64 {
        self.pids.iter().map(|pid| process::rss_mib(*pid)).sum()
    }

    fn rpc(&self) -> Rpc {
        Rpc::new(&self.urls[0])
    }

    fn nodes(&self) -> f64 {
        self.urls.len() as f64
    }
}

/// How to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Transactions in one request.
    pub(crate) batch: usize,
    /// Connections to each node.
    pub(crate) connections: usize,
    /// Transactions a second to all nodes together; as fast as they are taken without it.
    pub(crate) tx_per_s: Option<f64>,
    /// Transactions that may be on their way: sent and in no block yet.
    pub(crate) window: usize,
}

impl Pace {
    /// As fast as the nodes bring them into blocks.
    pub(crate) fn full() -> Self {
        Self { batch: 100, connections: 4, tx_per_s: None, window: 20_000 }
    }

    /// What has to be there before a row is measured: few on their way, for some are large.
    fn setup() -> Self {
        Self { batch: 20, connections: 4, tx_per_s: None, window: 1_000 }
    }

    /// Evenly, in small requests.
    pub(crate) fn even(tx_per_s: f64) -> Self {
        Self { batch: 25, connections: 4, tx_per_s: Some(tx_per_s), window: usize::MAX }
    }
}

/// What became of the transactions.
struct Outcome {
    seconds: f64,
    /// Seen in a block.
    included: usize,
    /// Refused at the door.
    rejected: usize,
    /// From the sending of its request to the first sight of its block, of each transaction, sorted.
    waits_ms: Vec<f64>,
    blocks: u64,
    first: u64,
    last: u64,
}

/// Measures the limit with the very same transactions, sends them, reads back what the ledger must
/// show, and gives one row.
pub(crate) fn measure(target: &Target, signed: &Signed, pace: Pace) -> Result<Row, Failure> {
    let limit = limit::recoveries_per_s(&signed.raw());
    let (disk, cpu, own) = (target.disk_bytes(), target.cpu_s(), process::own_cpu_s());
    let outcome = send(target, signed, pace)?;
    let (cpu, own) = (target.cpu_s() - cpu, process::own_cpu_s() - own);
    let Tally { done, .. } = tally(&target.rpc(), &outcome, signed)?;
    let counted = signed.counted(&target.rpc())?;
    let tx_per_s = done as f64 / outcome.seconds;
    let thousands = done.max(1) as f64 / 1_000.0;
    let ours = !target.pids.is_empty();
    if outcome.rejected > 0 {
        println!("  {} of {} were refused at the door", outcome.rejected, signed.len());
    }
    Ok(Row {
        validators: target.urls.len(),
        tx_per_s: Some(tx_per_s),
        limit_per_s: Some(limit),
        share: Some(tx_per_s / (limit / target.nodes())),
        success: Some(done as f64 / signed.len() as f64),
        counted,
        blocks_per_s: Some(outcome.blocks as f64 / outcome.seconds),
        p50_ms: quantile(&outcome.waits_ms, 0.5),
        p99_ms: quantile(&outcome.waits_ms, 0.99),
        cpu_s_per_ktx: ours.then_some(cpu / thousands),
        client_cpu_s_per_ktx: Some(own / thousands),
        disk_bytes_per_tx: ours
            .then(|| target.disk_bytes().saturating_sub(disk) as f64 / done.max(1) as f64),
        rss_mib: ours.then(|| target.rss_mib() / target.nodes()),
        ..Row::named(&signed.name)
    })
}

/// Sends everything and waits until all that was not refused is in blocks.
fn send(target: &Target, signed: &Signed, pace: Pace) -> Result<Outcome, Failure> {
    let lanes = Lanes::pack(target, signed, pace);
    let first = target.rpc().block_number()? + 1;
    let follower = Follower::start(&target.urls[0], first, signed.len());
    let begun = Instant::now();
    let sent = lanes
        .send(begun, &|on_their_way| on_their_way < pace.window.saturating_add(follower.count()))?;
    let wanted = signed.len() - sent.rejected;
    let deadline = Instant::now() + PATIENCE;
    while follower.count() < wanted && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    let seen = follower.stop()?;
    let last_seen = seen.hashes.iter().map(|(_, at)| *at).max().unwrap_or(begun);
    let mut waits_ms: Vec<f64> = seen
        .hashes
        .iter()
        .filter_map(|(hash, at)| Some((*at - *sent.times.get(hash)?).as_secs_f64() * 1_000.0))
        .collect();
    waits_ms.sort_by(f64::total_cmp);
    Ok(Outcome {
        seconds: (last_seen - begun).as_secs_f64(),
        included: seen.hashes.len(),
        rejected: sent.rejected,
        waits_ms,
        blocks: seen.last.saturating_sub(first) + 1,
        first,
        last: seen.last,
    })
    .inspect(|outcome: &Outcome| {
        if outcome.included < wanted {
            println!("  {} of {wanted} were in blocks after {PATIENCE:?}", outcome.included);
        }
    })
}

/// What the receipts of our transactions say.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Receipts with status 1.
    done: usize,
    /// Gas of all of them.
    gas: u64,
}

/// Reads the receipts of the blocks in which our transactions were seen.
fn tally(rpc: &Rpc, outcome: &Outcome, signed: &Signed) -> Result<Tally, Failure> {
    let ours: HashSet<B256> = signed.txs.iter().map(|tx| keccak256(&tx.raw)).collect();
    let mut tally = Tally::default();
    for height in outcome.first..=outcome.last {
        let receipts = rpc.call("eth_getBlockReceipts", json!([format!("{height:#x}")]))?;
        for receipt in receipts.as_array().into_iter().flatten() {
            let hash = receipt["transactionHash"].as_str().and_then(|text| text.parse().ok());
            if hash.is_some_and(|hash: B256| ours.contains(&hash)) {
                tally.done += usize::from(receipt["status"] == json!("0x1"));
                tally.gas += number(&receipt["gasUsed"]);
            }
        }
    }
    Ok(tally)
}

/// A quantity of the protocol, `0x1f` for example; 0 for what is none.
fn number(quantity: &Value) -> u64 {
    let digits = quantity.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

/// The keys that send.
pub(crate) fn keys() -> Result<Vec<Key>, Failure> {
    Ok((0..SENDERS).map(Key::test).collect::<Result<_, _>>()?)
}

/// The process on this machine that listens where the address says, if it can be told.
pub(crate) fn listener_of(url: &str) -> Option<u32> {
    let port: u16 = url.trim_end_matches('/').rsplit(':').next()?.parse().ok()?;
    process::listening_on(port)
}
