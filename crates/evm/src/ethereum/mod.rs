//! Other Ethereum chains: their forks and their fees, so that suites and histories that were not made
//! here run on the executor of this ledger. No block of this ledger is made by these rules.

mod execute;
mod fixture;

use alloy_primitives::{Address, B256, U256};
use revm::primitives::hardfork::SpecId;
use tulou_primitives::Header;

pub use execute::{ForeignBlock, replay};
pub(crate) use execute::{begin, requests, reward, withdraw};
pub use fixture::{FixtureFault, FixtureRun, FixtureTx, run_fixture};

use crate::{executor::BlockEnv, national};

/// The rules of one Ethereum fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fork(pub(crate) SpecId);

impl Fork {
    /// The fork of that name, as fixtures and genesis files spell it.
    pub fn named(name: &str) -> Option<Self> {
        Some(Self(match name {
            "Frontier" => SpecId::FRONTIER,
            "Homestead" => SpecId::HOMESTEAD,
            "EIP150" | "Tangerine" => SpecId::TANGERINE,
            "EIP158" | "SpuriousDragon" => SpecId::SPURIOUS_DRAGON,
            "Byzantium" => SpecId::BYZANTIUM,
            "Constantinople" | "ConstantinopleFix" | "Petersburg" => SpecId::PETERSBURG,
            "Istanbul" => SpecId::ISTANBUL,
            "Berlin" => SpecId::BERLIN,
            "London" => SpecId::LONDON,
            "Paris" | "Merge" => SpecId::MERGE,
            "Shanghai" => SpecId::SHANGHAI,
            "Cancun" => SpecId::CANCUN,
            "Prague" => SpecId::PRAGUE,
            "Osaka" => SpecId::OSAKA,
            _ => return None,
        }))
    }

    /// Whether these rules contain those of `other`.
    pub fn includes(self, other: &str) -> bool {
        Self::named(other).is_some_and(|other| self >= other)
    }
}

/// How many blobs a block may hold and how their price moves (EIP-7892).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRules {
    /// Blobs of a block at which the price stays.
    pub target: u64,
    /// Most blobs of a block.
    pub max: u64,
    /// How slowly the price moves.
    pub update_fraction: u64,
}

impl BlobRules {
    /// Those of the Cancun fork (EIP-4844).
    pub const CANCUN: Self = Self { target: 3, max: 6, update_fraction: 3_338_477 };
    /// Those of the Prague fork (EIP-7691).
    pub const PRAGUE: Self = Self { target: 6, max: 9, update_fraction: 5_007_716 };
}

/// By which rules the transactions of a block run, where they are not this ledger's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The fork.
    pub fork: Fork,
    /// EIP-1559's price of a unit of gas in wei, burnt.
    pub base_fee: u64,
    /// `DIFFICULTY` before the merge.
    pub difficulty: U256,
    /// Blob gas above the target so far (EIP-4844).
    pub excess_blob_gas: u64,
    /// Price of blobs, where it is not the one that follows from the excess.
    pub blob_price: Option<u128>,
    /// Bounds of blobs.
    pub blobs: BlobRules,
}

/// When which rules of an Ethereum chain begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Forks by the height at which they begin, ascending.
    pub by_height: Vec<(u64, Fork)>,
    /// Forks by the second at which they begin, ascending.
    pub by_time: Vec<(u64, Fork)>,
    /// Bounds of blobs by the second from which they hold, ascending.
    pub blobs: Vec<(u64, BlobRules)>,
    /// Heights and times of all changes, those that move nothing here too, for the fork id (EIP-2124).
    pub milestones: (Vec<u64>, Vec<u64>),
    /// Where deposits of the beacon chain are made (EIP-6110).
    pub deposit_contract: Address,
}

impl Schedule {
    /// The rules of a block.
    pub fn fork(&self, height: u64, timestamp: u64) -> Fork {
        let by_height = self.by_height.iter().filter(|(from, _)| *from <= height);
        let by_time = self.by_time.iter().filter(|(from, _)| *from <= timestamp);
        let newest = by_height.chain(by_time).map(|(_, fork)| *fork).max();
        newest.unwrap_or(Fork(SpecId::FRONTIER))
    }

    /// The bounds of blobs at a time.
    pub fn blobs(&self, timestamp: u64) -> BlobRules {
        let begun = self.blobs.iter().rev().find(|(from, _)| *from <= timestamp);
        begun.map_or(BlobRules::CANCUN, |(_, blobs)| *blobs)
    }

