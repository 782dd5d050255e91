//! Blocks: executing one that exists, and building one from candidates.

use std::{sync::Arc, time::Instant};

use alloy_consensus::{Eip658Value, Receipt};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bloom};
use alloy_trie::root::ordered_trie_root_with_encoder;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use revm::context_interface::result::ExecutionResult;
use tulou_primitives::{
    Block, ChangeSet, ReceiptEnvelope, StateError, StateReader, Tx, TxType, Window,
    transactions_root,
};

use crate::{
    council::{Admission, Denied},
    ethereum::Terms,
    machine::{Machine, NotRun, Rules, job},
    provider::Natives,
};

/// What a transaction sees of its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEnv {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Height of the block that is executed.
    pub height: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Gas that all transactions together may ask for.
    pub gas_limit: u64,
    /// Who proposed the block. Receives nothing, since gas is free.
    pub beneficiary: Address,
    /// `PREVRANDAO`: not a source of randomness here.
    pub prevrandao: B256,
    /// In the last block of an epoch, the commitment to the validators of the next one, which becomes
    /// the header's `extraData`.
    pub next_validators: Option<B256>,
    /// The rules of another Ethereum chain, where one is replayed; this ledger's own where `None`.
    pub terms: Option<Terms>,
}

/// The outcome of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// One receipt for each transaction, in order.
    pub receipts: Vec<ReceiptEnvelope>,
    /// What the block changes.
    pub changes: ChangeSet,
    /// Gas of all transactions.
    pub gas_used: u64,
    /// Bloom filter over the events of all receipts.
    pub logs_bloom: Bloom,
    /// Root of the ordered trie of transactions.
    pub transactions_root: B256,
    /// Root of the ordered trie of receipts.
    pub receipts_root: B256,
}

/// Why a block has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// The block is invalid, here and everywhere.
    #[error("transaction {index}: {reason}")]
    Invalid {
        /// Place of the offending transaction, from 0.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Whether it is valid cannot be told here: the state cannot be read, or native code met a state
    /// that cannot be.
    #[error("the block cannot be executed: {0}")]
    Fault(String),
}

impl From<StateError> for BlockFault {
    fn from(error: StateError) -> Self {
        Self::Fault(error.to_string())
    }
}

/// What a new block may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildLimits {
    /// Gas that all transactions together may ask for; the block's own limit holds besides.
    pub gas: u64,
    /// Bytes of all transactions together.
    pub bytes: usize,
    /// Number of transactions.
    pub transactions: usize,
    /// When to stop taking more, however much room is left.
    pub deadline: Option<Instant>,
}

/// Why a candidate is not in the block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// No sender can be recovered. It never will be.
    #[error("the signature does not recover a sender")]
    BadSignature,
    /// Its nonce was used. It never fits again.
    #[error("nonce {nonce} was used, the account is at {expected}")]
    NonceUsed {
        /// Nonce of the transaction.
        nonce: u64,
        /// The next nonce of the account.
        expected: u64,
    },
    /// An earlier transaction of the sender is missing.
    #[error("nonce {nonce} is ahead, the account is at {expected}")]
    NonceGap {
        /// Nonce of the transaction.
        nonce: u64,
        /// The next nonce of the account.
        expected: u64,
    },
    /// The block's time is past its last second. It never fits again.
    #[error("valid before {before}, the block is of {now} (seconds since 1970)")]
    Expired {
        /// First second at which it is no longer valid.
        before: u64,
        /// The block's time.
        now: u64,
    },
    /// The block's time is before its first second. It may fit into a later one.
    #[error("valid from {after}, the block is of {now} (seconds since 1970)")]
    NotYetValid {
        /// First second at which it is valid.
        after: u64,
        /// The block's time.
        now: u64,
    },
    /// Its sender may not send it now.
    #[error(transparent)]
    Denied(Denied),
    /// The gas or the bytes left do not suffice. It may fit into the next block.
    #[error("no room left in this block")]
    NoRoom,
    /// It breaks a rule on the present state.
    #[error("invalid: {0}")]
    Invalid(String),
    /// Native code met a state that cannot be: an error of the software.
    #[error("fault: {0}")]
    Fault(String),
}

