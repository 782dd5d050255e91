//! Steps down in order when the data is damaged or the disk is full: no more votes, no more writes, a
//! sentence for whoever asks. Room that comes back is noticed by the process, which starts the node
//! again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tracing::{error, warn};
use tulou_ledger::{Ledger, StorageBudget, StorageState, free_bytes, used_bytes};

use crate::gossip::SharedEngine;

/// How often the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why a node has stepped down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepDown {
    /// Its data is not what it wrote. It stays down until somebody has restored it.
    Damage(String),
    /// Nothing more can be written. It goes on when there is room.
    NoRoom(String),
}

impl StepDown {
    /// What people read.
    pub fn words(&self) -> &str {
        match self {
            Self::Damage(words) | Self::NoRoom(words) => words,
        }
    }
}

/// Whether and why a node has stepped down, shared by those who ask.
pub(crate) type Stand = Arc<Mutex<Option<StepDown>>>;

/// Watches one ledger's data.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) ledger: Ledger,
    pub(crate) engine: SharedEngine,
    /// Folder of ledger and engine together.
    pub(crate) dir: PathBuf,
    pub(crate) budget: StorageBudget,
    pub(crate) stand: Stand,
}

impl Guard {
    /// Looks at intervals and whenever the ledger meets damage or a write fails, until it steps down.
    pub(crate) async fn watch(self) {
        let mut damage = self.ledger.watch_damage();
        let mut failure = self.ledger.watch_failure();
        loop {
            let found = damage.borrow_and_update().clone().map(StepDown::Damage);
            let found = found.or_else(|| failure.borrow_and_update().clone().map(StepDown::NoRoom));
            let found = match found {
                Some(found) => Some(found),
                None => self.look().await,
            };
            if let Some(found) = found {
                return self.step_down(found).await;
            }
            tokio::select! {
                changed = damage.changed() => if changed.is_err() { return },
                changed = failure.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// What is wrong with the engine's archive of blocks.
    pub(crate) fn archive_damage(&self) -> Option<String> {
        let engine = self.engine.read();
        engine.as_ref().and_then(|engine| engine.damage().map(str::to_owned))
    }

    async fn look(&self) -> Option<StepDown> {
        if let Some(words) = self.archive_damage() {
            return Some(StepDown::Damage(words));
        }
        let guard = self.clone();
        // Counts files, which may block.
        tokio::task::spawn_blocking(move || guard.no_room())
            .await
            .ok()
            .flatten()
            .map(StepDown::NoRoom)
    }

    /// Why nothing more may be written, if so. A disk that does not answer is the ledger's to report.
    pub(crate) fn no_room(&self) -> Option<String> {
        let (used, free) = (used_bytes(&self.dir).ok()?, free_bytes(&self.dir).ok()?);
        let state = self.budget.state(used, free, None);
        match &state {
            StorageState::Ok(_) => None,
            StorageState::Warn(_) => {
                warn!(reason = state.words(), "the disk fills up");
                None
            }
            StorageState::Stop(_) => state.words(),
        }
    }

    async fn step_down(&self, found: StepDown) {
        error!(reason = found.words(), "this node steps down; nothing final is lost");
        *self.stand.lock() = Some(found);
        let engine = self.engine.write().take();
        let Some(engine) = engine else { return };
        // Waits for the engine's threads.
        if tokio::task::spawn_blocking(move || engine.stop()).await.is_err() {
            error!("the engine broke while it stopped");
        }
    }
}