    /// What transactions of a block see.
    pub fn env(&self, header: &Header) -> BlockEnv {
        let terms = Terms {
            fork: self.fork(header.number, header.timestamp),
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            difficulty: header.difficulty,
            excess_blob_gas: header.excess_blob_gas.unwrap_or_default(),
            blob_price: None,
            blobs: self.blobs(header.timestamp),
        };
        BlockEnv { terms: Some(terms), ..Rules::Own.env(self.chain_id, header) }
    }
}

/// The rules by which a ledger's blocks are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// This ledger's: one fork, free gas.
    #[default]
    Own,
    /// Those of an Ethereum chain that is replayed.
    Ethereum(std::sync::Arc<Schedule>),
}

impl Rules {
    /// What a call in a block sees.
    pub fn env(&self, chain_id: u64, header: &Header) -> BlockEnv {
        match self {
            Self::Ethereum(schedule) => schedule.env(header),
            Self::Own => BlockEnv {
                chain_id,
                height: header.number,
                timestamp: header.timestamp,
                gas_limit: header.gas_limit,
                beneficiary: header.beneficiary,
                prevrandao: header.mix_hash,
                next_validators: None,
                terms: None,
            },
        }
    }

    /// The price in wei that a unit of gas of a transaction cost in a block.
    pub fn gas_price(&self, tx: &impl alloy_consensus::Transaction, header: &Header) -> u128 {
        match self {
            Self::Own => 0,
            Self::Ethereum(_) => tx.effective_gas_price(header.base_fee_per_gas),
        }
    }

    /// The schedule of forks, where there is one.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Own => None,
            Self::Ethereum(schedule) => Some(schedule),
        }
    }
}

/// Where contracts look for the roots of the beacon chain (EIP-4788).
pub(crate) const BEACON_ROOTS: Address =
    alloy_primitives::address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
/// Where contracts look for hashes of old blocks (EIP-2935).
pub(crate) const HISTORY: Address =
    alloy_primitives::address!("0000F90827F1C53a10cb7A02335B175320002935");
/// Requests of withdrawals (EIP-7002).
pub(crate) const WITHDRAWALS: Address =
    alloy_primitives::address!("00000961Ef480Eb55e80D19ad83579A64c007002");
/// Requests of consolidations (EIP-7251).
pub(crate) const CONSOLIDATIONS: Address =
    alloy_primitives::address!("0000BBdDc7CE488642fb579F8B00f3a590007251");

/// Input of a system call that wants none.
pub(crate) fn word(hash: B256) -> alloy_primitives::Bytes {
    hash.into()
}

/// Names and addresses of the precompiles of a fork (EIP-7910); without one those of this ledger, native
/// modules among them.
pub fn precompiles(fork: Option<Fork>) -> Vec<(&'static str, Address)> {
    let spec = fork.map_or(crate::machine::SPEC, |fork| fork.0);
    let known = national::ethereum(spec);
    let named = NAMES.iter().map(|(at, name)| (*name, Address::from_word(U256::from(*at).into())));
    let mut rows: Vec<_> = named.filter(|(_, address)| known.contains(address)).collect();
    if fork.is_none() {
        rows.extend(national::NAMES);
        rows.extend(tulou_modules::ALL.iter().map(|module| (module.name, module.address)));
    }
    rows
}

/// Contracts that the protocol calls (EIP-7910).
pub fn system_contracts(schedule: &Schedule) -> Vec<(&'static str, Address)> {
    vec![
        ("BEACON_ROOTS_ADDRESS", BEACON_ROOTS),
        ("CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", CONSOLIDATIONS),
        ("DEPOSIT_CONTRACT_ADDRESS", schedule.deposit_contract),
        ("HISTORY_STORAGE_ADDRESS", HISTORY),
        ("WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", WITHDRAWALS),
    ]
}

/// Precompiles by address, as EIP-7910 names them.
const NAMES: [(u64, &str); 18] = [
    (0x01, "ECREC"),
    (0x02, "SHA256"),
    (0x03, "RIPEMD160"),
    (0x04, "ID"),
    (0x05, "MODEXP"),
    (0x06, "BN254_ADD"),
    (0x07, "BN254_MUL"),
    (0x08, "BN254_PAIRING"),
    (0x09, "BLAKE2F"),
    (0x0a, "KZG_POINT_EVALUATION"),
    (0x0b, "BLS12_G1ADD"),
    (0x0c, "BLS12_G1MSM"),
    (0x0d, "BLS12_G2ADD"),
    (0x0e, "BLS12_G2MSM"),
    (0x0f, "BLS12_PAIRING_CHECK"),
    (0x10, "BLS12_MAP_FP_TO_G1"),
    (0x11, "BLS12_MAP_FP2_TO_G2"),
    (0x100, "P256VERIFY"),
];
