//! One port for everybody: JSON-RPC for programs (HTTP and WebSocket on `/`), REST in plain words for
//! people (`/api/v1`), and the web app.
//!
//! JSON-RPC is what every Ethereum client expects, with `finalized = safe = latest`, because a block
//! that is not final is never shown. REST has no hand-written endpoint: paths, arguments, answers,
//! refusals and the OpenAPI description are derived from the modules' ABIs.
//!
//! Knows nothing of consensus: who decides what is final, and the clock of a dev chain, come in as
//! traits.

mod context;
mod convert;
mod error;
mod eth;
mod light;
mod listener;
mod natspec;
mod node;
mod rest;
mod server;
mod tulou;
mod web;

pub use context::{DevClock, FinalitySource, RpcConfig, RpcContext};
pub use server::{ServerHandle, serve};

#[cfg(test)]
mod tests;
