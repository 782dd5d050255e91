//! The ledger: what a node keeps, in one place.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use alloy_primitives::{B256, Bytes};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tulou_primitives::{Block, ChangeSet, Header, ReceiptEnvelope};

use crate::{
    change::{Deltas, diff, hash_keys, weight},
    codec::{cut_block, decode_header, encode_receipts},
    disk::used_bytes,
    epochs::ends_epoch,
    error::LedgerError,
    history::Stations,
    reads::Shelves,
    store::{BlockEntry, Entry, Sizes, Store},
    trie::{Account, Link, apply, in_pool, root_hash},
    version::{Candidate, Speculation, Version},
    versions::{Reaper, Versions},
};

/// What a keeper may choose. None of it changes what the ledger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerConfig {
    /// Finalized versions that can be read and proven from, at least 1. Each costs what its block
    /// changed: about 0.8 KB per leaf.
    pub retained_versions: usize,
    /// Heights below the head whose state can be asked for ([`Ledger::historical`]), where that is more
    /// than what is retained: what each block changed stays on disk for so long.
    pub history: u64,
    /// The newest finalized blocks that are kept decoded with their receipts, at least 1.
    pub recent_blocks: usize,
    /// Whether accounts without nonce, balance and code stay, as they did on other chains before EIP-161.
    pub keep_empty: bool,
    /// Candidates held at once. More make the oldest go, to be executed again if it wins after all.
    pub max_candidates: usize,
    /// Bytes of disk blocks kept in memory.
    pub cache_bytes: u64,
    /// Bytes that are written before they are sorted into a table. Twice as many make the start read
    /// twice as much again.
    pub memtable_bytes: u64,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            retained_versions: 64,
            history: 0,
            recent_blocks: 16,
            keep_empty: false,
            max_candidates: 256,
            cache_bytes: 32 << 20,
            memtable_bytes: 8 << 20,
        }
    }
}

/// The last finalized block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Height, 0 for genesis.
    pub height: u64,
    /// Hash of the block.
    pub hash: B256,
    /// Root of the state after it.
    pub state_root: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Its header.
    pub header: Arc<Header>,
}

/// Blocks that were final and are not on disk any more: the end of the store was lost. The engine
/// delivers them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Height of a head that was once on disk.
    pub had: u64,
    /// Height of the head that was found.
    pub has: u64,
}

/// Blocks, state and indexes of one ledger. Cloning shares it; every method may be called from any
/// thread. Nothing speculative reaches the disk, and a finalized block is on disk, with the state after
/// it, before anybody hears of it.
#[derive(Clone)]
pub struct Ledger(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    genesis: Block,
    config: LedgerConfig,
    pub(crate) store: Arc<Store>,
    pub(crate) versions: RwLock<Versions>,
    /// Blocks that were read from the disk and checked.
    pub(crate) shelves: Shelves,
    /// Old states that were made again.
    pub(crate) stations: Mutex<Stations>,
    /// The lowest height whose block is kept.
    pub(crate) first_kept: AtomicU64,
    lost: Option<Lost>,
    head: watch::Sender<Head>,
    /// Held while a block is made final, or old ones are taken away or put back: one at a time.
    pub(crate) finalizing: Mutex<()>,
    reaper: Reaper,
}

impl LedgerConfig {
    /// Heights below the head whose state is kept, in memory or as changes on disk.
    pub(crate) fn kept_states(&self) -> u64 {
        self.history.max(u64::try_from(self.retained_versions).unwrap_or(u64::MAX))
    }

    pub(crate) fn sizes(&self) -> Sizes {
        Sizes { cache: self.cache_bytes, memtable: self.memtable_bytes }
    }
}

impl Ledger {
    /// Opens the folder, or makes it with `genesis_block`, whose state is all that `genesis_changes`
    /// sets. Continuing reads all leaves and checks that they add up to the last block's root (1 to
    /// 2 s per million).
    ///
    /// # Errors
    /// - [`LedgerError::InUse`]: another process has the folder.
    /// - [`LedgerError::OtherFormat`], [`LedgerError::OtherGenesis`]: not a folder of this ledger.
    /// - [`LedgerError::RootMismatch`]: the leaves do not add up, or a new genesis block does not
    ///   carry the root of its state.
    /// - [`LedgerError::Damaged`], [`LedgerError::Store`]: the disk.
    pub fn open(
        dir: &Path,
        genesis_block: &Block,
        genesis_changes: ChangeSet,
        config: LedgerConfig,
    ) -> Result<Self, LedgerError> {
        let make = |store: &Store| write_genesis(store, genesis_block, &genesis_changes);
        let store = Store::open(dir, config.sizes(), make)?;
        drop(genesis_changes);
        Self::start(store, genesis_block, config)
    }

