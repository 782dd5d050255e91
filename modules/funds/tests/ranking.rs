//! Largest remainder in passes is largest remainder by sorting.

use proptest::prelude::*;

use crate::funds::ranking::{Window, calls, counts_of, words_of};
use crate::funds::rule::allot;
use crate::prelude::*;

/// The parts, and the passes it took.
fn in_passes(total: u64, areas: &[u64]) -> (Vec<u64>, u32) {
    let sum = areas.iter().sum();
    let (mut window, mut passes) = (Window::open(Area(sum), total), 0);
    loop {
        let mut counts = [0; 64];
        for area in areas {
            window.count(&mut counts, total, Area(*area)).unwrap();
        }
        passes += 1;
        if window.narrow(&counts).unwrap() {
            break;
        }
    }
    (areas.iter().map(|area| window.part(total, Area(*area)).unwrap()).collect(), passes)
}

#[test]
fn the_worked_examples_come_out_to_the_fen() {
    let lift = [8_812, 11_960, 8_812, 11_960, 8_812, 11_960, 8_812, 13_307];
    let cases: [(u64, &[u64]); 10] = [
        (8_640_000, &lift),
        (10_000, &[7, 7, 7]),
        (123_456, &[9_050, 12_020, 7_333]),
        (0, &[1, 2]),
        (5, &[1]),
        (1, &[3, 3, 3, 3]),
        (4, &[3, 3, 3, 3]),
        (99, &[5_000; 200]),
        (u64::MAX, &[u64::MAX / 2, 1, u64::MAX / 2]),
        (u64::MAX - 1, &[u64::MAX]),
    ];
    for (total, areas) in cases {
        assert_eq!(Some(in_passes(total, areas).0), allot(total, areas), "{total} {areas:?}");
    }
}

#[test]
fn equal_homes_take_as_many_passes_as_the_sum_has_digits_and_no_more() {
    // 10^7 in digits of 64 has four.
    assert_eq!(in_passes(123_457, &[10_000; 1_000]).1, 4);
    // Nothing is missing: the floors are all there is.
    assert_eq!(in_passes(2_000_000, &[10_000; 1_000]).1, 1);
}

#[test]
fn counters_survive_their_words() {
    let mut counts = [0u32; 64];
    for (index, count) in (0u32..).zip(&mut counts) {
        *count = u32::MAX - index * 1_000_003;
    }
    let words: Vec<U256> = words_of(&counts).collect();
    assert_eq!(counts_of(&words.try_into().unwrap()), counts);
    let mut second = [0; 64];
    second[1] = 7;
    assert_eq!(words_of(&second).next(), Some(U256::from(7u64 << 32)));
}

#[test]
fn without_area_or_bound_there_are_no_calls() {
    assert_eq!([calls(5, &[], 1), calls(5, &[0, 0], 1), calls(5, &[1, 2], 0)], [None; 3]);
    // Of two units, a page of one enters one; the next the other, which leaves too little to charge both.
    assert_eq!([1, 2].map(|at_most| calls(5, &[1, 2], at_most)), [Some(3), Some(1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Few kinds of homes, so that remainders are often equal, or all different ones.
    #[test]
    fn any_total_over_any_homes_is_shared_alike(
        total in prop_oneof![0..1_000u64, 0..100_000_000u64, any::<u64>()],
        kinds in prop::collection::vec(1..20_000u64, 1..6),
        homes in prop::collection::vec((any::<usize>(), 1..4_000_000u64), 1..400),
        varied in any::<bool>(),
    ) {
        let area = |(kind, own): &(usize, u64)| if varied { *own } else { kinds[kind % kinds.len()] };
        let areas: Vec<u64> = homes.iter().map(area).collect();
        let (parts, _) = in_passes(total, &areas);
        prop_assert_eq!(parts.iter().sum::<u64>(), total);
        prop_assert_eq!(Some(parts), allot(total, &areas));
    }
}
