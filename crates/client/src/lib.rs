//! A typed client of a Tulou node: keys, JSON-RPC and REST, calls by name, and the estate's register.
//! Used by the command line, by gateways and by tests. Knows the modules' interfaces, never their
//! storage.

mod call;
mod key;
mod local;
mod readers;
pub mod register;
mod rpc;
mod session;

pub use call::{CallError, Invocation};
pub use key::{Key, KeyError, TEST_MNEMONIC, demo_key};
pub use local::{LocalError, LocalNode};
pub use readers::{Answered, Finding, HeadReport, NodeReport, Readers, balance_slot};
pub use rpc::{ClientError, Rpc, parse_number, refusal_in_words};

#[cfg(test)]
mod tests;
