use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use super::*;
use crate::founding::{Founded, MemberKeys, Place, Plan, genesis_hash, settle_in};

/// A ledger with one validator, whose two other governors only watch.
fn founding_file(ledger: &str, chain_id: u64, node: u16, rpc: u16) -> String {
    format!(
        "estate = \"{ledger}\"\nledger = \"{ledger}\"\nchain_id = {chain_id}\n\
         founded = 2026-01-01T00:00:00Z\nheartbeat_ms = 200\npacks = [\"cn\"]\n\
         [[member]]\nname = \"first\"\naddress = \"127.0.0.1:{node}\"\nrpc = \"127.0.0.1:{rpc}\"\n\
         [[member]]\nname = \"second\"\nkind = \"observer\"\naddress = \"127.0.0.1:1\"\n\
         [[member]]\nname = \"third\"\nkind = \"observer\"\naddress = \"127.0.0.1:2\"\n"
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Adds a ledger to the folder of its first member.
fn found(node: &Path, text: &str) {
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
