//! Sending transactions.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, U64, keccak256};
use alloy_rpc_types_eth::TransactionReceipt;
use jsonrpsee::{core::RegisterMethodError, types::Params};
use tulou_mempool::Refused;

use super::{Methods, light, receipts};
use crate::{error::RpcError, node::Node};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    light(methods, "eth_sendRawTransaction", |node, params| {
        Ok(node.mempool.submit(params.next::<Bytes>()?)?)
    })?;
    methods.register_async_method("eth_sendRawTransactionSync", |params, node, _| {
        let params = params.into_owned();
        async move { send_and_wait(params, node).await }
    })?;
    Ok(())
}

/// EIP-7966: sends and answers with the receipt. Sending bytes again that are in the pool or final
/// already is no error: the caller wants the receipt.
async fn send_and_wait(
    params: Params<'static>,
    node: Arc<Node>,
) -> Result<TransactionReceipt, RpcError> {
    let mut params = params.sequence();
    let raw = params.next::<Bytes>()?;
    let longest = node.config.sync_timeout;
    let timeout = match params.optional_next::<U64>()? {
        Some(ms) if ms.is_zero() => return Err(RpcError::Params("timeout: at least 1 ms".into())),
        Some(ms) => Duration::from_millis(ms.to()).min(longest),
        None => longest,
    };
    let hash = keccak256(&raw);
    let mut waiter = node.waiters().join(hash)?;
    match node.mempool.submit(raw) {
        Ok(_) | Err(Refused::AlreadyKnown) => {}
        Err(refused) => return sent_before(&node, hash, refused),
    }
    if let Some(receipt) = receipts::receipt(&node, hash)? {
        return Ok(receipt);
    }
    match tokio::time::timeout(timeout, &mut waiter.done).await {
        Ok(_) => receipts::receipt(&node, hash)?
            .ok_or_else(|| RpcError::Fault(format!("transaction {hash} left no receipt"))),
        Err(_) => Err(RpcError::NotFinalYet { hash, ms: timeout.as_millis() }),
    }
}

/// The receipt, where the refusal only says that the transaction has been through.
fn sent_before(node: &Node, hash: B256, refused: Refused) -> Result<TransactionReceipt, RpcError> {
    let through = matches!(refused, Refused::NonceTooLow { .. });
    let receipt = if through { receipts::receipt(node, hash)? } else { None };
    receipt.ok_or(RpcError::Refused(refused))
}
