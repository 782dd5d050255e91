//! A state that somebody imagines for one call.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use tulou_primitives::{AccountState, StateError, StateReader};

use crate::{
    ethereum::Terms,
    executor::BlockEnv,
    national,
    provider::{Moves, is_code},
};

/// What a call pretends of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Another balance in wei.
    pub balance: Option<U256>,
    /// Another nonce.
    pub nonce: Option<u64>,
    /// Other code.
    pub code: Option<Bytes>,
    /// All of its storage; slots that are not named are zero.
    pub state: Option<BTreeMap<U256, U256>>,
    /// Some slots; the others stay. Ignored where `state` is given.
    pub state_diff: Option<BTreeMap<U256, U256>>,
    /// Where the precompile of this address answers instead.
    pub move_precompile_to: Option<Address>,
}

/// What a call pretends of the block it runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    /// Another height.
    pub number: Option<u64>,
    /// Other seconds since 1970.
    pub timestamp: Option<u64>,
    /// Another gas limit of the block.
    pub gas_limit: Option<u64>,
    /// Another proposer.
    pub coinbase: Option<Address>,
    /// Another `PREVRANDAO`.
    pub prevrandao: Option<B256>,
    /// Another price of a unit of gas in wei. Where gas is free it stays free.
    pub base_fee: Option<u64>,
    /// Another price of blobs in wei. Without effect where there are none.
    pub blob_base_fee: Option<u128>,
    /// Another difficulty. Without effect where there never was one.
    pub difficulty: Option<U256>,
}

/// Everything that a call pretends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Accounts that are not as they are.
    pub accounts: BTreeMap<Address, AccountOverride>,
    /// The block.
    pub block: BlockOverrides,
}

impl Overrides {
    /// The first account with code that no account can have.
    pub(crate) fn impossible(&self) -> Option<Address> {
        let mut accounts = self.accounts.iter();
        let found =
            accounts.find(|(_, account)| account.code.as_ref().is_some_and(|c| !is_code(c)));
        found.map(|(address, _)| *address)
    }

    /// Where precompiles answer. An account of which anything is pretended has none of its own.
    ///
    /// # Errors
    /// In words: what is to be moved is no precompile, or it is moved to where something else is
    /// pretended.
    pub(crate) fn moves(&self, env: &BlockEnv) -> Result<Moves, String> {
        moves(&self.accounts, env)
    }

    /// The block as it is pretended to be.
    pub(crate) fn block(&self, env: &BlockEnv) -> BlockEnv {
        let block = &self.block;
        BlockEnv {
            chain_id: env.chain_id,
            height: block.number.unwrap_or(env.height),
            timestamp: block.timestamp.unwrap_or(env.timestamp),
            gas_limit: block.gas_limit.unwrap_or(env.gas_limit),
            beneficiary: block.coinbase.unwrap_or(env.beneficiary),
            prevrandao: block.prevrandao.unwrap_or(env.prevrandao),
            next_validators: env.next_validators,
            terms: env.terms.map(|terms| Terms {
                base_fee: block.base_fee.unwrap_or(terms.base_fee),
                blob_price: block.blob_base_fee.or(terms.blob_price),
                difficulty: block.difficulty.unwrap_or(terms.difficulty),
                ..terms
            }),
        }
    }
}

/// As [`Overrides::moves`].
pub(crate) fn moves(
    accounts: &BTreeMap<Address, AccountOverride>,
    env: &BlockEnv,
) -> Result<Moves, String> {
    let precompiles =
        env.terms.map_or_else(national::own, |terms| national::ethereum(terms.fork.0));
    let mut moves = Moves::new();
    for (address, account) in accounts {
        let has = precompiles.contains(address);
        if let Some(to) = account.move_precompile_to {
            if !has {
                return Err(format!("account {address} is not a precompile"));
            }
            if accounts.contains_key(&to) {
                return Err(format!("account {to} is already overridden"));
            }
            moves.insert(to, Some(*address));
        }
        if has {
            moves.insert(*address, None);
        }
    }
    Ok(moves)
}

/// The state as it is pretended to be.
pub(crate) struct Imagined<'a> {
    state: &'a dyn StateReader,
    accounts: &'a BTreeMap<Address, AccountOverride>,
    code: BTreeMap<B256, Bytes>,
}

impl<'a> Imagined<'a> {
    pub(crate) fn new(state: &'a dyn StateReader, overrides: &'a Overrides) -> Self {
        let accounts = &overrides.accounts;
        let code = accounts.values().filter_map(|account| account.code.clone());
        let code = code.map(|code| (keccak256(&code), code)).collect();
        Self { state, accounts, code }
    }
}

impl StateReader for Imagined<'_> {
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        let real = self.state.account(address)?;
        let Some(imagined) = self.accounts.get(&address) else { return Ok(real) };
        let mut account = real.unwrap_or_default();
        account.balance = imagined.balance.unwrap_or(account.balance);
        account.nonce = imagined.nonce.unwrap_or(account.nonce);
        account.code_hash = imagined.code.as_ref().map_or(account.code_hash, keccak256);
        Ok(Some(account))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let imagined = self.accounts.get(&address);
        if let Some(state) = imagined.and_then(|account| account.state.as_ref()) {
            return Ok(state.get(&slot).copied().unwrap_or_default());
        }
        match imagined.and_then(|account| account.state_diff.as_ref()?.get(&slot)) {
            Some(value) => Ok(*value),
            None => self.state.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.code.get(&hash).map_or_else(|| self.state.code(hash), |code| Ok(code.clone()))
    }

    fn block_hash(&self, height: u64) -> Result<B256, StateError> {
        self.state.block_hash(height)
    }
}
