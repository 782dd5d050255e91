//! What a folder takes, and what is left around it.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// How long a count is good for: reading every file's size costs more than a scrape should.
const FRESH: Duration = Duration::from_secs(30);

/// A ledger's folder.
#[derive(Debug)]
pub(crate) struct Disk {
    dir: Option<PathBuf>,
    counted: Mutex<Option<(Instant, u64)>>,
}

impl Disk {
    pub(crate) fn new(dir: Option<PathBuf>) -> Self {
        Self { dir, counted: Mutex::new(None) }
    }

    /// Bytes of all files in the folder. `None` without a folder.
    pub(crate) fn used(&self) -> Option<u64> {
        let dir = self.dir.as_ref()?;
        let mut counted = self.counted.lock();
        if let Some((at, bytes)) = *counted
            && at.elapsed() < FRESH
        {
            return Some(bytes);
        }
        let bytes = size(dir);
        *counted = Some((Instant::now(), bytes));
        Some(bytes)
    }

    /// Bytes that this process may still write there.
    pub(crate) fn free(&self) -> Option<u64> {
        let found = rustix::fs::statvfs(self.dir.as_ref()?).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

/// Files come and go while a ledger runs: one that is gone by now counts nothing.
fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
