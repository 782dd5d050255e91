//! The actors of an engine: built in the order they need each other, and run until one ends.

use std::{
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
    time::Duration,
};

use commonware_broadcast::buffered;
use commonware_consensus::{
    marshal::{
        core::Processed,
        resolver::{handler, p2p},
        standard::Inline,
    },
    types::FixedEpocher,
};
use commonware_cryptography::{Signer, ed25519::PublicKey};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, Spawner, Supervisor};
use commonware_utils::{NZDuration, NZUsize};
use tokio::sync::mpsc;
use tracing::info;

use crate::{
    Application,
    adapter::Adapter,
    archive::Reading,
    block::{ChainBlock, Digest},
    board::Board,
    config::Setup,
    delivery::Inbox,
    epochs::{Epochs, Muxes, Shared},
    gossip, namespace,
    platform::{Channel, Parts, Platform},
    schemes::Schemes,
    storage::{self, Opened, Place, Plan},
    store::Damage,
};

/// Queue of the actors that talk to peers.
const MAILBOX: NonZeroUsize = NZUsize!(256);

/// Sends new blocks to all peers and keeps the last few of each.
type Broadcast<P> = buffered::Engine<
    <P as Platform>::Context,
    PublicKey,
    ChainBlock,
    <P as Platform>::Peers,
    Sequential,
>;

/// What an engine shares with those outside.
pub(crate) struct Outside {
    pub(crate) app: Arc<dyn Application>,
    pub(crate) board: Arc<Board>,
    /// Messages of the node to other nodes.
    pub(crate) outbox: mpsc::Receiver<(Option<PublicKey>, alloy_primitives::Bytes)>,
    /// Why the engine ends, set once.
    pub(crate) failure: Arc<OnceLock<String>>,
    /// What is wrong with the archive.
    pub(crate) damage: Damage,
}

/// Runs an engine until one of its actors ends or the runtime stops.
///
/// # Errors
/// A sentence: what ended, and why.
pub(crate) async fn run<P: Platform>(
    context: &P::Context,
    setup: Setup,
    parts: Parts<P>,
    outside: Outside,
) -> Result<(), String> {
    let Setup { config, key, epoch_length, floor, .. } = setup;
    let Parts { channels, peers, blocker, network, partitions } = parts;
    let Outside { app, board, outbox, failure, damage } = outside;
    let namespace = namespace(config.chain_id, config.genesis_hash);
    let me = key.public_key();
    let backfill = fetch::<P>(context, &me, &peers, &blocker, channels.backfill);
    let (broadcast, buffer) = send_blocks::<P>(context, &me, &peers, config.max_block_bytes);
    let schemes = Schemes::new(&namespace, key);
    if let Some(floor) = &floor {
        // The archive checks its certificate before there is an epoch.
        schemes.register(floor.epoch, &app.validators(floor.epoch), false)?;
    }
    let epocher = FixedEpocher::new(epoch_length);
    let cache = storage::page_cache();
    let plan = Plan {
        place: Place {
            partitions: partitions.clone(),
            cache: cache.clone(),
            damage: damage.clone(),
        },
        genesis: ChainBlock::digested(app.genesis()),
        floor,
        keep_blocks: config.keep_blocks,
        schemes: schemes.clone(),
        epocher: epocher.clone(),
        epoch_length: epoch_length.get(),
        max_block_bytes: config.max_block_bytes,
    };
    let Opened { archive, marshal, progress, beginning } =
        storage::open::<P>(context, plan).await?;
    let adapter = Adapter::new(Arc::clone(&app), config.max_block_bytes);
    let muxes =
        Muxes::<P>::start(context, channels.votes, channels.certificates, channels.resolver);
    let shared = Shared {
        app: Arc::clone(&app),
        automaton: Inline::new(context.child("automaton"), adapter, marshal.clone(), epocher),
        marshal,
        schemes,
        blocker,
        cache,
        partitions,
        epoch_length: epoch_length.get(),
        heartbeat: Duration::from_millis(config.heartbeat_ms),
        vote_after: config.vote_after,
        keep_blocks: config.keep_blocks,
        beginning,
        board,
        failure,
    };

    let reading = Reading { marshal: shared.marshal.clone(), app: Arc::clone(&app), damage };
    let reading = context.child("reading").spawn(move |context| reading.run(context));
    let (inbox, deliveries) = Inbox::new();
    let broadcast = broadcast.start(channels.broadcast);
    let archive = archive.start(inbox, buffer, backfill);
    let gossip = exchange::<P>(context, app, outbox, channels.gossip);
    let network = network.map(|start| start());
    let processed = progress.processed().map(Processed::height);
    let epochs = context
        .child("epochs")
        .spawn(move |context| Epochs::<P>::new(context, shared, muxes).run(processed, deliveries));
    info!(height = ?processed, "consensus engine runs");
    Actors { epochs, archive, broadcast, gossip, network, reading }.first_to_end().await
}

