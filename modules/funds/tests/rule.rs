//! Worked examples: tiers, signatures, allotment, overruns, statements.

use crate::funds::rule::*;
use crate::prelude::*;
use crate::roles::Office::{Chair, Manager, Member, Treasurer};

const LIMITS: Limits = Limits { small: 50_000, medium: 500_000, committee: 5_000_000 };

#[test]
fn a_tier_includes_its_limit() {
    for (sum, want) in [
        (1, 1),
        (50_000, 1),
        (50_001, 2),
        (500_000, 2),
        (500_001, 3),
        (5_000_000, 3),
        (5_000_001, 4),
        (u64::MAX, 4),
    ] {
        assert_eq!(tier(sum, &LIMITS), want, "{sum}");
    }
    // D2: three times 18,000.00 to one payee.
    assert_eq!([1, 2, 3].map(|n| tier(n * 1_800_000, &LIMITS)), [3, 3, 4]);
}

#[test]
fn signatures_suffice_by_office_and_by_person() {
    let mask = |offices: &[crate::roles::Office]| offices.iter().fold(0, |m, o| m | o.bit());
    let (manager, treasurer, chair) = (mask(&[Manager]), mask(&[Treasurer]), mask(&[Chair]));
    let (member, both) = (mask(&[Member]), mask(&[Treasurer, Chair]));
    type Case<'a> = (u8, u32, &'a [u32], bool);
    #[rustfmt::skip]
    let cases: &[Case<'_>] = &[
        // tier, who asked, who signed, enough
        (1, manager,   &[],                           false),
        (1, manager,   &[treasurer],                  true),
        (1, manager,   &[chair, member],              false),
        (1, treasurer, &[manager],                    true),
        (2, manager,   &[treasurer],                  false),
        (2, manager,   &[treasurer, chair],           true),
        (2, treasurer, &[chair],                      true),
        (2, manager,   &[both],                       false),
        (2, manager,   &[both, chair],                true),
        (3, manager,   &[chair, treasurer],           false),
        (3, manager,   &[chair, treasurer, member],   true),
        (3, manager,   &[chair, treasurer, manager],  false),
        (3, treasurer, &[chair, member],              false),
        (3, treasurer, &[chair, member, member],      true),
        (4, manager,   &[treasurer, chair],           true),
        (4, manager,   &[chair, member, member],      false),
    ];
    for (tier, asker, signed, want) in cases {
        assert_eq!(suffices(*tier, *asker, signed, 5), *want, "{tier} {asker} {signed:?}");
    }
    assert_eq!([1, 2, 3, 4].map(|tier| needed(tier, manager, 5)), [1, 2, 3, 2]);
    // Three of five is a majority, two of four is not.
    assert!(!suffices(3, manager, &[chair, member], 4));
    assert!(suffices(3, manager, &[chair, member, member], 4));
}

#[test]
fn m2_a_lift_over_eight_units_to_the_fen() {
    let areas = [8_812, 11_960, 8_812, 11_960, 8_812, 11_960, 8_812, 13_307];
    assert_eq!(areas.iter().sum::<u64>(), 84_435);
    let parts = allot(8_640_000, &areas).unwrap();
    let want = [
        901_708, 1_223_834, 901_708, 1_223_834, 901_707, 1_223_834, 901_707, 1_361_668,
    ];
    assert_eq!(parts, want);
    // 101 has 6,200.00 left: 2,817.08 is owed.
    assert_eq!(parts[0] - 620_000, 281_708);
}

#[test]
fn m7_and_other_totals_never_lose_a_fen() {
    assert_eq!(allot(10_000, &[7, 7, 7]), Some(vec![3_334, 3_333, 3_333]));
    assert_eq!(allot(123_456, &[9_050, 12_020, 7_333]), Some(vec![39_337, 52_246, 31_873]));
    assert_eq!(allot(0, &[1, 2]), Some(vec![0, 0]));
    assert_eq!(allot(5, &[0, 1, 0]), Some(vec![0, 5, 0]));
    assert_eq!(allot(5, &[]), None);
    assert_eq!(allot(5, &[0, 0]), None);
    for total in [1, 99, 8_519_000, u64::MAX] {
        for weights in [&[1u64, 1, 1][..], &[3, 5, 7, 11], &[u64::MAX, 1, u64::MAX], &[8_812; 97]] {
            let parts = allot(total, weights).unwrap();
            assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(total));
        }
    }
}

#[test]
fn m3_an_overrun_goes_back_to_the_owners_by_local_rule() {
    let hangzhou = Overrun { share: (10, 100), sum: 0, both: false, strict: false };
    let zhoushan = Overrun { share: (10, 100), sum: 1_000_000, both: true, strict: true };
    let lishui = Overrun { share: (20, 100), sum: 1_000_000, both: false, strict: false };
    let budget = 8_640_000;
    for (settled, want) in [
        (8_640_000, [false, false, false]),
        (8_519_000, [false, false, false]),
        (9_503_999, [false, false, false]),
        (9_504_000, [true, false, false]),
        (9_510_000, [true, false, false]),
        (9_639_999, [true, false, false]),
        (9_640_000, [true, false, true]),
        (9_640_001, [true, true, true]),
        (9_700_000, [true, true, true]),
        (10_400_000, [true, true, true]),
    ] {
        let got =
            [&hangzhou, &zhoushan, &lishui].map(|r| must_decide_again(budget, settled, Some(r)));
        assert_eq!(got, want, "{settled}");
    }
    assert!(!must_decide_again(budget, budget, None));
    assert!(must_decide_again(budget, budget + 1, None));
}

#[test]
fn d1_a_line_holds_what_is_planned() {
    let rest = left(Fen(3_000_000), Fen(1_500_000), Fen(1_200_000));
    assert_eq!(rest, Some(Fen(300_000))); // 3,000.01 is one fen too many
    assert_eq!(left(Fen(1), Fen(1), Fen(1)), None);
}

#[test]
fn d4_a_statement_adds_up_or_not_by_one_fen() {
    assert!(balances(125_000_000, 8_643_050, 3_211_800, 130_431_250));
    assert!(!balances(125_000_000, 8_643_050, 3_211_800, 130_431_251));
    assert!(!balances(125_000_000, 8_643_050, 3_211_799, 130_431_250));
    assert!(!balances(u64::MAX, 1, 0, 0));
}

#[test]
fn a_month_begins_at_local_midnight() {
    for (at, period) in [
        (0, 197_001),
        (1_735_660_799, 202_412), // 2024-12-31 23:59:59 in Shanghai
        (1_735_660_800, 202_501),
        (1_740_758_399, 202_502), // 2025-02-28 23:59:59
        (1_740_758_400, 202_503),
        (1_709_222_399, 202_402), // 2024-02-29 23:59:59
        (1_709_222_400, 202_403),
    ] {
        assert_eq!(period_of(at), period, "{at}");
    }
    assert_eq!(period_of(u64::MAX), u32::MAX);
    for (period, fits) in
        [(202_501, true), (202_512, true), (202_500, false), (202_513, false), (0, false)]
    {
        assert_eq!(is_period(period), fits, "{period}");
    }
}
