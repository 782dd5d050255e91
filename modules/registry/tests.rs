//! The roll of example R1 and what becomes of it: sales, corrections, objections, refusals.

use proptest::prelude::*;
use tulou_slots::Memory;

use super::*;
use crate::roles::IRoles::NotPermitted;

mod scopes;

const AT: Address = address::registry;
const REGISTRAR: Address = Address::repeat_byte(0xa7);
const STRANGER: Address = Address::repeat_byte(0xee);
const START: u64 = 1_772_294_400;
const BASIS: B256 = B256::repeat_byte(0xba);
const SCOPE: Scope = Scope { kind: ScopeKind::Estate, building: 0, stair: 0 };

/// Owners of R1: A, B, C, D1, D2, the developer, E, and the buyer of a home not handed over.
const A: u8 = 1;
const B: u8 = 2;
const C: u8 = 3;
const D1: u8 = 4;
const D2: u8 = 5;
const DEVELOPER: u8 = 6;
const E: u8 = 7;
const BUYER: u8 = 8;

fn commitment(number: u8) -> B256 {
    keccak256([b"owner ".as_slice(), &[number]].concat())
}

fn account(number: u8) -> Address {
    Address::with_last_byte(number)
}

fn entry_of(code: &str, area: u64) -> UnitEntry {
    UnitEntry {
        code: code.into(),
        building: 1,
        stair: 1,
        floor: 1,
        r#use: Use::Home,
        areaM2: area,
        areaSource: AreaSource::Registered,
        countsArea: true,
        countsHead: true,
        delivered: true,
        developerOwned: false,
    }
}

fn part(unit: u64, number: u8, kind: HoldingKind, (num, den): (u32, u32)) -> Holding {
    let owner = commitment(number);
    Holding { unit, owner, shareNum: num, shareDen: den, kind, since: 1_700_000_000 }
}

fn sole(unit: u64, number: u8) -> Holding {
    part(unit, number, HoldingKind::Sole, (1, 1))
}

fn joint(unit: u64, numbers: &[u8]) -> Vec<Holding> {
    numbers.iter().map(|&number| part(unit, number, HoldingKind::Joint, (1, 1))).collect()
}

fn empty() -> Memory {
    let mut m = Memory::default();
    m.now = START;
    let permits: Vec<_> = PERMITS.iter().map(|permit| (AT, *permit)).collect();
    let offices = [(Office::Registrar, REGISTRAR, START + 1_000 * DAY_S)];
    m.run(address::roles, Address::ZERO, |cx| roles::genesis(cx, &offices, &permits)).unwrap();
    m
}

fn write<Call: SolCall>(m: &mut Memory, call: &Call) -> Res<Call::Return> {
    m.call(AT, entry, REGISTRAR, call)
}

fn view<Call: SolCall>(m: &mut Memory, call: &Call) -> Call::Return {
    m.call(AT, entry, STRANGER, call).unwrap()
}

fn refused<Error: alloy_sol_types::SolError>(result: Res<impl Sized>) -> Error {
    let Err(fault) = result else { panic!("it went through") };
    fault.refusal().unwrap_or_else(|| panic!("another refusal: {fault:?}"))
}

/// R1: 800.00 m2 and six heads.
fn r1() -> Memory {
    let mut m = empty();
    let areas = [9_000, 11_000, 9_000, 11_000, 9_000, 11_000, 9_000, 11_000];
    let codes = ["101", "102", "201", "202", "301", "302", "401", "402"];
    let mut entries: Vec<_> = codes.into_iter().zip(areas).map(|(c, a)| entry_of(c, a)).collect();
    entries[5].developerOwned = true;
    entries[6].delivered = false;
    write(&mut m, &addUnitsCall { entries }).unwrap();
    write(&mut m, &addOwnersCall { owners: (1..=8).map(commitment).collect() }).unwrap();
    let mut holdings = vec![sole(1, A), sole(2, B), sole(3, C), sole(4, C)];
    holdings.extend(joint(5, &[D1, D2]));
    holdings.extend([sole(6, DEVELOPER), sole(7, BUYER), sole(8, E)]);
    write(&mut m, &addHoldingsCall { holdings }).unwrap();
    let accounts = (1..=8).map(account).collect();
    let owners = (1..=8).map(commitment).collect();
    write(&mut m, &bindCall { accounts, owners }).unwrap();
    m
}

