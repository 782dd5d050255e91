//! Puts the parts of a node together and starts them.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use alloy_primitives::{Address, B256};
use alloy_signer_local::PrivateKeySigner;
use parking_lot::{Mutex, RwLock};
use tokio::{runtime::Runtime, task::JoinHandle};
use tracing::{info, warn};
use tulou_consensus::{EngineConfig, EngineFloor, MAX_PEERS};
use tulou_ledger::{Ledger, LedgerConfig, StorageBudget};
use tulou_mempool::{Mempool, MempoolConfig};
use tulou_primitives::Genesis;
use tulou_rpc::{BlockMeters, DevClock, PROTOCOL, RpcContext};

use crate::{
    Clock, Node, NodeConfig, NodeError, NodeFolder,
    allowlist::{self, AllowList},
    chain::{BLOCK_BYTES_MAX, Chain, Parts},
    committee::Committee,
    gossip::{Ear, Foreign, Gossip, SharedEngine},
    guard::{Guard, Stand},
    keeper::Keeper,
    node::{keeper_of, keys_of},
    peers::{Peers, RELEASE},
    roster,
    upkeep::Upkeep,
    watch::{Signers, Watcher},
};

/// Ledgers in a process beyond which each engine has one thread: most of them are idle.
const MANY: usize = 2;
/// Bytes of the largest block: its transactions, and room for a header and RLP around them.
pub(crate) const BLOCK_BYTES: usize = BLOCK_BYTES_MAX + (64 << 10);

/// What the node signs with.
pub(crate) struct Secrets {
    validator: B256,
    pub(crate) public_key: B256,
    keeper: PrivateKeySigner,
}

impl Secrets {
    /// Reads the keys of a folder; a dev chain makes its own.
    pub(crate) fn read(folder: &NodeFolder, config: &NodeConfig) -> Result<Self, NodeError> {
        let (validator, keeper) = match &config.unlock {
            None => (folder.secret("validator")?, folder.secret("keeper")?),
            Some(unlock) => {
                let keys = keys_of(folder, unlock.clone());
                (keys.secret("validator")?, keys.secret("keeper")?)
            }
        };
        let public_key = tulou_consensus::public_key(validator.0);
        Ok(Self { validator, public_key, keeper: keeper_of(keeper)? })
    }
}

/// A runtime that the nodes of one process share.
pub(crate) fn runtime() -> Result<Arc<Runtime>, NodeError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("tulou").build().map(Arc::new).map_err(NodeError::Runtime)
}

/// What most parts need.
struct Base {
    config: NodeConfig,
    genesis: Arc<Genesis>,
    genesis_hash: B256,
    ledger: Ledger,
    mempool: Arc<Mempool>,
    clock: Arc<Clock>,
    committee: Arc<Committee>,
    peers: Arc<Peers>,
    blocks: Arc<BlockMeters>,
    engine: SharedEngine,
    me: B256,
}

/// Starts all parts in the order in which they need each other.
pub(crate) fn assemble(
    config: NodeConfig,
    folder: NodeFolder,
    genesis: Genesis,
    secrets: Secrets,
    runtime: Arc<Runtime>,
) -> Result<Node, NodeError> {
    let (base, vote_after) = open(config, &folder, genesis, secrets.public_key)?;
    let (ear, inbox) = Ear::new();
    let chain = Chain::new(Parts {
        genesis: base.genesis.clone(),
        ledger: base.ledger.clone(),
        mempool: base.mempool.clone(),
        clock: base.clock.clone(),
        committee: base.committee.clone(),
        beneficiary: Address::from_word(secrets.public_key),
        runtime: runtime.handle().clone(),
        meters: base.blocks.clone(),
        ear,
    });
    let peers = runtime.block_on(allowlist::resolved(&base.allow_list()));
    let mut engine = engine_config(&base, &folder, &secrets, peers.clone(), vote_after);
    engine.floor = floor_of(&base.ledger)?;
    let engine = tulou_consensus::start(engine, Arc::new(chain))?;
    *base.engine.write() = Some(engine);

    let guard = base.guard(&folder);
    let watcher = Arc::new(base.watcher(guard.stand.clone()));
    let gossip = Arc::new(base.gossip());
    let keeper = Keeper {
        key: secrets.keeper,
        me: base.me,
        committee: base.committee.clone(),
        chain_id: base.genesis.chain_id,
        gas_limit: base.genesis.gas_limit,
        ledger: base.ledger.clone(),
        mempool: base.mempool.clone(),
        clock: base.clock.clone(),
    };
    let mut tasks: Vec<JoinHandle<()>> = vec![
        runtime.spawn(keeper.run()),
        runtime.spawn(watcher.clone().follow()),
        runtime.spawn(guard.clone().watch()),
        runtime.spawn(gossip.clone().listen(inbox)),
    ];
    let upkeep = base.upkeep();
    if upkeep.is_needed() {
        tasks.push(runtime.spawn(upkeep.run()));
    }
    if !base.is_lone() {
        tasks.push(runtime.spawn(gossip.clone().tell_transactions()));
        tasks.push(runtime.spawn(gossip.clone().remind()));
        let list = base.allow_list();
        tasks.push(runtime.spawn(list.follow(base.engine.clone(), gossip.refused.clone(), peers)));
    }
    Ok(Node {
        context: base.context(watcher),
        ledger: base.ledger,
        mempool: base.mempool,
        clock: base.clock,
        server: None,
        engine: base.engine,
        tasks,
        guard,
        runtime: Some(runtime),
    })
}

