//! A chain held in memory, and helpers to run validators over it.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes};
use futures::future::BoxFuture;
use tulou_consensus::{
    Application, EngineConfig, EngineHandle, Finality, namespace, public_key, start,
};
use tulou_primitives::{Block, Header};

pub(crate) const CHAIN_ID: u64 = 7755;
pub(crate) const EPOCH_LENGTH: u64 = 10;

/// Seed of the key of validator `i`.
pub(crate) fn seed(i: u8) -> [u8; 32] {
    [i + 1; 32]
}

/// The keys of validators.
pub(crate) fn committee(members: &[u8]) -> Vec<B256> {
    members.iter().map(|i| public_key(seed(*i))).collect()
}

pub(crate) fn genesis() -> Block {
    Block::new(Header { timestamp: 1_700_000_000, ..Header::default() }, Vec::new())
}

pub(crate) fn chain_namespace() -> Vec<u8> {
    namespace(CHAIN_ID, genesis().hash())
}

/// Committees by the epoch from which they hold.
pub(crate) type Committees = BTreeMap<u64, Vec<B256>>;

/// A chain of empty blocks. It outlives an engine, as the ledger of a node does.
pub(crate) struct Chain {
    committees: Committees,
    /// Blocks per epoch.
    pub(crate) epoch_length: u64,
    /// How long a proposal is held.
    pub(crate) pace: Duration,
    /// Final blocks with their certificates, by height.
    pub(crate) finals: Mutex<BTreeMap<u64, (Block, Finality)>>,
    /// Heights in the order of delivery, repetitions included.
    pub(crate) delivered: Mutex<Vec<u64>>,
    /// Where final blocks are written, for a chain that outlives its process.
    pub(crate) log: Option<Mutex<File>>,
    /// Decline the first turn.
    pub(crate) decline: AtomicBool,
    /// Refuse the block of this height.
    pub(crate) refuse: Option<u64>,
    /// What other nodes have sent.
    pub(crate) heard: Mutex<Vec<(B256, Bytes)>>,
}

impl Chain {
    pub(crate) fn new(committees: Committees) -> Self {
        Self {
            committees,
            epoch_length: EPOCH_LENGTH,
            pace: Duration::ZERO,
            finals: Mutex::default(),
            delivered: Mutex::default(),
            log: None,
            decline: AtomicBool::new(false),
            refuse: None,
            heard: Mutex::default(),
        }
    }

    pub(crate) fn height(&self) -> u64 {
        self.finals.lock().unwrap().last_key_value().map_or(0, |(height, _)| *height)
    }

    pub(crate) fn get(&self, height: u64) -> (Block, Finality) {
        self.finals.lock().unwrap()[&height].clone()
    }

    pub(crate) fn committee(&self, epoch: u64) -> Vec<B256> {
        self.committees.range(..=epoch).next_back().unwrap().1.clone()
    }

    /// Whether the certificate at `height` carries the signature of validator `i`.
    pub(crate) fn signed(&self, height: u64, i: u8) -> bool {
        let (_, finality) = self.get(height);
        let mut keys = self.committee(finality.epoch);
        keys.sort_unstable();
        let place = keys.iter().position(|key| *key == public_key(seed(i))).unwrap();
        finality.signers.contains(&(place as u32))
    }

    /// Every block hangs on the one before, and every certificate proves it or a block above it.
    /// One of the newest may be certified by a block that has not arrived. The first is block 1, or
    /// that of a snapshot.
    pub(crate) fn check(&self) {
        let finals = self.finals.lock().unwrap();
        let Some((first, (oldest, _))) = finals.first_key_value() else { return };
        let mut parent = if *first == 1 { genesis().hash() } else { oldest.header().parent_hash };
        let last = finals.last_key_value().map_or(0, |(height, _)| *height);
        for (expected, (height, (block, finality))) in (*first..).zip(finals.iter()) {
            assert_eq!((*height, block.height()), (expected, expected));
            assert_eq!(block.header().parent_hash, parent);
            parent = block.hash();
            assert_eq!(finality.epoch, height / self.epoch_length);
            let validators = self.committee(finality.epoch);
            finality.verify(&chain_namespace(), &validators).unwrap();
            assert_eq!(Finality::decode(&finality.encoded).as_ref(), Ok(finality));
            let certified = finals.range(height..).any(|(_, (b, _))| b.hash() == finality.digest);
            assert!(certified || *height + 16 > last, "block {height} has a stray certificate");
        }
    }
}

