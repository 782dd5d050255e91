//! The same blocks give the same state on every machine: all of history is executed anew with one thread
//! and with several, and every header must come out as it was signed.
//!
//! `make replay` does the same with a release build.

use std::process::{Command, Output};

use alloy_primitives::{Address, U256};
use serde_json::json;
use tulou_client::{Key, LocalNode};

/// EIP-155 id of dev ledgers.
const CHAIN_ID: u64 = 7755;

/// Ends the node and repeats its history with so many threads.
fn replay(node: &mut LocalNode, threads: usize) -> Output {
    node.kill();
    Command::new(tulou_testing::program())
        .args(["verify", "--replay", "--dir"])
        .arg(node.dir())
        .env("RAYON_NUM_THREADS", threads.to_string())
        .output()
        .expect("tulou starts")
}

/// The root of the state after the last block, as the node serves it.
fn state_root(node: &LocalNode) -> String {
    let block = node.rpc().call("eth_getBlockByNumber", json!(["latest", false])).unwrap();
    block["stateRoot"].as_str().unwrap().to_owned()
}

fn comes_out_the_same(node: &mut LocalNode, least: u64) {
    let root = state_root(node);
    for threads in [1, 4] {
        let output = replay(node, threads);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{threads} threads: {text}{said}");
        let line = text.lines().last().unwrap();
        assert!(line.ends_with(&root), "{threads} threads: {line}, served was {root}");
        let count: u64 = line.split(' ').next().unwrap().parse().unwrap();
        assert!(count >= least, "{count} transactions are too few to mean anything");
    }
}

#[test]
fn a_year_of_the_demo_estate_comes_out_the_same() {
    let mut node = LocalNode::start(&tulou_testing::program(), &[]).unwrap();
    comes_out_the_same(&mut node, 500);
}

#[test]
fn full_blocks_come_out_the_same() {
    let mut node = tulou_testing::empty_node();
    let keys: Vec<Key> = (0..8).map(|index| Key::test(index).unwrap()).collect();
    for nonce in 0..25 {
        let raws: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(sender, key)| {
                // Some recipients are shared, so that the order within the block counts.
                let to = Address::repeat_byte((nonce as usize * 3 + sender % 4) as u8 + 1);
                key.sign_transfer(CHAIN_ID, nonce, to, U256::from(nonce + 1))
            })
            .collect();
        let calls: Vec<_> =
            raws.iter().map(|raw| ("eth_sendRawTransaction", json!([raw]))).collect();
        node.rpc().batch(&calls).unwrap();
    }
    let last = &keys[0];
    let raw = last.sign_transfer(CHAIN_ID, 25, Address::repeat_byte(9), U256::from(1));
    node.rpc().send_raw(&raw).unwrap();
    comes_out_the_same(&mut node, 201);
}

#[test]
fn a_history_that_comes_out_otherwise_is_told_with_its_block() {
    let mut node = tulou_testing::empty_node();
    let raw =
        Key::test(0).unwrap().sign_transfer(CHAIN_ID, 0, Address::repeat_byte(9), U256::from(1));
    node.rpc().send_raw(&raw).unwrap();
    node.kill();
    // Another first page for the same blocks: they cannot follow from it.
    let path = node.dir().join("genesis.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut genesis: serde_json::Value = serde_json::from_str(&text).unwrap();
    genesis["filler"] = json!(1);
    std::fs::write(&path, genesis.to_string()).unwrap();
    let output = replay(&mut node, 1);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("genesis"), "{said}");
}
