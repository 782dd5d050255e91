//! The tables on disk. All live in one keyspace, so that nothing is ever on disk without the rest of
//! its batch: with several, a power cut after a flush leaves one ahead of another.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode,
    Slice, config::CompressionPolicy,
};
use parking_lot::Mutex;
use tulou_primitives::AccountState;

use crate::{
    change::{Delta, Deltas, Leaf, decode_account, decode_undo, encode_account, encode_undo},
    error::LedgerError,
    trie::{Account, Link, apply, in_pool},
};

/// First bytes of keys.
mod table {
    /// `a | hashed address` -> account.
    pub(super) const ACCOUNT: u8 = b'a';
    /// `s | hashed address | hashed slot` -> value without leading zeros.
    pub(super) const SLOT: u8 = b's';
    /// `c | hash` -> code.
    pub(super) const CODE: u8 = b'c';
    /// `u | height` -> old values of what the block changed.
    pub(super) const UNDO: u8 = b'u';
    /// `h | height` -> header.
    pub(super) const HEADER: u8 = b'h';
    /// `b | height` -> list of transactions.
    pub(super) const BODY: u8 = b'b';
    /// `r | height` -> receipts.
    pub(super) const RECEIPTS: u8 = b'r';
    /// `f | height` -> certificate of finality.
    pub(super) const FINALITY: u8 = b'f';
    /// `i | block hash` -> height.
    pub(super) const HEIGHT: u8 = b'i';
    /// `t | transaction hash` -> height, index.
    pub(super) const TRANSACTION: u8 = b't';
    /// `m` -> head, `v` -> format. One key each.
    pub(super) const HEAD: u8 = b'm';
    pub(super) const FORMAT: u8 = b'v';
}

/// Changes with the tables; a folder with another number is refused.
const FORMAT: u8 = 1;
/// Leaves that are read before they are built into the trie.
const CHUNK: usize = 1 << 16;
/// Bytes of code kept in memory.
const CODE_CACHE: usize = 32 << 20;
/// Replaying journals costs about 1 us per entry at every start: this keeps it under a second.
const JOURNALS: u64 = 64 << 20;

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

/// All that one finalized block writes.
pub(crate) struct Entry<'a> {
    pub(crate) head: HeadRecord,
    pub(crate) header: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) receipts: Vec<u8>,
    pub(crate) transactions: Vec<B256>,
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
    codes: Mutex<CodeCache>,
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

#[derive(Default)]
struct CodeCache {
    by_hash: HashMap<B256, Bytes>,
    bytes: usize,
}