impl Dropped {
    /// Whether the candidate can never be in a block.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::BadSignature | Self::NonceUsed { .. } | Self::Expired { .. })
    }
}

/// A block's content and its outcome.
#[derive(Clone, Debug)]
pub struct Built {
    /// The transactions of the block, in order.
    pub included: Vec<Arc<Tx>>,
    /// The candidates that were tried and left out, by hash.
    pub dropped: Vec<(B256, Dropped)>,
    /// What [`execute`] gives for `included`.
    pub executed: Executed,
}

/// Executes the transactions of a block on the state after its parent.
///
/// # Errors
/// - [`BlockFault::Invalid`]: a transaction that recovers no sender, is not valid at the block's time, whose
///   sender may not send it, asks for more gas than the block has left, or breaks a rule of Ethereum.
/// - [`BlockFault::Fault`]: the outcome cannot be known here.
pub fn execute(
    state: &dyn StateReader,
    env: &BlockEnv,
    block: &Block,
) -> Result<Executed, BlockFault> {
    let run = run(state, env, block.transactions(), Natives::STANDARD)?;
    run.finish(|| block.transactions_root())
}

#[cfg(test)]
pub(crate) fn execute_with(
    state: &dyn StateReader,
    env: &BlockEnv,
    txs: &[Arc<Tx>],
    natives: Natives,
) -> Result<Executed, BlockFault> {
    run(state, env, txs, natives)?.finish(|| transactions_root(txs))
}

fn run<'a>(
    state: &'a dyn StateReader,
    env: &BlockEnv,
    txs: &[Arc<Tx>],
    natives: Natives,
) -> Result<Run<'a>, BlockFault> {
    // Recovery costs twenty times as much as execution; known senders answer at once.
    txs.par_iter().for_each(|tx| drop(tx.sender()));
    let mut run = Run::new(state, env, natives)?;
    run.receipts.reserve_exact(txs.len());
    for (index, tx) in txs.iter().enumerate() {
        run.add(tx).map_err(|dropped| match dropped {
            Dropped::Fault(reason) => BlockFault::Fault(reason),
            other => BlockFault::Invalid { index, reason: other.to_string() },
        })?;
    }
    Ok(run)
}

/// Builds a block from candidates, in their order, and executes it. A candidate that is invalid or
/// does not fit is left out and the next one is tried.
///
/// A fault of native code leaves out its transaction, so that one transaction cannot stop all
/// proposals; a block that nevertheless holds it is refused by [`execute`].
///
/// # Errors
/// - [`BlockFault::Fault`]: the state cannot be read.
pub fn build(
    state: &dyn StateReader,
    env: &BlockEnv,
    candidates: &mut dyn Iterator<Item = Arc<Tx>>,
    limits: BuildLimits,
) -> Result<Built, BlockFault> {
    build_with(state, env, candidates, limits, Natives::STANDARD)
}

pub(crate) fn build_with(
    state: &dyn StateReader,
    env: &BlockEnv,
    candidates: &mut dyn Iterator<Item = Arc<Tx>>,
    limits: BuildLimits,
    natives: Natives,
) -> Result<Built, BlockFault> {
    let mut run = Run::new(state, env, natives)?;
    run.gas_limit = env.gas_limit.min(limits.gas);
    let (mut included, mut dropped) = (Vec::new(), Vec::new());
    let mut bytes_left = limits.bytes;
    while included.len() < limits.transactions {
        if limits.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
        let Some(tx) = candidates.next() else { break };
        let size = tx.raw().len();
        if size > bytes_left {
            dropped.push((tx.hash(), Dropped::NoRoom));
            continue;
        }
        match run.add(&tx) {
            Ok(()) => {
                bytes_left -= size;
                included.push(tx);
            }
            Err(reason) => {
                if let Some(error) = run.machine.failed() {
                    return Err(error.clone().into());
                }
                if let Dropped::Fault(fault) = &reason {
                    tracing::error!(hash = %tx.hash(), fault, "a transaction cannot be executed");
                }
                dropped.push((tx.hash(), reason));
            }
        }
    }
    let executed = run.finish(|| transactions_root(&included))?;
    Ok(Built { included, dropped, executed })
}

