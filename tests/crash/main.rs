//! A node that is killed at any moment loses nothing that it has called final.
//!
//! `TULOU_SEED=<number>` repeats the moments of a run; what the senders manage to send between them
//! is up to the machine.

mod load;

use std::{
    env, fs, thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use load::{Load, Receipt};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tulou_client::{LocalNode, Rpc};

const KILLS: u32 = 50;
/// Every second life begins with a new receipt, so that the node is killed at work; the others end
/// after a random time alone, so that it is killed while it recovers, too.
const LIFE_MS: std::ops::Range<u64> = 0..300;
/// Old receipts looked at after each restart; all are looked at in the end.
const OLD_RECEIPTS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn fifty_kills_lose_nothing_that_was_final() {
    let mut random = StdRng::seed_from_u64(seed());
    let mut node = tulou_testing::empty_node();
    let load = Load::start(node.rpc().url());
    let mut seen: Vec<Receipt> = Vec::new();
    for kill in 1..=KILLS {
        if kill % 2 == 1 {
            assert!(load.goes_on(PATIENCE), "kill {kill}: no receipt since the start before it");
        }
        thread::sleep(Duration::from_millis(random.random_range(LIFE_MS)));
        node.kill();
        let old = seen.len();
        seen.extend(load.taken());
        node.restart().unwrap_or_else(|e| panic!("after kill {kill}: {e}"));
        let rpc = Rpc::new(node.rpc().url());
        let highest = seen.iter().map(|receipt| receipt.height).max().unwrap_or_default();
        let height = rpc.block_number().expect("the node answers");
        assert!(height >= highest, "kill {kill}: at {height}, but {highest} was final");
        all_there(&rpc, &seen[old..]);
        for _ in 0..OLD_RECEIPTS.min(old) {
            all_there(&rpc, &seen[random.random_range(0..old)..][..1]);
        }
    }
    seen.extend(load.stop());
    println!("{} receipts in {} kills", seen.len(), KILLS);
    assert!(seen.len() > KILLS as usize, "the load was too light to mean anything");
    for kind in ["transfer", "owners", "document"] {
        assert!(seen.iter().any(|receipt| receipt.kind == kind), "nothing of kind {kind}");
    }
    node.restart().expect("a last start");
    all_there(&Rpc::new(node.rpc().url()), &seen);
    replayed_from_the_first_block(&mut node, &seen);
}

/// The state is executed again from genesis, from nothing but the engine's archive of certified
/// blocks, and comes out the same.
fn replayed_from_the_first_block(node: &mut LocalNode, seen: &[Receipt]) {
    let head = block(node.rpc(), "latest");
    let accounts = load::accounts();
    let proofs = |rpc: &Rpc| -> Vec<Value> {
        let at = |account| json!([account, [], head["number"]]);
        let proof = |account| rpc.call("eth_getProof", at(account)).expect("a proof");
        accounts.iter().copied().map(proof).collect()
    };
    let before = proofs(node.rpc());
    node.kill();
    fs::remove_dir_all(node.dir().join("ledger")).expect("the ledger's folder");
    node.restart().expect("a node without its state starts");
    let rpc = Rpc::new(node.rpc().url());
    let begun = Instant::now();
    let height = number(&head["number"]);
    while rpc.block_number().expect("the node answers") < height {
        assert!(begun.elapsed() < PATIENCE, "the archive is not replayed to {height}");
        thread::sleep(Duration::from_millis(50));
    }
    let again = block(&rpc, head["number"].as_str().expect("hexadecimal"));
    assert_eq!(again["stateRoot"], head["stateRoot"]);
    assert_eq!(again, head);
    assert_eq!(proofs(&rpc), before);
    all_there(&rpc, seen);
}

/// Every receipt is the one that was seen, to the letter, and its block is the one of that height.
fn all_there(rpc: &Rpc, seen: &[Receipt]) {
    for receipt in seen {
        let found = rpc.call("eth_getTransactionReceipt", json!([receipt.hash()]));
        assert_eq!(found.expect("the node answers"), receipt.content);
    }
    let mut heights: Vec<u64> = seen.iter().map(|receipt| receipt.height).collect();
    heights.dedup();
    for height in heights {
        let found = block(rpc, &format!("{height:#x}"));
        let receipt = seen.iter().find(|receipt| receipt.height == height);
        assert_eq!(Some(&found["hash"]), receipt.map(|receipt| &receipt.content["blockHash"]));
    }
}

fn block(rpc: &Rpc, height: &str) -> Value {
    rpc.call("eth_getBlockByNumber", json!([height, false])).expect("a final block")
}

fn number(hex: &Value) -> u64 {
    let digits = hex.as_str().and_then(|text| text.strip_prefix("0x")).expect("hexadecimal");
    u64::from_str_radix(digits, 16).expect("hexadecimal")
}

fn seed() -> u64 {
    let seed = match env::var("TULOU_SEED") {
        Ok(text) => text.parse().expect("TULOU_SEED is a number"),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs(),
    };
    println!("TULOU_SEED={seed}");
    seed
}