fn totals(m: &mut Memory) -> (u32, u64, u32, u32) {
    let sums = view(m, &totalsCall {});
    (sums.units, sums.areaM2, sums.heads, sums.places)
}

fn taken(m: &mut Memory, scope: Scope) -> Roll {
    m.run(address::decisions, STRANGER, |cx| snapshot(cx, scope)).unwrap()
}

fn weight(m: &mut Memory, roll: u64, numbers: &[u8]) -> Option<(u64, u32)> {
    let owners: Vec<_> = numbers.iter().copied().map(commitment).collect();
    let head = match numbers {
        [DEVELOPER] => rule::developer_head(),
        _ => rule::owners_head(&owners),
    };
    let found = m.run(address::decisions, STRANGER, |cx| weight_at(cx, roll, head)).unwrap();
    found.map(|weight| (weight.area.0, weight.units))
}

fn voices(m: &mut Memory, roll: u64, number: u8) -> usize {
    m.run(address::decisions, STRANGER, |cx| heads_of(cx, roll, account(number))).unwrap().len()
}

#[test]
fn r1_has_800_square_metres_and_six_heads() {
    let mut m = r1();
    assert_eq!(totals(&mut m), (8, 80_000, 6, 0));
    let roll = taken(&mut m, SCOPE);
    assert_eq!((roll.area, roll.heads, roll.units), (Area(80_000), 6, 8));
    // Head, area, units: the developer has the unsold 302 and the sold 401 that is not handed over.
    let heads = [
        (&[A][..], Some((9_000, 1))),
        (&[B], Some((11_000, 1))),
        (&[C], Some((20_000, 2))),
        (&[D1, D2], Some((9_000, 1))),
        (&[D2, D1], Some((9_000, 1))),
        (&[DEVELOPER], Some((20_000, 2))),
        (&[D1], None),
        (&[BUYER], None),
    ];
    for (owners, expected) in heads {
        assert_eq!(weight(&mut m, roll.id, owners), expected, "{owners:?}");
    }
    let voices: Vec<_> = (1..=8).map(|number| voices(&mut m, roll.id, number)).collect();
    assert_eq!(voices, [1, 1, 1, 1, 1, 1, 1, 0]);
    let house = view(&mut m, &buildingsCall {});
    assert_eq!((house[0].areaM2, house[0].heads, house[0].stairs.clone()), (80_000, 6, vec![1]));
}

#[test]
fn a_person_alone_and_the_same_person_with_a_spouse_are_two_heads() {
    let mut m = r1();
    write(&mut m, &transferCall { unit: 2, holdings: joint(2, &[A, B]), basis: BASIS }).unwrap();
    // B alone is gone, A and B together are new.
    assert_eq!(totals(&mut m), (8, 80_000, 6, 0));
    let roll = taken(&mut m, SCOPE);
    assert_eq!(weight(&mut m, roll.id, &[A]), Some((9_000, 1)));
    assert_eq!(weight(&mut m, roll.id, &[B, A]), Some((11_000, 1)));
    assert_eq!((voices(&mut m, roll.id, A), voices(&mut m, roll.id, B)), (2, 1));
    let mine = view(&mut m, &mineCall { account: account(A) });
    assert_eq!(mine.iter().map(|unit| unit.id).collect::<Vec<_>>(), [1, 2]);
    // By shares or jointly: the same owners are the same head.
    let halves = [A, B].map(|number| part(1, number, HoldingKind::ByShare, (1, 2)));
    write(&mut m, &transferCall { unit: 1, holdings: halves.into(), basis: BASIS }).unwrap();
    assert_eq!(totals(&mut m), (8, 80_000, 5, 0));
}

