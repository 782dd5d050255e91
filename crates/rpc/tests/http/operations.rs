//! What whoever runs a node sees and may set.

use std::sync::Arc;

use crate::common::{Seen, World, rich, sign, transfer};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, keccak256};
use serde_json::{Value, json};
use tulou_rpc::{Limits, RpcConfig};

/// Limits that bind this machine too.
fn bound(units_per_s: u32, units_burst: u32) -> Limits {
    Limits { exempt: Vec::new(), units_per_s, units_burst, ..Default::default() }
}

fn with(limits: Limits) -> RpcConfig {
    RpcConfig { limits, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_node_tells_of_itself() {
    let world = World::start(RpcConfig::default()).await;
    world.mine();
    let seen = world.ask("tulou_consortium", json!([])).await;
    let rest = world.get("/api/v1/node/consortium", &[]).await.json();
    assert_eq!(seen, rest);
    let head = world.ledger.head();
    assert_eq!(seen["height"], json!(1));
    assert_eq!(seen["hash"], json!(head.hash));
    assert_eq!(seen["ledger"]["chainId"], json!(7755));
    assert_eq!(seen["ledger"]["genesis"], json!(world.ledger.genesis().hash()));
    assert_eq!((&seen["epoch"], &seen["epochLength"]), (&json!(0), &json!(crate::common::EPOCH)));
    assert_eq!((&seen["quorum"], &seen["voting"]), (&json!(1), &json!(true)));
    assert_eq!(seen["me"], seen["leader"]);
    assert!(seen["finalAtMs"].as_u64().is_some_and(|ms| ms > 1_600_000_000_000), "{seen}");
    let member = &seen["members"][0];
    assert_eq!((&member["key"], &member["kind"]), (&seen["me"], &json!("validator")));
    assert_eq!((&member["inSet"], &member["state"]), (&json!(true), &json!("agrees")));
    assert_eq!((&seen["stalled"], &seen["observingUntil"]), (&Value::Null, &Value::Null));
    assert_eq!(world.ask("net_peerCount", json!([])).await, json!("0x0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_damaged_data_serves_nothing_but_its_own_state() {
    let seen = Arc::new(Seen::default());
    let world = World::watched(RpcConfig::default(), Some(seen.clone())).await;
    assert_eq!(world.get("/api/v1/rules/book_hash", &[]).await.status, 200);
    seen.refuse(Some("block 7 is damaged on disk"));
    let raw = transfer(0);
    for (method, params) in [
        ("eth_getBalance", json!([rich().address(), "latest"])),
        ("eth_sendRawTransaction", json!([raw])),
        ("tulou_getFinality", json!([])),
    ] {
        let request = json!({ "jsonrpc": "2.0", "id": 9, "method": method, "params": params });
        let got = world.post(request.to_string()).await;
        let error = &got.json()["error"];
        assert_eq!((got.status, &got.json()["id"]), (503, &json!(9)), "{method}");
        assert_eq!(error["code"], json!(-32603), "{method}");
        assert_eq!(error["data"]["reason"], json!("block 7 is damaged on disk"), "{method}");
        assert!(error["message"].as_str().unwrap().contains("another member's node"), "{error}");
    }
    assert_eq!(world.mempool.stats().pending, 0);
    let rest = world.get("/api/v1/rules/book_hash", &[]).await;
    assert_eq!((rest.status, &rest.json()["error"]["code"]), (503, &json!("refusing")));
    let ready = world.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &json!(false)));
    assert_eq!(ready.json()["reasons"][0]["code"], json!("refusing"));
    // What shows why: liveness, figures, the consortium, the app's own files.
    for path in ["/healthz", "/metrics", "/api/v1/node/consortium", "/"] {
        assert_eq!(world.get(path, &[]).await.status, 200, "{path}");
    }
    let own = world.call("tulou_consortium", json!([])).await;
    assert_eq!(own["result"]["ledger"]["name"], json!("桂花园"));
    seen.refuse(None);
    assert_eq!(world.ask("eth_blockNumber", json!([])).await, json!("0x0"));
    assert_eq!(world.get("/readyz", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_keeps_its_status_while_any_call_in_it_is_served() {
    let seen = Arc::new(Seen::default());
    let world = World::watched(RpcConfig::default(), Some(seen.clone())).await;
    seen.refuse(Some("the disk is full"));
    let call = |id: u64, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method });
    let both = json!([call(1, "eth_chainId"), call(2, "tulou_consortium")]);
    let got = world.post(both.to_string()).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.json()[0]["error"]["data"]["reason"], json!("the disk is full"));
    assert_eq!(got.json()[1]["result"]["quorum"], json!(3));
    let none = json!([call(1, "eth_chainId"), call(2, "eth_blockNumber")]);
    assert_eq!(world.post(none.to_string()).await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_what_is_missing() {
    let seen = Arc::new(Seen::default());
    let world = World::watched(RpcConfig::default(), Some(seen.clone())).await;
    let ready = world.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["reasons"]), (200, &json!([])));
    // Five blocks are on the way at any time, six are not.
    for (height, status) in [(5, 200), (6, 503)] {
        seen.change(|consortium| consortium.members[1].height = Some(height));
        assert_eq!(world.get("/readyz", &[]).await.status, status, "{height}");
    }
    let behind = world.get("/readyz", &[]).await.json();
    assert_eq!(behind["reasons"][0]["code"], json!("behind"));
    seen.change(|consortium| consortium.members[1].connected = false);
    assert_eq!(world.get("/readyz", &[]).await.status, 200);
    assert_eq!(world.get("/healthz", &[]).await.json()["status"], json!("ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_stands_still_is_not_ready() {
    // Heartbeats of 100 ms: stale after 300 ms.
    let seen = Arc::new(Seen::default());
    let world = World::beating(100, Some(seen.clone())).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let stale = loop {
        let got = world.get("/readyz", &[]).await;
        if got.status == 503 {
            break got.json();
        }
        assert!(std::time::Instant::now() < deadline, "never stale");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(stale["reasons"][0]["code"], json!("stale"));
    assert!(stale["reasons"][0]["message"].as_str().unwrap().starts_with("no block has become"));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_are_refused_with_the_time_to_come_back() {
    // Each request costs 1 and the read in it 1.
    let world = World::start(with(bound(1, 3))).await;
    let request = json!({ "jsonrpc": "2.0", "id": 5, "method": "eth_chainId" }).to_string();
    assert_eq!(world.post(request.clone()).await.status, 200);
    let call = world.post(request.clone()).await;
    assert_eq!((call.status, call.header("retry-after")), (429, "1"), "{}", call.text());
    let answer = call.json();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(5), &json!(-32005)));
    assert_eq!(answer["error"]["data"]["limit"], json!(1));
    let wait = answer["error"]["data"]["retryAfterMs"].as_u64().unwrap();
    assert!((1..=1_000).contains(&wait), "{answer}");
    let door = world.post(request.clone()).await;
    assert_eq!(door.status, 429);
    assert_eq!(door.json()["error"]["code"], json!(-32005));
    let rest = world.get("/api/v1/rules/book_hash", &[]).await;
    assert_eq!((rest.status, &rest.json()["error"]["code"]), (429, &json!("limited")));
    assert!(!rest.header("retry-after").is_empty());
    // Whether it lives can always be asked.
    assert_eq!(world.get("/healthz", &[]).await.status, 200);
    // Whoever waits as told is served.
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert_eq!(world.post(request).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_sends_too_fast_is_told_when_to_go_on() {
    let limits = Limits { submissions_per_s: 1, submissions_burst: 2, ..bound(1_000, 10_000) };
    let world = World::start(with(limits)).await;
    for nonce in 0..2 {
        let raw = transfer(nonce);
        let hash = world.ask("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!(hash, json!(keccak256(&raw)));
    }
    for method in ["eth_sendRawTransaction", "eth_sendRawTransactionSync"] {
        let params = json!([transfer(2)]);
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let got = world.post(request.to_string()).await;
        let error = &got.json()["error"];
        assert_eq!((got.status, &error["code"]), (429, &json!(-32005)), "{error}");
        assert_eq!(error["data"]["limit"], json!(1));
        assert!(error["data"]["retryAfterMs"].as_u64().is_some_and(|ms| ms <= 1_000), "{error}");
        assert!(error["message"].as_str().unwrap().contains("nothing was sent"), "{error}");
    }
    // Another account's bytes are not touched by it: refused for its empty purse alone.
    let poor = world.error("eth_sendRawTransaction", json!([poor()])).await;
    assert_eq!(poor.0, -32000, "{}", poor.1);
    assert_eq!(world.mempool.stats().pending, 2);
    let counted = world.mempool.refusals();
    assert!(counted.contains(&("too_fast", 2)), "{counted:?}");
    assert!(counted.contains(&("insufficient_funds", 1)), "{counted:?}");
}

/// A transfer of an account that holds nothing.
fn poor() -> alloy_primitives::Bytes {
    use alloy_consensus::{SignableTransaction, TxEnvelope};
    use alloy_eips::Encodable2718;
    use alloy_signer::SignerSync;
    let key = alloy_signer_local::PrivateKeySigner::from_slice(&[3; 32]).unwrap();
    let tx = TxEip1559 {
        chain_id: crate::common::CHAIN,
        gas_limit: 21_000,
        to: Address::repeat_byte(9).into(),
        value: alloy_primitives::U256::from(1),
        ..Default::default()
    };
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_node_says_where_to_send() {
    let world = World::start(RpcConfig { read_only: true, ..Default::default() }).await;
    let raw = sign(TxEip1559::default());
    for method in ["eth_sendRawTransaction", "eth_sendRawTransactionSync"] {
        let (code, message) = world.error(method, json!([raw])).await;
        assert_eq!(code, -32004, "{method}");
        assert!(message.contains("read-only") && message.contains("nothing was sent"), "{message}");
    }
    assert_eq!(world.mempool.stats().pending, 0);
    assert_eq!(world.ask("eth_blockNumber", json!([])).await, json!("0x0"));
    assert_eq!(world.ask("tulou_consortium", json!([])).await["readOnly"], json!(true));
    assert_eq!(world.get("/readyz", &[]).await.json()["readOnly"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_bind_at_once_when_they_are_replaced() {
    let world = World::start(RpcConfig::default()).await;
    assert_eq!(world.get("/healthz", &[]).await.status, 200);
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let deny = vec!["198.51.100.0/24".parse().unwrap()];
    world.set_limits(Limits { proxies, deny, ..Default::default() });
    for (forwarded, status) in [("198.51.100.7", 403), ("192.0.2.1", 200)] {
        let headers = [("x-forwarded-for", forwarded)];
        for path in ["/healthz", "/api/v1/rules/book_hash", "/"] {
            assert_eq!(world.get(path, &headers).await.status, status, "{forwarded} {path}");
        }
    }
    let deny = vec!["127.0.0.0/8".parse().unwrap()];
    world.set_limits(Limits { deny, ..Default::default() });
    // An open connection is judged by the new list, a new one is not even heard.
    let status = world.get("/healthz", &[]).await.status;
    assert!(matches!(status, 403 | 503), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_may_call_only_where_they_are_listed() {
    let origins = vec!["https://estate.example".to_owned()];
    let world = World::start(RpcConfig { origins, ..Default::default() }).await;
    for (origin, allowed) in
        [("https://estate.example", "https://estate.example"), ("https://evil.example", "")]
    {
        let got = world.get("/api/v1/rules/book_hash", &[("origin", origin)]).await;
        assert_eq!(got.header("access-control-allow-origin"), allowed, "{origin}");
        let ask = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ];
        let preflight = world.options("/", &ask).await;
        assert_eq!(preflight.header("access-control-allow-origin"), allowed, "{origin}");
    }
    let none = World::start(RpcConfig::default()).await;
    let got = none.get("/healthz", &[("origin", "https://estate.example")]).await;
    assert_eq!(got.header("access-control-allow-origin"), "");
    let any = World::start(RpcConfig { origins: vec!["*".into()], ..Default::default() }).await;
    let got = any.get("/healthz", &[("origin", "https://evil.example")]).await;
    assert_eq!(got.header("access-control-allow-origin"), "*");
    let exposed = got.header("access-control-expose-headers");
    assert!(exposed.contains("x-tulou-height") && exposed.contains("retry-after"), "{exposed}");
}

/// A connection that asks for so many bytes of answers at once.
async fn asking(world: &World, requests: usize) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // A small window is opened again after little has been read.
    socket.set_recv_buffer_size(1 << 17).unwrap();
    let mut client = socket.connect(world.addr()).await.unwrap();
    let line = "GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(requests);
    client.write_all(line.as_bytes()).await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_is_cut_off_and_who_is_slow_is_not() {
    use tokio::io::AsyncReadExt;
    let stalled = std::time::Duration::from_secs(1);
    let world = World::start(RpcConfig { stalled, sockets: 2, ..Default::default() }).await;
    // More than the buffers of the kernel hold.
    let mut slow = asking(&world, 600).await;
    let deaf = asking(&world, 600).await;
    let mut bytes = vec![0; 1 << 16];
    let mut taken = 0;
    // Taking a little all the time is enough to stay.
    for _ in 0..250 {
        tokio::time::sleep(stalled / 100).await;
        taken += slow.read(&mut bytes).await.unwrap();
    }
    assert!(taken > 0);
    let cut = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.contains("connections_refused_total{reason=\"stalled\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    // The deaf one's place is free: this is a third connection.
    let metrics = world.get("/metrics", &[]).await;
    assert_eq!(metrics.status, 200);
    assert_eq!(cut(&metrics.text()), Some(1.0));
    let error = socket2::SockRef::from(&deaf).take_error().unwrap();
    assert!(error.is_some(), "the deaf client's connection still stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_not_waited_for_for_ever() {
    use tokio::io::AsyncReadExt;
    let silent = std::time::Duration::from_millis(300);
    let world = World::start(RpcConfig { silent, ..Default::default() }).await;
    let mut client = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    let mut text = Vec::new();
    let end = tokio::time::timeout(silent * 30, client.read_to_end(&mut text)).await;
    assert!(end.is_ok(), "the connection still stands");
}

/// Announces a request of so many bytes, and sends it only where nobody answers at once. Gives the beginning
/// of the answer.
async fn announce(world: &World, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut client = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 1024];
    let at_once = std::time::Duration::from_secs(1);
    let count = match tokio::time::timeout(at_once, client.read(&mut answer)).await {
        Ok(count) => count.unwrap(),
        Err(_) => {
            client.write_all(body.as_bytes()).await.unwrap();
            client.read(&mut answer).await.unwrap()
        }
    };
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_on_their_way_have_room_for_a_bounded_number_of_bytes() {
    use tokio::io::AsyncWriteExt;
    let world = World::start(RpcConfig { bodies_bytes: 3 << 20, ..Default::default() }).await;
    let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" }).to_string();
    let large = format!("{ask}{}", " ".repeat(3 << 19));
    assert!(announce(&world, &large).await.starts_with("HTTP/1.1 200"));
    // Two megabytes are announced and never come.
    let mut slow = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        content-length: 2097152\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let refused = announce(&world, &large).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("retry-after: 1") && refused.contains("try again later"), "{refused}");
    // Small ones have room, and so does a large one when the other has gone.
    assert_eq!(world.post(ask.clone()).await.status, 200);
    drop(slow);
    for _ in 0..100 {
        if announce(&world, &large).await.starts_with("HTTP/1.1 200") {
            return;
        }
    }
    panic!("the room was not given back");
}
