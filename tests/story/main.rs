//! From a broken lift to the last fen: the owners of one stair decide and pay, and nothing but the
//! public interfaces is used. DOMAIN.md, appendix D 1, with the ballots of A10.

mod estate;
mod money;
mod proof;
mod vote;
mod world;

use proof::Anchor;
use serde_json::json;
use world::World;

#[test]
fn owners_vote_and_pay_for_the_lift() {
    let world = World::new();
    let people = estate::import(&world);
    let committee = estate::elect(&world, &people);
    let fund = money::open(&world, &committee);
    let lift = vote::decide(&world, &committee, &people, fund);
    let last_line = money::pay(&world, &committee, fund, lift);
    money::share_out(&world, &committee, fund, lift);
    money::walk_back(&world, last_line, lift);
    money::publish_statements(&world, fund);
    every_receipt_stands_in_the_book(&world);
}

/// All transactions from the first block on: people's, the import's, and those of the keeper that
/// opened and closed the motions.
fn every_receipt_stands_in_the_book(world: &World) {
    let mut anchor = None;
    let mut last = None;
    for height in 1..=world.rpc().block_number().expect("the height") {
        let block =
            world.rpc().call("eth_getBlockByNumber", json!([format!("{height:#x}"), false]));
        let block = block.expect("a block that is final");
        for hash in block["transactions"].as_array().expect("hashes") {
            let proof = world.rpc().call("tulou_getReceiptProof", json!([hash])).expect("a proof");
            let anchor = anchor.get_or_insert_with(|| Anchor::of(&proof));
            proof::check(&proof, anchor).unwrap_or_else(|e| panic!("receipt of {hash}: {e}"));
            last = Some(proof);
        }
    }
    let (Some(anchor), Some(honest)) = (anchor, last) else { panic!("the story sent nothing") };
    for (field, step) in [("receipt", "path"), ("header", "header"), ("certificate", "signature")] {
        let mut forged = honest.clone();
        forged[field] = json!(one_bit_changed(forged[field].as_str().expect("hex")));
        assert!(proof::check(&forged, &anchor).is_err(), "a changed {field} breaks the {step}");
    }
}

/// Hex with its last digit changed.
fn one_bit_changed(hex: &str) -> String {
    let (rest, last) = hex.split_at(hex.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}
