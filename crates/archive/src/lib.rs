//! What outlives a node's disk: snapshots, old blocks and backups in a folder or in an S3-compatible
//! store. See `README.md`.
//!
//! Everything is named by a digest or carries one, and is checked on the way in. Calls block: call them
//! from a thread of their own, never from within an asynchronous task.

mod backup;
mod blocks;
mod error;
mod snapshots;
mod store;

pub use backup::{BackupManifest, BackupReport, RestoreReport, StoredFile};
pub use blocks::{Section, Shipped};
pub use error::ArchiveError;
pub use snapshots::{ArchiveSnapshot, Retained, SnapshotName};
pub use store::Archive;
pub use tulou_place::Place;
