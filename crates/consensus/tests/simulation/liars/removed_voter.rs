//! Does not accept that it was removed from the validators: it goes on as if the first set still held, and
//! sends its old votes again with its new ones.

use alloy_primitives::B256;
use bytes::Bytes;
use commonware_cryptography::ed25519::PublicKey;

use super::{Mischief, OldEpochReplayer};

/// See above.
#[derive(Default)]
pub(crate) struct RemovedVoter {
    past: OldEpochReplayer,
}

impl Mischief for RemovedVoter {
    fn outgoing(
        &self,
        channel: u64,
        to: Vec<PublicKey>,
        message: Bytes,
    ) -> Vec<(Vec<PublicKey>, Bytes)> {
        self.past.outgoing(channel, to, message)
    }

    fn committee(&self, _honest: Vec<B256>, first: Vec<B256>) -> Vec<B256> {
        first
    }
}
