//! `tulou bench`: what this machine does, as a ratio to what its cores could do at most.
//!
//! Every figure is taken in one run on one machine, client included, and printed with the limit it is
//! compared to: the rate at which all cores together recover the senders of the same transactions.

mod consortium;
mod flood;
mod idle;
mod limit;
mod load;
mod overload;
pub(crate) mod process;
mod report;
mod signatures;
mod single;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use tulou_client::{LocalNode, Rpc};

use self::report::Row;
pub(crate) use self::report::quantile;
use crate::output::{Failure, Outcome};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// File for the rows as JSON; the other parts' files stand beside it.
    #[arg(long, default_value = "target/bench/latest.json")]
    out: PathBuf,
    /// Single transfers for the latency row.
    #[arg(long, default_value_t = 200)]
    singles: usize,
    /// Seconds to watch an idle node.
    #[arg(long, default_value_t = 20)]
    idle_s: u64,
    /// Folder with a register to import.
    #[arg(long, default_value = "demo/guihua")]
    register: PathBuf,
    /// What to measure.
    #[arg(long, value_delimiter = ',', default_value = "signatures,node,load,overload,consortium")]
    parts: Vec<Part>,
    #[command(flatten)]
    load: load::Options,
    #[command(flatten)]
    overload: overload::Options,
    #[command(flatten)]
    consortium: consortium::Sizes,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// What a signature costs, by kind of key.
    Signatures,
    /// One validator with one user.
    Node,
    /// Full speed, at several sizes of the state; several validators; other endpoints.
    Load,
    /// A crowd of followers, and several times the capacity.
    Overload,
    /// Several validators, many ledgers, copies.
    Consortium,
}

pub(crate) fn run(options: &Options) -> Outcome {
    if options.parts.contains(&Part::Signatures) {
        let rows = signatures::measure()?;
        report::print(
            &rows,
            "2,000 transfers of each kind, decoded and their sender found on one thread; the best of five \
             rounds, by turns.",
        );
        report::write(&rows, &signatures::file_beside(&options.out))?;
    }
    if options.parts.contains(&Part::Node) {
        one_node(options)?;
    }
    if options.parts.contains(&Part::Load) {
        let rows = load::measure(&options.load);
        report::print(
            &rows,
            "EIP-1559 transactions, signed and packed beforehand, of 10 accounts (ballots and city-hour: of \
             every owner), in batches of 100 over 4 keep-alive connections to each node (at 80 % and in \
             city-hour: batches of 25, evenly); counted when a client that asks every 4 ms sees them in \
             a block. limit/s: senders of the same transactions recovered on all cores in the same run; \
             share: tx/s of limit/s divided by the validators. client s/ktx includes that client. \
             counted: what the ledger itself shows at the end.",
        );
        report::write(&rows, &load::file_beside(&options.out))?;
    }
    if options.parts.contains(&Part::Overload) {
        let rows = overload::measure(&options.overload, options.load.members());
        report::print(
            &rows,
            "A resident sends one transaction after the other and waits for each receipt. A spike offers \
             transfers of thousands of accounts in batches of 50 and begins again with those that were \
             refused; offered/s is what the answers left time for. CPU: share of one core while nobody sends.",
        );
        report::write(&rows, &overload::file_beside(&options.out))?;
    }
    if options.parts.contains(&Part::Consortium) {
        consortium::run(&options.consortium, &consortium::file_beside(&options.out))?;
    }
    Ok(())
}

fn one_node(options: &Options) -> Outcome {
    let rows = [
        idle::measure(Duration::from_secs(options.idle_s))?,
        single::measure(options.singles)?,
        import_row(&options.register)?,
    ];
    report::print(&rows, "One validator, an empty dev ledger.");
    report::write(&rows, &options.out)
}

/// Seconds to bring the reference register into an empty ledger, through the public interfaces.
fn import_row(register: &Path) -> Result<Row, Failure> {
    let node = Server::start(0)?;
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
    Ok(Row { seconds: Some(begun.elapsed().as_secs_f64()), ..Row::named("import register") })
}

/// A node of this very program in a folder of its own.
pub(crate) struct Server(LocalNode);

impl Server {
    /// Starts an empty dev chain whose state has so many accounts more.
    pub(crate) fn start(accounts: u64) -> Result<Self, Failure> {
        let filler = accounts.to_string();
        let arguments = ["--empty", "--filler", &filler];
        let patience = Duration::from_secs(120 + accounts / 20_000);
        Ok(Self(LocalNode::start_within(&std::env::current_exe()?, &arguments, patience)?))
    }

    pub(crate) fn rpc(&self) -> &Rpc {
        self.0.rpc()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.pid()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.dir()
    }

    /// Ends the node and lets another process check all its blocks again on one thread. Gives the number of
    /// transactions and the seconds for execution and roots, which is what a validator does with a block
    /// whose senders it knows.
    pub(crate) fn checked_again(mut self) -> Result<(u64, f64), Failure> {
        self.0.kill();
        let output = Command::new(std::env::current_exe()?)
            .args(["verify", "--replay", "--dir"])
            .arg(self.0.dir())
            .env("RAYON_NUM_THREADS", "1")
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let seconds = text.lines().find_map(|line| {
            line.strip_prefix("execution and roots, senders known: ")?
                .strip_suffix(" s")?
                .parse()
                .ok()
        });
        let count = text.lines().last().and_then(|line| line.split(' ').next()?.parse().ok());
        seconds.zip(count).map(|(seconds, count)| (count, seconds)).ok_or_else(|| {
            Failure(format!("not checked again: {text}{}", String::from_utf8_lossy(&output.stderr)))
        })
    }

    /// CPU seconds the node has used so far, user and system.
    pub(crate) fn cpu_s(&self) -> f64 {
        process::cpu_s(self.0.pid())
    }

    /// Memory the node holds now.
    pub(crate) fn rss_mib(&self) -> f64 {
        process::rss_mib(self.0.pid())
    }
}