/// A block in the making.
struct Run<'a> {
    admission: Admission<'a>,
    machine: Machine<'a>,
    gas_limit: u64,
    gas_used: u64,
    receipts: Vec<ReceiptEnvelope>,
    logs_bloom: Bloom,
}

impl<'a> Run<'a> {
    fn new(
        state: &'a dyn StateReader,
        env: &BlockEnv,
        natives: Natives,
    ) -> Result<Self, StateError> {
        Ok(Self {
            admission: Admission::new(state, env.timestamp)?,
            machine: Machine::new(state, env, Rules::Block, natives),
            gas_limit: env.gas_limit,
            gas_used: 0,
            receipts: Vec::new(),
            logs_bloom: Bloom::ZERO,
        })
    }

    /// Adds one transaction, or leaves everything as it was.
    fn add(&mut self, tx: &Arc<Tx>) -> Result<(), Dropped> {
        use alloy_consensus::Transaction as _;
        let sender = tx.sender().map_err(|_| Dropped::BadSignature)?;
        if let Some(window) = tx.envelope().window() {
            self.check_window(window)?;
        }
        self.admission.check(tx).map_err(|denied| match denied {
            Denied::Fault(error) => Dropped::Fault(error.to_string()),
            denied => Dropped::Denied(denied),
        })?;
        if tx.envelope().gas_limit() > self.gas_limit - self.gas_used {
            return Err(Dropped::NoRoom);
        }
        let result = self.machine.run(job(tx, sender)).map_err(|not_run| match not_run {
            NotRun::NonceTooLow { tx, state } => Dropped::NonceUsed { nonce: tx, expected: state },
            NotRun::NonceTooHigh { tx, state } => Dropped::NonceGap { nonce: tx, expected: state },
            NotRun::Price(reason)
            | NotRun::Funds(reason)
            | NotRun::Gas(reason)
            | NotRun::Invalid(reason) => Dropped::Invalid(reason),
            NotRun::Fault(reason) => Dropped::Fault(reason),
            hidden @ NotRun::Hidden(_) => Dropped::Fault(hidden.to_string()),
        })?;
        self.gas_used += result.tx_gas_used();
        let receipt = receipt(tx.envelope().tx_type(), result, self.gas_used);
        self.logs_bloom |= *receipt.logs_bloom();
        self.receipts.push(receipt);
        Ok(())
    }

    fn check_window(&self, window: Window) -> Result<(), Dropped> {
        let now = self.machine.block().timestamp.saturating_to();
        if window.is_over(now) {
            return Err(Dropped::Expired { before: window.before, now });
        }
        if window.is_ahead(now) {
            return Err(Dropped::NotYetValid { after: window.after, now });
        }
        Ok(())
    }

    fn finish(mut self, transactions_root: impl FnOnce() -> B256) -> Result<Executed, BlockFault> {
        let changes = self.machine.changes()?;
        let root = transactions_root();
        Ok(finish(root, self.receipts, changes, self.gas_used, self.logs_bloom))
    }
}

/// Adds the root of the receipts.
pub(crate) fn finish(
    transactions_root: B256,
    receipts: Vec<ReceiptEnvelope>,
    changes: ChangeSet,
    gas_used: u64,
    logs_bloom: Bloom,
) -> Executed {
    Executed {
        changes,
        gas_used,
        logs_bloom,
        transactions_root,
        receipts_root: ordered_trie_root_with_encoder(&receipts, |receipt, out| {
            receipt.encode_2718(out);
        }),
        receipts,
    }
}

pub(crate) fn receipt(
    kind: TxType,
    result: ExecutionResult,
    cumulative_gas_used: u64,
) -> ReceiptEnvelope {
    let success = result.is_success();
    // Events of a transaction that failed did not happen.
    let logs = if success { result.into_logs() } else { Vec::new() };
    let status = Eip658Value::Eip658(success);
    let receipt = Receipt { status, cumulative_gas_used, logs };
    ReceiptEnvelope::from_typed(kind, receipt.with_bloom())
}
