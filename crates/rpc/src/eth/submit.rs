//! Sending transactions.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, U64, keccak256};
use jsonrpsee::{core::RegisterMethodError, types::Params};
use tulou_mempool::Refused;

use super::{Methods, receipts};
use crate::{
    convert::TransactionReceipt,
    error::{POOL_RETRY_MS, RpcError},
    limits::Caller,
    node::Node,
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.register_method("eth_sendRawTransaction", |params, node, extensions| {
        let raw = params.sequence().next::<Bytes>().map_err(RpcError::from)?;
        submit(node, extensions.get(), raw).map_err(RpcError::from)
    })?;
    methods.register_async_method("eth_sendRawTransactionSync", |params, node, extensions| {
        let params = params.into_owned();
        async move { send_and_wait(params, node, extensions.get()).await }
    })?;
    Ok(())
}

/// Hands a transaction to the pool, unless its account has sent too many through this node.
fn submit(node: &Node, caller: Option<&Caller>, raw: Bytes) -> Result<B256, Refused> {
    let answer = node.mempool.submit_if(raw, |sender| {
        let Some(caller) = caller else { return Ok(()) };
        node.gate().submission(caller, sender).map_err(|too_much| {
            node.meters().limited("account");
            caller.limited(too_much.retry_after);
            let retry_after_ms = too_much.retry_after.as_micros().div_ceil(1_000);
            Refused::TooFast {
                sender,
                limit: too_much.per_s,
                retry_after_ms: u64::try_from(retry_after_ms).unwrap_or(u64::MAX),
            }
        })
    });
    if let (Some(caller), Err(Refused::PoolFull { .. } | Refused::SenderFull { .. })) =
        (caller, &answer)
    {
        caller.limited(Duration::from_millis(POOL_RETRY_MS));
    }
    answer
}

/// EIP-7966: sends and answers with the receipt. Sending bytes again that are in the pool or final
/// already is no error: the caller wants the receipt.
async fn send_and_wait(
    params: Params<'static>,
    node: Arc<Node>,
    caller: Option<&Caller>,
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
    match submit(&node, caller, raw) {
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
