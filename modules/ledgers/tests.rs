//! The shared vectors of `tests/vectors`, handed in as calls: several validators, a set that changes.

use serde_json::Value;
use tulou_slots::Memory;

use super::*;
use crate::{COUNCIL, address, council::ICouncil::OnlyCouncil};

const AT: Address = address::ledgers;
const ANYONE: Address = Address::repeat_byte(0xaa);
const NOW: u64 = 1_790_100_000;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/light.json")).unwrap()
}

fn sheet() -> String {
    vectors()["sheet"].as_str().unwrap().to_owned()
}

fn links() -> Vec<EpochLink> {
    serde_json::from_value(vectors()["links"].clone()).unwrap()
}

fn cases(kind: &str) -> Vec<Value> {
    let all = vectors()["cases"].as_array().unwrap().clone();
    all.into_iter().filter(|case| case["kind"] == kind && case.get("sheet").is_none()).collect()
}

fn named(kind: &str, name: &str) -> Value {
    cases(kind).into_iter().find(|case| case["name"] == name).unwrap_or_else(|| panic!("{name}"))
}

fn community() -> Memory {
    let mut m = Memory::default();
    m.now = NOW;
    m
}

fn registered(follow: usize) -> Memory {
    let mut m = community();
    let call = registerCall { name: "Maple Court".into(), sheet: sheet() };
    assert_eq!(m.call(AT, entry, COUNCIL, &call), Ok(1));
    for link in &links()[..follow] {
        m.call(AT, entry, ANYONE, &follow_call(link)).unwrap();
    }
    m
}

pub(crate) fn follow_call(link: &EpochLink) -> followCall {
    let (header, certificate) = (link.header.clone(), link.certificate.clone());
    followCall { ledger: 1, header, certificate, next: link.next.clone() }
}

fn receipt(case: &Value) -> ReceiptProof {
    serde_json::from_value::<tulou_proofs::ReceiptProof>(case["proof"].clone()).unwrap().into()
}

pub(crate) fn prove(case: &Value) -> proveReceiptCall {
    proveReceiptCall { ledger: 1, proof: receipt(case) }
}

fn refused<C: SolCall>(m: &mut Memory, caller: Address, call: &C) -> Fault {
    m.call(AT, entry, caller, call).map(|_| ()).unwrap_err()
}

#[test]
fn register_refuses_in_this_order() {
    let mut m = community();
    let mut call = registerCall { name: String::new(), sheet: "something".into() };
    assert!(refused(&mut m, ANYONE, &call).refusal::<OnlyCouncil>().is_some());
    for (length, fits) in [(0, false), (101, false), (100, true)] {
        call.name = "n".repeat(length);
        let fault = refused(&mut m, COUNCIL, &call);
        assert_eq!(fault.refusal::<BadName>().is_none(), fits, "{length}");
    }
    assert!(refused(&mut m, COUNCIL, &call).refusal::<BadSheet>().is_some());
    for case in cases("sheet").iter().filter(|case| case["expect"] == "sheet") {
        call.sheet = case["text"].as_str().unwrap().into();
        let fault = refused(&mut m, COUNCIL, &call);
        assert!(fault.refusal::<BadSheet>().is_some(), "{}", case["name"]);
    }
    call.sheet = sheet();
    assert_eq!(m.call(AT, entry, COUNCIL, &call), Ok(1));
    // LE-1
    assert_eq!(refused(&mut m, COUNCIL, &call).refusal::<AlreadyRegistered>().unwrap().ledger, 1);
    let shown = m.call(AT, entry, ANYONE, &ledgerCall { id: 1 }).unwrap();
    let sheet = KeySheet::parse(&call.sheet).unwrap();
    assert_eq!((shown.chainId, shown.genesis), (sheet.chain_id, sheet.genesis));
    assert_eq!((shown.epochLength, shown.epoch, shown.registeredAt), (4, 0, NOW));
    assert_eq!(shown.validators, sheet.validators);
    let listed = m.call(AT, entry, ANYONE, &ledgersCall { cursor: 0, limit: 9 }).unwrap();
    assert_eq!((listed.items, listed.next), (vec![shown], 0));
    let unknown = refused(&mut m, ANYONE, &ledgerCall { id: 2 });
    assert_eq!(unknown.refusal::<UnknownLedger>().unwrap().ledger, 2);
}