#[test]
fn a_sale_during_the_vote_leaves_the_roll_as_it_was() {
    //
    let mut m = r1();
    let before = taken(&mut m, SCOPE);
    write(&mut m, &transferCall { unit: 1, holdings: vec![sole(1, E)], basis: BASIS }).unwrap();
    assert_eq!(weight(&mut m, before.id, &[A]), Some((9_000, 1)));
    assert_eq!(weight(&mut m, before.id, &[E]), Some((11_000, 1)));
    assert_eq!(voices(&mut m, before.id, A), 1);
    let after = taken(&mut m, SCOPE);
    assert_eq!((after.area, after.heads), (Area(80_000), 5));
    assert_eq!(weight(&mut m, after.id, &[A]), None);
    assert_eq!(weight(&mut m, after.id, &[E]), Some((20_000, 2)));
    let frozen = view(&mut m, &rollCall { id: before.id });
    assert_eq!((frozen.areaM2, frozen.heads, frozen.units), (80_000, 6, 8));
    assert!(!m.run(AT, STRANGER, |cx| is_owner(cx, account(A))).unwrap());
    assert_eq!(view(&mut m, &headsOfCall { account: account(E) })[0].areaM2, 20_000);
}

#[test]
fn who_buys_from_the_developer_votes_once_the_keys_are_handed_over() {
    let mut m = r1();
    let unsold = taken(&mut m, SCOPE);
    // 302 goes to B, who must not speak for the developer at any moment.
    write(&mut m, &transferCall { unit: 6, holdings: vec![sole(6, B)], basis: BASIS }).unwrap();
    let sold = taken(&mut m, SCOPE);
    assert_eq!(weight(&mut m, sold.id, &[B]), Some((22_000, 2)));
    assert_eq!(weight(&mut m, sold.id, &[DEVELOPER]), Some((9_000, 1)));
    assert_eq!((voices(&mut m, sold.id, B), voices(&mut m, sold.id, DEVELOPER)), (1, 0));
    assert_eq!((voices(&mut m, unsold.id, B), voices(&mut m, unsold.id, DEVELOPER)), (1, 1));
    // 401 is handed over to its buyer.
    let handed = correctUnitCall {
        unit: 7,
        areaM2: 9_000,
        areaSource: AreaSource::Registered,
        delivered: true,
        developerOwned: false,
        basis: BASIS,
    };
    write(&mut m, &handed).unwrap();
    let roll = taken(&mut m, SCOPE);
    assert_eq!(weight(&mut m, roll.id, &[BUYER]), Some((9_000, 1)));
    assert_eq!(weight(&mut m, roll.id, &[DEVELOPER]), None);
    // A unit marked unsold by mistake, and mended: its owner keeps no voice of the developer.
    write(&mut m, &correctUnitCall { developerOwned: true, ..handed.clone() }).unwrap();
    let mistaken = taken(&mut m, SCOPE);
    assert_eq!(voices(&mut m, mistaken.id, BUYER), 1);
    write(&mut m, &handed).unwrap();
    let mended = taken(&mut m, SCOPE);
    assert_eq!(
        (weight(&mut m, mended.id, &[DEVELOPER]), voices(&mut m, mended.id, BUYER)),
        (None, 1)
    );
}

#[test]
fn an_upheld_objection_and_a_correction_come_to_a_new_roll() {
    let mut m = r1();
    let first = write(&mut m, &postRollCall {}).unwrap();
    let posted = view(&mut m, &rollCall { id: first });
    assert_eq!(posted.postedUntil, START + 15 * DAY_S);
    let object = objectCall { roll: first, unit: 1, reasonHash: BASIS };
    let raised = m.call(AT, entry, account(A), &object).unwrap();
    assert_eq!(view(&mut m, &rollCall { id: first }).openObjections, 1);
    write(&mut m, &answerCall { objection: raised, upheld: true, answerHash: BASIS }).unwrap();
    let corrected = correctUnitCall {
        unit: 1,
        areaM2: 9_001,
        areaSource: AreaSource::Surveyed,
        delivered: true,
        developerOwned: false,
        basis: BASIS,
    };
    write(&mut m, &corrected).unwrap();
    let second = write(&mut m, &postRollCall {}).unwrap();
    assert_eq!((view(&mut m, &rollCall { id: first }).areaM2, second), (80_000, first + 1));
    assert_eq!(view(&mut m, &rollCall { id: second }).areaM2, 80_001);
    let areas = |m: &mut Memory, roll| m.run(AT, STRANGER, |cx| units_in(cx, roll, SCOPE)).unwrap();
    assert_eq!(
        (areas(&mut m, first)[0], areas(&mut m, second)[0]),
        ((1, Area(9_000)), (1, Area(9_001)))
    );
    let list = view(&mut m, &objectionsCall { ofRoll: first, cursor: 0, limit: 10 });
    assert_eq!(list.items[0].state, ObjectionState::Upheld);
    // The last second of the posting, and the first after it.
    m.now = START + 15 * DAY_S - 1;
    m.call(AT, entry, account(B), &object).unwrap();
    m.now += 1;
    let late: NotPosted = refused(m.call(AT, entry, account(B), &object));
    assert_eq!(late.postedUntil, m.now);
}

