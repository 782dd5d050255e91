//! `tulou replay`: serves an Ethereum chain, executed by this ledger's executor.

use std::{net::SocketAddr, path::PathBuf, time::Instant};

use clap::Args;
use tulou_replay::Replay;

use crate::output::{Outcome, say};

/// What is replayed and where it is served.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// `genesis.json` as geth writes it.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// Blocks in RLP, one after the other.
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,
    /// Where programs reach it; without it the chain is only checked.
    #[arg(long, value_name = "HOST:PORT")]
    rpc: Option<SocketAddr>,
}

/// Executes all blocks, compares gas, receipts and state with each header, and serves the chain until
/// stopped.
pub(crate) fn run(options: &Options) -> Outcome {
    let scratch = std::env::temp_dir().join(format!("tulou-replay-{}", std::process::id()));
    let outcome = replay(options, &scratch);
    // Nothing in it is of use to anybody.
    let _ = std::fs::remove_dir_all(&scratch);
    outcome
}

fn replay(options: &Options, scratch: &std::path::Path) -> Outcome {
    let begun = Instant::now();
    let replay = Replay::run(scratch, &options.genesis, &options.chain)?;
    say(&format!(
        "{} blocks, {} transactions: gas, receipts and state as in every header ({} ms)",
        replay.height(),
        replay.transactions(),
        begun.elapsed().as_millis()
    ))?;
    let Some(addr) = options.rpc else { return Ok(()) };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let server = tulou_replay::serve(addr, &replay).await?;
        say(&format!("JSON-RPC on http://{}; Ctrl-C ends it", server.addr))?;
        let stopped = tokio::signal::ctrl_c().await;
        server.stop();
        Ok(stopped?)
    })
}
