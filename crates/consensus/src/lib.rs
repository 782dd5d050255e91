//! Agreement between validators: the only crate that names the consensus library.
//!
//! The node implements [`Application`] (build a block, check a block, store a final block) and calls
//! [`start`]. One validator and twenty run the same code. What a phone needs in order to check that
//! a block is final is [`Finality`]; `README.md` gives its exact bytes.

mod adapter;
mod application;
mod block;
mod delivery;
mod early;
mod engine;
mod epochs;
mod network;
mod schemes;
mod storage;

pub use application::Application;
pub use block::{BlockError, decode_block};
pub use engine::{EngineConfig, EngineError, EngineHandle, public_key, start};
pub use tulou_proofs::{Finality, FinalityDecodeError, FinalityError, namespace, quorum};
