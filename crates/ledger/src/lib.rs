//! Blocks, state and proofs of one ledger, in memory and on disk. See `README.md`.
//!
//! The ledger executes nothing: whoever executed a block hands over what it changed, gets the root, and
//! later says which of the rivals won.

mod change;
mod codec;
mod error;
mod ledger;
mod logs;
mod store;
mod trie;
mod version;
mod versions;

pub use error::LedgerError;
pub use ledger::{Head, Ledger, LedgerConfig};
pub use logs::{LogQuery, LoggedEvent};
pub use store::TxPlace;
pub use version::{AccountProof, Candidate, SlotProof, Speculation, Version};
