//! `tulou`: the whole product in one program.

mod abi;
mod audit;
mod backup;
mod bench;
mod call;
mod consortium;
mod demo;
mod dev;
mod doctor;
mod host;
mod import;
mod init;
mod log;
mod node;
mod output;
mod passphrase;
mod replay;
mod scan;
mod soak;
mod tls;
mod vault;
mod why;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use output::Outcome;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A community's shared book: votes, money and records that no one of its keepers controls.
#[derive(Debug, Parser)]
#[command(name = "tulou", version, about, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    log: log::Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs everything on this machine in one process, with the demo estate Guihua Garden.
    Dev(dev::Options),
    /// Founds a ledger that several organisations keep together.
    Init(init::Options),
    /// Runs a member's node: validator, observer or archive.
    Node(node::Options),
    /// Runs five members of the demo estate on this machine, with a page that shows and stops them.
    Consortium(consortium::Options),
    /// Looks at a node and names the cure for what is wrong.
    Doctor(doctor::Options),
    /// Writes the state of a stopped node in parts that anyone can check.
    Snapshot(backup::Snapshot),
    /// Keeps what a node needs to come back, without its votes.
    Backup(backup::Backup),
    /// Makes a node's folder from a backup.
    Restore(backup::Restore),
    /// Reads and checks everything that a stopped node keeps.
    Verify(backup::Verify),
    /// Looks for words in every byte that a stopped node keeps: names, phones, plates.
    Scan(scan::Options),
    /// Says who is missing where no block becomes final, and since when.
    WhyStalled(why::Options),
    /// Brings an estate's files into the book.
    #[command(subcommand)]
    Import(Import),
    /// Reads or writes by name: `tulou call registry.totals`.
    Call(call::Options),
    /// Writes the interfaces of all modules as JSON files.
    Abi {
        /// Folder for `abi/<module>.json` and `addresses.json`.
        #[arg(long)]
        out: PathBuf,
    },
    /// Checks the book with a key sheet and without an account, and names nodes that lie.
    Audit(audit::Options),
    /// Keeps personal records off the book, encrypted, and erases them for good.
    #[command(subcommand)]
    Vault(vault::Step),
    /// Makes certificates for HTTPS in a network without a domain.
    #[command(subcommand)]
    Tls(tls::Step),
    /// Executes an Ethereum chain from its first block, checks every block and serves it.
    Replay(replay::Options),
    /// Measures this machine and prints one table.
    Bench(Box<bench::Options>),
    /// Uses a consortium on this machine for hours and says what grew.
    Soak(soak::Options),
}

#[derive(Debug, Subcommand)]
enum Import {
    /// Reads units.csv, owners.csv and holdings.csv of a folder; all of it or nothing.
    Register(import::Options),
}

fn main() -> ExitCode {
    host::without_huge_pages();
    host::as_many_files_as_may_be();
    let Arguments { log, command } = Arguments::parse();
    match log.start().and_then(|_log| run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Dev(options) => dev::run(options),
        Command::Init(options) => init::run(&options),
        Command::Node(options) => node::run(&options),
        Command::Consortium(options) => consortium::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Snapshot(options) => backup::snapshot(&options),
        Command::Backup(options) => backup::backup(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Verify(options) => backup::verify(&options),
        Command::Scan(options) => scan::run(&options),
        Command::WhyStalled(options) => why::run(&options),
        Command::Import(Import::Register(options)) => import::run(&options),
        Command::Call(options) => call::run(&options),
        Command::Abi { out } => abi::run(&out),
        Command::Audit(options) => audit::run(&options),
        Command::Vault(step) => vault::run(&step),
        Command::Tls(step) => tls::run(&step),
        Command::Replay(options) => replay::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Soak(options) => soak::run(&options),
    }
}

#[cfg(test)]
mod tests;
