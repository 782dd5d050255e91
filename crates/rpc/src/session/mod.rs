//! Signing in: whoever calls proves with a signature that it acts for an account, and has a short-lived token
//! for it from then on.
//!
//! A token is made with a secret of the running process, so that a forged one is refused before anything is
//! looked up; the session it belongs to is in memory, so that signing out counts at once and a restart signs
//! everybody out. Whether the key still may speak for the account, and whether the account belongs to the estate,
//! is asked of the newest state with each request.

mod challenge;
mod doors;
#[cfg(any(test, feature = "fuzzing"))]
mod play;
mod request;
mod store;
#[cfg(test)]
mod tests;
mod token;

use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::Address;
use tulou_evm::Denied;
use tulou_primitives::Signer;

use crate::node::Node;
pub(crate) use doors::router;
#[cfg(feature = "fuzzing")]
pub(crate) use play::play;
pub(crate) use request::credential;
pub(crate) use store::Sessions;

/// A session that a request named by a token that was good when the request came. A WebSocket keeps the one of
/// its first request, for as long as the session is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential(token::SessionId);

/// How a session stands in the newest state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The account.
    pub(crate) account: Address,
    /// Whether it belongs to the estate.
    pub(crate) is_member: bool,
}

/// Seconds since 1970 on this machine.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Node {
    /// How a session stands; `None` where there is none any more. One whose key was revoked or whose account
    /// is frozen ends here.
    pub(crate) fn standing(&self, credential: Credential) -> Option<Standing> {
        let signer = self.sessions().signer(credential.0, now())?;
        let is_member = self.judge_session(credential.0, &signer)?;
        Some(Standing { account: signer.account, is_member })
    }

    /// Whether the account of a session belongs to the estate; `None` where its key no longer speaks for it,
    /// which ends the session.
    fn judge_session(&self, id: token::SessionId, signer: &Signer) -> Option<bool> {
        match self.judge(signer) {
            Ok(is_member) => Some(is_member),
            // A state that cannot be read is the node's fault: nobody is signed out for it, nor let in.
            Err(Denied::Fault(error)) => {
                tracing::error!(%error, "cannot tell who may read");
                None
            }
            Err(_) => {
                self.sessions().close(id);
                None
            }
        }
    }

    /// Whether the account that somebody signed for belongs to the estate, if he may speak for it.
    fn judge(&self, signer: &Signer) -> Result<bool, Denied> {
        let (state, at) = (self.ledger.latest(), self.book_time());
        tulou_evm::may_speak(&state, at, signer)?;
        Ok(tulou_evm::is_member(&state, at, signer.account)?)
    }

    /// Seconds since 1970 by which terms of keys and offices end: this machine's clock, or the book's where
    /// that is ahead.
    fn book_time(&self) -> u64 {
        let clock = self.dev.as_ref().map_or_else(now, |clock| clock.now());
        clock.max(self.ledger.head().timestamp)
    }
}
