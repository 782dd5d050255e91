//! Accounts, storage, code and their proofs.

use std::collections::BTreeMap;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use tulou_primitives::StateReader;

use super::{Methods, heavy_for, stateful};
use crate::{error::RpcError, node::Node, sight::Reader};

/// Slots that one proof covers at most.
const PROOF_SLOTS: usize = 1_024;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    stateful(methods, "eth_getBalance", 1, |node, params| {
        let (address, id) = (params.next::<Address>()?, params.optional_next()?);
        let account = node.state(id)?.account(address)?;
        Ok(account.map_or(U256::ZERO, |account| account.balance))
    })?;
    stateful(methods, "eth_getTransactionCount", 1, transaction_count)?;
    stateful(methods, "eth_getCode", 1, |node, params| {
        let (address, id) = (params.next::<Address>()?, params.optional_next()?);
        let state = node.state(id)?;
        match state.account(address)? {
            Some(account) if account.code_hash != KECCAK256_EMPTY => {
                Ok(state.code(account.code_hash)?)
            }
            _ => Ok(Bytes::new()),
        }
    })?;
    stateful(methods, "eth_getStorageAt", 2, |node, params| {
        let address = params.next::<Address>()?;
        let slot = slot(&params.next::<String>()?)?;
        let value = node.state(params.optional_next()?)?.storage(address, slot.into())?;
        Ok(B256::from(value))
    })?;
    stateful(methods, "eth_getStorageValues", 1, storage_values)?;
    heavy_for(methods, "eth_getProof", proof)
}

/// A slot as clients write it: hexadecimal digits, at most 64 of them.
fn slot(text: &str) -> Result<B256, RpcError> {
    if text.strip_prefix("0x").unwrap_or(text).len() > 64 {
        let reason = format!("storage key too long (want at most 32 bytes): {text:?}");
        return Err(RpcError::Params(reason));
    }
    let key = serde_json::from_value::<JsonStorageKey>(text.into());
    key.map(|key| key.as_b256()).map_err(|error| RpcError::Params(error.to_string()))
}

/// Slots of several accounts in one answer.
fn storage_values(
    node: &Node,
    params: &mut ParamsSequence<'_>,
) -> Result<BTreeMap<Address, Vec<B256>>, RpcError> {
    let wanted = params.next::<BTreeMap<Address, Vec<JsonStorageKey>>>()?;
    let slots: usize = wanted.values().map(Vec::len).sum();
    if slots == 0 {
        return Err(RpcError::Params("empty request".into()));
    }
    if slots > PROOF_SLOTS {
        return Err(RpcError::Limit(format!("at most {PROOF_SLOTS} slots in one answer")));
    }
    let state = node.state(params.optional_next()?)?;
    let mut found = BTreeMap::new();
    for (address, keys) in wanted {
        let values = keys.iter().map(|key| state.storage(address, key.as_b256().into()));
        let values = values.map(|value| value.map(B256::from)).collect::<Result<_, _>>()?;
        found.insert(address, values);
    }
    Ok(found)
}

fn transaction_count(node: &Node, params: &mut ParamsSequence<'_>) -> Result<U64, RpcError> {
    let (address, id) = (params.next::<Address>()?, params.optional_next::<BlockId>()?);
    if id == Some(BlockId::Number(BlockNumberOrTag::Pending)) {
        return Ok(U64::from(node.mempool.pending_nonce(address)?));
    }
    let account = node.state(id)?.account(address)?;
    Ok(U64::from(account.map_or(0, |account| account.nonce)))
}

fn proof(
    node: &Node,
    reader: Reader,
    params: &mut ParamsSequence<'_>,
) -> Result<EIP1186AccountProofResponse, RpcError> {
    let address = params.next::<Address>()?;
    let keys = params.optional_next::<Vec<JsonStorageKey>>()?.unwrap_or_default();
    if !keys.is_empty() {
        reader.only_members("a proof of storage")?;
    }
    if keys.len() > PROOF_SLOTS {
        return Err(RpcError::Limit(format!("at most {PROOF_SLOTS} slots in one proof")));
    }
    let state = node.state(params.optional_next()?)?;
    let slots: Vec<U256> = keys.iter().map(|key| key.as_b256().into()).collect();
    let found = state.proof(address, &slots);
    let account = found.state.unwrap_or_default();
    let storage = keys.into_iter().zip(found.storage);
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account.balance,
        code_hash: account.code_hash,
        nonce: account.nonce,
        storage_hash: found.storage_root,
        account_proof: found.account_proof,
        storage_proof: storage
            .map(|(key, slot)| EIP1186StorageProof { key, value: slot.value, proof: slot.proof })
            .collect(),
    })
}
