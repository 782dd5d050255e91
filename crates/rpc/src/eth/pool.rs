//! The `txpool` namespace: what waits.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U64};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use serde_json::{Value, json};
use tulou_primitives::Tx;

use super::{Methods, heavy, light};
use crate::{
    convert::{self, RpcTransaction},
    error::RpcError,
    node::Node,
};

/// Transactions that one answer lists at most.
const LISTED: usize = 10_000;

/// Transactions of one sender by their nonce in decimal.
type Line<T> = BTreeMap<String, T>;

/// What can execute and what waits for an earlier nonce.
#[derive(Clone, Debug, Serialize)]
struct Waiting<T> {
    pending: T,
    queued: T,
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    light(methods, "txpool_status", |node, _| {
        let stats = node.mempool.stats();
        let (pending, queued) = (U64::from(stats.pending), U64::from(stats.queued));
        Ok(Waiting { pending, queued })
    })?;
    heavy(methods, "txpool_content", |node, _| all(node, &convert::transaction))?;
    heavy(methods, "txpool_inspect", |node, _| all(node, &|tx| Ok(summary(tx))))?;
    heavy(methods, "txpool_contentFrom", |node, params| {
        let (run, txs) = node.mempool.content_of(params.next()?);
        Ok(Waiting { pending: line(&txs[..run])?, queued: line(&txs[run..])? })
    })
}

fn line(txs: &[Arc<Tx>]) -> Result<Line<RpcTransaction>, RpcError> {
    let shown = txs.iter().take(LISTED);
    shown.map(|tx| Ok((tx.envelope().nonce().to_string(), convert::transaction(tx)?))).collect()
}

type Lines<T> = BTreeMap<Address, Line<T>>;

/// Everything that waits, up to [`LISTED`] of it.
fn all<T>(
    node: &Node,
    show: &dyn Fn(&Tx) -> Result<T, RpcError>,
) -> Result<Waiting<Lines<T>>, RpcError> {
    let (mut pending, mut queued) = (Lines::new(), Lines::new());
    let mut left = LISTED;
    for (sender, run, txs) in node.mempool.content() {
        for (index, tx) in txs.iter().enumerate().take(left) {
            let lines = if index < run { &mut pending } else { &mut queued };
            let line: &mut Line<T> = lines.entry(sender).or_default();
            line.insert(tx.envelope().nonce().to_string(), show(tx)?);
        }
        left = left.saturating_sub(txs.len());
    }
    Ok(Waiting { pending, queued })
}

/// A transaction in one line, as geth words it.
fn summary(tx: &Tx) -> Value {
    let envelope = tx.envelope();
    let to = envelope.to().map_or_else(|| "contract creation".to_owned(), |to| to.to_string());
    let (value, gas, price) = (envelope.value(), envelope.gas_limit(), envelope.max_fee_per_gas());
    json!(format!("{to}: {value} wei + {gas} gas × {price} wei"))
}
