//! A whole node of one ledger.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes};
use alloy_signer_local::PrivateKeySigner;
use tokio::{runtime::Runtime, task::JoinHandle};
use tulou_consensus::{EngineError, EngineHandle};
use tulou_evm::{BlockEnv, CallOutcome, CallRequest};
use tulou_ledger::{Head, Ledger, LedgerError};
use tulou_mempool::{Mempool, Refused};
use tulou_primitives::Genesis;
use tulou_rpc::{DevClock, RpcConfig, RpcContext, ServerHandle};

use crate::{
    Clock, FolderError, NodeFolder,
    gossip::SharedEngine,
    guard::{Guard, StepDown},
    keys::{KeyError, Keys, Unlock},
    settings::SnapshotSettings,
    start,
};

/// Longest time that background tasks may take to end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// What a node needs to know.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The folder of its ledger.
    pub dir: PathBuf,
    /// Where other nodes reach it; port 0 for a lone validator.
    pub listen: SocketAddr,
    /// Addresses that stand instead of those on the ledger: `host:port`.
    pub peers: BTreeMap<B256, String>,
    /// Whether the clock may be set through JSON-RPC. Never on a real ledger.
    pub dev: bool,
    /// How the keys below `keys/` are opened; `None` for a dev chain, which makes its own.
    pub unlock: Option<Unlock>,
    /// Final blocks kept below the head; `None` keeps all.
    pub keep_blocks: Option<u64>,
    /// States below the head that can be asked for, beside those in memory.
    pub keep_states: u64,
    /// Snapshots that it writes by itself.
    pub snapshots: Option<SnapshotSettings>,
    /// Short name of the ledger within this process; empty for the only one of a dev chain.
    pub name: String,
    /// Bounds of the server, and whether it takes transactions.
    pub rpc: RpcConfig,
    /// Bytes that the folder may take before there is an alarm; 0 has no budget.
    pub disk_budget: u64,
    /// Ledgers that share this process and its memory, this one counted.
    pub ledgers: usize,
    /// A clock that several nodes of one process share; `None` makes one.
    pub clock: Option<Arc<Clock>>,
    /// Faults that a drill asks for.
    pub drill: Drill,
}

/// Faults that a drill asks for. None by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drill {
    /// Milliseconds by which the clock is wrong.
    pub clock_offset_ms: i64,
    /// Another version of the protocol than the program's.
    pub protocol: Option<u32>,
}

impl NodeConfig {
    /// A lone validator on this machine, with a clock that tests may set.
    pub fn dev(dir: PathBuf) -> Self {
        Self { dev: true, ..Self::shared(dir, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))) }
    }

    /// A node of a ledger that several keep together, with plain keys.
    pub fn shared(dir: PathBuf, listen: SocketAddr) -> Self {
        Self {
            dir,
            listen,
            peers: BTreeMap::new(),
            dev: false,
            unlock: None,
            keep_blocks: None,
            keep_states: 0,
            snapshots: None,
            name: String::new(),
            rpc: RpcConfig::default(),
            disk_budget: 0,
            ledgers: 1,
            clock: None,
            drill: Drill::default(),
        }
    }
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The folder has no ledger.
    #[error("there is no ledger in {0}: `tulou init` or `tulou init assemble` puts one there")]
    NotFounded(String),
    /// The genesis names something that is not there, or a pack that is malformed.
    #[error("the genesis cannot be built: {0}")]
    Genesis(String),
    /// The key of the folder is none of those that the genesis names.
    #[error(
        "validator.key gives {0}, which is no validator of this genesis: put the lost key back, or start a new folder"
    )]
    NotAValidator(B256),
    /// There is a ledger, but the engine's archive and journal are gone.
    #[error(
        "{0} is gone but the ledger is not: a validator without its vote journal could sign twice; put the folder back"
    )]
    EngineLost(String),
    /// The rules in force are newer than the program.
    #[error(
        "this ledger needs release {needed} from height {height}; this program knows {known}: install \
         a newer one and start it on the same folder, nothing is lost"
    )]
    Release {
        /// Release in force at the next height.
        needed: u32,
        /// That height.
        height: u64,
        /// Newest release of this program.
        known: u32,
    },
    /// Blocks and state.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The address for people and programs is taken, or not ours.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: String,
    },
    /// The member's vault.
    #[error(transparent)]
    Vault(#[from] crate::VaultFault),
    /// The certificate that the node is to get by itself.
    #[error(transparent)]
    Acme(#[from] crate::AcmeError),
    /// No runtime.
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
}

/// A running node. Dropping it stops everything.
pub struct Node {
    pub(crate) ledger: Ledger,
    pub(crate) mempool: Arc<Mempool>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) context: RpcContext,
    pub(crate) server: Option<ServerHandle>,
    pub(crate) engine: SharedEngine,
    pub(crate) tasks: Vec<JoinHandle<()>>,
    pub(crate) guard: Guard,
    /// Taken when the node ends.
    pub(crate) runtime: Option<Arc<Runtime>>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("head", &self.ledger.head().height).finish_non_exhaustive()
    }
}