    /// Loads the state of a store that has a head, and serves it.
    pub(crate) fn start(
        store: Store,
        genesis_block: &Block,
        config: LedgerConfig,
    ) -> Result<Self, LedgerError> {
        let config = LedgerConfig { retained_versions: config.retained_versions.max(1), ..config };
        let store = Arc::new(store);
        let first_kept = store.first_kept()?;
        let row = load_row(&store, genesis_block.hash(), config.retained_versions)?;
        let has = row[row.len() - 1].height();
        let lost = store.mark().filter(|had| *had > has).map(|had| Lost { had, has });
        let versions = Versions::new(row, &config);
        let (head, _) = watch::channel(head_of(versions.latest()));
        let reaper = Reaper::start()?;
        Ok(Self(Arc::new(Shared {
            genesis: genesis_block.clone(),
            config,
            store,
            versions: RwLock::new(versions),
            shelves: Shelves::default(),
            stations: Mutex::default(),
            first_kept: AtomicU64::new(first_kept),
            lost,
            head,
            finalizing: Mutex::new(()),
            reaper,
        })))
    }

    /// The first block.
    pub fn genesis(&self) -> &Block {
        &self.0.genesis
    }

    /// What is wrong with the data on disk, from the moment a read has met it until the folder is
    /// replaced. Nothing altered is ever served, and from then on nothing at all should be.
    pub fn damage(&self) -> Option<String> {
        self.watch_damage().borrow().clone()
    }

    /// Changes when damage is met for the first time.
    pub fn watch_damage(&self) -> watch::Receiver<Option<String>> {
        self.0.store.health().damage()
    }

    /// Why a write failed, `None` where none has. No write succeeds after it until the folder is opened
    /// again; reads go on.
    pub fn failure(&self) -> Option<String> {
        self.watch_failure().borrow().clone()
    }

    /// Changes when a write fails for the first time.
    pub fn watch_failure(&self) -> watch::Receiver<Option<String>> {
        self.0.store.health().failure()
    }

    /// Blocks that the disk lost before the folder was opened, if any were noticed.
    pub fn lost(&self) -> Option<Lost> {
        self.0.lost
    }

    /// The ledger's folder.
    pub fn dir(&self) -> &Path {
        self.0.store.dir()
    }

    /// Bytes that the ledger takes on its disk.
    ///
    /// # Errors
    /// - [`LedgerError::Store`]: the folder cannot be read.
    pub fn used_bytes(&self) -> Result<u64, LedgerError> {
        Ok(used_bytes(self.dir())?)
    }

    /// Memory for what was read from the disk and for what is not in tables yet. It grows to a bound while
    /// people read, and is not the state's.
    pub fn cached_bytes(&self) -> u64 {
        self.0.store.cached_bytes() + self.0.shelves.bytes() as u64
    }

    /// The last finalized block.
    pub fn head(&self) -> Head {
        self.0.head.borrow().clone()
    }

    /// Every new head; a slow receiver sees only the newest.
    pub fn subscribe(&self) -> watch::Receiver<Head> {
        self.0.head.subscribe()
    }

    /// The state after a block: a candidate, or one of the last finalized ones.
    pub fn version(&self, block_hash: B256) -> Option<Version> {
        self.0.versions.read().get(block_hash).cloned()
    }

    /// The state after a finalized block, while it is retained.
    pub fn version_at(&self, height: u64) -> Option<Version> {
        self.0.versions.read().at(height).cloned()
    }

    /// The lowest height whose state can be asked for, as far as the configuration says: where it was
    /// raised lately the older ones are missing.
    pub fn oldest_version(&self) -> u64 {
        let oldest = self.0.versions.read().oldest().height();
        oldest.min(self.head().height.saturating_sub(self.config().kept_states()))
    }

