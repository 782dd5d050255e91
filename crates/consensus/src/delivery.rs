//! Final blocks on their way from the archive to the node.

use commonware_actor::Feedback;
use commonware_codec::Encode;
use commonware_consensus::{
    Reporter,
    marshal::{Identifier, Update, core::Mailbox, standard::Standard},
    types::Height,
};
use commonware_cryptography::Digested;
use commonware_utils::acknowledgement::Exact;
use tokio::sync::mpsc;

use crate::{Finality, block::ChainBlock, schemes::Scheme};

/// Asks the archive and the block cache.
pub(crate) type Marshal = Mailbox<Scheme, Standard<ChainBlock>>;
/// A final block and the means to say that it need not be delivered again.
pub(crate) type Delivery = (Digested<ChainBlock>, Exact);

/// Receives final blocks from the archive. The queue is bounded by the number of blocks the archive
/// delivers ahead of the acknowledgements.
#[derive(Clone)]
pub(crate) struct Inbox(mpsc::UnboundedSender<Delivery>);

impl Inbox {
    /// The two ends of a queue.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Delivery>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }
}

impl Reporter for Inbox {
    type Activity = Update<ChainBlock>;

    fn report(&mut self, update: Self::Activity) -> Feedback {
        match update {
            // A tip is news before it is durable: the node is told of durable blocks only.
            Update::Tip(..) => Feedback::Ok,
            Update::Block(block, ack) => match self.0.send((block, ack)) {
                Ok(()) => Feedback::Ok,
                Err(_) => Feedback::Closed,
            },
        }
    }
}

/// Finds the certificate that makes a block final.
pub(crate) struct Certifier {
    marshal: Marshal,
    /// The certificate found last and its height. No lower height after the one it was found for
    /// had its own, which makes walking through many blocks that lack one linear.
    nearest: Option<(u64, Finality)>,
}

impl Certifier {
    /// Remembers nothing yet.
    pub(crate) fn new(marshal: Marshal) -> Self {
        Self { marshal, nearest: None }
    }

    /// The certificate of the block at `height`, else of the nearest block above it. `None` while the
    /// archive holds neither: a kill may keep a block and lose its certificate, which comes again when
    /// the votes of its view are replayed, or with the next block.
    ///
    /// # Errors
    /// A sentence, if a certificate does not decode.
    pub(crate) async fn certificate(&mut self, height: u64) -> Result<Option<Finality>, String> {
        if let Some(own) = self.lookup(height).await? {
            return Ok(Some(own));
        }
        if let Some((found, finality)) = &self.nearest
            && *found > height
        {
            return Ok(Some(finality.clone()));
        }
        let tip = self.marshal.get_info(Identifier::Latest).await;
        let tip = tip.map_or(height, |(tip, _)| tip.get());
        for above in height.saturating_add(1)..=tip {
            if let Some(finality) = self.lookup(above).await? {
                self.nearest = Some((above, finality.clone()));
                return Ok(Some(finality));
            }
        }
        Ok(None)
    }

    async fn lookup(&self, height: u64) -> Result<Option<Finality>, String> {
        let Some(found) = self.marshal.get_finalization(Height::new(height)).await else {
            return Ok(None);
        };
        Finality::decode(&found.encode())
            .map(Some)
            .map_err(|error| format!("certificate of block {height}: {error}"))
    }
}