/// Where the engine begins, if it has no blocks: the ledger came from a snapshot, or the engine's folder
/// was lost.
fn floor_of(ledger: &Ledger) -> Result<Option<EngineFloor>, NodeError> {
    Ok(ledger.floor()?.map(|floor| EngineFloor {
        block: floor.block,
        certificate: floor.certificate,
        epoch_parent: floor.epoch_parent,
    }))
}

/// Opens the folder's ledger and what hangs on it.
fn open(
    config: NodeConfig,
    folder: &NodeFolder,
    genesis: Genesis,
    me: B256,
) -> Result<(Base, Option<u64>), NodeError> {
    let changes = tulou_evm::genesis_changes(&genesis).map_err(NodeError::Genesis)?;
    let block = tulou_evm::genesis_block(&genesis, Ledger::genesis_root(&changes));
    let kept = LedgerConfig { history: config.keep_states, ..ledger_config(config.ledgers) };
    let ledger = Ledger::open(&folder.ledger(), &block, changes, kept)?;
    let lone = genesis.members.len() < 2;
    if lone && ledger.head().height > 0 && !folder.has_journal() {
        return Err(NodeError::EngineLost(folder.engine().display().to_string()));
    }
    let clock = match &config.clock {
        Some(clock) => clock.clone(),
        None if config.dev => Arc::new(Clock::starting_after(ledger.head().timestamp)),
        None => Arc::new(Clock::system(config.drill.clock_offset_ms)),
    };
    let height = ledger.head().height + 1;
    let needed = roster::release(&ledger.latest(), &genesis, height);
    if needed > RELEASE {
        return Err(NodeError::Release { needed, height, known: RELEASE });
    }
    let vote_after = match lone {
        true => None,
        false => folder.begin(block.hash(), clock.now())?,
    };
    let mempool = Arc::new(Mempool::new(
        MempoolConfig {
            chain_id: genesis.chain_id,
            block_gas_limit: genesis.gas_limit,
            ..mempool_config(config.ledgers)
        },
        ledger.clone(),
    ));
    let genesis = Arc::new(genesis);
    let committee = Committee::new(genesis.clone(), block.hash(), ledger.clone());
    let base = Base {
        config,
        genesis,
        genesis_hash: block.hash(),
        ledger,
        mempool,
        clock,
        committee: Arc::new(committee),
        peers: Arc::default(),
        blocks: Arc::default(),
        engine: Arc::new(RwLock::new(None)),
        me,
    };
    if let Some(after) = vote_after {
        warn!(
            after,
            "this node has no record of its votes: it follows and does not vote until an epoch \
             begins whose predecessor ended later"
        );
    }
    Ok((base, vote_after))
}

/// Caches that get smaller the more ledgers share the process: most of them are idle.
fn ledger_config(ledgers: usize) -> LedgerConfig {
    let whole = LedgerConfig::default();
    let share = u64::try_from(ledgers).unwrap_or(u64::MAX).max(1);
    LedgerConfig {
        cache_bytes: (whole.cache_bytes / share).max(1 << 20),
        memtable_bytes: (whole.memtable_bytes / share).max(1 << 20),
        ..whole
    }
}