    /// The state after the last finalized block.
    pub fn latest(&self) -> Version {
        self.0.versions.read().latest().clone()
    }

    /// Root of the state in which `changes` is everything.
    pub fn genesis_root(changes: &ChangeSet) -> B256 {
        root_hash(apply_changes(None, &hash_keys(changes, false)).as_ref())
    }

    /// Applies what a block changes to the state after its parent, candidate or finalized. The parent
    /// stays as it is; any number of rivals may be built on it.
    ///
    /// # Errors
    /// - [`LedgerError::UnknownBlock`]: the parent is not held, or too old.
    pub fn propose_root(
        &self,
        parent: B256,
        changes: &ChangeSet,
    ) -> Result<Speculation, LedgerError> {
        let parent = self.version(parent).ok_or(LedgerError::UnknownBlock(parent))?;
        let deltas = hash_keys(changes, self.0.config.keep_empty);
        let state = apply_changes(parent.state(), &deltas);
        let code = Arc::new(changes.code.clone());
        Ok(Speculation { parent, state, deltas: Arc::new(deltas), code })
    }

    /// Keeps an executed block under its hash until it or a rival is final. `speculation` must come
    /// from its parent and its changes, which [`Ledger::finalize`] checks. Holding twice is harmless.
    pub fn hold(&self, block: Block, receipts: Vec<ReceiptEnvelope>, speculation: Speculation) {
        let mut versions = self.0.versions.write();
        let finalized = versions.latest().height();
        let garbage = versions.hold(Candidate::new(block, receipts, speculation, finalized));
        drop(versions);
        self.0.reaper.take(garbage);
    }

    /// Whether [`Ledger::held`] finds the block.
    pub fn is_held(&self, hash: B256) -> bool {
        self.0.versions.read().candidate(hash).is_some()
    }

    /// A block that was executed and is not final yet.
    pub fn held(&self, hash: B256) -> Option<Arc<Candidate>> {
        self.0.versions.read().candidate(hash).cloned()
    }

    /// Makes a held block final: writes it with the state after it, drops its rivals, tells everybody.
    /// Returns the head when all is on disk. A block that is final already changes nothing.
    ///
    /// # Errors
    /// - [`LedgerError::UnknownBlock`]: not held.
    /// - [`LedgerError::NotNext`]: it, or what it was executed on, is not the head.
    /// - [`LedgerError::RootMismatch`]: its header carries another root than its execution gave.
    /// - [`LedgerError::Full`], [`LedgerError::Store`], [`LedgerError::Damaged`]: the disk; restart.
    pub fn finalize(&self, hash: B256) -> Result<Head, LedgerError> {
        let _one_at_a_time = self.0.finalizing.lock();
        let head = self.head();
        let Some(candidate) = self.held(hash) else {
            let known = self.watched(self.0.store.height_of(&hash))?.is_some();
            return if known { Ok(head) } else { Err(LedgerError::UnknownBlock(hash)) };
        };
        let header = candidate.block.header();
        let follows = header.parent_hash == head.hash && header.number == head.height + 1;
        if !follows || candidate.speculation.parent.block_hash() != head.hash {
            return Err(LedgerError::NotNext { hash, head: head.hash });
        }
        let forget = header.number.checked_sub(self.0.config.kept_states());
        self.watched(write_block(&self.0.store, &candidate, forget))?;
        let garbage = self.0.versions.write().settle(&candidate);
        self.0.reaper.take(garbage);
        let head = head_of(&candidate.version);
        self.0.head.send_replace(head.clone());
        Ok(head)
    }

    /// The configuration it was opened with.
    pub(crate) fn config(&self) -> &LedgerConfig {
        &self.0.config
    }

    /// Whether a height is at or below the head that readers are told of. A block is on disk a moment
    /// before; whoever saw it then and asked for the newest state would get the state before it.
    pub(crate) fn is_told(&self, height: u64) -> bool {
        height <= self.0.head.borrow().height
    }
}

fn head_of(version: &Version) -> Head {
    Head {
        height: version.height(),
        hash: version.block_hash(),
        state_root: version.root(),
        timestamp: version.header().timestamp,
        header: version.header().clone(),
    }
}

