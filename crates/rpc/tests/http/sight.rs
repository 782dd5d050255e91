//! Every view and every event as an outsider, a member, another ledger's member: derived from the interfaces,
//! so that a new one cannot be forgotten.

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt};
use alloy_json_abi::{Function, StateMutability};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde_json::{Value, json};
use tulou_modules::{ALL, address, registry::IRegistry::AccountAdded};
use tulou_primitives::{GenesisAccount, OfficeHolder};
use tulou_rpc::{Readers, RpcConfig};

use crate::{
    common::{Got, World},
    people::sample,
    sessions::{bearer, estate, registrar, resident, settle, sign_in, stranger},
};

/// The authorization of somebody, empty for nobody.
async fn who(world: &World, signer: &alloy_signer_local::PrivateKeySigner) -> String {
    bearer(&sign_in(world, signer).await)
}

async fn call_as(world: &World, authorization: &str, method: &str, params: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut headers = vec![("content-type", "application/json")];
    if !authorization.is_empty() {
        headers.push(("authorization", authorization));
    }
    world.send("POST", "/", &headers, request.to_string()).await.json()
}

async fn get_as(world: &World, authorization: &str, path: &str) -> Got {
    let headers = [("authorization", authorization)];
    world.get(path, if authorization.is_empty() { &[] } else { &headers }).await
}

/// What is known to be for members and to be for everybody, said here once more by hand.
const MEMBERS: &[&str] = &[
    "registry/units",
    "registry/unit",
    "registry/mine",
    "registry/owner_of",
    "registry/holdings_of",
    "registry/weight_of",
    "decisions/ballots",
    "decisions/ballot_of",
    "decisions/votes_of",
    "money/balance",
    "money/hold_of",
    "funds/unit_balance",
    "funds/allotment",
    "accounts/account",
    "accounts/keys",
    "accounts/may_act",
    "accounts/invitations",
    "registry/binding_of",
];
const EVERYBODY: &[&str] = &[
    "registry/totals",
    "registry/bindings",
    "accounts/attestors",
    "decisions/result",
    "decisions/motions",
    "rules/rules",
    "funds/funds",
    "funds/movements",
    "roles/explain",
    "council/members",
    "validators/epoch",
    "schedule/next_due_at",
    "documents/is_known",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_view_is_shown_to_those_of_its_class() {
    let (world, other) = (estate().await, estate().await);
    let member = who(&world, &registrar()).await;
    let guest = who(&world, &stranger()).await;
    let elsewhere = who(&other, &registrar()).await;
    let api = world.get("/api/v1/openapi.json", &[]).await.json();
    let mut seen = std::collections::BTreeMap::new();
    for (path, described) in api["paths"].as_object().unwrap() {
        let described = &described["get"];
        let class = described["x-visibility"].as_str().unwrap().to_owned();
        let parameters = described["parameters"].as_array().unwrap().iter();
        let query: Vec<_> = parameters
            .filter(|parameter| parameter["required"] == json!(true))
            .map(|parameter| {
                format!("{}={}", parameter["name"].as_str().unwrap(), sample(parameter))
            })
            .collect();
        let path_and_query = format!("{path}?{}", query.join("&"));
        let mine = get_as(&world, &member, &path_and_query).await;
        assert!(matches!(mine.status, 200 | 422), "{path}: {} {}", mine.status, mine.text());
        for (reader, refusal) in [
            ("", (401, "signInNeeded")),
            (&elsewhere, (401, "signInNeeded")),
            (&guest, (403, "notAMember")),
        ] {
            let got = get_as(&world, reader, &path_and_query).await;
            if class == "public" {
                assert_eq!((got.status, got.text()), (mine.status, mine.text()), "{path}");
            } else {
                let name = got.json()["error"]["name"].clone();
                assert_eq!((got.status, name), (refusal.0, json!(refusal.1)), "{path}");
            }
        }
        if mine.status == 200 {
            assert_eq!(mine.header("cache-control"), "no-store", "{path}");
        }
        seen.insert(path.trim_start_matches("/api/v1/").to_owned(), class);
    }
    for (calls, class) in [(MEMBERS, "scope"), (EVERYBODY, "public")] {
        for call in calls {
            assert_eq!(seen.get(*call).map(String::as_str), Some(class), "{call}");
        }
    }
    assert!(seen.values().all(|class| class != "private"));
}

/// A value of a type that fits, so that the call is at least decoded.
fn nothing(kind: &DynSolType) -> DynSolValue {
    match kind {
        DynSolType::Bool => DynSolValue::Bool(false),
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::ZERO, *bits),
        DynSolType::Address => DynSolValue::Address(Address::ZERO),
        DynSolType::FixedBytes(size) => DynSolValue::FixedBytes(B256::ZERO, *size),
        DynSolType::Bytes => DynSolValue::Bytes(Vec::new()),
        DynSolType::String => DynSolValue::String(String::new()),
        DynSolType::Array(_) => DynSolValue::Array(Vec::new()),
        DynSolType::Tuple(kinds) => DynSolValue::Tuple(kinds.iter().map(nothing).collect()),
        other => panic!("no value for {other:?}"),
    }
}