#[test]
fn parking_places_are_counted_and_do_not_vote() {
    let mut m = r1();
    let place = UnitEntry {
        r#use: Use::Parking,
        building: 0,
        stair: 0,
        countsArea: false,
        countsHead: false,
        ..entry_of("P-001", 1_272)
    };
    write(&mut m, &addUnitsCall { entries: vec![place] }).unwrap();
    write(&mut m, &addHoldingsCall { holdings: vec![sole(9, BUYER)] }).unwrap();
    assert_eq!(totals(&mut m), (8, 80_000, 6, 1));
    assert!(!m.run(AT, STRANGER, |cx| is_owner(cx, account(BUYER))).unwrap());
    assert_eq!(view(&mut m, &unitByCodeCall { code: "P-001".into() }).id, 9);
    let second = view(&mut m, &unitsCall { ofBuilding: 0, cursor: 5, limit: 3 });
    assert_eq!((second.items[0].id, second.next), (6, 8));
    assert_eq!(view(&mut m, &unitsCall { ofBuilding: 1, cursor: 0, limit: 200 }).items.len(), 8);
}

/// Cells of a file of the reference estate, without its header. None of those read here is quoted.
fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

fn owner_of(id: &str) -> B256 {
    keccak256(id)
}

fn guihua_units() -> Vec<UnitEntry> {
    let rows = rows(include_str!("../../demo/guihua/units.csv"));
    rows.map(|row| UnitEntry {
        building: row[1].parse().unwrap_or(0),
        stair: row[2].parse().unwrap_or(0),
        floor: row[3].parse().unwrap_or(0),
        r#use: match row[5] {
            "home" => Use::Home,
            "shop" => Use::Shop,
            _ => Use::Parking,
        },
        countsArea: row[8] == "true",
        countsHead: row[9] == "true",
        delivered: row[10] == "true",
        developerOwned: row[11] == "true",
        ..entry_of(row[0], row[6].parse::<Area>().unwrap().0)
    })
    .collect()
}

fn guihua_holdings(units: &[UnitEntry]) -> Vec<Holding> {
    let number = |code| 1 + units.iter().position(|unit| unit.code == code).unwrap() as u64;
    let rows = rows(include_str!("../../demo/guihua/holdings.csv"));
    rows.map(|row| Holding {
        unit: number(row[0]),
        owner: owner_of(row[1]),
        shareNum: row[2].parse().unwrap(),
        shareDen: row[3].parse().unwrap(),
        kind: match row[4] {
            "sole" => HoldingKind::Sole,
            "joint" => HoldingKind::Joint,
            _ => HoldingKind::ByShare,
        },
        since: 1,
    })
    .collect()
}

