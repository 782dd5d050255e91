use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use tulou_slots::Memory;

use super::*;
use crate::{ALL, address};

const AT: Address = address::roles;
const STREET: Address = Address::repeat_byte(0x57);
const CHAIR: Address = Address::repeat_byte(0xc4);
const ANYBODY: Address = Address::repeat_byte(0xaa);
const NOW: u64 = 1_767_196_800;
const YEAR: u64 = 366 * 86_400;

fn permits() -> Vec<(Address, Permit)> {
    ALL.iter().flat_map(|m| m.permits.iter().map(|permit| (m.address, *permit))).collect()
}

fn community(offices: &[(Office, Address, u64)]) -> Memory {
    let mut m = Memory::default();
    m.now = NOW;
    m.run(AT, Address::ZERO, |cx| genesis(cx, offices, &permits())).unwrap();
    m
}

fn usual() -> Memory {
    community(&[(Office::StreetOffice, STREET, 0), (Office::Chair, CHAIR, NOW + YEAR)])
}

fn refused<C: SolCall>(m: &mut Memory, caller: Address, call: &C) -> Fault {
    m.call(AT, entry, caller, call).map(|_| ()).unwrap_err()
}

fn granted(office: Office, holder: Address, from_at: u64, until_at: u64) -> grantCall {
    let basis = B256::repeat_byte(1);
    grantCall { office: office.shown(), holder, fromAt: from_at, untilAt: until_at, basis }
}

fn holding(m: &mut Memory, who: Address, office: Office) -> bool {
    m.run(address::documents, who, |cx| holds(cx, who, office)).unwrap()
}

fn explained(m: &mut Memory, account: Address, selector: [u8; 4]) -> explainReturn {
    let call = explainCall { account, module: AT, selector: selector.into() };
    m.call(AT, entry, ANYBODY, &call).unwrap()
}

#[test]
fn a_mandate_counts_from_its_first_second_to_the_one_before_its_end() {
    // RO-4: (from, until, revoked), frozen until, now -> reason, term
    let cases = [
        ((100, 200, 0), 0, 99, Reason::NotYet, 100),
        ((100, 200, 0), 0, 100, Reason::Office, 200),
        ((100, 200, 0), 0, 199, Reason::Office, 200),
        ((100, 200, 0), 0, 200, Reason::Over, 200),
        ((100, 0, 0), 0, u64::MAX, Reason::Office, 0),
        ((100, 200, 150), 0, 150, Reason::Over, 150),
        ((100, 200, 0), 150, 149, Reason::Frozen, 150),
        ((100, 200, 0), 150, 150, Reason::Office, 200),
        ((100, 200, 0), 300, 200, Reason::Over, 200),
    ];
    for (term, frozen, now, reason, term_at) in cases {
        let got = rule::standing(term, frozen, now);
        assert_eq!(got, rule::Standing { reason, term_at }, "{term:?} {frozen} {now}");
    }
}

#[test]
fn terms_fit_the_rule_book_one_second_on_each_side() {
    let latest = |office| rule::latest_end(office, 1000, Some(5));
    assert_eq!(latest(Office::Manager), None);
    let end = latest(Office::Chair);
    assert_eq!(end, Some(1000 + 5 * YEAR));
    for (until, fits) in
        [(0, false), (1000, false), (1001, true), (1000 + 5 * YEAR, true), (1001 + 5 * YEAR, false)]
    {
        assert_eq!(rule::term_fits(1000, until, end), fits, "{until}");
    }
    for (until, fits) in [(0, true), (1000, false), (1001, true), (u64::MAX, true)] {
        assert_eq!(rule::term_fits(1000, until, None), fits, "{until}");
    }
}

