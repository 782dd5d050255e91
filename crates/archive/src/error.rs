//! What can go wrong with an archive.

use std::path::PathBuf;

use alloy_primitives::B256;
use tulou_ledger::{LedgerError, SnapshotError};

/// An archive that cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The place is not one that can be used.
    #[error("{url} is no place for an archive: {reason}; give a folder, or s3://bucket/prefix")]
    Place {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The place holds another ledger's archive.
    #[error(
        "this archive belongs to chain {chain_id} with genesis {genesis}: choose another place"
    )]
    OtherLedger {
        /// Chain id of the archive.
        chain_id: u64,
        /// Genesis hash of the archive.
        genesis: B256,
    },
    /// Something is not there.
    #[error("{0} is not in the archive")]
    Missing(String),
    /// What is there is not what was put.
    #[error("{name} in the archive is damaged: {reason}; it was not used")]
    Damaged {
        /// Which object.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Blocks between the archive and the ledger are in neither.
    #[error(
        "the archive ends below {next}, this node keeps blocks from {first_kept} on: let a node that \
         has the blocks between fill the gap"
    )]
    Gap {
        /// The next height that the archive needs.
        next: u64,
        /// The lowest height that the ledger keeps.
        first_kept: u64,
    },
    /// A file of the node's folder.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// The store, after it was tried several times.
    #[error("the archive's store failed: {0}")]
    Store(String),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl ArchiveError {
    pub(crate) fn damaged(name: impl Into<String>, reason: impl ToString) -> Self {
        Self::Damaged { name: name.into(), reason: reason.to_string() }
    }

    pub(crate) fn file(path: &std::path::Path, error: impl ToString) -> Self {
        Self::File { path: path.to_owned(), reason: error.to_string() }
    }
}

impl From<tulou_place::PlaceError> for ArchiveError {
    fn from(error: tulou_place::PlaceError) -> Self {
        Self::Place { url: error.url, reason: error.reason }
    }
}
