//! From a plan to the folders of the members.

use std::{
    cell::Cell,
    fmt::Write as _,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use alloy_primitives::B256;
use serde_json::Value;
use tulou_client::{Key, Rpc};

use super::{Cluster, ClusterError, ClusterPlan, Member, Namespaces, Network, free_port};
use crate::Links;

/// Short name of the ledger.
const LEDGER: &str = "drill";
/// EIP-155 id of the ledger.
const CHAIN_ID: u64 = 77_550;

/// What a funded account begins with, in wei.
const BALANCE: u128 = 10_000 * 10u128.pow(18);

/// Offices that accounts of the test mnemonic hold, so that they may put documents on file.
const OFFICES: [(&str, u32); 4] = [("chair", 1), ("manager", 3), ("bank", 8), ("registrar", 9)];

/// Where a member is reached.
struct Place {
    listen: SocketAddr,
    rpc: SocketAddr,
}

/// Founds a consortium.
pub(super) fn found(plan: ClusterPlan) -> Result<Cluster, ClusterError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tulou-drill-");
    let dir = match &plan.below {
        Some(below) => builder.tempdir_in(below),
        None => builder.tempdir(),
    }
    .map_err(ClusterError::io("a folder for the members"))?;
    let count = plan.validators + plan.observers;
    let namespaces = match plan.network {
        Network::Namespaces => {
            Some(Namespaces::new(count).map_err(ClusterError::io("network namespaces"))?)
        }
        _ => None,
    };
    let places = places(count, namespaces.as_ref()).map_err(ClusterError::io("free ports"))?;
    let file = dir.path().join("consortium.toml");
    fs::write(&file, founding_file(&plan, &places))
        .map_err(ClusterError::io(file.display().to_string()))?;
    let nodes = dir.path().join("nodes");
    let mut init = Command::new(&plan.program);
    run(init.args(["init", "--plain-keys", "--from"]).arg(&file).arg("--out").arg(&nodes))?;
    let members = members(&nodes, &places)?;
    let links = match plan.network {
        Network::Links(seed) => {
            let targets: Vec<SocketAddr> = places.iter().map(|place| place.listen).collect();
            let links = Links::open(&targets, seed).map_err(ClusterError::io("links"))?;
            redirect(&members, &links)?;
            Some(links)
        }
        _ => None,
    };
    let (ledger, compared) = (LEDGER.to_owned(), Cell::new(0));
    Ok(Cluster { plan, members, links, namespaces, ledger, chain_id: CHAIN_ID, compared, dir })
}

fn places(count: usize, namespaces: Option<&Namespaces>) -> io::Result<Vec<Place>> {
    let loopback =
        || -> io::Result<_> { Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?))) };
    (0..count)
        .map(|member| match namespaces {
            Some(spaces) => Ok(Place { listen: spaces.listen(member), rpc: spaces.rpc(member) }),
            None => Ok(Place { listen: loopback()?, rpc: loopback()? }),
        })
        .collect()
}

fn founding_file(plan: &ClusterPlan, places: &[Place]) -> String {
    let mut text = head(plan, LEDGER, CHAIN_ID);
    for (rank, place) in places.iter().enumerate() {
        let kind = if rank < plan.validators { "validator" } else { "observer" };
        text += &member(rank, kind, place.listen, Some(place.rpc));
    }
    text
}

/// What a founding file says before the members.
pub(super) fn head(plan: &ClusterPlan, ledger: &str, chain_id: u64) -> String {
    let offices = OFFICES.iter().filter_map(|(office, index)| {
        let account = Key::test(*index).ok()?.address();
        Some(format!("\n[[office]]\noffice = \"{office}\"\naccount = \"{account}\"\n"))
    });
    let offices: String = offices.collect();
    let funded = plan
        .funded
        .iter()
        .map(|account| format!("\n[accounts.\"{account}\"]\nbalance = \"{BALANCE:#x}\"\n"));
    let funded: String = funded.collect();
    let gas_limit = plan.gas_limit.map(|gas| format!("gas_limit = {gas}\n")).unwrap_or_default();
    format!(
        "estate = \"Drill\"\nledger = \"{ledger}\"\nchain_id = {chain_id}\n\
         founded = 2026-01-01T00:00:00+08:00\nepoch_length = {}\nheartbeat_ms = {}\n\
         {gas_limit}filler = {}\npacks = [\"cn\"]\n\n[council]\nparticipation = \"2/3\"\nmajority = \"2/3\"\nveto = \"1/3\"\n\
         voting_s = 600\ndelay_s = 60\n{offices}{funded}",
        plan.epoch_length, plan.heartbeat_ms, plan.filler
    )
}

/// What a founding file says of a member.
pub(super) fn member(
    member: usize,
    kind: &str,
    listen: SocketAddr,
    rpc: Option<SocketAddr>,
) -> String {
    let rpc = rpc.map(|rpc| format!("rpc = \"{rpc}\"\n")).unwrap_or_default();
    format!(
        "\n[[member]]\nname = \"Member {member}\"\nfolder = \"m{member}\"\nweight = 1\n\
         kind = \"{kind}\"\naddress = \"{listen}\"\n{rpc}"
    )
}

/// Runs a step of `tulou init` and returns what it printed.
pub(super) fn run(command: &mut Command) -> Result<String, ClusterError> {
    let output = command.output().map_err(ClusterError::io("tulou init"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(ClusterError::Founding(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// The members' folders and keys, in the order of the founding file: folders are numbered.
fn members(nodes: &Path, places: &[Place]) -> Result<Vec<Member>, ClusterError> {
    let unreadable = || ClusterError::io(nodes.display().to_string());
    let mut folders: Vec<_> = fs::read_dir(nodes)
        .map_err(unreadable())?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("node.toml").is_file())
        .collect();
    folders.sort_by_key(|path| rank(path));
    if folders.len() != places.len() {
        let reason = format!("{} folders for {} members", folders.len(), places.len());
        return Err(ClusterError::Founding(reason));
    }
    let mut members = Vec::new();
    for (rank, (folder, place)) in folders.into_iter().zip(places).enumerate() {
        let path = folder.join("ledgers").join(LEDGER).join("genesis.json");
        let text =
            fs::read_to_string(&path).map_err(ClusterError::io(path.display().to_string()))?;
        let genesis: Value = serde_json::from_str(&text).unwrap_or_default();
        let key = genesis["members"][rank]["node"].as_str().and_then(|key| key.parse().ok());
        let key: B256 = key.ok_or_else(|| {
            ClusterError::Founding(format!("{} does not name member {rank}", path.display()))
        })?;
        let rpc = Rpc::new(&format!("http://{}", place.rpc));
        members.push(Member { key, folder, rpc, process: None });
    }
    Ok(members)
}

/// The number before the first hyphen of a folder's name.
fn rank(path: &Path) -> u64 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u64::MAX)
}

/// Lets each member reach the others through its doors.
fn redirect(members: &[Member], links: &Links) -> Result<(), ClusterError> {
    for (from, member) in members.iter().enumerate() {
        // The only ledger is the last section, so the table belongs to it.
        let mut table = String::from("\n[ledger.peers]\n");
        for (to, peer) in members.iter().enumerate().filter(|(to, _)| *to != from) {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "\"{}\" = \"{}\"", peer.key, links.door(from, to));
        }
        let path = member.folder.join("node.toml");
        let settings = fs::read_to_string(&path).and_then(|text| fs::write(&path, text + &table));
        settings.map_err(ClusterError::io(path.display().to_string()))?;
    }
    Ok(())
}