/// What the engine gets: the engine owns it, the test keeps the chain.
pub(crate) struct Node(pub(crate) Arc<Chain>);

impl Application for Node {
    fn genesis(&self) -> Block {
        genesis()
    }

    fn propose(&self, parent: Block) -> BoxFuture<'static, Option<Block>> {
        let pace = self.0.pace;
        let declines = self.0.decline.swap(false, Ordering::Relaxed);
        Box::pin(async move {
            if declines {
                return None;
            }
            tokio::time::sleep(pace).await;
            let header = Header {
                parent_hash: parent.hash(),
                number: parent.height() + 1,
                timestamp: parent.header().timestamp + 1,
                ..Header::default()
            };
            Some(Block::new(header, Vec::new()))
        })
    }

    fn verify(&self, parent: Block, block: Block) -> BoxFuture<'static, bool> {
        let valid = block.header().timestamp == parent.header().timestamp + 1
            && block.header().parent_hash == parent.hash();
        Box::pin(async move { valid })
    }

    fn finalized(
        &self,
        block: Block,
        finality: Finality,
    ) -> BoxFuture<'static, Result<(), String>> {
        let chain = Arc::clone(&self.0);
        Box::pin(async move {
            let height = block.height();
            if chain.refuse == Some(height) {
                return Err("the disk is full".into());
            }
            chain.delivered.lock().unwrap().push(height);
            let mut finals = chain.finals.lock().unwrap();
            if let Some((known, _)) = finals.get(&height) {
                assert_eq!(known.hash(), block.hash(), "two blocks are final at {height}");
                return Ok(());
            }
            if let Some(log) = &chain.log {
                let mut log = log.lock().unwrap();
                writeln!(log, "{height} {}", block.hash()).unwrap();
                log.sync_data().unwrap();
            }
            finals.insert(height, (block, finality));
            Ok(())
        })
    }

    fn height(&self) -> Option<u64> {
        self.0.log.is_none().then(|| self.0.height())
    }

    fn heard(&self, from: B256, message: Bytes) {
        self.0.heard.lock().unwrap().push((from, message));
    }

    fn validators(&self, epoch: u64) -> Vec<B256> {
        self.0.committee(epoch)
    }
}

/// Addresses that were free a moment ago.
pub(crate) fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let listeners: Vec<_> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
}

pub(crate) fn config(dir: &Path, i: u8, addresses: &[SocketAddr]) -> EngineConfig {
    let peers = (0..).zip(addresses).map(|(i, addr)| (public_key(seed(i)), *addr)).collect();
    EngineConfig {
        dir: dir.join(format!("validator-{i}")),
        key: seed(i),
        listen: addresses[i as usize],
        peers,
        max_peers: 8,
        chain_id: CHAIN_ID,
        genesis_hash: genesis().hash(),
        epoch_length: EPOCH_LENGTH,
        heartbeat_ms: 500,
        max_block_bytes: 1 << 20,
        vote_after: None,
        floor: None,
        keep_blocks: None,
        threads: 2,
    }
}

pub(crate) fn run(config: EngineConfig, chain: &Arc<Chain>) -> EngineHandle {
    start(config, Arc::new(Node(Arc::clone(chain)))).unwrap()
}

/// Waits until every chain has reached `height`; panics with the heights after 30 seconds.
pub(crate) fn wait_for(chains: &[Arc<Chain>], height: u64) {
    wait_long_for(chains, height, Duration::from_secs(30));
}

/// Waits until every chain has reached `height`; panics with the heights after `limit`.
pub(crate) fn wait_long_for(chains: &[Arc<Chain>], height: u64, limit: Duration) {
    let start = Instant::now();
    while chains.iter().any(|chain| chain.height() < height) {
        let heights: Vec<_> = chains.iter().map(|chain| chain.height()).collect();
        assert!(start.elapsed() < limit, "stuck at {heights:?}");
        thread::sleep(Duration::from_millis(10));
    }
}
