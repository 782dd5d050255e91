//! `tulou bench`: what this machine does, as a ratio to what its cores could do at most.
//!
//! Every figure is taken in one run on one machine, client included, and printed with the limit it is
//! compared to: the rate at which all cores together recover the senders of the same transactions.

mod idle;
mod limit;
mod load;
mod report;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use tulou_client::{LocalNode, Rpc};

use crate::output::{Failure, Outcome};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// File for the rows as JSON.
    #[arg(long, default_value = "target/bench/latest.json")]
    out: PathBuf,
    /// Transfers to send at full speed.
    #[arg(long, default_value_t = 60_000)]
    transfers: usize,
    /// Single transfers for the latency row.
    #[arg(long, default_value_t = 200)]
    singles: usize,
    /// Seconds to watch an idle node.
    #[arg(long, default_value_t = 20)]
    idle_s: u64,
    /// Folder with a register to import.
    #[arg(long, default_value = "demo/guihua")]
    register: PathBuf,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let transactions = limit::sign_transfers(options.transfers)?;
    let recovery = limit::recoveries_per_s(&transactions);
    let mut rows = vec![report::Row::limit(recovery)];
    rows.push(idle::measure(Duration::from_secs(options.idle_s))?);
    rows.push(load::singles(options.singles, recovery)?);
    rows.push(load::throughput(&transactions, recovery)?);
    rows.push(import_row(&options.register)?);
    report::print(&rows);
    if let Some(folder) = options.out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.out, report::json(&rows)?)?;
    println!("written to {}", options.out.display());
    Ok(())
}

/// Seconds to bring the reference register into an empty ledger, through the public interfaces.
fn import_row(register: &Path) -> Result<report::Row, Failure> {
    let node = Server::start()?;
    let begun = Instant::now();
    let status = Command::new(std::env::current_exe()?)
        .args(["import", "register"])
        .arg(register)
        .args(["--rpc", node.rpc().url()])
        .args(["--people", &node.0.dir().join("people.tulou").display().to_string()])
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(Failure(format!("the register in {} was not imported", register.display())));
    }
    Ok(report::Row {
        seconds: Some(begun.elapsed().as_secs_f64()),
        ..report::Row::named("import register")
    })
}

/// A node of this very program in a folder of its own.
pub(crate) struct Server(LocalNode);

impl Server {
    /// Starts an empty dev chain.
    pub(crate) fn start() -> Result<Self, Failure> {
        Ok(Self(LocalNode::start(&std::env::current_exe()?, &["--empty"])?))
    }

    pub(crate) fn rpc(&self) -> &Rpc {
        self.0.rpc()
    }

    /// CPU seconds the node has used so far, user and system.
    pub(crate) fn cpu_s(&self) -> f64 {
        let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", self.0.pid())) else {
            return 0.0;
        };
        // Fields after the name in parentheses: state is the first, utime and stime the 12th and 13th,
        // in ticks of 10 ms.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Memory the node holds now.
    pub(crate) fn rss_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.pid()));
        let kib = status.unwrap_or_default().lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok()
        });
        kib.unwrap_or(0.0) / 1024.0
    }

    /// Bytes in the node's folder, as the file system accounts them.
    pub(crate) fn disk_bytes(&self) -> u64 {
        folder_bytes(self.0.dir())
    }
}

fn folder_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}
