//! States below those in memory, made again from what each block changed.

use std::sync::Arc;

use crate::{
    error::LedgerError,
    ledger::{Ledger, apply_changes, load_version},
    version::Version,
};

/// States that were made again and stay in memory, so that the next who asks begins near.
const STATIONS: usize = 32;
/// Heights between two states that stay while one goes down a long way.
const STRIDE: u64 = 1_024;

/// States that were made again, the one that was asked for last at the end.
#[derive(Default)]
pub(crate) struct Stations(Vec<Version>);

impl Stations {
    /// The lowest one that is not below a height.
    fn above(&self, height: u64) -> Option<Version> {
        let usable = self.0.iter().filter(|version| version.height() >= height);
        usable.min_by_key(|version| version.height()).cloned()
    }

    fn keep(&mut self, version: &Version) {
        self.0.retain(|known| known.height() != version.height());
        self.0.push(version.clone());
        if self.0.len() > STATIONS {
            self.0.remove(0);
        }
    }
}

impl Ledger {
    /// The state after a final block: one that is retained at once, one within
    /// [`LedgerConfig::history`](crate::LedgerConfig) by undoing block after block from the nearest known
    /// state above, some 10 us a block and as much memory as a retained one. Its root is compared with
    /// its header. `None` where the state is not kept any more.
    ///
    /// # Errors
    /// - [`LedgerError::Damaged`], [`LedgerError::RootMismatch`]: what the blocks changed is not what was
    ///   written.
    /// - [`LedgerError::Store`]: the disk.
    pub fn historical(&self, height: u64) -> Result<Option<Version>, LedgerError> {
        if let Some(version) = self.version_at(height) {
            return Ok(Some(version));
        }
        if !self.is_told(height) || self.head().height - height > self.config().kept_states() {
            return Ok(None);
        }
        let station = self.0.stations.lock().above(height);
        let oldest = self.0.versions.read().oldest().clone();
        let from = station.filter(|found| found.height() < oldest.height()).unwrap_or(oldest);
        self.watched(self.walk_down(from, height))
    }

    fn walk_down(&self, from: Version, height: u64) -> Result<Option<Version>, LedgerError> {
        let store = &self.0.store;
        let mut state = from.state().cloned();
        for above in (height + 1..=from.height()).rev() {
            let Some(undo) = store.undo(above)? else { return Ok(None) };
            state = apply_changes(state.as_ref(), &undo);
            let here = above - 1;
            if here > height && here % STRIDE == 0 {
                let station = load_version(&Arc::clone(store), here, state.clone())?;
                self.0.stations.lock().keep(&station);
            }
        }
        let version = load_version(&Arc::clone(store), height, state)?;
        self.0.stations.lock().keep(&version);
        Ok(Some(version))
    }
}
