//! Which nodes may connect, and where they are: what the ledger says, with the operator's own addresses
//! before it. Read again after each block and, for names, at intervals.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use alloy_primitives::B256;
use tokio::sync::Notify;
use tracing::{info, warn};
use tulou_ledger::Ledger;
use tulou_primitives::Genesis;

use crate::{gossip::SharedEngine, peers::Peers, roster};

/// How often names are looked up again and refused nodes get another chance.
const REFRESH: Duration = Duration::from_secs(30);
/// Longest wait for one name.
const LOOKUP: Duration = Duration::from_secs(3);

/// What decides who may connect.
pub(crate) struct AllowList {
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) ledger: Ledger,
    pub(crate) peers: Arc<Peers>,
    /// `host:port` that stands instead of the ledger's.
    pub(crate) overrides: BTreeMap<B256, String>,
    pub(crate) me: B256,
}

impl AllowList {
    /// Keys and `host:port` of all nodes that may connect now, ourselves left out.
    fn entries(&self) -> Vec<(B256, String)> {
        let nodes = roster::nodes(&self.ledger.latest(), &self.genesis);
        let others = nodes.into_iter().filter(|node| node.key != self.me);
        others
            .map(|node| {
                let own = self.overrides.get(&node.key).cloned();
                (node.key, own.unwrap_or(node.endpoint))
            })
            .collect()
    }

    /// Gives the engine the list whenever it changes, for ever.
    pub(crate) async fn follow(
        self,
        engine: SharedEngine,
        refused: Arc<Notify>,
        mut known: Vec<(B256, SocketAddr)>,
    ) {
        let mut heads = self.ledger.subscribe();
        let mut names = self.entries();
        loop {
            let changed_names = loop {
                let due = tokio::select! {
                    changed = heads.changed() => match changed {
                        Ok(()) => false,
                        Err(_) => return,
                    },
                    () = refused.notified() => true,
                    () = tokio::time::sleep(REFRESH) => true,
                };
                let now = self.entries();
                if due || now != names {
                    break now;
                }
            };
            names = changed_names;
            self.peers.keep(|key| names.iter().any(|(name, _)| name == key));
            let now = resolved(&self).await;
            if now != known {
                info!(peers = now.len(), "the list of nodes that may connect has changed");
                if let Some(engine) = engine.read().as_ref() {
                    engine.set_peers(now.clone());
                }
                known = now;
            }
        }
    }
}

/// The list with the addresses of today. A name that does not resolve is left out and tried again.
pub(crate) async fn resolved(list: &AllowList) -> Vec<(B256, SocketAddr)> {
    let mut out = Vec::new();
    for (key, name) in list.entries() {
        if list.peers.is_refused(&key) {
            continue;
        }
        if let Ok(address) = name.parse() {
            out.push((key, address));
            continue;
        }
        let found = tokio::time::timeout(LOOKUP, tokio::net::lookup_host(name.as_str())).await;
        match found.map(|found| found.map(|mut addresses| addresses.next())) {
            Ok(Ok(Some(address))) => out.push((key, address)),
            Ok(Ok(None)) => warn!(peer = %key, name, "the name has no address"),
            Ok(Err(error)) => warn!(peer = %key, name, %error, "the name is not found"),
            Err(_) => warn!(peer = %key, name, "the name server does not answer"),
        }
    }
    out
}
