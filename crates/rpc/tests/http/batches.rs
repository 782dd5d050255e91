//! Batches (type 0x76) over JSON-RPC.

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use serde_json::{Value, json};
use tulou_primitives::{Batch, BatchSignature, Call, SignedBatch, Window};
use tulou_rpc::RpcConfig;

use crate::common::{CHAIN, World, rich, transfer};

const FRIEND: Address = Address::repeat_byte(9);

fn pay(to: Address, wei: u64) -> Call {
    Call { to, value: U256::from(wei), ..Default::default() }
}

fn batch(nonce: u64, calls: Vec<Call>) -> Batch {
    Batch { chain_id: CHAIN, nonce, gas_limit: 200_000, calls, ..Default::default() }
}

fn signed(batch: Batch) -> Bytes {
    let signature = rich().sign_hash_sync(&batch.signing_hash()).unwrap();
    let signature = BatchSignature::Secp256k1(signature);
    SignedBatch { batch, signature }.encoded_2718().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_sent_mined_and_shown() {
    let world = World::start(RpcConfig::default()).await;
    let raw = signed(batch(0, vec![pay(FRIEND, 3), pay(Address::repeat_byte(8), 4)]));
    let hash = world.ask("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(hash, json!(keccak256(&raw)));
    let waiting = world.ask("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(waiting["blockHash"], Value::Null);
    world.mine();
    let receipt = world.ask("eth_getTransactionReceipt", json!([hash])).await;
    for (field, want) in [
        ("type", json!("0x76")),
        ("status", json!("0x1")),
        ("to", json!(FRIEND)),
        ("from", json!(rich().address())),
        ("contractAddress", Value::Null),
        // 21,000 + 2,600 + 9,000.
        ("gasUsed", json!(format!("{:#x}", 32_600))),
    ] {
        assert_eq!(receipt[field], want, "{field}: {receipt}");
    }
    let shown = world.ask("eth_getTransactionByHash", json!([hash])).await;
    let block = world.ask("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(block["transactions"][0], shown);
    for (field, want) in [
        ("type", json!("0x76")),
        ("hash", hash.clone()),
        ("to", json!(FRIEND)),
        ("value", json!("0x3")),
        ("gasPrice", json!("0x0")),
        ("blockNumber", json!("0x1")),
        ("transactionIndex", json!("0x0")),
    ] {
        assert_eq!(shown[field], want, "{field}: {shown}");
    }
    assert_eq!(shown["calls"][1]["value"], json!("0x4"));
    let balance = world.ask("eth_getBalance", json!([FRIEND, "latest"])).await;
    assert_eq!(balance, json!("0x3"));
    assert_eq!(world.ask("eth_getRawTransactionByHash", json!([hash])).await, json!(raw));
    let receipts = world.ask("debug_getRawReceipts", json!(["latest"])).await;
    assert!(receipts[0].as_str().unwrap().starts_with("0x76f9"), "{receipts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_batch_are_frames_within_one() {
    let world = World::start(RpcConfig::default()).await;
    let me = json!(rich().address());
    let calls = vec![pay(FRIEND, 3), pay(Address::repeat_byte(8), 4)];
    let hash = world.ask("eth_sendRawTransaction", json!([signed(batch(0, calls))])).await;
    world.mine();
    let receipt = world.ask("eth_getTransactionReceipt", json!([hash])).await;
    let tracer = json!({ "tracer": "callTracer" });
    let frame = world.ask("debug_traceTransaction", json!([hash, tracer])).await;
    assert_eq!((&frame["from"], &frame["to"]), (&me, &me), "{frame}");
    assert_eq!(frame["gasUsed"], receipt["gasUsed"], "{frame}");
    let values = |frame: &Value| -> Vec<Value> {
        frame["calls"].as_array().unwrap().iter().map(|call| call["value"].clone()).collect()
    };
    assert_eq!(values(&frame), [json!("0x3"), json!("0x4")], "{frame}");
    let request = json!({ "from": me, "calls": [{ "to": FRIEND, "value": "0x6" }] });
    let frame = world.ask("debug_traceCall", json!([request, "latest", tracer])).await;
    assert_eq!(values(&frame), [json!("0x6")], "{frame}");
    let steps = world.ask("debug_traceTransaction", json!([hash])).await;
    assert_eq!(steps["failed"], json!(false), "{steps}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_batches_are_answered_estimated_and_filled() {
    let world = World::start(RpcConfig::default()).await;
    let me = rich().address();
    let request = json!({
        "type": "0x76", "from": me, "keyType": "p256",
        // As viem/tempo writes "no value".
        "calls": [{ "to": FRIEND, "value": "0x", "data": "0x" }, { "to": FRIEND, "value": "0x5" }],
        "validBefore": "0xffffffffff", "feePayer": false, "feePayerSignature": null,
    });
    assert_eq!(world.ask("eth_call", json!([request, "latest"])).await, json!("0x"));
    // 21,000 + 5,000 for P-256 + 2,600 + 9,000 for the second call.
    let gas = json!(format!("{:#x}", 37_600));
    assert_eq!(world.ask("eth_estimateGas", json!([request])).await, gas);
    let filled = world.ask("eth_fillTransaction", json!([request])).await;
    let tx = &filled["tx"];
    for (field, want) in [
        ("type", json!("0x76")),
        ("from", json!(me)),
        ("gas", gas),
        ("nonce", json!("0x0")),
        ("nonceKey", json!("0x0")),
        ("maxFeePerGas", json!("0x0")),
        ("validBefore", json!("0xffffffffff")),
        ("signature", Value::Null),
    ] {
        assert_eq!(tx[field], want, "{field}: {filled}");
    }
    let calls = vec![pay(FRIEND, 0), pay(FRIEND, 5)];
    let window = Window { after: 0, before: 0xff_ffff_ffff };
    let same = Batch { gas_limit: 37_600, window, ..batch(0, calls) };
    assert_eq!(filled["raw"], json!(Bytes::from(same.signing_bytes())));

    let with = |field: &str, value: Value| {
        let mut request = request.clone();
        request[field] = value;
        json!([request])
    };
    for (params, says) in [
        (with("nonceKey", json!("0x1")), "nonce_key must be 0"),
        (with("feeToken", json!(FRIEND)), "fee_token must be empty"),
        (with("feePayer", json!(true)), "fee payer"),
        (with("keyAuthorization", json!({})), "key authorizations are not accepted"),
        (with("validAfter", json!("0xffffffffff")), "is not after valid_after"),
        (with("calls", json!([])), "it has no call"),
        (with("calls", json!([{ "data": "0x00" }])), "call 0 creates a contract"),
    ] {
        let (code, message) = world.error("eth_fillTransaction", params).await;
        assert_eq!(code, -32_602, "{message}");
        assert!(message.contains(says), "{message}");
    }
    let simulated = json!([{ "blockStateCalls": [{ "calls": [request] }] }]);
    assert!(world.error("eth_simulateV1", simulated).await.1.contains("batch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_is_refused_by_name() {
    let world = World::start(RpcConfig::default()).await;
    let one = || batch(0, vec![pay(FRIEND, 0)]);
    let within = |after, before| signed(Batch { window: Window { after, before }, ..one() });
    for (raw, says) in [
        (signed(batch(0, vec![])), "it has no call"),
        (within(0, 1), "transaction expired"),
        (within(u64::MAX, 0), "transaction not yet valid"),
        (signed(batch(0, vec![pay(FRIEND, 900_000), pay(FRIEND, 200_000)])), "insufficient funds"),
        (signed(Batch { chain_id: CHAIN + 1, ..one() }), "invalid chain id"),
        (signed(Batch { gas_limit: 20_999, ..one() }), "intrinsic gas"),
        (Bytes::from_static(&[0x76, 0xc0]), "rlp:"),
        (Bytes::from_static(&[0x54, 0xc0]), "transaction type not supported: 0x54"),
    ] {
        let (_, message) = world.error("eth_sendRawTransaction", json!([raw])).await;
        assert!(message.contains(says), "{message} for {says}");
    }
    // The types that everybody knows go on as before, in the same block.
    let hash = world.ask("eth_sendRawTransaction", json!([transfer(0)])).await;
    world.ask("eth_sendRawTransaction", json!([signed(batch(1, vec![pay(FRIEND, 1)]))])).await;
    world.mine();
    let receipts = world.ask("eth_getBlockReceipts", json!(["latest"])).await;
    let kinds: Vec<_> = receipts.as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(kinds, [&json!("0x2"), &json!("0x76")]);
    assert_eq!(receipts[0]["transactionHash"], hash);
}
