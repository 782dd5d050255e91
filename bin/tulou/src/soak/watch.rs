//! One look at all members.

use std::{fs, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tulou_client::parse_number;
use tulou_testing::{Cluster, Load};

use super::people::People;
use crate::bench::{process, quantile};

/// What one member holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) rss_mib: f64,
    pub(super) files: usize,
    pub(super) threads: usize,
    pub(super) disk_mib: f64,
    /// Part of its memory that keeps what was read, up to a bound.
    pub(super) cached_mib: f64,
    /// Transactions in the pool.
    pub(super) waiting: u64,
}

/// All members and what people saw since the last look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) at_s: u64,
    pub(super) height: u64,
    /// Transactions with a receipt of status 1 since the last look.
    pub(super) done: usize,
    /// Receipts of another status since the last look.
    pub(super) reverted: usize,
    /// Requests that came to nothing so far.
    pub(super) failures: usize,
    pub(super) followers: usize,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    /// CPU seconds of all members so far.
    pub(super) cpu_s: f64,
    pub(super) members: Vec<Held>,
}

impl Look {
    pub(super) const HEAD: &str = "   time   height  tx done  failed   p50 ms   p99 ms  RSS MiB of each member           files  threads  disk MiB";

    pub(super) fn now(cluster: &Cluster, load: &Load, people: &People, at: Duration) -> Self {
        let receipts = load.take();
        let done = receipts.iter().filter(|r| r.content["status"] == json!("0x1")).count();
        let waits = people.waits_ms();
        let pids: Vec<u32> = (0..cluster.len()).filter_map(|member| cluster.pid(member)).collect();
        Self {
            at_s: at.as_secs(),
            height: cluster.highest(),
            done,
            reverted: receipts.len() - done,
            failures: people.failures(),
            followers: people.followers(),
            p50_ms: quantile(&waits, 0.5),
            p99_ms: quantile(&waits, 0.99),
            cpu_s: pids.iter().map(|pid| process::cpu_s(*pid)).sum(),
            members: (0..cluster.len()).map(|member| held(cluster, member)).collect(),
        }
    }

    /// The look as a line of the table.
    pub(super) fn line(&self) -> String {
        let ms = |value: Option<f64>| value.map_or("-".into(), |ms| format!("{ms:.0}"));
        let list = |of: &dyn Fn(&Held) -> String| {
            self.members.iter().map(of).collect::<Vec<_>>().join(" ")
        };
        format!(
            "{:>5} s {:>8} {:>8} {:>7} {:>8} {:>8}  {:<32} {:<6} {:<7}  {}",
            self.at_s,
            self.height,
            self.done,
            self.failures + self.reverted,
            ms(self.p50_ms),
            ms(self.p99_ms),
            list(&|held| format!("{:.0}", held.rss_mib)),
            self.members.iter().map(|held| held.files).max().unwrap_or(0),
            self.members.iter().map(|held| held.threads).max().unwrap_or(0),
            list(&|held| format!("{:.0}", held.disk_mib)),
        )
    }
}

fn held(cluster: &Cluster, member: usize) -> Held {
    let Some(pid) = cluster.pid(member) else { return Held::default() };
    let count = |what: &str| fs::read_dir(format!("/proc/{pid}/{what}")).map_or(0, Iterator::count);
    let pool = cluster.rpc(member).call("txpool_status", json!([])).unwrap_or_default();
    let part = |name: &str| parse_number(&pool[name]).unwrap_or(0);
    Held {
        rss_mib: process::rss_mib(pid),
        files: count("fd"),
        threads: count("task"),
        disk_mib: process::folder_bytes(cluster.folder(member)) as f64 / f64::from(1 << 20),
        cached_mib: tulou_testing::figure(cluster.rpc(member).url(), "tulou_cached_bytes")
            .map_or(0.0, |bytes| bytes / f64::from(1 << 20)),
        waiting: part("pending") + part("queued"),
    }
}
