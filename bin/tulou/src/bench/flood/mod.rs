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
mod target;
mod token;
mod workload;

use std::{
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use serde_json::{Value, json};
use tulou_client::{Rpc, parse_number};

use self::{follow::Follower, lanes::Lanes, signed::Signed, target::keys};
pub(crate) use self::{
    lanes::body_of,
    signed::in_parallel,
    target::Target,
    workload::{Sizes, Workload},
};
use crate::{
    bench::{
        limit, process,
        report::{Row, quantile},
    },
    output::Failure,
};

/// Accounts of the test mnemonic that send. Every development chain funds at least ten of them.
const SENDERS: u32 = 10;
/// Longest wait for the last transaction to be in a block.
const PATIENCE: Duration = Duration::from_secs(60);

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
        Self { batch: 100, connections: 4, tx_per_s: None, window: 4_000 }
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
    /// Refused at the door, and what the first of them was told.
    rejected: usize,
    reason: Option<String>,
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
    // A store that tidies up what came before can shrink: then the growth is not known.
    let disk = target.disk_bytes().zip(disk).and_then(|(after, before)| after.checked_sub(before));
    let disk = disk.map(|bytes| bytes as f64);
    let Tally { done, gas } = tally(&target.rpc(), &outcome, signed)?;
    let counted = signed.counted(&target.rpc()).map_err(|Failure(why)| {
        Failure(format!("{}: {why}; {done} of {} succeeded", signed.name, signed.len()))
    })?;
    let tx_per_s = done as f64 / outcome.seconds;
    let thousands = done.max(1) as f64 / 1_000.0;
    let ours = target.is_measured();
    if let Some(reason) = &outcome.reason {
        println!("  {} of {} were refused at the door: {reason}", outcome.rejected, signed.len());
    }
    let a_unit = |total: f64| signed.units.map(|units| total / units.max(1) as f64);
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
        disk_bytes_per_tx: disk.map(|bytes| bytes / done.max(1) as f64),
        rss_mib: ours.then(|| target.rss_mib() / target.nodes()),
        units: signed.units,
        units_per_s: signed.units.map(|units| units as f64 / outcome.seconds),
        transactions: signed.units.map(|_| signed.len() as u64),
        gas_per_unit: a_unit(gas as f64),
        blocks: signed.units.map(|_| outcome.blocks),
        cpu_s_per_kunit: a_unit(cpu * 1_000.0),
        disk_bytes_per_unit: disk.and_then(a_unit),
        seconds: signed.units.map(|_| outcome.seconds),
        ..Row::named(&signed.name)
    })
}

/// Sends everything and waits until all that was not refused is in blocks.
fn send(target: &Target, signed: &Signed, pace: Pace) -> Result<Outcome, Failure> {
    let lanes = Lanes::pack(target, signed, pace);
    let first = target.rpc().block_number()? + 1;
    let follower = Follower::start(&target.urls[0], first, signed.hashes());
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
        reason: sent.reason,
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
    let ours = signed.hashes();
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
    parse_number(quantity).unwrap_or(0)
}