#[test]
fn nobody_but_a_decision_makes_committee_and_manager() {
    // RO-6: every office against every possible granter
    for office in rule::ALL {
        for granter in [CHAIR, STREET, ANYBODY, crate::DECISIONS, crate::COUNCIL] {
            let mut m = usual();
            let call = granted(office, ANYBODY, NOW, NOW + YEAR);
            if granter == ANYBODY {
                let fault = refused(&mut m, granter, &call);
                assert!(fault.refusal::<NotPermitted>().is_some());
                continue;
            }
            let done = m.call(AT, entry, granter, &call).is_ok();
            let lesser = rule::street_office_may_grant(office);
            let last_resort = lesser || OUTSIDE.contains(&office);
            let may = granter == crate::DECISIONS
                || (granter == STREET && lesser)
                || (granter == crate::COUNCIL && last_resort);
            assert_eq!((done, holding(&mut m, ANYBODY, office)), (may, may), "{office:?} {granter}");
        }
    }
    assert!(COMMITTEE.iter().chain(&OUTSIDE).all(|office| !rule::street_office_may_grant(*office)));
}

#[test]
fn grant_refuses_in_this_order() {
    // RO-3, RO-5
    let mut m = usual();
    let bad = |office| granted(office, Address::ZERO, NOW, 1);
    let fault = refused(&mut m, CHAIR, &bad(Office::None));
    let NotPermitted { account, module, selector, offices } = fault.refusal().unwrap();
    assert_eq!((account, module, selector.0), (CHAIR, AT, grantCall::SELECTOR));
    assert_eq!(offices, Office::StreetOffice.bit() | Office::Decision.bit() | Office::Council.bit());
    let fault = refused(&mut m, STREET, &bad(Office::None));
    assert_eq!(fault.refusal::<NoSuchOffice>().unwrap().office, 0);
    let fault = refused(&mut m, STREET, &bad(Office::Chair));
    assert_eq!(fault.refusal::<NotYours>().unwrap().caller, STREET);
    let fault = refused(&mut m, STREET, &granted(Office::Auditor, STREET, NOW, 1));
    assert_eq!(fault.refusal::<Own>().unwrap().account, STREET);
    let fault = refused(&mut m, STREET, &bad(Office::Auditor));
    assert!(fault.refusal::<BadHolder>().is_some());
    let fault = refused(&mut m, STREET, &granted(Office::Auditor, address::documents, NOW, 0));
    assert!(fault.refusal::<BadHolder>().is_some());
    let fault = refused(&mut m, STREET, &granted(Office::Auditor, ANYBODY, NOW, NOW));
    assert_eq!(fault.refusal::<BadTerm>().unwrap().untilAt, NOW);
    m.call(AT, entry, STREET, &granted(Office::Auditor, ANYBODY, NOW, NOW + 10)).unwrap();
    let fault = refused(&mut m, STREET, &granted(Office::Auditor, ANYBODY, NOW + 9, 0));
    assert_eq!(fault.refusal::<AlreadyHolds>().unwrap().mandate, 3);
    // A term that begins where the last one ends is fine, and blocks a third until it has begun.
    m.call(AT, entry, STREET, &granted(Office::Auditor, ANYBODY, NOW + 10, NOW + 20)).unwrap();
    let fault = refused(&mut m, STREET, &granted(Office::Auditor, ANYBODY, NOW + 20, 0));
    assert_eq!(fault.refusal::<AlreadyHolds>().unwrap().mandate, 4);
    for (now, held) in [(NOW + 9, true), (NOW + 10, true), (NOW + 19, true), (NOW + 20, false)] {
        m.now = now;
        assert_eq!(holding(&mut m, ANYBODY, Office::Auditor), held, "{now}");
    }
}

