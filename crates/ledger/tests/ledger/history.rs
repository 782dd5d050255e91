//! States below those in memory.

use std::path::Path;

use tulou_ledger::{Ledger, LedgerConfig};

use crate::{
    chain::{extend, genesis},
    versions::check,
};

fn open(dir: &Path, retained_versions: usize, history: u64) -> Ledger {
    let (block, changes) = genesis();
    let config = LedgerConfig { retained_versions, history, ..Default::default() };
    Ledger::open(dir, &block, changes, config).unwrap()
}

#[test]
fn an_old_state_is_made_again_and_is_the_one_that_was() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 4, u64::MAX);
    extend(&ledger, 40);
    let root = |height| ledger.header(height).unwrap().unwrap().state_root;
    // Far, near, far again, the first of all: from the row and from what was made before.
    for height in [20, 30, 5, 6, 0, 36, 37, 40] {
        let version = ledger.historical(height).unwrap().expect("kept");
        assert_eq!((version.height(), version.root()), (height, root(height)));
        check(&version);
    }
    assert!(ledger.historical(41).unwrap().is_none(), "above the head");
    assert_eq!(ledger.oldest_version(), 0);
    drop(ledger);

    let ledger = open(dir.path(), 4, u64::MAX);
    check(&ledger.historical(7).unwrap().expect("kept over a restart"));
}

#[test]
fn states_beyond_the_configured_history_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 4, 10);
    extend(&ledger, 40);
    assert_eq!(ledger.oldest_version(), 30);
    check(&ledger.historical(30).unwrap().expect("within"));
    assert!(ledger.historical(29).unwrap().is_none());
    drop(ledger);

    // What was forgotten does not come back because somebody wants more of it now.
    let ledger = open(dir.path(), 4, u64::MAX);
    assert!(ledger.historical(25).unwrap().is_none());
    extend(&ledger, 5);
    check(&ledger.historical(31).unwrap().expect("still there"));
}

#[test]
fn what_old_states_need_is_not_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path(), 4, 50);
    extend(&ledger, 80);
    let report = ledger.prune(75, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!(report.first_kept, 30);
    check(&ledger.historical(31).unwrap().expect("kept"));
}
