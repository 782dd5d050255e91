//! What can go wrong with a ledger.

use std::path::PathBuf;

use alloy_primitives::B256;
use tulou_primitives::StateError;

/// A ledger that cannot do what was asked. Nothing was changed by the failed call.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process has the folder open.
    #[error("{0} is in use by another process; stop it first")]
    InUse(PathBuf),
    /// The folder was made from another genesis block.
    #[error(
        "this folder belongs to the ledger with genesis {found}, not {expected}; \
         choose another folder or the right genesis file"
    )]
    OtherGenesis {
        /// Hash of the genesis block that was given.
        expected: B256,
        /// Hash of the one in the folder.
        found: B256,
    },
    /// The folder was written by a version with other tables.
    #[error("this folder has format {found}, this program reads format {expected}")]
    OtherFormat {
        /// Format of this program.
        expected: u8,
        /// Format in the folder.
        found: u8,
    },
    /// The accounts on disk do not add up to the root of the last block.
    #[error(
        "the state on disk has root {found}, block {height} says {expected}: the folder is damaged; \
         move it away and start again, the blocks will be executed anew"
    )]
    RootMismatch {
        /// Height of the last block in the folder, or of the block that was to be finalized.
        height: u64,
        /// Root in the header.
        expected: B256,
        /// Root of the state.
        found: B256,
    },
    /// No version with this block hash is held.
    #[error("block {0} is not held: execute and hold it first")]
    UnknownBlock(B256),
    /// The block does not follow the last finalized one.
    #[error("block {hash} does not follow the finalized block {head}")]
    NotNext {
        /// The block to finalize.
        hash: B256,
        /// The last finalized block.
        head: B256,
    },
    /// More events match than the caller is ready to take.
    #[error("more than {limit} events match; ask for fewer blocks at a time")]
    TooManyEvents {
        /// The caller's limit.
        limit: usize,
    },
    /// A record that cannot be read.
    #[error(
        "{what} in the store is damaged: {reason}; \
         move the folder away and start again, the blocks will be executed anew"
    )]
    Damaged {
        /// Which record.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk failed. Further writes are refused: restart, the ledger recovers its last block.
    #[error("the store failed: {0}")]
    Store(#[from] fjall::Error),
}

impl From<std::io::Error> for LedgerError {
    fn from(error: std::io::Error) -> Self {
        Self::Store(error.into())
    }
}

impl LedgerError {
    /// A record that does not decode.
    pub(crate) fn damaged(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Damaged { what: what.into(), reason: reason.to_string() }
    }
}

impl From<LedgerError> for StateError {
    fn from(error: LedgerError) -> Self {
        Self(error.to_string())
    }
}
