//! What the server needs of the rest of the node.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::B256;
use tulou_evm::ethereum::Rules;
use tulou_ledger::Ledger;
use tulou_mempool::Mempool;
use tulou_primitives::{Genesis, Header};

use crate::{BlockMeters, Limits, Readers, TlsFiles, VaultMeters, Watch};

/// Knows who certifies blocks.
pub trait FinalitySource: Send + Sync {
    /// What certificates of this ledger are bound to.
    fn namespace(&self) -> Vec<u8>;
    /// ed25519 keys of the validators of the epoch of a height, ascending: the order in which a
    /// certificate counts them. For heights up to the end of the epoch after the newest block's.
    fn validators(&self, height: u64) -> Vec<B256>;
    /// Heights in one epoch of the validator set.
    fn epoch_length(&self) -> u64;
}

/// The clock of a dev chain, which may run ahead. Never present on a shared ledger.
pub trait DevClock: Send + Sync {
    /// Seconds since 1970 that a block made now would carry.
    fn now(&self) -> u64;
    /// Moves the clock forward and gives the new time.
    fn increase(&self, seconds: u64) -> u64;
    /// Sets the time of the next block.
    fn set_next(&self, timestamp: u64);
}

/// Every bound of the server in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcConfig {
    /// Bytes of a request.
    pub request_bytes: u32,
    /// Bytes of all requests above 64 KiB together that are being read or answered; one more is told to come
    /// back.
    pub bodies_bytes: u64,
    /// Bytes of an answer.
    pub response_bytes: u32,
    /// Calls in one batch.
    pub batch: u32,
    /// Connections at a time; one more is told so and closed.
    pub sockets: usize,
    /// How long a client may take nothing of what is sent to it before its connection is cut.
    pub stalled: Duration,
    /// How long a connection may say nothing. A WebSocket answers a ping every 30 s.
    pub silent: Duration,
    /// JSON-RPC requests and WebSockets at a time; one more is answered 429.
    pub connections: u32,
    /// Subscriptions of one connection.
    pub subscriptions: u32,
    /// Messages a subscriber may leave unread before the server waits for it.
    pub subscription_buffer: u32,
    /// Filters at a time, all clients together.
    pub filters: usize,
    /// Seconds after which a filter that nobody asks for is dropped.
    pub filter_idle_s: u64,
    /// Events one query may return.
    pub logs: usize,
    /// Blocks one query of events may span.
    pub log_blocks: u64,
    /// Gas of one `eth_call` or REST call.
    pub call_gas: u64,
    /// Costly calls (executions, proofs, event queries) that run at a time.
    pub heavy: usize,
    /// Costly calls that wait for a place; one more is refused at once.
    pub heavy_waiting: usize,
    /// How long `eth_sendRawTransactionSync` waits unless the caller says less.
    pub sync_timeout: Duration,
    /// Calls of `eth_sendRawTransactionSync` that wait at a time.
    pub sync_waiting: usize,
    /// Who may read rows of the class `scope`.
    pub readers: Readers,
    /// Origins of web pages, other than the node's own, that may call; `*` for any.
    pub origins: Vec<String>,
    /// Whether transactions are refused: the node answers questions only.
    pub read_only: bool,
    /// The certificate of the door; without it the door speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// How often the certificate's files are looked at.
    pub tls_look: Duration,
    /// What the process tells of its vault, if it keeps one.
    pub vault: Option<VaultMeters>,
    /// Bounds for each caller and account.
    pub limits: Limits,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            request_bytes: 10 << 20,
            bodies_bytes: 256 << 20,
            response_bytes: 64 << 20,
            batch: 1_000,
            sockets: 16_384,
            stalled: Duration::from_secs(20),
            silent: Duration::from_secs(300),
            connections: 16_384,
            subscriptions: 128,
            subscription_buffer: 128,
            filters: 4_096,
            filter_idle_s: 300,
            logs: 20_000,
            log_blocks: 1_000_000,
            call_gas: 50_000_000,
            heavy: std::thread::available_parallelism().map_or(2, usize::from),
            heavy_waiting: 1_024,
            sync_timeout: Duration::from_secs(20),
            sync_waiting: 16_384,
            readers: Readers::default(),
            origins: Vec::new(),
            read_only: false,
            tls: None,
            tls_look: Duration::from_secs(30),
            vault: None,
            limits: Limits::default(),
        }
    }
}

/// A chain that was made elsewhere and is only served here.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// Its rules.
    pub rules: Rules,
    /// What its blocks hold beside transactions, by height.
    pub bodies: BTreeMap<u64, ForeignBody>,
}

/// What a block of another chain holds beside transactions.
#[derive(Clone, Debug, Default)]
pub struct ForeignBody {
    /// Headers of its uncles.
    pub ommers: Vec<Header>,
    /// What left the beacon chain; `None` before there were withdrawals.
    pub withdrawals: Option<Withdrawals>,
}

/// Everything the server reads from and hands transactions to.
#[derive(Clone)]
pub struct RpcContext {
    /// Blocks and state.
    pub ledger: Ledger,
    /// Where transactions go.
    pub mempool: Arc<Mempool>,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Gas that one block may use.
    pub gas_limit: u64,
    /// What a chain that was made elsewhere has and this ledger's own have not.
    pub foreign: Option<Arc<Foreign>>,
    /// What was fixed before the first block.
    pub genesis: Arc<Genesis>,
    /// Short name of the ledger within this process: its path `/l/<name>/` and label in metrics.
    pub name: String,
    /// Folder whose size is watched.
    pub dir: Option<PathBuf>,
    /// Who certifies blocks.
    pub finality: Arc<dyn FinalitySource>,
    /// The rest of the node. Without it the server knows what the ledger alone can tell.
    pub watch: Option<Arc<dyn Watch>>,
    /// How long blocks take.
    pub blocks: Arc<BlockMeters>,
    /// The movable clock of a dev chain.
    pub dev: Option<Arc<dyn DevClock>>,
    /// Bounds.
    pub config: RpcConfig,
}

impl fmt::Debug for RpcContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcContext")
            .field("name", &self.name)
            .field("chain_id", &self.chain_id)
            .field("dev", &self.dev.is_some())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
