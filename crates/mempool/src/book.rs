//! Who waits, in which order. Pure bookkeeping: no clock, no lock, no state.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256};
use tulou_primitives::Tx;

use crate::{
    Ahead, MempoolConfig, Refused,
    checks::Candidate,
    pace::Pace,
    turns::{Lane, Turns},
};

/// A transaction and the block time at which it came.
#[derive(Debug)]
struct Entry {
    tx: Arc<Tx>,
    since: u64,
}

/// One sender's transactions.
#[derive(Debug, Default)]
struct Line {
    /// Next nonce in the state of the head.
    next: u64,
    /// How many nonces from `next` on are here without a gap: these can execute.
    run: u64,
    /// All of them, `next` and above.
    txs: BTreeMap<u64, Entry>,
    /// Place among the senders that can execute.
    turn: Option<(Lane, u64)>,
}

impl Line {
    fn queued(&self) -> usize {
        self.txs.len() - self.run as usize
    }

    fn pending_nonce(&self) -> u64 {
        self.next + self.run
    }

    /// Counts on where `run` ends: what lies before is known to have no gap.
    fn extend_run(&mut self) {
        let end = self.pending_nonce();
        let further = self.txs.range(end..).zip(end..);
        self.run += further.take_while(|((nonce, _), expected)| *nonce == expected).count() as u64;
    }

    /// The account is at `next`. Returns what its nonces used up.
    fn advance(&mut self, next: u64) -> BTreeMap<u64, Entry> {
        self.run = self.pending_nonce().saturating_sub(next);
        self.next = next;
        let kept = self.txs.split_off(&next);
        std::mem::replace(&mut self.txs, kept)
    }

    /// Where its next transaction is served, `None` where none can execute.
    fn lane(&self, few: usize) -> Option<Lane> {
        let next = self.txs.get(&self.next)?;
        let everyday = self.txs.len() <= few && calls_module(&next.tx);
        Some(if everyday { Lane::Everyday } else { Lane::Bulk })
    }

    fn remove(&mut self, nonce: u64) {
        if self.txs.remove(&nonce).is_some() && nonce < self.pending_nonce() {
            self.run = nonce.saturating_sub(self.next);
        }
    }
}

/// All lines, and the order in which their heads are served.
#[derive(Debug, Default)]
pub(crate) struct Book {
    known: HashMap<B256, Arc<Tx>>,
    lines: HashMap<Address, Line>,
    turns: Turns,
    pace: Pace,
    /// Transactions with which an account still counts as one that sends few.
    few: usize,
    gapped: HashSet<Address>,
    queued: usize,
    bytes: usize,
    now: u64,
}

impl Book {
    /// An empty one. Accounts with `few` or less waiting are those that send few.
    pub(crate) fn new(few: usize) -> Self {
        Self { few, ..Self::default() }
    }

