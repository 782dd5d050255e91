//! From the ledger's types to what JSON-RPC shows.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{ReceiptWithBloom, Transaction as _};
use alloy_eips::{
    eip4844::fake_exponential,
    eip4895::{Withdrawal, Withdrawals},
};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::{
    Block as EthereumBlock, BlockTransactions, Header as RpcHeader, Log as RpcLog,
    TransactionReceipt as EthereumReceipt,
};
use serde::Serialize;
use serde_json::Value;
use tulou_ledger::LoggedEvent;
use tulou_primitives::{Block, Envelope, Header, ReceiptEnvelope, Tx};

use crate::{ForeignBody, error::RpcError, node::Node};

/// A transaction of any type, with its place in a block where it has one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcTransaction {
    #[serde(flatten)]
    inner: Envelope,
    block_hash: Option<B256>,
    block_number: Option<U64>,
    transaction_index: Option<U64>,
    from: Address,
    /// What was paid for a unit of gas, where the transaction itself names no price.
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_price: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_timestamp: Option<U64>,
}

impl RpcTransaction {
    fn waiting(tx: &Tx, from: Address) -> Self {
        Self {
            inner: tx.envelope().clone(),
            block_hash: None,
            block_number: None,
            transaction_index: None,
            from,
            gas_price: None,
            block_timestamp: None,
        }
    }

    /// `index` must be in range.
    fn placed(node: &Node, block: &Block, index: usize, from: Address) -> Self {
        let tx = &block.transactions()[index];
        let paid = || U256::from(node.rules().gas_price(tx.envelope(), block.header()));
        Self {
            block_hash: Some(block.hash()),
            block_number: Some(U64::from(block.height())),
            transaction_index: Some(U64::from(index)),
            gas_price: tx.envelope().gas_price().is_none().then(paid),
            block_timestamp: Some(U64::from(block.header().timestamp)),
            ..Self::waiting(tx, from)
        }
    }
}

/// A block of them.
pub(crate) type RpcBlock = EthereumBlock<RpcTransaction>;
/// Their receipts.
pub(crate) type TransactionReceipt = EthereumReceipt<ReceiptEnvelope<RpcLog>>;

/// A final block with its receipts.
#[derive(Clone, Debug)]
pub(crate) struct Final {
    pub(crate) block: Block,
    pub(crate) receipts: Arc<Vec<ReceiptEnvelope>>,
}

pub(crate) fn header(header: &Header, hash: B256, size: Option<usize>) -> RpcHeader {
    RpcHeader { hash, inner: header.clone(), total_difficulty: None, size: size.map(U256::from) }
}

pub(crate) fn block(node: &Node, block: &Block, full: bool) -> Result<RpcBlock, RpcError> {
    let transactions = if full {
        let all = 0..block.transactions().len();
        let all: Result<_, _> = all.map(|index| transaction_in(node, block, index)).collect();
        BlockTransactions::Full(all?)
    } else {
        BlockTransactions::Hashes(block.transactions().iter().map(|tx| tx.hash()).collect())
    };
    let body = node.foreign_body(block.height()).cloned().unwrap_or_default();
    let size = encoded(node, block).len();
    Ok(RpcBlock {
        header: header(block.header(), block.hash(), Some(size)),
        uncles: body.ommers.iter().map(|ommer| ommer.hash_slow()).collect(),
        transactions,
        withdrawals: withdrawals(block.header(), body.withdrawals),
    })
}

/// A block as it is shown to whoever may not see its transactions: none is listed.
pub(crate) fn without_transactions(block: RpcBlock) -> RpcBlock {
    RpcBlock { transactions: BlockTransactions::Hashes(Vec::new()), ..block }
}

/// A block that nobody made, of transactions that nobody signed, by the senders that they name.
pub(crate) fn simulated(
    node: &Node,
    block: &Block,
    senders: &BTreeMap<usize, Address>,
    withdrawals: Vec<Withdrawal>,
    full: bool,
) -> Result<Value, RpcError> {
    let transactions = if full {
        let all = (0..block.transactions().len()).map(|index| {
            let sender = senders.get(&index).copied().unwrap_or_default();
            RpcTransaction::placed(node, block, index, sender)
        });
        BlockTransactions::Full(all.collect())
    } else {
        BlockTransactions::Hashes(block.transactions().iter().map(|tx| tx.hash()).collect())
    };
    let withdrawals = block.header().withdrawals_root.map(|_| Withdrawals::new(withdrawals));
    let body = ForeignBody { ommers: Vec::new(), withdrawals };
    let size = encoded_with(block, &body).len();
    let shown = RpcBlock {
        header: header(block.header(), block.hash(), Some(size)),
        uncles: Vec::new(),
        transactions,
        withdrawals: body.withdrawals,
    };
    serde_json::to_value(shown).map_err(|error| RpcError::Fault(error.to_string()))
}

/// None of this ledger's own blocks has withdrawals, but their headers have the root of an empty list.
fn withdrawals(header: &Header, of: Option<Withdrawals>) -> Option<Withdrawals> {
    header.withdrawals_root.map(|_| of.unwrap_or_default())
}

