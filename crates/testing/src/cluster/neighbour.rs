//! More ledgers over some of the processes of a consortium.

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

use alloy_primitives::hex;

use super::{Cluster, ClusterError, founding, free_port};

/// A ledger that some of the members keep as well.
#[derive(Clone, Debug)]
pub struct Neighbour {
    name: String,
    chain_id: u64,
    ports: Vec<u16>,
    genesis_hash: Vec<u8>,
}

impl Neighbour {
    /// Short name of the ledger.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// EIP-155 id of the ledger.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Hash of its first block.
    pub fn genesis_hash(&self) -> &[u8] {
        &self.genesis_hash
    }

    /// Ports on which its members listen for each other.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Its JSON-RPC at a node with this address.
    pub fn url(&self, node: &str) -> String {
        format!("{node}/l/{}/rpc", self.name)
    }
}

impl Cluster {
    /// Founds one more ledger among at least three members, each with new keys made in its own folder
    /// and a vote. Do it before they start.
    ///
    /// # Errors
    /// [`ClusterError::Io`], [`ClusterError::Founding`].
    pub fn found_neighbour(
        &self,
        members: &[usize],
        name: &str,
        chain_id: u64,
    ) -> Result<Neighbour, ClusterError> {
        let ledger = NewLedger { name, chain_id, validators: members, observers: &[] };
        self.found_ledger(&ledger)
    }

    /// Founds one more ledger with one validator; the others govern and need not run. Do it before the
    /// validator starts.
    ///
    /// # Errors
    /// [`ClusterError::Io`], [`ClusterError::Founding`].
    pub fn found_hosted(
        &self,
        host: usize,
        others: &[usize],
        name: &str,
        chain_id: u64,
    ) -> Result<Neighbour, ClusterError> {
        let ledger = NewLedger { name, chain_id, validators: &[host], observers: others };
        self.found_ledger(&ledger)
    }

    fn found_ledger(&self, ledger: &NewLedger<'_>) -> Result<Neighbour, ClusterError> {
        let NewLedger { name, chain_id, .. } = *ledger;
        let file = self.dir().join(format!("{name}.toml"));
        let (mut text, mut ports) = (founding::head(&self.plan, name, chain_id), Vec::new());
        for (member, kind) in ledger.members() {
            let port = free_port().map_err(ClusterError::io("free ports"))?;
            text += &founding::member(member, kind, (Ipv4Addr::LOCALHOST, port).into(), None);
            ports.push(port);
        }
        fs::write(&file, text).map_err(ClusterError::io(file.display().to_string()))?;
        for (member, _) in ledger.members() {
            let who = format!("Member {member}");
            let mut command = self.init("member", &file, self.folder(member));
            founding::run(command.args(["--name", &who, "--plain-keys"]))?;
        }
        let card = |member: usize| self.folder(member).join("ledgers").join(name).join("card.toml");
        let mut genesis_hash = Vec::new();
        for member in ledger.validators {
            let mut command = self.init("assemble", &file, self.folder(*member));
            for (other, _) in ledger.members() {
                command.arg("--card").arg(card(other));
            }
            genesis_hash = said_hash(&founding::run(&mut command)?)?;
        }
        Ok(Neighbour { name: name.to_owned(), chain_id, ports, genesis_hash })
    }

    fn init(&self, step: &str, file: &Path, out: &Path) -> Command {
        let mut command = Command::new(&self.plan.program);
        command.args(["init", step, "--from"]).arg(file).arg("--out").arg(out);
        command
    }
}

/// A ledger to found. Observers are never settled: they only count as governors.
struct NewLedger<'a> {
    name: &'a str,
    chain_id: u64,
    validators: &'a [usize],
    observers: &'a [usize],
}

impl NewLedger<'_> {
    fn members(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let votes = self.validators.iter().map(|member| (*member, "validator"));
        votes.chain(self.observers.iter().map(|member| (*member, "observer")))
    }
}

/// The hash that the founding printed.
fn said_hash(text: &str) -> Result<Vec<u8>, ClusterError> {
    let word = text.split_whitespace().find(|word| word.starts_with("0x") && word.len() == 66);
    word.and_then(|word| hex::decode(word).ok())
        .ok_or_else(|| ClusterError::Founding(format!("no genesis hash in: {text}")))
}
