//! Chains and tests that were made elsewhere, on the executor and the server of this ledger: so that
//! anybody can see with public suites that they do what Ethereum does.
//!
//! [`Replay`] executes a chain of Ethereum (`genesis.json`, `chain.rlp`) from its first block and gives
//! what the server needs to serve it. [`fixtures`] runs GeneralStateTests. Nothing here is part of a node.

mod chain;
pub mod fixtures;
mod genesis;
mod replay;

pub use chain::{ChainBlock, read_chain};
pub use genesis::EthereumGenesis;
pub use replay::{Replay, ReplayError, serve};
