//! Sees blocks as they come, as a client would: by asking.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use serde::Deserialize;
use serde_json::json;

use crate::output::Failure;

/// Rest between two questions: the grain of what is measured.
const REST: Duration = Duration::from_millis(4);

/// What of ours was in the blocks. Others send too: a node's keeper does as soon as work is due.
#[derive(Debug)]
pub(super) struct Seen {
    /// Each transaction with the time at which its block was first seen.
    pub(super) hashes: Vec<(B256, Instant)>,
    /// Height of the last block with one of them.
    pub(super) last: u64,
}

impl Seen {
    /// Adds a block's transactions as far as they are ours, and gives how many those were.
    pub(super) fn take(&mut self, height: u64, block: &[B256], ours: &HashSet<B256>) -> usize {
        let (at, before) = (Instant::now(), self.hashes.len());
        let mine = block.iter().filter(|hash| ours.contains(*hash));
        self.hashes.extend(mine.map(|hash| (*hash, at)));
        let count = self.hashes.len() - before;
        if count > 0 {
            self.last = height;
        }
        count
    }
}

/// A thread that asks for one block after the other.
pub(super) struct Follower {
    count: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<Result<Seen, Failure>>,
}

/// The part of an answer that counts.
#[derive(Deserialize)]
struct Answer {
    result: Option<BlockHashes>,
}

#[derive(Deserialize)]
struct BlockHashes {
    transactions: Vec<B256>,
}

impl Follower {
    /// Looks for these transactions in the endpoint's blocks from this height on.
    pub(super) fn start(url: &str, first: u64, ours: Arc<HashSet<B256>>) -> Self {
        let (count, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, end, url) = (count.clone(), stopped.clone(), url.to_owned());
        let thread = thread::spawn(move || follow(&url, first, &ours, &counted, &end));
        Self { count, stopped, thread }
    }

    /// Transactions seen so far.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn stop(self) -> Result<Seen, Failure> {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Failure("the thread that follows the chain broke".into()))?
    }
}

fn follow(
    url: &str,
    first: u64,
    ours: &HashSet<B256>,
    count: &AtomicUsize,
    stopped: &AtomicBool,
) -> Result<Seen, Failure> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().into();
    let mut seen = Seen { hashes: Vec::with_capacity(ours.len()), last: first.saturating_sub(1) };
    let mut height = first;
    while !stopped.load(Ordering::Relaxed) {
        let asked = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber",
            "params": [format!("{height:#x}"), false]});
        let answer: Answer = agent
            .post(url)
            .send_json(&asked)?
            .body_mut()
            .with_config()
            .limit(1 << 28)
            .read_json()?;
        let Some(block) = answer.result else {
            thread::sleep(REST);
            continue;
        };
        count.fetch_add(seen.take(height, &block.transactions, ours), Ordering::Relaxed);
        height += 1;
    }
    Ok(seen)
}

#[cfg(test)]
mod tests;
