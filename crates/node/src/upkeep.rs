//! What a node does with its data by itself: snapshots at intervals, and old blocks that it need not keep.

use std::{
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::{info, warn};
use tulou_ledger::Ledger;

use crate::{settings::SnapshotSettings, snapshot::write_snapshot};

/// Blocks that are let go at once; fewer wait for the next time.
const PRUNE_STEP: u64 = 64;
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The upkeep of one ledger.
#[derive(Clone)]
pub(crate) struct Upkeep {
    pub(crate) ledger: Ledger,
    pub(crate) chain_id: u64,
    /// Blocks kept below the head; `None` keeps all.
    pub(crate) keep_blocks: Option<u64>,
    /// Snapshots, with their folder made absolute.
    pub(crate) snapshots: Option<SnapshotSettings>,
}

impl Upkeep {
    /// Whether there is anything to do, ever.
    pub(crate) fn is_needed(&self) -> bool {
        self.keep_blocks.is_some() || self.snapshots.is_some()
    }

    /// Looks at intervals, for ever.
    pub(crate) async fn run(self) {
        loop {
            let work = self.clone();
            if tokio::task::spawn_blocking(move || work.look()).await.is_err() {
                warn!("the upkeep of a ledger broke");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn look(&self) {
        let head = self.ledger.head().height;
        if let Some(snapshots) = &self.snapshots {
            self.snapshot(snapshots, head);
        }
        let Some(keep) = self.keep_blocks else { return };
        let below = head.saturating_sub(keep);
        if below < self.ledger.first_kept() + PRUNE_STEP {
            return;
        }
        match self.ledger.prune(below, &mut |_| ControlFlow::Continue(())) {
            Ok(report) if report.blocks > 0 => info!(
                blocks = report.blocks,
                first_kept = report.first_kept,
                "old blocks were let go; archives keep them"
            ),
            Ok(_) => {}
            Err(error) => warn!(%error, "old blocks could not be let go"),
        }
    }

    fn snapshot(&self, settings: &SnapshotSettings, head: u64) {
        let known = match heights(&settings.dir) {
            Ok(known) => known,
            Err(error) => return warn!(%error, "the folder of snapshots cannot be read"),
        };
        let due = known.last().map_or(settings.every, |last| last + settings.every);
        if settings.every == 0 || head < due {
            return;
        }
        let unfinished = settings.dir.join("unfinished");
        let written = write_snapshot(&self.ledger, self.chain_id, &unfinished);
        let manifest = match written {
            Ok(manifest) => manifest,
            Err(error) => return warn!(%error, "no snapshot was written"),
        };
        let done = fs::rename(&unfinished, settings.dir.join(manifest.height.to_string()));
        match done {
            Ok(()) => {
                info!(height = manifest.height, bytes = manifest.bytes, "a snapshot was written")
            }
            Err(error) => return warn!(%error, "a snapshot was not put in its place"),
        }
        for old in known.iter().rev().skip(settings.keep.saturating_sub(1)) {
            if let Err(error) = fs::remove_dir_all(settings.dir.join(old.to_string())) {
                warn!(%error, height = old, "an old snapshot stays");
            }
        }
    }
}

/// Heights of the snapshots in a folder, ascending.
fn heights(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let height = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    let mut heights: Vec<u64> = entries.filter_map(height).collect();
    heights.sort_unstable();
    Ok(heights)
}

/// The settings with a folder that does not depend on where the process was started.
pub(crate) fn placed(settings: &SnapshotSettings, node: &Path) -> SnapshotSettings {
    let dir: PathBuf = node.join(&settings.dir);
    SnapshotSettings { dir, ..settings.clone() }
}