#[test]
fn guihua_garden_comes_to_what_is_written_about_it() {
    let mut m = empty();
    let units = guihua_units();
    for entries in units.chunks(50).map(<[_]>::to_vec) {
        write(&mut m, &addUnitsCall { entries }).unwrap();
    }
    let holdings = guihua_holdings(&units);
    let owners: std::collections::BTreeSet<_> = holdings.iter().map(|part| part.owner).collect();
    write(&mut m, &addOwnersCall { owners: owners.into_iter().collect() }).unwrap();
    for holdings in holdings.chunk_by(|a, b| a.unit == b.unit).map(<[_]>::to_vec) {
        write(&mut m, &addHoldingsCall { holdings }).unwrap();
    }
    assert_eq!(totals(&mut m), (126, 1_302_480, 116, 140));
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("../../demo/guihua/expected.json")).unwrap();
    let area = |value: &serde_json::Value| value.as_str().unwrap().parse::<Area>().unwrap().0;
    for house in view(&mut m, &buildingsCall {}) {
        let written = &expected["buildings"][house.building.to_string()];
        assert_eq!(
            (house.areaM2, house.heads),
            (area(&written["area_m2"]), written["heads"].as_u64().unwrap() as u32)
        );
    }
    let roll = taken(&mut m, SCOPE).id;
    for (label, written) in expected["head_units"].as_object().unwrap() {
        let owners: Vec<_> = label.split('+').map(owner_of).collect();
        let head = match label.as_str() {
            "developer" => rule::developer_head(),
            _ => rule::owners_head(&owners),
        };
        let found = m.run(AT, STRANGER, |cx| weight_at(cx, roll, head)).unwrap().unwrap();
        let units = written["units"].as_array().unwrap().len() as u32;
        assert_eq!((found.area.0, found.units), (area(&written["area_m2"]), units), "{label}");
    }
}

#[test]
fn a_scope_without_units_and_a_roll_that_is_not_there_are_refused() {
    let mut m = r1();
    let stair = Scope { kind: ScopeKind::Stair, building: 1, stair: 2 };
    let none: NoSuchScope = refused(m.run(AT, STRANGER, |cx| snapshot(cx, stair)));
    assert_eq!((none.kind, none.building, none.stair), (3, 1, 2));
    for id in [0, 1, u64::MAX] {
        let head = rule::developer_head();
        let none: NoSuchRoll = refused(m.run(AT, STRANGER, |cx| weight_at(cx, id, head)));
        assert_eq!(none.roll, id);
    }
}

