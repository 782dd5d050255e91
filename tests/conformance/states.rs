//! GeneralStateTests.

use std::time::Instant;

use tulou_replay::fixtures::{Tally, run_folder};

use crate::suites::Suite;

/// Files that upstream's own runner leaves out, with the reason.
const SKIPPED: &[(&str, &str)] = &[];

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
    let names: Vec<_> = SKIPPED.iter().map(|(name, _)| *name).collect();
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
