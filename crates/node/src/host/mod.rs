//! The nodes of one process: one for each ledger, behind one server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, task::JoinHandle};
use tracing::info;
use tulou_ledger::LedgerError;
use tulou_primitives::NodeKind;
use tulou_rpc::{Limits, RpcConfig, ServerHandle};

use crate::{
    Clock, Drill, LedgerSettings, Node, NodeConfig, NodeError, Settings, StepDown, Unlock,
    acme::Acme,
    start,
    upkeep::placed,
    vault::{Book, VaultKeeper},
};

/// Longest wait for what an ended node held.
const RESTART: Duration = Duration::from_secs(20);

/// What a process runs beside its settings. Not shown in logs: it holds the passphrase.
#[derive(Clone, Default)]
pub struct HostOptions {
    /// Opens encrypted keys.
    pub passphrase: Option<String>,
    /// Opens the vault, where that is how it is opened.
    pub vault_passphrase: Option<String>,
    /// Stands instead of the settings' address for people and programs.
    pub rpc: Option<SocketAddr>,
    /// A clock that the nodes of several hosts share, to tell a story; `None` is the system's.
    pub clock: Option<Arc<Clock>>,
    /// Faults that a drill asks for.
    pub drill: Drill,
}

/// All nodes of a process. Dropping it stops everything.
pub struct Host {
    nodes: Vec<Kept>,
    vault: Option<VaultKeeper>,
    acme: Option<Acme>,
    /// At work on the certificate, once people are served.
    renewing: Option<JoinHandle<()>>,
    server: Option<ServerHandle>,
    rpc: SocketAddr,
    runtime: Arc<Runtime>,
}

/// One ledger's node and how to start it again.
struct Kept {
    name: String,
    config: NodeConfig,
    /// Absent only while it is being started again.
    node: Option<Node>,
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
    /// [`NodeError::Acme`], [`NodeError::Vault`], or that of the first ledger that does not start; those
    /// before it are stopped again.
    pub fn open(dir: &Path, settings: &Settings, options: HostOptions) -> Result<Self, NodeError> {
        let rpc = options.rpc.unwrap_or(settings.node.rpc);
        let acme = settings.node.tls.as_ref().and_then(|tls| tls.acme.as_ref());
        let acme = acme.map(|acme| Acme::open(dir, acme, rpc)).transpose()?;
        let tls = match &acme {
            Some(acme) => Some(acme.files()),
            None => settings.node.tls.as_ref().and_then(|tls| tls.files(dir)),
        };
        let vault = settings.node.vault.as_ref();
        let vault = vault
            .map(|vault| VaultKeeper::open(dir, vault, options.vault_passphrase.clone()))
            .transpose()?;
        let runtime = start::runtime()?;
        let mut nodes = Vec::with_capacity(settings.ledgers.len());
        for ledger in &settings.ledgers {
            let mut config = config(dir, settings, ledger, &options);
            config.rpc.tls = tls.clone();
            config.rpc.vault = vault.as_ref().map(|vault| vault.meters().clone());
            let node = Some(Node::open(config.clone(), runtime.clone())?);
            nodes.push(Kept { name: ledger.name.clone(), config, node });
        }
        Ok(Self { nodes, vault, acme, renewing: None, server: None, rpc, runtime })
    }

    /// Lets people and programs in: the first ledger at `/`, each at `/l/<name>/`. Returns the address,
    /// with the port that was taken.
    ///
    /// # Errors
    /// [`NodeError::Listen`].
    pub fn serve(&mut self) -> Result<SocketAddr, NodeError> {
        let contexts = self.nodes().map(|(_, node)| node.context().clone()).collect();
        let server = self
            .runtime
            .block_on(tulou_rpc::serve_all(self.rpc, contexts))
            .map_err(|e| NodeError::Listen { address: self.rpc, reason: e.to_string() })?;
        let taken = server.addr;
        self.server = Some(server);
        // Proofs are shown on the door, so not before it is open. Afterwards it may close and open.
        if let (None, Some(acme)) = (&self.renewing, &self.acme) {
            self.renewing = Some(self.runtime.spawn(acme.clone().run()));
        }
        Ok(taken)
    }

    /// Replaces the bounds for callers and accounts while people are served.
    pub fn set_limits(&self, limits: Limits) {
        if let Some(server) = &self.server {
            server.set_limits(limits);
        }
    }

