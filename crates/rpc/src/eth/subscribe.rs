//! `eth_subscribe` over WebSocket.

use std::sync::Arc;

use alloy_rpc_types_eth::Filter;
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionSink,
    core::{RegisterMethodError, SubscriptionResult},
    types::{ErrorObjectOwned, Params},
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::broadcast::error::RecvError;

use super::{Methods, logs};
use crate::{convert, error::RpcError, node::Node, session::Credential, sight::Reader};

/// What a client may follow.
#[derive(Clone, Debug, PartialEq)]
enum Topic {
    Heads,
    Logs(Box<Filter>),
    Pending { full: bool },
    Syncing,
}

/// The second parameter of `eth_subscribe`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Option2 {
    Full(bool),
    Filter(Box<Filter>),
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, node, extensions| async move {
            let credential = extensions.get().copied();
            subscribe(params, pending, node, credential).await
        },
    )?;
    Ok(())
}

async fn subscribe(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    node: Arc<Node>,
    credential: Option<Credential>,
) -> SubscriptionResult {
    let reader = Reader::of(&node, credential.as_ref());
    let topic = topic(&params).and_then(|topic| match topic {
        Topic::Pending { .. } => reader.only_members("a transaction that waits").map(|()| topic),
        other => Ok(other),
    });
    let topic = match topic {
        Ok(topic) => topic,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    // Taken before the client hears of its subscription, so that it misses nothing from then on.
    let heads = node.ledger.subscribe();
    let feed = node.mempool.subscribe();
    let sink = pending.accept().await?;
    match topic {
        Topic::Heads => follow_heads(&node, &sink, heads, None).await,
        Topic::Logs(filter) => {
            follow_heads(&node, &sink, heads, Some((&filter, credential))).await;
        }
        Topic::Pending { full } => follow_pool(&node, credential, &sink, feed, full).await,
        Topic::Syncing => send(&sink, &false).await.map(|_| ()).unwrap_or_default(),
    }
    Ok(())
}

fn topic(params: &Params<'_>) -> Result<Topic, RpcError> {
    let mut params = params.sequence();
    let name = params.next::<String>()?;
    let option = params.optional_next::<Option2>()?;
    match (name.as_str(), option) {
        ("newHeads", _) => Ok(Topic::Heads),
        ("logs", None) => Ok(Topic::Logs(Box::default())),
        ("logs", Some(Option2::Filter(filter))) => Ok(Topic::Logs(filter)),
        ("newPendingTransactions", None) => Ok(Topic::Pending { full: false }),
        ("newPendingTransactions", Some(Option2::Full(full))) => Ok(Topic::Pending { full }),
        ("syncing", None) => Ok(Topic::Syncing),
        _ => Err(RpcError::Params(format!("no \"{name}\" subscription with these parameters"))),
    }
}

/// Sends every head, or every event that matches, in order and without a gap: a slow client is
/// waited for, and the ledger keeps what it has not seen.
async fn follow_heads(
    node: &Node,
    sink: &SubscriptionSink,
    mut heads: tokio::sync::watch::Receiver<tulou_ledger::Head>,
    filter: Option<(&Filter, Option<Credential>)>,
) {
    let mut seen = heads.borrow_and_update().height;
    loop {
        tokio::select! {
            changed = heads.changed() => if changed.is_err() { return },
            () = sink.closed() => return,
        }
        if node.refusal().is_some() {
            return;
        }
        let head = heads.borrow_and_update().height;
        for height in seen + 1..=head {
            let sent = match filter {
                None => send_head(node, sink, height).await,
                Some((filter, credential)) => {
                    // Asked anew: who signed out or left the estate meanwhile is sent public events only.
                    let reader = Reader::of(node, credential.as_ref());
                    send_logs(node, reader, sink, filter, height).await
                }
            };
            if sent.is_none() {
                return;
            }
        }
        seen = head;
    }
}

async fn send_head(node: &Node, sink: &SubscriptionSink, height: u64) -> Option<()> {
    let header = node.ledger.header(height).ok()??;
    let hash = header.hash_slow();
    send(sink, &convert::header(&header, hash, None)).await
}

async fn send_logs(
    node: &Node,
    reader: Reader,
    sink: &SubscriptionSink,
    filter: &Filter,
    height: u64,
) -> Option<()> {
    for log in logs::between(node, reader, filter, height, height).ok()? {
        send(sink, &log).await?;
    }
    Some(())
}

async fn follow_pool(
    node: &Node,
    credential: Option<Credential>,
    sink: &SubscriptionSink,
    mut feed: tokio::sync::broadcast::Receiver<Arc<tulou_primitives::Tx>>,
    full: bool,
) {
    loop {
        let tx = tokio::select! {
            tx = feed.recv() => tx,
            () = sink.closed() => return,
        };
        if !Reader::of(node, credential.as_ref()).is_member() {
            return;
        }
        let sent = match tx {
            Ok(tx) if full => match convert::transaction(&tx) {
                Ok(tx) => send(sink, &tx).await,
                Err(_) => Some(()),
            },
            Ok(tx) => send(sink, &tx.hash()).await,
            // Pending transactions are a courtesy: what a slow client missed is left out.
            Err(RecvError::Lagged(_)) => Some(()),
            Err(RecvError::Closed) => None,
        };
        if sent.is_none() {
            return;
        }
    }
}

/// `None` where the client has gone.
async fn send(sink: &SubscriptionSink, message: &impl Serialize) -> Option<()> {
    let message: Box<RawValue> = to_raw_value(message).ok()?;
    sink.send(message).await.ok()
}
