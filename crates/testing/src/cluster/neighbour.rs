//! A second ledger over some of the processes of a consortium.

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

use alloy_primitives::hex;

use super::{Cluster, ClusterError, founding, free_port};

/// Its short name: nothing else in a member's folder contains it.
const NAME: &str = "neighbour-courtyard";
/// EIP-155 id.
const CHAIN_ID: u64 = 77_551;

/// A ledger that some of the members keep as well.
#[derive(Clone, Debug)]
pub struct Neighbour {
    ports: Vec<u16>,
    genesis_hash: Vec<u8>,
}

impl Neighbour {
    /// Short name of the ledger.
    pub fn name(&self) -> &str {
        NAME
    }

    /// EIP-155 id of the ledger.
    pub fn chain_id(&self) -> u64 {
        CHAIN_ID
    }

    /// Hash of its first block.
    pub fn genesis_hash(&self) -> Vec<u8> {
        self.genesis_hash.clone()
    }

    /// Ports on which its members listen for each other.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Its JSON-RPC at a node with this address.
    pub fn url(&self, node: &str) -> String {
        format!("{node}/l/{NAME}/rpc")
    }
}

impl Cluster {
    /// Founds a second ledger among some of the members, each with new keys made in its own folder. Do
    /// it before they start.
    ///
    /// # Errors
    /// [`ClusterError::Io`], [`ClusterError::Founding`].
    pub fn found_neighbour(&self, members: &[usize]) -> Result<Neighbour, ClusterError> {
        self.found_neighbours(members, NAME, CHAIN_ID)
    }

    /// As [`Cluster::found_neighbour`], with a name and a chain id.
    ///
    /// # Errors
    /// [`ClusterError::Io`], [`ClusterError::Founding`].
    pub fn found_neighbours(
        &self,
        members: &[usize],
        name: &str,
        chain_id: u64,
    ) -> Result<Neighbour, ClusterError> {
        let ports: Vec<u16> = members
            .iter()
            .map(|_| free_port())
            .collect::<Result<_, _>>()
            .map_err(ClusterError::io("free ports"))?;
        let file = self.dir().join(format!("{name}.toml"));
        let mut text = founding::head(&self.plan, name, chain_id);
        for (member, port) in members.iter().zip(&ports) {
            let address = (Ipv4Addr::LOCALHOST, *port).into();
            text += &founding::member(*member, "validator", address, None);
        }
        fs::write(&file, text).map_err(ClusterError::io(file.display().to_string()))?;
        let card = |member: usize| self.folder(member).join("ledgers").join(name).join("card.toml");
        for member in members {
            let who = format!("Member {member}");
            let mut command = self.init("member", &file, self.folder(*member));
            founding::run(command.args(["--name", &who, "--plain-keys"]))?;
        }
        let mut genesis_hash = Vec::new();
        for member in members {
            let mut command = self.init("assemble", &file, self.folder(*member));
            for other in members {
                command.arg("--card").arg(card(*other));
            }
            genesis_hash = said_hash(&founding::run(&mut command)?)?;
        }
        Ok(Neighbour { ports, genesis_hash })
    }

    fn init(&self, step: &str, file: &Path, out: &Path) -> Command {
        let mut command = Command::new(&self.plan.program);
        command.args(["init", step, "--from"]).arg(file).arg("--out").arg(out);
        command
    }
}

/// The hash that the founding printed.
fn said_hash(text: &str) -> Result<Vec<u8>, ClusterError> {
    let word = text.split_whitespace().find(|word| word.starts_with("0x") && word.len() == 66);
    word.and_then(|word| hex::decode(word).ok())
        .ok_or_else(|| ClusterError::Founding(format!("no genesis hash in: {text}")))
}
