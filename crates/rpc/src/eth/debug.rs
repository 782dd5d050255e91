//! The `debug` namespace: raw bytes and traces.

use alloy_eips::{BlockId, BlockNumberOrTag, Encodable2718};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Decodable;
use alloy_rpc_types_trace::{
    common::TraceResult,
    geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace},
};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use tulou_evm::TracedBlock;
use tulou_ledger::Version;
use tulou_primitives::Block;

use super::{
    Methods,
    call::{Scene, overrides},
    chain, heavy, light, receipts,
    request::{Wanted, request},
};
use crate::{convert, error::RpcError, node::Node};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    light(methods, "debug_getRawHeader", |node, params| {
        let block = existing(node, params.next()?)?;
        Ok(Bytes::from(alloy_rlp::encode(block.header())))
    })?;
    light(methods, "debug_getRawBlock", |node, params| {
        let block = existing(node, params.next()?)?;
        Ok(convert::encoded(node, &block))
    })?;
    light(methods, "debug_getRawReceipts", raw_receipts)?;
    light(methods, "debug_getRawTransaction", |node, params| {
        // A plain hash would be read without its prefix, too, which no other client does.
        let hash = params.next::<String>()?;
        let read = hash.starts_with("0x").then(|| hash.parse().ok()).flatten();
        let hash = read.ok_or_else(|| RpcError::Params(format!("not a hash: {hash}")))?;
        Ok(receipts::raw_transaction(node, hash)?.unwrap_or_default())
    })?;
    heavy(methods, "debug_traceTransaction", trace_transaction)?;
    heavy(methods, "debug_traceBlockByNumber", |node, params| {
        let block = existing(node, BlockId::Number(params.next::<BlockNumberOrTag>()?))?;
        trace_all(node, &block, &params.optional_next()?.unwrap_or_default())
    })?;
    heavy(methods, "debug_traceBlockByHash", |node, params| {
        let block = existing(node, BlockId::from(params.next::<B256>()?))?;
        trace_all(node, &block, &params.optional_next()?.unwrap_or_default())
    })?;
    heavy(methods, "debug_traceBlock", trace_raw)?;
    heavy(methods, "debug_traceCall", trace_call)
}

fn existing(node: &Node, id: BlockId) -> Result<Block, RpcError> {
    let found = chain::find(node, id)?;
    found.ok_or_else(|| RpcError::NotFound(format!("block {id} not found")))
}

fn raw_receipts(node: &Node, params: &mut ParamsSequence<'_>) -> Result<Vec<Bytes>, RpcError> {
    let block = existing(node, params.next()?)?;
    let receipts = node.ledger.shared_receipts(block.height())?.unwrap_or_default();
    Ok(receipts.iter().map(|receipt| Bytes::from(receipt.encoded_2718())).collect())
}

fn trace_transaction(node: &Node, params: &mut ParamsSequence<'_>) -> Result<GethTrace, RpcError> {
    let hash = params.next::<B256>()?;
    let options = params.optional_next()?.unwrap_or_default();
    let place = node
        .ledger
        .transaction(hash)?
        .ok_or_else(|| RpcError::NotFound("transaction not found".into()))?;
    let block = existing(node, BlockId::number(place.height))?;
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    let mut traces = trace(node, &block, Some(index), &options)?;
    traces.pop().ok_or_else(|| RpcError::Fault(format!("transaction {hash} left no trace")))
}

type Traced = TraceResult<GethTrace, String>;

fn trace_all(
    node: &Node,
    block: &Block,
    options: &GethDebugTracingOptions,
) -> Result<Vec<Traced>, RpcError> {
    let traces = trace(node, block, None, options)?;
    let hashes = block.transactions().iter().map(|tx| Some(tx.hash()));
    let pairs = hashes.zip(traces);
    Ok(pairs.map(|(tx_hash, result)| TraceResult::Success { result, tx_hash }).collect())
}

/// Traces a block that the caller brings along, on the parent that it names.
fn trace_raw(node: &Node, params: &mut ParamsSequence<'_>) -> Result<Vec<Traced>, RpcError> {
    let bytes = params.next::<Bytes>()?;
    let options = params.optional_next()?.unwrap_or_default();
    let hash = raw_hash(&bytes).map_err(|error| RpcError::Params(format!("block: {error}")))?;
    // Only blocks of this ledger have a parent here whose state is known to be theirs.
    trace_all(node, &existing(node, BlockId::from(hash))?, &options)
}

/// Hash of the header in a block's RLP.
fn raw_hash(mut bytes: &[u8]) -> alloy_rlp::Result<B256> {
    let mut payload = alloy_rlp::Header::decode_bytes(&mut bytes, true)?;
    let header = tulou_primitives::Header::decode(&mut payload)?;
    Ok(header.hash_slow())
}

fn trace(
    node: &Node,
    block: &Block,
    only: Option<usize>,
    options: &GethDebugTracingOptions,
) -> Result<Vec<GethTrace>, RpcError> {
    let Some(parent) = block.height().checked_sub(1) else {
        return Err(RpcError::NotFound("genesis is not traceable".into()));
    };
    let state = node.state(Some(BlockId::number(parent)))?;
    let block = TracedBlock {
        rules: node.rules(),
        chain_id: node.chain_id,
        header: block.header(),
        hash: block.hash(),
        transactions: block.transactions(),
    };
    Ok(tulou_evm::trace_block(&state, block, only, options)?)
}

fn trace_call(node: &Node, params: &mut ParamsSequence<'_>) -> Result<GethTrace, RpcError> {
    let wanted = params.next::<Wanted>()?;
    let block = params.optional_next::<BlockId>()?;
    let options = params.optional_next::<GethDebugTracingCallOptions>()?.unwrap_or_default();
    if options.tx_index.is_some() {
        return Err(RpcError::Params("txIndex is not supported: trace on a whole block".into()));
    }
    let accounts = options.state_overrides.clone();
    let pretended = overrides(accounts, options.block_overrides.clone())?;
    let state: Version = node.state(block)?;
    let scene = Scene { state, request: request(node, wanted)?, overrides: Some(pretended) };
    let (env, cap) = (scene.env(node), node.config.call_gas);
    let (state, overrides) = (&scene.state, scene.overrides());
    let options = &options.tracing_options;
    Ok(tulou_evm::trace_call(state, &env, &scene.request, overrides, cap, options)?)
}
