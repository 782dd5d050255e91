//! Reading everything that is on disk and checking that it hangs together.

use std::{
    collections::HashSet,
    ops::{ControlFlow, RangeInclusive},
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, KECCAK256_EMPTY, keccak256};
use tulou_primitives::Header;

use crate::{
    change::Leaf,
    codec::decode_header,
    epochs::{check_validators, ends_epoch},
    error::LedgerError,
    ledger::Ledger,
    reads::{check_block, check_receipts},
    store::{Store, TxPlace, keys},
    trie::RootOfLeaves,
};

/// Faults that are listed; more are only counted.
const LISTED: usize = 64;
/// Steps between two reports of progress while leaves are read.
const LEAVES: u64 = 4_096;
/// About what a leaf takes on disk.
const LEAF: usize = 100;

/// How fast to read. A slow pace leaves the disk to those who wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Bytes a second, about; `None` is as fast as it goes.
    pub bytes_per_second: Option<u64>,
}

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyStage {
    /// Headers, bodies, receipts, certificates and their indexes.
    Blocks,
    /// Ends of epochs and their validators.
    Epochs,
    /// All accounts, their storage and code.
    State,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// What is being read.
    pub stage: VerifyStage,
    /// Blocks, ends of epochs or leaves done.
    pub done: u64,
    /// Of how many; 0 where that is not known.
    pub of: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// First height that was read.
    pub from: u64,
    /// Last height that was read.
    pub to: u64,
    /// Blocks that are sound.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Certificates found. They are whole; who signed them is for others to check.
    pub certificates: u64,
    /// Ends of epochs that are sound.
    pub epochs: u64,
    /// Accounts read.
    pub accounts: u64,
    /// Slots read.
    pub slots: u64,
    /// Height after which the leaves stand.
    pub state_height: u64,
    /// Root that the leaves on disk add up to.
    pub state_root: B256,
    /// What is wrong, in words; at most 64.
    pub damage: Vec<String>,
    /// Whether it was told to stop before the end.
    pub stopped: bool,
}

impl VerifyReport {
    /// Whether all was read and all is sound.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && !self.stopped
    }
}

impl Ledger {
    /// Shows every key and value that the tables hold, as they were written before they were compressed.
    ///
    /// # Errors
    /// - [`LedgerError`]: a table cannot be read; what came before was shown.
    pub fn each_entry(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), LedgerError> {
        self.0.store.each_entry(visit)
    }

    /// Reads kept blocks of a range of heights and the whole state from the disk and checks all of it:
    /// parent hashes, transactions, receipts, indexes, seals, ends of epochs, code, and the root that the
    /// leaves add up to, computed by another program than the one that keeps it in memory. What is wrong
    /// is listed and remembered as [`Ledger::damage`]. Memory stays small; the ledger may be in use.
    /// `progress` may end it.
    pub fn verify(
        &self,
        range: RangeInclusive<u64>,
        pace: Pace,
        progress: &mut dyn FnMut(VerifyProgress) -> ControlFlow<()>,
    ) -> VerifyReport {
        let (from, to) = (*range.start(), (*range.end()).min(self.head().height));
        let report = VerifyReport { from: from.max(self.first_kept()), to, ..Default::default() };
        let mut walk = Walk { ledger: self, report, meter: Meter::new(pace), progress, link: None };
        // Damaged tables may fail an assertion of the database: that is damage as well.
        if catch_unwind(AssertUnwindSafe(|| walk.run())).is_err() {
            walk.note("a table in the store is damaged: it cannot be read".into());
        }
        if let Some(first) = walk.report.damage.first() {
            self.0.store.health().note_damage(first.clone());
        }
        walk.report
    }
}

struct Walk<'a> {
    ledger: &'a Ledger,
    report: VerifyReport,
    meter: Meter,
    progress: &'a mut dyn FnMut(VerifyProgress) -> ControlFlow<()>,
    /// Hash of the block before, where it is known.
    link: Option<B256>,
}

