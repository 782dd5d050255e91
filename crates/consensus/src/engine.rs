//! Starting and stopping the engine.

use std::{
    net::{SocketAddr, TcpListener},
    num::NonZeroU64,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use alloy_primitives::B256;
use commonware_codec::{Copying, DecodeExt};
use commonware_consensus::{
    marshal::{core::Processed, standard::Inline},
    types::FixedEpocher,
};
use commonware_cryptography::{
    Signer,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::Address;
use commonware_runtime::{Runner, Spawner, Supervisor, tokio as runtime};
use commonware_utils::ordered::Map;
use tokio::sync::oneshot;
use tracing::{error, info};

use crate::{
    Application,
    adapter::Adapter,
    block::ChainBlock,
    delivery::Inbox,
    epochs::{Epochs, Muxes, Shared},
    namespace, network,
    schemes::Schemes,
    storage,
};

/// Where every task, file and connection of the engine comes from.
pub(crate) type Context = runtime::Context;

/// How long a stopping engine waits for its tasks.
const STOP: Duration = Duration::from_secs(10);

/// What an engine needs to know.
#[derive(Clone)]
pub struct EngineConfig {
    /// Directory of the engine alone, created if missing. It holds the blocks, the certificates and
    /// the votes this validator cast; it must never be copied to a second running validator.
    pub dir: PathBuf,
    /// Seed of the validator's Ed25519 key, which signs votes and authenticates connections.
    pub key: [u8; 32],
    /// Address for connections from other validators. Port 0 only for a lone validator.
    pub listen: SocketAddr,
    /// All validators and followers with their addresses; our own entry is ignored. Connections are
    /// accepted only from these IP addresses. A validator that joins later must be here before its
    /// epoch. Empty for a lone validator.
    pub peers: Vec<(B256, SocketAddr)>,
    /// Chain id, part of what votes are bound to.
    pub chain_id: u64,
    /// Hash of the genesis block, part of what votes are bound to.
    pub genesis_hash: B256,
    /// Blocks per epoch, at least 2. Epoch `e` holds the heights `e * epoch_length` to
    /// `(e + 1) * epoch_length - 1`. Fixed for the life of the chain.
    pub epoch_length: u64,
    /// Longest time in milliseconds that a proposal is held back for want of transactions. The same
    /// on all validators.
    pub heartbeat_ms: u64,
    /// Largest encoded block in bytes. The same on all validators; it may never shrink.
    pub max_block_bytes: usize,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A value in the configuration is impossible.
    #[error("consensus configuration: {0}")]
    Config(String),
    /// The node's genesis block is not the configured one.
    #[error("the genesis block is {found}, the configuration says {expected}")]
    Genesis {
        /// Hash in the configuration.
        expected: B256,
        /// Hash of the node's genesis block.
        found: B256,
    },
    /// The address for connections is not available.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The directory or the thread could not be made.
    #[error("cannot start the consensus engine: {0}")]
    Io(#[from] std::io::Error),
}

/// A running engine. Dropping it asks the engine to stop without waiting.
pub struct EngineHandle {
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
    failure: Arc<OnceLock<String>>,
}

impl EngineHandle {
    /// Whether the engine still runs. It ends by itself only after a fault: see
    /// [`EngineHandle::failure`].
    pub fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Why the engine ended by itself.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Stops the engine: lets a call of [`Application::finalized`] finish, closes files and
    /// connections, and waits for the thread.
    pub fn stop(self) {
        let Self { stop, thread, .. } = self;
        // Fails only if the engine has already ended.
        let _ = stop.send(());
        if thread.join().is_err() {
            error!("the consensus thread panicked while stopping");
        }
    }
}

/// The public key that belongs to `seed`.
pub fn public_key(seed: [u8; 32]) -> B256 {
    B256::from_slice(private_key(seed).public_key().as_ref())
}

/// Starts the engine on a thread and runtime of its own.
///
/// # Errors
/// In this order: [`EngineError::Config`], [`EngineError::Genesis`], [`EngineError::Listen`],
/// [`EngineError::Io`]. What goes wrong later is told by [`EngineHandle::failure`].
pub fn start(config: EngineConfig, app: Arc<dyn Application>) -> Result<EngineHandle, EngineError> {
    let setup = Setup::new(config, &*app)?;
    std::fs::create_dir_all(&setup.config.dir)?;
    let failure = Arc::new(OnceLock::new());
    let (stop, stopped) = oneshot::channel();
    let cause = Arc::clone(&failure);
    let thread = thread::Builder::new().name("consensus".into()).spawn(move || {
        let runner = runtime::Runner::new(
            runtime::Config::default()
                .with_worker_threads(2)
                .with_storage_directory(&setup.config.dir)
                .with_tcp_nodelay(Some(true)),
        );
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            runner.start(|context| run(context, setup, app, Arc::clone(&cause), stopped))
        }));
        let why = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(why)) => why,
            Err(panic) => panic_message(&*panic),
        };
        // Keeps the cause if one is known: this may be a consequence.
        let why = cause.get_or_init(|| why);
        error!(why, "the consensus engine ended");
    })?;
    Ok(EngineHandle { stop, thread, failure })
}

