//! Searches over everything.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Bytes, TxKind, hex};
use serde_json::json;
use tulou_client::Key;

use super::Server;

/// Creates a contract that emits 1,000 empty events when it is called.
const LOUD: &str = "6010600a5f3960105ff36103e85b5f5fa0600190038060035700";
/// Events of all calls together, more than one search gives.
const CALLS: u64 = 21;

#[test]
fn a_search_over_the_whole_chain_is_refused_in_words_or_paged() {
    let server = Server::start();
    let rpc = server.0.rpc();
    let key = Key::test(0).expect("an account of the mnemonic");
    let chain_id = rpc.chain_id().expect("the node answers");
    let first = rpc.next_nonce(key.address()).expect("a nonce");
    let code = hex::decode(LOUD).expect("hex");
    let contract = key.address().create(first);
    let raw = key.sign(TxEip1559 {
        chain_id,
        nonce: first,
        gas_limit: 1_000_000,
        to: TxKind::Create,
        input: Bytes::from(code),
        ..Default::default()
    });
    let receipt = rpc.send_raw(&raw).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(receipt["status"], json!("0x1"), "{receipt}");
    for nonce in first + 1..=first + CALLS {
        let raw = key.sign_call(chain_id, nonce, 2_000_000, contract, Bytes::new());
        let receipt = rpc.send_raw(&raw).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(receipt["logs"].as_array().map(Vec::len), Some(1_000), "{}", receipt["status"]);
    }
    let search = |from: u64, to: u64| {
        let (from, to) = (format!("{from:#x}"), format!("{to:#x}"));
        server
            .call("eth_getLogs", json!([{ "fromBlock": from, "toBlock": to, "address": contract }]))
    };
    let head = rpc.block_number().expect("the node answers");
    let refused = search(0, head).expect_err("too many events").to_string();
    assert!(refused.contains("20000") && refused.contains("fewer blocks"), "{refused}");
    // Page by page everything is there.
    let half = head / 2;
    let count = |from, to| search(from, to).expect("a page").as_array().map_or(0, Vec::len);
    assert_eq!(count(0, half) + count(half + 1, head), 1_000 * CALLS as usize);
    let beyond = search(0, head + 5_000_000).expect_err("beyond the head").to_string();
    assert!(beyond.contains("beyond"), "{beyond}");
    server.serves_a_resident();
}
