//! One altered byte anywhere on disk: it is named, or it changes nothing that is served.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    ops::ControlFlow,
    os::unix::fs::FileExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tulou_ledger::{Ledger, LedgerConfig, LedgerError, Pace, VerifyReport, VerifyStage};

use crate::{
    chain::{certify, extend, genesis, open},
    crash::copy,
};

pub(crate) fn verify(ledger: &Ledger) -> VerifyReport {
    ledger.verify(0..=u64::MAX, Pace::default(), &mut |_| ControlFlow::Continue(()))
}

/// All that a ledger serves of its blocks, and the state root.
#[derive(Debug, PartialEq, Eq)]
struct Served {
    head: B256,
    root: B256,
    blocks: Vec<Vec<u8>>,
    receipts: Vec<Vec<tulou_primitives::ReceiptEnvelope>>,
    certificates: Vec<Option<alloy_primitives::Bytes>>,
    epochs: Vec<tulou_ledger::EpochEnd>,
}

fn served(ledger: &Ledger) -> Result<Served, LedgerError> {
    let head = ledger.head();
    let heights = 0..=head.height;
    let block = |height| ledger.block(height).map(|block| block.unwrap().encode().to_vec());
    Ok(Served {
        head: head.hash,
        root: ledger.latest().root(),
        blocks: heights.clone().map(block).collect::<Result<_, _>>()?,
        receipts: heights
            .clone()
            .map(|height| ledger.receipts(height).map(Option::unwrap))
            .collect::<Result<_, _>>()?,
        certificates: heights.map(|height| ledger.finality(height)).collect::<Result<_, _>>()?,
        epochs: (0..4)
            .filter_map(|epoch| ledger.epoch_end(epoch).transpose())
            .collect::<Result<_, _>>()?,
    })
}

fn files(dir: &Path, found: &mut Vec<(PathBuf, u64)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let data = entry.metadata().unwrap();
        if data.is_dir() {
            files(&entry.path(), found);
        } else if data.len() > 0 {
            found.push((entry.path(), data.len()));
        }
    }
    found.sort();
}

/// Flips one bit of a byte that was written, and says where.
fn flip(dir: &Path, rng: &mut StdRng) -> String {
    let mut all = Vec::new();
    files(dir, &mut all);
    // Every kind of file gets its share, however small it is.
    let (path, length) = all[rng.random_range(0..all.len())].clone();
    let used = if path.extension().is_some_and(|ext| ext == "jnl") {
        let bytes = fs::read(&path).unwrap();
        bytes.iter().rposition(|byte| *byte != 0).map_or(length, |last| last as u64 + 1)
    } else {
        length
    };
    let at = rng.random_range(0..used);
    flip_at(&path, at, 1 << rng.random_range(0..8));
    format!("{} at {at}", path.strip_prefix(dir).unwrap().display())
}

fn flip_at(path: &Path, at: u64, bits: u8) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ bits], at).unwrap();
}

fn reopen(dir: &Path) -> Result<Ledger, LedgerError> {
    let (block, changes) = genesis();
    let config = LedgerConfig { memtable_bytes: 64 << 10, cache_bytes: 0, ..Default::default() };
    Ledger::open(dir, &block, changes, config)
}

/// A folder with tables and a journal that is not empty.
fn filled(dir: &Path) -> Served {
    let ledger = reopen(dir).unwrap();
    certify(&ledger, 70);
    let whole = served(&ledger).unwrap();
    drop(ledger);
    // Tables are written after a restart as well; the last blocks stay in the journal.
    let ledger = reopen(dir).unwrap();
    assert!(verify(&ledger).is_sound());
    assert_eq!(served(&ledger).unwrap(), whole);
    whole
}

