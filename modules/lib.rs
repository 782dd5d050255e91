//! What a community can do: one folder per system contract, bottom layer first.
//!
//! The table below is the only place where a module is registered. Its address, the routing of calls,
//! its ABI, its REST and command-line face and its genesis marker are derived from the row.

mod genesis;
pub mod prelude;
mod table;

pub use genesis::genesis;
pub use table::{DECISIONS, Module, is_native, route, system_address};

table::modules! {
    rules = 0x01, needs [];
    roles = 0x04, needs [rules];
    documents = 0x07, needs [rules, roles];
    schedule = 0x09, needs [];
}
