//! The pool as others see it.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes};
use parking_lot::Mutex;
use rayon::prelude::*;
use tokio::sync::{broadcast, watch};
use tulou_ledger::Ledger;
use tulou_primitives::{Block, StateError, StateReader, Tx};

use crate::{
    Ahead, MempoolConfig, Refused,
    book::Book,
    checks::{self, Candidate, Door},
    senders::Senders,
};

/// Transactions from which on waking other threads is worth it: two milliseconds on one.
const WORTH_WAKING: usize = 64;

/// Gives the state of the newest final block.
pub trait HeadState: Send + Sync {
    /// The state to check against, newest when asked.
    fn head_state(&self) -> Arc<dyn StateReader>;
}

impl HeadState for Ledger {
    fn head_state(&self) -> Arc<dyn StateReader> {
        Arc::new(self.latest())
    }
}

/// What is in the pool now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that can execute.
    pub pending: usize,
    /// Transactions that wait for an earlier nonce.
    pub queued: usize,
    /// Accounts that sent them.
    pub senders: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// Transactions that are admitted and not yet final. Cheap to share behind an `Arc`; every method
/// may be called from any thread.
pub struct Mempool {
    config: MempoolConfig,
    head: Box<dyn HeadState>,
    book: Mutex<Book>,
    senders: Mutex<Senders>,
    /// How often each reason was given. Not under the book's lock.
    refused: Mutex<BTreeMap<&'static str, u64>>,
    workers: Option<rayon::ThreadPool>,
    admitted: broadcast::Sender<Arc<Tx>>,
    arrivals: watch::Sender<u64>,
}

impl fmt::Debug for Mempool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mempool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Mempool {
    /// An empty pool over the state that `head` gives. Where no thread can be started, senders are
    /// recovered on the callers' threads.
    pub fn new(config: MempoolConfig, head: impl HeadState + 'static) -> Self {
        let workers = rayon::ThreadPoolBuilder::new()
            .num_threads(config.recovery_threads)
            .thread_name(|n| format!("recover-{n}"))
            .build()
            .ok();
        let (admitted, _) = broadcast::channel(config.feed.max(1));
        let (arrivals, _) = watch::channel(0);
        let head = Box::new(head);
        Self {
            head,
            book: Mutex::new(Book::new(config.few)),
            config,
            senders: Mutex::default(),
            // What is watched begins at 0, so that its first event is a change.
            refused: Mutex::new(BTreeMap::from(
                ["pool_full", "sender_full", "too_fast"].map(|reason| (reason, 0)),
            )),
            workers,
            admitted,
            arrivals,
        }
    }

    /// The limits in force.
    pub fn config(&self) -> &MempoolConfig {
        &self.config
    }

    /// Admits one signed transaction (EIP-2718 bytes) and gives its hash. Recovers the sender on the
    /// calling thread.
    ///
    /// # Errors
    /// The first reason of [`Refused`], in the order of its variants.
    pub fn submit(&self, raw: Bytes) -> Result<B256, Refused> {
        self.submit_if(raw, |_| Ok(()))
    }

    /// As [`Mempool::submit`], but asks `may` once the sender is known.
    ///
    /// # Errors
    /// As [`Mempool::submit`]; a refusal of `may` comes where [`Refused::TooFast`] stands.
    pub fn submit_if(
        &self,
        raw: Bytes,
        may: impl Fn(Address) -> Result<(), Refused>,
    ) -> Result<B256, Refused> {
        let state = self.head.head_state();
        let checked = self.check(raw, &Door::new(state.as_ref(), now()), may);
        let mut out = self.admit(vec![checked]);
        out.pop().unwrap_or(Err(Refused::AlreadyKnown))
    }

    /// Admits many, in the order given, recovering their senders on all of the pool's threads where that
    /// is worth it.
    ///
    /// # Errors
    /// Each for itself, as [`Mempool::submit`].
    pub fn submit_many(&self, raws: Vec<Bytes>) -> Vec<Result<B256, Refused>> {
        let state = self.head.head_state();
        let door = Door::new(state.as_ref(), now());
        let checked = self.spread(raws, |raw| self.check(raw, &door, |_| Ok(())));
        self.admit(checked)
    }

