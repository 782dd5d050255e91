//! Wires engine, state, pool and interfaces into a running node. The only crate that knows all of
//! them, and the one place where a block is built, checked and made final.

mod chain;
mod clock;
mod folder;
mod keeper;
mod node;

pub use clock::Clock;
pub use folder::{FolderError, NodeFolder};
pub use node::{Node, NodeConfig, NodeError};

#[cfg(test)]
mod tests;