#[test]
fn units_are_refused_in_order_of_precedence() {
    let mut m = r1();
    let sound = entry_of("501", 9_000);
    let mut add = |entry: UnitEntry| write(&mut m, &addUnitsCall { entries: vec![entry] });
    let code = |code: &str| UnitEntry { code: code.into(), ..sound.clone() };
    assert_eq!(refused::<BadCode>(add(code(""))).bytesGiven, 0);
    assert_eq!(refused::<BadCode>(add(code(&"9".repeat(32)))).bytesGiven, 32);
    let empty = UnitEntry { areaM2: 0, r#use: Use::None, ..code("101") };
    assert_eq!(refused::<CodeTaken>(add(empty.clone())).unit, 1);
    let empty = UnitEntry { code: "501".into(), ..empty };
    assert_eq!(refused::<BadEntry>(add(empty.clone())).code, "501");
    let homeless = UnitEntry { building: 0, ..sound.clone() };
    assert_eq!(refused::<BadEntry>(add(homeless)).code, "501");
    assert_eq!(refused::<NoArea>(add(UnitEntry { r#use: Use::Home, ..empty })).code, "501");
    let half = UnitEntry { countsHead: false, ..sound.clone() };
    assert_eq!(refused::<NoArea>(add(half)).code, "501");
    add(code(&"9".repeat(31))).unwrap();
    let most = usize::try_from(UNITS_MOST).unwrap();
    for count in [0, most + 1] {
        let entries = vec![sound.clone(); count];
        let bad: BadBatch = refused(write(&mut m, &addUnitsCall { entries }));
        assert_eq!(bad.given, count as u64);
    }
    // Nothing of a refused batch stays.
    let entries = vec![sound.clone(), sound];
    let twice: CodeTaken = refused(write(&mut m, &addUnitsCall { entries }));
    assert_eq!((twice.unit, totals(&mut m).0), (10, 9));
}

#[test]
fn holdings_are_refused_in_order_of_precedence() {
    let mut m = r1();
    write(&mut m, &addUnitsCall { entries: vec![entry_of("501", 9_000)] }).unwrap();
    let mut add = |holdings: Vec<Holding>| write(&mut m, &addHoldingsCall { holdings });
    assert_eq!(refused::<BadBatch>(add(Vec::new())).given, 0);
    assert_eq!(refused::<NoSuchUnit>(add(vec![sole(10, A)])).unit, 10);
    assert_eq!(refused::<HasHoldings>(add(vec![sole(1, 99)])).unit, 1);
    assert_eq!(refused::<UnknownOwner>(add(vec![sole(9, 99)])).owner, commitment(99));
    assert_eq!(refused::<OwnerTwice>(add(joint(9, &[A, A]))).unit, 9);
    let by_share = |shares: &[(u32, u32)]| -> Vec<Holding> {
        (1..).zip(shares).map(|(n, &s)| part(9, n, HoldingKind::ByShare, s)).collect()
    };
    let mixed = vec![sole(9, A), part(9, B, HoldingKind::Joint, (1, 1))];
    let bad = [
        vec![sole(9, A), sole(9, B)],
        joint(9, &[A]),
        mixed,
        vec![part(9, A, HoldingKind::None, (1, 1))],
        vec![part(9, A, HoldingKind::Sole, (1, 2))],
        vec![part(9, A, HoldingKind::Joint, (1, 2)), part(9, B, HoldingKind::Joint, (1, 2))],
        by_share(&[(1, 1)]),
        by_share(&[(1, 3), (1, 3)]),
        by_share(&[(1, 2), (1, 2), (1, 2)]),
        by_share(&[(1, 0), (1, 2)]),
        by_share(&[(0, 2), (2, 2)]),
    ];
    for holdings in bad {
        assert_eq!(refused::<BadShares>(add(holdings.clone())).unit, 9, "{holdings:?}");
    }
    add(by_share(&[(1, 3), (1, 3), (1, 3)])).unwrap();
    let wrong = transferCall { unit: 9, holdings: vec![sole(1, A)], basis: BASIS };
    assert_eq!(refused::<NoSuchUnit>(write(&mut m, &wrong)).unit, 1);
    let known: OwnerKnown = refused(write(&mut m, &addOwnersCall { owners: vec![commitment(A)] }));
    assert_eq!(known.owner, commitment(A));
    assert_eq!(
        refused::<OwnerKnown>(write(&mut m, &addOwnersCall { owners: vec![B256::ZERO] })).owner,
        B256::ZERO
    );
}

#[test]
fn accounts_objections_and_answers_are_refused_in_order_of_precedence() {
    let mut m = r1();
    let bind = |a: u8, o: u8| bindCall { accounts: vec![account(a)], owners: vec![commitment(o)] };
    assert_eq!(refused::<UnknownOwner>(write(&mut m, &bind(A, 99))).owner, commitment(99));
    assert_eq!(refused::<AccountBound>(write(&mut m, &bind(A, B))).owner, commitment(A));
    let uneven = bindCall { accounts: vec![account(50)], owners: vec![] };
    assert_eq!(refused::<BadBatch>(write(&mut m, &uneven)).given, 0);
    // An owner may have a second account, and an account another owner once it is free.
    let counted = view(&mut m, &bindingsCall {}).counter;
    write(&mut m, &bind(50, A)).unwrap();
    let way = |m: &mut Memory| view(m, &bindingOfCall { account: account(50) }).way;
    assert_eq!((way(&mut m), view(&mut m, &bindingsCall {}).counter), (Way::Counter, counted + 1));
    let unbind = unbindCall { account: account(50), reasonHash: BASIS };
    write(&mut m, &unbind).unwrap();
    assert_eq!((way(&mut m), view(&mut m, &bindingsCall {}).counter), (Way::None, counted + 1));
    assert_eq!(refused::<NotBound>(write(&mut m, &unbind)).account, account(50));
    write(&mut m, &bind(50, B)).unwrap();
    assert_eq!(view(&mut m, &ownerOfCall { account: account(50) }), commitment(B));

    let object = |roll, unit| objectCall { roll, unit, reasonHash: BASIS };
    assert_eq!(refused::<NoSuchRoll>(m.call(AT, entry, STRANGER, &object(1, 99))).roll, 1);
    let quiet = taken(&mut m, SCOPE).id;
    assert_eq!(
        refused::<NotPosted>(m.call(AT, entry, STRANGER, &object(quiet, 99))).postedUntil,
        0
    );
    let roll = write(&mut m, &postRollCall {}).unwrap();
    assert_eq!(
        refused::<NotAnOwner>(m.call(AT, entry, STRANGER, &object(roll, 99))).account,
        STRANGER
    );
    assert_eq!(refused::<NoSuchUnit>(m.call(AT, entry, account(A), &object(roll, 99))).unit, 99);
    let objection = m.call(AT, entry, account(A), &object(roll, 8)).unwrap();
    let answer = |objection| answerCall { objection, upheld: false, answerHash: BASIS };
    assert_eq!(refused::<NoSuchObjection>(write(&mut m, &answer(2))).objection, 2);
    write(&mut m, &answer(objection)).unwrap();
    assert_eq!(refused::<AlreadyAnswered>(write(&mut m, &answer(objection))).objection, objection);
}

#[test]
fn only_the_office_writes() {
    let mut m = r1();
    let units = addUnitsCall { entries: Vec::new() };
    let denied: NotPermitted = refused(m.call(AT, entry, STRANGER, &units));
    assert_eq!((denied.account, denied.module), (STRANGER, AT));
    for denied in [
        m.call(AT, entry, STRANGER, &addOwnersCall { owners: vec![] }).map(drop),
        m.call(AT, entry, STRANGER, &addHoldingsCall { holdings: vec![] }).map(drop),
        m.call(AT, entry, STRANGER, &transferCall { unit: 1, holdings: vec![], basis: BASIS })
            .map(drop),
        m.call(AT, entry, STRANGER, &bindCall { accounts: vec![], owners: vec![] }).map(drop),
        m.call(AT, entry, STRANGER, &unbindCall { account: STRANGER, reasonHash: BASIS }).map(drop),
        m.call(AT, entry, STRANGER, &postRollCall {}).map(drop),
        m.call(AT, entry, STRANGER, &answerCall { objection: 1, upheld: true, answerHash: BASIS })
            .map(drop),
    ] {
        refused::<NotPermitted>(denied);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// sums are those of the heads, now and in every roll, whatever is sold in between.
    #[test]
    fn sums_are_those_of_the_heads(sales in prop::collection::vec((1u64..=8, 1u8..=8, 1u8..=8, any::<bool>()), 1..24)) {
        let mut m = r1();
        let mut owner_sets: std::collections::BTreeMap<u64, Vec<u8>> =
            [(1, vec![A]), (2, vec![B]), (3, vec![C]), (4, vec![C]), (5, vec![D1, D2]), (8, vec![E])].into();
        let mut rolls = Vec::new();
        for (unit, one, other, freeze) in sales {
            let holdings = if one == other { vec![sole(unit, one)] } else { joint(unit, &[one, other]) };
            write(&mut m, &transferCall { unit, holdings, basis: BASIS }).unwrap();
            // 401 stays the developer's; 302 is sold, and was handed over as entered.
            if unit != 7 {
                let mut set = vec![one, other];
                set.sort_unstable();
                set.dedup();
                owner_sets.insert(unit, set);
            }
            if freeze {
                rolls.push((taken(&mut m, SCOPE), owner_sets.clone()));
            }
        }
        rolls.push((taken(&mut m, SCOPE), owner_sets));
        for (roll, owner_sets) in rolls {
            let mut heads: Vec<_> = owner_sets.values().cloned().collect();
            heads.sort();
            heads.dedup();
            let mut area = 0;
            for head in &heads {
                let owners: Vec<_> = head.iter().copied().map(commitment).collect();
                let head = rule::owners_head(&owners);
                let weight = m.run(AT, STRANGER, |cx| weight_at(cx, roll.id, head)).unwrap();
                area += weight.unwrap().area.0;
            }
            area += weight(&mut m, roll.id, &[DEVELOPER]).unwrap().0;
            prop_assert_eq!((roll.area.0, area, roll.heads as usize), (80_000, 80_000, heads.len() + 1));
        }
    }
}
