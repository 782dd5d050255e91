//! The server over HTTP, on a real ledger.

mod batches;
mod common;
mod deploy;
mod json_rpc;
mod ledgers;
mod light;
mod metrics;
mod operations;
mod people;
mod sessions;
mod sight;
mod tls;
mod traces;
