//! One transaction of a GeneralStateTests fixture.

use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use alloy_rlp::Encodable;
use revm::{context::TxEnv, context_interface::either::Either};
use tulou_primitives::{ChangeSet, StateReader};

use crate::{
    executor::BlockEnv,
    machine::{Machine, NotRun, Rules},
    provider::Natives,
};

/// A transaction as fixtures give it: unsigned, the sender named.
#[derive(Clone, Debug, Default)]
pub struct FixtureTx {
    /// EIP-2718 type.
    pub kind: u8,
    /// Who sends.
    pub sender: Address,
    /// Who is called; `None` creates.
    pub to: Option<Address>,
    /// Calldata.
    pub data: Bytes,
    /// Gas limit.
    pub gas: u64,
    /// Price, or EIP-1559's cap on it.
    pub gas_price: u128,
    /// EIP-1559's tip.
    pub priority_fee: Option<u128>,
    /// Wei.
    pub value: U256,
    /// Nonce.
    pub nonce: u64,
    /// EIP-2930's list.
    pub access_list: AccessList,
    /// EIP-4844's hashes.
    pub blob_hashes: Vec<B256>,
    /// EIP-4844's cap on the price of blobs.
    pub max_fee_per_blob_gas: u128,
    /// EIP-7702's authorizations.
    pub authorizations: Vec<SignedAuthorization>,
}

/// What a transaction of a fixture did.
#[derive(Clone, Debug)]
pub struct FixtureRun {
    /// What it changed; nothing where it was refused.
    pub changes: ChangeSet,
    /// keccak256 of the RLP of its events.
    pub logs_hash: B256,
    /// Why it is not a transaction, where it is none.
    pub refused: Option<String>,
}

/// A fixture that cannot be run at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FixtureFault(pub String);

/// Runs one transaction alone on the EVM of this ledger, native modules present, by the rules that
/// `env` names.
///
/// # Errors
/// - [`FixtureFault`]: the state cannot be read.
pub fn run_fixture(
    state: &dyn StateReader,
    env: &BlockEnv,
    tx: FixtureTx,
) -> Result<FixtureRun, FixtureFault> {
    // These two have no form without a target, so bytes that carry none do not decode.
    if matches!(tx.kind, 3 | 4) && tx.to.is_none() {
        let refused = Some("a transaction of this type has a target".to_owned());
        let (changes, logs_hash) = (ChangeSet::default(), hash_logs(&[]));
        return Ok(FixtureRun { changes, logs_hash, refused });
    }
    let mut machine = Machine::new(state, env, Rules::Block, Natives::STANDARD);
    let (logs, refused) = match machine.run(env_of(tx, env.chain_id)) {
        Ok(result) => (result.into_logs(), None),
        Err(NotRun::Fault(reason)) => return Err(FixtureFault(reason)),
        Err(other) => (Vec::new(), Some(other.to_string())),
    };
    let changes = match refused {
        None => machine.changes().map_err(|error| FixtureFault(error.to_string()))?,
        Some(_) => ChangeSet::default(),
    };
    Ok(FixtureRun { changes, logs_hash: hash_logs(&logs), refused })
}

fn hash_logs(logs: &[Log]) -> B256 {
    let mut bytes = Vec::new();
    logs.to_vec().encode(&mut bytes);
    alloy_primitives::keccak256(bytes)
}

fn env_of(tx: FixtureTx, chain_id: u64) -> TxEnv {
    TxEnv {
        tx_type: tx.kind,
        caller: tx.sender,
        gas_limit: tx.gas,
        gas_price: tx.gas_price,
        kind: tx.to.map_or(TxKind::Create, TxKind::Call),
        value: tx.value,
        data: tx.data,
        nonce: tx.nonce,
        chain_id: Some(chain_id),
        access_list: tx.access_list,
        gas_priority_fee: tx.priority_fee,
        blob_hashes: tx.blob_hashes,
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas,
        authorization_list: tx.authorizations.into_iter().map(Either::Left).collect(),
    }
}
