//! Final transactions and their receipts, and waiting for one.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use alloy_eips::BlockId;
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::Index;
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Methods, chain, light};
use crate::{
    convert::{self, Final, RpcTransaction, TransactionReceipt},
    error::RpcError,
    node::Node,
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    light(methods, "eth_getTransactionByHash", |node, params| {
        let hash = params.next::<B256>()?;
        match node.ledger.transaction(hash)? {
            Some(place) => transaction_at(node, place.height, place.index as usize),
            None => node.mempool.known(&hash).map(|tx| convert::transaction(&tx)).transpose(),
        }
    })?;
    light(methods, "eth_getTransactionByBlockHashAndIndex", |node, params| {
        let id = BlockId::from(params.next::<B256>()?);
        transaction_of(node, id, params)
    })?;
    light(methods, "eth_getTransactionByBlockNumberAndIndex", |node, params| {
        let id = BlockId::Number(params.next()?);
        transaction_of(node, id, params)
    })?;
    light(methods, "eth_getRawTransactionByHash", |node, params| {
        raw_transaction(node, params.next()?)
    })?;
    light(methods, "eth_getTransactionReceipt", |node, params| receipt(node, params.next()?))?;
    light(methods, "eth_getBlockReceipts", |node, params| {
        let Some(height) = node.height_of(params.next()?)? else { return Ok(None) };
        let Some(found) = final_block(node, height)? else { return Ok(None) };
        let all = 0..found.block.transactions().len();
        all.map(|index| convert::receipt(node, &found, index))
            .collect::<Result<Vec<_>, _>>()
            .map(Some)
    })
}

fn transaction_of(
    node: &Node,
    id: BlockId,
    params: &mut ParamsSequence<'_>,
) -> Result<Option<RpcTransaction>, RpcError> {
    let index = params.next::<Index>()?;
    match node.height_of(id)? {
        Some(height) => transaction_at(node, height, index.0),
        None => Ok(None),
    }
}

fn transaction_at(
    node: &Node,
    height: u64,
    index: usize,
) -> Result<Option<RpcTransaction>, RpcError> {
    match node.ledger.block(height)? {
        Some(block) if index < block.transactions().len() => {
            convert::transaction_in(node, &block, index).map(Some)
        }
        _ => Ok(None),
    }
}

pub(super) fn raw_transaction(node: &Node, hash: B256) -> Result<Option<Bytes>, RpcError> {
    if let Some(place) = node.ledger.transaction(hash)? {
        let block = chain::find(node, BlockId::number(place.height))?;
        let tx = block.and_then(|block| block.transactions().get(place.index as usize).cloned());
        return Ok(tx.map(|tx| tx.raw().clone()));
    }
    Ok(node.mempool.known(&hash).map(|tx| tx.raw().clone()))
}

/// A final block with its receipts.
pub(crate) fn final_block(node: &Node, height: u64) -> Result<Option<Final>, RpcError> {
    let (block, receipts) = (node.ledger.block(height)?, node.ledger.shared_receipts(height)?);
    Ok(block.zip(receipts).map(|(block, receipts)| Final { block, receipts }))
}

/// The receipt of a final transaction.
pub(super) fn receipt(node: &Node, hash: B256) -> Result<Option<TransactionReceipt>, RpcError> {
    let Some(place) = node.ledger.transaction(hash)? else { return Ok(None) };
    let Some(found) = final_block(node, place.height)? else { return Ok(None) };
    let index = place.index as usize;
    if index >= found.block.transactions().len() {
        return Err(RpcError::Fault(format!("block {} has no transaction {index}", place.height)));
    }
    convert::receipt(node, &found, index).map(Some)
}

/// Calls that wait for a transaction to become final.
#[derive(Debug)]
pub(crate) struct Waiters {
    by_hash: Mutex<HashMap<B256, Vec<oneshot::Sender<()>>>>,
    count: AtomicUsize,
    limit: usize,
}

/// One call's place among the [`Waiters`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Waiter<'a> {
    waiters: &'a Waiters,
    hash: B256,
    pub(crate) done: oneshot::Receiver<()>,
}

impl Waiters {
    pub(crate) fn new(limit: usize) -> Self {
        Self { by_hash: Mutex::default(), count: AtomicUsize::new(0), limit }
    }

    /// Begins to wait. Look whether the transaction is final after this, not before.
    pub(crate) fn join(&self, hash: B256) -> Result<Waiter<'_>, RpcError> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.count.fetch_sub(1, Ordering::Relaxed);
            let text = format!("{} calls are waiting already, try again later", self.limit);
            return Err(RpcError::Limit(text));
        }
        let (sender, done) = oneshot::channel();
        self.by_hash.lock().entry(hash).or_default().push(sender);
        Ok(Waiter { waiters: self, hash, done })
    }

    /// Follows the ledger and wakes those whose transactions became final. Never returns while the
    /// ledger lives.
    pub(crate) async fn follow(node: Node) {
        let mut heads = node.ledger.subscribe();
        let mut seen = heads.borrow_and_update().height;
        while heads.changed().await.is_ok() {
            node.pulse().beat();
            let head = heads.borrow_and_update().height;
            for height in seen + 1..=head {
                if node.waiters().count.load(Ordering::Relaxed) == 0 {
                    break;
                }
                match node.ledger.block(height) {
                    Ok(Some(block)) => {
                        node.waiters().wake(block.transactions().iter().map(|tx| tx.hash()));
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!(height, %error, "cannot read a final block"),
                }
            }
            seen = head;
        }
    }

    fn wake(&self, hashes: impl Iterator<Item = B256>) {
        let mut by_hash = self.by_hash.lock();
        for hash in hashes {
            for waiter in by_hash.remove(&hash).unwrap_or_default() {
                // An error means that the caller has gone.
                let _ = waiter.send(());
            }
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.waiters.count.fetch_sub(1, Ordering::Relaxed);
        self.done.close();
        let mut by_hash = self.waiters.by_hash.lock();
        if let Some(others) = by_hash.get_mut(&self.hash) {
            others.retain(|other| !other.is_closed());
            if others.is_empty() {
                by_hash.remove(&self.hash);
            }
        }
    }
}
