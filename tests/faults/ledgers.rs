//! Two ledgers over the same processes: who is no member of one holds nothing of it.

use std::{collections::BTreeSet, fs};

use alloy_primitives::{B256, hex, keccak256};
use alloy_sol_types::SolCall;
use serde_json::json;
use tulou_client::{Key, Rpc};
use tulou_modules::address::documents as DOCUMENTS;
use tulou_testing::{Cluster, Drill, Neighbour, document, wait_until};

use super::{PATIENCE, disks::files, load, plan};

/// Members of the second ledger; member 3 is not.
const INSIDE: [usize; 3] = [0, 1, 2];
const OUTSIDE: usize = 3;
/// Its short name: nothing else in a member's folder contains it.
const NAME: &str = "neighbour-courtyard";

#[test]
fn who_is_not_in_a_ledger_holds_no_byte_of_it() {
    let drill = Drill::begin(
        "two ledgers over four processes, one member only in the first",
        "no file, no byte and no connection of the second at that member; both go on",
    );
    let mut cluster = Cluster::found(plan(4)).unwrap_or_else(|e| panic!("{e}"));
    let second = cluster.found_neighbour(&INSIDE, NAME, 77_551).unwrap_or_else(|e| panic!("{e}"));
    cluster.start_all().unwrap_or_else(|e| panic!("{e}"));
    let load = load(&cluster);
    let mark = format!("mark {}", hex::encode(&keccak256("neighbour")[..12]));
    write(&cluster, &second, &mark);
    for member in INSIDE {
        assert!(holds(&cluster, member, mark.as_bytes()), "the search does not find what is there");
        assert!(connections(&cluster, member, &second) > 0, "nor the connections that are there");
    }
    assert!(!holds(&cluster, OUTSIDE, mark.as_bytes()), "member {OUTSIDE} has an entry of it");
    for trace in [second.genesis_hash(), second.name().as_bytes()] {
        assert!(!holds(&cluster, OUTSIDE, trace), "member {OUTSIDE} has a trace of it");
    }
    let named = files(cluster.folder(OUTSIDE))
        .iter()
        .any(|path| path.display().to_string().contains(second.name()));
    assert!(!named, "member {OUTSIDE} has a file of it");
    assert_eq!(connections(&cluster, OUTSIDE, &second), 0);
    let url = second.url(cluster.rpc(OUTSIDE).url());
    assert!(Rpc::new(&url).block_number().is_err(), "member {OUTSIDE} answers for it");
    assert!(load.more(4, PATIENCE).is_some(), "the first ledger stands still");
    cluster.expect_whole(&load.stop());
    drill.holds();
}

/// Puts a document on file in the second ledger and waits until its members have it on disk.
fn write(cluster: &Cluster, second: &Neighbour, title: &str) {
    let key = Key::test(9).expect("the test mnemonic has twenty accounts");
    let rpcs = INSIDE.map(|member| Rpc::new(&second.url(cluster.rpc(member).url())));
    let call = document(key.address(), 0, title).abi_encode();
    let raw = key.sign_call(second.chain_id(), 0, 2_000_000, DOCUMENTS, call.into());
    let receipt = rpcs[0].send_raw(&raw).expect("it becomes final");
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    let hash: B256 =
        receipt["transactionHash"].as_str().and_then(|hash| hash.parse().ok()).expect("a hash");
    let everywhere = wait_until(PATIENCE, || {
        rpcs.iter().all(|rpc| {
            let found = rpc.call("eth_getTransactionReceipt", json!([hash]));
            found.is_ok_and(|found| found == receipt)
        })
    });
    assert!(everywhere.is_some(), "the second ledger's members do not all have it");
}

/// Whether any file of a member holds these bytes, or it wrote them to its log.
fn holds(cluster: &Cluster, member: usize, bytes: &[u8]) -> bool {
    let found = |content: &[u8]| content.windows(bytes.len()).any(|part| part == bytes);
    let in_files = files(cluster.folder(member))
        .iter()
        .any(|path| found(&fs::read(path).expect("a file of a member")));
    in_files || found(cluster.log(member).as_bytes())
}

/// Connections of a member's process to or from the ports of the second ledger.
fn connections(cluster: &Cluster, member: usize, second: &Neighbour) -> usize {
    let pid = cluster.pid(member).expect("it runs");
    let sockets: BTreeSet<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("the files of a process of ours")
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|target| {
            let text = target.display().to_string();
            Some(text.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).expect("the kernel's table");
    table
        .lines()
        .skip(1)
        .filter(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let port = |address: &str| u16::from_str_radix(address.rsplit(':').next()?, 16).ok();
            let ours = fields.get(9).is_some_and(|inode| sockets.contains(*inode));
            let of_second = [1, 2]
                .iter()
                .filter_map(|i| port(fields.get(*i)?))
                .any(|port| second.ports().contains(&port));
            ours && of_second
        })
        .count()
}
