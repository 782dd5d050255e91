//! What nodes tell each other beside consensus. Every transaction that this node's users send goes to
//! all nodes, so that whoever proposes next has it; every few seconds each node says how it is.

pub(crate) mod message;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, keccak256};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use tracing::{debug, warn};
use tulou_consensus::EngineHandle;
use tulou_ledger::Ledger;
use tulou_mempool::Mempool;

use self::message::{BATCH, BATCH_BYTES, Message, Status};
use crate::{
    Clock,
    peers::{Peers, RELEASE},
};

/// Messages that wait to be read; what comes on top is dropped and comes again.
const INBOX: usize = 1_024;
/// Shortest time between two messages with transactions: bounds how many a second there are.
const PACE: Duration = Duration::from_millis(12);
/// How often a message is offered to a full queue before it is left to [`Gossip::remind`].
const TRIES: usize = 50;
/// How often a node says how it is.
const TELL_EVERY: Duration = Duration::from_millis(2_500);
/// How long a refused node may still read why before its connection is closed.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Transactions whose origin is remembered, at least.
const REMEMBERED: usize = 32_768;

/// The engine while it runs. Empty before the start and after the end.
pub(crate) type SharedEngine = Arc<RwLock<Option<EngineHandle>>>;

/// The way into the inbox, for the engine.
#[derive(Clone)]
pub(crate) struct Ear(mpsc::Sender<(B256, Bytes)>);

impl Ear {
    /// An inbox and its way in.
    pub(crate) fn new() -> (Self, mpsc::Receiver<(B256, Bytes)>) {
        let (sender, receiver) = mpsc::channel(INBOX);
        (Self(sender), receiver)
    }

    /// Takes a message, or drops it where too many wait: the sender tells it again.
    pub(crate) fn take(&self, from: B256, message: Bytes) {
        if self.0.try_send((from, message)).is_err() {
            debug!(%from, "a message was dropped: too many wait");
        }
    }
}

/// Everything that gossip reads and writes. Cheap to share.
pub(crate) struct Gossip {
    pub(crate) engine: SharedEngine,
    pub(crate) ledger: Ledger,
    pub(crate) mempool: Arc<Mempool>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) peers: Arc<Peers>,
    /// Wakes whoever keeps the allow-list.
    pub(crate) refused: Arc<tokio::sync::Notify>,
    /// Release in force at the next height.
    pub(crate) release: Box<dyn Fn() -> u32 + Send + Sync>,
    /// Version of the protocol that is told; another one only in drills.
    pub(crate) protocol: u32,
    pub(crate) foreign: Foreign,
}

impl Gossip {
    /// Reads what others say, for ever.
    pub(crate) async fn listen(self: Arc<Self>, mut inbox: mpsc::Receiver<(B256, Bytes)>) {
        while let Some((from, bytes)) = inbox.recv().await {
            match Message::decode(&bytes) {
                Ok(Message::Status(status)) => self.hear_status(from, status),
                Ok(Message::Transactions(transactions)) => {
                    let gossip = self.clone();
                    let work = move || gossip.hear_transactions(transactions);
                    if tokio::task::spawn_blocking(work).await.is_err() {
                        warn!(%from, "taking in transactions broke");
                    }
                }
                Err(error) => warn!(%from, %error, "a peer sent what is no message"),
            }
        }
    }