/// Threads that are divided among the ledgers of the process.
fn mempool_config(ledgers: usize) -> MempoolConfig {
    let whole = MempoolConfig::default();
    let recovery_threads = (whole.recovery_threads / ledgers.max(1)).max(1);
    MempoolConfig { recovery_threads, ..whole }
}

impl Base {
    /// Whether there is nobody to talk to.
    fn is_lone(&self) -> bool {
        self.genesis.members.len() < 2
    }

    fn allow_list(&self) -> AllowList {
        AllowList {
            genesis: self.genesis.clone(),
            ledger: self.ledger.clone(),
            peers: self.peers.clone(),
            overrides: self.config.peers.clone(),
            me: self.me,
        }
    }

    fn gossip(&self) -> Gossip {
        let (ledger, genesis) = (self.ledger.clone(), self.genesis.clone());
        let release = move || {
            let version = ledger.latest();
            roster::release(&version, &genesis, version.height() + 1)
        };
        Gossip {
            engine: self.engine.clone(),
            ledger: self.ledger.clone(),
            mempool: self.mempool.clone(),
            clock: self.clock.clone(),
            peers: self.peers.clone(),
            refused: Arc::default(),
            release: Box::new(release),
            protocol: self.config.drill.protocol.unwrap_or(PROTOCOL),
            foreign: Foreign::default(),
        }
    }

    fn upkeep(&self) -> Upkeep {
        Upkeep {
            ledger: self.ledger.clone(),
            chain_id: self.genesis.chain_id,
            keep_blocks: self.config.keep_blocks,
            snapshots: self.config.snapshots.clone(),
        }
    }

    fn guard(&self, folder: &NodeFolder) -> Guard {
        let limit = self.config.disk_budget;
        Guard {
            ledger: self.ledger.clone(),
            engine: self.engine.clone(),
            dir: folder.path().to_owned(),
            budget: StorageBudget {
                limit_bytes: (limit > 0).then_some(limit),
                ..Default::default()
            },
            stand: Stand::default(),
        }
    }

    fn watcher(&self, stand: Stand) -> Watcher {
        Watcher {
            genesis: self.genesis.clone(),
            genesis_hash: self.genesis_hash,
            me: self.me,
            ledger: self.ledger.clone(),
            engine: self.engine.clone(),
            peers: self.peers.clone(),
            committee: self.committee.clone(),
            clock: self.clock.clone(),
            signers: Mutex::new(Signers::default()),
            final_at: Mutex::new((Instant::now(), self.clock.now_ms())),
            stand,
            disk_budget: self.config.disk_budget,
        }
    }

    fn context(&self, watcher: Arc<Watcher>) -> RpcContext {
        RpcContext {
            ledger: self.ledger.clone(),
            mempool: self.mempool.clone(),
            chain_id: self.genesis.chain_id,
            gas_limit: self.genesis.gas_limit,
            foreign: None,
            genesis: self.genesis.clone(),
            name: self.config.name.clone(),
            dir: Some(self.config.dir.clone()),
            finality: self.committee.clone(),
            watch: Some(watcher),
            blocks: self.blocks.clone(),
            dev: self.config.dev.then(|| self.clock.clone() as Arc<dyn DevClock>),
            config: self.config.rpc.clone(),
        }
    }
}

fn engine_config(
    base: &Base,
    folder: &NodeFolder,
    secrets: &Secrets,
    peers: Vec<(B256, SocketAddr)>,
    vote_after: Option<u64>,
) -> EngineConfig {
    info!(peers = peers.len(), "starting the engine");
    EngineConfig {
        dir: folder.engine(),
        key: secrets.validator.0,
        listen: base.config.listen,
        peers,
        max_peers: if base.is_lone() { 0 } else { MAX_PEERS },
        chain_id: base.genesis.chain_id,
        genesis_hash: base.genesis_hash,
        epoch_length: base.genesis.epoch_length,
        heartbeat_ms: base.genesis.heartbeat_ms,
        max_block_bytes: BLOCK_BYTES,
        vote_after,
        floor: None,
        keep_blocks: base.config.keep_blocks,
        threads: if base.config.ledgers > MANY { 1 } else { 2 },
    }
}
