//! Agreement between validators: the only crate that names the consensus library.
//!
//! The node implements [`Application`] (build a block, check a block, store a final block) and calls
//! [`start`]. One validator and twenty run the same code. What a phone needs in order to check that
//! a block is final is [`Finality`]; `README.md` gives its exact bytes.

mod adapter;
mod application;
mod archive;
mod assembly;
mod block;
mod board;
mod config;
mod delivery;
mod early;
mod engine;
mod epochs;
mod gossip;
mod network;
pub mod platform;
mod schemes;
mod storage;
mod store;

pub use application::Application;
pub use archive::{ArchiveReport, Expected, verify_archive};
pub use block::{BlockError, decode_block};
pub use board::EngineStatus;
pub use config::{EngineConfig, EngineError, EngineFloor, MAX_PEERS};
pub use engine::{EngineHandle, public_key, start};
pub use gossip::GOSSIP_BYTES_MAX;
pub use tulou_proofs::{Finality, FinalityDecodeError, FinalityError, namespace, quorum};
