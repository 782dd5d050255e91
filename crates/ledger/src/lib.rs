//! Blocks, state and proofs of one ledger, in memory and on disk. See `README.md`.
//!
//! The ledger executes nothing: whoever executed a block hands over what it changed, gets the root, and
//! later says which of the rivals won.

mod change;
mod codec;
mod disk;
mod epochs;
mod error;
mod health;
mod history;
mod ledger;
mod logs;
mod prune;
mod reads;
mod snapshot;
mod store;
mod trie;
mod verify;
mod version;
mod versions;

pub use disk::{Growth, Room, StorageBudget, StorageState, free_bytes, used_bytes};
pub use epochs::{EpochEnd, Floor};
pub use error::{LedgerError, StoreError};
pub use ledger::{Head, Ledger, LedgerConfig, Lost};
pub use logs::{LogQuery, LoggedEvent};
pub use prune::{ArchivedBlock, PruneReport};
pub use snapshot::{
    Chunk, ChunkKind, FolderSnapshot, Manifest, Offer, SnapshotError, SnapshotSink, SnapshotSource,
};
pub use store::TxPlace;
pub use verify::{Pace, VerifyProgress, VerifyReport, VerifyStage};
pub use version::{AccountProof, Candidate, SlotProof, Speculation, Version};