    /// Does for each, in the order given, what costs about one recovery.
    fn spread<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        work: impl Fn(T) -> R + Send + Sync,
    ) -> Vec<R> {
        match &self.workers {
            Some(workers) if items.len() >= WORTH_WAKING => {
                workers.install(|| items.into_par_iter().with_min_len(16).map(work).collect())
            }
            _ => items.into_iter().map(work).collect(),
        }
    }

    /// Everything that needs no lock but a glance whether it is known, which saves the recovery.
    fn check(
        &self,
        raw: Bytes,
        door: &Door<'_>,
        may: impl Fn(Address) -> Result<(), Refused>,
    ) -> Result<(Candidate, u64), Refused> {
        let tx = checks::stateless(raw, &self.config)?;
        if let Some(window) = tx.envelope().window() {
            // A chain for trying things out may be ahead of the clock.
            let now = door.now().max(self.book.lock().now());
            checks::window(window, now, &self.config)?;
        }
        if self.known(&tx.hash()).is_some() {
            return Err(Refused::AlreadyKnown);
        }
        if let Some(sender) = self.senders.lock().get(&tx.hash()) {
            tx.assume_sender(sender);
        }
        let candidate = checks::recovered(tx)?;
        may(candidate.sender)?;
        let account = door.account(&candidate)?;
        Ok((candidate, account.nonce))
    }

    fn admit(&self, checked: Vec<Result<(Candidate, u64), Refused>>) -> Vec<Result<B256, Refused>> {
        let mut fresh = Vec::with_capacity(checked.len());
        let mut book = self.book.lock();
        let out: Vec<_> = checked
            .into_iter()
            .map(|item| {
                let (candidate, next) = item?;
                let tx = candidate.tx.clone();
                let hash = tx.hash();
                book.insert(candidate, next, &self.config)?;
                fresh.push(tx);
                Ok(hash)
            })
            .collect();
        drop(book);
        self.count(&out);
        if !fresh.is_empty() {
            self.arrivals.send_modify(|count| *count += 1);
        }
        for tx in fresh {
            // An error means that nobody listens.
            let _ = self.admitted.send(tx);
        }
        out
    }

    fn count(&self, answers: &[Result<B256, Refused>]) {
        let reasons = answers.iter().filter_map(|answer| answer.as_ref().err());
        let mut reasons = reasons.map(Refused::reason).peekable();
        if reasons.peek().is_none() {
            return;
        }
        let mut refused = self.refused.lock();
        for reason in reasons {
            *refused.entry(reason).or_insert(0) += 1;
        }
    }

    /// How often each reason of [`Refused::reason`] was given since the start.
    pub fn refusals(&self) -> Vec<(&'static str, u64)> {
        self.refused.lock().iter().map(|(reason, count)| (*reason, *count)).collect()
    }

    /// The transaction with this hash, with its sender recovered, while it waits.
    pub fn known(&self, hash: &B256) -> Option<Arc<Tx>> {
        self.book.lock().known(hash).cloned()
    }

    /// A block that came from elsewhere with the senders of its transactions: from the pool where they
    /// wait here, else recovered on all of the pool's threads, and remembered for the transactions that
    /// come after their block. One whose signature recovers nobody stays without.
    pub fn with_senders(&self, block: Block) -> Block {
        let block = {
            let book = self.book.lock();
            block.with_known(|hash| book.known(hash).cloned())
        };
        let fresh: Vec<&Arc<Tx>> = {
            let senders = self.senders.lock();
            let unknown = block.transactions().iter().filter(|tx| tx.known_sender().is_none());
            unknown
                .filter(|tx| match senders.get(&tx.hash()) {
                    Some(sender) => {
                        tx.assume_sender(sender);
                        false
                    }
                    None => true,
                })
                .collect()
        };
        let found = self.spread(fresh, |tx| tx.sender().ok().map(|sender| (tx.hash(), sender)));
        let mut senders = self.senders.lock();
        for (hash, sender) in found.into_iter().flatten() {
            senders.put(hash, sender);
        }
        drop(senders);
        block
    }

    /// Everything that waits: each sender's transactions by nonce, and how many of the first of them can
    /// execute.
    pub fn content(&self) -> Vec<(Address, usize, Vec<Arc<Tx>>)> {
        self.book.lock().content()
    }

    /// What waits of one sender, as [`Mempool::content`].
    pub fn content_of(&self, sender: Address) -> (usize, Vec<Arc<Tx>>) {
        self.book.lock().content_of(&sender).unwrap_or_default()
    }

    /// The nonce the account should use next: that of the head, those in the pool counted.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn pending_nonce(&self, account: Address) -> Result<u64, StateError> {
        let next = self.head.head_state().account(account)?.map_or(0, |state| state.nonce);
        let pending = self.book.lock().pending_nonce(&account);
        Ok(pending.map_or(next, |pending| pending.max(next)))
    }

    /// Up to `max` transactions that can execute on the head, fair over senders.
    pub fn best(&self, max: usize) -> std::vec::IntoIter<Arc<Tx>> {
        self.best_beyond(max, &Ahead::default())
    }

    /// As [`Mempool::best`] for a block on ancestors that are not final.
    pub fn best_beyond(&self, max: usize, ahead: &Ahead) -> std::vec::IntoIter<Arc<Tx>> {
        let best = self.book.lock().best(max, ahead, now());
        best.into_iter()
    }

    /// Drops a transaction that cannot execute although it was admitted (its account spent the money
    /// meanwhile, say). Later ones of its sender wait for another with its nonce.
    pub fn discard(&self, hash: &B256) -> bool {
        self.book.lock().discard(hash).is_some()
    }

    /// A block is final and its state is the head's: its transactions leave, and so do those whose
    /// nonces it used up. Call it after the head has moved.
    pub fn on_final(&self, block: &Block) {
        let state = self.head.head_state();
        let mut used = std::collections::HashMap::new();
        let mut touched = HashSet::new();
        for tx in block.transactions() {
            if let Ok(sender) = tx.sender() {
                let next = used.entry(sender).or_insert(0u64);
                *next = (*next).max(tx.envelope().nonce().saturating_add(1));
            }
            for entry in tx.envelope().authorization_list().unwrap_or_default() {
                touched.extend(entry.recover_authority());
            }
        }
        // An authorization uses up a nonce of its authority, which sent nothing.
        for authority in touched {
            if let Ok(Some(account)) = state.account(authority) {
                let next = used.entry(authority).or_insert(0);
                *next = (*next).max(account.nonce);
            }
        }
        let mut book = self.book.lock();
        let before = book.len();
        for (account, next) in used {
            book.advance(account, next);
        }
        let left = before - book.len();
        let can_execute = book.len() > book.queued();
        book.pace(left, Instant::now(), can_execute);
        book.tick(block.header().timestamp, self.config.queued_lifetime_s);
        drop(book);
        if can_execute {
            // What waited for a nonce that came by this block alone can execute now, and a proposer that
            // found nothing waits for news.
            self.arrivals.send_modify(|count| *count += 1);
        }
    }

    /// Returns as soon as something can execute, at once where something can. The passing of time alone
    /// wakes nobody: what becomes valid in between is found when the caller looks again.
    pub async fn wait_ready(&self) {
        self.wait_ready_beyond(&Ahead::default()).await;
    }

    /// As [`Mempool::wait_ready`] for a block on ancestors that are not final.
    pub async fn wait_ready_beyond(&self, ahead: &Ahead) {
        let mut arrivals = self.arrivals.subscribe();
        loop {
            if self.best_beyond(1, ahead).next().is_some() {
                return;
            }
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    /// Every transaction from its admission on. A receiver that falls behind loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Tx>> {
        self.admitted.subscribe()
    }

    /// What is in the pool now.
    pub fn stats(&self) -> Stats {
        let book = self.book.lock();
        Stats {
            pending: book.len() - book.queued(),
            queued: book.queued(),
            senders: book.senders(),
            bytes: book.bytes(),
        }
    }

    #[cfg(test)]
    pub(crate) fn verify(&self) {
        self.book.lock().check();
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
