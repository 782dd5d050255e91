//! A disk without room: the write fails in words, nothing final is lost, and with room it goes on.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use tulou_ledger::{Ledger, LedgerConfig, LedgerError};

use crate::{
    chain::{certify, genesis, grow, open},
    damage::verify,
};

/// A file system of its own, unmounted when it goes.
struct Small(tempfile::TempDir);

impl Small {
    /// `None` where this process may not mount.
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success()).then(|| Self(dir))
    }

    fn grow(&self, size: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(self.0.path())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn open_small(dir: &Path) -> Ledger {
    let (block, changes) = genesis();
    let config = LedgerConfig { memtable_bytes: 256 << 10, ..Default::default() };
    Ledger::open(dir, &block, changes, config).unwrap()
}

/// Finalizes until a write fails, and returns the head and the error.
fn fill(ledger: &Ledger) -> (u64, LedgerError) {
    for _ in 0..20_000 {
        let block = grow(ledger, ledger.head().hash, 0);
        if let Err(error) = ledger.finalize(block.hash()) {
            return (ledger.head().height, error);
        }
    }
    panic!("the disk never filled");
}

fn check_stopped(ledger: &Ledger, height: u64, error: &LedgerError) {
    assert!(matches!(error, LedgerError::Full(_)), "{error}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(ledger.failure(), Some(error.to_string()));
    // No block was made final that is not on disk, and what is on disk is served.
    assert_eq!(ledger.head().height, height);
    assert!(ledger.block(height).unwrap().is_some());
    assert!(ledger.damage().is_none());
    // Later writes are refused in the same words.
    let next = grow(ledger, ledger.head().hash, 0);
    assert!(matches!(ledger.finalize(next.hash()), Err(LedgerError::Full(_))));
    assert!(matches!(ledger.put_finality(height, "x".into()), Err(LedgerError::Full(_))));
}

#[test]
fn a_full_disk_stops_the_ledger_and_room_lets_it_go_on() {
    let Some(disk) = Small::mount("6m") else {
        println!("not run: this process may not mount; a limited file size is tested instead");
        return;
    };
    let dir = disk.0.path().join("ledger");
    let ledger = open_small(&dir);
    let mut told = ledger.watch_failure();
    assert!(told.borrow_and_update().is_none());
    let (height, error) = fill(&ledger);
    println!("full after {height} blocks: {error}");
    assert!(told.has_changed().unwrap());
    check_stopped(&ledger, height, &error);
    drop(ledger);
    disk.grow("64m");
    let ledger = open_small(&dir);
    assert!(ledger.head().height >= height && ledger.lost().is_none());
    assert!(ledger.failure().is_none());
    certify(&ledger, 10);
    assert!(verify(&ledger).is_sound());
}

/// Set for the process that may write only small files.
const LIMITED: &str = "TULOU_LEDGER_LIMITED";

/// Not a test of its own: the process that [`a_limited_file_size_stops_the_ledger`] starts.
#[test]
fn limited() {
    let Some(dir) = std::env::var_os(LIMITED) else { return };
    let ledger = open(Path::new(&dir));
    let (height, error) = fill(&ledger);
    check_stopped(&ledger, height, &error);
    println!("full at {height}");
}

#[test]
fn a_limited_file_size_stops_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    certify(&open(dir.path()), 3);
    // The signal would end the process: with it ignored, the write fails. 2,048 blocks are 1 MiB.
    let script = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full::limited", "--nocapture", "--test-threads=1"])
        .env(LIMITED, dir.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words}{}", String::from_utf8_lossy(&output.stderr));
    let height: u64 =
        words.lines().find_map(|line| line.split_once("full at ")?.1.trim().parse().ok()).unwrap();
    let ledger = open(dir.path());
    assert_eq!(ledger.head().height, height);
    certify(&ledger, 3);
    assert!(verify(&ledger).is_sound());
}
