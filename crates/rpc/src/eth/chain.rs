//! The chain itself: identity, blocks, fees.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U64, U256, keccak256};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use serde_json::{Value, json};
use tulou_primitives::Block;

use super::{Methods, fees, heavy, light, light_for};
use crate::{
    convert::{self, RpcBlock},
    error::RpcError,
    node::Node,
    sight::Reader,
    watch,
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    light(methods, "web3_clientVersion", |_, _| Ok(crate::PROGRAM))?;
    light(methods, "web3_sha3", |_, params| {
        Ok(keccak256(params.next::<alloy_primitives::Bytes>()?))
    })?;
    light(methods, "net_version", |node, _| Ok(node.chain_id.to_string()))?;
    light(methods, "net_listening", |_, _| Ok(true))?;
    light(methods, "net_peerCount", |node, _| Ok(U64::from(watch::peers(node))))?;
    light(methods, "eth_chainId", |node, _| Ok(U64::from(node.chain_id)))?;
    light(methods, "eth_blockNumber", |node, _| Ok(U64::from(node.ledger.head().height)))?;
    light(methods, "eth_syncing", |_, _| Ok(false))?;
    light(methods, "eth_accounts", |_, _| Ok(Vec::<Address>::new()))?;
    light(methods, "eth_gasPrice", |node, _| Ok(U256::from(fees::base_fee(node))))?;
    light(methods, "eth_maxPriorityFeePerGas", |_, _| Ok(U256::ZERO))?;
    light(methods, "eth_baseFee", |node, _| Ok(U256::from(fees::base_fee(node))))?;
    light(methods, "eth_blobBaseFee", |node, _| Ok(U256::from(fees::blob_fee(node))))?;
    light(methods, "eth_config", |node, _| Ok(fees::config(node)))?;
    light(methods, "eth_capabilities", |node, _| Ok(capabilities(node)))?;
    heavy(methods, "eth_feeHistory", fees::history)?;
    light_for(methods, "eth_getBlockByNumber", |node, reader, params| {
        let id = BlockId::Number(params.next()?);
        block(node, reader, id, params)
    })?;
    light_for(methods, "eth_getBlockByHash", |node, reader, params| {
        let id = BlockId::from(params.next::<B256>()?);
        block(node, reader, id, params)
    })?;
    light(methods, "eth_getBlockTransactionCountByNumber", |node, params| {
        let found = find(node, BlockId::Number(params.next()?))?;
        Ok(found.map(|block| U64::from(block.transactions().len())))
    })?;
    light(methods, "eth_getBlockTransactionCountByHash", |node, params| {
        let found = find(node, BlockId::from(params.next::<B256>()?))?;
        Ok(found.map(|block| U64::from(block.transactions().len())))
    })?;
    light(methods, "eth_getUncleCountByBlockNumber", |node, params| {
        let height = node.height_of(BlockId::Number(params.next()?))?;
        Ok(height.map(|height| uncles(node, height)))
    })?;
    light(methods, "eth_getUncleCountByBlockHash", |node, params| {
        let height = node.height_of(BlockId::from(params.next::<B256>()?))?;
        Ok(height.map(|height| uncles(node, height)))
    })?;
    Ok(())
}

/// A final block, `None` where there is none of that name.
pub(super) fn find(node: &Node, id: BlockId) -> Result<Option<Block>, RpcError> {
    match node.height_of(id)? {
        Some(height) => Ok(node.ledger.block(height)?),
        None => Ok(None),
    }
}

/// Whoever may not see transactions is not told their hashes either: a hash is all that is needed to ask for
/// its transaction and receipt. An empty list, not a refusal: clients that wait for a receipt look through whole
/// blocks for a transaction that took its place.
fn block(
    node: &Node,
    reader: Reader,
    id: BlockId,
    params: &mut ParamsSequence<'_>,
) -> Result<Option<RpcBlock>, RpcError> {
    let full = params.optional_next::<bool>()?.unwrap_or(false);
    let full = full && reader.is_member();
    let found = find(node, id)?.map(|block| convert::block(node, &block, full)).transpose()?;
    Ok(match found {
        Some(block) if !reader.is_member() => Some(convert::without_transactions(block)),
        found => found,
    })
}

fn uncles(node: &Node, height: u64) -> U64 {
    U64::from(node.foreign_body(height).map_or(0, |body| body.ommers.len()))
}

/// From which block on what can be asked here.
fn capabilities(node: &Node) -> Value {
    let head = node.ledger.head();
    let kept = U64::from(node.ledger.first_kept());
    let from = |oldest: U64| json!({ "disabled": false, "oldestBlock": oldest });
    let state = U64::from(node.ledger.oldest_version());
    let mut logs = from(kept);
    let window = U64::from(head.height.saturating_sub(node.ledger.first_kept()) + 1);
    logs["deleteStrategy"] = json!({ "type": "window", "retentionBlocks": window });
    json!({
        "head": { "number": U64::from(head.height), "hash": head.hash },
        "state": from(state),
        "tx": from(kept),
        "logs": logs,
        "receipts": from(kept),
        "blocks": from(kept),
        "stateproofs": from(state),
    })
}
