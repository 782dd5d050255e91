use tulou_slots::Memory;

use super::*;
use crate::{address, roles::IRoles::NotPermitted};

const AT: Address = address::documents;
const CHAIR: Address = Address::repeat_byte(0xc4);
const MANAGER: Address = Address::repeat_byte(0x3a);
const OWNER: Address = Address::repeat_byte(0xaa);
const NOW: u64 = 1_767_196_800;

fn community() -> Memory {
    let mut m = Memory::default();
    m.now = NOW;
    let offices = [(Office::Chair, CHAIR, 0), (Office::Manager, MANAGER, 0)];
    let permits: Vec<_> = PERMITS.iter().map(|permit| (AT, *permit)).collect();
    m.run(address::roles, Address::ZERO, |cx| roles::genesis(cx, &offices, &permits)).unwrap();
    m
}

fn hash(n: u8) -> B256 {
    B256::repeat_byte(n)
}

fn registered(n: u8) -> registerCall {
    registerCall {
        hash: hash(n),
        kind: Kind::Contract,
        custodian: MANAGER,
        retainUntil: NOW + 1,
        title: "Lift contract".into(),
    }
}

fn superseded(old: u8, n: u8) -> supersedeCall {
    supersedeCall { old: hash(old), hash: hash(n), retainUntil: NOW + 9, title: "Annex".into() }
}

fn refused<C: SolCall>(m: &mut Memory, caller: Address, call: &C) -> Fault {
    m.call(AT, entry, caller, call).map(|_| ()).unwrap_err()
}

#[test]
fn a_document_on_file_is_known_to_other_modules() {
    let mut m = community();
    let known = |m: &mut Memory, n| m.run(address::schedule, OWNER, |cx| require_known(cx, hash(n)));
    let fault = known(&mut m, 1).unwrap_err();
    assert_eq!(fault.refusal::<UnknownDocument>().unwrap().hash, hash(1));
    assert_eq!(m.call(AT, entry, CHAIR, &registered(1)), Ok(1));
    assert_eq!(known(&mut m, 1), Ok(()));
    assert_eq!(m.call(AT, entry, OWNER, &isKnownCall { hash: hash(1) }), Ok(true));
    assert_eq!(m.call(AT, entry, OWNER, &isKnownCall { hash: hash(2) }), Ok(false));
    let shown = m.call(AT, entry, OWNER, &documentCall { hash: hash(1) }).unwrap();
    assert_eq!((shown.kind, shown.custodian, shown.registeredBy), (Kind::Contract, MANAGER, CHAIR));
    assert_eq!((shown.registeredAt, shown.retainUntil), (NOW, NOW + 1));
    assert_eq!(shown.title, "Lift contract");
    let fault = refused(&mut m, OWNER, &documentCall { hash: hash(2) });
    assert!(fault.refusal::<UnknownDocument>().is_some());
}

#[test]
fn register_refuses_in_this_order() {
    let mut m = community();
    let mut call = registerCall {
        hash: B256::ZERO,
        kind: Kind::None,
        custodian: Address::ZERO,
        retainUntil: NOW,
        title: String::new(),
    };
    assert!(refused(&mut m, OWNER, &call).refusal::<NotPermitted>().is_some());
    assert!(refused(&mut m, CHAIR, &call).refusal::<NoKind>().is_some());
    call.kind = Kind::Invoice;
    assert!(refused(&mut m, CHAIR, &call).refusal::<NoCustodian>().is_some());
    call.custodian = CHAIR;
    assert!(refused(&mut m, CHAIR, &call).refusal::<NoHash>().is_some());
    m.call(AT, entry, CHAIR, &registered(1)).unwrap();
    call.hash = hash(1);
    // DO-1
    assert_eq!(refused(&mut m, CHAIR, &call).refusal::<AlreadyKnown>().unwrap().id, 1);
    call.hash = hash(2);
    let fault = refused(&mut m, CHAIR, &call);
    assert_eq!(fault.refusal::<BadRetention>().unwrap().retainUntil, NOW);
    call.retainUntil = NOW + 1;
    for (len, fits) in [(0, false), (201, false), (200, true)] {
        call.title = "t".repeat(len);
        let done = m.call(AT, entry, CHAIR, &call);
        assert_eq!(done.is_ok(), fits, "{len}");
        if let Err(fault) = done {
            assert_eq!(fault.refusal::<BadTitle>().unwrap().length, len as u64);
        }
    }
}

