//! A whole node in one process.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes};
use alloy_signer_local::PrivateKeySigner;
use tokio::runtime::Runtime;
use tulou_consensus::{EngineConfig, EngineError, EngineHandle};
use tulou_evm::{BlockEnv, CallOutcome, CallRequest};
use tulou_ledger::{Head, Ledger, LedgerConfig, LedgerError};
use tulou_mempool::{Mempool, MempoolConfig, Refused};
use tulou_primitives::Genesis;
use tulou_rpc::{DevClock, FinalitySource, RpcConfig, RpcContext, ServerHandle};

use crate::{
    Clock, FolderError, NodeFolder,
    chain::{BLOCK_BYTES_MAX, Chain},
    keeper::Keeper,
};

/// Room for a header and RLP around the transactions of the largest block.
const BLOCK_OVERHEAD_BYTES: usize = 64 << 10;
/// Longest time that background tasks may take to end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// What a node needs to know.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The node's folder.
    pub dir: PathBuf,
    /// Where other validators reach it; port 0 for a lone validator.
    pub listen: SocketAddr,
    /// Other validators and their addresses.
    pub peers: Vec<(B256, SocketAddr)>,
    /// Whether the clock may be set through JSON-RPC. Never on a real ledger.
    pub dev: bool,
}

impl NodeConfig {
    /// A lone validator on this machine, with a clock that tests may set.
    pub fn dev(dir: PathBuf) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { dir, listen, peers: Vec::new(), dev: true }
    }
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
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
    /// No runtime.
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
}

/// A running node. Dropping it stops everything.
pub struct Node {
    ledger: Ledger,
    mempool: Arc<Mempool>,
    clock: Arc<Clock>,
    context: RpcContext,
    server: Option<ServerHandle>,
    engine: Option<EngineHandle>,
    runtime: Option<Runtime>,
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
    /// In the order in which things are started: folder, genesis, ledger, engine.
    pub fn start(
        config: NodeConfig,
        genesis: impl FnOnce(B256) -> Genesis,
    ) -> Result<Self, NodeError> {
        let folder = NodeFolder::open(&config.dir)?;
        let is_new = folder.is_new()?;
        let validator = folder.secret("validator")?;
        let public_key = tulou_consensus::public_key(validator.0);
        let genesis = genesis_of(&folder, public_key, genesis)?;
        let keeper_key = keeper_key(&folder)?;
        let changes = tulou_evm::genesis_changes(&genesis).map_err(NodeError::Genesis)?;
        let block = tulou_evm::genesis_block(&genesis, Ledger::genesis_root(&changes));
        let ledger = Ledger::open(&folder.ledger(), &block, changes, LedgerConfig::default())?;
        if !is_new && ledger.head().height > 0 && !folder.engine().exists() {
            return Err(NodeError::EngineLost(folder.engine().display().to_string()));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("tulou")
            .build()
            .map_err(NodeError::Runtime)?;
        let clock = Arc::new(Clock::starting_after(ledger.head().timestamp));
        let mempool = Arc::new(Mempool::new(
            MempoolConfig {
                chain_id: genesis.chain_id,
                block_gas_limit: genesis.gas_limit,
                ..MempoolConfig::default()
            },
            ledger.clone(),
        ));
        let chain = Chain::new(
            genesis.clone(),
            ledger.clone(),
            mempool.clone(),
            clock.clone(),
            Address::from_word(public_key),
            runtime.handle().clone(),
        );
        let engine = engine_config(&config, &folder, validator, &genesis, block.hash());
        let engine = tulou_consensus::start(engine, Arc::new(chain))?;
        let keeper = Keeper {
            key: keeper_key,
            chain_id: genesis.chain_id,
            gas_limit: genesis.gas_limit,
            ledger: ledger.clone(),
            mempool: mempool.clone(),
            clock: clock.clone(),
        };
        runtime.spawn(keeper.run());
        let context = RpcContext {
            ledger: ledger.clone(),
            mempool: mempool.clone(),
            chain_id: genesis.chain_id,
            gas_limit: genesis.gas_limit,
            finality: Arc::new(Committee { genesis, genesis_hash: block.hash() }),
            dev: config.dev.then(|| clock.clone() as Arc<dyn DevClock>),
            config: RpcConfig::default(),
        };
        let (engine, runtime) = (Some(engine), Some(runtime));
        Ok(Self { ledger, mempool, clock, context, server: None, engine, runtime })
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
        };
        let request = CallRequest { from, to: Some(to), input, ..Default::default() };
        match tulou_evm::call(&self.ledger.latest(), &env, &request, None, env.gas_limit) {
            Ok(CallOutcome::Success { output, .. }) => Ok(output),
            Ok(CallOutcome::Revert { output, .. }) => Err(output),
            Ok(CallOutcome::Halt { .. }) | Err(_) => Err(Bytes::new()),
        }
    }

    /// Whether the engine still runs. It stops by itself only on a fault, which it has logged.
    pub fn is_running(&self) -> bool {
        self.engine.as_ref().is_some_and(EngineHandle::is_running)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        if let Some(engine) = self.engine.take() {
            engine.stop();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
}

/// The folder's genesis, or a new one that is kept from now on. This node must be a validator of it.
fn genesis_of(
    folder: &NodeFolder,
    public_key: B256,
    new: impl FnOnce(B256) -> Genesis,
) -> Result<Genesis, NodeError> {
    let genesis = match folder.genesis()? {
        Some(genesis) => genesis,
        None => {
            let genesis = new(public_key);
            folder.write_genesis(&genesis)?;
            genesis
        }
    };
    if !genesis.validators().contains(&public_key) {
        return Err(NodeError::NotAValidator(public_key));
    }
    Ok(genesis)
}

fn engine_config(
    config: &NodeConfig,
    folder: &NodeFolder,
    validator: B256,
    genesis: &Genesis,
    genesis_hash: B256,
) -> EngineConfig {
    EngineConfig {
        dir: folder.engine(),
        key: validator.0,
        listen: config.listen,
        peers: config.peers.clone(),
        max_peers: config.peers.len(),
        chain_id: genesis.chain_id,
        genesis_hash,
        epoch_length: genesis.epoch_length,
        heartbeat_ms: genesis.heartbeat_ms,
        max_block_bytes: BLOCK_BYTES_MAX + BLOCK_OVERHEAD_BYTES,
        vote_after: None,
        floor: None,
        keep_blocks: None,
    }
}

fn keeper_key(folder: &NodeFolder) -> Result<PrivateKeySigner, NodeError> {
    let secret = folder.secret("keeper")?;
    PrivateKeySigner::from_bytes(&secret).map_err(|e| {
        let reason = format!("not a key: {e}");
        NodeError::Folder(FolderError::Damaged { path: "keeper.key".into(), reason })
    })
}

/// Who signs certificates, for those who check them.
struct Committee {
    genesis: Genesis,
    genesis_hash: B256,
}

impl FinalitySource for Committee {
    fn namespace(&self) -> Vec<u8> {
        tulou_consensus::namespace(self.genesis.chain_id, self.genesis_hash)
    }

    fn validators(&self, _height: u64) -> Vec<B256> {
        let mut keys = self.genesis.validators();
        keys.sort_unstable();
        keys
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