/// A block in Ethereum's encoding: header, transactions, uncles and, if its header has their root,
/// withdrawals.
pub(crate) fn encoded(node: &Node, block: &Block) -> Bytes {
    let mut body = node.foreign_body(block.height()).cloned().unwrap_or_default();
    body.withdrawals = withdrawals(block.header(), body.withdrawals);
    encoded_with(block, &body)
}

fn encoded_with(block: &Block, body: &ForeignBody) -> Bytes {
    let mut inside = Vec::new();
    block.header().encode(&mut inside);
    let mut txs = Vec::new();
    for tx in block.transactions() {
        tx.encode_in_block(&mut txs);
    }
    alloy_rlp::Header { list: true, payload_length: txs.len() }.encode(&mut inside);
    inside.extend_from_slice(&txs);
    body.ommers.encode(&mut inside);
    if let Some(withdrawals) = &body.withdrawals {
        withdrawals.encode(&mut inside);
    }
    let mut out = Vec::with_capacity(inside.len() + 5);
    alloy_rlp::Header { list: true, payload_length: inside.len() }.encode(&mut out);
    out.extend_from_slice(&inside);
    out.into()
}

/// The transaction at a place of a block. `index` must be in range.
pub(crate) fn transaction_in(
    node: &Node,
    block: &Block,
    index: usize,
) -> Result<RpcTransaction, RpcError> {
    let sender = sender(&block.transactions()[index])?;
    Ok(RpcTransaction::placed(node, block, index, sender))
}

/// A transaction that waits.
pub(crate) fn transaction(tx: &Tx) -> Result<RpcTransaction, RpcError> {
    Ok(RpcTransaction::waiting(tx, sender(tx)?))
}

fn sender(tx: &Tx) -> Result<Address, RpcError> {
    tx.sender().map_err(|error| RpcError::Fault(error.to_string()))
}

/// The receipt of one transaction of a block. On this ledger's own blocks the price paid is zero
/// whatever the transaction offered. `index` must be in range.
pub(crate) fn receipt(
    node: &Node,
    of: &Final,
    index: usize,
) -> Result<TransactionReceipt, RpcError> {
    let missing = || RpcError::Fault(format!("block {} has no receipt {index}", of.block.height()));
    let (tx, receipt) =
        (&of.block.transactions()[index], of.receipts.get(index).ok_or_else(missing)?);
    let before = match index.checked_sub(1) {
        Some(previous) => of.receipts[previous].cumulative_gas_used(),
        None => 0,
    };
    let first_log: usize = of.receipts[..index].iter().map(|receipt| receipt.logs().len()).sum();
    let sender = sender(tx)?;
    let place = LogPlace { of: &of.block, tx_hash: tx.hash(), tx_index: index as u64 };
    Ok(TransactionReceipt {
        inner: with_places(receipt, &place, first_log as u64),
        transaction_hash: tx.hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(of.block.hash()),
        block_number: Some(of.block.height()),
        gas_used: receipt.cumulative_gas_used().saturating_sub(before),
        effective_gas_price: node.rules().gas_price(tx.envelope(), of.block.header()),
        blob_gas_used: tx.envelope().blob_gas_used(),
        blob_gas_price: tx.envelope().blob_gas_used().and_then(|_| blob_price(node, of)),
        from: sender,
        to: tx.envelope().to(),
        contract_address: tx.envelope().is_create().then(|| sender.create(tx.envelope().nonce())),
    })
}

fn blob_price(node: &Node, of: &Final) -> Option<u128> {
    let header = of.block.header();
    let rules = node.rules().schedule()?.blobs(header.timestamp);
    let excess = header.excess_blob_gas?;
    Some(fake_exponential(1, u128::from(excess), u128::from(rules.update_fraction)))
}

struct LogPlace<'a> {
    of: &'a Block,
    tx_hash: B256,
    tx_index: u64,
}

impl LogPlace<'_> {
    fn log(&self, log: &alloy_primitives::Log, index: u64) -> RpcLog {
        RpcLog {
            inner: log.clone(),
            block_hash: Some(self.of.hash()),
            block_number: Some(self.of.height()),
            block_timestamp: Some(self.of.header().timestamp),
            transaction_hash: Some(self.tx_hash),
            transaction_index: Some(self.tx_index),
            log_index: Some(index),
            removed: false,
        }
    }
}

fn with_places(
    receipt: &ReceiptEnvelope,
    place: &LogPlace<'_>,
    first_log: u64,
) -> ReceiptEnvelope<RpcLog> {
    let logs = receipt.logs().iter().zip(first_log..).map(|(log, n)| place.log(log, n)).collect();
    let inner = alloy_consensus::Receipt {
        status: receipt.status_or_post_state(),
        cumulative_gas_used: receipt.cumulative_gas_used(),
        logs,
    };
    let with_bloom = ReceiptWithBloom { receipt: inner, logs_bloom: *receipt.logs_bloom() };
    ReceiptEnvelope::from_typed(receipt.tx_type(), with_bloom)
}

pub(crate) fn event(event: LoggedEvent) -> RpcLog {
    RpcLog {
        inner: event.log,
        block_hash: Some(event.block_hash),
        block_number: Some(event.height),
        block_timestamp: Some(event.timestamp),
        transaction_hash: Some(event.tx_hash),
        transaction_index: Some(event.tx_index),
        log_index: Some(event.log_index),
        removed: false,
    }
}
