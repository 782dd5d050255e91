//! The server over HTTP, on a real ledger.

mod common;
mod deploy;
mod json_rpc;
mod ledgers;
mod metrics;
mod operations;
mod people;
