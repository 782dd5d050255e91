//! The server over HTTP, on a real ledger.

mod common;
mod json_rpc;
mod light;
mod people;
