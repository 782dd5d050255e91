//! One voting engine per epoch, and the hand-over at the last block of each.

use std::{
    num::NonZeroU64,
    sync::{Arc, OnceLock},
    time::Duration,
};

use commonware_consensus::{
    Heightable,
    marshal::standard::Inline,
    simplex::{self, Floor, ForwardPolicy, SkipBudget, SkipPolicy, elector::RoundRobin},
    types::{Epoch, FixedEpocher, Height, ViewDelta},
};
use commonware_cryptography::{Digested, Sha256, ed25519::PublicKey};
use commonware_p2p::utils::mux::{Builder, MuxHandle, Muxer};
use commonware_parallel::Sequential;
use commonware_runtime::{Clock, Handle, Spawner, Storage, Supervisor, buffer::paged::CacheRef};
use commonware_utils::{Acknowledgement, NZDuration, NZUsize, vec::NonEmptyVec};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};
use tulou_primitives::Block;

use crate::{
    Application,
    adapter::Adapter,
    block::{ChainBlock, Digest, digest},
    delivery::{Certifier, Delivery, Marshal},
    early::Early,
    engine::Context,
    network::{Oracle, Receiver, Sender},
    schemes::{Scheme, Schemes},
    storage,
};

/// Verifies before voting, so that a notarized block is known good to honest validators.
pub(crate) type Automaton = Inline<Context, Scheme, Adapter, ChainBlock, FixedEpocher>;

/// Time allowed beyond the heartbeat for building a block and two crossings of the network.
const GRACE: Duration = Duration::from_millis(1500);
/// Time between a block seen and its certificate, before the view is given up.
const CERTIFY: Duration = Duration::from_secs(1);
/// Pause before a stuck validator repeats its vote to give the view up.
const RETRY: Duration = Duration::from_secs(2);
/// Past epochs whose votes stay on disk.
const KEPT_EPOCHS: u64 = 2;

/// What the epochs share.
pub(crate) struct Shared {
    pub(crate) app: Arc<dyn Application>,
    pub(crate) automaton: Automaton,
    pub(crate) marshal: Marshal,
    pub(crate) schemes: Schemes,
    pub(crate) oracle: Oracle,
    pub(crate) cache: CacheRef,
    pub(crate) epoch_length: NonZeroU64,
    pub(crate) heartbeat: Duration,
    /// Why the engine ends, set once.
    pub(crate) failure: Arc<OnceLock<String>>,
}

/// The three channels that carry each epoch apart.
pub(crate) struct Muxes {
    votes: MuxHandle<Sender>,
    certificates: MuxHandle<Sender>,
    resolver: MuxHandle<Sender>,
    early_votes: Early,
    early_certificates: Early,
}

impl Muxes {
    /// Starts to take the channels apart.
    pub(crate) fn start(
        context: &Context,
        votes: (Sender, Receiver),
        certificates: (Sender, Receiver),
        resolver: (Sender, Receiver),
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

/// What became of a final block that the archive delivered.
enum Delivered {
    /// The node has it.
    Yes,
    /// The node has it, and it was the last of its epoch: the next one runs.
    Last(Active),
    /// Its certificate is not there yet.
    NotYet,
}

/// How often a certificate that a kill has lost is looked for again.
const CERTIFICATE_RETRY: Duration = Duration::from_millis(50);

/// Runs the epochs and hands final blocks to the node.
pub(crate) struct Epochs {
    context: Context,
    shared: Shared,
    muxes: Muxes,
    certifier: Certifier,
}

impl Epochs {
    /// Nothing runs yet.
    pub(crate) fn new(context: Context, shared: Shared, muxes: Muxes) -> Self {
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

    /// Enters the epoch that the archive had reached.
    async fn resume(&mut self, processed: Option<Height>) -> Result<Active, String> {
        let next = processed.map_or(0, |height| height.get() + 1);
        let epoch = next / self.shared.epoch_length;
        if epoch == 0 {
            let genesis = digest(self.shared.app.genesis().hash());
            return self.enter(0, genesis).await;
        }
        let block = self.archived(self.last(epoch - 1)).await?;
        self.enter(epoch, digest(block.inner().block().hash())).await
    }

    async fn archived(&self, height: u64) -> Result<Digested<ChainBlock>, String> {
        let block = self.shared.marshal.get_block(Height::new(height)).await;
        block.ok_or_else(|| format!("block {height} is missing in the archive"))
    }

    /// Gives a final block with its certificate to the node and waits until it is durable there.
    /// `false` while there is no certificate.
    async fn hand_over(&mut self, block: &Block) -> Result<bool, String> {
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
        let next = self.enter(epoch + 1, digest(block.inner().block().hash())).await?;
        self.forget(epoch).await;
        Ok(Delivered::Last(next))
    }

    /// Starts to vote in `epoch`, whose first block stands on `parent`.
    async fn enter(&mut self, epoch: u64, parent: Digest) -> Result<Active, String> {
        let validators = self.shared.app.validators(epoch);
        let scheme = self.shared.schemes.register(epoch, &validators)?;
        let closed = |_| format!("the channels of epoch {epoch} are not available");
        let votes = self.muxes.votes.register(epoch).await.map_err(closed)?;
        let certificates = self.muxes.certificates.register(epoch).await.map_err(closed)?;
        let resolver = self.muxes.resolver.register(epoch).await.map_err(closed)?;
        // Only now, when nothing for this epoch can come early any more.
        let votes = (votes.0, self.muxes.early_votes.release(epoch, votes.1));
        let certificates =
            (certificates.0, self.muxes.early_certificates.release(epoch, certificates.1));
        let context = self.context.child("simplex").with_attribute("epoch", epoch);
        let config = self.config(epoch, parent, Scheme::clone(&scheme));
        let handle = simplex::Engine::new(context, config).start(votes, certificates, resolver);
        info!(epoch, validators = validators.len(), "epoch begins");
        Ok(Active { epoch, handle })
    }

    fn config(
        &self,
        epoch: u64,
        parent: Digest,
        scheme: Scheme,
    ) -> simplex::Config<
        Scheme,
        RoundRobin<Sha256>,
        Oracle,
        Digest,
        Automaton,
        Automaton,
        Automaton,
        Sequential,
    > {
        let leader_timeout = self.shared.heartbeat + GRACE;
        let certification_timeout = leader_timeout + CERTIFY;
        simplex::Config {
            scheme,
            elector: RoundRobin::default(),
            blocker: self.shared.oracle.clone(),
            automaton: self.shared.automaton.clone(),
            relay: self.shared.automaton.clone(),
            reporter: self.shared.automaton.clone(),
            track_historical_votes: false,
            strategy: Sequential,
            partition: storage::votes(epoch),
            mailbox_size: NZUsize!(1024),
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
        let length = self.shared.epoch_length.get();
        epoch * length + (length - 1)
    }

    /// Removes the votes of an epoch that is long over.
    async fn forget(&self, epoch: u64) {
        let Some(old) = epoch.checked_sub(KEPT_EPOCHS) else { return };
        if let Err(error) = self.context.remove(&storage::votes(old), None).await {
            debug!(epoch = old, %error, "votes of an old epoch not removed");
        }
    }
}
