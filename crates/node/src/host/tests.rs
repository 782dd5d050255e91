use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use tulou_vault::{LocalMaster, Suite, Vault};

use super::*;
use crate::founding::{Founded, MemberKeys, Place, Plan, genesis_hash, settle_in};

/// A ledger with one validator, whose two other governors only watch.
pub(crate) fn founding_file(ledger: &str, chain_id: u64, node: u16, rpc: u16) -> String {
    format!(
        "estate = \"{ledger}\"\nledger = \"{ledger}\"\nchain_id = {chain_id}\n\
         founded = 2026-01-01T00:00:00Z\nheartbeat_ms = 200\npacks = [\"cn\"]\n\
         [[member]]\nname = \"first\"\naddress = \"127.0.0.1:{node}\"\nrpc = \"127.0.0.1:{rpc}\"\n\
         [[member]]\nname = \"second\"\nkind = \"observer\"\naddress = \"127.0.0.1:1\"\n\
         [[member]]\nname = \"third\"\nkind = \"observer\"\naddress = \"127.0.0.1:2\"\n"
    )
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Adds a ledger to the folder of its first member.
pub(crate) fn found(node: &Path, text: &str) {
    let mut plan = Plan::read(text).unwrap_or_else(|problems| panic!("{problems}"));
    let place = Place { node: node.to_owned(), ledger: plan.ledger.clone() };
    for (i, member) in plan.members.clone().iter().enumerate() {
        let elsewhere = Place { node: node.join(format!("other-{i}")), ..place.clone() };
        let at = if i == 0 { &place } else { &elsewhere };
        let keys = MemberKeys::random();
        let card = at.enter(member, plan.chain_id(), &keys, Unlock::default()).unwrap();
        plan.accept(&card).unwrap();
    }
    let genesis = plan.genesis().unwrap_or_else(|problems| panic!("{problems}"));
    let hash = genesis_hash(&genesis).unwrap();
    settle_in(&place, &plan.members[0], 0, &Founded { genesis, hash, readers: plan.readers })
        .unwrap();
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The settings of a folder with a vault, and another member's vault beside it.
fn with_vault(dir: &Path) -> Settings {
    let path = dir.join(crate::SETTINGS);
    let text = std::fs::read_to_string(&path).unwrap();
    let vault = "[node.vault]\nat = { url = \"vault\" }\nmaster_key = \"vault.key\"\n\
                 from = [{ url = \"theirs\" }, { url = \"nobody\" }]\n[[ledger]]";
    std::fs::write(&path, text.replacen("[[ledger]]", vault, 1)).unwrap();
    Settings::read(dir).unwrap()
}

#[test]
fn figures_tell_what_the_vault_holds_and_what_others_erased() {
    let dir = tempfile::tempdir().unwrap();
    found(dir.path(), &founding_file("one", 71, free_port(), free_port()));
    let settings = with_vault(dir.path());
    let open = |name: &str| {
        let key = dir.path().join(format!("{name}.key"));
        LocalMaster::create_file(&key).unwrap();
        let folder = dir.path().join(name);
        Vault::open_folder(&folder, &tulou_vault::Unlock::File(key), Suite::default()).unwrap()
    };
    let (ours, theirs) = (open("vault"), open("theirs"));
    let ids: Vec<_> = (0..3).map(|_| tulou_vault::random_id().unwrap()).collect();
    for (id, vault) in [(ids[0], &ours), (ids[1], &ours), (ids[2], &theirs)] {
        vault.write(id, 1, 0, b"a name").unwrap();
    }
    ours.write(ids[0], 2, 0, b"another name").unwrap();
    ours.erase(ids[1]).unwrap();
    theirs.erase(ids[2]).unwrap();
    drop((ours, theirs));
    let mut host = Host::open(dir.path(), &settings, HostOptions::default()).unwrap();
    let address = host.serve().unwrap();
    let begun = Instant::now();
    let metrics = loop {
        host.tend().unwrap();
        let metrics = get(address, "/metrics");
        if metrics.contains("tulou_vault_records 1\n") {
            break metrics;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{metrics}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let at = |name: &str| format!("from=\"{}\"", dir.path().join(name).display());
    let (theirs, nobody) = (at("theirs"), at("nobody"));
    for line in [
        "tulou_vault_record_versions 2".to_owned(),
        "tulou_vault_erased_records 1".into(),
        // Nobody has entered either erasure on the ledger.
        "tulou_vault_erasures_without_entry 1".into(),
        format!("tulou_vault_source_behind{{{theirs},kind=\"erasures\"}} 1"),
        format!("tulou_vault_source_behind{{{theirs},kind=\"versions\"}} 0"),
        format!("tulou_vault_source_read_timestamp_seconds{{{nobody}}} 0"),
    ] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line}: {metrics}");
    }
    assert!(!metrics.contains(&format!("read_timestamp_seconds{{{theirs}}} 0\n")), "{metrics}");
}

#[test]
fn one_process_keeps_two_ledgers_apart_behind_one_server() {
    let dir = tempfile::tempdir().unwrap();
    let rpc = free_port();
    found(dir.path(), &founding_file("one", 71, free_port(), rpc));
    found(dir.path(), &founding_file("two", 72, free_port(), rpc));
    let settings = Settings::read(dir.path()).unwrap();
    assert_eq!(settings.ledgers.len(), 2);
    let mut host = Host::open(dir.path(), &settings, HostOptions::default()).unwrap();
    let address = host.serve().unwrap();
    let begun = Instant::now();
    while host.nodes().any(|(_, node)| node.head().height < 3) {
        host.tend().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(60), "both ledgers go on");
        std::thread::sleep(Duration::from_millis(50));
    }
    for (path, name) in [("", "one"), ("/l/one", "one"), ("/l/two", "two")] {
        let answer = get(address, &format!("{path}/api/v1/node/consortium"));
        assert!(answer.contains(&format!("\"name\":\"{name}\"")), "{path}: {answer}");
        assert!(answer.contains("\"voting\":true"), "{path}: {answer}");
    }
    assert!(!get(address, "/l/three/api/v1/node/consortium").contains("\"voting\""));
    let hashes: Vec<_> = host.nodes().map(|(_, node)| node.ledger().genesis().hash()).collect();
    assert_ne!(hashes[0], hashes[1]);
}
