//! One member that wants to write, change or hide alone. What it can say inside the engine,
//! equivocation and invalid blocks, is simulated in `crates/consensus`; here it has a whole process, a
//! disk and a network.

#[path = "../story/proof.rs"]
mod proof;

use std::{fs, time::Duration};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_client::Key;
use tulou_modules::address::documents as DOCUMENTS;
use tulou_testing::{Cluster, ClusterPlan, Drill, Network, document, wait_until};

use super::{PATIENCE, disks::put_on_file, launch, load, plan, settled_height, start};
use proof::Anchor;

#[test]
fn one_member_alone_can_neither_write_nor_change_nor_hide() {
    let mut cluster = start(ClusterPlan { network: Network::Links(8), ..plan(4) });
    let load = load(&cluster);
    let known = put_on_file(&cluster, 0, "known to all");
    // Everybody's key sheet.
    let sheet = Anchor::of(&proof_at(&cluster, 1, known));
    writes_alone(&cluster);
    lies(&cluster, known, &sheet);
    hides(&mut cluster, &sheet);
    changes_the_first_page(&mut cluster);
    cluster.expect_whole(&load.stop());
}

/// It takes an entry and makes a page of it without the others.
fn writes_alone(cluster: &Cluster) {
    let drill = Drill::begin(
        "a member writes without the others",
        "its page never becomes final; with the others it is an entry like any other",
    );
    cluster.links().part(&[3]);
    let height = settled_height_of(cluster, 3);
    let key = Key::test(8).expect("the test mnemonic has twenty accounts");
    let call = document(key.address(), 0, "written alone").abi_encode();
    let raw = key.sign_call(cluster.chain_id(), 0, 2_000_000, DOCUMENTS, call.into());
    let hash = cluster.rpc(3).call("eth_sendRawTransaction", json!([raw])).expect("it takes it");
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(cluster.height(3), Some(height), "one of four made a final block");
    let receipt = |member: usize| {
        let answer = cluster.rpc(member).call("eth_getTransactionReceipt", json!([hash]));
        answer.unwrap_or_default()
    };
    assert_eq!(receipt(3), Value::Null);
    cluster.links().heal_all();
    let common = wait_until(PATIENCE, || (0..4).all(|member| !receipt(member).is_null()));
    assert!(common.is_some(), "the entry is lost");
    assert!((1..4).all(|member| receipt(member) == receipt(0)));
    drill.holds();
}

/// It serves altered pages to a reader who has the key sheet.
fn lies(cluster: &Cluster, known: B256, sheet: &Anchor) {
    let drill = Drill::begin(
        "a member serves altered pages",
        "a reader with the key sheet sees that each is false",
    );
    let answer = proof_at(cluster, 3, known);
    proof::check(&answer, sheet).expect("the true page holds");
    for field in ["receipt", "header", "certificate"] {
        let mut altered = answer.clone();
        let text = altered[field].as_str().expect("hexadecimal").to_owned();
        let at = text.len() - 3;
        let other = if &text[at..=at] == "0" { "1" } else { "0" };
        altered[field] = json!(format!("{}{other}{}", &text[..at], &text[at + 1..]));
        assert!(proof::check(&altered, sheet).is_err(), "an altered {field} passes");
    }
    // A whole book of its own, signed by itself alone.
    let mut own = answer;
    own["validators"] = json!([cluster.key(3)]);
    assert!(proof::check(&own, sheet).is_err(), "a book of its own passes");
    drill.holds();
}

/// It took an entry and now answers nobody.
fn hides(cluster: &mut Cluster, sheet: &Anchor) {
    let mut drill = Drill::begin(
        "a member hides an entry that it took",
        "every other member shows it with its proof",
    );
    let hash = put_on_file(cluster, 3, "handed to the one who hides it");
    let height = cluster.highest();
    cluster.stop(3);
    for member in 0..3 {
        proof::check(&proof_at(cluster, member, hash), sheet).expect("the entry is in the book");
    }
    drill.first_block(cluster.wait_for_progress(&[0, 1, 2], height, PATIENCE));
    launch(cluster, 3, &[]);
    drill.caught_up(cluster.wait_until_level(3, PATIENCE));
    drill.holds();
}

/// It gives itself a fortune on the first page and begins the book anew.
fn changes_the_first_page(cluster: &mut Cluster) {
    let mut drill = Drill::begin(
        "a member changes its first page and begins the book anew",
        "nobody follows it; its own book never has a second page",
    );
    cluster.stop(3);
    let path = cluster.ledger_folder(3).join("genesis.json");
    let original = fs::read_to_string(&path).expect("its genesis");
    let mut genesis: Value = serde_json::from_str(&original).expect("JSON");
    let rich = Key::test(7).expect("the test mnemonic has twenty accounts").address().to_string();
    genesis["accounts"][rich.as_str()] = json!({"balance": U256::from(1_000_000)});
    cluster.wipe(3).unwrap_or_else(|e| panic!("{e}"));
    fs::write(&path, genesis.to_string()).expect("its genesis");
    let height = cluster.highest();
    launch(cluster, 3, &[]);
    std::thread::sleep(Duration::from_secs(8));
    // It may have refused to start; if it runs, it is alone on its first page.
    assert!(matches!(cluster.height(3), None | Some(0)), "its book goes on");
    drill.first_block(cluster.wait_for_progress(&[0, 1, 2], height + 1, PATIENCE));
    cluster.wipe(3).unwrap_or_else(|e| panic!("{e}"));
    fs::write(&path, original).expect("its genesis");
    launch(cluster, 3, &[]);
    drill.caught_up(cluster.wait_until_level(3, PATIENCE));
    drill.holds();
}

fn settled_height_of(cluster: &Cluster, member: usize) -> u64 {
    settled_height(cluster);
    cluster.height(member).expect("it answers")
}

/// A member's proof of a receipt, as soon as it has it.
fn proof_at(cluster: &Cluster, member: usize, hash: B256) -> Value {
    let mut proof = Value::Null;
    wait_until(PATIENCE, || {
        let answer = cluster.rpc(member).call("tulou_getReceiptProof", json!([hash]));
        proof = answer.unwrap_or_default();
        !proof.is_null()
    });
    assert!(!proof.is_null(), "member {member} does not have it");
    proof
}
