//! What can go wrong with a ledger.

use std::{io, path::PathBuf};

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
    #[error(
        "this folder has format {found}, this program reads format {expected}; \
         choose an empty folder, the blocks will come from the other validators or from a backup"
    )]
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
    /// The block was final once and is not kept here any more, or never was.
    #[error(
        "block {height} is not kept by this node, which keeps blocks from {first_kept} on; \
         ask an archive node"
    )]
    Pruned {
        /// The height that was asked for.
        height: u64,
        /// The lowest height whose block is here.
        first_kept: u64,
    },
    /// What is on disk is not what was written. It is not served; [`crate::Ledger::damage`] says so
    /// from now on.
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
    /// No space is left. Nothing of the block was kept; the store takes no more writes until it is
    /// opened again.
    #[error("the disk is full ({0}): no block was lost; free space and start again")]
    Full(String),
    /// The disk failed. Further writes are refused: restart, the ledger recovers its last block.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
}

/// A failure of the disk, or of the database on it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub(crate) String);

/// What a damaged table or journal is called: the database does not say which record it was reading.
const TABLES: &str = "a table";

impl From<fjall::Error> for LedgerError {
    fn from(error: fjall::Error) -> Self {
        use fjall::Error as E;
        match error {
            E::Io(error) => error.into(),
            E::Storage(error) => of_tables(error),
            E::JournalRecovery(error) => Self::damaged("the journal", format!("{error:?}")),
            E::InvalidVersion(_)
            | E::Decompress(_)
            | E::InvalidTrailer
            | E::InvalidTag(_)
            | E::Unrecoverable => Self::damaged(TABLES, format!("{error:?}")),
            other => StoreError(format!("{other:?}")).into(),
        }
    }
}

fn of_tables(error: fjall::LsmError) -> LedgerError {
    use fjall::LsmError as E;
    match error {
        E::Io(error) => error.into(),
        other => LedgerError::damaged(TABLES, format!("{other:?}")),
    }
}

impl From<io::Error> for LedgerError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as K;
        match error.kind() {
            K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Self::Full(error.to_string()),
            // A file that is gone or ends early, or a number in it that leads out of it.
            K::UnexpectedEof | K::InvalidData | K::InvalidInput | K::NotFound => {
                Self::damaged(TABLES, error.to_string())
            }
            _ => StoreError(error.to_string()).into(),
        }
    }
}

impl LedgerError {
    /// A record that does not decode.
    pub(crate) fn damaged(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Damaged { what: what.into(), reason: reason.to_string() }
    }

    /// Whether what is on disk is not what was written.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::RootMismatch { .. })
    }
}

impl From<LedgerError> for StateError {
    fn from(error: LedgerError) -> Self {
        Self(error.to_string())
    }
}
