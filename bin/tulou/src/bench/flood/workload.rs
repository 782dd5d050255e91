//! What is sent.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use tulou_client::Key;

use super::{
    Signed, Target, ballots, bills, city, keys,
    signed::{Ready, in_parallel},
    token,
};
use crate::output::Failure;

/// Gas of a call to one of the contracts.
const CALL_GAS: u64 = 120_000;
/// Gas for eight new slots.
const PUT_GAS: u64 = 300_000;
/// A fee cap above what development chains ask at first. Not charged by Tulou.
const FEE_CAP: u128 = 20_000_000_000;
/// Contracts of the row that spreads its calls.
const CONTRACTS: usize = 32;

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// Native transfers to many accounts.
    Transfer,
    /// Native transfers to one account.
    Hot,
    /// Transfers of a Solidity ERC-20.
    Token,
    /// The same over 32 contracts.
    Tokens32,
    /// Values of 256 bytes under new keys.
    Store,
    /// One ballot of every owner of a large estate.
    Ballots,
    /// The shares of all units in decided jobs, in one run.
    Bills,
    /// What a city of 500 estates does in its busiest hour, at a given rate.
    CityHour,
}

/// How large the rows are.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Sizes {
    /// Transactions of each row but those of bills and city-hour.
    #[arg(long, default_value_t = 60_000)]
    pub(crate) transactions: usize,
    /// Owners with a home and a key of their own, in ballots and city-hour. In ballots each votes once.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) owners: u64,
    /// Units that bills charges.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) units: u64,
    /// Units of each job of bills: the homes of one building, which bear it together.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) job_units: u64,
    /// Transactions a second of city-hour.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) city_rate: u64,
    /// Seconds that city-hour lasts.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) city_seconds: u64,
}

/// Account number `index` of those that a filled ledger begins with.
pub(crate) fn recipients(index: u64) -> Address {
    tulou_primitives::filler_account(index)
}

impl Workload {
    /// Whether any Ethereum endpoint can bear it. The others call modules of this ledger.
    pub(crate) fn is_for_peers(self) -> bool {
        !matches!(self, Self::Ballots | Self::Bills | Self::CityHour)
    }

    fn name(self, accounts: u64) -> String {
        match self {
            Self::Transfer => format!("native transfer to {accounts} accounts"),
            Self::Hot => "native transfer, hot account".into(),
            Self::Token => format!("ERC-20 transfer to {accounts} accounts"),
            Self::Tokens32 => "ERC-20 transfer, 32 contracts".into(),
            Self::Store => "key-value, 256 bytes".into(),
            Self::Ballots | Self::Bills | Self::CityHour => format!("{self:?}"),
        }
    }

    /// Sets up what it needs and signs its transactions.
    pub(crate) fn prepare(self, target: &Target, sizes: &Sizes) -> Result<Signed, Failure> {
        match self {
            Self::Ballots => ballots::prepare(target, sizes),
            Self::CityHour => city::prepare(target, sizes),
            Self::Bills => bills::prepare(target, sizes),
            _ => self.simple(target, sizes.transactions),
        }
    }

    /// Transactions that any Ethereum endpoint takes, of the test mnemonic's accounts in turn.
    fn simple(self, target: &Target, count: usize) -> Result<Signed, Failure> {
        let (rpc, chain_id, keys) = (target.rpc(), target.chain_id, keys()?);
        let contracts = match self {
            Self::Token => vec![token::deploy_token(&rpc, chain_id, &keys)?],
            Self::Tokens32 => (0..CONTRACTS)
                .map(|_| token::deploy_token(&rpc, chain_id, &keys))
                .collect::<Result<_, _>>()?,
            Self::Store => vec![token::deploy_store(&rpc, chain_id, &keys[0])?],
            _ => Vec::new(),
        };
        let mut nonces = Vec::new();
        for key in &keys {
            nonces.push(rpc.next_nonce(key.address())?);
        }
        let accounts = target.accounts;
        let one = |index: usize| {
            let (sender, round) = (index % keys.len(), index / keys.len());
            let nonce = nonces[sender] + round as u64;
            // A large step without a common factor visits distant accounts one after the other.
            let to = recipients((index as u64 * 7_919) % accounts.max(1));
            let raw = self.sign(&keys[sender], chain_id, nonce, &contracts, index, to);
            Ready { sender, raw }
        };
        let txs = in_parallel(count, &one)?;
        let (name, senders) = (self.name(accounts), keys.len());
        Ok(Signed { name, senders, txs, checks: Vec::new(), units: None })
    }

    fn sign(
        self,
        key: &Key,
        chain_id: u64,
        nonce: u64,
        contracts: &[Address],
        index: usize,
        to: Address,
    ) -> Bytes {
        let contract = contracts.get(index % contracts.len().max(1)).copied();
        let one = U256::from(1);
        match self {
            Self::Hot => transfer(key, chain_id, nonce, recipients(0)),
            Self::Token | Self::Tokens32 => {
                let call = token::transferCall { to, value: one };
                sign(key, chain_id, nonce, contract, call.abi_encode().into(), CALL_GAS)
            }
            Self::Store => {
                let slot = keccak256((index as u64).to_be_bytes());
                let value = [slot; 8].map(|word| word | B256::with_last_byte(1));
                let call = token::putCall { key: slot, value };
                sign(key, chain_id, nonce, contract, call.abi_encode().into(), PUT_GAS)
            }
            _ => transfer(key, chain_id, nonce, to),
        }
    }
}

fn transfer(key: &Key, chain_id: u64, nonce: u64, to: Address) -> Bytes {
    key.sign(TxEip1559 {
        chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: FEE_CAP,
        to: TxKind::Call(to),
        value: U256::from(1),
        ..Default::default()
    })
}

/// A call, or a creation where `to` is none.
pub(super) fn sign(
    key: &Key,
    chain_id: u64,
    nonce: u64,
    to: Option<Address>,
    input: Bytes,
    gas_limit: u64,
) -> Bytes {
    let to = to.map_or(TxKind::Create, TxKind::Call);
    let max_fee_per_gas = FEE_CAP;
    key.sign(TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        to,
        input,
        ..Default::default()
    })
}
