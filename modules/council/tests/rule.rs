//! The rule by itself, at its boundaries and one unit on each side.

use proptest::prelude::*;

use crate::council::rule::*;

fn part(num: u32, den: u32) -> Part {
    Part { num, den }
}

fn needs(participation: Part, majority: Part, veto: Part) -> Thresholds {
    Thresholds { participation, majority, veto }
}

#[test]
fn a_share_is_above_nothing_and_at_most_all() {
    // CO-2
    for (num, den, is_share) in [
        (0, 1, false),
        (0, 0, false),
        (1, 0, false),
        (1, u32::MAX, true),
        (2, 3, true),
        (3, 3, true),
        (4, 3, false),
        (u32::MAX, u32::MAX, true),
    ] {
        assert_eq!(part(num, den).is_share(), is_share, "{num}/{den}");
    }
    let all = u64::from(u32::MAX) * 255;
    assert!(part(u32::MAX, u32::MAX).reached(all, all));
    assert!(!part(u32::MAX, u32::MAX).reached(all - 1, all));
}

#[test]
fn carried_takes_participation_majority_and_more_for_than_against() {
    let (half, two_thirds, tenth) = (part(1, 2), part(2, 3), part(1, 10));
    // total, in favour, against, participation, majority, carried
    for (total, yes, no, participation, majority, carried) in [
        (9, 6, 0, two_thirds, two_thirds, true),
        (9, 5, 0, two_thirds, two_thirds, false),
        (10, 6, 0, two_thirds, two_thirds, false),
        (10, 7, 0, two_thirds, two_thirds, true),
        (9, 4, 2, two_thirds, two_thirds, true),
        (9, 4, 3, two_thirds, two_thirds, false),
        (9, 6, 3, two_thirds, two_thirds, true),
        (8, 4, 4, half, half, false),
        (8, 5, 3, half, half, true),
        (8, 1, 7, half, tenth, false),
        (8, 0, 0, tenth, tenth, false),
        (0, 0, 0, tenth, tenth, false),
        (3, 3, 0, part(1, 1), part(1, 1), true),
        (3, 2, 1, part(1, 1), part(1, 1), false),
    ] {
        let votes = Votes { total, in_favour: yes, against: no, vetoing: 0 };
        let got = votes.carried(&needs(participation, majority, half));
        assert_eq!(got, carried, "{total} {yes} {no} {participation:?} {majority:?}");
    }
    for (total, vetoing, vetoed) in [(9, 3, true), (9, 2, false), (10, 3, false), (0, 0, false)] {
        let votes = Votes { total, vetoing, ..Default::default() };
        assert_eq!(votes.vetoed(&needs(half, half, part(1, 3))), vetoed, "{total} {vetoing}");
    }
}

#[test]
fn a_council_needs_three_and_nobody_too_heavy() {
    // CO-3, CO-4
    let two_thirds = part(2, 3);
    let heavy = |index, weight, most| Err(Unfit::TooHeavy { index, weight, most });
    for (weights, participation, fits) in [
        (&[][..], two_thirds, Err(Unfit::TooFew { governors: 0 })),
        (&[1, 1], two_thirds, Err(Unfit::TooFew { governors: 2 })),
        (&[1, 1, 0, 0], two_thirds, Err(Unfit::TooFew { governors: 2 })),
        (&[1, 1, 1], two_thirds, Ok(())),
        (&[0, 1, 1, 1], two_thirds, Ok(())),
        // Three: less than half.
        (&[2, 1, 1], two_thirds, heavy(0, 2, 1)),
        (&[1, 2, 2], two_thirds, Ok(())),
        (&[2, 2, 3], two_thirds, Ok(())),
        (&[2, 2, 4], two_thirds, heavy(2, 4, 3)),
        // Four and more: less than a third.
        (&[1, 1, 1, 1], two_thirds, Ok(())),
        (&[1, 2, 1, 1], two_thirds, heavy(1, 2, 1)),
        (&[2, 2, 2, 1], two_thirds, Ok(())),
        (&[2, 2, 2, 3], two_thirds, heavy(3, 3, 2)),
        (&[2, 2, 3, 3], two_thirds, Ok(())),
        // Nobody reaches the participation alone.
        (&[1, 1, 1], part(1, 3), Err(Unfit::Alone { index: 0, weight: 1, total: 3 })),
        (&[1, 1, 1], part(2, 5), Ok(())),
        (&[1, 1, 1, 1], part(1, 4), Err(Unfit::Alone { index: 0, weight: 1, total: 4 })),
        (&[1, 1, 1, 1], part(26, 100), Ok(())),
        (&[2, 2, 3, 3], part(3, 10), Err(Unfit::Alone { index: 2, weight: 3, total: 10 })),
        (&[u32::MAX; 255], two_thirds, Ok(())),
    ] {
        assert_eq!(fit(weights, participation), fits, "{weights:?} {participation:?}");
    }
    for unfit in [
        Unfit::TooFew { governors: 2 },
        Unfit::TooHeavy { index: 0, weight: 2, most: 1 },
        Unfit::Alone { index: 0, weight: 2, total: 5 },
    ] {
        assert!(unfit.to_string().contains('2'), "{unfit}");
    }
}

proptest! {
    #[test]
    fn whoever_fits_never_decides_alone(
        weights in proptest::collection::vec(0u32..50, 3..20),
        shares in [(1u32..20, 1u32..20), (1u32..20, 1u32..20)],
    ) {
        // CO-4
        let share = |(a, b): (u32, u32)| part(a.min(b), a.max(b));
        let thresholds = needs(share(shares[0]), share(shares[1]), part(1, 3));
        prop_assume!(fit(&weights, thresholds.participation).is_ok());
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let governors = weights.iter().filter(|weight| **weight > 0).count();
        prop_assert!(governors >= 3);
        for weight in &weights {
            let weight = u64::from(*weight);
            let alone = Votes { total, in_favour: weight, against: 0, vetoing: 0 };
            prop_assert!(!alone.carried(&thresholds));
            let times = if governors > 3 { 3 } else { 2 };
            prop_assert!(weight * times < total);
        }
    }

    #[test]
    fn one_more_in_favour_never_turns_a_carried_proposal_down(
        yes in 0u64..100, no in 0u64..100, rest in 1u64..100,
        a in 1u32..9, b in 1u32..9,
    ) {
        let total = yes + no + rest;
        let thresholds = needs(part(a.min(b), a.max(b)), part(2, 3), part(1, 3));
        let votes = Votes { total, in_favour: yes, against: no, vetoing: 0 };
        let more = Votes { in_favour: yes + 1, ..votes };
        prop_assert!(!votes.carried(&thresholds) || more.carried(&thresholds));
    }
}
