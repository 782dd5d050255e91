//! What is sent.

use std::thread;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use tulou_client::Key;

use super::{Signed, Target, keys, token};
use crate::output::Failure;

/// Gas of a call to one of the contracts.
const CALL_GAS: u64 = 120_000;
/// Gas for eight new slots.
const PUT_GAS: u64 = 300_000;
/// A fee cap above what development chains ask at first. Not charged by Tulou.
const FEE_CAP: u128 = 20_000_000_000;
/// Contracts of the row that spreads its calls.
const CONTRACTS: usize = 32;

/// A kind of load that any Ethereum endpoint can bear.
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
}

/// Account number `index` of those that a filled ledger begins with.
pub(crate) fn recipients(index: u64) -> Address {
    tulou_primitives::filler_account(index)
}

impl Workload {
    fn name(self, accounts: u64) -> String {
        match self {
            Self::Transfer => format!("native transfer to {accounts} accounts"),
            Self::Hot => "native transfer, hot account".into(),
            Self::Token => format!("ERC-20 transfer to {accounts} accounts"),
            Self::Tokens32 => "ERC-20 transfer, 32 contracts".into(),
            Self::Store => "key-value, 256 bytes".into(),
        }
    }

    /// Deploys what it needs and signs `count` transactions.
    pub(super) fn prepare(self, target: &Target, count: usize) -> Result<Signed, Failure> {
        let (rpc, chain_id, keys) = (target.rpc(), target.chain_id, keys()?);
        let contracts = match self {
            Self::Transfer | Self::Hot => Vec::new(),
            Self::Token => vec![token::deploy_token(&rpc, chain_id, &keys)?],
            Self::Tokens32 => (0..CONTRACTS)
                .map(|_| token::deploy_token(&rpc, chain_id, &keys))
                .collect::<Result<_, _>>()?,
            Self::Store => vec![token::deploy_store(&rpc, chain_id, &keys[0])?],
        };
        let mut nonces = Vec::new();
        for key in &keys {
            nonces.push(rpc.next_nonce(key.address())?);
        }
        let accounts = target.accounts;
        let one = |sender: usize, round: usize| {
            let (key, index) = (&keys[sender], round * keys.len() + sender);
            let nonce = nonces[sender] + round as u64;
            // A large step without a common factor visits distant accounts one after the other.
            let to = recipients((index as u64 * 7_919) % accounts.max(1));
            self.sign(key, chain_id, nonce, &contracts, index, to)
        };
        let senders = sign_all(keys.len(), count, &one)?;
        Ok(Signed { name: self.name(accounts), senders })
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
            Self::Transfer => transfer(key, chain_id, nonce, to),
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

/// Signs on all cores: `one(sender, round)`.
fn sign_all(
    senders: usize,
    count: usize,
    one: &(impl Fn(usize, usize) -> Bytes + Sync),
) -> Result<Vec<Vec<Bytes>>, Failure> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let lists: Vec<usize> = (0..senders).collect();
    let parts = thread::scope(|scope| {
        let jobs: Vec<_> = lists
            .chunks(senders.div_ceil(threads).max(1))
            .map(|mine| {
                scope.spawn(move || {
                    let list = |&sender: &usize| {
                        let rounds = (count + senders - 1 - sender) / senders;
                        (0..rounds).map(|round| one(sender, round)).collect::<Vec<_>>()
                    };
                    mine.iter().map(list).collect::<Vec<_>>()
                })
            })
            .collect();
        jobs.into_iter().map(|job| job.join()).collect::<Vec<_>>()
    });
    let mut signed = Vec::with_capacity(senders);
    for part in parts {
        signed.extend(part.map_err(|_| Failure("a signing thread broke".into()))?);
    }
    Ok(signed)
}