    /// The nodes with the names of their ledgers.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().filter_map(|kept| Some((kept.name.as_str(), kept.node.as_ref()?)))
    }

    /// Looks after the nodes; call it about twice a second. One that stepped down for want of room is
    /// started again when there is room; one whose data is damaged goes on saying so.
    ///
    /// # Errors
    /// [`Stopped`]: a node has stopped by itself, or does not start again. The process should end.
    pub fn tend(&mut self) -> Result<(), Stopped> {
        let nodes = &self.nodes;
        if let Some(vault) = &mut self.vault {
            vault.look(|| {
                let running = nodes.iter().filter_map(|kept| kept.node.as_ref());
                running
                    .map(|node| Book {
                        chain_id: node.context().chain_id,
                        ledger: node.ledger().clone(),
                    })
                    .collect()
            });
        }
        let mut restarted = false;
        for i in 0..self.nodes.len() {
            let Some(node) = self.nodes[i].node.as_ref() else { continue };
            match node.stepped_down() {
                Some(StepDown::NoRoom(_)) if node.no_room().is_none() => {
                    self.restart(i)?;
                    restarted = true;
                }
                Some(StepDown::Damage(_) | StepDown::NoRoom(_)) => {}
                // The guard has not looked yet: the node is about to say so.
                None if node.archive_damage().is_some() => {}
                // A full disk may end the engine before the guard has looked.
                None if !node.is_running() && node.no_room().is_none() => {
                    let reason = node.failure().unwrap_or_else(|| "its engine has stopped".into());
                    return Err(Stopped { ledger: self.nodes[i].name.clone(), reason });
                }
                None => {}
            }
        }
        if restarted { self.serve_again() } else { Ok(()) }
    }

    fn restart(&mut self, i: usize) -> Result<(), Stopped> {
        let kept = &mut self.nodes[i];
        info!(ledger = kept.name, "there is room again: the node goes on");
        // The server holds the ledger open.
        if let Some(server) = self.server.take() {
            server.stop();
        }
        kept.node = None;
        let begun = Instant::now();
        loop {
            match Node::open(kept.config.clone(), self.runtime.clone()) {
                Ok(node) => {
                    kept.node = Some(node);
                    return Ok(());
                }
                // The last answers of the server are still on their way.
                Err(NodeError::Ledger(LedgerError::InUse(_))) if begun.elapsed() < RESTART => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(e) => {
                    return Err(Stopped { ledger: kept.name.clone(), reason: e.to_string() });
                }
            }
        }
    }

    fn serve_again(&mut self) -> Result<(), Stopped> {
        let begun = Instant::now();
        loop {
            match self.serve() {
                Ok(_) => return Ok(()),
                Err(_) if begun.elapsed() < RESTART => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(e) => return Err(Stopped { ledger: "all".into(), reason: e.to_string() }),
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(renewing) = self.renewing.take() {
            renewing.abort();
        }
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
    let unlock =
        Unlock { passphrase: options.passphrase.clone(), command: ledger.key_command.clone() };
    // An archive is there to keep everything.
    let of_archive = (ledger.role == NodeKind::Archive).then_some(u64::MAX);
    let keep_states = ledger.keep_states.or(of_archive).unwrap_or_default();
    let keep_blocks = ledger.keep_blocks.filter(|_| ledger.role != NodeKind::Archive);
    NodeConfig {
        peers: ledger.peers.clone(),
        unlock: Some(unlock),
        keep_blocks,
        keep_states,
        snapshots: ledger.snapshots.as_ref().map(|settings| placed(settings, dir)),
        name: ledger.name.clone(),
        rpc: RpcConfig {
            read_only: settings.node.read_only,
            readers: settings.node.readers,
            origins: settings.node.origins.clone(),
            limits: settings.limits.clone(),
            ..RpcConfig::default()
        },
        disk_budget: settings.node.disk_budget,
        ledgers: settings.ledgers.len(),
        clock: options.clock.clone(),
        drill: options.drill,
        ..NodeConfig::shared(ledger_dir(dir, ledger), ledger.listen)
    }
}

/// The folder of a ledger below that of its process.
pub fn ledger_dir(dir: &Path, ledger: &LedgerSettings) -> PathBuf {
    dir.join(&ledger.dir)
}

#[cfg(test)]
pub(crate) mod tests;
