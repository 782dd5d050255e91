//! A reader with a key sheet against one node that lies: altered pages, an old page as the newest, another
//! fork's page, another transaction's receipt, no answer. The lie is caught, and the node is named.

mod members;
mod proxy;

use std::{
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use proxy::Proxy;
use serde_json::{Value, json};
use tulou_client::{Finding, Key, LocalNode, Readers, Rpc};
use tulou_proofs::{KeySheet, Step};
use tulou_testing::{empty_node, program};

fn sheet(rpc: &Rpc) -> String {
    rpc.call("tulou_getKeySheet", json!([])).unwrap()["text"].as_str().unwrap().to_owned()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Sends something and waits until it is final.
fn send(rpc: &Rpc) -> B256 {
    let key = Key::test(0).unwrap();
    let nonce = rpc.next_nonce(key.address()).unwrap();
    let to = Address::repeat_byte(9);
    let raw = key.sign_call(rpc.chain_id().unwrap(), nonce, 50_000, to, Bytes::new());
    let receipt = rpc.send_raw(&raw).unwrap();
    serde_json::from_value(receipt["transactionHash"].clone()).unwrap()
}

fn readers(honest: &Rpc, others: &[&Proxy]) -> Readers {
    let mut nodes: Vec<Rpc> = others.iter().map(|proxy| Rpc::new(proxy.url())).collect();
    nodes.push(honest.clone());
    Readers::new(KeySheet::parse(&sheet(honest)).unwrap(), nodes)
}

/// Hex with its last digit changed.
fn altered(hex: &Value) -> Value {
    let (rest, last) = hex.as_str().unwrap().split_at(hex.as_str().unwrap().len() - 1);
    json!(format!("{rest}{}", if last == "0" { "1" } else { "0" }))
}

fn step(finding: &Finding) -> Step {
    match finding {
        Finding::Altered(error) => error.step(),
        other => panic!("not caught: {other}"),
    }
}

/// A node whose answers have one member altered.
fn altering(node: &LocalNode, member: &'static str) -> Proxy {
    Proxy::start(node.rpc().clone(), move |rpc, method, params| {
        let mut answer = rpc.call(method, params.clone()).ok()?;
        if answer.get(member).is_some() {
            answer[member] = altered(&answer[member]);
        }
        Some(answer)
    })
}

#[test]
fn an_altered_page_or_receipt_is_caught_at_its_step_and_the_node_is_named() {
    let node = empty_node();
    let hash = send(node.rpc());
    for (member, expected) in [("header", Step::Header), ("certificate", Step::Certificate)] {
        let liar = altering(&node, member);
        let mut readers = readers(node.rpc(), &[&liar]);
        let report = readers.heads(now());
        assert_eq!(report.nodes[0].url, liar.url());
        assert_eq!(step(&report.nodes[0].finding), expected);
        assert!(matches!(report.nodes[1].finding, Finding::Agrees { .. }), "{:?}", report.nodes);
        assert!(report.head.is_some() && report.stale_s.is_none());
    }
    for (member, expected) in [("receipt", Step::Path), ("transaction", Step::Transaction)] {
        let liar = altering(&node, member);
        let answered = readers(node.rpc(), &[&liar]).receipt(hash);
        assert_eq!(step(&answered.nodes[0].finding), expected);
        assert!(answered.found.is_some_and(|found| found.transaction == hash));
    }
}

#[test]
fn an_old_page_as_the_newest_is_caught_and_the_node_is_named() {
    let node = empty_node();
    send(node.rpc());
    let old = node.rpc().call("tulou_getFinality", json!(["latest"])).unwrap();
    let liar = Proxy::start(node.rpc().clone(), move |rpc, method, params| match method {
        "tulou_getFinality" => Some(old.clone()),
        _ => rpc.call(method, params.clone()).ok(),
    });
    node.rpc().call("evm_increaseTime", json!([90])).unwrap();
    send(node.rpc());
    let mut both = readers(node.rpc(), &[&liar]);
    let report = both.heads(now());
    assert_eq!(report.nodes[0].url, liar.url());
    let Finding::Behind { seconds, .. } = report.nodes[0].finding else {
        panic!("not caught: {:?}", report.nodes)
    };
    assert!(seconds >= 80, "{seconds}");
    assert!(!report.nodes[1].finding.is_lie());
    // Asked alone, it cannot go back behind what the reader has seen; and its page is old by the clock.
    let sheet = KeySheet::parse(&sheet(node.rpc())).unwrap();
    let mut alone = Readers::new(sheet, vec![Rpc::new(liar.url())]);
    assert!(alone.heads(now()).stale_s.is_none(), "new as far as this reader can know");
    assert!(alone.heads(now() + 600).stale_s.is_some_and(|age| age > 500));
}

#[test]
fn a_page_of_another_ledger_is_refused_whether_or_not_it_says_so() {
    let (node, other) = (empty_node(), empty_node());
    send(other.rpc());
    let genesis =
        node.rpc().call("tulou_getKeySheet", json!([])).unwrap()["chain"]["genesis"].clone();
    let plain = Proxy::start(other.rpc().clone(), |rpc, method, params| {
        rpc.call(method, params.clone()).ok()
    });
    let disguised = Proxy::start(other.rpc().clone(), move |rpc, method, params| {
        let mut answer = rpc.call(method, params.clone()).ok()?;
        if answer.get("chain").is_some() {
            answer["chain"]["genesis"] = genesis.clone();
        }
        Some(answer)
    });
    let report = readers(node.rpc(), &[&plain, &disguised]).heads(now());
    assert!(matches!(report.nodes[0].finding, Finding::OtherLedger { .. }), "{:?}", report.nodes);
    assert_eq!(step(&report.nodes[1].finding), Step::Certificate);
    assert!(matches!(report.nodes[2].finding, Finding::Agrees { .. }));
}

#[test]
fn the_receipt_of_another_transaction_and_silence_are_told_apart() {
    let node = empty_node();
    let (first, second) = (send(node.rpc()), send(node.rpc()));
    let swapping = Proxy::start(node.rpc().clone(), move |rpc, method, params| {
        let params =
            if method == "tulou_getReceiptProof" { json!([first]) } else { params.clone() };
        rpc.call(method, params).ok()
    });
    let answered = readers(node.rpc(), &[&swapping]).receipt(second);
    assert_eq!(step(&answered.nodes[0].finding), Step::Transaction);
    assert!(answered.found.is_some_and(|found| found.transaction == second));
    // A port where nobody listens.
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let nodes = vec![Rpc::new(&format!("http://{free}")), node.rpc().clone()];
    let mut readers = Readers::new(KeySheet::parse(&sheet(node.rpc())).unwrap(), nodes);
    let report = readers.heads(now());
    assert!(matches!(report.nodes[0].finding, Finding::Silent(_)), "{:?}", report.nodes);
    assert!(!report.nodes[0].finding.is_lie());
    let unknown = readers.receipt(B256::repeat_byte(1));
    assert!(unknown.found.is_none());
    assert!(matches!(unknown.nodes[1].finding, Finding::Refused(_)), "{:?}", unknown.nodes);
}

#[test]
fn balances_are_proven_from_the_sheet_alone() {
    let node = empty_node();
    send(node.rpc());
    let lying = Proxy::start(node.rpc().clone(), |rpc, method, params| {
        let mut answer = rpc.call(method, params.clone()).ok()?;
        if method == "eth_getProof" {
            answer["balance"] = json!("0x7");
        }
        Some(answer)
    });
    let mut readers = readers(node.rpc(), &[&lying]);
    let height = readers.heads(now()).head.unwrap().height;
    let page = readers.page(height).found.unwrap();
    let module = tulou_modules::address::rules;
    let answered = readers.account(module, &[U256::ZERO], &page);
    assert_eq!(step(&answered.nodes[0].finding), Step::Account);
    let found = answered.found.unwrap();
    assert!(found.account.is_some());
    let stored = node.rpc().call("eth_getStorageAt", json!([module, "0x0", "latest"])).unwrap();
    assert_eq!(json!(B256::from(found.slots[0].1)), stored);
}

#[test]
fn anyone_audits_with_a_sheet_and_no_account() {
    let node = empty_node();
    for _ in 0..3 {
        send(node.rpc());
    }
    let liar = altering(&node, "header");
    let audit = |sheet: &str, urls: &str| {
        let arguments = ["audit", "--sheet", sheet, "--rpc", urls, "--receipts", "3"];
        let done = Command::new(program()).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.success(), text(&done.stdout), text(&done.stderr))
    };
    let (url, sheet) = (node.rpc().url(), sheet(node.rpc()));
    let (ok, out, err) = audit(&sheet, url);
    assert!(ok, "{out}{err}");
    assert!(out.contains("3 of 3 hold") && out.contains("the book holds up to page"), "{out}");
    let file = node.dir().join("sheet.txt");
    std::fs::write(&file, format!("{sheet}\n")).unwrap();
    let (ok, out, err) = audit(file.to_str().unwrap(), &format!("{},{url}", liar.url()));
    assert!(!ok, "{out}");
    assert!(out.contains(&format!("LIES         {}", liar.url())), "{out}");
    assert!(err.contains(&format!("not to be trusted: {}\n", liar.url())), "{err}");
    let (ok, _, err) = audit("tulou:1:AAAA", url);
    assert!(!ok && err.contains("scan it again"), "{err}");
}

#[test]
fn a_page_that_was_checked_once_is_never_unseen() {
    let node = empty_node();
    send(node.rpc());
    let early = node.rpc().call("tulou_getFinality", json!(["latest"])).unwrap();
    node.rpc().call("evm_increaseTime", json!([90])).unwrap();
    send(node.rpc());
    let lying = Arc::new(AtomicBool::new(false));
    let turned = lying.clone();
    let turning = Proxy::start(node.rpc().clone(), move |rpc, method, params| match method {
        "tulou_getFinality" if turned.load(Ordering::SeqCst) => Some(early.clone()),
        _ => rpc.call(method, params.clone()).ok(),
    });
    let sheet = KeySheet::parse(&sheet(node.rpc())).unwrap();
    let mut alone = Readers::new(sheet, vec![Rpc::new(turning.url())]);
    assert!(matches!(alone.heads(now()).nodes[0].finding, Finding::Agrees { .. }));
    lying.store(true, Ordering::SeqCst);
    let report = alone.heads(now());
    assert!(matches!(report.nodes[0].finding, Finding::Behind { .. }), "{:?}", report.nodes);
}
