//! Traces, simulations and raw bytes on this ledger's own blocks.

use alloy_primitives::{Bytes, U256, hex, keccak256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_modules::roles::IRoles;
use tulou_rpc::RpcConfig;

use crate::common::{World, rich, transfer};

#[tokio::test(flavor = "multi_thread")]
async fn a_native_module_is_a_frame_without_steps() {
    let world = World::start(RpcConfig::default()).await;
    let roles = tulou_modules::address::roles;
    let input = Bytes::from(IRoles::officesOfCall { account: rich().address() }.abi_encode());
    let call = json!({ "from": rich().address(), "to": roles, "input": input });
    let frame =
        world.ask("debug_traceCall", json!([call, "latest", { "tracer": "callTracer" }])).await;
    assert_eq!(frame["type"], json!("CALL"));
    assert_eq!(frame["to"], json!(roles));
    assert_eq!(frame["input"], json!(input));
    assert!(frame["error"].is_null(), "{frame}");
    let steps = world.ask("debug_traceCall", json!([call, "latest", {}])).await;
    assert_eq!(steps["structLogs"], json!([]));
    assert_eq!(steps["failed"], json!(false));
    // As a contract calls it: a frame below the contract's own.
    let mut code = hex!("6004600060003960006000600460006000").to_vec();
    code.extend([0x73]);
    code.extend_from_slice(roles.as_slice());
    code.extend(hex!("62030d40f100"));
    let at = "0x00000000000000000000000000000000000000cc";
    let pretended = json!({ at: { "code": Bytes::from(code) } });
    let options = json!({ "tracer": "callTracer", "stateOverrides": pretended });
    let call = json!({ "from": rich().address(), "to": at });
    let frame = world.ask("debug_traceCall", json!([call, "latest", options])).await;
    assert_eq!(frame["calls"][0]["to"], json!(roles), "{frame}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_transaction_is_traced_as_it_ran() {
    let world = World::start(RpcConfig::default()).await;
    let hash = world.ask("eth_sendRawTransaction", json!([transfer(0)])).await;
    world.mine();
    let receipt = world.ask("eth_getTransactionReceipt", json!([hash])).await;
    let frame =
        world.ask("debug_traceTransaction", json!([hash, { "tracer": "callTracer" }])).await;
    assert_eq!(frame["gasUsed"], receipt["gasUsed"]);
    assert_eq!(frame["from"], json!(rich().address()));
    let block = world.ask("debug_traceBlockByNumber", json!(["latest"])).await;
    assert_eq!(block[0]["txHash"], hash);
    assert_eq!(block[0]["result"]["gas"], json!(21_000));
    for (method, params) in [
        ("debug_traceBlockByNumber", json!(["0x0"])),
        ("debug_traceBlockByNumber", json!(["0x63"])),
        ("debug_traceTransaction", json!([keccak256("no transaction")])),
    ] {
        assert_eq!(world.error(method, params).await.0, -32_000);
    }
    let unknown = json!([hash, { "tracer": "no such tracer" }]);
    let (_, message) = world.error("debug_traceTransaction", unknown).await;
    assert!(message.contains("tracer"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_bytes_hash_to_what_they_are() {
    let world = World::start(RpcConfig::default()).await;
    let raw = transfer(0);
    let hash = world.ask("eth_sendRawTransaction", json!([raw])).await;
    world.mine();
    let block = world.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let header = bytes(&world.ask("debug_getRawHeader", json!(["latest"])).await);
    assert_eq!(json!(keccak256(header)), block["hash"]);
    let whole = bytes(&world.ask("debug_getRawBlock", json!(["latest"])).await);
    assert_eq!(json!(U256::from(whole.len())), block["size"]);
    let decoded = alloy_rlp::Decodable::decode(&mut whole.as_ref());
    let decoded: alloy_consensus::Block<alloy_consensus::TxEnvelope> = decoded.unwrap();
    assert_eq!(decoded.body.withdrawals.map(|list| list.len()), Some(0));
    assert_eq!(world.ask("debug_getRawTransaction", json!([hash])).await, json!(raw));
    let receipts = world.ask("debug_getRawReceipts", json!(["latest"])).await;
    assert_eq!(receipts.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_shows_what_would_be_and_keeps_nothing() {
    let world = World::start(RpcConfig::default()).await;
    let (me, poor) = (rich().address(), "0x00000000000000000000000000000000000000aa");
    let pay = |from: Value, wei: &str| json!({ "from": from, "to": poor, "value": wei });
    let blocks = json!([
        { "calls": [pay(json!(me), "0x5"), { "from": poor, "to": me, "value": "0x5" }] },
        { "stateOverrides": { poor: { "balance": "0x9" } },
          "calls": [{ "from": poor, "to": me, "value": "0x9" }] },
    ]);
    let payload = json!({ "blockStateCalls": blocks, "traceTransfers": true });
    let shown = world.ask("eth_simulateV1", json!([payload, "latest"])).await;
    assert_eq!(shown[0]["number"], json!("0x1"));
    assert_eq!(shown[1]["parentHash"], shown[0]["hash"]);
    assert_eq!(shown[0]["baseFeePerGas"], json!("0x0"));
    for call in shown[0]["calls"].as_array().unwrap() {
        assert_eq!(call["status"], json!("0x1"));
        assert_eq!(call["logs"].as_array().unwrap().len(), 1);
    }
    assert_eq!(world.ask("eth_blockNumber", json!([])).await, json!("0x0"));
    let too_much = json!({ "blockStateCalls": [{ "calls": [pay(json!(poor), "0x1")] }] });
    let (code, _) = world.error("eth_simulateV1", json!([too_much, "latest"])).await;
    assert_eq!(code, -38_014);
    let many: Vec<_> = (0..257).map(|_| json!({})).collect();
    let (code, _) =
        world.error("eth_simulateV1", json!([{ "blockStateCalls": many }, "latest"])).await;
    assert_eq!(code, -38_026);
}

fn bytes(value: &Value) -> Bytes {
    value.as_str().unwrap().parse().unwrap()
}
