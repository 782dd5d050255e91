//! One port for everybody: JSON-RPC for programs (HTTP and WebSocket on `/`), REST in plain words for
//! people (`/api/v1`), and the web app.
//!
//! Where readers are members, who asks is found out by a session (`/api/v1/session`), and each row is shown to
//! those of its class, which the interfaces name.
//!
//! JSON-RPC is what every Ethereum client expects, with `finalized = safe = latest`, because a block
//! that is not final is never shown. REST has no hand-written endpoint: paths, arguments, answers,
//! refusals and the OpenAPI description are derived from the modules' ABIs.
//!
//! Knows nothing of consensus: who decides what is final, and the clock of a dev chain, come in as
//! traits.

mod context;
mod convert;
mod disk;
mod error;
mod eth;
mod health;
mod light;
mod limits;
mod listener;
mod metrics;
mod natspec;
mod node;
mod pulse;
mod rest;
mod server;
mod session;
mod sight;
mod tls;
mod tulou;
mod watch;
mod web;

pub use context::{DevClock, FinalitySource, Foreign, ForeignBody, RpcConfig, RpcContext};
pub use limits::Limits;
pub use metrics::{BlockMeters, OtherVault, VaultFigures, VaultMeters};
pub use server::{ServeError, ServerHandle, serve, serve_all};
pub use sight::Readers;
pub use tls::{Renewals, TlsError, TlsFiles};
pub use watch::{Consortium, LedgerId, Member, MemberState, PROTOCOL, Stalled, Watch, quorum};

/// Name and version of this program, as `web3_clientVersion` answers.
pub const PROGRAM: &str = concat!("tulou/", env!("CARGO_PKG_VERSION"));

/// Plays sign-ins as a fuzzer's bytes say.
///
/// # Errors
/// The promise of sessions that was broken.
#[cfg(feature = "fuzzing")]
pub fn play_sessions(script: &[u8]) -> Result<(), String> {
    session::play(script)
}

#[cfg(test)]
mod tests;
