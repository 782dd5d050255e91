//! From the ledger's types to what JSON-RPC shows.

use std::sync::Arc;

use alloy_consensus::{
    Eip658Value, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, transaction::Recovered,
};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{
    Block as RpcBlock, BlockTransactions, Header as RpcHeader, Log as RpcLog,
    Transaction as RpcTransaction, TransactionReceipt,
};
use tulou_ledger::LoggedEvent;
use tulou_primitives::{Block, Header, Tx};

use crate::error::RpcError;

/// A final block with its receipts.
#[derive(Clone, Debug)]
pub(crate) struct Final {
    pub(crate) block: Block,
    pub(crate) receipts: Arc<Vec<ReceiptEnvelope>>,
}

pub(crate) fn header(header: &Header, hash: B256, size: Option<usize>) -> RpcHeader {
    RpcHeader { hash, inner: header.clone(), total_difficulty: None, size: size.map(U256::from) }
}

pub(crate) fn block(block: &Block, full: bool) -> Result<RpcBlock, RpcError> {
    let transactions = if full {
        let all = 0..block.transactions().len();
        let all: Result<_, _> = all.map(|index| transaction_in(block, index)).collect();
        BlockTransactions::Full(all?)
    } else {
        BlockTransactions::Hashes(block.transactions().iter().map(|tx| tx.hash()).collect())
    };
    Ok(RpcBlock {
        header: header(block.header(), block.hash(), Some(block.encode().len())),
        uncles: Vec::new(),
        transactions,
        withdrawals: block.header().withdrawals_root.map(|_| Withdrawals::default()),
    })
}

/// The transaction at a place of a block. `index` must be in range.
pub(crate) fn transaction_in(block: &Block, index: usize) -> Result<RpcTransaction, RpcError> {
    let mut out = transaction(&block.transactions()[index])?;
    out.block_hash = Some(block.hash());
    out.block_number = Some(block.height());
    out.block_timestamp = Some(block.header().timestamp);
    out.transaction_index = Some(index as u64);
    if out.inner.is_dynamic_fee() {
        out.effective_gas_price = Some(0);
    }
    Ok(out)
}

/// A transaction that waits.
pub(crate) fn transaction(tx: &Tx) -> Result<RpcTransaction, RpcError> {
    let sender = tx.sender().map_err(|error| RpcError::Fault(error.to_string()))?;
    Ok(RpcTransaction {
        inner: Recovered::new_unchecked(tx.envelope().clone(), sender),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price: None,
        block_timestamp: None,
    })
}

/// The receipt of one transaction of a block. The price paid is zero whatever the transaction
/// offered. `index` must be in range.
pub(crate) fn receipt(of: &Final, index: usize) -> Result<TransactionReceipt, RpcError> {
    let missing = || RpcError::Fault(format!("block {} has no receipt {index}", of.block.height()));
    let (tx, receipt) =
        (&of.block.transactions()[index], of.receipts.get(index).ok_or_else(missing)?);
    let before = match index.checked_sub(1) {
        Some(previous) => of.receipts[previous].cumulative_gas_used(),
        None => 0,
    };
    let first_log: usize = of.receipts[..index].iter().map(|receipt| receipt.logs().len()).sum();
    let sender = tx.sender().map_err(|error| RpcError::Fault(error.to_string()))?;
    let place = LogPlace { of: &of.block, tx_hash: tx.hash(), tx_index: index as u64 };
    Ok(TransactionReceipt {
        inner: with_places(receipt, &place, first_log as u64),
        transaction_hash: tx.hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(of.block.hash()),
        block_number: Some(of.block.height()),
        gas_used: receipt.cumulative_gas_used().saturating_sub(before),
        effective_gas_price: 0,
        blob_gas_used: None,
        blob_gas_price: None,
        from: sender,
        to: tx.envelope().to(),
        contract_address: tx.envelope().is_create().then(|| sender.create(tx.envelope().nonce())),
    })
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
        status: Eip658Value::Eip658(receipt.status()),
        cumulative_gas_used: receipt.cumulative_gas_used(),
        logs,
    };
    let with_bloom = ReceiptWithBloom { receipt: inner, logs_bloom: *receipt.logs_bloom() };
    match receipt {
        ReceiptEnvelope::Legacy(_) => ReceiptEnvelope::Legacy(with_bloom),
        ReceiptEnvelope::Eip2930(_) => ReceiptEnvelope::Eip2930(with_bloom),
        ReceiptEnvelope::Eip1559(_) => ReceiptEnvelope::Eip1559(with_bloom),
        ReceiptEnvelope::Eip4844(_) => ReceiptEnvelope::Eip4844(with_bloom),
        ReceiptEnvelope::Eip7702(_) => ReceiptEnvelope::Eip7702(with_bloom),
    }
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
