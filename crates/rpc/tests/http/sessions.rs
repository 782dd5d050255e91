//! Signing in over HTTP, and who is let in.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, eip191_hash_message, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_modules::{
    accounts::IAccounts::{
        FreezeCode, Grant, Scope, Suite, authoriseKeyCall, freezeCall, revokeKeyCall,
    },
    address,
    registry::IRegistry::{
        AreaSource, Holding, HoldingKind, UnitEntry, Use, addHoldingsCall, addOwnersCall,
        addUnitsCall, bindCall, unbindCall,
    },
};
use tulou_primitives::{MessageSignature, OfficeHolder, sm::Sm2Key};
use tulou_rpc::{Limits, Readers, RpcConfig};

use crate::common::{CHAIN, Got, World};

/// A key that anybody can compute.
pub(crate) fn key(byte: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap()
}

/// Holds the register.
pub(crate) fn registrar() -> PrivateKeySigner {
    key(2)
}

/// Owns a unit once [`settle`] has run.
pub(crate) fn resident() -> PrivateKeySigner {
    key(3)
}

/// Belongs to nothing.
pub(crate) fn stranger() -> PrivateKeySigner {
    key(4)
}

/// A ledger whose readers are members.
pub(crate) async fn estate() -> World {
    estate_with(RpcConfig::default()).await
}

pub(crate) async fn estate_with(config: RpcConfig) -> World {
    let office =
        OfficeHolder { office: "registrar".into(), account: registrar().address(), until: 0 };
    let config = RpcConfig { readers: Readers::Members, ..config };
    World::founded(|genesis| genesis.offices.push(office), config).await
}

/// Sends a call and makes it final.
pub(crate) async fn act(world: &World, signer: &PrivateKeySigner, to: Address, call: impl SolCall) {
    let nonce = world.mempool.pending_nonce(signer.address()).unwrap();
    let tx = TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 5_000_000,
        to: to.into(),
        input: call.abi_encode().into(),
        ..Default::default()
    };
    let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
    let raw: Bytes = TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into();
    let hash = world.ask("eth_sendRawTransaction", json!([raw])).await;
    world.mine();
    let receipt = world.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], json!("0x1"), "{receipt}");
}

fn owner() -> B256 {
    B256::repeat_byte(0x33)
}

/// Unit 1-1-101 in the resident's hands.
pub(crate) async fn settle(world: &World) {
    let unit = UnitEntry {
        code: "1-1-101".into(),
        building: 1,
        stair: 1,
        floor: 1,
        r#use: Use::Home,
        areaM2: 8_950,
        areaSource: AreaSource::Registered,
        countsArea: true,
        countsHead: true,
        delivered: true,
        developerOwned: false,
    };
    let holding = Holding {
        unit: 1,
        owner: owner(),
        shareNum: 1,
        shareDen: 1,
        kind: HoldingKind::Sole,
        since: 0,
    };
    let (registry, by) = (address::registry, registrar());
    act(world, &by, registry, addUnitsCall { entries: vec![unit] }).await;
    act(world, &by, registry, addOwnersCall { owners: vec![owner()] }).await;
    act(world, &by, registry, addHoldingsCall { holdings: vec![holding] }).await;
    let (accounts, owners) = (vec![resident().address()], vec![owner()]);
    act(world, &by, registry, bindCall { accounts, owners }).await;
}

pub(crate) async fn post(world: &World, path: &str, body: Value) -> Got {
    let json = ("content-type", "application/json");
    world.send("POST", path, &[json], body.to_string()).await
}

pub(crate) async fn challenge(world: &World, account: Address) -> String {
    let got = post(world, "/api/v1/session/challenge", json!({ "account": account })).await;
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()["message"].as_str().unwrap().to_owned()
}

async fn enter(world: &World, message: &str, signature: Bytes) -> Got {
    let body = json!({ "message": message, "signature": signature });
    post(world, "/api/v1/session", body).await
}

fn sign(signer: &PrivateKeySigner, message: &str) -> Bytes {
    signer.sign_message_sync(message.as_bytes()).unwrap().as_bytes().to_vec().into()
}

