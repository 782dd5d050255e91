//! Executes the blocks of a ledger anew from the first page on: whoever holds them can repeat all of
//! its history, and must come to the same headers.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tulou_evm::BlockEnv;
use tulou_ledger::{Ledger, LedgerConfig, LedgerError, Version};
use tulou_primitives::{Genesis, Header, StateError, epoch_of, is_epoch_end, validators_hash};

use crate::{NodeFolder, SnapshotFault, open_ledger, roster};

/// What was executed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Height of the last block.
    pub height: u64,
    /// Transactions of all blocks.
    pub transactions: u64,
    /// Root of the state after the last block, equal to what its header says.
    pub state_root: B256,
    /// Time of what a validator does with a block whose senders it knows: execution, all roots, comparison.
    pub checking: Duration,
}

/// Why the history cannot be repeated.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The node's folder.
    #[error(transparent)]
    Folder(#[from] SnapshotFault),
    /// Old blocks are not kept here.
    #[error("blocks before {first} are not kept here: ask an archive node, which keeps all")]
    Pruned {
        /// The first block that is kept.
        first: u64,
    },
    /// A block comes out otherwise than its header says.
    #[error("block {height} comes out otherwise: {difference}")]
    Differs {
        /// Height of the block.
        height: u64,
        /// The fields with both values.
        difference: String,
    },
    /// A block cannot be executed at all.
    #[error("block {height} cannot be executed: {reason}")]
    Block {
        /// Height of the block.
        height: u64,
        /// Why not.
        reason: String,
    },
}

impl From<LedgerError> for ReplayFault {
    fn from(error: LedgerError) -> Self {
        Self::Folder(error.into())
    }
}

/// What the block on `version` sees. Its gas limit and, in the last block of an epoch, the commitment to
/// the next validators are what the state before it says.
pub(crate) fn block_env(
    genesis: &Genesis,
    version: &Version,
    timestamp: u64,
    beneficiary: Address,
) -> Result<BlockEnv, StateError> {
    let height = version.height() + 1;
    let length = genesis.epoch_length;
    let next_validators = is_epoch_end(height, length).then(|| {
        let next = epoch_of(height, length) + 1;
        validators_hash(next, &roster::validators(version, genesis, next))
    });
    Ok(BlockEnv {
        chain_id: genesis.chain_id,
        height,
        timestamp,
        gas_limit: tulou_evm::gas_limit(version)?,
        beneficiary,
        prevrandao: B256::ZERO,
        next_validators,
        terms: None,
    })
}

/// Executes all blocks of the ledger of a node that does not run, into a ledger of its own at `scratch`,
/// which must not exist. `progress` hears of each height.
///
/// # Errors
/// The first of [`ReplayFault`], in the order of its variants. The node's folder is never changed.
pub fn replay_ledger(
    folder: &NodeFolder,
    scratch: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Replayed, ReplayFault> {
    let (genesis, ledger) = open_ledger(folder)?;
    let changes = tulou_evm::genesis_changes(&genesis).map_err(SnapshotFault::Genesis)?;
    if ledger.first_kept() > 0 {
        return Err(ReplayFault::Pruned { first: ledger.first_kept() });
    }
    let copy = Ledger::open(scratch, ledger.genesis(), changes, LedgerConfig::default())?;
    let (mut transactions, mut checking) = (0, Duration::ZERO);
    for height in 1..=ledger.head().height {
        let (count, took) = repeat(&genesis, &ledger, &copy, height)?;
        transactions += count;
        checking += took;
        progress(height);
    }
    let head = copy.head();
    Ok(Replayed { height: head.height, transactions, state_root: head.state_root, checking })
}

/// One block. Returns the number of its transactions and the time of checking it.
fn repeat(
    genesis: &Genesis,
    ledger: &Ledger,
    copy: &Ledger,
    height: u64,
) -> Result<(u64, Duration), ReplayFault> {
    let broken = |reason: String| ReplayFault::Block { height, reason };
    let block = ledger.block(height)?.ok_or_else(|| broken("it is missing".into()))?;
    // Who does not recover is found by the execution.
    block.transactions().par_iter().for_each(|tx| drop(tx.sender()));
    let begun = Instant::now();
    let (header, version) = (block.header(), copy.latest());
    let env = block_env(genesis, &version, header.timestamp, header.beneficiary)
        .map_err(|error| broken(error.to_string()))?;
    let executed =
        tulou_evm::execute(&version, &env, &block).map_err(|fault| broken(fault.to_string()))?;
    let speculation = copy.propose_root(version.block_hash(), &executed.changes)?;
    let expected = tulou_evm::seal_header(version.header(), &env, &executed, speculation.root());
    if expected != *header {
        return Err(ReplayFault::Differs { height, difference: difference(header, &expected) });
    }
    let took = begun.elapsed();
    let (hash, count) = (block.hash(), block.transactions().len() as u64);
    copy.hold(block, executed.receipts, speculation);
    copy.finalize(hash)?;
    Ok((count, took))
}

/// The fields in which two headers differ.
fn difference(says: &Header, gives: &Header) -> String {
    let fields = [
        ("parentHash", says.parent_hash.to_string(), gives.parent_hash.to_string()),
        ("stateRoot", says.state_root.to_string(), gives.state_root.to_string()),
        (
            "transactionsRoot",
            says.transactions_root.to_string(),
            gives.transactions_root.to_string(),
        ),
        ("receiptsRoot", says.receipts_root.to_string(), gives.receipts_root.to_string()),
        ("gasUsed", says.gas_used.to_string(), gives.gas_used.to_string()),
        ("gasLimit", says.gas_limit.to_string(), gives.gas_limit.to_string()),
        ("extraData", says.extra_data.to_string(), gives.extra_data.to_string()),
    ];
    let differ = fields.into_iter().filter(|(_, says, gives)| says != gives);
    let mut texts: Vec<String> = differ
        .map(|(name, says, gives)| format!("{name} is {says}, execution gives {gives}"))
        .collect();
    if texts.is_empty() {
        texts.push("a field that has one value in every block has another".into());
    }
    texts.join("; ")
}
