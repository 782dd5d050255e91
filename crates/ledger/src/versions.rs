//! All versions in memory: the last finalized ones in a row, and the candidates that grow on them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use alloy_primitives::B256;
use tulou_primitives::{Block, ReceiptEnvelope};

use crate::{
    ledger::LedgerConfig,
    version::{Candidate, Version},
};

/// A block with its receipts.
#[derive(Clone)]
pub(crate) struct Executed {
    pub(crate) block: Arc<Block>,
    pub(crate) receipts: Arc<Vec<ReceiptEnvelope>>,
}

/// The tree of versions. Never empty: the last finalized one is always there.
pub(crate) struct Versions {
    /// Finalized, oldest first.
    row: VecDeque<Version>,
    /// How many finalized versions stay.
    retained: usize,
    /// The newest finalized blocks in a row, newest last: what people ask for is nearly always new.
    recent: VecDeque<Executed>,
    /// How many of them stay.
    recent_blocks: usize,
    candidates: HashMap<B256, Arc<Candidate>>,
    /// Candidates in the order they came, for [`Versions::hold`] to find the oldest.
    arrivals: VecDeque<B256>,
    max_candidates: usize,
}

/// Versions nobody needs. Freeing one takes milliseconds: leave it to [`Reaper`].
#[derive(Default)]
pub(crate) struct Garbage {
    _versions: Vec<Version>,
    _candidates: Vec<Arc<Candidate>>,
}

impl Versions {
    /// Begins with a row of finalized versions, oldest first, at least one.
    pub(crate) fn new(row: VecDeque<Version>, config: &LedgerConfig) -> Self {
        Self {
            row,
            retained: config.retained_versions,
            recent: VecDeque::new(),
            recent_blocks: config.recent_blocks.max(1),
            candidates: HashMap::new(),
            arrivals: VecDeque::new(),
            max_candidates: config.max_candidates,
        }
    }

    pub(crate) fn latest(&self) -> &Version {
        &self.row[self.row.len() - 1]
    }

    pub(crate) fn oldest(&self) -> &Version {
        &self.row[0]
    }

    pub(crate) fn at(&self, height: u64) -> Option<&Version> {
        let first = self.row[0].height();
        self.row.get(usize::try_from(height.checked_sub(first)?).ok()?)
    }

    pub(crate) fn get(&self, hash: B256) -> Option<&Version> {
        match self.candidates.get(&hash) {
            Some(candidate) => Some(&candidate.version),
            None => self.row.iter().rev().find(|version| version.block_hash() == hash),
        }
    }

    pub(crate) fn candidate(&self, hash: B256) -> Option<&Arc<Candidate>> {
        self.candidates.get(&hash)
    }

    pub(crate) fn recent(&self, height: u64) -> Option<&Executed> {
        let first = self.recent.front()?.block.height();
        self.recent.get(usize::try_from(height.checked_sub(first)?).ok()?)
    }

    /// Adds a candidate. Returns what had to go because there were too many: the oldest.
    pub(crate) fn hold(&mut self, candidate: Candidate) -> Garbage {
        let hash = candidate.block.hash();
        let mut garbage = Garbage::default();
        if self.candidates.contains_key(&hash) {
            garbage._candidates.push(Arc::new(candidate));
            return garbage;
        }
        self.candidates.insert(hash, Arc::new(candidate));
        self.arrivals.push_back(hash);
        while self.candidates.len() > self.max_candidates {
            let Some(oldest) = self.arrivals.pop_front() else { break };
            garbage._candidates.extend(self.candidates.remove(&oldest));
        }
        garbage
    }

    /// Makes a candidate the latest finalized version and drops its rivals with all that grew on them.
    pub(crate) fn settle(&mut self, candidate: &Arc<Candidate>) -> Garbage {
        let hash = candidate.block.hash();
        self.row.push_back(candidate.version.clone());
        self.recent.push_back(Executed {
            block: candidate.block.clone(),
            receipts: candidate.receipts.clone(),
        });
        if self.recent.len() > self.recent_blocks {
            self.recent.pop_front();
        }
        let mut garbage = Garbage::default();
        while self.row.len() > self.retained {
            garbage._versions.extend(self.row.pop_front());
        }
        let kept = self.descendants(hash);
        let dropped: Vec<_> =
            self.candidates.keys().filter(|hash| !kept.contains(*hash)).copied().collect();
        for hash in dropped {
            garbage._candidates.extend(self.candidates.remove(&hash));
        }
        self.arrivals.retain(|hash| kept.contains(hash));
        garbage
    }

    /// Candidates that grow on the block with this hash, however far.
    fn descendants(&self, root: B256) -> HashSet<B256> {
        let mut by_height: Vec<_> = self.candidates.values().collect();
        by_height.sort_unstable_by_key(|candidate| candidate.block.height());
        let mut kept = HashSet::from([root]);
        for candidate in by_height {
            if kept.contains(&candidate.block.header().parent_hash) {
                kept.insert(candidate.block.hash());
            }
        }
        kept.remove(&root);
        kept
    }
}

/// A thread that frees versions. Dropping the reaper waits for it: versions keep the folder locked, and
/// who drops a ledger may want to open it again.
pub(crate) struct Reaper {
    sender: Option<mpsc::Sender<Garbage>>,
    thread: Option<JoinHandle<()>>,
}

impl Reaper {
    pub(crate) fn start() -> std::io::Result<Self> {
        let (sender, garbage) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("ledger-reaper".into())
            .spawn(move || garbage.into_iter().for_each(drop::<Garbage>))?;
        Ok(Self { sender: Some(sender), thread: Some(thread) })
    }

    /// Frees it some time soon.
    pub(crate) fn take(&self, garbage: Garbage) {
        if let Some(sender) = &self.sender {
            // Without the thread the send fails and hands the garbage back, which frees it here.
            let _ = sender.send(garbage);
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