/// What became of an altered byte.
fn outcome(dir: &Path, whole: &Served) -> Result<&'static str, String> {
    let ledger = match reopen(dir) {
        Ok(ledger) => ledger,
        Err(LedgerError::Damaged { .. } | LedgerError::RootMismatch { .. }) => {
            return Ok("opening names it");
        }
        Err(LedgerError::OtherFormat { .. } | LedgerError::OtherGenesis { .. }) => {
            return Ok("opening refuses the folder");
        }
        Err(other) => return Err(format!("opening gives an unclear error: {other}")),
    };
    let read = served(&ledger);
    let report = verify(&ledger);
    match read {
        Err(error) if error.is_damage() && ledger.damage().is_some() => Ok("a read names it"),
        Err(error) => Err(format!("a read gives an unclear error: {error}")),
        Ok(_) if !report.is_sound() => {
            assert!(ledger.damage().is_some());
            Ok("verify names it")
        }
        Ok(read) if read == *whole => Ok("no effect: all is served as before"),
        // The end of the journal is lost, as after a power cut. The engine delivers it again.
        Ok(read) if ledger.lost().is_some() && whole.blocks.starts_with(&read.blocks) => {
            Ok("earlier head, and the ledger says that it lost blocks")
        }
        Ok(_) => Err("something else is served".into()),
    }
}

#[test]
fn one_altered_byte_is_named_or_without_effect() {
    let dir = tempfile::tempdir().unwrap();
    let whole = filled(dir.path());
    let mut counts = BTreeMap::new();
    for seed in 0..150 {
        let altered = tempfile::tempdir().unwrap();
        copy(dir.path(), altered.path());
        let place = flip(altered.path(), &mut StdRng::seed_from_u64(seed));
        let found = catch_unwind(AssertUnwindSafe(|| outcome(altered.path(), &whole)));
        match found {
            Ok(Ok(outcome)) => *counts.entry(outcome).or_insert(0) += 1,
            Ok(Err(why)) => panic!("seed {seed}, {place}: {why}"),
            Err(_) => panic!("seed {seed}, {place}: a panic"),
        }
    }
    println!("150 altered bytes while stopped: {counts:?}");
    assert!(counts.keys().any(|outcome| outcome.contains("names it")), "{counts:?}");
}

#[test]
fn one_altered_byte_under_an_open_ledger_is_named_or_without_effect() {
    let dir = tempfile::tempdir().unwrap();
    let whole = filled(dir.path());
    let mut counts = BTreeMap::new();
    for seed in 1_000..1_060 {
        let altered = tempfile::tempdir().unwrap();
        copy(dir.path(), altered.path());
        let ledger = reopen(altered.path()).unwrap();
        let place = flip(altered.path(), &mut StdRng::seed_from_u64(seed));
        let read = served(&ledger);
        let report = verify(&ledger);
        let outcome = match read {
            Err(error) => {
                assert!(error.is_damage(), "seed {seed}, {place}: {error}");
                assert!(ledger.damage().is_some());
                "a read names it"
            }
            Ok(read) => {
                assert_eq!(read, whole, "seed {seed}, {place}");
                match report.is_sound() {
                    true => "no effect while it is open",
                    false => "verify names it",
                }
            }
        };
        *counts.entry(outcome).or_insert(0) += 1;
    }
    println!("60 altered bytes while open: {counts:?}");
    assert!(counts.keys().any(|outcome| outcome.contains("names it")), "{counts:?}");
}

