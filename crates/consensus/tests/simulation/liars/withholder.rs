//! Proposes and never sends the block, or never votes.

use bytes::Bytes;
use commonware_cryptography::ed25519::PublicKey;

use super::{BACKFILL, BROADCAST, Mischief, VOTES};

/// See above.
pub(crate) struct Withholder {
    silent: &'static [u64],
}

impl Withholder {
    /// Sends no block, not even when it is asked for one.
    pub(crate) fn of_blocks() -> Self {
        Self { silent: &[BROADCAST, BACKFILL] }
    }

    /// Sends no vote.
    pub(crate) fn of_votes() -> Self {
        Self { silent: &[VOTES] }
    }
}

impl Mischief for Withholder {
    fn outgoing(
        &self,
        channel: u64,
        to: Vec<PublicKey>,
        message: Bytes,
    ) -> Vec<(Vec<PublicKey>, Bytes)> {
        if self.silent.contains(&channel) { Vec::new() } else { vec![(to, message)] }
    }
}
