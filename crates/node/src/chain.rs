//! What the engine asks of the application: build a block, check a block, make a block final.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes};
use futures::future::BoxFuture;
use tokio::{runtime::Handle, task::JoinHandle};
use tracing::{debug, error, warn};
use tulou_consensus::{Application, Finality};
use tulou_evm::{BlockEnv, BlockFault, BuildLimits, Dropped};
use tulou_ledger::{Ledger, Version};
use tulou_mempool::{Ahead, Mempool};
use tulou_primitives::{Block, Genesis, epoch_of, is_epoch_end};
use tulou_rpc::BlockMeters;

use crate::{
    Clock, NodeError, committee::Committee, gossip::Ear, peers::RELEASE, replay::block_env, roster,
};

/// Most bytes of transactions in one block. Below the engine's message size with room for headers.
pub(crate) const BLOCK_BYTES_MAX: usize = 4 << 20;
/// Most transactions in one block.
const BLOCK_TRANSACTIONS_MAX: usize = 10_000;

/// The application side of the engine.
#[derive(Clone)]
pub(crate) struct Chain(Arc<Parts>);

/// What the application side works with.
pub(crate) struct Parts {
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) ledger: Ledger,
    pub(crate) mempool: Arc<Mempool>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) committee: Arc<Committee>,
    pub(crate) beneficiary: Address,
    pub(crate) runtime: Handle,
    pub(crate) meters: Arc<BlockMeters>,
    /// Where what other nodes say goes.
    pub(crate) ear: Ear,
}

/// Why a block cannot be held.
enum Refused {
    /// It is wrong and will always be.
    Invalid(String),
    /// This node cannot tell: its parent is not here, or the disk failed.
    Unknown(String),
}

impl Chain {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Runs a task on the node's own runtime and ends it when the engine drops the answer.
    fn on_runtime<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
        otherwise: T,
    ) -> BoxFuture<'static, T> {
        let task = Abandonable(self.0.runtime.spawn(task));
        Box::pin(async move {
            let mut task = task;
            match (&mut task.0).await {
                Ok(answer) => answer,
                Err(e) => {
                    error!(reason = %e, "a consensus task broke");
                    otherwise
                }
            }
        })
    }

    /// Runs work that keeps a core busy beside the runtime.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Parts) -> T + Send + 'static,
    ) -> Option<T> {
        let parts = self.0.clone();
        self.0.runtime.spawn_blocking(move || work(&parts)).await.ok()
    }
}

/// A task that ends with its handle.
struct Abandonable<T>(JoinHandle<T>);

impl<T> Drop for Abandonable<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Parts {
    /// What the block on this version sees. Its gas limit is the council's, from the block after the
    /// one that changed it.
    fn env(&self, version: &Version, timestamp: u64) -> Result<BlockEnv, Refused> {
        block_env(&self.genesis, version, timestamp, self.beneficiary)
            .map_err(|e| Refused::Unknown(e.to_string()))
    }

    /// Keeps the keys that the last header of an epoch commits to, for those who start from a snapshot.
    fn name_next_validators(&self, height: u64) -> Result<(), tulou_ledger::LedgerError> {
        let length = self.genesis.epoch_length;
        if !is_epoch_end(height, length) {
            return Ok(());
        }
        let next = epoch_of(height, length) + 1;
        let set = self.committee.of_state(&self.ledger.latest(), next);
        self.ledger.put_epoch_validators(next, &set)
    }

    /// Whether the program knows the rules of the block after this version.
    fn known_release(&self, version: &Version) -> Result<(), Refused> {
        let height = version.height() + 1;
        let needed = roster::release(version, &self.genesis, height);
        if needed <= RELEASE {
            return Ok(());
        }
        let error = NodeError::Release { needed, height, known: RELEASE };
        Err(Refused::Unknown(error.to_string()))
    }

    /// What the blocks from `parent` back to the head hold: executed, not final yet.
    fn ahead(&self, parent: &Block) -> Ahead {
        let mut ahead = Ahead::default();
        let mut at = parent.hash();
        while let Some(candidate) = self.ledger.held(at) {
            ahead.add(&candidate.block);
            at = candidate.block.header().parent_hash;
        }
        ahead
    }