pub(crate) async fn sign_in(world: &World, signer: &PrivateKeySigner) -> Value {
    let message = challenge(world, signer.address()).await;
    let got = enter(world, &message, sign(signer, &message)).await;
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()
}

pub(crate) fn bearer(session: &Value) -> String {
    format!("Bearer {}", session["token"].as_str().unwrap())
}

async fn told(world: &World, session: &Value) -> Value {
    let authorization = bearer(session);
    world.get("/api/v1/session", &[("authorization", &authorization)]).await.json()
}

fn is_refused(got: &Got) -> bool {
    got.status == 401 && got.json()["error"]["name"] == json!("signInRefused")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_the_text_reads_as_what_the_account_is() {
    let world = estate().await;
    let message = challenge(&world, registrar().address()).await;
    let host = world.addr().to_string();
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(lines[0], format!("{host} wants you to sign in with your Ethereum account:"));
    assert_eq!(lines[1], registrar().address().to_checksum(None));
    assert!(lines.contains(&format!("URI: http://{host}").as_str()), "{message}");
    assert!(lines.contains(&"Chain ID: 7755"), "{message}");
    let session = sign_in(&world, &registrar()).await;
    assert_eq!(session["class"], json!("scope"));
    assert_eq!(session["account"], json!(registrar().address()));
    let lasts =
        session["refreshExpiresAt"].as_u64().unwrap() - session["expiresAt"].as_u64().unwrap();
    assert_eq!(lasts, 30 * 86_400 - 600);
    let seen = told(&world, &session).await;
    assert_eq!((&seen["class"], &seen["sessions"]), (&json!("scope"), &json!(1)));
    let session = sign_in(&world, &stranger()).await;
    assert_eq!(session["class"], json!("public"));
    let nobody = world.get("/api/v1/session", &[]).await.json();
    assert_eq!(nobody, json!({ "class": "public" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_reads_until_the_account_is_unbound() {
    let world = estate().await;
    let session = sign_in(&world, &resident()).await;
    assert_eq!(session["class"], json!("public"), "not bound yet");
    settle(&world).await;
    assert_eq!(told(&world, &session).await["class"], json!("scope"));
    let unbind = unbindCall { account: resident().address(), reasonHash: B256::repeat_byte(1) };
    act(&world, &registrar(), address::registry, unbind).await;
    assert_eq!(told(&world, &session).await["class"], json!("public"));
    let authorization = bearer(&session);
    let got = world.get("/api/v1/registry/unit?id=1", &[("authorization", &authorization)]).await;
    assert_eq!((got.status, &got.json()["error"]["name"]), (403, &json!("notAMember")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_reads_until_its_term_ends() {
    let until = 1_700_000_000 + 100;
    let office = OfficeHolder { office: "auditor".into(), account: stranger().address(), until };
    let config = RpcConfig { readers: Readers::Members, ..Default::default() };
    let world = World::founded(|genesis| genesis.offices.push(office), config).await;
    let session = sign_in(&world, &stranger()).await;
    assert_eq!(session["class"], json!("scope"));
    world.wait(200);
    assert_eq!(told(&world, &session).await["class"], json!("public"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_account_is_signed_out_and_not_let_in() {
    let world = estate().await;
    settle(&world).await;
    let session = sign_in(&world, &resident()).await;
    let freeze = freezeCall {
        account: resident().address(),
        untilAt: 1_700_000_000 + 86_400,
        code: FreezeCode::Lost,
    };
    act(&world, &resident(), address::accounts, freeze).await;
    assert_eq!(told(&world, &session).await, json!({ "class": "public" }));
    let message = challenge(&world, resident().address()).await;
    assert!(is_refused(&enter(&world, &message, sign(&resident(), &message)).await));
    let refresh = json!({ "refreshToken": session["refreshToken"] });
    assert!(is_refused(&post(&world, "/api/v1/session/refresh", refresh).await));
}

/// A key's signature on behalf of an account, as in transactions of type 0x76.
fn for_account(device: &PrivateKeySigner, account: Address, message: &str) -> Bytes {
    let hash = eip191_hash_message(message);
    let bound = keccak256([&[4][..], hash.as_slice(), account.as_slice()].concat());
    let inner = device.sign_hash_sync(&bound).unwrap().as_bytes();
    [&[4][..], account.as_slice(), &inner].concat().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_key_reads_until_it_is_revoked() {
    let world = estate().await;
    settle(&world).await;
    let (account, device) = (resident().address(), key(9));
    let message = challenge(&world, account).await;
    assert!(is_refused(&enter(&world, &message, for_account(&device, account, &message)).await));
    let scope = Scope { target: address::registry, selector: [0; 4].into() };
    let grant = Grant {
        key: device.address(),
        suite: Suite::Secp256k1,
        label: B256::ZERO,
        expiresAt: 1_700_000_000 + 30 * 86_400,
        limitFen: 0,
        periodSeconds: 0,
        scope: vec![scope],
    };
    act(&world, &resident(), address::accounts, authoriseKeyCall { grant }).await;
    let got = enter(&world, &message, for_account(&device, account, &message)).await;
    assert_eq!(got.status, 200, "{}", got.text());
    let session = got.json();
    assert_eq!((&session["account"], &session["class"]), (&json!(account), &json!("scope")));
    let revoke = revokeKeyCall { account, key: device.address() };
    act(&world, &resident(), address::accounts, revoke).await;
    assert_eq!(told(&world, &session).await, json!({ "class": "public" }));
    let own = sign_in(&world, &resident()).await;
    assert_eq!(own["class"], json!("scope"), "the account's own key is not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sm2_key_signs_in_where_the_ledger_lets_it() {
    let world = estate().await;
    let key = Sm2Key::from_bytes(&B256::repeat_byte(5)).unwrap();
    let account = key.public_key().address();
    let message = challenge(&world, account).await;
    let signature = MessageSignature::by_sm2(&key, eip191_hash_message(&message)).to_bytes();
    let got = enter(&world, &message, signature).await;
    assert_eq!((got.status, &got.json()["account"]), (200, &json!(account)));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_be_wrong_has_one_answer() {
    let world = estate().await;
    settle(&world).await;
    let (member, other) = (resident(), stranger());
    let message = challenge(&world, member.address()).await;
    let good = sign(&member, &message);
    let unknown = challenge(&world, Address::repeat_byte(0x77)).await;
    let forged =
        message.replace(&member.address().to_checksum(None), &other.address().to_checksum(None));
    let later = message.replace("Expiration Time: 2", "Expiration Time: 3");
    let elsewhere = challenge(&estate().await, member.address()).await;
    let cases = [
        ("another key's signature, of a member's account", message.clone(), sign(&other, &message)),
        ("the same of an account that nobody knows", unknown.clone(), sign(&other, &unknown)),
        ("another account in the text", forged.clone(), sign(&other, &forged)),
        ("another end in the text", later.clone(), sign(&member, &later)),
        ("another node's text", elsewhere.clone(), sign(&member, &elsewhere)),
        ("no text of a node", "hello".to_owned(), sign(&member, "hello")),
        ("no signature", message.clone(), Bytes::new()),
        ("garbage", message.clone(), Bytes::from(vec![1; 65])),
        (
            "a key that is none of the account's",
            message.clone(),
            for_account(&other, member.address(), &message),
        ),
    ];
    let mut answers = Vec::new();
    for (what, text, signature) in cases {
        let got = enter(&world, &text, signature).await;
        assert!(is_refused(&got), "{what}: {} {}", got.status, got.text());
        assert!(got.header("set-cookie").is_empty(), "{what}");
        answers.push(got.text());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "the answers differ: {answers:?}");
    assert_eq!(enter(&world, &message, good.clone()).await.status, 200, "the text was not used up");
    assert!(is_refused(&enter(&world, &message, good).await), "a text is good once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_used_twice_ends_the_session() {
    let world = estate().await;
    let refresh = |session: &Value| json!({ "refreshToken": session["refreshToken"] });
    let first = sign_in(&world, &registrar()).await;
    let other = sign_in(&world, &registrar()).await;
    let got = post(&world, "/api/v1/session/refresh", refresh(&first)).await;
    let second = got.json();
    assert_eq!((got.status, &second["class"]), (200, &json!("scope")));
    assert_eq!(second["refreshExpiresAt"], first["refreshExpiresAt"], "the end does not move");
    assert_eq!(told(&world, &second).await["class"], json!("scope"));
    assert!(is_refused(&post(&world, "/api/v1/session/refresh", refresh(&first)).await));
    assert_eq!(told(&world, &second).await, json!({ "class": "public" }));
    assert!(is_refused(&post(&world, "/api/v1/session/refresh", refresh(&second)).await));
    assert_eq!(told(&world, &other).await["class"], json!("scope"), "another session goes on");
    let access = json!({ "refreshToken": other["token"] });
    assert!(is_refused(&post(&world, "/api/v1/session/refresh", access).await), "no token to read");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_counts_at_once_here_and_everywhere() {
    let world = estate().await;
    let [a, b, c] = [
        sign_in(&world, &registrar()).await,
        sign_in(&world, &registrar()).await,
        sign_in(&world, &stranger()).await,
    ];
    assert_eq!(told(&world, &b).await["sessions"], json!(2));
    let authorization = bearer(&a);
    let got =
        world.send("DELETE", "/api/v1/session", &[("authorization", &authorization)], "").await;
    assert_eq!(got.status, 204);
    assert_eq!(told(&world, &a).await, json!({ "class": "public" }));
    assert_eq!(told(&world, &b).await["sessions"], json!(1));
    let again = sign_in(&world, &registrar()).await;
    let authorization = bearer(&b);
    let all = [("authorization", authorization.as_str())];
    assert_eq!(world.send("DELETE", "/api/v1/session/all", &all, "").await.status, 204);
    for session in [&b, &again] {
        assert_eq!(told(&world, session).await, json!({ "class": "public" }));
    }
    assert_eq!(told(&world, &c).await["sessions"], json!(1), "others stay signed in");
    assert_eq!(world.send("DELETE", "/api/v1/session/all", &all, "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_has_cookies_that_no_other_site_can_use() {
    let world = estate().await;
    let host = world.addr().to_string();
    let message = challenge(&world, registrar().address()).await;
    let got = enter(&world, &message, sign(&registrar(), &message)).await;
    let cookies: Vec<_> =
        got.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for (cookie, path) in cookies.iter().zip(["Path=/;", "Path=/api/v1/session;"]) {
        for word in ["HttpOnly", "SameSite=Strict", path] {
            assert!(cookie.contains(word), "{cookie}");
        }
        assert!(!cookie.contains("Secure"), "plain HTTP: {cookie}");
    }
    assert_eq!(got.header("cache-control"), "no-store");
    let pair = |n: usize| cookies[n].split(';').next().unwrap().to_owned();
    let (session, refresh) = (pair(0), pair(1));
    let seen = world.get("/api/v1/session", &[("cookie", &session)]).await.json();
    assert_eq!(seen["class"], json!("scope"));
    let own = format!("http://{host}");
    for (origin, class) in [(own.as_str(), "scope"), ("https://evil.example", "public")] {
        let headers = [("cookie", session.as_str()), ("origin", origin)];
        let seen = world.get("/api/v1/session", &headers).await.json();
        assert_eq!(seen["class"], json!(class), "{origin}");
    }
    let got = world.send("POST", "/api/v1/session/refresh", &[("cookie", &refresh)], "").await;
    assert_eq!((got.status, got.json()["class"].clone()), (200, json!("scope")));
    let out = world.send("DELETE", "/api/v1/session", &[("cookie", &session)], "").await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_by_address_and_by_account() {
    let limits =
        Limits { exempt: Vec::new(), sign_ins_per_s: 1, sign_ins_burst: 3, ..Limits::default() };
    let world = estate_with(RpcConfig { limits: limits.clone(), ..Default::default() }).await;
    let ask = || post(&world, "/api/v1/session/challenge", json!({ "account": Address::ZERO }));
    for _ in 0..3 {
        assert_eq!(ask().await.status, 200);
    }
    let got = ask().await;
    assert_eq!((got.status, &got.json()["error"]["code"]), (429, &json!("limited")));
    assert!(!got.header("retry-after").is_empty());
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let world =
        estate_with(RpcConfig { limits: Limits { proxies, ..limits }, ..Default::default() }).await;
    let mut statuses = Vec::new();
    for n in 0..5 {
        let from = [
            ("x-forwarded-for", format!("192.0.2.{n}")),
            ("content-type", "application/json".into()),
        ];
        let from: Vec<_> = from.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let body = json!({ "account": registrar().address() }).to_string();
        let got = world.send("POST", "/api/v1/session/challenge", &from, body).await;
        let message = got.json()["message"].as_str().unwrap().to_owned();
        let signature = sign(&registrar(), &message);
        let body = json!({ "message": message, "signature": signature }).to_string();
        statuses.push(world.send("POST", "/api/v1/session", &from, body).await.status);
    }
    assert_eq!(statuses[..3], [200; 3], "{statuses:?}");
    assert!(statuses[3..].contains(&429), "one account from many addresses: {statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_good_for_one_ledger_of_one_running_node() {
    let (here, there) = (estate().await, estate().await);
    let session = sign_in(&there, &registrar()).await;
    assert_eq!(told(&here, &session).await, json!({ "class": "public" }));
    let token = session["token"].as_str().unwrap();
    let mut bytes = token.as_bytes().to_vec();
    for place in [0, 10, 40, bytes.len() - 2] {
        let before = bytes[place];
        bytes[place] = if before == b'A' { b'B' } else { b'A' };
        let forged = json!({ "token": String::from_utf8(bytes.clone()).unwrap() });
        assert_eq!(told(&there, &forged).await, json!({ "class": "public" }), "byte {place}");
        bytes[place] = before;
    }
    assert_eq!(told(&there, &session).await["class"], json!("scope"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_do_not_fit_are_told_so() {
    let world = estate().await;
    let long = json!({ "message": "x".repeat(20_000), "signature": "0x" });
    let cases = [
        ("/api/v1/session/challenge", json!({ "account": "0x12" })),
        ("/api/v1/session/challenge", json!({})),
        ("/api/v1/session", json!({ "message": 1 })),
        ("/api/v1/session", long),
        ("/api/v1/session/refresh", json!({ "token": "x" })),
    ];
    for (path, body) in cases {
        let got = post(&world, path, body).await;
        let error = &got.json()["error"];
        assert_eq!((got.status, &error["code"]), (400, &json!("bad_argument")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ledgers_of_one_process_have_sessions_of_their_own() {
    let (world, _second) = World::pair("east", "west").await;
    let authorization = bearer(&sign_in(&world, &stranger()).await);
    let headers = [("authorization", authorization.as_str())];
    let east = world.get("/l/east/api/v1/session", &headers).await.json();
    assert_eq!(east["account"], json!(stranger().address()), "the first one is at both paths");
    let west = world.get("/l/west/api/v1/session", &headers).await.json();
    assert_eq!(west, json!({ "class": "public" }));
    let asked = json!({ "account": stranger().address() });
    let asked = post(&world, "/l/west/api/v1/session/challenge", asked).await.json();
    let message = asked["message"].as_str().unwrap();
    let body = json!({ "message": message, "signature": sign(&stranger(), message) });
    let got = post(&world, "/l/west/api/v1/session", body.clone()).await;
    let cookies: Vec<_> = got.headers.get_all("set-cookie").iter().collect();
    let has = |n: usize, path: &str| cookies[n].to_str().unwrap().contains(path);
    assert!(has(0, "Path=/l/west/;") && has(1, "Path=/l/west/api/v1/session;"), "{cookies:?}");
    assert!(is_refused(&post(&world, "/l/east/api/v1/session", body).await), "another's text");
}
