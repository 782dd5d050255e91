//! Starting and stopping the engine of a real node.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use alloy_primitives::{B256, Bytes};
use commonware_codec::{Copying, DecodeExt};
use commonware_cryptography::{
    Signer,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::Address;
use commonware_runtime::{Metrics, Runner, Spawner, Supervisor, tokio as runtime};
use commonware_utils::ordered::Map;
use tokio::sync::{oneshot, watch};
use tracing::error;

use crate::{
    Application,
    assembly::{self, Outside},
    board::{Board, EngineStatus},
    config::{EngineConfig, EngineError, Setup},
    gossip::Outbox,
    namespace,
    network::{self, Authenticated, Peering},
    schemes::decode_key,
    store::Damage,
};

/// How long a stopping engine waits for its tasks.
const STOP: Duration = Duration::from_secs(10);

/// Threads for reading, writing and syncing files, for each thread of the engine. They stay for ten
/// seconds, which is longer than a heartbeat. Nothing on them waits for another of them.
const DISK_THREADS: usize = 4;

/// A running engine. Dropping it asks the engine to stop without waiting.
pub struct EngineHandle {
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
    failure: Arc<OnceLock<String>>,
    damage: Damage,
    board: Arc<Board>,
    outbox: Outbox,
    peers: watch::Sender<Map<PublicKey, Address>>,
    key: PrivateKey,
    listen: SocketAddr,
    max_peers: usize,
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

    /// What is wrong with the archive of blocks, if something is: the engine has ended or is about to.
    pub fn damage(&self) -> Option<&str> {
        self.damage.words()
    }

    /// Replaces the list of peers: who is new is connected, who is gone is disconnected, whose
    /// address has changed is connected anew. Our own entry is ignored. A peer whose key is none, or
    /// that comes after [`EngineConfig::max_peers`] others, is left out and named in the log.
    pub fn set_peers(&self, peers: Vec<(B256, SocketAddr)>) {
        let wanted = network::usable_peers(&peers, &self.key, self.listen, self.max_peers);
        self.peers.send_if_modified(|current| {
            let changed = *current != wanted;
            *current = wanted;
            changed
        });
    }

    /// Sends a message to the node of one peer, or of all if `to` is `None`: see
    /// [`Application::heard`]. Best effort: who is not connected misses it. `false`, and nothing is
    /// sent, if the message has more than [`crate::GOSSIP_BYTES_MAX`] bytes, if `to` is no key, or if
    /// too many messages wait.
    pub fn gossip(&self, to: Option<B256>, message: Bytes) -> bool {
        match to.map(|key| decode_key(&key)) {
            Some(None) => false,
            to => self.outbox.put(to.flatten(), message),
        }
    }

    /// Where the engine stands.
    pub fn status(&self) -> EngineStatus {
        self.board.status()
    }

    /// The engine's metrics as Prometheus text; empty when it does not run.
    pub fn metrics(&self) -> String {
        self.board.metrics()
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
/// In this order: [`EngineError::Config`], [`EngineError::Genesis`], [`EngineError::Floor`],
/// [`EngineError::Listen`], [`EngineError::Io`]. What goes wrong later is told by
/// [`EngineHandle::failure`].
pub fn start(config: EngineConfig, app: Arc<dyn Application>) -> Result<EngineHandle, EngineError> {
    let setup = Setup::new(config, &*app)?;
    setup.check_address()?;
    std::fs::create_dir_all(&setup.config.dir)?;
    let failure = Arc::new(OnceLock::new());
    let board = Arc::new(Board::default());
    let damage = Damage::default();
    let (outbox, outgoing) = Outbox::new();
    let (peers, wanted) = watch::channel(setup.peers.clone());
    let (stop, stopped) = oneshot::channel();
    let handle = |thread| EngineHandle {
        stop,
        thread,
        failure: Arc::clone(&failure),
        damage: damage.clone(),
        board: Arc::clone(&board),
        outbox,
        peers,
        key: setup.key.clone(),
        listen: setup.config.listen,
        max_peers: setup.config.max_peers,
    };
    let outside = Outside {
        app,
        board: Arc::clone(&board),
        outbox: outgoing,
        failure: Arc::clone(&failure),
        damage: damage.clone(),
    };
    let run = Run { setup: setup.clone(), outside, wanted, stopped };
    let thread =
        thread::Builder::new().name("consensus".into()).spawn(move || run.until_the_end())?;
    Ok(handle(thread))
}

/// Everything a thread needs to run an engine.
struct Run {
    setup: Setup,
    outside: Outside,
    wanted: watch::Receiver<Map<PublicKey, Address>>,
    stopped: oneshot::Receiver<()>,
}

impl Run {
    fn until_the_end(self) {
        let runner = runtime::Runner::new(
            runtime::Config::default()
                .with_worker_threads(self.setup.config.threads)
                .with_max_blocking_threads(self.setup.config.threads * DISK_THREADS)
                .with_storage_directory(&self.setup.config.dir)
                .with_tcp_nodelay(Some(true)),
        );
        let (cause, board) = (Arc::clone(&self.outside.failure), Arc::clone(&self.outside.board));
        let damage = self.outside.damage.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| runner.start(|context| self.on(context))));
        board.close();
        let why = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(why)) => why,
            Err(panic) => panic_message(&*panic),
        };
        // Keeps the cause if one is known: this may be a consequence.
        let why = cause.get_or_init(|| damage.words().map_or(why, str::to_owned));
        error!(why, "the consensus engine ended");
    }

    async fn on(self, context: runtime::Context) -> Result<(), String> {
        let Self { setup, outside, wanted, stopped } = self;
        let config = &setup.config;
        let namespace = namespace(config.chain_id, config.genesis_hash);
        let peering = Peering {
            key: &setup.key,
            namespace: &namespace,
            listen: config.listen,
            peers: &setup.peers,
            max_peers: config.max_peers,
            max_block_bytes: config.max_block_bytes,
        };
        let parts = network::parts(&context, &peering);
        let oracle = parts.peers.clone();
        context.child("peers").spawn(move |_| network::follow_peers(oracle, wanted));
        let board = Arc::clone(&outside.board);
        let metrics = context.child("metrics");
        board.publish(Box::new(move || metrics.encode()));
        let outcome = tokio::select! {
            biased;
            _ = stopped => Ok(()),
            ended = assembly::run::<Authenticated>(&context, setup, parts, outside) => ended,
        };
        if let Err(error) = context.stop(0, Some(STOP)).await {
            error!(%error, "some tasks of the consensus engine did not stop in time");
        }
        outcome
    }
}

pub(crate) fn private_key(seed: [u8; 32]) -> PrivateKey {
    // Every 32 bytes are the seed of a key, so decoding them cannot fail.
    PrivateKey::decode(Copying(&seed)).expect("any 32 bytes are a seed")
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("unknown"))
}
