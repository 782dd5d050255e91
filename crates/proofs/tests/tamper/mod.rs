//! Good proofs of the small ledger, and every way to tamper with them.

use alloy_primitives::{Bytes, U256, keccak256};
use serde_json::{Value, json};
use tulou_primitives::epoch_of;
use tulou_proofs::{KeySheet, mapping_slot};

use crate::estate::{
    CHAIN, EPOCH, Estate, HOLDER, NOBODY, TALLY, members_of, set, slots, transaction,
};

/// The file.
pub(crate) fn vectors() -> Value {
    let estate = Estate::new(CHAIN);
    let mut cases = Vec::new();
    sheets(&estate, &mut cases);
    links(&estate, &mut cases);
    pages(&estate, &mut cases);
    certificates(&estate, &mut cases);
    receipts(&estate, &mut cases);
    accounts(&estate, &mut cases);
    let links: Vec<_> = (0..3).map(|epoch| estate.link(epoch)).collect();
    json!({
        "about": "Proofs of a small ledger with fixed keys, and what every verifier must say of them. Made by crates/proofs.",
        "sheet": estate.sheet().print(),
        "genesis": estate.genesis(),
        "links": links,
        "cases": cases,
    })
}

fn case(name: &str, kind: &str, follow: u64, proof: Value, expect: &str) -> Value {
    json!({ "name": name, "kind": kind, "follow": follow, "proof": proof, "expect": expect })
}

fn with(mut case: Value, name: &str, value: impl Into<Value>) -> Value {
    case[name] = value.into();
    case
}

/// The same bytes with one bit of one of them changed; negative places count from the end.
fn flip(bytes: &Bytes, at: isize) -> Bytes {
    let mut bytes = bytes.to_vec();
    let place = if at < 0 { bytes.len() as isize + at } else { at };
    bytes[place as usize] ^= 1;
    bytes.into()
}

fn cut(bytes: &Bytes) -> Bytes {
    bytes.slice(..bytes.len() - 1)
}

fn longer(bytes: &Bytes) -> Bytes {
    [&bytes[..], &[0]].concat().into()
}

fn sheets(estate: &Estate, cases: &mut Vec<Value>) {
    let good = estate.sheet();
    let text = good.print();
    let mut add = |name: &str, text: String, expect: &str| {
        cases.push(json!({ "name": format!("sheet: {name}"), "kind": "sheet", "text": text, "expect": expect }));
    };
    let five = KeySheet::new(CHAIN, estate.genesis(), 500, 7, set(2)).unwrap();
    add("as printed", text.clone(), "ok");
    add("five keys and a later epoch", five.print(), "ok");
    add("with white space from paper", format!(" {}\n{} ", &text[..40], &text[40..]), "ok");
    let other = if text.as_bytes()[60] == b'A' { "B" } else { "A" };
    add("one character changed", [&text[..60], other, &text[61..]].concat(), "sheet");
    add("two characters swapped", swapped(&text), "sheet");
    add("cut off", text[..text.len() - 1].into(), "sheet");
    add("cut short", text[..text.len() - 44].into(), "sheet");
    add("longer", format!("{text}AAAA"), "sheet");
    add("padding", format!("{text}="), "sheet");
    add("a character that does not belong", text.replacen(&text[30..31], "+", 1), "sheet");
    add("of a later version", text.replacen(":1:", ":2:", 1), "sheet");
    add("something else", "https://example.org/".into(), "sheet");
    add("nothing", String::new(), "sheet");
    let mut none = good.clone();
    none.validators.clear();
    add("without keys", none.print(), "sheet");
    let mut twice = good.clone();
    twice.validators[1] = twice.validators[0];
    add("with a key twice", twice.print(), "sheet");
    let mut unsorted = good.clone();
    unsorted.validators.swap(0, 1);
    add("with keys out of order", unsorted.print(), "sheet");
    let zero = KeySheet { epoch_length: 0, ..good };
    add("with epochs of no length", zero.print(), "sheet");
}

fn swapped(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = (20..chars.len() - 1).find(|i| chars[*i] != chars[i + 1]).unwrap();
    chars.swap(at, at + 1);
    chars.into_iter().collect()
}