    fn hear_status(self: &Arc<Self>, from: B256, status: Status) {
        let (now, release) = (self.clock.now_ms(), (self.release)());
        let Some(reason) = self.peers.heard(from, status, now, &self.ledger, release) else {
            return;
        };
        warn!(peer = %from, %reason, "refused a node; nothing of the ledger is touched");
        // So that the other side can say why, too.
        self.send(Some(from), &self.status());
        let gossip = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            gossip.refused.notify_one();
        });
    }

    fn hear_transactions(&self, transactions: Vec<Bytes>) {
        let fresh: Vec<Bytes> = transactions
            .into_iter()
            .filter(|raw| {
                let hash = keccak256(raw);
                // Before it is admitted, so that it is never told as our own.
                self.foreign.remember(hash);
                self.mempool.known(&hash).is_none()
            })
            .collect();
        for refused in self.mempool.submit_many(fresh).into_iter().filter_map(Result::err) {
            debug!(%refused, "a transaction of another node is not admitted here");
        }
    }

    /// Tells all nodes what this node's users send, for ever. What a slow feed or a full queue loses is
    /// told again by [`Gossip::remind`].
    pub(crate) async fn tell_transactions(self: Arc<Self>) {
        let mut feed = self.mempool.subscribe();
        let mut batch = Batch::default();
        loop {
            match feed.recv().await {
                Ok(tx) if !self.foreign.knows(&tx.hash()) => batch.push(tx.raw().clone()),
                Ok(_) => {}
                Err(RecvError::Lagged(lost)) => {
                    debug!(lost, "transactions are told later");
                    continue;
                }
                Err(RecvError::Closed) => return,
            }
            while !batch.is_full()
                && let Ok(tx) = feed.try_recv()
            {
                if !self.foreign.knows(&tx.hash()) {
                    batch.push(tx.raw().clone());
                }
            }
            if let Some(transactions) = batch.take() {
                let message = Message::Transactions(transactions);
                // A full queue empties within a moment; what comes meanwhile goes into one message.
                for _ in 0..TRIES {
                    let sent = self.send(None, &message);
                    tokio::time::sleep(PACE).await;
                    if sent {
                        break;
                    }
                }
            }
        }
    }

    /// Says how this node is, and tells again what has waited since the last time, for ever.
    pub(crate) async fn remind(self: Arc<Self>) {
        let mut waited: HashSet<B256> = HashSet::new();
        loop {
            self.send(None, &self.status());
            let waiting: Vec<_> = self.mempool.best(BATCH).collect();
            let mut batch = Batch::default();
            for tx in waiting.iter().filter(|tx| waited.contains(&tx.hash())) {
                if !batch.is_full() {
                    batch.push(tx.raw().clone());
                }
            }
            if let Some(transactions) = batch.take() {
                self.send(None, &Message::Transactions(transactions));
            }
            waited = waiting.iter().map(|tx| tx.hash()).collect();
            tokio::time::sleep(TELL_EVERY).await;
        }
    }

    fn status(&self) -> Message {
        let head = self.ledger.head();
        Message::Status(Status {
            protocol: self.protocol,
            program: tulou_rpc::PROGRAM.into(),
            release: RELEASE,
            height: head.height,
            hash: head.hash,
            clock_ms: self.clock.now_ms(),
        })
    }

    fn send(&self, to: Option<B256>, message: &Message) -> bool {
        let engine = self.engine.read();
        engine.as_ref().is_some_and(|engine| engine.gossip(to, message.encode()))
    }
}

/// Transactions on their way into one message.
#[derive(Default)]
struct Batch {
    transactions: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, raw: Bytes) {
        self.bytes += raw.len() + 8;
        self.transactions.push(raw);
    }

    /// Whether the largest transaction might no longer fit.
    fn is_full(&self) -> bool {
        self.transactions.len() >= BATCH || self.bytes + (128 << 10) > BATCH_BYTES
    }

    fn take(&mut self) -> Option<Vec<Bytes>> {
        self.bytes = 0;
        (!self.transactions.is_empty()).then(|| std::mem::take(&mut self.transactions))
    }
}

/// Hashes of transactions that came from other nodes: they have told all nodes themselves. Two
/// generations, so that it forgets the oldest without an order.
#[derive(Default)]
pub(crate) struct Foreign(Mutex<(HashSet<B256>, HashSet<B256>)>);

impl Foreign {
    fn remember(&self, hash: B256) {
        let mut sets = self.0.lock();
        if sets.0.len() >= REMEMBERED {
            sets.1 = std::mem::take(&mut sets.0);
        }
        sets.0.insert(hash);
    }

    fn knows(&self, hash: &B256) -> bool {
        let sets = self.0.lock();
        sets.0.contains(hash) || sets.1.contains(hash)
    }
}