/// Changes a record of a table so that the store itself finds nothing wrong.
fn forge(dir: &Path, table: u8, change: &dyn Fn(&mut Vec<u8>)) {
    let database = fjall::Database::builder(dir.join("store")).open().unwrap();
    let keyspace = database.keyspace("ledger", Default::default).unwrap();
    let records: Vec<_> = keyspace.prefix([table]).map(|item| item.into_inner().unwrap()).collect();
    // Not the newest, which are in memory. Of code, all: some of it may belong to nobody.
    let forged = if table == b'c' { &records[..] } else { &records[3..4] };
    for (key, value) in forged {
        let mut value = value.to_vec();
        change(&mut value);
        if value.is_empty() {
            keyspace.remove(key.clone()).unwrap();
        } else {
            keyspace.insert(key.clone(), value).unwrap();
        }
    }
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

#[test]
fn a_forged_record_is_never_served() {
    let last = |value: &mut Vec<u8>| *value.last_mut().unwrap() ^= 1;
    let first = |value: &mut Vec<u8>| value[0] ^= 1;
    let gone = |value: &mut Vec<u8>| value.clear();
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    let cases: [(u8, Change<'_>, &str); 17] = [
        (b'h', &last, "header 3"),
        (b'h', &gone, "header 3"),
        (b'b', &last, "block 3"),
        (b'b', &gone, "block 3"),
        (b'r', &last, "receipts 3"),
        (b'r', &gone, "receipts 3"),
        (b'f', &last, "certificate 4"),
        (b'f', &first, "certificate 4"),
        (b'i', &last, "height"),
        (b'i', &gone, "header"),
        (b't', &last, "the place of transaction"),
        (b't', &gone, "the place of transaction"),
        (b'c', &last, "code"),
        (b'c', &gone, "code"),
        (b'e', &last, "the end of an epoch"),
        (b'e', &gone, "the end of"),
        (b'k', &last, "the validators of epoch"),
    ];
    for (table, change, name) in cases {
        let dir = tempfile::tempdir().unwrap();
        certify(&open(dir.path()), 100);
        forge(dir.path(), table, change);
        let table = char::from(table);
        match reopen(dir.path()) {
            Err(error) => assert!(error.to_string().contains(name), "{table}: {error}"),
            Ok(ledger) => {
                let report = verify(&ledger);
                let words = report.damage.first().unwrap_or_else(|| panic!("{table} is not found"));
                assert!(words.contains(name), "{table}: {words}");
                assert_eq!(ledger.damage().as_ref(), Some(words));
            }
        }
    }
}

#[test]
fn a_read_of_a_forged_record_latches_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    certify(&open(dir.path()), 100);
    forge(dir.path(), b'b', &|value| *value.last_mut().unwrap() ^= 1);
    let ledger = reopen(dir.path()).unwrap();
    let mut told = ledger.watch_damage();
    assert!(ledger.damage().is_none() && told.borrow_and_update().is_none());
    assert!(ledger.block(50).unwrap().is_some());
    assert!(ledger.damage().is_none());
    let error = ledger.block(3).unwrap_err();
    assert!(matches!(&error, LedgerError::Damaged { what, .. } if what == "block 3"), "{error}");
    assert!(told.has_changed().unwrap());
    assert_eq!(ledger.damage(), Some(error.to_string()));
    // What was found first stays.
    assert!(ledger.block(3).is_err());
    assert_eq!(ledger.damage(), Some(error.to_string()));
}

#[test]
fn verify_reads_all_at_a_pace_and_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    certify(&ledger, 45);
    extend(&ledger, 3);
    let mut stages = Vec::new();
    let report = ledger.verify(0..=u64::MAX, Pace::default(), &mut |progress| {
        stages.push(progress.stage);
        ControlFlow::Continue(())
    });
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.from, report.to, report.blocks), (0, 48, 49));
    assert_eq!((report.transactions, report.certificates, report.epochs), (48 * 3, 45, 2));
    assert_eq!((report.state_height, report.state_root), (48, ledger.latest().root()));
    assert!(stages.contains(&VerifyStage::Blocks) && stages.contains(&VerifyStage::Epochs));

    let part = ledger.verify(10..=12, Pace::default(), &mut |_| ControlFlow::Continue(()));
    assert_eq!((part.from, part.to, part.blocks), (10, 12, 3));

    let stopped = ledger.verify(0..=48, Pace::default(), &mut |_| ControlFlow::Break(()));
    assert!(stopped.stopped && !stopped.is_sound() && stopped.blocks == 1);
    assert!(ledger.damage().is_none());

    // 49 blocks and more than 2,000 leaves of 100 bytes each at 1 MB a second take a while.
    let begun = std::time::Instant::now();
    let pace = Pace { bytes_per_second: Some(1_000_000) };
    ledger.verify(0..=48, pace, &mut |_| ControlFlow::Continue(()));
    assert!(begun.elapsed() >= std::time::Duration::from_millis(100));
}

#[test]
fn verify_goes_on_while_blocks_become_final() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    certify(&ledger, 30);
    std::thread::scope(|scope| {
        let checks = scope.spawn(|| (0..5).map(|_| verify(&ledger)).collect::<Vec<_>>());
        certify(&ledger, 60);
        for report in checks.join().unwrap() {
            assert!(report.is_sound(), "{report:?}");
        }
    });
}

#[test]
fn a_lost_end_is_told() {
    let dir = tempfile::tempdir().unwrap();
    certify(&open(dir.path()), 5);
    assert!(open(dir.path()).lost().is_none());
    let file = File::options().write(true).open(dir.path().join("height")).unwrap();
    file.write_all_at(format!("{:>20}", 9).as_bytes(), 0).unwrap();
    let lost = open(dir.path()).lost().unwrap();
    assert_eq!((lost.had, lost.has), (9, 5));
}
