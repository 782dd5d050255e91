//! One voting engine per epoch, and the hand-over at the last block of each.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use commonware_consensus::{
    Heightable,
    marshal::standard::Inline,
    simplex::{self, Floor, ForwardPolicy, SkipBudget, SkipPolicy, elector::RoundRobin},
    types::{Epoch, FixedEpocher, Height, ViewDelta},
};
use commonware_cryptography::{Digested, Sha256, certificate::Scheme as _, ed25519::PublicKey};
use commonware_p2p::utils::mux::{Builder, MuxHandle, Muxer};
use commonware_parallel::Sequential;
use commonware_runtime::{Clock, Handle, Spawner, Storage, Supervisor, buffer::paged::CacheRef};
use commonware_utils::{Acknowledgement, NZDuration, vec::NonEmptyVec};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};
use tulou_primitives::Block;

use crate::{
    Application,
    adapter::Adapter,
    block::{ChainBlock, Digest, digest},
    board::{Board, Watched},
    delivery::{Certifier, Delivery, Marshal},
    early::Early,
    platform::{Channel, Platform},
    schemes::{Scheme, Schemes},
    storage::{self, Beginning},
};

/// Verifies before voting, so that a notarized block is known good to honest validators.
pub(crate) type Automaton<P> =
    Inline<<P as Platform>::Context, Scheme, Adapter, ChainBlock, FixedEpocher>;

/// Time allowed beyond the heartbeat for building a block and two crossings of the network.
const GRACE: Duration = Duration::from_millis(1500);
/// Time between a block seen and its certificate, before the view is given up.
const CERTIFY: Duration = Duration::from_secs(1);
/// Pause before a stuck validator repeats its vote to give the view up.
const RETRY: Duration = Duration::from_secs(2);
/// Past epochs whose votes stay on disk.
const KEPT_EPOCHS: u64 = 2;

/// What the epochs share.
pub(crate) struct Shared<P: Platform> {
    pub(crate) app: Arc<dyn Application>,
    pub(crate) automaton: Automaton<P>,
    pub(crate) marshal: Marshal,
    pub(crate) schemes: Schemes,
    pub(crate) blocker: P::Blocker,
    pub(crate) cache: CacheRef,
    pub(crate) partitions: String,
    pub(crate) epoch_length: u64,
    pub(crate) heartbeat: Duration,
    /// See [`crate::EngineConfig::vote_after`].
    pub(crate) vote_after: Option<u64>,
    /// See [`crate::EngineConfig::keep_blocks`].
    pub(crate) keep_blocks: Option<u64>,
    /// The snapshot the node once started from.
    pub(crate) beginning: Option<Beginning>,
    pub(crate) board: Arc<Board>,
    /// Why the engine ends, set once.
    pub(crate) failure: Arc<OnceLock<String>>,
}

/// The three channels that carry each epoch apart.
pub(crate) struct Muxes<P: Platform> {
    votes: MuxHandle<P::Sender>,
    certificates: MuxHandle<P::Sender>,
    resolver: MuxHandle<P::Sender>,
    early_votes: Early,
    early_certificates: Early,
}

impl<P: Platform> Muxes<P> {
    /// Starts to take the channels apart.
    pub(crate) fn start(
        context: &P::Context,
        votes: Channel<P>,
        certificates: Channel<P>,
        resolver: Channel<P>,
    ) -> Self {
        let (mux, votes, early_votes) =
            Muxer::builder(context.child("votes"), votes.0, votes.1).with_backup().build();
        mux.start();
        let (mux, certificates, early_certificates) =
            Muxer::builder(context.child("certificates"), certificates.0, certificates.1)
                .with_backup()
                .build();
        mux.start();
        let (mux, resolver) = Muxer::new(context.child("resolver"), resolver.0, resolver.1);
        mux.start();
        let (early_votes, early_certificates) =
            (Early::new(early_votes), Early::new(early_certificates));
        Self { votes, certificates, resolver, early_votes, early_certificates }
    }
}

