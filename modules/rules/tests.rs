use alloy_json_abi::StateMutability::View;
use tulou_slots::Memory;

use super::*;

const AT: Address = crate::address::rules;
const OWNER: Address = Address::repeat_byte(0xaa);
/// 2026-01-01 00:00 in Shanghai.
const NOW: u64 = 1_767_196_800;

const LAW: &str = r#"
[pack]
name = "cn"
layer = "national"
title = "Law"

[[rule]]
key = "vote.area"
value = "2/3"
unit = "at_least"
source = "Civil Code"
article = "278(2)"
effective_from = 2021-01-01
bound = "floor"

[[rule]]
key = "post.days"
value = 30
unit = "days"
source = "Ordinance"
article = "16"
effective_from = 2021-01-01
bound = "ceiling"

[[rule]]
key = "notice.days"
value = 15
unit = "days"
source = "Ordinance"
article = "14"
effective_from = 2021-01-01
bound = "local"

[[rule]]
key = "silence"
value = false
unit = "flag"
source = "Guideline"
article = "26"
effective_from = 2021-01-01
bound = "none"

[[rule]]
key = "old"
value = 1
unit = "count"
source = "Ordinance"
article = "1"
effective_from = 2003-09-01
effective_to = 2021-01-01
bound = "none"
"#;

fn blank() -> Memory {
    let mut m = Memory::default();
    m.now = NOW;
    m
}

fn book(texts: &[&str]) -> Memory {
    let mut m = blank();
    let packs: Vec<_> = texts.iter().map(|text| pack::parse("test.toml", text).unwrap()).collect();
    m.run(AT, Address::ZERO, |cx| genesis(cx, &packs)).unwrap();
    m
}

