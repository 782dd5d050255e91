//! What is known of the other nodes: when they were last heard, how far they are, whether they agree.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use tulou_ledger::Ledger;
use tulou_rpc::PROTOCOL;

use crate::gossip::message::Status;

/// Newest release of the rules that this program knows.
pub const RELEASE: u32 = 1;
/// A node that was not heard for this long is taken to be away. Three times the interval of its words.
pub(crate) const AWAY: Duration = Duration::from_secs(8);
/// How long a refused node is not let in again. It may have been upgraded by then.
pub(crate) const REFUSED_FOR: Duration = Duration::from_secs(60);

/// What one node said last.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) heard: Instant,
    /// Milliseconds since 1970 by our clock.
    pub(crate) heard_ms: u64,
    pub(crate) status: Status,
    /// Its clock minus ours, the way of the message included.
    pub(crate) clock_offset_ms: i64,
    /// Its block at a height that we know is another one.
    pub(crate) differs: bool,
}

impl Peer {
    pub(crate) fn is_here(&self) -> bool {
        self.heard.elapsed() < AWAY
    }
}

/// Why a node is not let in.
#[derive(Clone, Debug)]
struct Refusal {
    since: Instant,
    reason: String,
}

/// The table of the other nodes. Bounded by the allow-list: only its nodes can connect.
#[derive(Default)]
pub(crate) struct Peers {
    table: Mutex<BTreeMap<B256, Peer>>,
    refused: Mutex<BTreeMap<B256, Refusal>>,
}

impl Peers {
    /// Notes what a node said. Returns the reason where it must be refused, the first time.
    pub(crate) fn heard(
        &self,
        from: B256,
        status: Status,
        now_ms: u64,
        ledger: &Ledger,
        needed_release: u32,
    ) -> Option<String> {
        let differs = differs(ledger, &status);
        let offset = i128::from(status.clock_ms) - i128::from(now_ms);
        let reason = incompatible(&status, needed_release);
        let peer = Peer {
            heard: Instant::now(),
            heard_ms: now_ms,
            clock_offset_ms: i64::try_from(offset).unwrap_or(i64::MAX),
            status,
            differs,
        };
        self.table.lock().insert(from, peer);
        let reason = reason?;
        let mut refused = self.refused.lock();
        let known = refused.get(&from).is_some_and(|old| old.since.elapsed() < REFUSED_FOR);
        if known {
            return None;
        }
        refused.insert(from, Refusal { since: Instant::now(), reason: reason.clone() });
        Some(reason)
    }

    /// Whether a node may connect.
    pub(crate) fn is_refused(&self, key: &B256) -> bool {
        self.refusal(key).is_some()
    }

    /// Why a node may not connect.
    pub(crate) fn refusal(&self, key: &B256) -> Option<String> {
        let refused = self.refused.lock();
        let refusal = refused.get(key)?;
        (refusal.since.elapsed() < REFUSED_FOR).then(|| refusal.reason.clone())
    }

    pub(crate) fn get(&self, key: &B256) -> Option<Peer> {
        self.table.lock().get(key).cloned()
    }

    /// Forgets the nodes that are no longer on the allow-list.
    pub(crate) fn keep(&self, allowed: impl Fn(&B256) -> bool) {
        self.table.lock().retain(|key, _| allowed(key));
        self.refused.lock().retain(|key, _| allowed(key));
    }
}

/// Whether a node's newest block is not the one that we have at its height.
fn differs(ledger: &Ledger, status: &Status) -> bool {
    match ledger.header(status.height) {
        Ok(Some(header)) => header.hash_slow() != status.hash,
        // We are not there yet, or cannot read: nothing to hold against it.
        Ok(None) | Err(_) => false,
    }
}

/// Why two nodes cannot keep one ledger together.
fn incompatible(status: &Status, needed_release: u32) -> Option<String> {
    let program = &status.program;
    if status.protocol != PROTOCOL {
        return Some(format!(
            "it speaks protocol {} (program {program}), this node speaks {PROTOCOL}: install the \
             same version on both",
            status.protocol
        ));
    }
    (status.release < needed_release).then(|| {
        format!(
            "its program {program} knows releases up to {}, the ledger is at {needed_release}: \
             upgrade that node",
            status.release
        )
    })
}

#[cfg(test)]
mod tests;
