//! Worked examples of the law, and the boundaries on each side.

use std::collections::BTreeMap;

use crate::decisions::rule::{Outcome::*, *};
use crate::prelude::*;

const ORDINARY: Thresholds = thresholds((1, 2), true);
const SPECIAL: Thresholds = thresholds((3, 4), false);

const fn thresholds(consent: (u32, u32), strict: bool) -> Thresholds {
    let quorum = Share { num: 2, den: 3 };
    let consent = Share { num: consent.0, den: consent.1 };
    Thresholds {
        quorum_area: quorum,
        quorum_heads: quorum,
        consent_area: consent,
        consent_heads: consent,
        strict,
    }
}

fn weight(area: u64, heads: u32) -> Weight {
    Weight { area: Area(area), heads }
}

/// A vote of which only the participating and those in favour are told: the others are against.
fn tally(cast: (u64, u32), yes: (u64, u32)) -> Tally {
    let no = weight(cast.0 - yes.0, cast.1 - yes.1);
    Tally { yes: weight(yes.0, yes.1), no, abstain: Weight::default() }
}

fn counted(roll: (u64, u32), cast: (u64, u32), yes: (u64, u32), needs: &Thresholds) -> Count {
    count(weight(roll.0, roll.1), &tally(cast, yes), needs).unwrap()
}

#[test]
fn worked_examples_of_the_law() {
    type Case = (&'static str, (u64, u32), (u64, u32), (u64, u32), Outcome, Outcome);
    let r1 = (80_000, 6);
    #[rustfmt::skip]
    let cases: &[Case] = &[
        // name                                roll            cast            in favour       ordinary   special
        ("A1 area short, heads enough",        r1,             (49_000, 4),    (29_000, 3),    NotQuorate, NotQuorate),
        ("A2 abstaining takes part",           r1,             (60_000, 5),    (29_000, 3),    Failed,     Failed),
        ("A3 ordinary, not special",           r1,             (60_000, 5),    (40_000, 4),    Passed,     Failed),
        ("A4 special at the border",           (120_000, 12),  (80_000, 8),    (60_000, 6),    Passed,     Passed),
        ("A4 half is not a majority",          (120_000, 12),  (80_000, 8),    (40_000, 5),    Failed,     Failed),
        ("A5 silence off",                     (226_100, 2_261), (114_700, 1_147), (99_500, 995), NotQuorate, NotQuorate),
        ("A10 use of the fund, stair 2",       (118_000, 12),  (81_200, 9),    (59_800, 7),    Passed,     Failed),
        ("nobody votes",                       r1,             (0, 0),         (0, 0),         NotQuorate, NotQuorate),
        ("nobody votes, nobody may",           (0, 0),         (0, 0),         (0, 0),         NotQuorate, NotQuorate),
    ];
    for (name, roll, cast, yes, ordinary, special) in cases {
        assert_eq!(counted(*roll, *cast, *yes, &ORDINARY).outcome, *ordinary, "{name}, ordinary");
        assert_eq!(counted(*roll, *cast, *yes, &SPECIAL).outcome, *special, "{name}, special");
    }
}

#[test]
fn one_unit_on_each_side_of_every_threshold() {
    let roll = (120_000, 120);
    // Quorum 80,000 and 80; of them more than 40,000 and 40, or 60,000 and 60.
    type Case = ((u64, u32), (u64, u32), Outcome, Outcome);
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ((80_000, 80), (80_000, 80), Passed,     Passed),
        ((79_999, 80), (79_999, 80), NotQuorate, NotQuorate),
        ((80_000, 79), (80_000, 79), NotQuorate, NotQuorate),
        ((80_000, 80), (40_001, 41), Passed,     Failed),
        ((80_000, 80), (40_000, 41), Failed,     Failed),
        ((80_000, 80), (40_001, 40), Failed,     Failed),
        ((80_000, 80), (60_000, 60), Passed,     Passed),
        ((80_000, 80), (59_999, 60), Passed,     Failed),
        ((80_000, 80), (60_000, 59), Passed,     Failed),
    ];
    for (cast, yes, ordinary, special) in cases {
        assert_eq!(counted(roll, *cast, *yes, &ORDINARY).outcome, *ordinary, "{cast:?} {yes:?}");
        assert_eq!(counted(roll, *cast, *yes, &SPECIAL).outcome, *special, "{cast:?} {yes:?}");
    }
}

