//! JSON-RPC over HTTP against a real ledger.

use crate::common::{CHAIN, World, rich, selector, sign, transfer};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use tulou_rpc::RpcConfig;

/// Creates a contract that stores 42 in slot 1, emits an event with topic 5, and from then on reverts
/// with the first four bytes it is called with.
fn deploy(nonce: u64) -> Bytes {
    let code = hex!(
        "602a600155" // sstore(1, 42)
        "600560006000a1" // log1(0, 0, 5)
        "600c6018600039" // codecopy(0, 24, 12)
        "600c6000f3" // return(0, 12)
        "60046000600037" // calldatacopy(0, 0, 4)
        "60046000fd" // revert(0, 4)
    );
    sign(TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 200_000,
        to: TxKind::Create,
        input: Bytes::copy_from_slice(&code),
        ..Default::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_sent_found_and_proven() {
    let world = World::start(RpcConfig::default()).await;
    assert_eq!(world.ask("eth_chainId", json!([])).await, json!("0x1e4b"));
    assert_eq!(world.ask("net_version", json!([])).await, json!("7755"));
    assert_eq!(world.ask("eth_gasPrice", json!([])).await, json!("0x0"));
    let raw = transfer(0);
    let hash = world.ask("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(hash, json!(keccak256(&raw)));
    let me = rich().address();
    let count = |tag: &'static str| world.ask("eth_getTransactionCount", json!([me, tag]));
    assert_eq!(count("latest").await, json!("0x0"));
    assert_eq!(count("pending").await, json!("0x1"));
    let pending = world.ask("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(pending["blockHash"], Value::Null);
    assert_eq!(world.ask("eth_getTransactionReceipt", json!([hash])).await, Value::Null);
    world.mine();
    for tag in ["latest", "safe", "finalized", "pending", "0x1"] {
        assert_eq!(world.ask("eth_getBalance", json!([me, tag])).await, json!("0xf423f"), "{tag}");
        let block = world.ask("eth_getBlockByNumber", json!([tag, false])).await;
        assert_eq!(block["transactions"], json!([hash]), "{tag}");
        assert_eq!(block["baseFeePerGas"], json!("0x0"));
    }
    assert_eq!(world.ask("eth_getBalance", json!([me, "earliest"])).await, json!("0xf4240"));
    let receipt = world.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], json!("0x1"));
    assert_eq!(receipt["gasUsed"], json!("0x5208"));
    assert_eq!(receipt["effectiveGasPrice"], json!("0x0"));
    assert_eq!(world.ask("eth_getBlockReceipts", json!(["latest"])).await, json!([receipt]));
    let full = world.ask("eth_getBlockByNumber", json!(["latest", true])).await;
    let tx = world.ask("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])).await;
    assert_eq!(full["transactions"], json!([tx]));
    assert_eq!(tx["from"], json!(me));
    let raw_again = world.ask("eth_getRawTransactionByHash", json!([hash])).await;
    assert_eq!(raw_again, json!(raw));
    assert_eq!(world.ask("eth_getBlockByNumber", json!(["0x9", false])).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_proof_leads_from_the_header_to_the_receipt() {
    let world = World::start(RpcConfig::default()).await;
    // Enough that indexes above 127 take two bytes in RLP.
    let hashes: Vec<B256> =
        (0..140).map(|nonce| world.mempool.submit(transfer(nonce)).unwrap()).collect();
    world.mine();
    let block = world.ledger.block(1).unwrap().unwrap();
    assert_eq!(block.transactions().len(), 140);
    for index in [0usize, 1, 127, 128, 139] {
        let proof = world.ask("tulou_getReceiptProof", json!([hashes[index]])).await;
        let bytes = |key: &str| hex::decode(proof[key].as_str().unwrap()).unwrap();
        assert_eq!(keccak256(bytes("header")), block.hash());
        assert_eq!(bytes("certificate")[3..35], block.hash()[..]);
        assert_eq!(proof["index"], json!(index));
        let nodes: Vec<Bytes> = serde_json::from_value(proof["proof"].clone()).unwrap();
        alloy_trie::proof::verify_proof(
            block.header().receipts_root,
            alloy_trie::Nibbles::unpack(alloy_rlp::encode(index)),
            Some(bytes("receipt")),
            &nodes,
        )
        .unwrap();
        assert_eq!(keccak256(&nodes[0]), block.header().receipts_root);
        assert_eq!(proof["validators"], json!([B256::repeat_byte(9)]));
        assert_eq!(proof["chain"]["id"], json!(CHAIN));
    }
    let finality = world.ask("tulou_getFinality", json!(["0x1"])).await;
    assert_eq!(finality["hash"], json!(block.hash()));
    let none = world.ask("tulou_getReceiptProof", json!([B256::ZERO])).await;
    assert_eq!(none, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_says_so_with_code_3_and_its_data() {
    let world = World::start(RpcConfig::default()).await;
    let raw = deploy(0);
    world.mempool.submit(raw.clone()).unwrap();
    world.mine();
    let receipt = world.ask("eth_getTransactionReceipt", json!([keccak256(&raw)])).await;
    assert_eq!(receipt["status"], json!("0x1"), "{receipt}");
    let at = &receipt["contractAddress"];
    assert_eq!(*at, json!(rich().address().create(0)));
    assert_eq!(
        world.ask("eth_getStorageAt", json!([at, "0x1", "latest"])).await,
        json!(B256::from(U256::from(42)))
    );
    let request = json!({ "to": at, "data": "0xdeadbeef" });
    for method in ["eth_call", "eth_estimateGas"] {
        let answer = world.call(method, json!([request])).await;
        assert_eq!(answer["error"]["code"], json!(3), "{answer}");
        assert_eq!(answer["error"]["data"], json!("0xdeadbeef"), "{answer}");
        assert_eq!(answer["error"]["message"], json!("execution reverted"), "{answer}");
    }
    // The same call in an imagined world where the contract is empty.
    let accounts = json!({ at.as_str().unwrap(): { "code": "0x" } });
    let imagined = world.ask("eth_call", json!([request, "latest", accounts])).await;
    assert_eq!(imagined, json!("0x"));
    let topic = B256::from(U256::from(5));
    let logs = world.ask("eth_getLogs", json!([{ "fromBlock": "0x0", "topics": [[topic]] }])).await;
    assert_eq!(logs.as_array().unwrap().len(), 1);
    assert_eq!(logs[0]["address"], *at);
    let none = json!([{ "fromBlock": "0x0", "topics": [[B256::ZERO]] }]);
    assert_eq!(world.ask("eth_getLogs", none).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_refuses_with_its_own_errors() {
    let world = World::start(RpcConfig::default()).await;
    let to = tulou_modules::address::rules;
    let call =
        |data: Vec<u8>| world.call("eth_call", json!([{ "to": to, "data": Bytes::from(data) }]));
    let unknown = call(hex!("01020304").to_vec()).await;
    let expected =
        [selector("UnknownSelector(bytes4)"), [&hex!("01020304")[..], &[0; 28]].concat()];
    assert_eq!(unknown["error"]["code"], json!(3));
    assert_eq!(unknown["error"]["data"], json!(Bytes::from(expected.concat())));
    // Arguments cut off: an empty revert, as Solidity gives.
    let cut = call(selector("rule(string)")).await;
    assert_eq!(cut["error"]["code"], json!(3), "{cut}");
    assert_eq!(cut["error"]["data"], json!("0x"), "{cut}");
    let request = json!([{ "to": to, "data": Bytes::from(selector("bookHash()")) }]);
    let list = world.ask("eth_createAccessList", request).await;
    assert_eq!(list["accessList"][0]["address"], json!(format!("{to:?}")), "{list}");
    let bound = call(selector("bookHash()")).await;
    assert_eq!(bound["result"].as_str().unwrap().len(), 66, "{bound}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_and_waiting_answers_with_the_receipt() {
    let world = World::start(RpcConfig::default()).await;
    let raw = transfer(0);
    let late = world.call("eth_sendRawTransactionSync", json!([raw, "0x32"])).await;
    assert_eq!(late["error"]["code"], json!(4), "{late}");
    assert_eq!(late["error"]["data"], json!(keccak256(&raw)));
    // The second call finds the transaction in the pool and waits on.
    let receipt = tokio::join!(world.ask("eth_sendRawTransactionSync", json!([raw])), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.mine()
    });
    assert_eq!(receipt.0["blockNumber"], json!("0x1"));
    // And the third finds it final.
    let again = world.ask("eth_sendRawTransactionSync", json!([raw])).await;
    assert_eq!(again, receipt.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_report_what_is_new_since_the_last_poll() {
    let world = World::start(RpcConfig { filters: 3, ..Default::default() }).await;
    let blocks = world.ask("eth_newBlockFilter", json!([])).await;
    let pending = world.ask("eth_newPendingTransactionFilter", json!([])).await;
    let logs = world.ask("eth_newFilter", json!([{}])).await;
    assert_eq!(world.error("eth_newBlockFilter", json!([])).await.0, -32005);
    let hash = world.mempool.submit(deploy(0)).unwrap();
    world.mine();
    let head = world.ledger.head().hash;
    let changes = |id: &Value| world.ask("eth_getFilterChanges", json!([id]));
    assert_eq!(changes(&blocks).await, json!([head]));
    assert_eq!(changes(&blocks).await, json!([]));
    assert_eq!(changes(&pending).await, json!([hash]));
    assert_eq!(changes(&logs).await.as_array().unwrap().len(), 1);
    assert_eq!(changes(&logs).await, json!([]));
    let all = json!([{ "fromBlock": "earliest" }]);
    assert_eq!(world.ask("eth_uninstallFilter", json!([logs])).await, json!(true));
    assert_eq!(world.ask("eth_uninstallFilter", json!([logs])).await, json!(false));
    let logs = world.ask("eth_newFilter", all).await;
    let found = world.ask("eth_getFilterLogs", json!([logs])).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(world.error("eth_getFilterChanges", json!(["0x1"])).await.0, -32000);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_the_standard_error() {
    let limits =
        RpcConfig { request_bytes: 100_000, batch: 2, log_blocks: 5, ..Default::default() };
    let world = World::start(limits).await;
    let me = rich().address();
    let cases = [
        ("eth_none", json!([]), -32601),
        ("eth_getBalance", json!([]), -32602),
        ("eth_getBalance", json!(["0x12"]), -32602),
        ("eth_getBalance", json!({ "address": me }), -32602),
        ("eth_getBalance", json!([me, "0x99"]), -32000),
        ("eth_getBlockByNumber", json!(["soon", false]), -32602),
        ("eth_getStorageAt", json!([me, "zz", "latest"]), -32602),
        ("eth_call", json!([{ "to": me, "data": "0x0" }]), -32602),
        ("eth_call", json!([{ "data": "0x01", "input": "0x02" }]), -32602),
        ("eth_call", json!([{ "from": me, "to": me, "value": "0xffffffff" }]), -32000),
        ("eth_getLogs", json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]), -32602),
        ("eth_getLogs", json!([{ "blockHash": B256::ZERO }]), -32000),
        ("eth_sendRawTransaction", json!(["0x"]), -32000),
        ("eth_sendRawTransaction", json!(["0xzz"]), -32602),
        ("eth_sendRawTransaction", json!([transfer(2_000)]), -32000),
        ("eth_sendRawTransactionSync", json!([transfer(0), "0x0"]), -32602),
        ("eth_feeHistory", json!(["0x1", "latest", [50, 10]]), -32602),
        ("evm_setNextBlockTimestamp", json!([1]), -32602),
        ("eth_fillTransaction", json!([{ "to": me }]), -32602),
    ];
    for (method, params, code) in cases {
        let (found, message) = world.error(method, params.clone()).await;
        assert_eq!(found, code, "{method} {params}: {message}");
    }
    assert_eq!(world.post("{").await.json()["error"]["code"], json!(-32700));
    assert_eq!(world.post("[]").await.json()["error"]["code"], json!(-32600));
    assert_eq!(world.post("{\"id\":1}").await.json()["error"]["code"], json!(-32600));
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" });
    let pair = world.post(json!([one, one]).to_string()).await.json();
    assert_eq!(pair.as_array().map(Vec::len), Some(2));
    assert_eq!(
        world.post(json!([one, one, one]).to_string()).await.json()["error"]["code"],
        json!(-32010)
    );
    assert_eq!(world.post(vec![b' '; 100_001]).await.status, 413);
    assert_eq!(world.ask("eth_blockNumber", json!([])).await, json!("0x0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_get_zeros_for_fees_and_a_filled_transaction() {
    let world = World::start(RpcConfig::default()).await;
    world.mine();
    let history = world.ask("eth_feeHistory", json!(["0x5", "latest", [25, 75]])).await;
    assert_eq!(history["oldestBlock"], json!("0x0"));
    assert_eq!(history["baseFeePerGas"], json!(["0x0", "0x0", "0x0"]));
    assert_eq!(history["reward"], json!([["0x0", "0x0"], ["0x0", "0x0"]]));
    let request = json!({ "from": rich().address(), "to": Address::ZERO, "value": "0x1" });
    let filled = world.ask("eth_fillTransaction", json!([request])).await;
    assert_eq!(filled["tx"]["gas"], json!("0x5208"), "{filled}");
    assert_eq!(filled["tx"]["nonce"], json!("0x0"));
    assert!(filled["raw"].as_str().unwrap().starts_with("0x02"));
    assert_eq!(world.ask("eth_estimateGas", json!([request])).await, json!("0x5208"));
    // Who will sign by SM2 says so: by the kind of the key, or by the type of the transaction.
    for (field, value) in [("keyType", "sm2"), ("type", "0x53")] {
        let mut by_sm2 = request.clone();
        by_sm2[field] = json!(value);
        let gas = json!(format!("{:#x}", 21_000 + 31_500));
        assert_eq!(world.ask("eth_estimateGas", json!([by_sm2])).await, gas, "{field}");
        let filled = world.ask("eth_fillTransaction", json!([by_sm2])).await;
        assert_eq!(filled["tx"]["gas"], gas, "{filled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_a_dev_chain_moves() {
    let world = World::start(RpcConfig::default()).await;
    let start = world.ledger.head().timestamp;
    assert_eq!(world.ask("evm_increaseTime", json!(["0x10"])).await, json!(start + 16));
    world.mine();
    assert_eq!(world.ledger.head().timestamp, start + 16);
    world.ask("evm_setNextBlockTimestamp", json!([start + 100])).await;
    world.mine();
    assert_eq!(world.ledger.head().timestamp, start + 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_verify_against_the_state_root() {
    let world = World::start(RpcConfig::default()).await;
    let me = rich().address();
    let answer = world.ask("eth_getProof", json!([me, ["0x0"], "latest"])).await;
    let nodes: Vec<Bytes> = serde_json::from_value(answer["accountProof"].clone()).unwrap();
    let account =
        alloy_trie::TrieAccount { nonce: 0, balance: U256::from(1_000_000), ..Default::default() };
    alloy_trie::proof::verify_proof(
        world.ledger.head().state_root,
        alloy_trie::Nibbles::unpack(keccak256(me)),
        Some(alloy_rlp::encode(account)),
        &nodes,
    )
    .unwrap();
    assert_eq!(answer["storageProof"][0]["value"], json!("0x0"));
}

/// Whatever bytes come, the answer is JSON-RPC's or HTTP's error, and the server goes on.
#[tokio::test(flavor = "multi_thread")]
async fn junk_never_takes_the_server_down() {
    let world = World::start(RpcConfig::default()).await;
    let mut runner = TestRunner::deterministic();
    let junk = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "[\\[{\"a-z0-9:,}\\]]{0,80}".prop_map(String::into_bytes),
        "0x[0-9a-f]{0,300}".prop_map(|raw| {
            json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw] })
                .to_string()
                .into_bytes()
        }),
    ];
    for _ in 0..150 {
        let body = junk.new_tree(&mut runner).unwrap().current();
        let got = world.post(body).await;
        assert!((200..500).contains(&got.status), "{got:?}");
    }
    assert_eq!(world.get("/healthz", &[]).await.json()["status"], json!("ok"));
}