fn calldata(function: &Function) -> Bytes {
    let kinds = function.inputs.iter().map(|input| input.selector_type().parse().unwrap());
    let values: Vec<_> = kinds.map(|kind: DynSolType| nothing(&kind)).collect();
    function.abi_encode_input(&values).unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn eth_call_follows_the_same_classes_and_writes_are_rehearsed_by_members() {
    let world = estate().await;
    let member = who(&world, &registrar()).await;
    let api = world.get("/api/v1", &[]).await.json();
    let mut rehearsed = Vec::new();
    for module in ALL {
        let row = api["modules"].as_array().unwrap().iter().find(|row| row["name"] == module.name);
        let reads = row.unwrap()["reads"].as_array().unwrap();
        for function in (module.abi)().functions() {
            let call = json!([{ "to": module.address, "input": calldata(function) }, "latest"]);
            let told = call_as(&world, "", "eth_call", call.clone()).await;
            let read = reads.iter().find(|read| read["signature"] == json!(function.signature()));
            let is_view = function.state_mutability == StateMutability::View;
            assert_eq!(read.is_some(), is_view, "{}.{}", module.name, function.name);
            let hidden = told["error"]["code"] == json!(-32001);
            let name = format!("{}.{}", module.name, function.name);
            match read {
                Some(read) => assert_eq!(hidden, read["class"] == json!("scope"), "{name}: {told}"),
                None if !hidden => rehearsed.push(name.clone()),
                None => {}
            }
            if hidden {
                let data = &told["error"]["data"];
                let wanted = json!({ "name": "signInNeeded", "needs": "scope", "what": name });
                assert_eq!(*data, wanted, "{told}");
            }
            let mine = call_as(&world, &member, "eth_call", call).await;
            assert_ne!(mine["error"]["code"], json!(-32001), "{name}: {mine}");
        }
    }
    rehearsed.sort();
    let open = [
        "accounts.finishRecovery",
        "accounts.redeem",
        "accounts.redeemAttested",
        "accounts.unfreeze",
        "accounts.vetoRecovery",
        "schedule.putBack",
        "schedule.run",
    ];
    assert_eq!(rehearsed, open, "writes that an outsider may rehearse");
}

/// Code that calls a module with its own calldata and answers only whether that went through.
fn between(module: Address) -> Bytes {
    let code = format!("365f5f375f5f365f73{}5afa5f5260205ff3", hex::encode(module));
    hex::decode(code).unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_in_between_is_no_way_round() {
    let contract = Address::repeat_byte(0xc0);
    let outer = Address::repeat_byte(0xc1);
    let config = RpcConfig { readers: Readers::Members, ..Default::default() };
    let world = World::founded(
        |genesis| {
            let code = |code| GenesisAccount { code, ..Default::default() };
            genesis.accounts.insert(contract, code(between(address::registry)));
            genesis.accounts.insert(outer, code(between(contract)));
            let account = registrar().address();
            genesis.offices.push(OfficeHolder { office: "registrar".into(), account, until: 0 });
        },
        config,
    )
    .await;
    let member = who(&world, &registrar()).await;
    let input = |name: &str| {
        let abi = tulou_modules::registry::abi();
        let function = abi.functions().find(|f| f.name == name).unwrap().clone();
        calldata(&function)
    };
    let (hidden, open) = (input("ownerOf"), input("totals"));
    let yes = json!(B256::with_last_byte(1));
    for to in [contract, outer] {
        let call = |input: &Bytes| json!([{ "to": to, "input": input }, "latest"]);
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
            let told = call_as(&world, "", method, call(&hidden)).await;
            assert_eq!(told["error"]["code"], json!(-32001), "{method}: {told}");
            assert_eq!(told["error"]["data"]["what"], json!("registry.ownerOf"), "{method}");
            let mine = call_as(&world, &member, method, call(&hidden)).await;
            assert!(mine["error"].is_null(), "{method}: {mine}");
        }
        assert_eq!(call_as(&world, "", "eth_call", call(&open)).await["result"], yes);
        assert_eq!(call_as(&world, &member, "eth_call", call(&hidden)).await["result"], yes);
    }
    let fill = json!([{ "from": Address::repeat_byte(1), "to": contract, "input": hidden }]);
    let told = call_as(&world, "", "eth_fillTransaction", fill).await;
    assert_eq!(told["error"]["code"], json!(-32001), "{told}");
    // Code in the making calls too: with the selector of `ownerOf` in the first four bytes of memory.
    let word = B256::right_padding_from(&hidden[..4]);
    let creation =
        format!("7f{}5f525f5f60245f73{}5afa00", hex::encode(word), hex::encode(address::registry));
    let told = call_as(&world, "", "eth_call", json!([{ "input": format!("0x{creation}") }])).await;
    assert_eq!(told["error"]["code"], json!(-32001), "{told}");
    let batch = json!([{ "calls": [{ "to": contract, "input": hidden }] }, "latest"]);
    let told = call_as(&world, "", "eth_call", batch).await;
    assert_eq!(told["error"]["code"], json!(-32001), "{told}");
    // Code in the module's place would read the module's storage.
    let pretended = json!([{ "to": address::registry }, "latest", { (address::registry.to_string()): { "code": "0x5f545f5260205ff3" } }]);
    let told = call_as(&world, "", "eth_call", pretended.clone()).await;
    assert_eq!(told["error"]["code"], json!(-32001), "{told}");
    assert!(call_as(&world, &member, "eth_call", pretended).await["error"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_above_the_class_are_left_out_and_name_no_transaction() {
    let world = estate().await;
    settle(&world).await;
    let member = who(&world, &registrar()).await;
    let all = json!([{ "fromBlock": "0x0", "toBlock": "latest" }]);
    let bound = json!([{
        "fromBlock": "0x0", "address": address::registry,
        "topics": [<AccountAdded as alloy_sol_types::SolEvent>::SIGNATURE_HASH],
    }]);
    let mine = call_as(&world, &member, "eth_getLogs", all.clone()).await;
    let mine = mine["result"].as_array().unwrap().clone();
    let theirs = call_as(&world, "", "eth_getLogs", all).await;
    let theirs = theirs["result"].as_array().unwrap().clone();
    assert_eq!((mine.len(), theirs.len()), (4, 2), "HeadChanged and AccountAdded are members'");
    for log in &theirs {
        assert_eq!(log["transactionHash"], json!(B256::ZERO), "{log}");
    }
    let hashes: Vec<_> = mine.iter().map(|log| log["transactionHash"].clone()).collect();
    assert!(!hashes.contains(&json!(B256::ZERO)));
    assert_eq!(call_as(&world, "", "eth_getLogs", bound.clone()).await["result"], json!([]));
    let found = call_as(&world, &member, "eth_getLogs", bound.clone()).await;
    assert_eq!(found["result"].as_array().map(Vec::len), Some(1));
    let filter = call_as(&world, &member, "eth_newFilter", bound).await["result"].clone();
    let asked = call_as(&world, "", "eth_getFilterLogs", json!([filter])).await;
    assert_eq!(asked["result"], json!([]), "a filter that a member made");
    let asked = call_as(&world, &member, "eth_getFilterLogs", json!([filter])).await;
    assert_eq!(asked["result"].as_array().map(Vec::len), Some(1));
    // Who knows a hash has it from somebody who may see the transaction.
    for method in
        ["eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getRawTransactionByHash"]
    {
        let receipt = call_as(&world, "", method, json!([hashes[0]])).await;
        assert!(receipt["error"].is_null() && !receipt["result"].is_null(), "{method}: {receipt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_list_no_transactions_to_outsiders() {
    let world = estate().await;
    settle(&world).await;
    let member = who(&world, &registrar()).await;
    let page = |who: &str, full: bool| {
        let (world, who) = (&world, who.to_owned());
        async move { call_as(world, &who, "eth_getBlockByNumber", json!(["0x1", full])).await }
    };
    let (theirs, mine) = (page("", false).await, page(&member, false).await);
    assert_eq!(theirs["result"]["transactions"], json!([]));
    assert_eq!(mine["result"]["transactions"].as_array().map(Vec::len), Some(1));
    assert_eq!(theirs["result"]["hash"], mine["result"]["hash"]);
    assert_eq!(page("", true).await["result"]["transactions"], json!([]));
    assert!(page(&member, true).await["error"].is_null());
    let slot = json!([address::registry, "0x0", "latest"]);
    let none = json!([address::registry, [], "latest"]);
    let proof = json!([address::registry, ["0x0"], "latest"]);
    let tx = json!(["0x1", "0x0"]);
    let call = json!([{ "to": address::rules, "input": "0x" }, "latest"]);
    let closed = [
        ("eth_getStorageAt", slot.clone()),
        ("eth_getStorageValues", json!([{ (address::registry.to_string()): ["0x0"] }, "latest"])),
        ("eth_getProof", proof),
        ("eth_getTransactionByBlockNumberAndIndex", tx),
        ("eth_getBlockReceipts", json!(["0x1"])),
        ("eth_newPendingTransactionFilter", json!([])),
        ("eth_simulateV1", json!([{ "blockStateCalls": [] }, "latest"])),
        ("txpool_content", json!([])),
        ("txpool_inspect", json!([])),
        ("txpool_contentFrom", json!([registrar().address()])),
        ("debug_getRawBlock", json!(["0x1"])),
        ("debug_getRawReceipts", json!(["0x1"])),
        ("debug_traceBlockByNumber", json!(["0x1"])),
        ("debug_traceCall", call),
        ("eth_noSuchMethod", json!([])),
    ];
    for (method, params) in closed {
        let told = call_as(&world, "", method, params.clone()).await;
        assert_eq!(told["error"]["code"], json!(-32001), "{method}: {told}");
        let mine = call_as(&world, &member, method, params).await;
        assert_ne!(mine["error"]["code"], json!(-32001), "{method}: {mine}");
    }
    let open = [
        ("eth_getProof", none),
        ("eth_chainId", json!([])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x1"])),
        ("eth_getBalance", json!([registrar().address(), "latest"])),
        ("eth_feeHistory", json!(["0x1", "latest", []])),
        ("debug_getRawHeader", json!(["0x1"])),
        ("tulou_getFinality", json!(["0x1"])),
        ("tulou_getKeySheet", json!([])),
        ("tulou_consortium", json!([])),
    ];
    for (method, params) in open {
        let told = call_as(&world, "", method, params).await;
        assert!(told["error"].is_null(), "{method}: {told}");
    }
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] },
        { "jsonrpc": "2.0", "id": 2, "method": "eth_getStorageAt", "params": slot },
    ]);
    let answers = world.post(batch.to_string()).await.json();
    let codes: Vec<_> =
        answers.as_array().unwrap().iter().map(|a| a["error"]["code"].clone()).collect();
    assert_eq!(codes, [Value::Null, json!(-32001)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_letter_reads_its_invitation() {
    let world = estate().await;
    let path = format!("/api/v1/accounts/invitation_of?letter_key={}", Address::repeat_byte(9));
    assert_eq!(world.get(&path, &[]).await.status, 200);
    assert_eq!(world.get("/api/v1/accounts/invitations", &[]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_readers_are_anyone_nobody_is_asked() {
    let world = World::start(RpcConfig::default()).await;
    assert_eq!(world.get("/api/v1/registry/units?of_building=0", &[]).await.status, 200);
    world.ask("eth_getStorageAt", json!([address::registry, "0x0", "latest"])).await;
    let session = sign_in(&world, &resident()).await;
    assert_eq!(session["class"], json!("public"), "signing in works all the same");
}
