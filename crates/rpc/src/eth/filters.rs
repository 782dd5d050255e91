//! Filters for clients that poll.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{FixedBytes, U128};
use alloy_rpc_types_eth::{Filter, FilterBlockOption};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use tulou_primitives::Tx;

use super::{Methods, heavy_for, light, logs};
use crate::{error::RpcError, node::Node, sight::Reader};

/// Hashes that one poll returns at most.
const HASHES: usize = 10_000;

/// What a filter looks for.
#[derive(Debug)]
enum Kind {
    Logs(Arc<Filter>),
    Blocks,
    Pending(broadcast::Receiver<Arc<Tx>>),
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    /// First height that was not reported yet.
    next: u64,
    touched: Instant,
}

/// The filters of all clients, bounded in number and in idle time.
#[derive(Debug)]
pub(crate) struct Filters {
    entries: Mutex<HashMap<U128, Entry>>,
    limit: usize,
    idle: Duration,
}

impl Filters {
    pub(crate) fn new(limit: usize, idle_s: u64) -> Self {
        Self { entries: Mutex::default(), limit, idle: Duration::from_secs(idle_s) }
    }

    fn add(&self, kind: Kind, next: u64) -> Result<U128, RpcError> {
        let mut entries = self.entries.lock();
        let now = Instant::now();
        if entries.len() >= self.limit {
            entries.retain(|_, entry| now.duration_since(entry.touched) < self.idle);
        }
        if entries.len() >= self.limit {
            let text = format!("{} filters exist already, try again later", self.limit);
            return Err(RpcError::Limit(text));
        }
        let id = U128::from_be_bytes(FixedBytes::<16>::random().0);
        entries.insert(id, Entry { kind, next, touched: now });
        Ok(id)
    }

    /// Runs `f` on a filter that exists and was asked for lately.
    fn with<T>(&self, id: U128, f: impl FnOnce(&mut Entry) -> T) -> Result<T, RpcError> {
        let mut entries = self.entries.lock();
        let now = Instant::now();
        match entries.get_mut(&id) {
            Some(entry) if now.duration_since(entry.touched) < self.idle => {
                entry.touched = now;
                Ok(f(entry))
            }
            _ => {
                entries.remove(&id);
                Err(RpcError::NotFound("filter not found".into()))
            }
        }
    }
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    light(methods, "eth_newFilter", |node, params| {
        let filter = params.next::<Filter>()?;
        node.filters().add(Kind::Logs(Arc::new(filter)), node.ledger.head().height + 1)
    })?;
    light(methods, "eth_newBlockFilter", |node, _| {
        node.filters().add(Kind::Blocks, node.ledger.head().height + 1)
    })?;
    light(methods, "eth_newPendingTransactionFilter", |node, _| {
        node.filters().add(Kind::Pending(node.mempool.subscribe()), 0)
    })?;
    light(methods, "eth_uninstallFilter", |node, params| {
        Ok(node.filters().entries.lock().remove(&params.next()?).is_some())
    })?;
    heavy_for(methods, "eth_getFilterChanges", changes)?;
    heavy_for(methods, "eth_getFilterLogs", |node, reader, params| {
        let filter = node.filters().with(params.next()?, |entry| match &entry.kind {
            Kind::Logs(filter) => Some(filter.clone()),
            _ => None,
        })?;
        let filter = filter.ok_or_else(|| RpcError::NotFound("filter not found".into()))?;
        logs::search(node, reader, &filter)
    })
}

/// What a poll has to look up once the filters are unlocked.
enum Due {
    Logs(Arc<Filter>, u64),
    Blocks(u64),
    Pending(Vec<alloy_primitives::B256>),
}

fn changes(
    node: &Node,
    reader: Reader,
    params: &mut ParamsSequence<'_>,
) -> Result<Value, RpcError> {
    let head = node.ledger.head().height;
    let due = node.filters().with(params.next()?, |entry| {
        let from = entry.next;
        match &mut entry.kind {
            Kind::Logs(filter) => {
                entry.next = head + 1;
                Due::Logs(filter.clone(), from)
            }
            Kind::Blocks => {
                entry.next = (from + HASHES as u64).min(head + 1);
                Due::Blocks(from)
            }
            Kind::Pending(feed) => Due::Pending(drain(feed)),
        }
    })?;
    match due {
        Due::Logs(filter, from) => {
            let (from, to) = match filter.block_option {
                FilterBlockOption::AtBlockHash(_) => return json(Vec::<()>::new()),
                FilterBlockOption::Range { from_block, to_block } => {
                    let first = from_block.map_or(0, |_| logs::bound(node, from_block));
                    (from.max(first.min(from.max(first))), logs::bound(node, to_block))
                }
            };
            if from > to {
                json(Vec::<()>::new())
            } else {
                json(logs::between(node, reader, &filter, from, to)?)
            }
        }
        Due::Blocks(from) => {
            let to = head.min(from.saturating_add(HASHES as u64 - 1));
            let mut hashes = Vec::new();
            for height in from..=to {
                hashes.extend(node.ledger.header(height)?.map(|header| header.hash_slow()));
            }
            json(hashes)
        }
        Due::Pending(hashes) => {
            // Who asked for the filter may have been a member then.
            reader.only_members("a transaction that waits")?;
            json(hashes)
        }
    }
}

/// Hashes that arrived since the last poll; what was lost because nobody polled is left out.
fn drain(feed: &mut broadcast::Receiver<Arc<Tx>>) -> Vec<alloy_primitives::B256> {
    let mut hashes = Vec::new();
    while hashes.len() < HASHES {
        match feed.try_recv() {
            Ok(tx) => hashes.push(tx.hash()),
            Err(broadcast::error::TryRecvError::Lagged(_)) => {}
            Err(_) => break,
        }
    }
    hashes
}

fn json(value: impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(value).map_err(|error| RpcError::Fault(error.to_string()))
}
