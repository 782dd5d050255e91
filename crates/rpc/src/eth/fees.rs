//! What gas costs (nothing, on this ledger's own blocks) and by which fork it is metered.

use alloy_eips::{
    BlockNumberOrTag, eip1559::BaseFeeParams, eip2124::ForkHash, eip4844::fake_exponential,
    eip7840::BlobParams,
};
use alloy_primitives::{Address, Bytes, U64};
use alloy_rpc_types_eth::FeeHistory;
use jsonrpsee::types::params::ParamsSequence;
use serde_json::{Map, Value, json};
use tulou_evm::ethereum::{Schedule, precompiles, system_contracts};
use tulou_primitives::Header;

use crate::{error::RpcError, node::Node};

/// Blocks that `eth_feeHistory` looks back at most.
const FEE_HISTORY_BLOCKS: u64 = 1_024;

/// The base fee of the block after the newest one.
pub(super) fn base_fee(node: &Node) -> u64 {
    next_base_fee(node, &node.ledger.head().header)
}

fn next_base_fee(node: &Node, header: &Header) -> u64 {
    match node.rules().schedule() {
        Some(_) => header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default(),
        None => 0,
    }
}

/// The price of blobs in the block after the newest one.
pub(super) fn blob_fee(node: &Node) -> u128 {
    let Some(schedule) = node.rules().schedule() else { return 0 };
    let head = node.ledger.head();
    let blobs = schedule.blobs(head.timestamp);
    let params = BlobParams {
        target_blob_count: blobs.target,
        max_blob_count: blobs.max,
        update_fraction: blobs.update_fraction.into(),
        ..BlobParams::osaka()
    };
    let excess = head.header.next_block_excess_blob_gas(params).unwrap_or_default();
    fake_exponential(1, u128::from(excess), u128::from(blobs.update_fraction))
}

/// In the shape that wallets insist on: on this ledger's own blocks all zeros but the true share of gas
/// used.
pub(super) fn history(
    node: &Node,
    params: &mut ParamsSequence<'_>,
) -> Result<FeeHistory, RpcError> {
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
    let mut base_fees = Vec::with_capacity(blocks as usize + 1);
    for height in oldest..newest + 1 {
        let header = node.ledger.header(height)?.unwrap_or_default();
        ratios.push(header.gas_used as f64 / header.gas_limit.max(1) as f64);
        base_fees.push(u128::from(header.base_fee_per_gas.unwrap_or_default()));
        if height == newest {
            base_fees.push(u128::from(next_base_fee(node, &header)));
        }
    }
    let zeros = base_fees.len();
    Ok(FeeHistory {
        base_fee_per_gas: base_fees,
        gas_used_ratio: ratios,
        base_fee_per_blob_gas: vec![0; zeros],
        blob_gas_used_ratio: vec![0.0; blocks as usize],
        oldest_block: oldest,
        reward: percentiles.map(|p| vec![vec![0; p.len()]; blocks as usize]),
    })
}

/// EIP-7910: the fork in force, the next one and the last one that is known of.
pub(super) fn config(node: &Node) -> Value {
    let time = node.ledger.head().timestamp;
    let Some(schedule) = node.rules().schedule() else {
        let genesis = node.ledger.genesis().header().timestamp;
        let current = fork(node, genesis, None, ForkHash::from(node.genesis_hash()));
        return json!({ "current": current, "next": null, "last": null });
    };
    let times = &schedule.milestones.1;
    let at = |time: u64| {
        let mut hash = ForkHash::from(node.genesis_hash());
        let heights = schedule.milestones.0.iter();
        heights.for_each(|height| hash += *height);
        times.iter().filter(|at| **at <= time).for_each(|at| hash += *at);
        fork(node, time, Some(schedule), hash)
    };
    let current = times.iter().rev().find(|at| **at <= time).copied().unwrap_or_default();
    let next = times.iter().find(|at| **at > time).copied();
    let last = times.last().copied().filter(|_| next.is_some());
    json!({ "current": at(current), "next": next.map(at), "last": last.map(at) })
}

fn fork(node: &Node, time: u64, schedule: Option<&Schedule>, hash: ForkHash) -> Value {
    let height = node.ledger.head().height;
    let named = |rows: Vec<(&'static str, Address)>| -> Map<String, Value> {
        rows.into_iter().map(|(name, address)| (name.to_owned(), json!(address))).collect()
    };
    let blobs = schedule.map(|schedule| schedule.blobs(time));
    json!({
        "activationTime": time,
        "blobSchedule": {
            "target": blobs.map_or(0, |blobs| blobs.target),
            "max": blobs.map_or(0, |blobs| blobs.max),
            "baseFeeUpdateFraction": blobs.map_or(1, |blobs| blobs.update_fraction),
        },
        "chainId": U64::from(node.chain_id),
        "forkId": Bytes::copy_from_slice(&hash.0),
        "precompiles": named(precompiles(schedule.map(|schedule| schedule.fork(height, time)))),
        "systemContracts": named(schedule.map(system_contracts).unwrap_or_default()),
    })
}