/// What one epoch's voting engine is made from.
type VotingConfig<P> = simplex::Config<
    Scheme,
    RoundRobin<Sha256>,
    <P as Platform>::Blocker,
    Digest,
    Automaton<P>,
    Automaton<P>,
    Watched<Automaton<P>>,
    Sequential,
>;

/// The engine of the current epoch. Ends with its owner.
struct Active {
    epoch: u64,
    handle: Handle<()>,
}

impl Drop for Active {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// What the first block of an epoch stands on.
struct Parent {
    digest: Digest,
    /// `None` if only its hash is known, from a snapshot.
    timestamp: Option<u64>,
}

impl Parent {
    fn of(block: &Block) -> Self {
        Self { digest: digest(block.hash()), timestamp: Some(block.header().timestamp) }
    }

    /// Whether the epoch surely begins after the second `lost`, in which the votes were lost.
    fn begins_after(&self, lost: Option<u64>) -> bool {
        lost.is_none_or(|lost| self.timestamp.is_some_and(|begun| begun > lost))
    }
}

/// What became of a final block that the archive delivered.
enum Delivered {
    /// The node has it.
    Yes,
    /// The node has it, and it was the last of its epoch: the next one runs.
    Last(Active),
    /// Its certificate is not there yet.
    NotYet,
}

fn missing(height: u64) -> String {
    format!("block {height} is missing in the archive")
}

/// How often a certificate that a kill has lost is looked for again.
const CERTIFICATE_RETRY: Duration = Duration::from_millis(50);

/// Runs the epochs and hands final blocks to the node.
pub(crate) struct Epochs<P: Platform> {
    context: P::Context,
    shared: Shared<P>,
    muxes: Muxes<P>,
    certifier: Certifier,
}

impl<P: Platform> Epochs<P> {
    /// Nothing runs yet.
    pub(crate) fn new(context: P::Context, shared: Shared<P>, muxes: Muxes<P>) -> Self {
        let certifier = Certifier::new(shared.marshal.clone());
        Self { context, shared, muxes, certifier }
    }

