//! The first page of a ledger: who keeps it, who holds which office, which accounts exist.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// An account that exists from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenesisAccount {
    /// Native balance in wei.
    pub balance: U256,
    /// Transactions already sent.
    pub nonce: u64,
    /// Contract code.
    pub code: Bytes,
    /// Slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}

/// A person or body that holds an office from the first block on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeHolder {
    /// Name of the office as `IRoles.sol` spells it, e.g. `registrar`.
    pub office: String,
    /// The holder's account.
    pub account: Address,
    /// Last second of the term; 0 has no end.
    pub until: u64,
}

/// Everything that is fixed before the first block. Two nodes with equal values have equal genesis
/// hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Gas a block may use.
    pub gas_limit: u64,
    /// Heights in one epoch of the validator set.
    pub epoch_length: u64,
    /// How long an idle leader waits before it proposes an empty block.
    pub heartbeat_ms: u64,
    /// ed25519 keys of the first validators, in order.
    pub validators: Vec<B256>,
    /// Names of the rule packs in force, broadest first, e.g. `cn`, `cn-hangzhou`.
    pub packs: Vec<String>,
    /// First holders of offices.
    pub offices: Vec<OfficeHolder>,
    /// First accounts.
    pub accounts: BTreeMap<Address, GenesisAccount>,
}
