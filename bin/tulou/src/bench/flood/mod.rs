//! The load generator: transactions that are signed and packed into requests beforehand, sent over
//! keep-alive connections to any Ethereum endpoint, and counted when the endpoint shows them in a block.
//!
//! The generator's own CPU time is reported apart from that of the nodes. Nothing is signed, encoded or
//! decoded while the clock runs, except the hashes of the blocks that come back.

mod follow;
mod lanes;
mod token;
mod workload;

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes};
use serde_json::json;
use tulou_client::{Key, Rpc};

pub(crate) use self::workload::Workload;
use self::{follow::Follower, lanes::Lanes};
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

/// Where to send, and whose cost to count.
pub(crate) struct Target {
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

    /// Evenly, in small requests.
    pub(crate) fn even(tx_per_s: f64) -> Self {
        Self { batch: 25, connections: 4, tx_per_s: Some(tx_per_s), window: usize::MAX }
    }
}

/// Signed transactions, in the order of the nonces of each sender.
pub(crate) struct Signed {
    pub(crate) name: String,
    /// One list for each sender.
    pub(crate) senders: Vec<Vec<Bytes>>,
}

impl Signed {
    pub(crate) fn len(&self) -> usize {
        self.senders.iter().map(Vec::len).sum()
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

/// Prepares what the workload needs on the chain, signs, measures the limit with the very same
/// transactions, sends, and gives one row.
pub(crate) fn measure(
    target: &Target,
    workload: Workload,
    count: usize,
    pace: Pace,
) -> Result<Row, Failure> {
    let signed = workload.prepare(target, count)?;
    let limit = limit::recoveries_per_s(&signed.senders.concat());
    let (disk, cpu, own) = (target.disk_bytes(), target.cpu_s(), process::own_cpu_s());
    let outcome = send(target, &signed, pace)?;
    let (cpu, own) = (target.cpu_s() - cpu, process::own_cpu_s() - own);
    let done = succeeded(&target.rpc(), outcome.first, outcome.last, &signed)?;
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

/// Receipts with status 1 of our transactions in a range of blocks.
fn succeeded(rpc: &Rpc, from: u64, to: u64, signed: &Signed) -> Result<usize, Failure> {
    let ours: std::collections::HashSet<B256> =
        signed.senders.iter().flatten().map(alloy_primitives::keccak256).collect();
    let mut done = 0;
    for height in from..=to {
        let receipts = rpc.call("eth_getBlockReceipts", json!([format!("{height:#x}")]))?;
        for receipt in receipts.as_array().into_iter().flatten() {
            let hash = receipt["transactionHash"].as_str().and_then(|text| text.parse().ok());
            let counts = hash.is_some_and(|hash: B256| ours.contains(&hash));
            done += usize::from(counts && receipt["status"] == json!("0x1"));
        }
    }
    Ok(done)
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