#[test]
fn a10_prints_its_comparisons() {
    let c = counted((118_000, 12), (81_200, 9), (59_800, 7), &ORDINARY);
    let shown = |c: Comparison| (c.left_factor, c.left_value, c.right_factor, c.right_value);
    assert_eq!(shown(c.quorum_area), (3, 81_200, 2, 118_000));
    assert_eq!((c.quorum_area.left(), c.quorum_area.right()), (243_600, 236_000));
    assert_eq!((c.quorum_heads.left(), c.quorum_heads.right()), (27, 24));
    assert_eq!((c.consent_area.left(), c.consent_area.right()), (119_600, 81_200));
    // As a matter of rebuilding it fails by area, though the heads agree.
    let c = counted((118_000, 12), (81_200, 9), (59_800, 7), &SPECIAL);
    assert_eq!((c.consent_area.left(), c.consent_area.right()), (239_200, 243_600));
    assert_eq!((c.consent_heads.left(), c.consent_heads.right()), (28, 27));
    assert_eq!((c.consent_area.met(), c.consent_heads.met()), (false, true));
}

#[test]
fn what_is_missing_is_exactly_what_is_missing() {
    // T = 800.01: two thirds are 533.34, which is reached exactly.
    for (area, heads, missing) in
        [(0, 0, (53_334, 5)), (53_333, 4, (1, 1)), (53_334, 5, (0, 0)), (80_001, 7, (0, 0))]
    {
        let c = counted((80_001, 7), (area, heads), (area, heads), &ORDINARY);
        assert_eq!(c.missing, weight(missing.0, missing.1), "{area} {heads}");
        let more = (area + missing.0, heads + missing.1);
        assert!(counted((80_001, 7), more, more, &ORDINARY).is_quorate());
    }
}

#[test]
fn a9_the_day_of_posting_is_no_day_of_notice() {
    const MARCH_1: u64 = 1_772_294_400; // 2026-03-01 00:00 in Shanghai
    const DAY: u64 = 86_400;
    let march = |day: u64| MARCH_1 + (day - 1) * DAY;
    for (posted, opens) in [
        (march(1), march(17)),
        (march(1) + 9 * 3_600, march(17)),
        (march(2) - 1, march(17)),
        (march(2), march(18)),
    ] {
        assert_eq!(earliest_opening(posted, 15), Some(opens), "{posted}");
    }
    assert_eq!(earliest_opening(march(1), 7), Some(march(9)));
    assert_eq!(earliest_opening(u64::MAX, 15), None);
    assert_eq!(earliest_opening(march(1), u64::MAX), None);
}

#[test]
fn a12_a_late_quorum_moves_the_close_once_and_not_beyond_the_longest_period() {
    const HOUR: u64 = 3_600;
    let (closes, late) = (1_000 * HOUR, 72 * HOUR);
    // Ten hours before the close: to 72 hours after the crossing.
    assert_eq!(extended_close(990 * HOUR, closes, late, 0), Some(1_062 * HOUR));
    // Reached long before: it stays.
    assert_eq!(extended_close(900 * HOUR, closes, late, 0), None);
    assert_eq!(extended_close(928 * HOUR, closes, late, 0), None);
    assert_eq!(extended_close(928 * HOUR + 1, closes, late, 0), Some(closes + 1));
    // The longest period cuts it short, or leaves nothing.
    assert_eq!(extended_close(990 * HOUR, closes, late, 1_020 * HOUR), Some(1_020 * HOUR));
    assert_eq!(extended_close(990 * HOUR, closes, late, closes), None);
}

