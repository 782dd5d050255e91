//! Many ledgers in one process: what an idle one costs, and whether busy ones add up.

use std::time::{Duration, Instant};

use tulou_testing::{Cluster, ClusterPlan, Load, LoadPlan};

use super::Row;
use crate::{
    bench::process::{cpu_s, folder_bytes, rss_mib},
    output::Failure,
};

/// The one process that runs; the others only found with it, because three members must govern.
const HOST: usize = 0;
/// People who send to each busy ledger, each waiting for the receipt before sending again.
const SENDERS: u32 = 4;
/// EIP-155 id of the first neighbour.
const CHAIN_ID: u64 = 78_000;

/// A process with so many ledgers, each with this process as its only validator.
fn host(plan: ClusterPlan, count: usize) -> Result<(Cluster, Vec<LoadTarget>), Failure> {
    let mut cluster = Cluster::found(ClusterPlan { observers: 2, ..plan })?;
    let mut targets =
        vec![LoadTarget { url: cluster.rpc(HOST).url().to_owned(), chain_id: cluster.chain_id() }];
    for number in 1..count {
        let (name, chain_id) = (format!("ledger-{number}"), CHAIN_ID + number as u64);
        let ledger = cluster.found_hosted(HOST, &[1, 2], &name, chain_id)?;
        targets.push(LoadTarget { url: ledger.url(cluster.rpc(HOST).url()), chain_id });
    }
    cluster.start_member(HOST, &[])?;
    // Start-up work, and the first heartbeats of all ledgers.
    std::thread::sleep(Duration::from_secs(12));
    Ok((cluster, targets))
}

/// Where a ledger takes transactions.
struct LoadTarget {
    url: String,
    chain_id: u64,
}

/// What the process costs while nobody uses it.
pub(super) fn idle(plan: ClusterPlan, count: usize, watch: Duration) -> Result<Row, Failure> {
    let (cluster, _) = host(plan, count)?;
    let pid = cluster.pid(HOST).unwrap_or_default();
    let folder = cluster.folder(HOST);
    let (disk, used, begun) = (folder_bytes(folder), cpu_s(pid), Instant::now());
    std::thread::sleep(watch);
    let seconds = begun.elapsed().as_secs_f64();
    let grown = folder_bytes(folder).saturating_sub(disk) as f64;
    Ok(Row {
        ledgers: count,
        rss_mib: Some(rss_mib(pid)),
        cpu: Some((cpu_s(pid) - used) / seconds),
        mb_per_day: Some(grown / seconds * 86_400.0 / 1e6),
        megabytes: Some(folder_bytes(folder) as f64 / 1e6),
        ..Row::of("idle ledgers, one process", 1)
    })
}

/// What all ledgers of the process together get done.
pub(super) fn busy(plan: ClusterPlan, count: usize, watch: Duration) -> Result<Row, Failure> {
    let (cluster, targets) = host(plan, count)?;
    let pid = cluster.pid(HOST).unwrap_or_default();
    let loads: Vec<Load> = targets
        .into_iter()
        .map(|LoadTarget { url, chain_id }| {
            Load::start(&[url], LoadPlan { chain_id, senders: SENDERS, rest: Duration::ZERO })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let done = || loads.iter().map(Load::count).sum::<usize>();
    let (before, used, begun) = (done(), cpu_s(pid), Instant::now());
    std::thread::sleep(watch);
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Row {
        ledgers: count,
        tx_per_s: Some((done() - before) as f64 / seconds),
        cpu: Some((cpu_s(pid) - used) / seconds),
        rss_mib: Some(rss_mib(pid)),
        ..Row::of("busy ledgers, one process", 1)
    })
}