pub(crate) fn apply_changes(
    parent: Option<&Link<Account>>,
    deltas: &Deltas,
) -> Option<Link<Account>> {
    in_pool(weight(deltas), || apply(parent, deltas, 0))
}

/// Writes block 0 into a new folder.
fn write_genesis(store: &Store, block: &Block, changes: &ChangeSet) -> Result<(), LedgerError> {
    let deltas = hash_keys(changes, false);
    let root = root_hash(apply_changes(None, &deltas).as_ref());
    write(store, block, &[], root, (None, &deltas), &changes.code, None)
}

fn write_block(
    store: &Store,
    candidate: &Candidate,
    forget: Option<u64>,
) -> Result<(), LedgerError> {
    let Candidate { block, receipts, version, speculation } = candidate;
    let change = (speculation.parent.state(), speculation.deltas.as_ref());
    write(store, block, receipts, version.root(), change, &speculation.code, forget)
}

fn write(
    store: &Store,
    block: &Block,
    receipts: &[ReceiptEnvelope],
    root: B256,
    (parent, deltas): (Option<&Link<Account>>, &Deltas),
    code: &BTreeMap<B256, Bytes>,
    forget: Option<u64>,
) -> Result<(), LedgerError> {
    let (height, expected) = (block.height(), block.header().state_root);
    if expected != root {
        return Err(LedgerError::RootMismatch { height, expected, found: root });
    }
    let (leaves, undo) = diff(parent, deltas);
    store.commit(Entry {
        block: block_entry(block, receipts)?,
        root,
        leaves,
        undo,
        code: code.iter().map(|(hash, code)| (*hash, code)).collect(),
        forget,
    })
}

/// A block with its receipts as the tables hold them.
pub(crate) fn block_entry(
    block: &Block,
    receipts: &[ReceiptEnvelope],
) -> Result<BlockEntry, LedgerError> {
    let height = block.height();
    let (header, body) =
        cut_block(block).map_err(|error| LedgerError::damaged(format!("block {height}"), error))?;
    Ok(BlockEntry {
        height,
        hash: block.hash(),
        header,
        body,
        receipts: encode_receipts(receipts),
        transactions: block.transactions().iter().map(|tx| tx.hash()).collect(),
        ends_epoch: ends_epoch(block.header()),
    })
}

/// Builds the last version from its leaves and the ones before it from the undo records; each must have
/// the root that its header says.
fn load_row(
    store: &Arc<Store>,
    genesis: B256,
    retained: usize,
) -> Result<VecDeque<Version>, LedgerError> {
    let found = store.hash_at(0)?.unwrap_or_default();
    if found != genesis {
        return Err(LedgerError::OtherGenesis { expected: genesis, found });
    }
    let head = store.head()?.ok_or_else(|| LedgerError::damaged("the head", "missing"))?;
    let mut row = VecDeque::new();
    let mut state = store.load_state()?;
    let mut height = head.height;
    loop {
        row.push_front(load_version(store, height, state.clone())?);
        if height == 0 || row.len() == retained {
            break;
        }
        let Some(undo) = store.undo(height)? else { break };
        state = apply_changes(state.as_ref(), &undo);
        height -= 1;
    }
    let last = row[row.len() - 1].block_hash();
    if last != head.hash {
        let reason = format!("its header has hash {last}, not {}", head.hash);
        return Err(LedgerError::damaged(format!("block {}", head.height), reason));
    }
    Ok(row)
}

pub(crate) fn load_version(
    store: &Arc<Store>,
    height: u64,
    state: Option<Link<Account>>,
) -> Result<Version, LedgerError> {
    let what = || format!("header {height}");
    let bytes = store.header(height)?.ok_or_else(|| LedgerError::damaged(what(), "missing"))?;
    let header = decode_header(&bytes).map_err(|error| LedgerError::damaged(what(), error))?;
    let (expected, found) = (header.state_root, root_hash(state.as_ref()));
    if expected != found {
        return Err(LedgerError::RootMismatch { height, expected, found });
    }
    let hash = alloy_primitives::keccak256(&bytes);
    store.confirm(height, &hash)?;
    Ok(Version::on_disk(Arc::new(header), hash, state, store.clone()))
}
