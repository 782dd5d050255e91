//! The tables on disk. All live in one keyspace, so that nothing is ever on disk without the rest of
//! its batch: with several, a power cut after a flush leaves one ahead of another.

mod code;
pub(crate) mod keys;
mod load;
mod tables;

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::FileExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode,
    config::CompressionPolicy,
};
use parking_lot::Mutex;

use self::{
    code::CodeCache,
    keys::{by_hash, by_height},
};
use crate::{
    change::{Deltas, Leaf, encode_account, encode_undo},
    disk::free_bytes,
    error::LedgerError,
    health::Health,
};

pub(crate) use self::tables::EpochRecord;

/// Changes with the tables; a folder with another number is refused.
const FORMAT: u8 = 2;
/// Replaying journals costs about 1 us per entry at every start: this keeps it under a second.
const JOURNALS: u64 = 64 << 20;
/// A write that fails for no reason of its own while less is free than this has failed because the
/// disk is full: a thread that sorts tables met it first.
const TIGHT: u64 = 64 << 20;

/// The last block on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct HeadRecord {
    pub(crate) height: u64,
    pub(crate) hash: B256,
    pub(crate) root: B256,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct TxPlace {
    /// Height of the block.
    pub height: u64,
    /// Place in the block, from 0.
    pub index: u64,
}

/// A block as the tables hold it.
pub(crate) struct BlockEntry {
    pub(crate) height: u64,
    pub(crate) hash: B256,
    pub(crate) header: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) receipts: Vec<u8>,
    pub(crate) transactions: Vec<B256>,
    /// Whether it is the last of its epoch.
    pub(crate) ends_epoch: bool,
}

/// All that one finalized block writes.
pub(crate) struct Entry<'a> {
    pub(crate) block: BlockEntry,
    pub(crate) root: B256,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) undo: Deltas,
    pub(crate) code: Vec<(B256, &'a Bytes)>,
    /// Undo record that is not needed any more.
    pub(crate) forget: Option<u64>,
}

/// The store of one ledger.
pub(crate) struct Store {
    database: Database,
    keyspace: Keyspace,
    dir: PathBuf,
    codes: Mutex<CodeCache>,
    health: Health,
    /// The height of the head as text. Not synced: it tells a store that lost its end from one that
    /// never was longer, and after a power cut it may know less.
    mark: File,
    /// Released last: readers of old versions keep the folder as well.
    _lock: Arc<File>,
}

/// Bytes of memory for the store.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// Blocks of tables that were read.
    pub(crate) cache: u64,
    /// Records that are not in tables yet.
    pub(crate) memtable: u64,
}

/// Several writes that reach the disk together or not at all.
pub(crate) struct Batch<'a> {
    store: &'a Store,
    writes: OwnedWriteBatch,
}

impl Store {
    /// Opens the folder. A new one is filled by `make` beside its final place and moved there when all
    /// is on disk, because a folder that was half made when the power went could never be opened.
    pub(crate) fn open<E: From<LedgerError>>(
        dir: &Path,
        sizes: Sizes,
        make: impl FnOnce(&Self) -> Result<(), E>,
    ) -> Result<Self, E> {
        let lock = Self::lock(dir)?;
        let home = dir.join("store");
        if !home.try_exists().map_err(LedgerError::from)? {
            let new = dir.join("store.new");
            if new.try_exists().map_err(LedgerError::from)? {
                fs::remove_dir_all(&new).map_err(LedgerError::from)?;
            }
            let store = Self::open_at(dir, &new, sizes, lock.clone())?;
            let made = make(&store);
            drop(store);
            if made.is_err() {
                // What is left would go at the next attempt at the latest.
                let _ = fs::remove_dir_all(&new);
            }
            made?;
            let moved = fs::rename(&new, &home).and_then(|()| File::open(dir)?.sync_all());
            moved.map_err(LedgerError::from)?;
        }
        Ok(Self::open_at(dir, &home, sizes, lock)?)
    }

