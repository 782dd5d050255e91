//! What a block reads and what it changes. `evm` produces a [`ChangeSet`], `ledger` keeps it; neither
//! needs to know how the other works.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use serde::{Deserialize, Serialize};

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Native balance in wei. Residents never see it.
    pub balance: U256,
    /// keccak256 of the code; that of the empty string where there is none.
    pub code_hash: B256,
}

impl Default for AccountState {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

impl AccountState {
    /// Whether EIP-161 removes it: no nonce, no balance, no code.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }
}

/// What happened to one account. Applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// All old storage goes first: the account was destroyed, and perhaps made again.
    pub wipe: bool,
    /// The account after the block; `None` removes it with its storage.
    pub state: Option<AccountState>,
    /// Changed slots by their plain key; zero removes the slot.
    pub storage: BTreeMap<U256, U256>,
}

/// Everything a block, or a run of blocks, changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// By plain address, in order, so that every replica writes the same bytes.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// Code deployed, by its hash.
    pub code: BTreeMap<B256, Bytes>,
}

/// A read that failed for a reason that is not the caller's: the disk, or a damaged store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state cannot be read: {0}")]
pub struct StateError(pub String);

/// One version of the state, as of the end of one block.
pub trait StateReader: Send + Sync {
    /// The account, or `None` where there is none.
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError>;
    /// The slot, zero where it was never written.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;
    /// The code with this hash; an unknown hash is an error, not empty code.
    fn code(&self, hash: B256) -> Result<Bytes, StateError>;
    /// Hash of an earlier block of the same branch (at most 256 back), zero where unknown.
    fn block_hash(&self, height: u64) -> Result<B256, StateError>;
}
