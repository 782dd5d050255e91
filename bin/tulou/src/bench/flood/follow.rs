//! Sees blocks as they come, as a client would: by asking.

use std::{
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

/// What was in the blocks.
pub(super) struct Seen {
    /// Each transaction with the time at which its block was first seen.
    pub(super) hashes: Vec<(B256, Instant)>,
    /// Height of the last block with a transaction.
    pub(super) last: u64,
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
    /// Follows the endpoint from this height on.
    pub(super) fn start(url: &str, first: u64, expected: usize) -> Self {
        let (count, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, end, url) = (count.clone(), stopped.clone(), url.to_owned());
        let thread = thread::spawn(move || follow(&url, first, expected, &counted, &end));
        Self { count, stopped, thread }
    }

    /// Transactions seen so far, of whomever.
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
    expected: usize,
    count: &AtomicUsize,
    stopped: &AtomicBool,
) -> Result<Seen, Failure> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().into();
    let mut seen = Seen { hashes: Vec::with_capacity(expected), last: first.saturating_sub(1) };
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
        let at = Instant::now();
        if !block.transactions.is_empty() {
            seen.last = height;
        }
        count.fetch_add(block.transactions.len(), Ordering::Relaxed);
        seen.hashes.extend(block.transactions.into_iter().map(|hash| (hash, at)));
        height += 1;
    }
    Ok(seen)
}
