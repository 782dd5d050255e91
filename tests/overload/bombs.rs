//! Requests that are small to send and large to serve.

use std::thread;

use alloy_primitives::{Bytes, hex};
use serde_json::{Value, json};

use super::Server;

/// Memory that no request may cost for good, in MiB.
const ROOM_MIB: u64 = 512;

/// Posts a body and gives status and text, whatever they are. `None` where the connection was cut.
fn post(url: &str, body: &[u8], headers: &[(&str, &str)]) -> Option<(u16, String)> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.post(url).content_type("application/json");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let mut response = request.send(body).ok()?;
    let text = response.body_mut().with_config().limit(1 << 28).read_to_string().ok()?;
    Some((response.status().as_u16(), text))
}

#[test]
fn deep_long_and_packed_bodies_cost_nothing() {
    let server = Server::start();
    server.serves_a_resident();
    let before = server.rss_mib();
    let nested = |open: &str, close: &str| [open.repeat(200_000), close.repeat(200_000)].concat();
    let inside = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":{params}}}"#)
    };
    let bodies = [
        nested("[", "]"),
        nested("{\"a\":", "}"),
        inside(&nested("[", "]")),
        inside(&format!("[{{\"topics\":[{}null]}}]", "null,".repeat(300_000))),
        inside(&format!("[{{\"address\":\"{}\"}}]", "f".repeat(5_000_000))),
        format!("[{}]", vec!["1"; 1_000_000].join(",")),
        "[".repeat(9_000_000),
    ];
    for body in &bodies {
        let begin: String = body.chars().take(40).collect();
        let (status, text) = post(server.url(), body.as_bytes(), &[]).unwrap_or_default();
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let code = answer["error"]["code"].as_i64().or(answer[0]["error"]["code"].as_i64());
        assert!(
            (200..500).contains(&status) && code.is_some_and(|code| code < 0),
            "{begin}...: {status} {}",
            text.chars().take(200).collect::<String>()
        );
    }
    // Nobody unpacks a request here: 40 bytes that stand for a gigabyte stay 40 bytes.
    let packed = hex::decode("1f8b08000000000000030000ffff").expect("hex");
    let (status, text) =
        post(server.url(), &packed, &[("content-encoding", "gzip")]).expect("an answer");
    assert!(status == 415 || text.contains("-32700"), "{status} {text}");
    // What is larger than a request may be is turned away before it is read.
    let large = vec![b' '; 11 << 20];
    if let Some((status, _)) = post(server.url(), &large, &[]) {
        assert_eq!(status, 413);
    }
    assert!(server.rss_mib() < before + ROOM_MIB, "{before} -> {} MiB", server.rss_mib());
    server.serves_a_resident();
}

#[test]
fn a_batch_has_a_bound_and_many_at_once_leave_room_for_a_resident() {
    let server = Server::start();
    server.serves_a_resident();
    let batch = |calls: usize, method: &str, params: Value| {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        serde_json::to_vec(&vec![call; calls]).expect("JSON")
    };
    let (_, text) =
        post(server.url(), &batch(1_001, "eth_chainId", json!([])), &[]).expect("an answer");
    assert!(text.contains("-32010") && text.contains("1000"), "{text}");
    let (status, text) =
        post(server.url(), &batch(1_000, "eth_chainId", json!([])), &[]).expect("an answer");
    assert_eq!((status, text.matches("result").count()), (200, 1_000));
    let before = server.rss_mib();
    let blocks = batch(1_000, "eth_getBlockByNumber", json!(["latest", true]));
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| post(server.url(), &blocks, &[]));
        }
        server.serves_a_resident();
    });
    server.serves_a_resident();
    assert!(server.rss_mib() < before + ROOM_MIB, "{before} -> {} MiB", server.rss_mib());
}

/// Code that calls itself with all its gas as deep as it goes.
const RECURSION: &str = "5f5f5f5f5f305af100";
/// Code that never ends by itself.
const LOOP: &str = "5b5f56";
/// Code that asks for memory without end, doubling it each round.
const HOARDER: &str = "60205b805f905260011b600256";

#[test]
fn calls_that_run_for_ever_end_and_leave_room_for_a_resident() {
    let server = Server::start();
    let at = "0x00000000000000000000000000000000000000aa";
    let run = |code: &str| {
        let over = json!({ at: { "code": format!("0x{code}") } });
        server.call("eth_call", json!([{ "to": at, "gas": "0xffffffff" }, "latest", over]))
    };
    for code in [LOOP, HOARDER] {
        let error = run(code).expect_err("it cannot end well").to_string();
        assert!(
            error.contains("gas") || error.contains("stack") || error.contains("invalid"),
            "{error}"
        );
    }
    // The depth of 1,024 ends it, and then each level ends well.
    assert_eq!(run(RECURSION).expect("it ends"), json!(Bytes::new()));
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..32).map(|_| scope.spawn(|| run(LOOP))).collect();
        for _ in 0..3 {
            server.serves_a_resident();
        }
        for job in jobs {
            assert!(job.join().expect("a caller").is_err());
        }
    });
    server.serves_a_resident();
}