    fn lock(dir: &Path) -> Result<Arc<File>, LedgerError> {
        fs::create_dir_all(dir)?;
        let lock = Arc::new(File::create(dir.join("lock"))?);
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LedgerError::InUse(dir.to_owned()),
            TryLockError::Error(error) => error.into(),
        })?;
        Ok(lock)
    }

    /// Opens the tables at `path`, in the ledger's folder `dir`.
    fn open_at(
        dir: &Path,
        path: &Path,
        sizes: Sizes,
        lock: Arc<File>,
    ) -> Result<Self, LedgerError> {
        let mark = dir.join("height");
        let mark =
            File::options().create(true).truncate(false).read(true).write(true).open(mark)?;
        let open = || -> Result<Self, LedgerError> {
            let database = Database::builder(path)
                .max_journaling_size(JOURNALS)
                .cache_size(sizes.cache)
                // With more than one, one of them sends a compaction to itself over and over while another
                // works on one (fjall 3.1): a tenth of a busy node's CPU.
                .worker_threads(1)
                .open()?;
            let options = || {
                KeyspaceCreateOptions::default()
                    .max_memtable_size(sizes.memtable)
                    .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
            };
            let keyspace = database.keyspace("ledger", options)?;
            let (codes, health) = (Mutex::default(), Health::default());
            let dir = dir.to_owned();
            Ok(Self { database, keyspace, dir, codes, health, mark, _lock: lock })
        };
        // Reading damaged files may fail an assertion in there: not our panic to pass on.
        let store = catch_unwind(AssertUnwindSafe(open))
            .unwrap_or_else(|_| Err(LedgerError::damaged("the journal", "it cannot be read")))?;
        store.check_format()?;
        Ok(store)
    }

    fn check_format(&self) -> Result<(), LedgerError> {
        match self.keyspace.get([keys::FORMAT])?.as_deref() {
            Some(&[FORMAT]) => Ok(()),
            Some(other) => Err(LedgerError::OtherFormat {
                expected: FORMAT,
                found: other.first().copied().unwrap_or_default(),
            }),
            None => Ok(self.keyspace.insert([keys::FORMAT], [FORMAT])?),
        }
    }

    /// Memory of the tables' blocks that were read and of records that are not in tables yet.
    pub(crate) fn cached_bytes(&self) -> u64 {
        self.database.cache_size() + self.database.write_buffer_size()
    }

    /// What was found wrong with this store.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// The ledger's folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A height that was the head once, as far as is known. Higher than the head where the store has
    /// lost its end.
    pub(crate) fn mark(&self) -> Option<u64> {
        let mut text = [0; 20];
        self.mark.read_exact_at(&mut text, 0).ok()?;
        str::from_utf8(&text).ok()?.trim().parse().ok()
    }

    fn set_mark(&self, height: u64) {
        // It only helps to describe damage: a block is final without it.
        let _ = self.mark.write_all_at(format!("{height:>20}").as_bytes(), 0);
    }

    /// Begins a batch.
    pub(crate) fn batch(&self, capacity: usize) -> Batch<'_> {
        let writes = OwnedWriteBatch::with_capacity(self.database.clone(), capacity);
        Batch { store: self, writes }
    }

    /// Writes a block and the state after it, all or nothing, and returns when it is on disk.
    pub(crate) fn commit(&self, entry: Entry<'_>) -> Result<(), LedgerError> {
        let (height, hash) = (entry.block.height, entry.block.hash);
        let mut batch = self.batch(entry.leaves.len() + entry.block.transactions.len() + 9);
        batch.put(by_height(keys::UNDO, height), encode_undo(&entry.undo));
        batch.block(entry.block);
        for (hash, code) in &entry.code {
            if self.code(*hash)?.is_none() {
                batch.put(by_hash(keys::CODE, hash), code.to_vec());
            }
        }
        entry.leaves.iter().for_each(|leaf| batch.leaf(leaf));
        if let Some(height) = entry.forget {
            batch.remove(by_height(keys::UNDO, height));
        }
        batch.head(HeadRecord { height, hash, root: entry.root });
        batch.write()?;
        self.set_mark(height);
        Ok(())
    }

    /// Does a write, unless one has failed before, and keeps a failure in mind.
    pub(crate) fn writing(
        &self,
        write: impl FnOnce() -> fjall::Result<()>,
    ) -> Result<(), LedgerError> {
        self.health.may_write()?;
        write().map_err(|error| {
            let without_reason = matches!(error, fjall::Error::Poisoned);
            let error = match free_bytes(&self.dir) {
                Ok(free) if without_reason && free < TIGHT => {
                    LedgerError::Full(format!("{free} bytes are free"))
                }
                _ => error.into(),
            };
            self.health.note_failure(&error);
            error
        })
    }
}

impl Batch<'_> {
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.insert(&self.store.keyspace, key, value);
    }

    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.writes.remove(&self.store.keyspace, key);
    }

    /// A value that nothing but its seal vouches for.
    pub(crate) fn put_sealed(&mut self, key: Vec<u8>, value: &[u8]) {
        let sealed = keys::seal(&key, value);
        self.put(key, sealed);
    }

    /// A block with its indexes.
    pub(crate) fn block(&mut self, entry: BlockEntry) {
        let height = entry.height;
        if entry.ends_epoch {
            let end = EpochRecord::new(&entry.header);
            self.put_sealed(by_height(keys::EPOCH_END, height), &alloy_rlp::encode(end));
        }
        self.header(height, &entry.hash, entry.header);
        self.put(by_height(keys::BODY, height), entry.body);
        self.put(by_height(keys::RECEIPTS, height), entry.receipts);
        for (index, hash) in (0..).zip(&entry.transactions) {
            self.put(
                by_hash(keys::TRANSACTION, hash),
                alloy_rlp::encode(TxPlace { height, index }),
            );
        }
    }

    /// A header with its index.
    pub(crate) fn header(&mut self, height: u64, hash: &B256, bytes: Vec<u8>) {
        self.put(by_height(keys::HEADER, height), bytes);
        self.put(by_hash(keys::HEIGHT, hash), alloy_rlp::encode(height));
    }

    pub(crate) fn leaf(&mut self, leaf: &Leaf) {
        match leaf {
            Leaf::Account(key, state) => {
                let key = by_hash(keys::ACCOUNT, key);
                match state {
                    Some(state) => self.put(key, encode_account(state)),
                    None => self.remove(key),
                }
            }
            Leaf::Slot(owner, slot, value) => {
                let mut key = by_hash(keys::SLOT, owner);
                key.extend_from_slice(slot.as_slice());
                if value.is_zero() {
                    self.remove(key);
                } else {
                    self.put(key, value.to_be_bytes_trimmed_vec());
                }
            }
        }
    }

    pub(crate) fn head(&mut self, head: HeadRecord) {
        self.put(vec![keys::HEAD], alloy_rlp::encode(head));
    }

    pub(crate) fn first_kept(&mut self, height: u64) {
        self.put_sealed(vec![keys::FIRST_KEPT], &alloy_rlp::encode(height));
    }

    /// Returns when all is on disk.
    pub(crate) fn write(self) -> Result<(), LedgerError> {
        let Self { store, writes } = self;
        store.writing(|| writes.durability(Some(PersistMode::SyncAll)).commit())
    }

    /// Returns when all will be on disk with the next [`Batch::write`].
    pub(crate) fn write_later(self) -> Result<(), LedgerError> {
        let Self { store, writes } = self;
        store.writing(|| writes.commit())
    }
}