#[test]
fn anyone_leads_the_ledger_from_set_to_set_and_no_further() {
    // LE-2, LE-3
    let mut m = registered(0);
    let links = links();
    let unknown = followCall { ledger: 9, ..follow_call(&links[0]) };
    assert!(refused(&mut m, ANYONE, &unknown).refusal::<UnknownLedger>().is_some());
    let huge = followCall { header: vec![0; 600 << 10].into(), ..follow_call(&links[1]) };
    assert!(refused(&mut m, ANYONE, &huge).refusal::<TooLarge>().is_some());
    let early = refused(&mut m, ANYONE, &follow_call(&links[1]));
    let early = early.refusal::<NotNext>().unwrap();
    assert_eq!((early.expectedEpoch, early.foundEpoch), (0, 1));
    for (epoch, link) in links.iter().enumerate() {
        assert_eq!(m.call(AT, entry, ANYONE, &follow_call(link)), Ok(epoch as u64 + 1));
        assert!(refused(&mut m, ANYONE, &follow_call(link)).refusal::<NotNext>().is_some());
    }
    let first = KeySheet::parse(&sheet()).unwrap().validators;
    let sets = [&first, &links[0].next, &links[1].next, &links[2].next];
    for (epoch, set) in sets.into_iter().enumerate() {
        let call = validatorsOfCall { ledger: 1, epoch: epoch as u64 };
        assert_eq!(m.call(AT, entry, ANYONE, &call).as_ref(), Ok(set), "epoch {epoch}");
    }
    let later = validatorsOfCall { ledger: 1, epoch: 4 };
    assert_eq!(m.call(AT, entry, ANYONE, &later), Ok(Vec::new()));
}

#[test]
fn every_vector_of_a_link_is_judged_as_readers_judge_it() {
    for case in cases("link") {
        let mut m = registered(case["follow"].as_u64().unwrap() as usize);
        let link: EpochLink = serde_json::from_value(case["proof"].clone()).unwrap();
        let done = m.call(AT, entry, ANYONE, &follow_call(&link));
        let expected = case["expect"].as_str().unwrap();
        match done {
            Ok(_) => assert_eq!(expected, "ok", "{}", case["name"]),
            Err(fault) => match fault.refusal::<NotProven>() {
                Some(found) => assert_eq!(found.step, expected, "{}", case["name"]),
                None => {
                    assert!(fault.refusal::<NotNext>().is_some(), "{}", case["name"]);
                    assert_eq!(expected, "epoch", "{}", case["name"]);
                }
            },
        }
    }
}

#[test]
fn every_vector_of_a_receipt_is_judged_as_readers_judge_it() {
    // LE-5
    for case in cases("receipt") {
        let mut m = registered(case["follow"].as_u64().unwrap() as usize);
        let expected = case["expect"].as_str().unwrap();
        let view = checkReceiptCall { ledger: 1, proof: receipt(&case) };
        let seen = m.call(AT, entry, ANYONE, &view);
        let done = m.call(AT, entry, ANYONE, &prove(&case));
        let step = |fault: Fault| fault.refusal::<NotProven>().unwrap().step;
        match (seen, done) {
            (Ok(seen), Ok(done)) => {
                assert_eq!((seen.id, seen.recordedAt, done.id), (0, 0, 1));
                // Well proven, but of another transaction than a reader asked for.
                let asked = case["transaction"].as_str().unwrap();
                let same = done.transactionHash.to_string() == asked;
                assert_eq!(expected, if same { "ok" } else { "transaction" }, "{}", case["name"]);
            }
            (Err(seen), Err(done)) => {
                let done = step(done);
                assert_eq!(step(seen), done, "{}", case["name"]);
                assert_eq!(done, expected, "{}", case["name"]);
            }
            _ => panic!("{}: the view and the call disagree", case["name"]),
        }
    }
}

