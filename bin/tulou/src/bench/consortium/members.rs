//! Some validators on one machine, over links of some length.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use serde_json::json;
use tulou_client::Key;
use tulou_testing::{Cluster, ClusterPlan, Link, Load, LoadPlan, Network};

use super::Row;
use crate::{
    bench::{
        process::{cpu_s, folder_bytes, rss_mib},
        report::quantile,
    },
    output::Failure,
};

/// Start-up work is not idling.
const SETTLE: Duration = Duration::from_secs(5);
/// People who send at the same time, each waiting for the receipt before sending again.
const SENDERS: u32 = 16;

/// Idle, one at a time, and busy.
pub(super) fn measure(
    mut plan: ClusterPlan,
    delay_ms: u64,
    watch: Duration,
) -> Result<Vec<Row>, Failure> {
    if delay_ms > 0 {
        plan.network = Network::Links(7755);
    }
    let cluster = Cluster::start(plan)?;
    if delay_ms > 0 {
        cluster.links().set_all(Link::slow(Duration::from_millis(delay_ms)));
    }
    std::thread::sleep(SETTLE);
    let mut rows = vec![watched(&cluster, "idle", watch)];
    rows.push(singles(&cluster, watch)?);
    let load = LoadPlan { chain_id: cluster.chain_id(), senders: SENDERS, rest: Duration::ZERO };
    let load = Load::start(&cluster.urls(), load);
    std::thread::sleep(Duration::from_secs(1));
    let (before, first) = (load.count(), cluster.highest());
    let mut busy = watched(&cluster, "busy", watch);
    let seconds = watch.as_secs_f64();
    busy.tx_per_s = Some((load.count() - before) as f64 / seconds);
    busy.blocks_per_s = Some((cluster.highest() - first) as f64 / seconds);
    // What grows under load is the state, not a daily cost.
    busy.mb_per_day = None;
    load.stop();
    rows.push(busy);
    for row in &mut rows {
        row.delay_ms = Some(delay_ms);
    }
    Ok(rows)
}

/// What the members cost for a while.
fn watched(cluster: &Cluster, name: &str, watch: Duration) -> Row {
    let pids: Vec<u32> = (0..cluster.len()).filter_map(|member| cluster.pid(member)).collect();
    let cpu = || pids.iter().map(|pid| cpu_s(*pid)).sum::<f64>();
    let (disk, used, begun) = (disk_bytes(cluster), cpu(), Instant::now());
    std::thread::sleep(watch);
    let (seconds, members) = (begun.elapsed().as_secs_f64(), pids.len().max(1) as f64);
    let grown = disk_bytes(cluster).saturating_sub(disk) as f64;
    Row {
        rss_mib: Some(pids.iter().map(|pid| rss_mib(*pid)).sum::<f64>() / members),
        cpu: Some((cpu() - used) / seconds / members),
        mb_per_day: Some(grown / members / seconds * 86_400.0 / 1e6),
        ..Row::of(name, cluster.len())
    }
}

/// Bytes in the folders of all members.
fn disk_bytes(cluster: &Cluster) -> u64 {
    (0..cluster.len()).map(|member| folder_bytes(cluster.folder(member))).sum()
}

/// One transaction at a time, at one member after the other.
fn singles(cluster: &Cluster, watch: Duration) -> Result<Row, Failure> {
    let key = Key::test(19)?;
    let (mut waits, begun, first) = (Vec::new(), Instant::now(), cluster.highest());
    while begun.elapsed() < watch {
        let rpc = cluster.rpc(waits.len() % cluster.len());
        let nonce = waits.len() as u64;
        let raw = key.sign_transfer(cluster.chain_id(), nonce, Address::repeat_byte(7), U256::ZERO);
        let sent = Instant::now();
        rpc.send_raw(&raw)?;
        waits.push(sent.elapsed().as_secs_f64() * 1_000.0);
    }
    let (seconds, height) = (begun.elapsed().as_secs_f64(), cluster.highest());
    waits.sort_by(f64::total_cmp);
    Ok(Row {
        p50_ms: quantile(&waits, 0.5),
        p99_ms: quantile(&waits, 0.99),
        tx_per_s: Some(waits.len() as f64 / seconds),
        blocks_per_s: Some((height - first) as f64 / seconds),
        certificate_bytes: Some(certificate_bytes(cluster, height)?),
        ..Row::of("one at a time", cluster.len())
    })
}

/// Size of the certificate of a height.
fn certificate_bytes(cluster: &Cluster, height: u64) -> Result<u64, Failure> {
    let answer = cluster.rpc(0).call("tulou_getFinality", json!([format!("{height:#x}")]))?;
    let text = answer["certificate"].as_str().unwrap_or("0x");
    Ok((text.len() as u64 - 2) / 2)
}
