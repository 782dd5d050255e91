//! What a native module stands on: an explicit context, typed storage in Solidity's layout, and the
//! dispatch of ABI calls. Knows nothing of revm, of blocks or of any community rule.
//!
//! A module is written against [`Cx`]; the same code runs inside the EVM and, in unit tests, on the
//! in-memory twin [`Memory`].

mod cx;
mod dispatch;
mod layout;
mod memory;
mod text;
mod word;

pub use cx::{Cx, Fault, Host, Res};
pub use dispatch::{ISystem, expect_arguments};
pub use layout::{List, Map, Place, Slot, key_slot};
pub use memory::{Logged, Memory};
pub use text::Text;
pub use word::Word;

#[doc(hidden)]
pub use {alloy_primitives, alloy_sol_types};

#[cfg(test)]
mod tests;
