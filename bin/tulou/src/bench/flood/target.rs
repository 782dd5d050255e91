//! Where the load goes, and whose cost it is.

use std::{cell::RefCell, path::PathBuf, time::Duration};

use serde_json::json;
use tulou_client::{Key, Rpc};
use tulou_testing::{Cluster, ClusterPlan};

use super::SENDERS;
use crate::{
    bench::{Server, process},
    dev,
    output::{Failure, Outcome},
};

/// Longest wait for a member that was started again.
const RESTART: Duration = Duration::from_secs(60);

/// The nodes behind the endpoints. Those of ours end with the value.
enum Nodes {
    /// A dev ledger: account 0 of the test mnemonic holds every office, and the clock moves.
    Dev(Server),
    /// A consortium of processes, and by how many seconds their clocks are ahead.
    Consortium(Box<RefCell<(Cluster, u64)>>),
    /// Somebody else's: nothing but Ethereum. The process, where it is on this machine.
    Peer(Option<u32>),
}

/// Where to send, and whose cost to count.
pub(crate) struct Target {
    nodes: Nodes,
    /// One endpoint for each node; the senders are dealt to them.
    pub(crate) urls: Vec<String>,
    pub(crate) chain_id: u64,
    /// Accounts of the state that receive.
    pub(crate) accounts: u64,
}

/// Accounts of the test mnemonic that hold the offices in which the generator acts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offices {
    pub(super) chair: u32,
    pub(super) bank: u32,
    /// Enters the register and puts documents on file.
    pub(super) registrar: u32,
}

impl Target {
    /// One validator of this program with so many accounts in its state.
    pub(crate) fn dev(accounts: u64) -> Result<Self, Failure> {
        let node = Server::start(accounts)?;
        let urls = vec![node.rpc().url().to_owned()];
        Ok(Self { nodes: Nodes::Dev(node), urls, chain_id: dev::CHAIN_ID, accounts })
    }

    /// Several validators, each a process of this program.
    pub(crate) fn consortium(members: usize, accounts: u64) -> Result<Self, Failure> {
        let mut plan = ClusterPlan::new(&std::env::current_exe()?, members);
        plan.heartbeat_ms = 5_000;
        // Blocks as large as those of a dev ledger, and senders who can pay.
        plan.gas_limit = Some(dev::GAS_LIMIT);
        plan.funded = keys()?.iter().map(|key| key.address()).collect();
        plan.filler = accounts;
        let cluster = Cluster::start(plan)?;
        let (urls, chain_id) = (cluster.urls(), cluster.chain_id());
        let nodes = Nodes::Consortium(Box::new(RefCell::new((cluster, 0))));
        Ok(Self { nodes, urls, chain_id, accounts })
    }

    /// The node of a dev ledger, where it is one.
    pub(crate) fn into_dev(self) -> Option<Server> {
        match self.nodes {
            Nodes::Dev(node) => Some(node),
            _ => None,
        }
    }

    /// Somebody else's endpoint.
    pub(crate) fn peer(url: &str, accounts: u64) -> Result<Self, Failure> {
        let chain_id = Rpc::new(url).chain_id()?;
        let nodes = Nodes::Peer(listener_of(url));
        Ok(Self { nodes, urls: vec![url.to_owned()], chain_id, accounts })
    }

    /// Processes of the nodes on this machine; none where they are not to be measured.
    fn pids(&self) -> Vec<u32> {
        match &self.nodes {
            Nodes::Dev(node) => vec![node.pid()],
            Nodes::Consortium(nodes) => {
                let cluster = &nodes.borrow().0;
                (0..cluster.len()).filter_map(|member| cluster.pid(member)).collect()
            }
            Nodes::Peer(pid) => pid.iter().copied().collect(),
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
        match &self.nodes {
            Nodes::Dev(node) => vec![node.dir().to_owned()],
            Nodes::Consortium(nodes) => {
                let cluster = &nodes.borrow().0;
                (0..cluster.len()).map(|member| cluster.folder(member).to_owned()).collect()
            }
            Nodes::Peer(_) => Vec::new(),
        }
    }

    /// Whether there are processes whose cost can be told.
    pub(super) fn is_measured(&self) -> bool {
        !self.pids().is_empty()
    }

    pub(super) fn cpu_s(&self) -> f64 {
        self.pids().into_iter().map(process::cpu_s).sum()
    }

    /// Bytes of the nodes' folders; none where the nodes are not ours.
    pub(super) fn disk_bytes(&self) -> Option<u64> {
        let folders = self.folders();
        let bytes = folders.iter().map(|folder| process::folder_bytes(folder)).sum();
        (!folders.is_empty()).then_some(bytes)
    }

    pub(super) fn rss_mib(&self) -> f64 {
        self.pids().into_iter().map(process::rss_mib).sum()
    }

    pub(super) fn rpc(&self) -> Rpc {
        Rpc::new(&self.urls[0])
    }

    pub(super) fn nodes(&self) -> f64 {
        self.urls.len() as f64
    }

    /// Whether anybody may bring a contract; on a consortium the council says who may.
    pub(super) fn takes_contracts(&self) -> bool {
        !matches!(self.nodes, Nodes::Consortium(_))
    }

    pub(super) fn offices(&self) -> Offices {
        match self.nodes {
            // As `tulou_testing` founds its consortia.
            Nodes::Consortium(_) => Offices { chair: 1, bank: 8, registrar: 9 },
            _ => Offices { chair: 0, bank: 0, registrar: 0 },
        }
    }

    /// Lets so many seconds pass: a dev ledger's clock is moved; the members of a consortium are
    /// stopped and started again with clocks that are ahead.
    pub(super) fn pass(&self, seconds: u64) -> Outcome {
        let Nodes::Consortium(nodes) = &self.nodes else {
            self.rpc().call("evm_increaseTime", json!([seconds]))?;
            return Ok(());
        };
        let (cluster, ahead) = &mut *nodes.borrow_mut();
        *ahead += seconds;
        let (members, height) = (0..cluster.len(), cluster.highest());
        members.clone().for_each(|member| cluster.stop(member));
        let offset = format!("--drill-clock-offset-ms={}", *ahead * 1_000);
        for member in members.clone() {
            cluster.launch(member, &[&offset])?;
        }
        for member in members {
            if cluster.wait_for_height(member, height, RESTART).is_none() {
                let log = cluster.log_end(member);
                return Err(Failure(format!("member {member} does not come back:\n{log}")));
            }
        }
        Ok(())
    }
}

/// The keys that send.
pub(super) fn keys() -> Result<Vec<Key>, Failure> {
    Ok((0..SENDERS).map(Key::test).collect::<Result<_, _>>()?)
}

/// The process on this machine that listens where the address says, if it can be told.
fn listener_of(url: &str) -> Option<u32> {
    let port: u16 = url.trim_end_matches('/').rsplit(':').next()?.parse().ok()?;
    process::listening_on(port)
}
