//! Sequences of calls to all modules, and what they show of the makers of calls.

use std::collections::BTreeSet;

use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use tulou_invariants::{Report, makers, play, writing};

/// Bytes of one sequence: some hundred calls.
const BYTES: usize = 1_500;
/// Sequences of one run; `TULOU_INVARIANT_CASES` asks for another number of them.
const CASES: u32 = 48;

/// Calls that no sequence gets accepted, and why.
const NEVER: &[(&str, &str)] = &[];

fn cases() -> u32 {
    let asked = std::env::var("TULOU_INVARIANT_CASES").ok();
    asked.map_or(CASES, |text| text.parse().expect("TULOU_INVARIANT_CASES is a number"))
}

/// Bytes that look random and are the same everywhere (xorshift).
fn bytes(seed: u64) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 24) as u8
    };
    (0..BYTES).map(|_| next()).collect()
}

#[test]
fn random_sequences_keep_every_invariant() {
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        max_shrink_iters: 120,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&vec(any::<u8>(), BYTES / 3..BYTES), |bytes| {
        play(&bytes).map(drop).map_err(|broken| TestCaseError::fail(broken.to_string()))
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, bytes)) => panic!("{why}\nbytes: {bytes:?}"),
        Err(abort) => panic!("{abort}"),
    }
}

/// A maker of calls that are all refused is worthless.
#[test]
fn every_writing_call_is_accepted_and_refused_at_times() {
    let mut all = Report::default();
    for seed in 0..u64::from(CASES) {
        match play(&bytes(seed)) {
            Ok(report) => all.add(&report),
            Err(broken) => panic!("seed {seed}:\n{broken}"),
        }
    }
    let (mut accepted, mut refused) = (0, 0);
    let mut missing = Vec::new();
    for name in writing() {
        let count = all.calls.get(&name).copied().unwrap_or_default();
        println!(
            "{:<11} {:<22} {:>5} done {:>5} refused",
            name.0, name.1, count.accepted, count.refused
        );
        (accepted, refused) = (accepted + count.accepted, refused + count.refused);
        let excused = NEVER.iter().any(|(call, _)| *call == format!("{}.{}", name.0, name.1));
        if (count.accepted == 0) != excused {
            missing.push(name);
        }
    }
    println!("{accepted} done, {refused} refused, {} of them inside of others", all.inner_refusals);
    assert!(missing.is_empty(), "never accepted, or excused and accepted: {missing:?}");
    assert!(accepted * 4 > refused, "{accepted} of {refused} calls were accepted");
    assert!(all.inner_refusals > 0, "no proposal, motion or task was refused");
}

#[test]
fn every_writing_call_of_every_module_has_a_maker() {
    let made: BTreeSet<(&str, String)> =
        makers().iter().map(|op| (op.module, op.function.to_owned())).collect();
    let writing: BTreeSet<(&str, String)> = writing().into_iter().collect();
    assert_eq!(made, writing);
    for module in tulou_modules::ALL {
        assert!(
            makers().iter().any(|op| op.module == module.name),
            "{} is never called",
            module.name
        );
    }
}
