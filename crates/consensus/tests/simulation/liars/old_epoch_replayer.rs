//! Sends its votes and certificates of past epochs again: as they were, and as if they were of today.

use std::{collections::VecDeque, sync::Mutex};

use bytes::Bytes;
use commonware_cryptography::ed25519::PublicKey;

use super::{CERTIFICATES, Mischief, VOTES, close, open};

/// Messages kept.
const KEPT: usize = 64;

/// See above.
#[derive(Default)]
pub(crate) struct OldEpochReplayer {
    /// Channel, epoch and message.
    past: Mutex<VecDeque<(u64, u64, Bytes)>>,
}

impl Mischief for OldEpochReplayer {
    fn outgoing(
        &self,
        channel: u64,
        to: Vec<PublicKey>,
        message: Bytes,
    ) -> Vec<(Vec<PublicKey>, Bytes)> {
        let mut all = vec![(to.clone(), message.clone())];
        if channel != VOTES && channel != CERTIFICATES {
            return all;
        }
        let Some((epoch, inside)) = open(&message) else { return all };
        let mut past = self.past.lock().unwrap();
        let old = past.iter().find(|(kind, then, _)| *kind == channel && *then < epoch);
        if let Some((_, then, old)) = old {
            all.push((to.clone(), close(*then, old)));
            // Only once in a while: the first of these ends the friendship.
            if epoch % 4 == 3 {
                all.push((to, close(epoch, old)));
            }
        }
        past.push_back((channel, epoch, inside));
        if past.len() > KEPT {
            past.pop_front();
        }
        all
    }
}
