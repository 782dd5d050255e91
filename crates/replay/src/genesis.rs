//! `genesis.json` as geth writes it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH,
    constants::{EMPTY_RECEIPTS, EMPTY_TRANSACTIONS, EMPTY_WITHDRAWALS},
};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B64, B256, Bytes, U64, U256, keccak256};
use serde::Deserialize;
use serde_json::{Map, Value};
use tulou_evm::ethereum::{BlobRules, Fork, Schedule};
use tulou_ledger::Ledger;
use tulou_primitives::{AccountChange, AccountState, Block, ChangeSet, Header};

/// The first page of an Ethereum chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EthereumGenesis {
    config: Config,
    #[serde(default)]
    nonce: U64,
    #[serde(default)]
    timestamp: U64,
    #[serde(default)]
    extra_data: Bytes,
    gas_limit: U64,
    #[serde(default)]
    difficulty: U256,
    #[serde(default)]
    mix_hash: B256,
    #[serde(default)]
    coinbase: Address,
    base_fee_per_gas: Option<U64>,
    alloc: BTreeMap<String, Account>,
}

/// Forks by height (`…Block`) or by time (`…Time`) and bounds of blobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    chain_id: u64,
    #[serde(default)]
    blob_schedule: BTreeMap<String, Blobs>,
    deposit_contract_address: Option<Address>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blobs {
    target: u64,
    max: u64,
    base_fee_update_fraction: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Account {
    #[serde(default)]
    balance: U256,
    #[serde(default)]
    nonce: U64,
    #[serde(default)]
    code: Bytes,
    #[serde(default)]
    storage: BTreeMap<B256, B256>,
}

/// Forks by the name of their height in the file.
const BY_HEIGHT: [(&str, &str); 8] = [
    ("homesteadBlock", "Homestead"),
    ("eip150Block", "Tangerine"),
    ("eip158Block", "SpuriousDragon"),
    ("byzantiumBlock", "Byzantium"),
    ("petersburgBlock", "Petersburg"),
    ("istanbulBlock", "Istanbul"),
    ("berlinBlock", "Berlin"),
    ("londonBlock", "London"),
];
/// Forks by the name of their time in the file.
const BY_TIME: [(&str, &str); 4] = [
    ("shanghaiTime", "Shanghai"),
    ("cancunTime", "Cancun"),
    ("pragueTime", "Prague"),
    ("osakaTime", "Osaka"),
];

impl EthereumGenesis {
    /// Reads the file.
    ///
    /// # Errors
    /// - the place that is not as it should be.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// When which rules begin. The first block with rewards from outside the chain (difficulty zero)
    /// is where proof of work ends: `mergeNetsplitBlock`, or the genesis block.
    pub fn schedule(&self) -> Schedule {
        let at = |name: &str| self.config.other.get(name).and_then(Value::as_u64);
        let forks = |table: &[(&str, &str)]| -> Vec<(u64, Fork)> {
            let begun = table.iter().filter_map(|(key, name)| Some((at(key)?, Fork::named(name)?)));
            begun.collect()
        };
        let mut by_height = forks(&BY_HEIGHT);
        // Constantinople and Petersburg are one where both are known.
        if let (Some(height), Some(fork)) =
            (at("constantinopleBlock"), Fork::named("Constantinople"))
        {
            by_height.push((height, fork));
        }
        let merge = at("mergeNetsplitBlock").or(self.difficulty.is_zero().then_some(0));
        if let (Some(height), Some(fork)) = (merge, Fork::named("Merge")) {
            by_height.push((height, fork));
        }
        by_height.sort_unstable();
        let mut blobs: Vec<_> = self
            .config
            .blob_schedule
            .iter()
            .filter_map(|(name, blobs)| {
                let Blobs { target, max, base_fee_update_fraction: update_fraction } = *blobs;
                Some((at(&format!("{name}Time"))?, BlobRules { target, max, update_fraction }))
            })
            .collect();
        blobs.sort_unstable_by_key(|(from, _)| *from);
        Schedule {
            chain_id: self.config.chain_id,
            by_height,
            by_time: forks(&BY_TIME),
            blobs,
            milestones: (self.milestones("Block"), self.milestones("Time")),
            deposit_contract: self.config.deposit_contract_address.unwrap_or_default(),
        }
    }

    /// Every height or time at which something changes, once each, those of the genesis block left out.
    fn milestones(&self, suffix: &str) -> Vec<u64> {
        let named = self.config.other.iter().filter(|(key, _)| key.ends_with(suffix));
        let all: BTreeSet<u64> = named.filter_map(|(_, value)| value.as_u64()).collect();
        all.into_iter().filter(|at| *at > 0).collect()
    }

    /// The state before the first block.
    ///
    /// # Errors
    /// - the account whose address cannot be read.
    pub fn changes(&self) -> Result<ChangeSet, String> {
        let mut changes = ChangeSet::default();
        for (address, account) in &self.alloc {
            let address: Address =
                address.parse().map_err(|_| format!("{address} is not an address"))?;
            let code_hash = keccak256(&account.code);
            if !account.code.is_empty() {
                changes.code.insert(code_hash, account.code.clone());
            }
            let storage = account.storage.iter().map(|(k, v)| (U256::from_be_bytes(k.0), *v));
            let storage = storage.map(|(k, v)| (k, U256::from_be_bytes(v.0)));
            let state =
                AccountState { nonce: account.nonce.to(), balance: account.balance, code_hash };
            let change = AccountChange {
                wipe: false,
                state: Some(state),
                storage: storage.filter(|(_, value)| !value.is_zero()).collect(),
            };
            changes.accounts.insert(address, change);
        }
        Ok(changes)
    }

    /// The first block over a state.
    pub fn block(&self, changes: &ChangeSet) -> Block {
        let fork = self.schedule().fork(0, self.timestamp.to());
        let since = |name: &str| fork.includes(name);
        let base_fee = self.base_fee_per_gas.map_or(1_000_000_000, |fee| fee.to());
        Block::new(
            Header {
                parent_hash: B256::ZERO,
                ommers_hash: EMPTY_OMMER_ROOT_HASH,
                beneficiary: self.coinbase,
                state_root: Ledger::genesis_root(changes),
                transactions_root: EMPTY_TRANSACTIONS,
                receipts_root: EMPTY_RECEIPTS,
                difficulty: self.difficulty,
                gas_limit: self.gas_limit.to(),
                timestamp: self.timestamp.to(),
                extra_data: self.extra_data.clone(),
                mix_hash: self.mix_hash,
                nonce: B64::from(self.nonce.to::<u64>()),
                base_fee_per_gas: since("London").then_some(base_fee),
                withdrawals_root: since("Shanghai").then_some(EMPTY_WITHDRAWALS),
                blob_gas_used: since("Cancun").then_some(0),
                excess_blob_gas: since("Cancun").then_some(0),
                parent_beacon_block_root: since("Cancun").then_some(B256::ZERO),
                requests_hash: since("Prague").then_some(EMPTY_REQUESTS_HASH),
                ..Default::default()
            },
            Vec::new(),
        )
    }
}
