//! The nodes of one process: one for each ledger, behind one server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::runtime::Runtime;
use tulou_primitives::NodeKind;
use tulou_rpc::{RpcConfig, ServerHandle};

use crate::{
    Clock, Drill, LedgerSettings, Node, NodeConfig, NodeError, Settings, Unlock, start,
};

/// What a process runs beside its settings.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Opens encrypted keys.
    pub passphrase: Option<String>,
    /// Stands instead of the settings' address for people and programs.
    pub rpc: Option<SocketAddr>,
    /// A clock that several processes' worth of nodes share, to tell a story; `None` is the system's.
    pub clock: Option<Arc<Clock>>,
    /// Faults that a drill asks for.
    pub drill: Drill,
}

/// All nodes of a process. Dropping it stops everything.
pub struct Host {
    nodes: Vec<(String, Node)>,
    server: Option<ServerHandle>,
    rpc: SocketAddr,
    runtime: Arc<Runtime>,
}

/// A ledger whose node has stopped by itself.
#[derive(Clone, Debug, thiserror::Error)]
#[error("ledger {ledger}: {reason}")]
pub struct Stopped {
    /// Its name.
    pub ledger: String,
    /// What happened.
    pub reason: String,
}

impl Host {
    /// Starts the node of every ledger in the settings of `dir`. Nobody is let in yet.
    ///
    /// # Errors
    /// [`NodeError`] of the first ledger that does not start; those before it are stopped again.
    pub fn open(dir: &Path, settings: &Settings, options: HostOptions) -> Result<Self, NodeError> {
        let runtime = start::runtime()?;
        let mut nodes = Vec::with_capacity(settings.ledgers.len());
        for ledger in &settings.ledgers {
            let config = config(dir, settings, ledger, &options);
            nodes.push((ledger.name.clone(), Node::open(config, runtime.clone())?));
        }
        let rpc = options.rpc.unwrap_or(settings.node.rpc);
        Ok(Self { nodes, server: None, rpc, runtime })
    }

    /// Lets people and programs in: the first ledger at `/`, each at `/l/<name>/`. Returns the address,
    /// with the port that was taken.
    ///
    /// # Errors
    /// [`NodeError::Listen`].
    pub fn serve(&mut self) -> Result<SocketAddr, NodeError> {
        let contexts = self.nodes.iter().map(|(_, node)| node.context().clone()).collect();
        let server = self
            .runtime
            .block_on(tulou_rpc::serve_all(self.rpc, contexts))
            .map_err(|e| NodeError::Listen { address: self.rpc, reason: e.to_string() })?;
        let taken = server.addr;
        self.server = Some(server);
        Ok(taken)
    }

    /// The nodes with the names of their ledgers.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// The first node that has stopped by itself.
    pub fn stopped(&self) -> Option<Stopped> {
        let stopped = self.nodes.iter().find(|(_, node)| !node.is_running())?;
        let reason = stopped.1.failure().unwrap_or_else(|| "its engine has stopped".into());
        Some(Stopped { ledger: stopped.0.clone(), reason })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

/// The configuration of one ledger's node.
fn config(
    dir: &Path,
    settings: &Settings,
    ledger: &LedgerSettings,
    options: &HostOptions,
) -> NodeConfig {
    let unlock = Unlock {
        passphrase: options.passphrase.clone(),
        command: ledger.key_command.clone(),
    };
    // An archive is there to keep everything.
    let keep_blocks = ledger.keep_blocks.filter(|_| ledger.role != NodeKind::Archive);
    NodeConfig {
        peers: ledger.peers.clone(),
        unlock: Some(unlock),
        keep_blocks,
        name: ledger.name.clone(),
        rpc: RpcConfig {
            read_only: settings.node.read_only,
            origins: settings.node.origins.clone(),
            ..RpcConfig::default()
        },
        disk_budget: settings.node.disk_budget,
        clock: options.clock.clone(),
        drill: options.drill,
        ..NodeConfig::shared(ledger_dir(dir, ledger), ledger.listen)
    }
}

/// The folder of a ledger below that of its process.
pub fn ledger_dir(dir: &Path, ledger: &LedgerSettings) -> PathBuf {
    dir.join(&ledger.dir)
}
