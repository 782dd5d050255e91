//! How fast a snapshot is taken, a backup comes back and a node starts from a snapshot.

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
/// People who send, each waiting for the receipt before sending again.
const SENDERS: u32 = 16;

/// Takes a snapshot of a ledger with some transactions, brings a backup back, and starts an observer
/// from the snapshot.
pub(super) fn measure(plan: ClusterPlan, transactions: usize) -> Result<Vec<Row>, Failure> {
    let validators = plan.validators;
    let mut cluster = Cluster::found(ClusterPlan { observers: 1, heartbeat_ms: 500, ..plan })?;
    for member in 0..validators {
        cluster.launch(member, &[])?;
    }
    let load = LoadPlan { chain_id: cluster.chain_id(), senders: SENDERS, rest: Duration::ZERO };
    let load = Load::start(&cluster.urls()[..validators], load);
    let late = || Failure(format!("{transactions} transactions are not final in {PATIENCE:?}"));
    load.more(transactions, PATIENCE).ok_or_else(late)?;
    load.stop();
    // A running node holds its folder; the others go on without it.
    cluster.stop(0);
    let dir = cluster.dir();
    let (snapshot, backup) = (dir.join("snapshot"), dir.join("backup"));
    let taken = timed("snapshot", "--dir", cluster.folder(0), "--out", &snapshot)?;
    timed("backup", "--dir", cluster.folder(0), "--out", &backup)?;
    let restored = timed("restore", "--from", &backup, "--dir", &dir.join("restored"))?;
    let megabytes = folder_bytes(&snapshot) as f64 / 1e6;
    let row = |name: &str, seconds: f64| Row {
        megabytes: Some(megabytes),
        mb_per_s: Some(megabytes / seconds),
        seconds: Some(seconds),
        ..Row::of(name, validators)
    };
    let mut rows = vec![row("snapshot", taken), row("restore", restored)];
    let begun = Instant::now();
    cluster.start_member(0, &[])?;
    cluster.start_member(validators, &["--from-snapshot", &snapshot.display().to_string()])?;
    cluster
        .wait_until_level(validators, PATIENCE)
        .ok_or_else(|| Failure("the observer does not follow".into()))?;
    rows.push(row("observer from snapshot, level", begun.elapsed().as_secs_f64()));
    Ok(rows)
}

/// Seconds that a command of this program takes with two folders.
fn timed(command: &str, first: &str, one: &Path, second: &str, two: &Path) -> Result<f64, Failure> {
    let begun = Instant::now();
    let output = Command::new(std::env::current_exe()?)
        .arg(command)
        .arg(first)
        .arg(one)
        .arg(second)
        .arg(two)
        .output()?;
    if output.status.success() {
        return Ok(begun.elapsed().as_secs_f64());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure(format!("tulou {command}: {said}")))
}
