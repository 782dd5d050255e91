#![doc = include_str!("../README.md")]

mod error;
mod master;
mod objects;
mod seal;
mod vault;

pub use error::VaultError;
pub use master::{LocalMaster, MasterKey, Unlock};
pub use seal::Suite;
pub use vault::{Erasure, Record, Vault, Written};
