//! What the node does for the engine.

use alloy_primitives::{B256, Bytes};
use futures::future::BoxFuture;
use tulou_primitives::Block;

use crate::Finality;

/// What the node does for the engine.
///
/// Every call may come more than once for the same block (after a restart, or when a view is
/// repeated), and the futures of [`propose`](Application::propose) and
/// [`verify`](Application::verify) are dropped when the engine no longer wants the answer: both must
/// be free of side effects, or repeatable.
///
/// The futures run on the engine's own tokio runtime. Long computation belongs on another thread.
pub trait Application: Send + Sync + 'static {
    /// The genesis block (height 0), the same at every call.
    fn genesis(&self) -> Block;

    /// Builds a block on `parent`, which is final or held as a candidate. Waits until there is
    /// something to put in it or the heartbeat is over, but never longer than the heartbeat after
    /// the call: the other validators give up on this proposer 1.5 s later. `None` gives the turn
    /// away half a second later, and so does a block that is no child of `parent`, that is too
    /// large, or whose transactions are not those of its header.
    fn propose(&self, parent: Block) -> BoxFuture<'static, Option<Block>>;

    /// Whether `block` is valid on `parent`. `false` is recorded for good, so only a permanently
    /// invalid block is `false`; for "not yet" (a clock ahead of ours, a parent still executing) the
    /// future stays pending. The engine has already checked that `block` names `parent`, that its
    /// height is one more, and that its transactions are those of its header.
    fn verify(&self, parent: Block, block: Block) -> BoxFuture<'static, bool>;

    /// A final block: in order of height from 1, without gaps, at least once, and only after block
    /// and certificate are durable in the engine's archive. Completes once the state of this block
    /// is durable, because the engine does not keep it for the node after that. `Err` stops the
    /// engine; the block comes again after the next start.
    ///
    /// `finality` is the certificate of this very block whenever one was formed. A block that became
    /// final only through a block above it (it was being voted on when a validator restarted, or was
    /// caught up over the network) comes with the certificate of the nearest block above: then
    /// `finality.digest` is not `block.hash()`, and the headers in between link the two.
    fn finalized(&self, block: Block, finality: Finality)
    -> BoxFuture<'static, Result<(), String>>;

    /// Whether the node can build on this block: it is the newest final one, or was built or verified
    /// since the start. What was only voted on before a restart is in the engine's archive, not in
    /// the node's memory.
    fn holds(&self, _block: B256) -> bool {
        true
    }

    /// Takes up blocks that the node does not hold, before it is asked to build on or verify above the
    /// last of them: oldest first, each the parent of the next, the first one held.
    fn take_up(&self, _blocks: Vec<Block>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Height up to which the node holds state durably, 0 for genesis only. Asked once at every
    /// start: blocks above it that were already acknowledged, and so belong to a state that the node
    /// has lost, are delivered again from the archive. `None` trusts the acknowledgements.
    fn height(&self) -> Option<u64> {
        None
    }

    /// Hash of the final block at `height`, where the node knows it. Every block of the engine's archive
    /// is compared with it, at start and once a day.
    fn block_hash(&self, _height: u64) -> Option<B256> {
        None
    }

    /// A message that the node of the peer `from` gave to [`crate::EngineHandle::gossip`]. The
    /// connection proves who sent it; what it says is for the node to check. Called on the engine's
    /// runtime and must not block: messages that arrive while it does are dropped.
    fn heard(&self, _from: B256, _message: Bytes) {}

    /// The Ed25519 keys of the validators of `epoch`, in any order: the engine sorts them. Called
    /// when the last block of the epoch before has been accepted by
    /// [`finalized`](Application::finalized), and again at every start within the epoch; the answer
    /// for one epoch must never change. An empty or malformed set stops the engine.
    fn validators(&self, epoch: u64) -> Vec<B256>;
}