    fn build(&self, parent: &Block, ahead: &Ahead) -> Result<Block, Refused> {
        let version = self.ledger.version(parent.hash()).ok_or_else(|| missing(parent.hash()))?;
        self.known_release(&version)?;
        let timestamp = self.clock.now().max(parent.header().timestamp);
        let env = self.env(&version, timestamp)?;
        let limits = BuildLimits {
            gas: env.gas_limit,
            bytes: BLOCK_BYTES_MAX,
            transactions: BLOCK_TRANSACTIONS_MAX,
            ..Default::default()
        };
        let mut candidates = self.mempool.best_beyond(BLOCK_TRANSACTIONS_MAX, ahead);
        let begun = Instant::now();
        let built = tulou_evm::build(&version, &env, &mut candidates, limits).map_err(refused)?;
        self.meters.executed(begun.elapsed());
        for (hash, reason) in &built.dropped {
            debug!(%hash, ?reason, "left out of the block");
            let never = matches!(
                reason,
                Dropped::BadSignature
                    | Dropped::Expired { .. }
                    | Dropped::Denied(_)
                    | Dropped::Invalid(_)
                    | Dropped::Fault(_)
            );
            if never {
                self.mempool.discard(hash);
            }
        }
        let speculation = self
            .ledger
            .propose_root(parent.hash(), &built.executed.changes)
            .map_err(|e| Refused::Unknown(e.to_string()))?;
        let header =
            tulou_evm::seal_header(parent.header(), &env, &built.executed, speculation.root());
        let block = Block::new(header, built.included);
        self.ledger.hold(block.clone(), built.executed.receipts, speculation);
        Ok(block)
    }

    /// Executes a block on its parent and keeps the outcome under its hash.
    fn check(&self, parent: &Block, block: &Block) -> Result<(), Refused> {
        if self.ledger.is_held(block.hash()) {
            return Ok(());
        }
        let header = block.header();
        if header.parent_hash != parent.hash() {
            return Err(Refused::Invalid("the parent is another block".into()));
        }
        tulou_evm::validate_header(parent.header(), header).map_err(Refused::Invalid)?;
        let version = self.ledger.version(parent.hash()).ok_or_else(|| missing(parent.hash()))?;
        self.known_release(&version)?;
        let block = self.mempool.with_senders(block.clone());
        let env =
            BlockEnv { beneficiary: header.beneficiary, ..self.env(&version, header.timestamp)? };
        let begun = Instant::now();
        let executed = tulou_evm::execute(&version, &env, &block).map_err(refused)?;
        self.meters.executed(begun.elapsed());
        let speculation = self
            .ledger
            .propose_root(parent.hash(), &executed.changes)
            .map_err(|e| Refused::Unknown(e.to_string()))?;
        let expected = tulou_evm::seal_header(parent.header(), &env, &executed, speculation.root());
        if expected != *header {
            return Err(Refused::Invalid(format!(
                "execution gives another header: {expected:?} instead of {header:?}"
            )));
        }
        self.ledger.hold(block, executed.receipts, speculation);
        Ok(())
    }

    /// Makes a block final on disk, executing it first where it was not held.
    fn settle(&self, block: &Block, finality: &Finality) -> Result<(), String> {
        let head = self.ledger.head();
        if block.height() > head.height {
            if !self.ledger.is_held(block.hash()) {
                let parent = self
                    .ledger
                    .block(head.height)
                    .map_err(|e| e.to_string())?
                    .ok_or("the head block is not on disk")?;
                self.check(&parent, block).map_err(|refused| match refused {
                    Refused::Invalid(why) => format!("a final block is invalid here: {why}"),
                    Refused::Unknown(why) => why,
                })?;
            }
            // The engine's copy came over the wire and knows no senders; what was executed does.
            let held = self.ledger.held(block.hash()).map(|candidate| candidate.block.clone());
            let begun = Instant::now();
            let certificate = finality.encoded.clone();
            self.ledger.put_finality(block.height(), certificate).map_err(|e| e.to_string())?;
            self.name_next_validators(block.height()).map_err(|e| e.to_string())?;
            self.ledger.finalize(block.hash()).map_err(|e| e.to_string())?;
            self.meters.committed(begun.elapsed());
            self.mempool.on_final(held.as_deref().unwrap_or(block));
        }
        Ok(())
    }
}