impl Store {
    /// Opens the folder. A new one is filled by `make` beside its final place and moved there when all
    /// is on disk, because a folder that was half made when the power went could never be opened.
    pub(crate) fn open(
        dir: &Path,
        sizes: Sizes,
        make: impl FnOnce(&Self) -> Result<(), LedgerError>,
    ) -> Result<Self, LedgerError> {
        fs::create_dir_all(dir)?;
        let lock = Arc::new(File::create(dir.join("lock"))?);
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LedgerError::InUse(dir.to_owned()),
            TryLockError::Error(error) => error.into(),
        })?;
        let home = dir.join("store");
        if !home.try_exists()? {
            let new = dir.join("store.new");
            if new.try_exists()? {
                fs::remove_dir_all(&new)?;
            }
            let store = Self::open_at(&new, sizes, lock.clone())?;
            make(&store)?;
            drop(store);
            fs::rename(&new, &home)?;
            File::open(dir)?.sync_all()?;
        }
        Self::open_at(&home, sizes, lock)
    }

    fn open_at(path: &Path, sizes: Sizes, lock: Arc<File>) -> Result<Self, LedgerError> {
        let builder = Database::builder(path)
            .max_journaling_size(JOURNALS)
            .cache_size(sizes.cache)
            .worker_threads(2);
        let damaged = |reason: String| LedgerError::damaged("the journal", reason);
        // Reading a damaged journal may fail an assertion in there: not our panic to pass on.
        let database = catch_unwind(AssertUnwindSafe(|| builder.open()))
            .map_err(|_| damaged("it cannot be read".into()))?
            .map_err(|error| match error {
                fjall::Error::JournalRecovery(error) => damaged(format!("{error:?}")),
                other => other.into(),
            })?;
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(sizes.memtable)
                .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
        };
        let keyspace = database.keyspace("ledger", options)?;
        let store = Self { database, keyspace, codes: Mutex::default(), _lock: lock };
        store.check_format()?;
        Ok(store)
    }

    fn check_format(&self) -> Result<(), LedgerError> {
        match self.keyspace.get([table::FORMAT])?.as_deref() {
            Some(&[FORMAT]) => Ok(()),
            Some(other) => Err(LedgerError::OtherFormat {
                expected: FORMAT,
                found: other.first().copied().unwrap_or_default(),
            }),
            None => Ok(self.keyspace.insert([table::FORMAT], [FORMAT])?),
        }
    }

    /// Writes a block and the state after it, all or nothing, and returns when it is on disk.
    pub(crate) fn commit(&self, entry: Entry<'_>) -> Result<(), LedgerError> {
        let height = entry.head.height;
        let capacity = entry.leaves.len() + entry.transactions.len() + 8;
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), capacity)
            .durability(Some(PersistMode::SyncAll));
        let mut put = |key: Vec<u8>, value: Vec<u8>| batch.insert(&self.keyspace, key, value);
        put(by_height(table::HEADER, height), entry.header);
        put(by_height(table::BODY, height), entry.body);
        put(by_height(table::RECEIPTS, height), entry.receipts);
        put(by_height(table::UNDO, height), encode_undo(&entry.undo));
        put(by_hash(table::HEIGHT, &entry.head.hash), alloy_rlp::encode(height));
        for (index, hash) in (0..).zip(&entry.transactions) {
            put(by_hash(table::TRANSACTION, hash), alloy_rlp::encode(TxPlace { height, index }));
        }
        for (hash, code) in &entry.code {
            if self.code(*hash)?.is_none() {
                put(by_hash(table::CODE, hash), code.to_vec());
            }
        }
        put(vec![table::HEAD], alloy_rlp::encode(entry.head));
        for leaf in &entry.leaves {
            self.write_leaf(&mut batch, leaf);
        }
        if let Some(height) = entry.forget {
            batch.remove(&self.keyspace, by_height(table::UNDO, height));
        }
        Ok(batch.commit()?)
    }

    fn write_leaf(&self, batch: &mut OwnedWriteBatch, leaf: &Leaf) {
        match leaf {
            Leaf::Account(key, state) => {
                let key = by_hash(table::ACCOUNT, key);
                match state {
                    Some(state) => batch.insert(&self.keyspace, key, encode_account(state)),
                    None => batch.remove(&self.keyspace, key),
                }
            }
            Leaf::Slot(owner, slot, value) => {
                let mut key = by_hash(table::SLOT, owner);
                key.extend_from_slice(slot.as_slice());
                if value.is_zero() {
                    batch.remove(&self.keyspace, key);
                } else {
                    batch.insert(&self.keyspace, key, value.to_be_bytes_trimmed_vec());
                }
            }
        }
    }

    /// The last block, `None` in a new folder.
    pub(crate) fn head(&self) -> Result<Option<HeadRecord>, LedgerError> {
        self.decoded(&[table::HEAD], "the head")
    }

    pub(crate) fn header(&self, height: u64) -> Result<Option<Slice>, LedgerError> {
        Ok(self.keyspace.get(by_height(table::HEADER, height))?)
    }

    pub(crate) fn body(&self, height: u64) -> Result<Option<Slice>, LedgerError> {
        Ok(self.keyspace.get(by_height(table::BODY, height))?)
    }

    pub(crate) fn receipts(&self, height: u64) -> Result<Option<Slice>, LedgerError> {
        Ok(self.keyspace.get(by_height(table::RECEIPTS, height))?)
    }

    pub(crate) fn undo(&self, height: u64) -> Result<Option<Deltas>, LedgerError> {
        let bytes = self.keyspace.get(by_height(table::UNDO, height))?;
        bytes
            .map(|bytes| decode_undo(&bytes))
            .transpose()
            .map_err(|error| LedgerError::damaged(format!("undo record {height}"), error))
    }

    /// Height of a finalized block.
    pub(crate) fn height_of(&self, hash: &B256) -> Result<Option<u64>, LedgerError> {
        self.decoded(&by_hash(table::HEIGHT, hash), "the height of a block")
    }

    /// Hash of a finalized block.
    pub(crate) fn hash_at(&self, height: u64) -> Result<Option<B256>, LedgerError> {
        Ok(self.header(height)?.map(keccak256))
    }

    pub(crate) fn transaction(&self, hash: &B256) -> Result<Option<TxPlace>, LedgerError> {
        self.decoded(&by_hash(table::TRANSACTION, hash), "the place of a transaction")
    }

    /// Keeps a certificate. It is as durable as the next block: the engine has its own copy.
    pub(crate) fn put_finality(&self, height: u64, bytes: &[u8]) -> Result<(), LedgerError> {
        Ok(self.keyspace.insert(by_height(table::FINALITY, height), bytes)?)
    }

    pub(crate) fn finality(&self, height: u64) -> Result<Option<Bytes>, LedgerError> {
        let bytes = self.keyspace.get(by_height(table::FINALITY, height))?;
        Ok(bytes.map(|bytes| Bytes::copy_from_slice(&bytes)))
    }

    /// Code by its hash.
    pub(crate) fn code(&self, hash: B256) -> Result<Option<Bytes>, LedgerError> {
        if let Some(code) = self.codes.lock().by_hash.get(&hash) {
            return Ok(Some(code.clone()));
        }
        let Some(bytes) = self.keyspace.get(by_hash(table::CODE, &hash))? else { return Ok(None) };
        let code = Bytes::copy_from_slice(&bytes);
        let mut cache = self.codes.lock();
        if cache.bytes + code.len() > CODE_CACHE {
            *cache = CodeCache::default();
        }
        if cache.by_hash.insert(hash, code.clone()).is_none() {
            cache.bytes += code.len();
        }
        Ok(Some(code))
    }

    /// Builds the trie from the leaves of the last block.
    pub(crate) fn load_state(&self) -> Result<Option<Link<Account>>, LedgerError> {
        let mut loader = Loader::default();
        let mut slots = self.keyspace.prefix([table::SLOT]);
        let mut slot = next_slot(&mut slots)?;
        for item in self.keyspace.prefix([table::ACCOUNT]) {
            let (key, value) = item.into_inner()?;
            let owner = hash_in(&key, 1)?;
            let account = decode_account(&value)
                .map_err(|error| LedgerError::damaged(format!("account {owner}"), error))?;
            loader.account(owner, account);
            while let Some((_, key, value)) = slot.filter(|(of, ..)| *of == owner) {
                loader.slot(owner, account, (key, value));
                slot = next_slot(&mut slots)?;
            }
        }
        if let Some((owner, ..)) = slot {
            return Err(LedgerError::damaged(format!("storage of {owner}"), "it has no account"));
        }
        Ok(loader.build())
    }

    fn decoded<T: Decodable>(&self, key: &[u8], what: &str) -> Result<Option<T>, LedgerError> {
        let Some(bytes) = self.keyspace.get(key)? else { return Ok(None) };
        T::decode(&mut bytes.as_ref()).map(Some).map_err(|error| LedgerError::damaged(what, error))
    }
}

