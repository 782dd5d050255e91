//! Executing a chain from its first block.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;
use tulou_evm::{
    BlockFault,
    ethereum::{ForeignBlock, Rules, Schedule, replay},
};
use tulou_ledger::{Ledger, LedgerConfig, LedgerError};
use tulou_mempool::{Mempool, MempoolConfig};
use tulou_primitives::{Block, Genesis};
use tulou_rpc::{
    BlockMeters, FinalitySource, Foreign, ForeignBody, RpcConfig, RpcContext, ServeError,
    ServerHandle,
};

use crate::{
    chain::{ChainBlock, read_chain},
    genesis::EthereumGenesis,
};

/// Why a chain cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The genesis file does not say what is needed.
    #[error("genesis: {0}")]
    Genesis(String),
    /// The blocks do not decode.
    #[error("chain: {0}")]
    Chain(#[from] alloy_rlp::Error),
    /// A block cannot be executed.
    #[error("block {height}: {fault}")]
    Block {
        /// Its height.
        height: u64,
        /// Why.
        fault: BlockFault,
    },
    /// A block was executed and came out otherwise than its header says.
    #[error("block {height}: {what} is {found}, its header says {expected}")]
    Differs {
        /// Its height.
        height: u64,
        /// Which field.
        what: &'static str,
        /// What its header says.
        expected: String,
        /// What came out.
        found: String,
    },
    /// The state does not fit, or the disk.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// A chain that was executed from its first block, each block's gas, receipts and state compared with
/// its header.
#[derive(Clone)]
pub struct Replay {
    ledger: Ledger,
    schedule: Arc<Schedule>,
    bodies: BTreeMap<u64, ForeignBody>,
    transactions: usize,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("height", &self.height()).finish_non_exhaustive()
    }
}

impl Replay {
    /// Executes the blocks of a file on the state of a genesis file. `dir` must be a new folder: it is
    /// of no use afterwards, because blocks of other chains are kept in memory only.
    ///
    /// # Errors
    /// [`ReplayError`], in the order of its variants.
    pub fn run(dir: &Path, genesis: &Path, chain: &Path) -> Result<Self, ReplayError> {
        let file = |path: &Path| {
            fs::read(path).map_err(|source| ReplayError::File { path: path.to_owned(), source })
        };
        let genesis = String::from_utf8(file(genesis)?)
            .map_err(|error| ReplayError::Genesis(error.to_string()))?;
        let genesis = EthereumGenesis::read(&genesis)
            .map_err(|error| ReplayError::Genesis(error.to_string()))?;
        let blocks = read_chain(&file(chain)?)?;
        let changes = genesis.changes().map_err(ReplayError::Genesis)?;
        let first = genesis.block(&changes);
        // Nothing of another chain is read from the disk again: the tables know only this ledger's.
        let config = LedgerConfig {
            retained_versions: blocks.len() + 1,
            recent_blocks: blocks.len() + 1,
            keep_empty: true,
            ..Default::default()
        };
        let ledger = Ledger::open(dir, &first, changes, config)?;
        let schedule = Arc::new(genesis.schedule());
        let transactions = blocks.iter().map(|block| block.transactions.len()).sum();
        let mut replayed = Self { ledger, schedule, bodies: BTreeMap::new(), transactions };
        for block in blocks {
            replayed.add(block)?;
        }
        Ok(replayed)
    }

    fn add(&mut self, block: ChainBlock) -> Result<(), ReplayError> {
        let ChainBlock { header, transactions, ommers, withdrawals } = block;
        let height = header.number;
        let parent = self.ledger.head().hash;
        let foreign = ForeignBlock {
            header: &header,
            transactions: &transactions,
            ommers: &ommers,
            withdrawals: withdrawals.as_ref().map_or(&[], |list| &list.0),
        };
        let root_of = |changes: &_| match self.ledger.propose_root(parent, changes) {
            Ok(speculation) => speculation.root(),
            // The head is always held; a root that is none is found out by the header.
            Err(_) => B256::ZERO,
        };
        let executed = replay(&self.ledger.latest(), &self.schedule, foreign, &root_of)
            .map_err(|fault| ReplayError::Block { height, fault })?;
        let same = |what, expected: String, found: String| {
            let differs = expected != found;
            let error = ReplayError::Differs { height, what, expected, found };
            if differs { Err(error) } else { Ok(()) }
        };
        same("gas used", header.gas_used.to_string(), executed.gas_used.to_string())?;
        let speculation = self.ledger.propose_root(parent, &executed.changes)?;
        same("state root", header.state_root.to_string(), speculation.root().to_string())?;
        same(
            "receipts root",
            header.receipts_root.to_string(),
            executed.receipts_root.to_string(),
        )?;
        self.bodies.insert(height, ForeignBody { ommers, withdrawals });
        let block = Block::new(header, transactions);
        let hash = block.hash();
        self.ledger.hold(block, executed.receipts, speculation);
        self.ledger.finalize(hash)?;
        Ok(())
    }

    /// Height of the last block.
    pub fn height(&self) -> u64 {
        self.ledger.head().height
    }

    /// Transactions of all blocks.
    pub fn transactions(&self) -> usize {
        self.transactions
    }

    /// What the server needs to serve the chain. Transactions are taken and never executed.
    pub fn context(&self) -> RpcContext {
        let chain_id = self.schedule.chain_id;
        let head = self.ledger.head();
        let gas_limit = head.header.gas_limit;
        let limits = MempoolConfig { chain_id, block_gas_limit: gas_limit, ..Default::default() };
        let foreign =
            Foreign { rules: Rules::Ethereum(self.schedule.clone()), bodies: self.bodies.clone() };
        RpcContext {
            ledger: self.ledger.clone(),
            mempool: Arc::new(Mempool::new(limits, self.ledger.clone())),
            chain_id,
            gas_limit,
            foreign: Some(Arc::new(foreign)),
            genesis: Arc::new(Genesis { chain_id, gas_limit, ..Default::default() }),
            name: String::new(),
            dir: None,
            finality: Arc::new(Nobody),
            watch: None,
            blocks: Arc::new(BlockMeters::default()),
            dev: None,
            config: RpcConfig::default(),
        }
    }
}

/// Serves a replayed chain on `addr`. Whoever names the port is not a stranger: there are no limits for
/// callers.
///
/// # Errors
/// As [`tulou_rpc::serve`].
pub async fn serve(addr: SocketAddr, replay: &Replay) -> Result<ServerHandle, ServeError> {
    tulou_rpc::serve(addr, replay.context()).await
}

/// Nobody certified the blocks.
struct Nobody;

impl FinalitySource for Nobody {
    fn namespace(&self) -> Vec<u8> {
        Vec::new()
    }

    fn validators(&self, _height: u64) -> Vec<B256> {
        Vec::new()
    }

    fn epoch_length(&self) -> u64 {
        u64::MAX
    }
}