fn missing(parent: B256) -> Refused {
    Refused::Unknown(format!("the state of parent {parent} is not here"))
}

fn refused(fault: BlockFault) -> Refused {
    match fault {
        BlockFault::Invalid { .. } => Refused::Invalid(fault.to_string()),
        BlockFault::Fault(reason) => Refused::Unknown(reason),
    }
}

impl Application for Chain {
    fn genesis(&self) -> Block {
        self.0.ledger.genesis().clone()
    }

    fn propose(&self, parent: Block) -> BoxFuture<'static, Option<Block>> {
        let chain = self.clone();
        let task = async move {
            let heartbeat = Duration::from_millis(chain.0.genesis.heartbeat_ms);
            let ahead = chain.0.ahead(&parent);
            let ready = chain.0.mempool.wait_ready_beyond(&ahead);
            // The heartbeat is over: an empty block says that the ledger lives.
            let _ = tokio::time::timeout(heartbeat, ready).await;
            match chain.blocking(move |parts| parts.build(&parent, &ahead)).await? {
                Ok(block) => Some(block),
                Err(Refused::Invalid(why) | Refused::Unknown(why)) => {
                    warn!(reason = %why, "no block could be built");
                    None
                }
            }
        };
        self.on_runtime(task, None)
    }

    fn verify(&self, parent: Block, block: Block) -> BoxFuture<'static, bool> {
        let chain = self.clone();
        let task = async move {
            chain.0.clock.reached(block.header().timestamp).await;
            loop {
                let (parent, block) = (parent.clone(), block.clone());
                let height = block.height();
                match chain.blocking(move |parts| parts.check(&parent, &block)).await {
                    Some(Ok(())) => return true,
                    Some(Err(Refused::Invalid(why))) => {
                        warn!(height, reason = %why, "refused a block");
                        return false;
                    }
                    // Not a verdict: a wrong "no" would be recorded for good. Try until the engine
                    // gives up on the view.
                    Some(Err(Refused::Unknown(why))) => {
                        warn!(height, reason = %why, "cannot check a block yet")
                    }
                    None => warn!(height, "the check of a block broke"),
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        };
        self.on_runtime(task, false)
    }

    fn finalized(
        &self,
        block: Block,
        finality: Finality,
    ) -> BoxFuture<'static, Result<(), String>> {
        let chain = self.clone();
        let task = async move {
            chain
                .blocking(move |parts| parts.settle(&block, &finality))
                .await
                .unwrap_or_else(|| Err("making a block final broke".into()))
        };
        self.on_runtime(task, Err("making a block final broke".into()))
    }

    fn holds(&self, block: B256) -> bool {
        self.0.ledger.version(block).is_some()
    }

    fn take_up(&self, blocks: Vec<Block>) -> BoxFuture<'static, ()> {
        let chain = self.clone();
        let task = async move {
            let work = move |parts: &Parts| {
                for (parent, block) in blocks.iter().zip(blocks.iter().skip(1)) {
                    if let Err(Refused::Invalid(why) | Refused::Unknown(why)) =
                        parts.check(parent, block)
                    {
                        // It may have become final meanwhile; if not, the next turn tries again.
                        warn!(height = block.height(), reason = %why, "a block is not taken up");
                        return;
                    }
                }
            };
            chain.blocking(work).await;
        };
        self.on_runtime(task, ())
    }

    fn height(&self) -> Option<u64> {
        Some(self.0.ledger.head().height)
    }

    fn block_hash(&self, height: u64) -> Option<B256> {
        // What is damaged or pruned here is for the ledger to tell.
        let header = self.0.ledger.header(height).ok().flatten()?;
        Some(header.hash_slow())
    }

    fn validators(&self, epoch: u64) -> Vec<B256> {
        self.0.committee.sorted(epoch)
    }

    fn heard(&self, from: B256, message: Bytes) {
        self.0.ear.take(from, message);
    }
}
