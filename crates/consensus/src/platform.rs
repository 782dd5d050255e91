//! What an engine runs on. The real node and the simulation differ in nothing else. For tests: the
//! node needs [`crate::start`] alone.

use std::sync::{Arc, OnceLock};

use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{Blocker, Provider, Receiver, Sender};
use commonware_runtime::{Clock, Handle, Metrics, Spawner, Storage};
use rand_core::CryptoRng;

use crate::{
    Application,
    assembly::{self, Outside},
    board::Board,
    gossip::Outbox,
    store::Damage,
};

pub use crate::config::Setup;

/// Runtime and network of an engine.
pub trait Platform: Send + Sync + Sized + 'static {
    /// Tasks, clock, disk, randomness and metrics.
    type Context: Clock + Spawner + Storage + Metrics + CryptoRng;
    /// Sends on one channel.
    type Sender: Sender<PublicKey = PublicKey>;
    /// Receives on one channel.
    type Receiver: Receiver<PublicKey = PublicKey>;
    /// Knows the peers.
    type Peers: Provider<PublicKey = PublicKey> + Sync;
    /// Shuts out peers that misbehave.
    type Blocker: Blocker<PublicKey = PublicKey> + Sync;
}

/// The two ends of one channel.
pub type Channel<P> = (<P as Platform>::Sender, <P as Platform>::Receiver);

/// The channels of an engine.
pub struct Channels<P: Platform> {
    /// Votes, one subchannel an epoch.
    pub votes: Channel<P>,
    /// Certificates, one subchannel an epoch.
    pub certificates: Channel<P>,
    /// Requests of the voting engine for certificates it misses, one subchannel an epoch.
    pub resolver: Channel<P>,
    /// Requests of the archive for blocks it misses.
    pub backfill: Channel<P>,
    /// New blocks.
    pub broadcast: Channel<P>,
    /// Messages of the node: see [`crate::Application::heard`].
    pub gossip: Channel<P>,
}

/// What an engine is given by its platform.
pub struct Parts<P: Platform> {
    /// The channels.
    pub channels: Channels<P>,
    /// Knows the peers.
    pub peers: P::Peers,
    /// Shuts out peers that misbehave.
    pub blocker: P::Blocker,
    /// Starts the network once there is someone to receive. `None` if it runs already.
    pub network: Option<Box<dyn FnOnce() -> Handle<()> + Send>>,
    /// Put before the name of every partition, where several engines share a disk.
    pub partitions: String,
}

/// Runs an engine on any platform until one of its actors ends. Whoever drops the future, or ends
/// the task that runs it, ends the engine as a crash would.
///
/// # Errors
/// A sentence: what ended, and why.
pub async fn run<P: Platform>(
    context: &P::Context,
    setup: Setup,
    parts: Parts<P>,
    app: Arc<dyn Application>,
) -> Result<(), String> {
    // Kept to the end: the gossip ends with its last sender.
    let (_outbox, outgoing) = Outbox::new();
    let board = Arc::new(Board::default());
    let failure = Arc::new(OnceLock::new());
    let damage = Damage::default();
    let outside = Outside { app, board, outbox: outgoing, failure: Arc::clone(&failure), damage };
    let outcome = assembly::run(context, setup, parts, outside).await;
    outcome.map_err(|why| failure.get().cloned().unwrap_or(why))
}