fn links(estate: &Estate, cases: &mut Vec<Value>) {
    let mut add = |name: &str, follow: u64, link: tulou_proofs::EpochLink, expect: &str| {
        let proof = serde_json::to_value(link).unwrap();
        cases.push(case(&format!("link: {name}"), "link", follow, proof, expect));
    };
    let first = estate.link(0);
    add("the same offices stay", 0, first.clone(), "ok");
    add("a fifth office joins", 1, estate.link(1), "ok");
    add("an office leaves", 2, estate.link(2), "ok");
    add("an epoch is left out", 0, estate.link(1), "epoch");
    add("an old one again", 2, estate.link(0), "epoch");
    let mut bad = estate.link(1);
    bad.epoch = 0;
    add("under another number", 0, bad, "epoch");
    let mut bad = estate.link(0);
    bad.next = set(2);
    add("other offices than the page names", 0, bad, "set");
    let mut bad = estate.link(1);
    bad.next = set(1);
    add("the old offices though they changed", 1, bad, "set");
    let mut bad = first.clone();
    bad.next.reverse();
    add("keys out of order", 0, bad, "set");
    let mut bad = first.clone();
    bad.next.clear();
    add("no offices", 0, bad, "set");
    let mut bad = first.clone();
    bad.next[0][0] ^= 1;
    add("an altered key", 0, bad, "set");
    let mut bad = first.clone();
    bad.header = flip(&bad.header, 40);
    add("an altered header", 0, bad, "header");
    let mut bad = first.clone();
    (bad.header, bad.certificate) = (estate.header(2), estate.certificate(2));
    add("a page that does not end its epoch", 0, bad, "header");
    let mut bad = first.clone();
    bad.certificate = estate.certificate(4);
    add("certified by the offices it introduces", 0, bad, "epoch");
    let mut bad = estate.link(2);
    let digest = estate.headers[11].hash_slow();
    bad.certificate = estate.signed(2, digest, &members_of(0), &[0, 1, 2]);
    add("certified by an old set", 2, bad, "certificate");
    let length = KeySheet { epoch_length: EPOCH + 1, ..estate.sheet() };
    let proof = serde_json::to_value(&first).unwrap();
    let wrong = case("link: another epoch length on the sheet", "link", 0, proof.clone(), "header");
    cases.push(with(wrong, "sheet", length.print()));
    let genesis = KeySheet { genesis: estate.headers[1].hash_slow(), ..estate.sheet() };
    let wrong =
        case("link: another first page on the sheet", "link", 0, proof.clone(), "certificate");
    cases.push(with(wrong, "sheet", genesis.print()));
    let chain = KeySheet { chain_id: CHAIN + 1, ..estate.sheet() };
    let wrong = case("link: another chain id on the sheet", "link", 0, proof, "certificate");
    cases.push(with(wrong, "sheet", chain.print()));
}

fn pages(estate: &Estate, cases: &mut Vec<Value>) {
    let mut add =
        |name: &str, follow: u64, page: &tulou_proofs::PageProof, height: u64, expect: &str| {
            let proof = serde_json::to_value(page).unwrap();
            let made = case(&format!("page: {name}"), "page", follow, proof, expect);
            cases.push(if expect == "ok" { with(made, "height", height) } else { made });
        };
    let first = tulou_proofs::PageProof { header: estate.header(0), ..Default::default() };
    add("the first, which needs no certificate", 0, &first, 0, "ok");
    let none = tulou_proofs::PageProof { header: estate.header(1), ..Default::default() };
    add("another without certificate", 0, &none, 1, "certificate");
    add("of the first epoch", 0, &estate.page(2), 2, "ok");
    add("of an epoch with five offices", 2, &estate.page(9), 9, "ok");
    add("of an old epoch, checked later", 3, &estate.page(5), 5, "ok");
    add("of an epoch not followed yet", 1, &estate.page(9), 9, "epoch");
    add("linked to the next", 0, &estate.linked(1, 2), 1, "ok");
    add("linked across the end of an epoch", 2, &estate.linked(6, 10), 6, "ok");
    let mut bad = estate.linked(5, 7);
    bad.links.remove(0);
    add("a header between them missing", 1, &bad, 5, "links");
    let mut bad = estate.linked(5, 7);
    bad.links[0] = flip(&bad.links[0], 40);
    add("a header between them altered", 1, &bad, 5, "links");
    let mut bad = estate.linked(5, 7);
    bad.header = estate.header(4);
    add("an older page under the links of another", 1, &bad, 5, "links");
    let mut bad = estate.linked(5, 7);
    bad.links.pop();
    add("the certified header missing", 1, &bad, 5, "header");
    let mut bad = estate.linked(5, 7);
    // Empty ones keep the file small: only their number counts.
    bad.links = vec![Bytes::new(); 1_025];
    add("more links than a reader takes", 1, &bad, 5, "size");
    let mut bad = estate.page(2);
    bad.header = vec![0; 2_049].into();
    add("a header of great length", 0, &bad, 2, "size");
    let other = Estate::new(CHAIN + 1);
    add("of another book with the same offices", 0, &other.page(2), 2, "certificate");
}