#[test]
fn a_term_that_was_revoked_before_it_began_hides_no_other() {
    // RO-4, RO-5: (from, until) of a third term after the second was taken back before it began
    for (from, until, fits) in [(0, 0, false), (9, 30, false), (10, 30, true), (40, 0, true)] {
        let mut m = usual();
        for (from, until) in [(0, 10), (20, 30)] {
            let call = granted(Office::Auditor, ANYBODY, NOW + from, NOW + until);
            m.call(AT, entry, STREET, &call).unwrap();
        }
        m.call(AT, entry, STREET, &revokeCall { id: 4, reason: "a mistake".into() }).unwrap();
        let until_at = if until == 0 { 0 } else { NOW + until };
        let call = granted(Office::Auditor, ANYBODY, NOW + from, until_at);
        if fits {
            m.call(AT, entry, STREET, &call).unwrap();
        } else {
            let fault = refused(&mut m, STREET, &call);
            assert_eq!(fault.refusal::<AlreadyHolds>().unwrap().mandate, 3, "{from}");
        }
        for (at, held) in [(0, true), (9, true), (10, fits && from == 10), (40, fits && until == 0)] {
            m.now = NOW + at;
            assert_eq!(holding(&mut m, ANYBODY, Office::Auditor), held, "{from} {at}");
        }
    }
}

#[test]
fn a_freeze_pauses_and_a_revocation_ends() {
    let mut m = usual();
    let reason = "books not handed over".to_owned();
    let until = NOW + rule::FREEZE_SECONDS_MAX;
    let freeze = |id, until_at, reason: &str| freezeCall { id, untilAt: until_at, reason: reason.into() };
    let fault = refused(&mut m, CHAIR, &freeze(9, 0, ""));
    assert!(fault.refusal::<NotPermitted>().is_some());
    let fault = refused(&mut m, STREET, &freeze(9, 0, ""));
    assert_eq!(fault.refusal::<NoSuchMandate>().unwrap().id, 9);
    let fault = refused(&mut m, STREET, &freeze(1, 0, ""));
    assert!(fault.refusal::<Own>().is_some());
    let fault = refused(&mut m, STREET, &freeze(2, 0, ""));
    assert_eq!(fault.refusal::<BadReason>().unwrap().length, 0);
    let fault = refused(&mut m, STREET, &freeze(2, 0, &"x".repeat(513)));
    assert_eq!(fault.refusal::<BadReason>().unwrap().length, 513);
    for bad in [NOW, until + 1] {
        let fault = refused(&mut m, STREET, &freeze(2, bad, &reason));
        assert_eq!(fault.refusal::<BadFreeze>().unwrap().latestUntilAt, until);
    }
    let fault = refused(&mut m, STREET, &unfreezeCall { id: 2, reason: reason.clone() });
    assert_eq!(fault.refusal::<NotFrozen>().unwrap().id, 2);
    m.call(AT, entry, STREET, &freeze(2, until, &reason)).unwrap();
    assert!(!holding(&mut m, CHAIR, Office::Chair));
    m.now = until - 1;
    assert!(!holding(&mut m, CHAIR, Office::Chair));
    m.now = until;
    assert!(holding(&mut m, CHAIR, Office::Chair));
    m.call(AT, entry, STREET, &freeze(2, until + 5, &reason)).unwrap();
    m.call(AT, entry, STREET, &unfreezeCall { id: 2, reason: reason.clone() }).unwrap();
    assert!(holding(&mut m, CHAIR, Office::Chair));
    let revoke = revokeCall { id: 2, reason: reason.clone() };
    let fault = refused(&mut m, STREET, &revoke);
    assert!(fault.refusal::<NotYours>().is_some());
    m.call(AT, entry, crate::DECISIONS, &revoke).unwrap();
    assert!(!holding(&mut m, CHAIR, Office::Chair));
    let fault = refused(&mut m, crate::DECISIONS, &revoke);
    assert_eq!(fault.refusal::<MandateOver>().unwrap().id, 2);
    let kept = m.call(AT, entry, ANYBODY, &mandateCall { id: 2 }).unwrap();
    assert_eq!((kept.revokedAt, kept.reason), (until, reason));
}

#[test]
fn a_holder_gives_back_their_own_office_only() {
    let mut m = usual();
    let fault = refused(&mut m, ANYBODY, &resignCall { id: 3 });
    assert!(fault.refusal::<NoSuchMandate>().is_some());
    let fault = refused(&mut m, ANYBODY, &resignCall { id: 2 });
    assert!(fault.refusal::<NotYours>().is_some());
    m.call(AT, entry, CHAIR, &resignCall { id: 2 }).unwrap();
    assert!(!holding(&mut m, CHAIR, Office::Chair));
    let fault = refused(&mut m, CHAIR, &resignCall { id: 2 });
    assert!(fault.refusal::<MandateOver>().is_some());
    // The office is free again, by decision.
    let again = granted(Office::Chair, CHAIR, NOW, NOW + YEAR);
    assert_eq!(m.call(AT, entry, crate::DECISIONS, &again), Ok(3));
}

