//! A validator that is killed at any moment loses no final block and never contradicts itself.

mod support;

use std::{
    collections::BTreeMap,
    env,
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use support::{Chain, Committees, config, free_addresses, run, seed};
use tulou_consensus::public_key;

/// Set in the process that is to be killed: the directory of its validator.
const VICTIM: &str = "TULOU_CRASH_TEST_DIR";

/// The process that is killed. Without the variable it has nothing to do.
#[test]
fn victim() {
    let Some(dir) = env::var_os(VICTIM).map(PathBuf::from) else { return };
    let mut chain = Chain::new(Committees::from([(0, vec![public_key(seed(0))])]));
    chain.pace = Duration::from_millis(2);
    let log = OpenOptions::new().append(true).create(true).open(log(&dir)).unwrap();
    chain.log = Some(Mutex::new(log));
    let engine = run(config(&dir, 0, &free_addresses(1)), &Arc::new(chain));
    while engine.is_running() {
        thread::sleep(Duration::from_millis(20));
    }
    panic!("the engine ended: {:?}", engine.failure());
}

#[test]
fn a_killed_validator_continues_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    File::create(log(dir.path())).unwrap();
    for round in 1..=4 {
        let mut child = spawn(dir.path());
        let goal = newest(dir.path()) + 7 * round;
        let since = Instant::now();
        while newest(dir.path()) < goal {
            assert!(child.try_wait().unwrap().is_none(), "the validator ended by itself");
            assert!(since.elapsed() < Duration::from_secs(30), "stuck in round {round}");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    let mut hashes = BTreeMap::new();
    for (height, hash) in entries(dir.path()) {
        let known = hashes.entry(height).or_insert_with(|| hash.clone());
        assert_eq!(*known, hash, "two blocks are final at {height}");
    }
    let heights: Vec<u64> = hashes.into_keys().collect();
    assert_eq!(heights, (1..=heights.len() as u64).collect::<Vec<_>>());
}

fn spawn(dir: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "victim"])
        .env(VICTIM, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn log(dir: &Path) -> PathBuf {
    dir.join("finals")
}

/// Height and hash of the blocks written so far, without a line cut off by the kill.
fn entries(dir: &Path) -> Vec<(u64, String)> {
    let text = std::fs::read_to_string(log(dir)).unwrap();
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let entry = |line: &str| {
        let (height, hash) = line.split_once(' ').unwrap();
        (height.parse().unwrap(), hash.to_string())
    };
    complete.lines().map(entry).collect()
}

fn newest(dir: &Path) -> u64 {
    entries(dir).last().map_or(0, |(height, _)| *height)
}
