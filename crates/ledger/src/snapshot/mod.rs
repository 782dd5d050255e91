//! Snapshots: the state after one block, cut into chunks that are named by their content, with all that
//! a new node needs to go on from there.
//!
//! A chunk is a zstd frame of records, each a letter and RLP. State chunks hold accounts in the order of
//! their hashed keys, each before its slots; an account whose slots go on in the next chunk is repeated
//! there, so that every chunk stands alone.

mod folder;
mod manifest;
mod read;
mod record;
mod write;

use alloy_primitives::B256;

pub use folder::FolderSnapshot;
pub use manifest::{Chunk, ChunkKind, Manifest};
pub use read::{Offer, SnapshotSource};
pub use write::SnapshotSink;

use crate::error::LedgerError;

/// Bytes of records from which a chunk is closed.
const CHUNK_BYTES: usize = 4 << 20;
/// Bytes of records that a reader accepts in one chunk: one record may be a whole block.
const MAX_CHUNK_BYTES: u64 = 64 << 20;
/// Bytes of a manifest that a reader accepts.
pub(crate) const MAX_MANIFEST_BYTES: usize = 64 << 20;

/// A snapshot that could not be written or taken over. A folder that was to be made is not there.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The version is not of a final block, or too old.
    #[error("block {0} is not among the final blocks whose state is held: choose a newer one")]
    NotHeld(B256),
    /// The block has no certificate of its own.
    #[error("block {0} has no certificate of its own: choose another, or wait for the next block")]
    NoCertificate(u64),
    /// The folder holds a ledger already.
    #[error("this folder holds a ledger already: choose an empty one, or move it away")]
    Occupied,
    /// The manifest cannot be used.
    #[error("the snapshot's manifest is not usable: {0}")]
    Manifest(String),
    /// A chunk is not what the manifest says.
    #[error("chunk {name} of the snapshot is damaged: {reason}; nothing was taken over, fetch it again")]
    Chunk {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The caller does not accept who vouches for it.
    #[error("the snapshot was refused: {0}; nothing was taken over")]
    Refused(String),
    /// Where chunks come from or go to failed.
    #[error("the snapshot's store failed: {0}")]
    Transfer(String),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl SnapshotError {
    pub(crate) fn chunk(name: &str, reason: impl ToString) -> Self {
        Self::Chunk { name: name.into(), reason: reason.to_string() }
    }
}
