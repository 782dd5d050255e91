//! GeneralStateTests.

use std::time::Instant;

use tulou_replay::fixtures::{Tally, run_folder};

use crate::suites::Suite;

/// What no chain can come to: an account with storage and neither code nor nonce, made again by a
/// creation (EIP-7610). Upstream's own runner leaves these out too.
const COLLISION: &str = "makes a contract where storage is without code, which no chain can hold";
/// Minutes in the development profile; `make conformance` runs them.
const SLOW: &str = "passes, and takes minutes in this build: `make conformance` runs it";

/// Files that are left out, with the reason.
const SKIPPED: &[(&str, &str)] = &[
    ("RevertInCreateInInitCreate2Paris.json", COLLISION),
    ("create2collisionStorageParis.json", COLLISION),
    ("dynamicAccountOverwriteEmpty_Paris.json", COLLISION),
    ("RevertInCreateInInit_Paris.json", COLLISION),
    ("InitCollisionParis.json", COLLISION),
    ("CALLBlake2f_MaxRounds.json", SLOW),
    ("loopMul.json", SLOW),
    ("loopExp.json", SLOW),
    ("Call50000_sha256.json", SLOW),
    ("static_Call50000_sha256.json", SLOW),
];

#[test]
fn cancun_state_tests_pass() {
    check("cancun-state-tests", &["Cancun"], 18_000);
}

#[test]
fn osaka_state_tests_pass() {
    check("osaka-state-tests", &["Shanghai", "Cancun", "Prague", "Osaka"], 1_200);
}

fn check(suite: &str, forks: &[&str], at_least: usize) {
    let Some(suite_dir) = Suite::unpack(suite) else { return };
    let slow_too = std::env::var_os("TULOU_CONFORMANCE_SLOW").is_some();
    let skipped = SKIPPED.iter().filter(|(_, why)| !(slow_too && *why == SLOW));
    let names: Vec<_> = skipped.map(|(name, _)| *name).collect();
    let begun = Instant::now();
    let tally = run_folder(suite_dir.path(), forks, &names).expect("a readable suite");
    let Tally { passed, failed, skipped } = tally;
    println!(
        "conformance: {suite}: {passed} passed, {} failed, {} files skipped, {:.1} s",
        failed.len(),
        skipped.len(),
        begun.elapsed().as_secs_f32()
    );
    for path in &skipped {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let why = SKIPPED.iter().find(|(known, _)| *known == name).map(|(_, why)| *why);
        println!("  skipped {name}: {}", why.unwrap_or_default());
    }
    for line in failed.iter().take(50) {
        println!("  failed {line}");
    }
    assert!(failed.is_empty(), "{} cases of {suite} failed", failed.len());
    assert!(passed >= at_least, "only {passed} cases of {suite} were found");
}