/// Collects leaves in the order of keys and adds them to the trie a chunk at a time.
#[derive(Default)]
struct Loader {
    state: Option<Link<Account>>,
    chunk: Deltas,
    leaves: usize,
}

impl Loader {
    fn account(&mut self, key: B256, state: AccountState) {
        if self.leaves >= CHUNK {
            self.state = self.build();
        }
        self.chunk.push((key, Delta { state: Some(state), ..Default::default() }));
        self.leaves += 1;
    }

    /// Adds a slot to the account that came last.
    fn slot(&mut self, owner: B256, state: AccountState, slot: (B256, U256)) {
        if self.leaves >= CHUNK {
            self.account(owner, state);
        }
        if let Some((_, delta)) = self.chunk.last_mut() {
            delta.storage.push(slot);
            self.leaves += 1;
        }
    }

    fn build(&mut self) -> Option<Link<Account>> {
        let built = in_pool(self.leaves, || apply(self.state.as_ref(), &self.chunk, 0));
        self.chunk.clear();
        self.leaves = 0;
        built
    }
}

/// Owner, key and value of the next slot.
fn next_slot(slots: &mut fjall::Iter) -> Result<Option<(B256, B256, U256)>, LedgerError> {
    let Some(item) = slots.next() else { return Ok(None) };
    let (key, value) = item.into_inner()?;
    let value = U256::try_from_be_slice(&value)
        .ok_or_else(|| LedgerError::damaged("a slot", "longer than 32 bytes"))?;
    Ok(Some((hash_in(&key, 1)?, hash_in(&key, 33)?, value)))
}

/// The hash that begins at `at` in a key.
fn hash_in(key: &[u8], at: usize) -> Result<B256, LedgerError> {
    key.get(at..at + 32)
        .map(B256::from_slice)
        .ok_or_else(|| LedgerError::damaged("a key", "too short"))
}

fn by_height(table: u8, height: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(9);
    key.push(table);
    key.extend_from_slice(&height.to_be_bytes());
    key
}

fn by_hash(table: u8, hash: &B256) -> Vec<u8> {
    let mut key = Vec::with_capacity(65);
    key.push(table);
    key.extend_from_slice(hash.as_slice());
    key
}