fn certificates(estate: &Estate, cases: &mut Vec<Value>) {
    let good = estate.page(2);
    let mut add = |name: &str, certificate: Bytes, expect: &str| {
        let page = tulou_proofs::PageProof { certificate, ..good.clone() };
        let proof = serde_json::to_value(page).unwrap();
        cases.push(case(&format!("certificate: {name}"), "page", 0, proof, expect));
    };
    let (bytes, digest, members) =
        (&good.certificate, estate.headers[2].hash_slow(), members_of(0));
    add("cut off", cut(bytes), "certificate");
    add("longer", longer(bytes), "certificate");
    add("empty", Bytes::from(vec![0]), "certificate");
    add("another epoch", flip(bytes, 0), "epoch");
    add("another view", flip(bytes, 1), "certificate");
    add("another parent view", flip(bytes, 3), "certificate");
    add("another digest", flip(bytes, 10), "certificate");
    add("another size of the set", flip(bytes, 5 + 32 + 7), "certificate");
    add("another signer in the list", flip(bytes, 5 + 32 + 8), "certificate");
    add("another number of signatures", flip(bytes, 5 + 32 + 9), "certificate");
    add("an altered first half of a signature", flip(bytes, 5 + 32 + 10), "certificate");
    add("an altered second half of a signature", flip(bytes, -32), "certificate");
    let padded = [&[0x80, 0x00], &bytes[1..]].concat();
    add("a number written longer than need be", padded.into(), "certificate");
    add("too few signatures", estate.signed(0, digest, &members, &[0, 1]), "certificate");
    let mut twice = estate.signed(0, digest, &members, &[0, 1, 2]).to_vec();
    let at = twice.len() - 64;
    twice.copy_within(at - 64..at, at);
    add("one signature twice", twice.into(), "certificate");
    let strangers: Vec<u8> = vec![8, 9, 10, 11];
    add("by strangers", estate.signed(0, digest, &strangers, &[0, 1, 2]), "certificate");
    let five = members_of(2);
    add("by a larger set", estate.signed(0, digest, &five, &[0, 1, 2, 3]), "certificate");
    let other = estate.headers[3].hash_slow();
    add("of another page", estate.signed(0, other, &members, &[0, 1, 2]), "header");
    let other = Estate::new(CHAIN + 1);
    add("of another book", other.signed(0, digest, &members, &[0, 1, 2]), "certificate");
    let page = tulou_proofs::PageProof {
        certificate: estate.signed(1, digest, &members_of(1), &[0, 1, 2]),
        ..good.clone()
    };
    let proof = serde_json::to_value(page).unwrap();
    cases.push(case("certificate: of the epoch after the page's", "page", 1, proof, "epoch"));
    let all = estate.signed(0, digest, &members, &[0, 1, 2, 3]);
    let page = tulou_proofs::PageProof { certificate: all, ..good.clone() };
    let made = case("certificate: by all", "page", 0, serde_json::to_value(page).unwrap(), "ok");
    cases.push(with(made, "height", 2));
}

fn receipts(estate: &Estate, cases: &mut Vec<Value>) {
    for (height, index) in [(2, 0), (2, 3), (9, 127), (9, 128), (13, 139)] {
        let name = format!("receipt: {index} on page {height}");
        let proof = serde_json::to_value(estate.receipt(height, index)).unwrap();
        let made = case(&name, "receipt", epoch_of(height, EPOCH), proof, "ok");
        let hash = json!(keccak256(transaction(height, index)));
        cases.push(with(with(made, "succeeded", index % 2 == 1), "transaction", hash));
    }
    let asked = json!(keccak256(transaction(2, 3)));
    let good = estate.receipt(2, 3);
    let mut add = |name: &str, change: &dyn Fn(&mut tulou_proofs::ReceiptProof), expect: &str| {
        let mut bad = good.clone();
        change(&mut bad);
        let proof = serde_json::to_value(bad).unwrap();
        let made = case(&format!("receipt: {name}"), "receipt", 0, proof, expect);
        cases.push(with(made, "transaction", asked.clone()));
    };
    add("altered", &|p| p.receipt = flip(&p.receipt, -1), "path");
    add("its status altered", &|p| p.receipt = flip(&p.receipt, 5), "path");
    add("cut off", &|p| p.receipt = cut(&p.receipt), "path");
    add("empty", &|p| p.receipt = Bytes::new(), "path");
    add("another index", &|p| p.index = 4, "path");
    add("an index beyond the page", &|p| p.index = 4_000, "path");
    add("another receipt's path", &|p| p.proof = estate.receipt(2, 4).proof, "path");
    add(
        "another receipt with its path",
        &|p| {
            let other = estate.receipt(2, 5);
            (p.receipt, p.proof) = (other.receipt, other.proof);
        },
        "path",
    );
    add("of another transaction, well proven", &|p| *p = estate.receipt(2, 5), "transaction");
    add("an altered transaction", &|p| p.transaction = flip(&p.transaction, -1), "transaction");
    add("no path to the transaction", &|p| p.transaction_proof.clear(), "transaction");
    add(
        "the path of another transaction",
        &|p| {
            p.transaction_proof = estate.receipt(2, 4).transaction_proof;
        },
        "transaction",
    );
    add("another page's path", &|p| p.proof = estate.receipt(1, 3).proof, "path");
    add("a path in the wrong order", &|p| p.proof.reverse(), "path");
    add("a path cut short", &|p| drop(p.proof.pop()), "path");
    add("a path without its root", &|p| drop(p.proof.remove(0)), "path");
    add("no path", &|p| p.proof.clear(), "path");
    add("a path that goes on", &|p| p.proof.push(p.proof[0].clone()), "path");
    add("an altered node", &|p| p.proof[1] = flip(&p.proof[1], 9), "path");
    add("an altered header", &|p| p.page.header = flip(&p.page.header, -1), "header");
    add("another page", &|p| p.page = estate.page(1), "path");
    add(
        "an altered signature",
        &|p| p.page.certificate = flip(&p.page.certificate, -1),
        "certificate",
    );
    let other = Estate::new(CHAIN + 1).receipt(2, 3);
    add("of another book", &|p| *p = other.clone(), "certificate");
}

