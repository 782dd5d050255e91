//! How fast a snapshot is taken and a node started from it.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use tulou_testing::{Cluster, ClusterPlan, Load, LoadPlan};

use super::Row;
use crate::{bench::process::folder_bytes, output::Failure};

/// Longest wait for the transactions.
const PATIENCE: Duration = Duration::from_secs(600);

/// Takes a snapshot of a ledger with some transactions, and starts an observer from it.
pub(super) fn measure(plan: ClusterPlan, transactions: usize) -> Result<Vec<Row>, Failure> {
    let validators = plan.validators;
    let mut cluster = Cluster::found(ClusterPlan { observers: 1, heartbeat_ms: 500, ..plan })?;
    for member in 0..validators {
        cluster.start_member(member, &[])?;
    }
    let plan = LoadPlan { chain_id: cluster.chain_id(), senders: 16, rest: Duration::ZERO };
    let load = Load::start(&cluster.urls()[..validators], plan);
    load.more(transactions, PATIENCE).ok_or_else(|| {
        Failure(format!("{transactions} transactions are not final in {PATIENCE:?}"))
    })?;
    load.stop();
    let place = cluster.dir().join("snapshot");
    let begun = Instant::now();
    snapshot(cluster.folder(0), &place)?;
    let made_s = begun.elapsed().as_secs_f64();
    let megabytes = folder_bytes(&place) as f64 / 1e6;
    let row = |name: &str, seconds: f64| Row {
        megabytes: Some(megabytes),
        mb_per_s: Some(megabytes / seconds),
        ..Row::named(name, validators)
    };
    let mut rows = vec![row("snapshot", made_s)];
    let begun = Instant::now();
    cluster.start_member(validators, &["--from-snapshot", &place.display().to_string()])?;
    cluster
        .wait_until_level(validators, PATIENCE)
        .ok_or_else(|| Failure("the observer does not follow".into()))?;
    rows.push(row("start from the snapshot", begun.elapsed().as_secs_f64()));
    Ok(rows)
}

fn snapshot(folder: &Path, place: &Path) -> Result<(), Failure> {
    let output = Command::new(std::env::current_exe()?)
        .args(["snapshot", "--dir"])
        .arg(folder)
        .arg("--to")
        .arg(place)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
