#![doc = include_str!("../README.md")]

mod error;
mod keeper;
mod master;
mod objects;
mod seal;
mod vault;

pub use error::VaultError;
pub use keeper::Command;
pub use master::{LocalMaster, MasterKey, Unlock};
pub use seal::{Suite, random_id};
pub use tulou_place::Place;
pub use vault::{Behind, Erasure, Record, RefusedCopy, Rewrapped, Stock, Synced, Vault, Written};
pub use zeroize::Zeroizing;
