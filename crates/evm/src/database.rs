//! The state as revm reads it, and what revm leaves behind as a change of state.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, map::AddressMap};
use revm::{
    Database,
    database_interface::DBErrorMarker,
    state::{Account, AccountInfo, Bytecode, EvmState},
};
use tulou_primitives::{AccountChange, AccountState, ChangeSet, StateError, StateReader};

/// A [`StateError`] on its way through revm.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ReadFault(#[from] StateError);

impl DBErrorMarker for ReadFault {}

/// One version of the state, and what was read from it: a block's changes are told from its reads by
/// comparing, because revm forgets old values between the transactions of a block.
pub(crate) struct Reader<'a> {
    state: &'a dyn StateReader,
    accounts: AddressMap<Option<AccountState>>,
    slots: HashMap<(Address, U256), U256>,
    /// Whether empty accounts go (EIP-161), as they have done since the Spurious Dragon fork.
    sweeps: bool,
    /// The first read that failed. Whatever was made of it, nothing of this run may be used.
    failed: Option<StateError>,
}

impl core::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Reader").field("slots", &self.slots.len()).finish_non_exhaustive()
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(state: &'a dyn StateReader, sweeps: bool) -> Self {
        Self { state, accounts: AddressMap::default(), slots: HashMap::new(), sweeps, failed: None }
    }

    /// The first failure to read, where there was one.
    pub(crate) fn failed(&self) -> Option<&StateError> {
        self.failed.as_ref()
    }

    fn note<T>(&mut self, read: Result<T, StateError>) -> Result<T, ReadFault> {
        if let (Err(error), None) = (&read, &self.failed) {
            self.failed = Some(error.clone());
        }
        Ok(read?)
    }

    /// What a finalized run changed.
    ///
    /// # Errors
    /// - [`StateError`]: the state could not or cannot be read.
    pub(crate) fn changes(&self, after: &EvmState) -> Result<ChangeSet, StateError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut changes = ChangeSet::default();
        for (address, account) in after {
            if !account.is_touched() {
                continue;
            }
            let before = match self.accounts.get(address) {
                Some(before) => *before,
                None => self.state.account(*address)?,
            };
            let Some(change) = self.change(*address, account, before) else { continue };
            if let (Some(state), Some(code)) = (&change.state, &account.info.code)
                && state.code_hash != KECCAK256_EMPTY
                && before.is_none_or(|before| before.code_hash != state.code_hash)
            {
                changes.code.insert(state.code_hash, code.original_bytes());
            }
            changes.accounts.insert(*address, change);
        }
        Ok(changes)
    }

    /// The change of one touched account, `None` where it is as before.
    fn change(
        &self,
        address: Address,
        account: &Account,
        before: Option<AccountState>,
    ) -> Option<AccountChange> {
        // The local flag stays where nothing loaded the account after its destruction: only then are
        // its fields those of the dead one.
        if account.is_selfdestructed_locally() || (self.sweeps && account.is_empty()) {
            before?;
            return Some(AccountChange { wipe: true, ..Default::default() });
        }
        let info = &account.info;
        let state =
            AccountState { nonce: info.nonce, balance: info.balance, code_hash: info.code_hash };
        let wipe = before.is_some() && (account.is_created() || account.is_selfdestructed());
        let old = |slot: &U256| {
            let known = self.slots.get(&(address, *slot)).copied();
            if wipe { U256::ZERO } else { known.unwrap_or_default() }
        };
        let storage: BTreeMap<_, _> = account
            .storage
            .iter()
            .filter(|(slot, value)| value.present_value != old(slot))
            .map(|(slot, value)| (*slot, value.present_value))
            .collect();
        if before == Some(state) && storage.is_empty() && !wipe {
            return None;
        }
        Some(AccountChange { wipe, state: Some(state), storage })
    }
}

/// An account as revm knows it.
pub(crate) fn account_info(account: AccountState) -> AccountInfo {
    AccountInfo {
        balance: account.balance,
        nonce: account.nonce,
        code_hash: account.code_hash,
        // The default is "known to be empty", which would hide the code of every contract.
        code: None,
        ..Default::default()
    }
}

/// Code as revm knows it.
pub(crate) fn bytecode(state: &dyn StateReader, hash: B256) -> Result<Bytecode, ReadFault> {
    if hash == KECCAK256_EMPTY {
        return Ok(Bytecode::default());
    }
    let code = state.code(hash)?;
    Bytecode::new_raw_checked(code).map_err(|e| StateError(format!("code {hash}: {e}")).into())
}

impl Database for Reader<'_> {
    type Error = ReadFault;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadFault> {
        let account = self.state.account(address);
        let account = self.note(account)?;
        self.accounts.insert(address, account);
        Ok(account.map(account_info))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, ReadFault> {
        bytecode(self.state, hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadFault> {
        let value = self.state.storage(address, slot);
        let value = self.note(value)?;
        self.slots.insert((address, slot), value);
        Ok(value)
    }

    fn block_hash(&mut self, height: u64) -> Result<B256, ReadFault> {
        let hash = self.state.block_hash(height);
        self.note(hash)
    }
}