#[test]
fn a_successor_keeps_kind_and_custodian_and_both_stay_readable() {
    // DO-2, DO-3, DO-4
    let mut m = community();
    m.call(AT, entry, CHAIR, &registered(1)).unwrap();
    assert!(refused(&mut m, OWNER, &superseded(9, 0)).refusal::<NotPermitted>().is_some());
    assert!(refused(&mut m, CHAIR, &superseded(9, 0)).refusal::<UnknownDocument>().is_some());
    let own = refused(&mut m, CHAIR, &superseded(1, 1));
    assert!(own.refusal::<AlreadyKnown>().is_some());
    // The manager keeps the contract and may replace it; afterwards the chair did not file the new one.
    assert_eq!(m.call(AT, entry, MANAGER, &superseded(1, 2)), Ok(2));
    assert!(refused(&mut m, CHAIR, &superseded(2, 3)).refusal::<NotYours>().is_some());
    let twice = refused(&mut m, CHAIR, &superseded(1, 3));
    assert_eq!(twice.refusal::<AlreadySuperseded>().unwrap().supersededBy, 2);
    assert_eq!(m.call(AT, entry, MANAGER, &superseded(2, 3)), Ok(3));
    let listed = m.call(AT, entry, OWNER, &documentsCall { cursor: 0, limit: 9 }).unwrap();
    let links: Vec<_> =
        listed.items.iter().map(|doc| (doc.id, doc.supersedes, doc.supersededBy)).collect();
    assert_eq!(links, [(1, 0, 2), (2, 1, 3), (3, 2, 0)]);
    assert!(listed.items.iter().all(|doc| doc.custodian == MANAGER && doc.kind == Kind::Contract));
}

#[test]
fn an_erasure_is_on_file_for_ever() {
    // DO-5
    let mut m = community();
    let mut erasure = registered(1);
    erasure.kind = Kind::Erasure;
    erasure.title = "Records destroyed".into();
    assert!(refused(&mut m, OWNER, &erasure).refusal::<NotPermitted>().is_some());
    m.call(AT, entry, CHAIR, &erasure).unwrap();
    // Whose it is comes first, then that it stands, then what the successor is.
    m.call(AT, entry, CHAIR, &registerCall { custodian: CHAIR, ..registered(2) }).unwrap();
    assert!(refused(&mut m, MANAGER, &superseded(2, 0)).refusal::<NotYours>().is_some());
    let stands = refused(&mut m, CHAIR, &superseded(1, 0));
    assert_eq!(stands.refusal::<ErasureStands>().unwrap().hash, hash(1));
    assert!(refused(&mut m, MANAGER, &superseded(1, 3)).refusal::<ErasureStands>().is_some());
    assert_eq!(m.call(AT, entry, CHAIR, &superseded(2, 3)), Ok(3), "others have successors");
    let only = documentsOfCall { kind: Kind::Erasure, cursor: 0, limit: 9 };
    let only = m.call(AT, entry, OWNER, &only).unwrap();
    assert_eq!((only.items.len(), only.items[0].hash, only.items[0].supersededBy), (1, hash(1), 0));
}

#[test]
fn lists_page_by_kind() {
    let mut m = community();
    for n in 1..=5 {
        let mut call = registered(n);
        call.kind = if n % 2 == 0 { Kind::Invoice } else { Kind::Quote };
        m.call(AT, entry, CHAIR, &call).unwrap();
    }
    let quotes = documentsOfCall { kind: Kind::Quote, cursor: 1, limit: 1 };
    let quotes = m.call(AT, entry, OWNER, &quotes).unwrap();
    assert_eq!((quotes.items[0].id, quotes.next), (3, 2));
    let none = documentsOfCall { kind: Kind::Roll, cursor: 7, limit: 1 };
    let none = m.call(AT, entry, OWNER, &none).unwrap();
    assert!(none.items.is_empty() && none.next == 0);
}
