#![doc = include_str!("../README.md")]

mod certificate;
mod error;
mod light;
mod link;
mod page;
mod receipt;
mod sheet;
mod state;
mod trie;

pub use certificate::{Finality, FinalityDecodeError, FinalityError, namespace, quorum};
pub use error::{PathError, ProofError, Step};
pub use light::{Head, LightClient};
pub use link::EpochLink;
pub use page::{HEADER_BYTES_MAX, LINKS_MAX, Page, PageProof};
pub use receipt::{ProvenReceipt, ReceiptProof};
pub use sheet::{KeySheet, SheetError, VALIDATORS_MAX};
pub use state::{AccountProof, ProvenAccount, SlotProof, mapping_slot};
pub use trie::trie_value;
