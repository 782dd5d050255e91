//! What a consortium costs and how fast it agrees, measured on real processes of this very program.

mod copies;
mod ledgers;
mod members;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use tulou_testing::ClusterPlan;

use super::report::{self, Row, keep};
use crate::output::Outcome;

/// Heartbeat of an estate, in milliseconds.
const HEARTBEAT_MS: u64 = 5_000;

#[derive(Debug, Args)]
pub(crate) struct Sizes {
    /// Sizes of the consortium.
    #[arg(long, value_delimiter = ',', default_value = "4,7,10,20")]
    validators: Vec<usize>,
    /// One-way delays of every link in milliseconds; 0 is the bare loopback interface.
    #[arg(long, value_delimiter = ',', default_value = "0,20,80,200")]
    delays_ms: Vec<u64>,
    /// Seconds of each measurement: latency, load, idleness.
    #[arg(long, default_value_t = 15)]
    watch_s: u64,
    /// Numbers of idle ledgers in one process.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100")]
    idle_ledgers: Vec<usize>,
    /// Numbers of busy ledgers in one process.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    busy_ledgers: Vec<usize>,
    /// Transactions in the ledger whose snapshot is taken.
    #[arg(long, default_value_t = 5_000)]
    snapshot_transactions: usize,
}

/// Measures, prints and writes the rows. What cannot be measured is said and left out.
pub(crate) fn run(options: &Sizes, out: &Path) -> Outcome {
    let program = std::env::current_exe()?;
    let mut rows = Vec::new();
    let watch = Duration::from_secs(options.watch_s);
    for validators in &options.validators {
        for delay_ms in &options.delays_ms {
            println!("measuring {validators} validators, links of {delay_ms} ms ...");
            let plan = plan(&program, *validators);
            keep(&mut rows, members::measure(plan, *delay_ms, watch));
        }
    }
    for count in &options.idle_ledgers {
        println!("measuring {count} idle ledger(s) in one process ...");
        keep(&mut rows, ledgers::idle(plan(&program, 1), *count, watch).map(|row| vec![row]));
    }
    for count in &options.busy_ledgers {
        println!("measuring {count} busy ledger(s) in one process ...");
        keep(&mut rows, ledgers::busy(plan(&program, 1), *count, watch).map(|row| vec![row]));
    }
    println!("measuring snapshot and restore ...");
    keep(&mut rows, copies::measure(plan(&program, 4), options.snapshot_transactions));
    let method = format!(
        "{} s a measurement; a new ledger with almost no state; heartbeat 5 s. Delay is one way, added to \
         every link by the emulator of crates/testing. RSS, CPU and MB/day are for one member (mean); CPU \
         is a share of one core. MB are 10^6 bytes.",
        options.watch_s
    );
    report::print(&rows, &method);
    report::write(&rows, out)
}

/// Where the rows go, beside those of one node.
pub(crate) fn file_beside(out: &Path) -> PathBuf {
    out.with_file_name("consortium.json")
}

fn plan(program: &Path, validators: usize) -> ClusterPlan {
    ClusterPlan { heartbeat_ms: HEARTBEAT_MS, ..ClusterPlan::new(program, validators) }
}