/// A checked configuration.
struct Setup {
    config: EngineConfig,
    key: PrivateKey,
    peers: Map<PublicKey, Address>,
    epoch_length: NonZeroU64,
}

impl Setup {
    fn new(config: EngineConfig, app: &dyn Application) -> Result<Self, EngineError> {
        let epoch_length =
            NonZeroU64::new(config.epoch_length)
                .filter(|length| length.get() > 1)
                .ok_or_else(|| EngineError::Config("an epoch has at least two blocks".into()))?;
        if config.max_block_bytes == 0 || u32::try_from(config.max_block_bytes).is_err() {
            return Err(EngineError::Config("max_block_bytes is out of range".into()));
        }
        let key = private_key(config.key);
        let peers =
            network::peer_map(&config.peers, &key, config.listen).map_err(EngineError::Config)?;
        let genesis = app.genesis();
        let (expected, found) = (config.genesis_hash, genesis.hash());
        if expected != found {
            return Err(EngineError::Genesis { expected, found });
        }
        if genesis.height() != 0 {
            return Err(EngineError::Config("the genesis block has a height".into()));
        }
        ChainBlock::checked(genesis, config.max_block_bytes)
            .map_err(|error| EngineError::Config(format!("the genesis block: {error}")))?;
        // The network would panic on its own thread; here the operator gets the reason.
        TcpListener::bind(config.listen)
            .map_err(|source| EngineError::Listen { address: config.listen, source })?;
        Ok(Self { config, key, peers, epoch_length })
    }
}

/// Builds all actors in the order they need each other, and runs them until one ends or `stopped`.
async fn run(
    context: Context,
    setup: Setup,
    app: Arc<dyn Application>,
    failure: Arc<OnceLock<String>>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), String> {
    let Setup { config, key, peers, epoch_length } = setup;
    let max_block_bytes = config.max_block_bytes;
    let namespace = namespace(config.chain_id, config.genesis_hash);
    let (network, oracle, channels) =
        network::init(&context, &key, &namespace, config.listen, &peers, max_block_bytes);
    let me = key.public_key();
    let backfill = network::backfill(&context, &me, &oracle, channels.backfill);
    let (broadcast, buffer) = network::broadcast(&context, &me, &oracle, max_block_bytes);
    let schemes = Schemes::new(&namespace, key);
    let epocher = FixedEpocher::new(epoch_length);
    let cache = storage::page_cache();
    let genesis = ChainBlock::digested(app.genesis());
    let (archive, marshal, floor) =
        storage::open(&context, &cache, genesis, schemes.clone(), epocher.clone(), max_block_bytes)
            .await
            .map_err(|error| format!("cannot open the archive: {error}"))?;
    let adapter = Adapter::new(Arc::clone(&app), max_block_bytes);
    let automaton = Inline::new(context.child("automaton"), adapter, marshal.clone(), epocher);
    let muxes = Muxes::start(&context, channels.votes, channels.certificates, channels.resolver);
    let heartbeat = Duration::from_millis(config.heartbeat_ms);
    let shared = Shared {
        app,
        automaton,
        marshal,
        schemes,
        oracle,
        cache,
        epoch_length,
        heartbeat,
        failure,
    };

    let (inbox, deliveries) = Inbox::new();
    let mut broadcast = broadcast.start(channels.broadcast);
    let mut archive = archive.start(inbox, buffer, backfill);
    let mut network = network.start();
    let processed = floor.processed().map(Processed::height);
    let mut epochs = context
        .child("epochs")
        .spawn(move |context| Epochs::new(context, shared, muxes).run(processed, deliveries));
    info!(height = ?processed, "consensus engine runs");
    let outcome = tokio::select! {
        _ = stopped => Ok(()),
        ended = &mut epochs => match ended {
            Ok(outcome) => outcome,
            Err(error) => Err(format!("the epochs ended: {error}")),
        },
        ended = &mut archive => Err(format!("the archive ended: {ended:?}")),
        ended = &mut broadcast => Err(format!("the block broadcast ended: {ended:?}")),
        ended = &mut network => Err(format!("the network ended: {ended:?}")),
    };
    if let Err(error) = context.stop(0, Some(STOP)).await {
        error!(%error, "some tasks of the consensus engine did not stop in time");
    }
    outcome
}

fn private_key(seed: [u8; 32]) -> PrivateKey {
    // Every 32 bytes are the seed of a key, so decoding them cannot fail.
    PrivateKey::decode(Copying(&seed)).expect("any 32 bytes are a seed")
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("unknown"))
}