    /// Votes in the epoch of the block after `processed`, and in every later one, until the engine
    /// is stopped.
    ///
    /// # Errors
    /// A sentence: the node refused a final block or named a malformed committee; the archive lacks
    /// a block or certificate it must have; the voting engine ended.
    pub(crate) async fn run(
        mut self,
        processed: Option<Height>,
        mut inbox: mpsc::UnboundedReceiver<Delivery>,
    ) -> Result<(), String> {
        let mut stopped = self.context.stopped();
        self.replay(processed).await?;
        let mut active = self.resume(processed).await?;
        // The block that comes next, until its certificate is there and the node has it.
        let mut waiting: Option<Delivery> = None;
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => return Ok(()),
                ended = &mut active.handle => {
                    return Err(format!("voting in epoch {} ended: {ended:?}", active.epoch));
                }
                Some(delivery) = inbox.recv(), if waiting.is_none() => waiting = Some(delivery),
                () = self.context.sleep(CERTIFICATE_RETRY), if waiting.is_some() => {}
                Some(from) = self.muxes.early_votes.ahead_of(active.epoch) => {
                    self.hint(active.epoch, from);
                }
                Some(from) = self.muxes.early_certificates.ahead_of(active.epoch) => {
                    self.hint(active.epoch, from);
                }
            }
            let Some((block, ack)) = waiting.take() else { continue };
            match self.deliver(active.epoch, &block).await {
                Ok(Delivered::Last(next)) => active = next,
                Ok(Delivered::Yes) => {}
                Ok(Delivered::NotYet) => {
                    waiting = Some((block, ack));
                    continue;
                }
                Err(why) => {
                    // Before the acknowledgement is dropped, which ends other actors: the
                    // cause must be known before its consequences.
                    let _ = self.shared.failure.set(why.clone());
                    return Err(why);
                }
            }
            ack.acknowledge();
        }
    }

    /// Delivers again what the node has acknowledged but no longer holds.
    async fn replay(&mut self, processed: Option<Height>) -> Result<(), String> {
        let (Some(held), Some(processed)) = (self.shared.app.height(), processed) else {
            return Ok(());
        };
        if held < processed.get() {
            warn!(held, processed = processed.get(), "the node lost state, replaying the archive");
        }
        for height in held.saturating_add(1)..=processed.get() {
            let block = self.archived(height).await?;
            if !self.hand_over(block.inner().block()).await? {
                return Err(format!("no certificate makes block {height} final"));
            }
        }
        Ok(())
    }

    /// Enters the epoch that the archive had reached, or that of the snapshot it starts from.
    async fn resume(&mut self, processed: Option<Height>) -> Result<Active, String> {
        let epoch = match (processed, self.shared.beginning) {
            (Some(height), _) => height.get().saturating_add(1) / self.shared.epoch_length,
            (None, Some(beginning)) => beginning.epoch,
            (None, None) => 0,
        };
        let parent = self.parent_of(epoch).await?;
        self.enter(epoch, parent).await
    }

    /// What the first block of `epoch` stands on.
    async fn parent_of(&self, epoch: u64) -> Result<Parent, String> {
        let Some(before) = epoch.checked_sub(1) else {
            return Ok(Parent::of(&self.shared.app.genesis()));
        };
        let last = self.last(before);
        if let Some(block) = self.shared.marshal.get_block(Height::new(last)).await {
            return Ok(Parent::of(block.inner().block()));
        }
        match self.shared.beginning.filter(|beginning| beginning.epoch == epoch) {
            Some(beginning) => Ok(Parent { digest: beginning.epoch_parent, timestamp: None }),
            None => Err(missing(last)),
        }
    }

    async fn archived(&self, height: u64) -> Result<Digested<ChainBlock>, String> {
        let block = self.shared.marshal.get_block(Height::new(height)).await;
        block.ok_or_else(|| missing(height))
    }

    /// Gives a final block with its certificate to the node and waits until it is durable there.
    /// `false` while there is no certificate.
    async fn hand_over(&mut self, block: &Block) -> Result<bool, String> {
        let snapshot = self.shared.beginning.is_some_and(|from| from.height == block.height());
        if snapshot && self.shared.app.height().is_some_and(|held| held >= block.height()) {
            // The node's state is that of the snapshot: it has never held the state before.
            return Ok(true);
        }
        let Some(finality) = self.certifier.certificate(block.height()).await? else {
            return Ok(false);
        };
        self.shared.app.finalized(block.clone(), finality).await?;
        Ok(true)
    }

    /// Hands a final block to the node and, if it is the last of its epoch, starts the next one.
    async fn deliver(
        &mut self,
        epoch: u64,
        block: &Digested<ChainBlock>,
    ) -> Result<Delivered, String> {
        let height = block.height().get();
        if height > 0 && !self.hand_over(block.inner().block()).await? {
            return Ok(Delivered::NotYet);
        }
        if height != self.last(epoch) {
            return Ok(Delivered::Yes);
        }
        // Before the acknowledgement: after a crash here the block comes again and with it the
        // hand-over.
        let next = self.enter(epoch + 1, Parent::of(block.inner().block())).await?;
        self.forget(epoch).await;
        Ok(Delivered::Last(next))
    }

    /// Starts to vote in `epoch`, whose first block stands on `parent`.
    async fn enter(&mut self, epoch: u64, parent: Parent) -> Result<Active, String> {
        let validators = self.shared.app.validators(epoch);
        let may_vote = parent.begins_after(self.shared.vote_after);
        let committee = self.shared.schemes.register(epoch, &validators, may_vote)?;
        let scheme = Scheme::clone(&committee.scheme);
        let closed = |_| format!("the channels of epoch {epoch} are not available");
        let votes = self.muxes.votes.register(epoch).await.map_err(closed)?;
        let certificates = self.muxes.certificates.register(epoch).await.map_err(closed)?;
        let resolver = self.muxes.resolver.register(epoch).await.map_err(closed)?;
        // Only now, when nothing for this epoch can come early any more.
        let votes = (votes.0, self.muxes.early_votes.release(epoch, votes.1));
        let certificates =
            (certificates.0, self.muxes.early_certificates.release(epoch, certificates.1));
        let context = self.context.child("simplex").with_attribute("epoch", epoch);
        let votes_here = scheme.me().is_some();
        let config = self.config(epoch, parent.digest, scheme);
        let engine = simplex::Engine::new(context, config);
        self.shared.board.enter(committee);
        let handle = engine.start(votes, certificates, resolver);
        info!(epoch, validators = validators.len(), votes = votes_here, "epoch begins");
        if !may_vote {
            warn!(
                epoch,
                vote_after = self.shared.vote_after,
                "the journal of votes was lost: this node signs nothing in this epoch and votes again \
                 from the first epoch that begins later"
            );
        }
        Ok(Active { epoch, handle })
    }

    fn config(&self, epoch: u64, parent: Digest, scheme: Scheme) -> VotingConfig<P> {
        let leader_timeout = self.shared.heartbeat + GRACE;
        let certification_timeout = leader_timeout + CERTIFY;
        simplex::Config {
            scheme,
            elector: RoundRobin::default(),
            blocker: self.shared.blocker.clone(),
            automaton: self.shared.automaton.clone(),
            relay: self.shared.automaton.clone(),
            reporter: Watched::new(self.shared.automaton.clone(), Arc::clone(&self.shared.board)),
            track_historical_votes: false,
            strategy: Sequential,
            partition: storage::votes(&self.shared.partitions, epoch),
            mailbox_size: storage::QUEUE,
            epoch: Epoch::new(epoch),
            floor: Floor::Genesis(parent),
            replay_buffer: storage::REPLAY_BUFFER,
            write_buffer: storage::WRITE_BUFFER,
            page_cache: self.shared.cache.clone(),
            leader_timeout,
            certification_timeout,
            timeout_retry: RETRY,
            view_retention: ViewDelta::new(256),
            skip: SkipPolicy::Enabled {
                timeout: certification_timeout + leader_timeout + RETRY,
                budget: SkipBudget::Participants,
            },
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(200),
            forward: ForwardPolicy::SilentVoters,
        }
    }

    /// Someone votes in a later epoch: the last block of ours is final, and `from` has it.
    fn hint(&self, epoch: u64, from: PublicKey) {
        let last = Height::new(self.last(epoch));
        self.shared.marshal.hint_finalized(last, NonEmptyVec::new(from));
    }

    /// Height of the last block of `epoch`.
    fn last(&self, epoch: u64) -> u64 {
        let length = self.shared.epoch_length;
        epoch * length + (length - 1)
    }

    /// Removes what is not needed after `epoch`: old blocks, and the votes of an epoch that is long
    /// over.
    async fn forget(&self, epoch: u64) {
        if let Some(keep) = self.shared.keep_blocks {
            // The last block of the epoch before `epoch` stays: until the hand-over is acknowledged,
            // a restart begins there.
            let before = epoch.checked_sub(1).map_or(0, |before| self.last(before));
            let kept = self.last(epoch).saturating_sub(keep).min(before);
            self.shared.marshal.prune(Height::new(kept));
        }
        let Some(old) = epoch.checked_sub(KEPT_EPOCHS) else { return };
        if let Err(error) =
            self.context.remove(&storage::votes(&self.shared.partitions, old), None).await
        {
            debug!(epoch = old, %error, "votes of an old epoch not removed");
        }
    }
}
