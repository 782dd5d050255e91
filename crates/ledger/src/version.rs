//! One version of the state: as of the end of one block.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use tulou_primitives::{
    AccountState, Block, ChangeSet, Header, ReceiptEnvelope, StateError, StateReader,
};

use crate::{
    change::{Deltas, hash_keys, hash_slot},
    error::LedgerError,
    ledger::apply_changes,
    store::Store,
    trie::{Account, Link, get, prove, root_hash},
};

/// How many blocks back a contract may ask for a hash.
const HASH_WINDOW: u64 = 256;

/// The state as of the end of one block, and where that block stands. Cloning shares everything; a
/// clone stays readable whatever the ledger does afterwards.
#[derive(Clone)]
pub struct Version(Arc<Inner>);

struct Inner {
    header: Arc<Header>,
    hash: B256,
    state: Option<Link<Account>>,
    /// This block and its ancestors that were not on disk yet when the version was made.
    pending: Vec<Arc<Pending>>,
    store: Arc<Store>,
}

/// What a block that is not on disk adds to what the disk knows.
struct Pending {
    height: u64,
    hash: B256,
    code: Arc<BTreeMap<B256, Bytes>>,
}

/// A proof of one account and some of its slots, in the shape of `eth_getProof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The account that was asked for.
    pub address: Address,
    /// Nodes from the state root towards the account. They prove its absence where `state` is `None`.
    pub account_proof: Vec<Bytes>,
    /// The account, if there is one.
    pub state: Option<AccountState>,
    /// Root of its storage; that of the empty trie where there is none.
    pub storage_root: B256,
    /// The slots in the order they were asked for.
    pub storage: Vec<SlotProof>,
}

/// A proof of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotProof {
    /// The plain key.
    pub key: U256,
    /// The value; zero is proven by absence.
    pub value: U256,
    /// Nodes from the storage root towards the slot; empty where the account has no storage.
    pub proof: Vec<Bytes>,
}

impl Version {
    /// A version whose block is on disk.
    pub(crate) fn on_disk(
        header: Arc<Header>,
        hash: B256,
        state: Option<Link<Account>>,
        store: Arc<Store>,
    ) -> Self {
        Self(Arc::new(Inner { header, hash, state, pending: Vec::new(), store }))
    }

    /// The version of a block executed on this one, while all up to `finalized` are on disk.
    fn child(
        &self,
        block: &Block,
        state: Option<Link<Account>>,
        code: Arc<BTreeMap<B256, Bytes>>,
        finalized: u64,
    ) -> Self {
        let mut pending: Vec<_> =
            self.0.pending.iter().filter(|p| p.height > finalized).cloned().collect();
        pending.push(Arc::new(Pending { height: block.height(), hash: block.hash(), code }));
        Self(Arc::new(Inner {
            header: Arc::new(block.header().clone()),
            hash: block.hash(),
            state,
            pending,
            store: self.0.store.clone(),
        }))
    }

    /// The state root.
    pub fn root(&self) -> B256 {
        root_hash(self.0.state.as_ref())
    }

    /// Root of the state in which changes are on top of this one. Nothing is kept.
    pub fn root_with(&self, changes: &ChangeSet) -> B256 {
        let deltas = hash_keys(changes, false);
        root_hash(apply_changes(self.state(), &deltas).as_ref())
    }

    /// Height of the block.
    pub fn height(&self) -> u64 {
        self.0.header.number
    }

    /// Hash of the block. For hashes of earlier blocks see [`StateReader::block_hash`].
    pub fn block_hash(&self) -> B256 {
        self.0.hash
    }

    /// Header of the block.
    pub fn header(&self) -> &Arc<Header> {
        &self.0.header
    }

    /// Proves an account and `slots` (plain keys) of it, present or not.
    pub fn proof(&self, address: Address, slots: &[U256]) -> AccountProof {
        let key = keccak256(address);
        let account = get(self.state(), &key);
        let storage = account.and_then(Account::storage);
        let slot = |slot: &U256| {
            let key = hash_slot(slot);
            let value = get(storage, &key).map_or(U256::ZERO, |value| value.0);
            SlotProof { key: *slot, value, proof: prove(storage, &key) }
        };
        AccountProof {
            address,
            account_proof: prove(self.state(), &key),
            state: account.map(Account::state),
            storage_root: root_hash(storage),
            storage: slots.iter().map(slot).collect(),
        }
    }

    pub(crate) fn state(&self) -> Option<&Link<Account>> {
        self.0.state.as_ref()
    }
}

impl StateReader for Version {
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        Ok(get(self.state(), &keccak256(address)).map(Account::state))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let account = get(self.state(), &keccak256(address));
        let Some(storage) = account.and_then(Account::storage) else { return Ok(U256::ZERO) };
        Ok(get(Some(storage), &hash_slot(&slot)).map_or(U256::ZERO, |value| value.0))
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        if let Some(code) = self.0.pending.iter().rev().find_map(|block| block.code.get(&hash)) {
            return Ok(code.clone());
        }
        let found = self.0.store.health().watched(self.0.store.code(hash))?;
        found.ok_or_else(|| StateError(format!("no code with hash {hash}")))
    }

    fn block_hash(&self, height: u64) -> Result<B256, StateError> {
        let here = self.height();
        if height > here || here - height > HASH_WINDOW {
            return Ok(B256::ZERO);
        }
        if height == here {
            return Ok(self.0.hash);
        }
        if height + 1 == here {
            return Ok(self.0.header.parent_hash);
        }
        if let Some(block) = self.0.pending.iter().find(|block| block.height == height) {
            return Ok(block.hash);
        }
        // All heights of this branch that are not pending are final, so the disk knows them.
        let missing = || LedgerError::damaged(format!("header {height}"), "missing");
        let hash = self.0.store.hash_at(height).and_then(|hash| hash.ok_or_else(missing));
        Ok(self.0.store.health().watched(hash)?)
    }
}

/// Changes applied to a version, before the hash of the block that makes them is known.
#[derive(Clone)]
pub struct Speculation {
    pub(crate) parent: Version,
    pub(crate) state: Option<Link<Account>>,
    pub(crate) deltas: Arc<Deltas>,
    pub(crate) code: Arc<BTreeMap<B256, Bytes>>,
}

impl Speculation {
    /// The state root that the block's header must carry.
    pub fn root(&self) -> B256 {
        root_hash(self.state.as_ref())
    }

    /// The version that was built on.
    pub fn parent(&self) -> &Version {
        &self.parent
    }
}

/// An executed block that is not final yet.
pub struct Candidate {
    /// The block.
    pub block: Arc<Block>,
    /// Its receipts, one per transaction.
    pub receipts: Arc<Vec<ReceiptEnvelope>>,
    /// The state after it.
    pub version: Version,
    pub(crate) speculation: Speculation,
}

impl Candidate {
    /// Joins a block with what its execution gave, while all up to `finalized` are on disk.
    pub(crate) fn new(
        block: Block,
        receipts: Vec<ReceiptEnvelope>,
        speculation: Speculation,
        finalized: u64,
    ) -> Self {
        let Speculation { parent, state, code, .. } = &speculation;
        let version = parent.child(&block, state.clone(), code.clone(), finalized);
        Self { block: Arc::new(block), receipts: Arc::new(receipts), version, speculation }
    }
}