#[test]
fn a_fact_is_on_record_once_and_other_modules_see_it() {
    // LE-4
    let mut m = registered(2);
    let case = named("receipt", "receipt: 3 on page 2");
    let fact = m.call(AT, entry, ANYONE, &prove(&case)).unwrap();
    assert_eq!((fact.id, fact.ledger, fact.height), (1, 1, 2));
    assert_eq!((fact.timestamp, fact.recordedAt, fact.succeeded), (1_790_000_010, NOW, true));
    m.now = NOW + 1;
    assert_eq!(m.call(AT, entry, COUNCIL, &prove(&case)).unwrap(), fact);
    let refused_there = named("receipt", "receipt: 0 on page 2");
    let other = m.call(AT, entry, ANYONE, &prove(&refused_there)).unwrap();
    assert_eq!((other.id, other.succeeded, other.recordedAt), (2, false, NOW + 1));
    let listed = m.call(AT, entry, ANYONE, &factsCall { cursor: 0, limit: 9 }).unwrap();
    assert_eq!(listed.items, [fact.clone(), other]);
    assert_eq!(m.call(AT, entry, ANYONE, &factCall { id: 1 }).unwrap(), fact);
    assert_eq!(refused(&mut m, ANYONE, &factCall { id: 3 }).refusal::<UnknownFact>().unwrap().fact, 3);
    let transaction = fact.transactionHash;
    let seen = m.run(address::funds, ANYONE, |cx| proven(cx, 1, transaction));
    assert_eq!(seen, Ok(Some(fact)));
    assert_eq!(m.run(address::funds, ANYONE, |cx| proven(cx, 1, B256::ZERO)), Ok(None));
    let none = factOfCall { ledger: 1, transactionHash: B256::ZERO };
    assert_eq!(m.call(AT, entry, ANYONE, &none).unwrap().id, 0);
}

#[test]
fn an_event_can_be_read_from_a_proof() {
    let mut m = registered(0);
    let proof = receipt(&named("receipt", "receipt: 3 on page 2"));
    let mut call = checkLogCall { ledger: 1, proof, index: 0 };
    let found = m.call(AT, entry, ANYONE, &call).unwrap();
    assert_eq!(found.entry.emitter, Address::repeat_byte(0x77));
    assert_eq!(found.entry.topics[0], keccak256("Decided(uint64)"));
    assert_eq!(found.entry.data[..], [9; 64]);
    call.index = 1;
    let fault = refused(&mut m, ANYONE, &call).refusal::<NoSuchLog>().unwrap();
    assert_eq!((fault.index, fault.logs), (1, 1));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let mut m = registered(0);
    let good = receipt(&named("receipt", "receipt: 3 on page 2"));
    let unknown = proveReceiptCall { ledger: 2, proof: good.clone() };
    assert!(refused(&mut m, ANYONE, &unknown).refusal::<UnknownLedger>().is_some());
    let mut bad = prove(&named("receipt", "receipt: 3 on page 2"));
    bad.proof.links = vec![Bytes::new(); 65];
    assert_eq!(refused(&mut m, ANYONE, &bad).refusal::<TooLarge>().unwrap().atMost, 64);
    let mut bad = proveReceiptCall { ledger: 1, proof: good };
    bad.proof.receipt = vec![1; 512 << 10].into();
    assert_eq!(refused(&mut m, ANYONE, &bad).refusal::<TooLarge>().unwrap().atMost, 512 << 10);
}
