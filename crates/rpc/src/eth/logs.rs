//! Searching events.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log as RpcLog};
use jsonrpsee::core::RegisterMethodError;
use tulou_ledger::LogQuery;

use super::{Methods, heavy_for};
use crate::{
    convert,
    error::RpcError,
    node::Node,
    sight::{Reader, event_class},
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    heavy_for(methods, "eth_getLogs", |node, reader, params| {
        search(node, reader, &params.next::<Filter>()?)
    })
}

/// All events that a filter describes and the reader may see.
pub(super) fn search(
    node: &Node,
    reader: Reader,
    filter: &Filter,
) -> Result<Vec<RpcLog>, RpcError> {
    let (from, to) = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let height = node
                .height_of(BlockId::from(hash))?
                .ok_or_else(|| RpcError::NotFound("unknown block".into()))?;
            (height, height)
        }
        FilterBlockOption::Range { from_block, to_block } => {
            (bound(node, from_block), bound(node, to_block))
        }
    };
    if from > to {
        return Err(RpcError::Params("invalid block range params: from is after to".into()));
    }
    if to > node.ledger.head().height {
        return Err(RpcError::Params("block range extends beyond current head block".into()));
    }
    between(node, reader, filter, from, to)
}

/// Height of one end of a range; beyond the head nothing matches.
pub(super) fn bound(node: &Node, tag: Option<BlockNumberOrTag>) -> u64 {
    match tag.unwrap_or_default() {
        BlockNumberOrTag::Number(height) => height,
        BlockNumberOrTag::Earliest => 0,
        _ => node.ledger.head().height,
    }
}

/// Events from height `from` to `to`, both inclusive, whatever range the filter names. To whoever may not see
/// transactions the hash of an event's transaction is zero.
pub(super) fn between(
    node: &Node,
    reader: Reader,
    filter: &Filter,
    from: u64,
    to: u64,
) -> Result<Vec<RpcLog>, RpcError> {
    let to = to.min(node.ledger.head().height);
    if to.saturating_sub(from) >= node.config.log_blocks {
        return Err(RpcError::Limit(format!(
            "block range too large: at most {} blocks at a time",
            node.config.log_blocks
        )));
    }
    let query = LogQuery {
        from,
        to,
        addresses: filter.address.iter().copied().collect(),
        topics: filter.topics.iter().map(|topic| topic.iter().copied().collect()).collect(),
    };
    let events = node.ledger.logs(&query, node.config.logs)?;
    let mut shown: Vec<_> = events.into_iter().map(convert::event).collect();
    shown.retain(|log| event_class(&log.address(), log.topics()) <= reader.most);
    if !reader.is_member() {
        for log in &mut shown {
            log.transaction_hash = Some(B256::ZERO);
        }
    }
    Ok(shown)
}