    pub(crate) fn known(&self, hash: &B256) -> Option<&Arc<Tx>> {
        self.known.get(hash)
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Time of the newest block that this pool saw, 0 before the first.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn senders(&self) -> usize {
        self.lines.len()
    }

    /// Everything that waits: each sender's transactions by nonce and how many of them can execute.
    pub(crate) fn content(&self) -> Vec<(Address, usize, Vec<Arc<Tx>>)> {
        let lines = self.lines.iter();
        lines
            .map(|(sender, line)| {
                let txs = line.txs.values().map(|entry| entry.tx.clone()).collect();
                (*sender, line.run as usize, txs)
            })
            .collect()
    }

    /// What waits of one sender, as [`Book::content`].
    pub(crate) fn content_of(&self, sender: &Address) -> Option<(usize, Vec<Arc<Tx>>)> {
        let line = self.lines.get(sender)?;
        Some((line.run as usize, line.txs.values().map(|entry| entry.tx.clone()).collect()))
    }

    /// Next nonce without a gap, `None` for a sender that has nothing here.
    pub(crate) fn pending_nonce(&self, sender: &Address) -> Option<u64> {
        self.lines.get(sender).map(Line::pending_nonce)
    }

    /// Admits a checked transaction of an account whose next nonce is `next`.
    pub(crate) fn insert(
        &mut self,
        candidate: Candidate,
        next: u64,
        config: &MempoolConfig,
    ) -> Result<(), Refused> {
        let Candidate { tx, sender } = candidate;
        let (hash, nonce, size) = (tx.hash(), tx.envelope().nonce(), tx.raw().len());
        if self.known.contains_key(&hash) {
            return Err(Refused::AlreadyKnown);
        }
        let line = self.lines.get(&sender);
        // The head may have moved on while the state was read.
        let next = line.map_or(next, |line| line.next.max(next));
        if nonce < next {
            return Err(Refused::NonceTooLow { sender, nonce, next });
        }
        let waiting = line.map_or(0, |line| line.txs.len());
        let to_module = calls_module(&tx);
        let open = |all| config.open(all, waiting, to_module);
        let replaced = match line.and_then(|line| line.txs.get(&nonce)) {
            Some(old) if outbids(&tx, &old.tx) => Some(old.tx.clone()),
            Some(_) => return Err(Refused::Underpriced),
            None => {
                self.room(sender, nonce, next, open(config.txs), config)?;
                let everyday = to_module && waiting <= config.few;
                let timely = config.timely(self.pace.per_s());
                if !everyday && self.len() - self.queued >= timely {
                    return Err(Refused::PoolFull { waiting: self.len() });
                }
                None
            }
        };
        let freed = replaced.as_ref().map_or(0, |old| old.raw().len());
        if self.bytes - freed + size > open(config.bytes) {
            return Err(Refused::PoolFull { waiting: self.len() });
        }
        if let Some(old) = replaced {
            self.known.remove(&old.hash());
        }
        self.bytes = self.bytes - freed + size;
        self.known.insert(hash, tx.clone());
        let since = self.now;
        self.settle(sender, next, |line| {
            line.txs.insert(nonce, Entry { tx, since });
        });
        Ok(())
    }

    /// Whether a transaction that replaces none has one of so many places.
    fn room(
        &self,
        sender: Address,
        nonce: u64,
        next: u64,
        places: usize,
        config: &MempoolConfig,
    ) -> Result<(), Refused> {
        let line = self.lines.get(&sender);
        let pending = line.map_or(next, |line| line.pending_nonce().max(next));
        if nonce - pending.min(nonce) > config.nonce_gap {
            let gap = config.nonce_gap;
            return Err(Refused::NonceGap { sender, nonce, next: pending, gap });
        }
        if line.is_some_and(|line| line.txs.len() >= config.txs_per_sender) {
            return Err(Refused::SenderFull { sender, limit: config.txs_per_sender });
        }
        let waits = nonce > pending;
        if self.len() >= places || (waits && self.queued >= config.queued) {
            return Err(Refused::PoolFull { waiting: self.len() });
        }
        Ok(())
    }

    /// Changes a line and brings everything derived from it up to date.
    fn settle(&mut self, sender: Address, next: u64, change: impl FnOnce(&mut Line)) {
        let line = self.lines.entry(sender).or_default();
        self.queued -= line.queued();
        change(line);
        if next > line.next {
            for gone in line.advance(next).into_values() {
                self.bytes -= gone.tx.raw().len();
                self.known.remove(&gone.tx.hash());
            }
        }
        line.extend_run();
        self.queued += line.queued();
        if line.queued() > 0 {
            self.gapped.insert(sender);
        } else {
            self.gapped.remove(&sender);
        }
        line.turn = self.turns.place(sender, line.turn, line.lane(self.few));
        if line.txs.is_empty() {
            self.lines.remove(&sender);
        }
    }

    /// Drops one transaction; later ones of its sender then wait for another with its nonce.
    pub(crate) fn discard(&mut self, hash: &B256) -> Option<Arc<Tx>> {
        let tx = self.known.remove(hash)?;
        self.bytes -= tx.raw().len();
        if let Ok(sender) = tx.sender() {
            let nonce = tx.envelope().nonce();
            self.settle(sender, 0, |line| line.remove(nonce));
        }
        Some(tx)
    }

    /// The sender's account has moved to `next`; it goes to the back of the order.
    pub(crate) fn advance(&mut self, sender: Address, next: u64) {
        let Some(line) = self.lines.get_mut(&sender) else { return };
        line.turn = self.turns.place(sender, line.turn, None);
        self.settle(sender, next, |_| {});
    }

    /// A block took so many of these out at this time, and left some that can execute, or none.
    pub(crate) fn pace(&mut self, count: usize, at: Instant, some_left: bool) {
        self.pace.took(count, at, some_left);
    }

    /// Block time moves on: what has waited too long for an earlier nonce is dropped.
    pub(crate) fn tick(&mut self, now: u64, lifetime: u64) {
        if now <= self.now {
            return;
        }
        if self.now == 0 {
            // What came before the first block that this pool saw has waited since then.
            for entry in self.lines.values_mut().flat_map(|line| line.txs.values_mut()) {
                entry.since = now;
            }
        }
        self.now = now;
        let mut stale = Vec::new();
        for sender in &self.gapped {
            let Some(line) = self.lines.get(sender) else { continue };
            let waiting = line.txs.range(line.pending_nonce()..);
            stale.extend(
                waiting
                    .filter(|(_, entry)| entry.since.saturating_add(lifetime) < now)
                    .map(|(_, entry)| entry.tx.hash()),
            );
        }
        for hash in stale {
            self.discard(&hash);
        }
    }

    /// Up to `max` executable transactions, one of each sender per round, from the nonces on that
    /// `ahead` leaves. In the first round [`Turns`] says whose turn it is. One that is not yet valid at
    /// `now` holds up those of its sender behind it.
    pub(crate) fn best(&self, max: usize, ahead: &Ahead, now: u64) -> Vec<Arc<Tx>> {
        let now = now.max(self.now);
        let is_due =
            |tx: &&Arc<Tx>| tx.envelope().window().is_none_or(|window| !window.is_ahead(now));
        let mut out = Vec::with_capacity(max.min(self.len() - self.queued));
        let mut fresh = self.turns.iter().filter_map(|sender| {
            let line = self.lines.get(sender)?;
            let (from, end) = (line.next.max(ahead.next(sender)), line.pending_nonce());
            let run = line.txs.range(from.min(end)..end).map(|(_, entry)| &entry.tx);
            let mut run = run.take_while(is_due);
            let first = run.next()?;
            Some((first, run))
        });
        let mut rest = Vec::new();
        while out.len() < max {
            let Some((first, run)) = fresh.next() else { break };
            out.push(first.clone());
            rest.push(run);
        }
        while out.len() < max && !rest.is_empty() {
            rest.retain_mut(|run| match run.next() {
                Some(tx) if out.len() < max => {
                    out.push(tx.clone());
                    true
                }
                _ => false,
            });
        }
        out
    }

    /// Recomputes everything derived and compares, for tests.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let all: Vec<_> = self.lines.values().flat_map(|line| line.txs.values()).collect();
        assert_eq!(all.len(), self.known.len());
        assert!(all.iter().all(|entry| self.known.contains_key(&entry.tx.hash())));
        assert_eq!(all.iter().map(|entry| entry.tx.raw().len()).sum::<usize>(), self.bytes);
        assert_eq!(self.lines.values().map(Line::queued).sum::<usize>(), self.queued);
        let ready = self.lines.values().filter(|line| line.run > 0).count();
        assert_eq!(ready, self.turns.iter().count());
        for sender in self.turns.iter() {
            let line = &self.lines[sender];
            assert_eq!(line.turn.map(|(lane, _)| lane), line.lane(self.few));
            assert!(line.turn.is_some_and(|turn| self.turns.has(turn, sender)));
        }
        for (sender, line) in &self.lines {
            assert!(!line.txs.is_empty());
            assert!(line.txs.keys().all(|nonce| *nonce >= line.next));
            let run = line.txs.keys().zip(line.next..).take_while(|(have, want)| *have == want);
            assert_eq!(run.count() as u64, line.run);
            assert_eq!(self.gapped.contains(sender), line.queued() > 0);
        }
    }
}

/// Whether it is the ledger's own business: a vote, a payment, a record.
fn calls_module(tx: &Tx) -> bool {
    tx.envelope().all_to(tulou_evm::is_native)
}

/// Whether both fees are at least a tenth higher, and not zero.
fn outbids(new: &Tx, old: &Tx) -> bool {
    let raised = |new: u128, old: u128| new > old && new - old >= old.div_ceil(10);
    let tip = |tx: &Tx| {
        tx.envelope().max_priority_fee_per_gas().unwrap_or(tx.envelope().max_fee_per_gas())
    };
    raised(new.envelope().max_fee_per_gas(), old.envelope().max_fee_per_gas())
        && raised(tip(new), tip(old))
}