fn ask<T>(m: &mut Memory, f: impl FnOnce(&mut Cx<'_>) -> Res<T>) -> Res<T> {
    m.run(crate::address::documents, OWNER, f)
}

fn tightened(key: &str, num: u64, den: u64, from_at: u64) -> tightenCall {
    let basis = B256::repeat_byte(9);
    tightenCall { key: key.into(), num, den, fromAt: from_at, basis }
}

fn decide(m: &mut Memory, call: &tightenCall) -> Res<()> {
    m.call(AT, entry, crate::DECISIONS, call).map(|_| ())
}

#[test]
fn the_standard_packs_hold_the_numbers_of_the_law() {
    let names = ["cn", "cn-hangzhou"];
    let mut m = book(&names.map(|name| standard_pack(name).unwrap()));
    for (key, want) in [
        ("vote.participation.area", (2, 3)),
        ("vote.participation.heads", (2, 3)),
        ("vote.consent.ordinary.area", (1, 2)),
        ("vote.consent.ordinary.heads", (1, 2)),
        ("vote.consent.special.area", (3, 4)),
        ("vote.consent.special.heads", (3, 4)),
    ] {
        let Ratio { num, den } = ask(&mut m, |cx| ratio(cx, key)).unwrap();
        assert_eq!((num, den), want, "{key}");
    }
    for (key, want) in [
        ("vote.notice_days", 15),
        ("vote.notice_days.extraordinary", 7),
        ("vote.period_days.min", 5),
        ("vote.period_days.max", 60),
        ("fund.audit_free_max", 3_000_000),
        ("vote.late_quorum_hours", 0),
    ] {
        assert_eq!(ask(&mut m, |cx| number(cx, key)), Ok(want), "{key}");
    }
    let unit = |m: &mut Memory, key: &str| {
        m.call(AT, entry, OWNER, &ruleCall { key: key.into() }).unwrap().unit
    };
    assert_eq!(unit(&mut m, "vote.participation.area"), Unit::AtLeast);
    assert_eq!(unit(&mut m, "vote.consent.ordinary.area"), Unit::MoreThan);
}

#[test]
fn a_city_goes_before_the_nation_and_each_value_has_its_dates() {
    let mut m = book(&["cn", "cn-hangzhou"].map(|name| standard_pack(name).unwrap()));
    let at = |m: &mut Memory, at: u64| {
        let key = "vote.notice_days.extraordinary".to_owned();
        m.call(AT, entry, OWNER, &ruleAtCall { key, at }).map(|rule| (rule.layer, rule.num))
    };
    // Hangzhou's ordinance begins 2022-03-01 00:00 in Shanghai.
    let begins = 1_646_064_000;
    assert_eq!(at(&mut m, begins - 1), Ok((Layer::National, 15)));
    assert_eq!(at(&mut m, begins), Ok((Layer::City, 7)));
    let before_any_law = at(&mut m, 1).unwrap_err();
    assert!(before_any_law.refusal::<NoSuchRule>().is_some());

    let mut m = book(&[LAW]);
    assert_eq!(ask(&mut m, |cx| number_or(cx, "old", Some(7))), Ok(Some(7)));
    m.now = 1_609_430_400 - 1; // the last second of 2020 in Shanghai
    assert_eq!(ask(&mut m, |cx| number(cx, "old")), Ok(1));
}

#[test]
fn units_and_missing_keys_are_refused_by_name() {
    let mut m = book(&[LAW]);
    let missing = ask(&mut m, |cx| number(cx, "no.such")).unwrap_err();
    assert_eq!(missing.refusal::<NoSuchRule>().unwrap().key, "no.such");
    let missing = ask(&mut m, |cx| ratio(cx, "no.such")).unwrap_err();
    assert!(missing.refusal::<NoSuchRule>().is_some());
    let share = ask(&mut m, |cx| number(cx, "vote.area")).unwrap_err();
    assert_eq!(share.refusal::<WrongUnit>().unwrap().unit, Unit::AtLeast);
    let days = ask(&mut m, |cx| ratio(cx, "post.days")).unwrap_err();
    assert_eq!(days.refusal::<WrongUnit>().unwrap().unit, Unit::Days);
}

#[test]
fn by_laws_tighten_one_unit_and_never_loosen_one() {
    // RU-2: key, by-laws' value, whether it is allowed
    for (key, num, den, allowed) in [
        ("vote.area", 2, 3, true),
        ("vote.area", 66_667, 100_000, true),
        ("vote.area", 66_666, 100_000, false),
        ("vote.area", 1, 1, true),
        ("post.days", 30, 1, true),
        ("post.days", 29, 1, true),
        ("post.days", 31, 1, false),
        ("silence", 1, 1, true),
        ("silence", 0, 1, true),
    ] {
        let mut m = book(&[LAW]);
        let done = decide(&mut m, &tightened(key, num, den, NOW));
        assert_eq!(done.is_ok(), allowed, "{key} {num}/{den}");
        if let Err(refused) = done {
            let TooLoose { num: n, lawNum, .. } = refused.refusal().unwrap();
            assert!((n, lawNum) == (num, 2) || (n, lawNum) == (num, 30));
        }
    }
}

#[test]
fn tighten_refuses_in_this_order() {
    // RU-3: beside it only the council writes, and it is open to passed decisions alone.
    let mut m = book(&[LAW]);
    let writes = abi();
    let writes = writes.functions().filter(|f| !matches!(f.state_mutability, View));
    assert_eq!(writes.map(|f| f.name.as_str()).collect::<Vec<_>>(), ["adoptPack", "tighten"]);
    // Every earlier fault stays in the later calls, so that the order shows.
    let call = tightened("no.such", 1, 0, NOW - 1);
    let by_owner = m.call(AT, entry, OWNER, &call).map(|_| ()).unwrap_err();
    assert_eq!(by_owner.refusal::<OnlyByDecision>().unwrap().caller, OWNER);
    let missing = decide(&mut m, &call).unwrap_err();
    assert!(missing.refusal::<NoSuchRule>().is_some());
    let over = decide(&mut m, &tightened("old", 1, 0, NOW)).unwrap_err();
    assert!(over.refusal::<NoSuchRule>().is_some());
    for (key, num, den) in
        [("notice.days", 15, 0), ("vote.area", 4, 3), ("post.days", 30, 2), ("silence", 2, 1)]
    {
        let bad = decide(&mut m, &tightened(key, num, den, NOW)).unwrap_err();
        assert!(bad.refusal::<BadValue>().is_some(), "{key}");
    }
    let closed = decide(&mut m, &tightened("notice.days", 16, 1, NOW)).unwrap_err();
    assert_eq!(closed.refusal::<NotForByLaws>().unwrap().bound, Bound::Local);
    let loose = decide(&mut m, &tightened("vote.area", 1, 2, NOW)).unwrap_err();
    assert_eq!(loose.refusal::<TooLoose>().unwrap().bound, Bound::Floor);
    for _ in 0..VERSIONS_MAX {
        decide(&mut m, &tightened("vote.area", 3, 4, NOW)).unwrap();
    }
    let full = decide(&mut m, &tightened("vote.area", 3, 4, NOW)).unwrap_err();
    assert_eq!(full.refusal::<TooManyVersions>().unwrap().most, VERSIONS_MAX);
}

#[test]
fn by_laws_begin_on_their_day_and_history_keeps_everything() {
    // RU-1, RU-4
    let mut m = book(&[LAW]);
    decide(&mut m, &tightened("vote.area", 3, 4, NOW + 100)).unwrap();
    let area = |m: &mut Memory| ask(m, |cx| ratio(cx, "vote.area")).unwrap();
    m.now = NOW + 99;
    assert_eq!(area(&mut m), Ratio { num: 2, den: 3 });
    m.now = NOW + 100;
    assert_eq!(area(&mut m), Ratio { num: 3, den: 4 });
    decide(&mut m, &tightened("vote.area", 4, 5, NOW + 200)).unwrap();
    m.now = NOW + 200;
    assert_eq!(area(&mut m), Ratio { num: 4, den: 5 });
    let key = "vote.area".to_owned();
    let all = historyCall { key: key.clone(), cursor: 0, limit: 10 };
    let all = m.call(AT, entry, OWNER, &all).unwrap();
    let seen: Vec<_> = all.items.iter().map(|rule| (rule.layer, rule.num)).collect();
    assert_eq!(seen, [(Layer::National, 2), (Layer::ByLaws, 3), (Layer::ByLaws, 4)]);
    assert_eq!((all.items[1].source.as_str(), all.items[1].basis), ("by-laws", B256::repeat_byte(9)));
    let second = m.call(AT, entry, OWNER, &historyCall { key, cursor: 1, limit: 1 }).unwrap();
    assert_eq!((second.items[0].num, second.next), (3, 2));
}

#[test]
fn a_decision_carried_out_late_counts_from_then_on() {
    // RU-3: the day before it was carried out keeps its rule.
    let mut m = book(&[LAW]);
    decide(&mut m, &tightened("vote.area", 3, 4, NOW - 100)).unwrap();
    for (at, want) in [(NOW - 1, 2), (NOW, 3)] {
        let rule = m.call(AT, entry, OWNER, &ruleAtCall { key: "vote.area".into(), at }).unwrap();
        assert_eq!(rule.num, want, "{at}");
    }
}

#[test]
fn the_book_hash_follows_every_change_and_nothing_else() {
    // RU-5
    let hash = |m: &mut Memory| ask(m, pack_hash).unwrap();
    let city = LAW.replace("national", "city").replace("\"cn\"", "\"cn-x\"");
    let (mut a, mut b) = (book(&[LAW]), book(&[LAW]));
    assert_eq!(hash(&mut a), hash(&mut b));
    b.now += 1;
    assert_eq!(hash(&mut a), hash(&mut b));
    let with_city = hash(&mut book(&[LAW, &city]));
    assert_ne!(hash(&mut a), with_city);
    let other = LAW.replace("= 15", "= 16");
    assert_ne!(hash(&mut book(&[&other])), hash(&mut a));
    decide(&mut a, &tightened("vote.area", 3, 4, NOW)).unwrap();
    decide(&mut b, &tightened("vote.area", 4, 5, NOW + 1)).unwrap();
    assert_ne!(hash(&mut a), hash(&mut b));
    let editions = a.call(AT, entry, OWNER, &editionsCall { cursor: 0, limit: 0 }).unwrap();
    assert_eq!((editions.items.len(), editions.next), (1, 1));
    assert_eq!(editions.items[0].source, keccak256(LAW));
    let last = a.call(AT, entry, OWNER, &editionsCall { cursor: 1, limit: 9 }).unwrap();
    assert_eq!((last.items[0].name.as_str(), last.next), ("vote.area", 0));
    assert_eq!(last.items[0].bookHash, hash(&mut a));
    let shown = a.call(AT, entry, OWNER, &bookHashCall {}).unwrap();
    assert_eq!(shown, hash(&mut a));
}

#[test]
fn the_list_shows_one_value_per_key() {
    let mut m = book(&[LAW]);
    let all = m.call(AT, entry, OWNER, &rulesCall { cursor: 0, limit: 99 }).unwrap();
    let keys: Vec<_> = all.items.iter().map(|rule| rule.key.as_str()).collect();
    // "old" is over and not shown.
    assert_eq!(keys, ["vote.area", "post.days", "notice.days", "silence"]);
    let part = m.call(AT, entry, OWNER, &rulesCall { cursor: 2, limit: 1 }).unwrap();
    assert_eq!((part.items[0].id, part.next), (3, 3));
}

#[test]
fn a_malformed_pack_names_line_column_and_reason() {
    // RU-6: what to replace, by what, line, column, a word of the reason
    for (from, to, line, column, word) in [
        ("\"national\"", "\"village\"", 4, 9, "village"),
        ("name = \"cn\"", "name = \"CN\"", 3, 8, "name"),
        ("key = \"vote.area\"", "key = \"vote..area\"", 8, 7, "key"),
        ("key = \"silence\"", "key = \"vote.area\"", 34, 1, "line 7"),
        ("value = \"2/3\"", "value = \"4/3\"", 9, 9, "at_least"),
        ("value = \"2/3\"", "value = \"2/0\"", 9, 9, "at_least"),
        ("value = \"2/3\"", "value = \"-2/3\"", 9, 9, "at_least"),
        ("value = 30", "value = \"30\"", 18, 9, "days"),
        ("value = false", "value = 2", 36, 9, "flag"),
        ("unit = \"days\"", "unit = \"weeks\"", 19, 8, "weeks"),
        ("bound = \"ceiling\"", "bound = \"roof\"", 23, 9, "roof"),
        ("source = \"Civil Code\"", "source = \" \"", 11, 10, "source"),
        ("2003-09-01", "1969-12-31", 49, 18, "date"),
        ("2003-09-01", "2003-09-01T00:00:00", 49, 18, "date"),
        ("effective_to = 2021-01-01", "effective_to = 2003-09-01", 50, 16, "ends"),
        ("2003-09-01", "2003-02-30", 49, 18, ""),
        ("article = \"16\"\n", "", 16, 1, "article"),
        ("article = \"16\"", "artikel = \"16\"", 21, 1, "artikel"),
        ("[pack]", "[pack", 2, 6, ""),
    ] {
        let broken = LAW.replacen(from, to, 1);
        assert_ne!(broken, LAW, "{from:?} is not in the pack");
        let error = pack::parse("x.toml", &broken).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{to:?}: {error}");
        assert!(error.reason.contains(word), "{error}");
        assert!(error.to_string().starts_with(&format!("x.toml:{line}:{column}: ")));
    }
    assert!(pack::parse("x.toml", "").is_err());
    assert!(pack::parse("x.toml", "\u{0}\u{ffff}").is_err());
}

#[test]
fn a_city_pack_that_loosens_national_law_is_not_loaded() {
    let city = |text: &str| text.replace("national", "city").replace("\"cn\"", "\"cn-x\"");
    let national = pack::parse("cn.toml", LAW).unwrap();
    for (from, to, loads) in [
        ("\"2/3\"", "\"3/4\"", true),
        ("\"2/3\"", "\"1/2\"", false),
        ("value = 30", "value = 29", true),
        ("value = 30", "value = 31", false),
        ("value = 15", "value = 7", true),
        ("unit = \"days\"", "unit = \"hours\"", false),
    ] {
        let city = pack::parse("city.toml", &city(&LAW.replacen(from, to, 1))).unwrap();
        let mut m = blank();
        let done = m.run(AT, Address::ZERO, |cx| genesis(cx, &[national.clone(), city]));
        assert_eq!(done.is_ok(), loads, "{to}");
        if let Err(fault) = done {
            assert!(matches!(fault, Fault::Fatal(text) if text.starts_with("city.toml:")));
            assert!(m.slots.is_empty(), "a part of a pack was loaded");
        }
    }
}

#[test]
fn the_council_adopts_an_edition_that_the_program_knows() {
    // RU-3
    use crate::council::{
        ICouncil::OnlyCouncil,
        tests::world::{ANYBODY, COUNCIL, consortium, member, refused},
    };
    let mut m = consortium(&[1, 1, 1, 1]);
    let adopt = |name: &str, hash| adoptPackCall { name: name.into(), hash };
    let hash = |name| keccak256(standard_pack(name).unwrap());
    refused::<OnlyCouncil>(m.call(AT, entry, member(1), &adopt("x", B256::ZERO)));
    let unknown = refused::<NoSuchPack>(m.call(AT, entry, COUNCIL, &adopt("x", B256::ZERO)));
    assert_eq!(unknown.name, "x");
    let other = m.call(AT, entry, COUNCIL, &adopt("cn-hangzhou", B256::ZERO));
    assert_eq!(refused::<OtherPack>(other).known, hash("cn-hangzhou"));
    let same = m.call(AT, entry, COUNCIL, &adopt("cn", hash("cn")));
    assert_eq!(refused::<PackDoesNotFit>(same).reason, "it changes nothing");
    m.call(AT, entry, COUNCIL, &adopt("cn-hangzhou", hash("cn-hangzhou"))).unwrap();
    let days = m.run(ANYBODY, ANYBODY, |cx| number(cx, "vote.notice_days")).unwrap();
    assert_eq!(days, 15);
    let again = m.call(AT, entry, COUNCIL, &adopt("cn-hangzhou", hash("cn-hangzhou")));
    refused::<PackDoesNotFit>(again);
}

/// A pack of one value.
fn one(layer: &str, key: &str, value: &str, unit: &str, bound: &str, from: &str) -> Pack {
    let text = format!(
        "[pack]\nname = \"x\"\nlayer = \"{layer}\"\ntitle = \"X\"\n[[rule]]\nkey = \"{key}\"\n\
         value = {value}\nunit = \"{unit}\"\nsource = \"s\"\narticle = \"1\"\n\
         effective_from = {from}\nbound = \"{bound}\"\n"
    );
    pack::parse("new.toml", &text).unwrap()
}

#[test]
fn law_is_not_adopted_over_a_narrower_layer_that_it_would_not_allow() {
    // Narrower value in force, and the new law: value, unit, bound, whether by-laws and whether a city
    // may keep theirs. Each limit is taken at the narrower value and one unit to either side.
    let area = ("vote.area", (75, 100), "\"75/100\"", "at_least");
    let days = ("post.days", (20, 1), "20", "days");
    for ((key, (num, den), held, kind), value, unit, bound, by_laws, city) in [
        (area, "\"74/100\"", "at_least", "floor", true, true),
        (area, "\"75/100\"", "at_least", "floor", true, true),
        (area, "\"3/4\"", "at_least", "floor", true, true),
        (area, "\"76/100\"", "at_least", "floor", false, false),
        (area, "\"75/100\"", "more_than", "floor", false, false),
        (days, "19", "days", "ceiling", false, false),
        (days, "20", "days", "ceiling", true, true),
        (days, "21", "days", "ceiling", true, true),
        (days, "19", "days", "floor", true, true),
        (days, "21", "days", "floor", false, false),
        (days, "20", "hours", "ceiling", false, false),
        (days, "19", "days", "fixed", false, false),
        (days, "20", "days", "fixed", false, true),
        (days, "21", "days", "fixed", false, false),
        (days, "99", "days", "local", false, true),
        (days, "99", "days", "none", true, true),
    ] {
        let new = one("national", key, value, unit, bound, "2026-01-01");
        let mut owners = book(&[LAW]);
        decide(&mut owners, &tightened(key, num, den, NOW)).unwrap();
        let mut hangzhou = blank();
        let before = one("city", key, held, kind, "none", "2021-01-01");
        hangzhou.run(AT, Address::ZERO, |cx| genesis(cx, &[before])).unwrap();
        for (mut m, layer, allowed) in
            [(owners, Layer::ByLaws, by_laws), (hangzhou, Layer::City, city)]
        {
            let done = m.run(AT, Address::ZERO, |cx| genesis(cx, std::slice::from_ref(&new)));
            let what = format!("{layer:?} {key} under {value} {unit} {bound}");
            assert_eq!(done.is_ok(), allowed, "{what}");
            if let Err(fault) = done {
                let Fault::Fatal(text) = fault else { panic!("{what}: {fault:?}") };
                assert!(text.starts_with("new.toml:5:1: "), "{text}");
                assert!(text.contains(&format!("{layer:?} in force")), "{text}");
            }
        }
    }
}

#[test]
fn by_laws_that_begin_later_never_loosen_the_law_nor_law_that_begins_later() {
    // Law of 20 days from a day on, by-laws of so many from another: seconds after NOW.
    let day = |begins: &str| one("national", "post.days", "20", "days", "ceiling", begins);
    let hour = 3_600;
    for (asked, allowed) in [(19, true), (20, true), (21, false)] {
        // By-laws that wait for their day, then law.
        let mut m = book(&[LAW]);
        decide(&mut m, &tightened("post.days", asked, 1, NOW + hour)).unwrap();
        let done = m.run(AT, Address::ZERO, |cx| genesis(cx, &[day("2026-01-01")]));
        assert_eq!(done.is_ok(), allowed, "law over by-laws of {asked} that begin an hour later");
        // Law that waits for its day, then by-laws.
        let mut m = book(&[LAW]);
        m.run(AT, Address::ZERO, |cx| genesis(cx, &[day("2026-01-02")])).unwrap();
        let done = decide(&mut m, &tightened("post.days", asked, 1, NOW));
        assert_eq!(done.is_ok(), allowed, "by-laws of {asked} under law that begins a day later");
        // A city, under national law that waits for its day.
        let mut m = blank();
        m.run(AT, Address::ZERO, |cx| genesis(cx, &[day("2026-01-02")])).unwrap();
        let city = one("city", "post.days", &asked.to_string(), "days", "ceiling", "2026-01-01");
        let done = m.run(AT, Address::ZERO, |cx| genesis(cx, &[city]));
        assert_eq!(done.is_ok(), allowed, "a city's {asked} under law that begins a day later");
    }
    // What begins when the law is over does not count.
    let mut m = book(&[LAW]);
    decide(&mut m, &tightened("post.days", 25, 1, NOW + 30 * 86_400)).unwrap();
    let mut short = day("2026-01-01");
    short.rules[0].until_at = NOW + 30 * 86_400;
    m.run(AT, Address::ZERO, |cx| genesis(cx, &[short])).unwrap();
}
