//! Messages of the node to the nodes of peers. Best effort: whoever is not connected misses them.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes};
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::Clock;
use commonware_utils::NZU32;
use tokio::sync::mpsc;

use crate::Application;

/// Largest message in bytes.
pub const GOSSIP_BYTES_MAX: usize = 256 << 10;
/// Messages a second and peer.
pub(crate) const QUOTA: NonZeroU32 = NZU32!(128);
/// Messages at once and peer: twice what [`AHEAD`] lets through.
pub(crate) const BURST: NonZeroU32 = NZU32!(48);

/// Messages that wait to be sent. With the largest size this bounds them to 32 MiB.
const QUEUE: usize = 128;
/// Time between two messages in the long run. It keeps below the quota, beyond which the network would
/// drop messages without a word.
const PACE: Duration = Duration::from_millis(10);
/// How far the messages may run ahead of their pace: a burst of 24 after a quiet time.
const AHEAD: Duration = Duration::from_millis(240);

/// A message and whom it is for; `None` is everyone.
type Outgoing = (Option<PublicKey>, Bytes);

/// Where the node puts its messages.
#[derive(Clone)]
pub(crate) struct Outbox(mpsc::Sender<Outgoing>);

impl Outbox {
    /// The two ends of a queue.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Outgoing>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Queues a message. `false` if it is too large, or the queue is full or closed.
    pub(crate) fn put(&self, to: Option<PublicKey>, message: Bytes) -> bool {
        message.len() <= GOSSIP_BYTES_MAX && self.0.try_send((to, message)).is_ok()
    }
}

/// Sends what is queued until the queue is closed.
pub(crate) async fn send(
    context: impl Clock,
    mut queue: mpsc::Receiver<Outgoing>,
    mut sender: impl Sender<PublicKey = PublicKey>,
) {
    let mut due = context.current();
    while let Some((to, message)) = queue.recv().await {
        let to = to.map_or(Recipients::All, Recipients::One);
        sender.send(to, message.0, false);
        let now = context.current();
        due = due.max(now) + PACE;
        let ahead = due.duration_since(now).unwrap_or_default();
        if ahead > AHEAD {
            context.sleep(ahead - AHEAD).await;
        }
    }
}

/// Gives the node what peers send until the channel is closed.
pub(crate) async fn hear(
    app: Arc<dyn Application>,
    mut receiver: impl Receiver<PublicKey = PublicKey>,
) {
    while let Ok((from, message)) = receiver.recv().await {
        app.heard(B256::from_slice(from.as_ref()), Bytes::from(bytes::Bytes::from(message)));
    }
}