/// Area by unit in 0.01 m2.
fn areas() -> BTreeMap<&'static str, u64> {
    let text = include_str!("../../../demo/guihua/units.csv");
    let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    rows.map(|row| (row[0], row[6].parse::<Area>().unwrap().0)).collect()
}

/// The box at the close: choice and area by head. The last ballot before the close counts.
fn box_at_close(file: &'static str, closes: &str) -> Tally {
    let areas = areas();
    let mut heads: BTreeMap<&str, (&str, &str, BTreeMap<&str, u64>)> = BTreeMap::new();
    for line in file.lines().skip(1) {
        let [unit, head, _channel, choice, time] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("five fields: {line}")
        };
        if time >= closes {
            continue;
        }
        let entry = heads.entry(head).or_insert((time, choice, BTreeMap::new()));
        if time >= entry.0 {
            (entry.0, entry.1) = (time, choice);
        }
        entry.2.insert(unit, areas[unit]);
    }
    let mut tally = Tally::default();
    for (_, choice, units) in heads.values() {
        let side = match *choice {
            "yes" => &mut tally.yes,
            "no" => &mut tally.no,
            _ => &mut tally.abstain,
        };
        *side = side.checked_add(Weight::head(Area(units.values().sum()))).unwrap();
    }
    tally
}

#[test]
fn the_three_ballot_files_of_guihua_give_their_subtotals_and_outcomes() {
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("../../../demo/guihua/ballots/expected.json")).unwrap();
    let motions: serde_json::Value =
        serde_json::from_str(include_str!("../../../demo/guihua/ballots/motions.json")).unwrap();
    let files = [
        include_str!("../../../demo/guihua/ballots/motion-1.csv"),
        include_str!("../../../demo/guihua/ballots/motion-2.csv"),
        include_str!("../../../demo/guihua/ballots/motion-3.csv"),
    ];
    for (motion, file) in motions.as_array().unwrap().iter().zip(files) {
        let want = &expected[motion["id"].as_str().unwrap()];
        let told = |of: &serde_json::Value| {
            let area: Area = of["area_m2"].as_str().unwrap().parse().unwrap();
            Weight { area, heads: u32::try_from(of["heads"].as_u64().unwrap()).unwrap() }
        };
        let matter = u8::try_from(motion["matter"].as_u64().unwrap()).unwrap();
        let needs = if is_special(matter) { SPECIAL } else { ORDINARY };
        let tally = box_at_close(file, motion["closes"].as_str().unwrap());
        let count = count(told(&want["roll"]), &tally, &needs).unwrap();
        assert_eq!(tally.yes, told(&want["yes"]), "{motion}");
        assert_eq!(tally.no, told(&want["no"]), "{motion}");
        assert_eq!(tally.abstain, told(&want["abstain"]), "{motion}");
        assert_eq!(count.participating, told(&want["participating"]), "{motion}");
        for (name, got) in [
            ("quorum_area", count.quorum_area),
            ("quorum_heads", count.quorum_heads),
            ("consent_area", count.consent_area),
            ("consent_heads", count.consent_heads),
        ] {
            let want = &want["checks"][name];
            assert_eq!(got.left(), u128::from(want["left"].as_u64().unwrap()), "{motion} {name}");
            assert_eq!(got.right(), u128::from(want["right"].as_u64().unwrap()), "{motion} {name}");
            assert_eq!(got.strict, want["relation"] == ">", "{motion} {name}");
            assert_eq!(got.met(), want["met"].as_bool().unwrap(), "{motion} {name}");
        }
        let outcome = match want["outcome"].as_str().unwrap() {
            "passed" => Passed,
            "failed" => Failed,
            _ => NotQuorate,
        };
        assert_eq!(count.outcome, outcome, "{motion}");
    }
}