fn accounts(estate: &Estate, cases: &mut Vec<Value>) {
    let tally = mapping_slot(U256::from(7).into(), U256::ZERO);
    let unwritten = mapping_slot(U256::from(99).into(), U256::ZERO);
    let keys = [tally, U256::from(1), unwritten];
    let mut add = |name: &str, height: u64, account: &tulou_proofs::AccountProof, expect: &str| {
        let proof = json!({ "page": estate.page(height), "account": account });
        let made =
            case(&format!("account: {name}"), "account", epoch_of(height, EPOCH), proof, expect);
        cases.push(if expect == "ok" {
            with(made, "balance", json!(account.balance))
        } else {
            made
        });
    };
    add("a balance", 2, &estate.account(2, HOLDER, 1_000_002, &[]), "ok");
    add("a balance in a later epoch", 13, &estate.account(13, HOLDER, 1_000_013, &[]), "ok");
    add("one that does not exist", 2, &estate.account(2, NOBODY, 0, &[]), "ok");
    let good = estate.account(9, TALLY, 0, &keys);
    assert!(slots(9).iter().any(|(key, value)| *key == tally && *value == U256::from(63)));
    add("a tally, a count and an unwritten slot", 9, &good, "ok");
    let holder = estate.account(2, HOLDER, 1_000_002, &[]);
    add("the state of another page", 2, &estate.account(1, HOLDER, 1_000_001, &[]), "account");
    let mut change =
        |name: &str, change: &dyn Fn(&mut tulou_proofs::AccountProof), expect: &str| {
            let mut bad = good.clone();
            change(&mut bad);
            add(name, 9, &bad, expect);
        };
    change("another value of a slot", &|p| p.storage_proof[0].value += U256::ONE, "storage");
    change("an unwritten slot with a value", &|p| p.storage_proof[2].value = U256::ONE, "storage");
    change("a written slot as unwritten", &|p| p.storage_proof[0].value = U256::ZERO, "storage");
    change("another slot under this path", &|p| p.storage_proof[0].key += U256::ONE, "storage");
    change(
        "paths of slots swapped",
        &|p| {
            let first = p.storage_proof[0].proof.clone();
            p.storage_proof[0].proof = std::mem::replace(&mut p.storage_proof[1].proof, first);
        },
        "storage",
    );
    change("a slot's path cut short", &|p| drop(p.storage_proof[0].proof.pop()), "storage");
    change("a slot without path", &|p| p.storage_proof[0].proof.clear(), "storage");
    change("a native balance that is not there", &|p| p.balance = U256::ONE, "account");
    change("an altered node", &|p| p.account_proof[0] = flip(&p.account_proof[0], 9), "account");
    change("a path cut short", &|p| drop(p.account_proof.pop()), "account");
    change("no path", &|p| p.account_proof.clear(), "account");
    change(
        "another account's path",
        &|p| p.account_proof = estate.account(9, HOLDER, 0, &[]).account_proof,
        "account",
    );
    change("an account under another's path", &|p| p.address = HOLDER, "account");
    add(
        "another balance",
        2,
        &tulou_proofs::AccountProof { balance: U256::from(9), ..holder },
        "account",
    );
}
