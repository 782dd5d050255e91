//! The chain itself: identity, blocks, fees.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, U64, U256, keccak256};
use alloy_rpc_types_eth::{Block as RpcBlock, FeeHistory};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use serde_json::{Value, json};
use tulou_primitives::Block;

use super::{Methods, heavy, light};
use crate::{convert, error::RpcError, node::Node, watch};

/// Blocks that `eth_feeHistory` looks back at most.
const FEE_HISTORY_BLOCKS: u64 = 1_024;

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
    light(methods, "eth_gasPrice", |_, _| Ok(U256::ZERO))?;
    light(methods, "eth_maxPriorityFeePerGas", |_, _| Ok(U256::ZERO))?;
    light(methods, "eth_blobBaseFee", |_, _| Ok(U256::ZERO))?;
    heavy(methods, "eth_feeHistory", fee_history)?;
    light(methods, "eth_getBlockByNumber", |node, params| {
        let id = BlockId::Number(params.next()?);
        block(node, id, params)
    })?;
    light(methods, "eth_getBlockByHash", |node, params| {
        let id = BlockId::from(params.next::<B256>()?);
        block(node, id, params)
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
        Ok(height.map(|_| U64::ZERO))
    })?;
    light(methods, "eth_getUncleCountByBlockHash", |node, params| {
        let height = node.height_of(BlockId::from(params.next::<B256>()?))?;
        Ok(height.map(|_| U64::ZERO))
    })?;
    light(methods, "txpool_status", |node, _| Ok(pool_status(node)))
}

/// A final block, `None` where there is none of that name.
pub(super) fn find(node: &Node, id: BlockId) -> Result<Option<Block>, RpcError> {
    match node.height_of(id)? {
        Some(height) => Ok(node.ledger.block(height)?),
        None => Ok(None),
    }
}

fn block(
    node: &Node,
    id: BlockId,
    params: &mut ParamsSequence<'_>,
) -> Result<Option<RpcBlock>, RpcError> {
    let full = params.optional_next::<bool>()?.unwrap_or(false);
    find(node, id)?.map(|block| convert::block(&block, full)).transpose()
}

/// Zeros, in the shape that wallets insist on, with the true share of gas used.
fn fee_history(node: &Node, params: &mut ParamsSequence<'_>) -> Result<FeeHistory, RpcError> {
    let wanted = params.next::<U64>()?.to::<u64>().min(FEE_HISTORY_BLOCKS);
    let newest = params.next::<BlockNumberOrTag>()?;
    let percentiles = params.optional_next::<Vec<f64>>()?;
    let rising = |p: &[f64]| p.windows(2).all(|pair| pair[0] <= pair[1]);
    if let Some(p) = &percentiles
        && !(rising(p) && p.iter().all(|p| (0.0..=100.0).contains(p)) && p.len() <= 100)
    {
        return Err(RpcError::Params("invalid reward percentiles: 0 to 100, rising".into()));
    }
    let newest = node
        .height(newest)
        .ok_or_else(|| RpcError::NotFound("request beyond head block".into()))?;
    let blocks = wanted.min(newest + 1);
    let oldest = newest + 1 - blocks;
    let mut ratios = Vec::with_capacity(blocks as usize);
    for height in oldest..newest + 1 {
        let header = node.ledger.header(height)?;
        ratios.push(header.map_or(0.0, |h| h.gas_used as f64 / h.gas_limit.max(1) as f64));
    }
    let zeros = if blocks == 0 { 0 } else { blocks as usize + 1 };
    Ok(FeeHistory {
        base_fee_per_gas: vec![0; zeros],
        gas_used_ratio: ratios,
        base_fee_per_blob_gas: vec![0; zeros],
        blob_gas_used_ratio: vec![0.0; blocks as usize],
        oldest_block: oldest,
        reward: percentiles.map(|p| vec![vec![0; p.len()]; blocks as usize]),
    })
}

fn pool_status(node: &Node) -> Value {
    let stats = node.mempool.stats();
    json!({ "pending": U64::from(stats.pending), "queued": U64::from(stats.queued) })
}