#[test]
fn a_street_office_does_not_freeze_another() {
    let second = Address::repeat_byte(0x58);
    let mut m =
        community(&[(Office::StreetOffice, STREET, 0), (Office::StreetOffice, second, 0)]);
    let call = freezeCall { id: 2, untilAt: NOW + 1, reason: "x".into() };
    let fault = refused(&mut m, STREET, &call);
    assert!(fault.refusal::<NotYours>().is_some());
    m.call(AT, entry, crate::COUNCIL, &call).unwrap();
    assert!(!holding(&mut m, second, Office::StreetOffice));
}

#[test]
fn explain_agrees_with_allow_and_says_why() {
    let mut m = usual();
    let grant = grantCall::SELECTOR;
    let needed = Office::StreetOffice.bit() | Office::Decision.bit() | Office::Council.bit();
    let answer = explained(&mut m, STREET, grant);
    assert_eq!((answer.allowed, answer.reason, answer.termAt), (true, Reason::Office, 0));
    assert_eq!((answer.needed, answer.held), (needed, Office::StreetOffice.bit()));
    let answer = explained(&mut m, CHAIR, grant);
    assert_eq!((answer.allowed, answer.reason), (false, Reason::NoOffice));
    assert_eq!((answer.needed, answer.held), (needed, Office::Chair.bit()));
    let answer = explained(&mut m, crate::DECISIONS, grant);
    assert_eq!((answer.allowed, answer.reason), (true, Reason::Decision));
    let answer = explained(&mut m, crate::COUNCIL, grant);
    assert_eq!((answer.allowed, answer.reason), (true, Reason::Council));
    let answer = explained(&mut m, ANYBODY, resignCall::SELECTOR);
    assert_eq!((answer.allowed, answer.reason), (true, Reason::Unrestricted));
    let frozen = freezeCall { id: 1, untilAt: NOW + 50, reason: "x".into() };
    m.call(AT, entry, crate::DECISIONS, &frozen).unwrap();
    let answer = explained(&mut m, STREET, grant);
    assert_eq!((answer.reason, answer.termAt, answer.held), (Reason::Frozen, NOW + 50, 0));
    assert!(refused(&mut m, STREET, &granted(Office::Auditor, ANYBODY, NOW, 0))
        .refusal::<NotPermitted>()
        .is_some());
    m.now = NOW + 50;
    m.call(AT, entry, crate::DECISIONS, &revokeCall { id: 1, reason: "x".into() }).unwrap();
    let answer = explained(&mut m, STREET, grant);
    assert_eq!((answer.reason, answer.termAt), (Reason::Over, NOW + 50));
    let later = granted(Office::StreetOffice, STREET, NOW + 99, 0);
    m.call(AT, entry, crate::DECISIONS, &later).unwrap();
    let answer = explained(&mut m, STREET, grant);
    assert_eq!((answer.reason, answer.termAt), (Reason::NotYet, NOW + 99));
}

/// Slots of the permit table: everything in `roles` that genesis without offices writes.
fn permit_slots(m: &Memory) -> BTreeMap<(Address, U256), U256> {
    let table = community(&[]);
    table.slots.keys().map(|key| (*key, m.slots.get(key).copied().unwrap_or_default())).collect()
}