impl Walk<'_> {
    fn run(&mut self) {
        let stages = [Self::blocks, Self::epochs, Self::state];
        for stage in stages {
            if let Err(error) = stage(self) {
                self.note(error.to_string());
            }
            if self.report.stopped {
                return;
            }
        }
    }

    fn note(&mut self, words: String) {
        if self.report.damage.len() < LISTED {
            self.report.damage.push(words);
        }
    }

    /// Tells how far it is; `true` when it shall end.
    fn ends(&mut self, stage: VerifyStage, done: u64, of: u64) -> bool {
        let stop = (self.progress)(VerifyProgress { stage, done, of }).is_break();
        self.report.stopped |= stop;
        stop
    }

    fn store(&self) -> &Store {
        &self.ledger.0.store
    }

    fn blocks(&mut self) -> Result<(), LedgerError> {
        let (from, to) = (self.report.from, self.report.to);
        for height in from..=to {
            // Blocks may be taken away while this is running.
            if height >= self.ledger.first_kept() {
                match self.block(height) {
                    Ok(()) => self.report.blocks += 1,
                    Err(LedgerError::Pruned { .. }) => self.link = None,
                    Err(error) => {
                        self.link = None;
                        self.note(error.to_string());
                    }
                }
            }
            if self.ends(VerifyStage::Blocks, height + 1 - from, to + 1 - from) {
                return Ok(());
            }
        }
        self.close(to)?;
        self.count_index(from, to)
    }

    fn block(&mut self, height: u64) -> Result<(), LedgerError> {
        let ledger = self.ledger;
        let store = &ledger.0.store;
        let absent = |what: &str| match ledger.kept(height) {
            Err(pruned) => pruned,
            Ok(()) => LedgerError::damaged(format!("{what} {height}"), "missing"),
        };
        let bytes = store.header(height)?.ok_or_else(|| absent("header"))?;
        let hash = keccak256(&bytes);
        store.confirm(height, &hash)?;
        let header = decode_header(&bytes)
            .map_err(|error| LedgerError::damaged(format!("header {height}"), error))?;
        if self.link.is_some_and(|link| link != header.parent_hash) {
            let reason = format!("its parent is not the block at {}", height - 1);
            return Err(LedgerError::damaged(format!("header {height}"), reason));
        }
        let body = store.body(height)?.ok_or_else(|| absent("block"))?;
        let block = check_block(height, &bytes, &body)?;
        let found = store.receipts(height)?.ok_or_else(|| absent("receipts"))?;
        let receipts = check_receipts(height, &header, &found)?;
        if receipts.len() != block.transactions().len() {
            let reason = "not one for each transaction";
            return Err(LedgerError::damaged(format!("receipts {height}"), reason));
        }
        for (index, tx) in (0..).zip(block.transactions()) {
            if store.transaction(&tx.hash())? != Some(TxPlace { height, index }) {
                let what = format!("the place of transaction {}", tx.hash());
                return Err(LedgerError::damaged(what, "missing or another"));
            }
        }
        self.report.certificates += u64::from(store.finality(height)?.is_some());
        if ends_epoch(&header) && store.epoch_end(height)?.is_none() {
            let what = format!("the end of an epoch at {height}");
            return Err(LedgerError::damaged(what, "missing"));
        }
        self.report.transactions += block.transactions().len() as u64;
        self.meter.spend(bytes.len() + body.len() + found.len());
        self.link = Some(hash);
        Ok(())
    }

    /// Ties the last block to the one above it, or to the head.
    fn close(&mut self, to: u64) -> Result<(), LedgerError> {
        let Some(link) = self.link else { return Ok(()) };
        let parent = match self.store().header(to + 1)? {
            None => self.store().head()?.filter(|head| head.height == to).map(|head| head.hash),
            Some(bytes) => {
                let header = decode_header(&bytes)
                    .map_err(|error| LedgerError::damaged(format!("header {}", to + 1), error))?;
                Some(header.parent_hash)
            }
        };
        match parent {
            Some(parent) if parent != link => Err(LedgerError::damaged(
                format!("header {to}"),
                "the block above has another parent",
            )),
            _ => Ok(()),
        }
    }

    /// An index that has more transactions than the blocks have been given keys that nobody wrote.
    fn count_index(&mut self, from: u64, to: u64) -> Result<(), LedgerError> {
        let whole = from <= self.ledger.first_kept() && to == self.ledger.head().height;
        if !whole || !self.report.damage.is_empty() {
            return Ok(());
        }
        let found = self.store().count(keys::TRANSACTION, |place| place <= to)?;
        if found == self.report.transactions || self.ledger.first_kept() > from {
            return Ok(());
        }
        let reason =
            format!("it has {found} entries, the blocks have {}", self.report.transactions);
        Err(LedgerError::damaged("the index of transactions", reason))
    }

    fn epochs(&mut self) -> Result<(), LedgerError> {
        let heights = self.store().heights(keys::EPOCH_END, 0..u64::MAX, usize::MAX)?;
        let Some(length) = heights.first().map(|first| first + 1) else { return Ok(()) };
        let of = heights.len() as u64;
        for (epoch, height) in (0..).zip(heights) {
            if height != (epoch + 1) * length - 1 {
                let what = format!("the end of epoch {epoch}");
                return Err(LedgerError::damaged(what, format!("it stands at {height}")));
            }
            match self.epoch(epoch, height) {
                Ok(()) => self.report.epochs += 1,
                Err(error) => self.note(error.to_string()),
            }
            if self.ends(VerifyStage::Epochs, epoch + 1, of) {
                break;
            }
        }
        Ok(())
    }

    fn epoch(&mut self, epoch: u64, height: u64) -> Result<(), LedgerError> {
        let what = || format!("the end of epoch {epoch}");
        let Some(record) = self.store().epoch_end(height)? else {
            return Err(LedgerError::damaged(what(), "missing"));
        };
        let header =
            decode_header(&record.header).map_err(|error| LedgerError::damaged(what(), error))?;
        if header.number != height || !ends_epoch(&header) {
            return Err(LedgerError::damaged(what(), "its header is of another block"));
        }
        if self.store().header(height)?.is_some_and(|kept| *kept != *record.header) {
            return Err(LedgerError::damaged(what(), "its header is not the one at its height"));
        }
        let mut parent = keccak256(&record.header);
        for link in &record.links {
            let above = decode_header(link).map_err(|error| LedgerError::damaged(what(), error))?;
            if above.parent_hash != parent {
                return Err(LedgerError::damaged(what(), "its links do not hang together"));
            }
            parent = keccak256(link);
        }
        let Some(validators) = self.store().validators(epoch + 1)? else { return Ok(()) };
        check_validators(epoch + 1, &validators, &header)
            .map_err(|reason| LedgerError::damaged(what(), reason))
    }

    fn state(&mut self) -> Result<(), LedgerError> {
        let ledger = self.ledger;
        let leaves = ledger.0.store.leaves();
        let head = leaves.head()?;
        self.report.state_height = head.height;
        let mut sum = RootOfLeaves::default();
        let mut codes = HashSet::new();
        let flow = leaves.walk(&mut |leaf| {
            self.meter.spend(LEAF);
            match leaf {
                Leaf::Account(key, Some(state)) => {
                    self.report.accounts += 1;
                    self.code(state.code_hash, &mut codes);
                    sum.account(key, state);
                }
                Leaf::Account(_, None) => {}
                Leaf::Slot(_, slot, value) => {
                    self.report.slots += 1;
                    sum.slot(slot, value);
                }
            }
            let done = self.report.accounts + self.report.slots;
            if done.is_multiple_of(LEAVES) && self.ends(VerifyStage::State, done, 0) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if flow.is_break() {
            return Ok(());
        }
        // Code that no account has any more may be deployed again.
        for hash in ledger.0.store.stored_codes()? {
            self.code(hash, &mut codes);
        }
        self.report.state_root = sum.root();
        let header: Header = match ledger.0.store.header(head.height)? {
            Some(bytes) if keccak256(&bytes) == head.hash => decode_header(&bytes)
                .map_err(|error| LedgerError::damaged(format!("header {}", head.height), error))?,
            _ => {
                return Err(LedgerError::damaged(
                    format!("header {}", head.height),
                    "not the head's",
                ));
            }
        };
        let (expected, found) = (header.state_root, self.report.state_root);
        if expected == found {
            return Ok(());
        }
        Err(LedgerError::RootMismatch { height: head.height, expected, found })
    }

    fn code(&mut self, hash: B256, seen: &mut HashSet<B256>) {
        if hash == KECCAK256_EMPTY || !seen.insert(hash) {
            return;
        }
        match self.store().stored_code(hash) {
            Ok(Some(code)) => self.meter.spend(code.len()),
            Ok(None) => {
                self.note(LedgerError::damaged(format!("code {hash}"), "missing").to_string())
            }
            Err(error) => self.note(error.to_string()),
        }
    }
}

/// Sleeps where more was read than the pace allows.
struct Meter {
    pace: Pace,
    begun: Instant,
    bytes: u64,
}

impl Meter {
    fn new(pace: Pace) -> Self {
        Self { pace, begun: Instant::now(), bytes: 0 }
    }

    fn spend(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let Some(rate) = self.pace.bytes_per_second else { return };
        let due = Duration::from_millis(self.bytes.saturating_mul(1_000) / rate.max(1));
        let ahead = due.saturating_sub(self.begun.elapsed());
        if ahead > Duration::from_millis(20) {
            thread::sleep(ahead);
        }
    }
}