impl Node {
    /// Starts a node on the genesis of its folder, or on `genesis` where the folder is new.
    ///
    /// # Errors
    /// In the order in which things are started: folder, genesis, keys, ledger, engine.
    pub fn start(
        config: NodeConfig,
        genesis: impl FnOnce(B256) -> Genesis,
    ) -> Result<Self, NodeError> {
        let folder = NodeFolder::open(&config.dir)?;
        folder.is_new()?;
        let secrets = start::Secrets::read(&folder, &config)?;
        let genesis = match folder.genesis()? {
            Some(genesis) => genesis,
            None => {
                let genesis = genesis(secrets.public_key);
                folder.write_genesis(&genesis)?;
                genesis
            }
        };
        if config.dev && !genesis.validators().contains(&secrets.public_key) {
            return Err(NodeError::NotAValidator(secrets.public_key));
        }
        start::assemble(config, folder, genesis, secrets, start::runtime()?)
    }

    /// Starts a node on a ledger that was founded before, on a runtime that others may share.
    ///
    /// # Errors
    /// [`NodeError::NotFounded`], then as [`Node::start`].
    pub fn open(config: NodeConfig, runtime: Arc<Runtime>) -> Result<Self, NodeError> {
        let folder = NodeFolder::open(&config.dir)?;
        let genesis = folder
            .genesis()?
            .ok_or_else(|| NodeError::NotFounded(config.dir.display().to_string()))?;
        let secrets = start::Secrets::read(&folder, &config)?;
        start::assemble(config, folder, genesis, secrets, runtime)
    }

    /// Lets people and programs in. Until then the node answers nobody but this process, so that a
    /// story can be told undisturbed. Returns the address, with the port that was taken.
    ///
    /// # Errors
    /// - [`NodeError::Listen`].
    pub fn serve(&mut self, address: SocketAddr) -> Result<SocketAddr, NodeError> {
        let listen = |reason: String| NodeError::Listen { address, reason };
        let runtime = self.runtime.as_ref().ok_or_else(|| listen("the node has stopped".into()))?;
        let server = runtime
            .block_on(tulou_rpc::serve(address, self.context.clone()))
            .map_err(|e| listen(e.to_string()))?;
        let taken = server.addr;
        self.server = Some(server);
        Ok(taken)
    }

    /// The newest final block.
    pub fn head(&self) -> Head {
        self.ledger.head()
    }

    /// The clock of new blocks.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Blocks and state.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What a server needs of this node.
    pub fn context(&self) -> &RpcContext {
        &self.context
    }

    /// Takes a signed transaction, as `eth_sendRawTransaction` does.
    pub fn submit(&self, raw: Bytes) -> Result<B256, Refused> {
        self.mempool.submit(raw)
    }

    /// Makes a call on the newest final state without a transaction.
    ///
    /// # Errors
    /// The revert data where the call was refused, nothing where it broke.
    pub fn try_call(&self, from: Address, to: Address, input: Bytes) -> Result<Bytes, Bytes> {
        let head = self.ledger.head();
        let env = BlockEnv {
            chain_id: self.context.chain_id,
            height: head.height + 1,
            timestamp: self.clock.now().max(head.timestamp),
            gas_limit: head.header.gas_limit,
            beneficiary: Address::ZERO,
            prevrandao: B256::ZERO,
            next_validators: None,
            terms: None,
        };
        let request = CallRequest { from, to: Some(to), input, ..Default::default() };
        match tulou_evm::call(&self.ledger.latest(), &env, &request, None, env.gas_limit, None) {
            Ok(CallOutcome::Success { output, .. }) => Ok(output),
            Ok(CallOutcome::Revert { output, .. }) => Err(output),
            Ok(CallOutcome::Halt { .. }) | Err(_) => Err(Bytes::new()),
        }
    }

    /// Whether the engine still runs. It stops by itself only on a fault, which it has logged.
    pub fn is_running(&self) -> bool {
        self.engine.read().as_ref().is_some_and(EngineHandle::is_running)
    }

    /// Why this node has stepped down, if it has: it reads nothing and votes on nothing, but answers
    /// why.
    pub fn stepped_down(&self) -> Option<StepDown> {
        self.guard.stand.lock().clone()
    }

    /// Whether the disk has no room for this node, in words.
    pub fn no_room(&self) -> Option<String> {
        self.guard.no_room()
    }

    /// What is wrong with the engine's archive of blocks. The node steps down for it within seconds.
    pub fn archive_damage(&self) -> Option<String> {
        self.guard.archive_damage()
    }

    /// Why the engine ended, if it did.
    pub fn failure(&self) -> Option<String> {
        self.engine.read().as_ref().and_then(|engine| engine.failure().map(str::to_owned))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        let engine = self.engine.write().take();
        if let Some(engine) = engine {
            engine.stop();
        }
        for task in self.tasks.drain(..) {
            task.abort();
        }
        // The last node of the process ends the runtime; tasks that block get a little time.
        if let Some(runtime) = self.runtime.take().and_then(Arc::into_inner) {
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
}

impl DevClock for Clock {
    fn now(&self) -> u64 {
        Clock::now(self)
    }

    fn increase(&self, seconds: u64) -> u64 {
        self.advance(seconds)
    }

    fn set_next(&self, timestamp: u64) {
        self.run_from(timestamp);
    }
}

/// Keys and the account that sends due work.
pub(crate) fn keeper_of(secret: B256) -> Result<PrivateKeySigner, NodeError> {
    PrivateKeySigner::from_bytes(&secret).map_err(|e| {
        let reason = format!("not a key: {e}");
        NodeError::Folder(FolderError::Damaged { path: "keeper key".into(), reason })
    })
}

/// Keys of a founded ledger's folder.
pub(crate) fn keys_of(folder: &NodeFolder, unlock: Unlock) -> Keys {
    Keys::new(folder.path().join("keys"), unlock)
}
