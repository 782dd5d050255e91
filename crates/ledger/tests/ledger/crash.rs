//! What a crash leaves behind: every block that was reported final, and a state that adds up.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tulou_ledger::{Ledger, LedgerConfig, LedgerError};

use crate::chain::{extend, genesis, open};

/// Set for the process that is to be killed: the folder in which it finalizes blocks for ever.
const VICTIM: &str = "TULOU_LEDGER_VICTIM";

/// Not a test of its own: the process that [`killed_at_any_moment`] starts and kills.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM) else { return };
    let ledger = open(Path::new(&dir));
    loop {
        extend(&ledger, 1);
        println!("final {}", ledger.head().height);
    }
}

/// Lets a process finalize blocks, kills it and returns the last height it reported.
fn run_victim(dir: &Path, life: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::victim", "--nocapture", "--test-threads=1"])
        .env(VICTIM, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let lines = output.lines().map_while(Result::ok);
        let heights = lines.filter_map(|line| line.rsplit_once("final ")?.1.parse().ok());
        heights.last().unwrap_or(0)
    });
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// Everything up to the head is there and hangs together. (Opening has compared the root.)
fn check_chain(ledger: &Ledger, from: u64) {
    let head = ledger.head();
    assert_eq!(ledger.header(head.height).unwrap().as_ref(), Some(head.header.as_ref()));
    for height in from.max(1)..=head.height {
        let block = ledger.block(height).unwrap().unwrap();
        let parent = ledger.height_of(block.header().parent_hash).unwrap();
        assert_eq!(parent, Some(height - 1));
        let receipts = ledger.receipts(height).unwrap().unwrap();
        assert_eq!(receipts.len(), block.transactions().len());
        for tx in block.transactions() {
            assert_eq!(ledger.transaction(tx.hash()).unwrap().unwrap().height, height);
        }
    }
    assert!(ledger.height_of(ledger.genesis().hash()).unwrap().is_some());
}

#[test]
fn killed_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = StdRng::from_os_rng();
    let mut last = 0;
    for _ in 0..10 {
        let reported = run_victim(dir.path(), Duration::from_millis(rng.random_range(100..700)));
        let ledger = open(dir.path());
        let height = ledger.head().height;
        assert!(height >= reported.max(last), "{height} is less than {reported} or {last}");
        check_chain(&ledger, last);
        last = height;
    }
    // A run without interruption comes to the same state.
    let other = tempfile::tempdir().unwrap();
    let ledger = open(other.path());
    extend(&ledger, last);
    assert_eq!(ledger.head(), open(dir.path()).head());
}

#[test]
fn killed_while_the_folder_is_made() {
    let mut rng = StdRng::from_os_rng();
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        run_victim(dir.path(), Duration::from_micros(rng.random_range(1_000..60_000)));
        let ledger = open(dir.path());
        check_chain(&ledger, 0);
        extend(&ledger, 1);
    }
}

#[test]
fn a_folder_that_was_half_made_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join("store.new");
    fs::create_dir_all(half.join("keyspaces")).unwrap();
    fs::write(half.join("0.jnl"), "").unwrap();
    let ledger = open(dir.path());
    extend(&ledger, 1);
    assert!(!half.exists());
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The journal that was written last.
fn journal(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let journals = files.filter(|path| path.extension().is_some_and(|ext| ext == "jnl"));
    journals.max_by_key(|path| (path.as_os_str().len(), path.clone())).unwrap()
}

fn tables(dir: &Path) -> usize {
    fs::read_dir(dir.join("store/keyspaces"))
        .unwrap()
        .map(|keyspace| {
            fs::read_dir(keyspace.unwrap().path().join("tables")).map_or(0, Iterator::count)
        })
        .sum()
}

#[test]
fn a_journal_torn_after_flushes_gives_an_earlier_block() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = StdRng::from_os_rng();
    extend(&open(dir.path()), 150);
    assert!(tables(dir.path()) > 2, "memtables were flushed");
    // A flush may just have made the whole journal superfluous; a few blocks later it is not.
    let lost = (0..6).any(|_| {
        extend(&open(dir.path()), 3);
        cut_at_random(dir.path(), &mut rng) > 0
    });
    assert!(lost, "no cut lost a block");
}

/// Cuts copies of the journal anywhere; each must open at an earlier block or the same, and go on from
/// there to the same state. Returns how many lost a block.
fn cut_at_random(dir: &Path, rng: &mut StdRng) -> usize {
    let full = open(dir).head().height;
    let mut earlier = 0;
    for _ in 0..6 {
        let torn = tempfile::tempdir().unwrap();
        copy(dir, torn.path());
        let journal = journal(torn.path());
        // The file is longer than what was written into it.
        let used = fs::read(&journal).unwrap().iter().rposition(|byte| *byte != 0).unwrap_or(0);
        let file = fs::OpenOptions::new().write(true).open(&journal).unwrap();
        file.set_len(rng.random_range(0..=used as u64)).unwrap();
        drop(file);
        let ledger = open(torn.path());
        let height = ledger.head().height;
        assert!(height <= full);
        earlier += usize::from(height < full);
        check_chain(&ledger, height.saturating_sub(20));
        extend(&ledger, full - height);
        assert_eq!(ledger.head().height, full);
        drop(ledger);
        assert_eq!(open(torn.path()).head(), open(dir).head());
    }
    earlier
}

/// A power cut may keep a later page of a batch and lose an earlier one.
#[test]
fn a_journal_with_a_hole_is_refused_or_gives_an_earlier_block() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = StdRng::from_os_rng();
    let full = {
        let ledger = open(dir.path());
        extend(&ledger, 60);
        ledger.head().height
    };
    let (block, changes) = genesis();
    for _ in 0..16 {
        let torn = tempfile::tempdir().unwrap();
        copy(dir.path(), torn.path());
        let journal = journal(torn.path());
        let mut bytes = fs::read(&journal).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        let hole = rng.random_range(0..used.max(2_048) - 1_024);
        bytes[hole..hole + 512].fill(0);
        fs::write(&journal, bytes).unwrap();
        match Ledger::open(torn.path(), &block, changes.clone(), LedgerConfig::default()) {
            Ok(ledger) => {
                assert!(ledger.head().height <= full);
                check_chain(&ledger, 0);
            }
            Err(LedgerError::Damaged { what, .. }) => assert_eq!(what, "the journal"),
            Err(other) => panic!("{other}"),
        }
    }
}
