//! How a ledger begins: one readable file, a card from each member, and the folders of the nodes.
//!
//! Whoever has the same file and the same cards makes the same genesis, byte for byte, so that members
//! exchange nothing but public parts and compare one short mark at the end.

mod card;
mod check;
mod folders;
mod plan;
mod time;

pub use card::{Card, CardError};
pub(crate) use check::host_and_port;
pub use check::{Problem, Problems};
pub use folders::{
    Founded, FoundingError, MemberKeys, Place, genesis_hash, mark, node_key, settle_in,
};
pub use plan::{Plan, PlannedMember};

/// A founding file to begin with.
pub const TEMPLATE: &str = include_str!("template.toml");

#[cfg(test)]
mod tests;
