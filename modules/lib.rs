//! What a community can do: one folder per system contract, bottom layer first.
//!
//! The table below is the only place where a module is registered. Its address, the routing of calls,
//! its ABI, its REST and command-line face and its genesis marker are derived from the row.

// Replicas must agree and never stop: no floating point, no panics, nothing of `clippy.toml`'s list.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod action;
mod genesis;
pub mod prelude;
mod table;
#[cfg(test)]
mod tests;

pub use genesis::genesis;
pub use table::{ACCOUNTS, COUNCIL, DECISIONS, Entry, Module, is_native, route, system_address};

table::modules! {
    council = 0x02, needs [];
    validators = 0x03, needs [council];
    rules = 0x01, needs [council];
    roles = 0x04, needs [rules];
    registry = 0x06, needs [rules, roles];
    documents = 0x07, needs [roles];
    money = 0x08, needs [roles];
    schedule = 0x09, needs [];
    decisions = 0x0b, needs [rules, roles, registry, schedule];
    funds = 0x0c, needs [rules, roles, registry, documents, money, decisions];
    accounts = 0x05, needs [validators, rules, roles, registry, money, decisions];
    ledgers = 0x1c, needs [council];
}
