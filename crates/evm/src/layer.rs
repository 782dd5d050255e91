//! Changes that are not in any ledger, on top of a state that is.

use std::collections::{BTreeMap, btree_map::Entry};

use alloy_primitives::{Address, B256, Bytes, U256};
use tulou_primitives::{AccountState, ChangeSet, StateError, StateReader};

/// A state with changes on top, which grow.
pub struct Layer<'a> {
    base: &'a dyn StateReader,
    changes: ChangeSet,
    hashes: BTreeMap<u64, B256>,
}

impl core::fmt::Debug for Layer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Layer").field("accounts", &self.changes.accounts.len()).finish()
    }
}

impl<'a> Layer<'a> {
    /// Nothing changed yet.
    pub fn new(base: &'a dyn StateReader) -> Self {
        Self { base, changes: ChangeSet::default(), hashes: BTreeMap::new() }
    }

    /// Everything that changed since [`Layer::new`].
    pub fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    /// Everything that changed, without a copy.
    pub fn into_changes(self) -> ChangeSet {
        self.changes
    }

    /// Adds what happened after all that is here.
    pub fn absorb(&mut self, later: ChangeSet) {
        self.changes.code.extend(later.code);
        for (address, change) in later.accounts {
            match self.changes.accounts.entry(address) {
                Entry::Vacant(entry) => {
                    entry.insert(change);
                }
                Entry::Occupied(mut entry) => {
                    let known = entry.get_mut();
                    known.state = change.state;
                    if change.wipe || change.state.is_none() {
                        known.wipe = true;
                        known.storage.clear();
                    }
                    known.storage.extend(change.storage);
                }
            }
        }
    }

    /// Adds to a balance, and makes the account where there is none.
    ///
    /// # Errors
    /// - [`StateError`]: the state below cannot be read.
    pub fn credit(&mut self, address: Address, wei: U256) -> Result<(), StateError> {
        let mut account = self.account(address)?.unwrap_or_default();
        account.balance = account.balance.saturating_add(wei);
        self.changes.accounts.entry(address).or_default().state = Some(account);
        Ok(())
    }

    /// Sets a nonce, and makes the account where there is none.
    ///
    /// # Errors
    /// - [`StateError`]: the state below cannot be read.
    pub(crate) fn set_nonce(&mut self, address: Address, nonce: u64) -> Result<(), StateError> {
        let mut account = self.account(address)?.unwrap_or_default();
        account.nonce = nonce;
        self.changes.accounts.entry(address).or_default().state = Some(account);
        Ok(())
    }

    /// Names a block that is on top of those that the state below knows.
    pub fn name_block(&mut self, height: u64, hash: B256) {
        self.hashes.insert(height, hash);
    }
}

impl StateReader for Layer<'_> {
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        match self.changes.accounts.get(&address) {
            Some(change) => Ok(change.state),
            None => self.base.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let Some(change) = self.changes.accounts.get(&address) else {
            return self.base.storage(address, slot);
        };
        match change.storage.get(&slot) {
            Some(value) => Ok(*value),
            None if change.wipe || change.state.is_none() => Ok(U256::ZERO),
            None => self.base.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.changes.code.get(&hash).map_or_else(|| self.base.code(hash), |code| Ok(code.clone()))
    }

    fn block_hash(&self, height: u64) -> Result<B256, StateError> {
        self.hashes.get(&height).map_or_else(|| self.base.block_hash(height), |hash| Ok(*hash))
    }
}
