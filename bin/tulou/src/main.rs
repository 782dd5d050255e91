//! `tulou`: the whole product in one program.

mod abi;
mod bench;
mod call;
mod demo;
mod dev;
mod import;
mod log;
mod output;

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
    /// Measures this machine and prints one table.
    Bench(bench::Options),
}

#[derive(Debug, Subcommand)]
enum Import {
    /// Reads units.csv, owners.csv and holdings.csv of a folder; all of it or nothing.
    Register(import::Options),
}

fn main() -> ExitCode {
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
        Command::Import(Import::Register(options)) => import::run(&options),
        Command::Call(options) => call::run(&options),
        Command::Abi { out } => abi::run(&out),
        Command::Bench(options) => bench::run(&options),
    }
}