#[test]
fn no_account_changes_permits_after_genesis() {
    // RO-1, RO-2: an account with every office there is makes every call there is, with whole and with
    // broken arguments, and so does the decisions module.
    let offices: Vec<_> = rule::ALL.iter().map(|office| (*office, CHAIR, 0)).collect();
    let mut m = community(&offices);
    let before = permit_slots(&m);
    assert!(!before.is_empty());
    let mut calls: Vec<Bytes> = vec![
        granted(Office::Auditor, ANYBODY, NOW, 0).abi_encode().into(),
        granted(Office::Chair, ANYBODY, NOW, NOW + 5).abi_encode().into(),
        revokeCall { id: 1, reason: "x".into() }.abi_encode().into(),
        freezeCall { id: 2, untilAt: NOW + 5, reason: "x".into() }.abi_encode().into(),
        resignCall { id: 3 }.abi_encode().into(),
    ];
    for function in abi().functions() {
        let mut bytes = function.selector().to_vec();
        bytes.extend([0u8; 320]);
        calls.push(bytes.into());
    }
    for caller in [CHAIR, ANYBODY, crate::DECISIONS, AT, Address::ZERO] {
        for call in &calls {
            let _ = m.run(AT, caller, |cx| entry(cx, call));
            assert_eq!(permit_slots(&m), before);
        }
    }
    // What has no permit is refused to everybody by `allow`.
    let fault = m.run(address::schedule, CHAIR, allow::<grantCall>).unwrap_err();
    assert_eq!(fault.refusal::<NotPermitted>().unwrap().offices, 0);
    let fault = m.run(address::schedule, crate::DECISIONS, allow::<grantCall>).unwrap_err();
    assert!(fault.refusal::<NotPermitted>().is_some());
}

#[test]
fn lists_show_mandates_by_office_and_permits_page_by_page() {
    let mut m = usual();
    m.call(AT, entry, STREET, &granted(Office::Keeper, ANYBODY, NOW, 0)).unwrap();
    let all = m.call(AT, entry, ANYBODY, &mandatesCall { cursor: 0, limit: 2 }).unwrap();
    assert_eq!((all.items.len(), all.next), (2, 2));
    let rest = m.call(AT, entry, ANYBODY, &mandatesCall { cursor: 2, limit: 2 }).unwrap();
    assert_eq!((rest.items[0].holder, rest.items[0].grantedBy, rest.next), (ANYBODY, STREET, 0));
    let office = IRoles::Office::Keeper;
    let keepers = holdersCall { office, cursor: 0, limit: 9 };
    let keepers = m.call(AT, entry, ANYBODY, &keepers).unwrap();
    assert_eq!(keepers.items, rest.items);
    let mask = m.call(AT, entry, ANYBODY, &officesOfCall { account: ANYBODY }).unwrap();
    assert_eq!(mask, Office::Keeper.bit());
    let count = permits().len() as u64;
    let listed = m.call(AT, entry, ANYBODY, &permitsCall { cursor: 0, limit: 200 }).unwrap();
    assert_eq!((listed.items.len() as u64, listed.next), (count, 0));
    let grant = listed.items.iter().find(|row| row.module == AT && row.name == "grant").unwrap();
    assert_eq!(grant.selector.0, grantCall::SELECTOR);
}

#[test]
fn genesis_refuses_offices_that_cannot_be() {
    for offices in [
        vec![(Office::Chair, Address::ZERO, 0)],
        vec![(Office::Chair, CHAIR, NOW)],
        vec![(Office::Chair, CHAIR, 0), (Office::Chair, CHAIR, 0)],
    ] {
        let mut m = Memory::default();
        m.now = NOW;
        let fault = m.run(AT, Address::ZERO, |cx| genesis(cx, &offices, &[])).unwrap_err();
        assert!(matches!(fault, Fault::Fatal(_)));
    }
    for office in rule::ALL {
        let name = format!("{office:?}");
        let snake: String = name
            .char_indices()
            .map(|(i, c)| match c.is_ascii_uppercase() && i > 0 {
                true => format!("_{}", c.to_ascii_lowercase()),
                false => c.to_ascii_lowercase().to_string(),
            })
            .collect();
        assert_eq!(Office::from_name(&snake), Some(office));
    }
    assert_eq!(Office::from_name("king"), None);
    assert_eq!(Office::from_name("decision"), None);
}
