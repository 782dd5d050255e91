//! `tulou bench`: what this machine does, as a ratio to what its cores could do at most.
//!
//! Every figure is taken in one run on one machine, client included, and printed with the limit it is
//! compared to: the rate at which all cores together recover the senders of the same transactions.

mod consortium;
mod idle;
mod limit;
mod load;
mod process;
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
    /// What to measure: one node, the consortium, or both.
    #[arg(long, value_delimiter = ',', default_value = "node,consortium")]
    parts: Vec<Part>,
    #[command(flatten)]
    consortium: consortium::Sizes,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// One validator and its interfaces.
    Node,
    /// Several validators, many ledgers, copies.
    Consortium,
}

pub(crate) fn run(options: &Options) -> Outcome {
    if options.parts.contains(&Part::Node) {
        one_node(options)?;
    }
    if options.parts.contains(&Part::Consortium) {
        consortium::run(&options.consortium, &consortium::file_beside(&options.out))?;
    }
    Ok(())
}

fn one_node(options: &Options) -> Outcome {
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
        process::cpu_s(self.0.pid())
    }

    /// Memory the node holds now.
    pub(crate) fn rss_mib(&self) -> f64 {
        process::rss_mib(self.0.pid())
    }

    /// Bytes in the node's folder, as the file system accounts them.
    pub(crate) fn disk_bytes(&self) -> u64 {
        process::folder_bytes(self.0.dir())
    }
}
