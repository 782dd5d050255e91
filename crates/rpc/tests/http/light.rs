//! What a reader with a key sheet asks for.

use crate::common::{CHAIN, EPOCH, World, transfer};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use serde_json::{Value, json};
use tulou_proofs::{
    AccountProof, EpochLink, Finality, KeySheet, PageProof, ReceiptProof, trie_value,
};
use tulou_rpc::RpcConfig;

fn read<T: serde::de::DeserializeOwned>(answer: &Value) -> T {
    serde_json::from_value(answer.clone()).unwrap_or_else(|e| panic!("{e}: {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_sheet_says_which_ledger_this_is_and_who_certifies() {
    let world = World::start(RpcConfig::default()).await;
    let answer = world.ask("tulou_getKeySheet", json!([])).await;
    let sheet = KeySheet::parse(answer["text"].as_str().unwrap()).unwrap();
    let genesis = world.ledger.genesis().hash();
    let keys = vec![B256::repeat_byte(9)];
    assert_eq!(sheet, KeySheet::new(CHAIN, genesis, EPOCH, 0, keys.clone()).unwrap());
    assert_eq!(answer["validators"], json!(keys));
    assert_eq!(answer["epochLength"], json!(EPOCH));
    let early = world.error("tulou_getKeySheet", json!([1])).await;
    assert_eq!(early, (-32000, "the newest epoch is 0, not 1".into()));
    for _ in 0..EPOCH {
        world.mine();
    }
    let later = world.ask("tulou_getKeySheet", json!([1])).await;
    assert_eq!(KeySheet::parse(later["text"].as_str().unwrap()).unwrap().epoch, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_from_each_epoch_that_is_over_to_the_next() {
    let world = World::start(RpcConfig::default()).await;
    let (code, message) = world.error("tulou_getEpochLink", json!([0])).await;
    assert_eq!(code, -32000);
    assert_eq!(message, "epoch 0 is not over: it ends with block 3, the newest block is 0");
    for _ in 0..2 * EPOCH {
        world.mine();
    }
    for (epoch, end) in [(json!(0), 3), (json!("0x1"), 7)] {
        let link: EpochLink = read(&world.ask("tulou_getEpochLink", json!([epoch])).await);
        let header = world.ledger.header(end).unwrap().unwrap();
        assert_eq!(keccak256(&link.header), header.hash_slow());
        assert_eq!(Finality::decode(&link.certificate).unwrap().digest, header.hash_slow());
        assert_eq!(link.next, [B256::repeat_byte(9)]);
    }
    for epoch in [json!(2), json!(u64::MAX), json!("0x7fffffffffffffff")] {
        let (code, message) = world.error("tulou_getEpochLink", json!([epoch])).await;
        assert!(code == -32000 && message.contains("is not over"), "{message}");
    }
    assert_eq!(world.error("tulou_getEpochLink", json!([])).await.0, -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_page_of_an_epoch_needs_a_certificate_of_its_own() {
    let world = World::start(RpcConfig::default()).await;
    for _ in 0..2 {
        world.mine();
    }
    world.mine_certified(|_| None);
    world.mine();
    let (code, message) = world.error("tulou_getEpochLink", json!([0])).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("block 3, the last of epoch 0, is not kept here"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_certificate_comes_with_the_headers_up_to_a_certified_one() {
    let world = World::start(RpcConfig::default()).await;
    world.mempool.submit(transfer(0)).unwrap();
    world.mine_certified(|_| None);
    world.mine_certified(|_| Some(B256::ZERO));
    let waiting = world.error("tulou_getFinality", json!(["0x1"])).await;
    assert_eq!(waiting.0, -32000);
    assert!(
        waiting.1.starts_with("block 1 has no certificate here, and none above"),
        "{waiting:?}"
    );
    let first: PageProof = read(&world.ask("tulou_getFinality", json!(["earliest"])).await);
    assert!(first.certificate.is_empty() && first.links.is_empty());
    assert_eq!(keccak256(&first.header), world.ledger.genesis().hash());
    world.ledger.put_finality(2, Bytes::new()).unwrap();
    assert_eq!(world.error("tulou_getFinality", json!(["0x2"])).await.0, -32603);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_join_a_page_to_its_certificate() {
    let world = World::start(RpcConfig::default()).await;
    let raw = transfer(0);
    world.mempool.submit(raw.clone()).unwrap();
    for _ in 0..3 {
        world.mine_certified(|_| None);
    }
    world.mine();
    let header = |height| world.ledger.header(height).unwrap().unwrap();
    let answer = world.ask("tulou_getReceiptProof", json!([keccak256(&raw)])).await;
    let proof: ReceiptProof = read(&answer);
    assert_eq!(proof.page.links.len(), 3);
    for (place, link) in proof.page.links.iter().enumerate() {
        assert_eq!(keccak256(link), header(place as u64 + 2).hash_slow());
    }
    let certificate = Finality::decode(&proof.page.certificate).unwrap();
    assert_eq!(certificate.digest, header(4).hash_slow());
    assert_eq!((certificate.epoch, &answer["epoch"]), (1, &json!(1)));
    // The transaction stands at the place of the receipt.
    let key = alloy_rlp::encode(proof.index);
    let root = header(1).transactions_root;
    let found = trie_value(root, &key, &proof.transaction_proof).unwrap().unwrap();
    assert_eq!(found, raw.to_vec());
    assert_eq!(proof.transaction, raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_proven_at_every_height_whose_state_is_kept() {
    let world = World::start(RpcConfig::default()).await;
    for nonce in 0..70 {
        world.mempool.submit(transfer(nonce)).unwrap();
        world.mine();
    }
    let (to, head) = (Address::repeat_byte(9), world.ledger.head().height);
    for height in [head, head - 1, head - 60] {
        let block = format!("0x{height:x}");
        let answer = world.ask("eth_getProof", json!([to, ["0x0"], block])).await;
        let proof: AccountProof = read(&answer);
        let root = world.ledger.header(height).unwrap().unwrap().state_root;
        let leaf = trie_value(root, keccak256(to).as_slice(), &proof.account_proof).unwrap();
        assert!(leaf.is_some(), "block {height}");
        assert_eq!(proof.balance, alloy_primitives::U256::from(height));
    }
    let (code, message) = world.error("eth_getProof", json!([to, [], "0x1"])).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("historical state of block 1 is not kept any more"), "{message}");
    let (code, message) = world.error("eth_getProof", json!([to, [], "0xffff"])).await;
    assert_eq!((code, message.as_str()), (-32000, "header not found"));
}