/// The actors that end only when something is wrong.
struct Actors {
    epochs: Handle<Result<(), String>>,
    archive: Handle<()>,
    broadcast: Handle<()>,
    gossip: Handle<()>,
    /// `None` if the network is not ours.
    network: Option<Handle<()>>,
    /// Ends with what is wrong with the archive.
    reading: Handle<String>,
}

impl Actors {
    async fn first_to_end(self) -> Result<(), String> {
        let network = async {
            match self.network {
                Some(network) => network.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Always in the same order, so that a simulated run can be played again.
            biased;
            ended = self.epochs => match ended {
                Ok(outcome) => outcome,
                Err(error) => Err(format!("the epochs ended: {error}")),
            },
            ended = self.reading => Err(match ended {
                Ok(wrong) => wrong,
                Err(error) => format!("the reading of the archive ended: {error}"),
            }),
            ended = self.archive => Err(format!("the archive ended: {ended:?}")),
            ended = self.broadcast => Err(format!("the block broadcast ended: {ended:?}")),
            ended = self.gossip => Err(format!("the gossip ended: {ended:?}")),
            ended = network => Err(format!("the network ended: {ended:?}")),
        }
    }
}

/// Fetches what the archive misses from peers.
fn fetch<P: Platform>(
    context: &P::Context,
    me: &PublicKey,
    peers: &P::Peers,
    blocker: &P::Blocker,
    channel: Channel<P>,
) -> (handler::Receiver<Digest>, p2p::Mailbox<Digest, PublicKey>) {
    let config = p2p::Config {
        public_key: me.clone(),
        peer_provider: peers.clone(),
        blocker: blocker.clone(),
        mailbox_size: MAILBOX,
        fetch_timeout: NZDuration!(Duration::from_secs(2)),
        fetch_retry_delay: Duration::from_millis(100),
        priority_requests: false,
        priority_responses: false,
    };
    p2p::init(context.child("backfill"), config, channel)
}

fn send_blocks<P: Platform>(
    context: &P::Context,
    me: &PublicKey,
    peers: &P::Peers,
    max_block_bytes: usize,
) -> (Broadcast<P>, buffered::Mailbox<PublicKey, ChainBlock>) {
    let config = buffered::Config {
        public_key: me.clone(),
        mailbox_size: MAILBOX,
        deque_size: 10,
        priority: true,
        codec_config: max_block_bytes,
        peer_provider: peers.clone(),
        strategy: Sequential,
    };
    buffered::Engine::new(context.child("broadcast"), config)
}

/// Carries the node's messages to peers and theirs to the node.
fn exchange<P: Platform>(
    context: &P::Context,
    app: Arc<dyn Application>,
    outbox: mpsc::Receiver<(Option<PublicKey>, alloy_primitives::Bytes)>,
    (sender, receiver): Channel<P>,
) -> Handle<()> {
    context.child("gossip").spawn(move |context| async move {
        let hear = context.child("hear").spawn(move |_| gossip::hear(app, receiver));
        gossip::send(context, outbox, sender).await;
        // The node is gone; whoever stops the engine will be heard of elsewhere.
        drop(hear.await);
    })
}
