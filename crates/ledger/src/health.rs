//! What a ledger remembers of damage and of failed writes, so that it says so until it is opened again.

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::{LedgerError, StoreError};

/// Latches: what was found first stays.
pub(crate) struct Health {
    damage: watch::Sender<Option<String>>,
    failure: watch::Sender<Option<String>>,
    full: Mutex<bool>,
}

impl Default for Health {
    fn default() -> Self {
        Self { damage: watch::channel(None).0, failure: watch::channel(None).0, full: false.into() }
    }
}

impl Health {
    /// Notes damage that a read has met.
    pub(crate) fn watched<T>(&self, result: Result<T, LedgerError>) -> Result<T, LedgerError> {
        if let Err(error) = &result
            && error.is_damage()
        {
            self.note_damage(error.to_string());
        }
        result
    }

    /// Notes damage in words.
    pub(crate) fn note_damage(&self, words: String) {
        latch(&self.damage, words);
    }

    /// Notes a write that failed.
    pub(crate) fn note_failure(&self, error: &LedgerError) {
        let mut full = self.full.lock();
        if self.failure.borrow().is_none() {
            *full = matches!(error, LedgerError::Full(_));
            latch(&self.failure, error.to_string());
        }
    }

    /// Refuses to write after a failure, in the words of the first one.
    pub(crate) fn may_write(&self) -> Result<(), LedgerError> {
        let full = *self.full.lock();
        match self.failure.borrow().clone() {
            None => Ok(()),
            Some(_) if full => Err(LedgerError::Full("a write failed before".into())),
            Some(words) => Err(StoreError(format!("an earlier write failed: {words}")).into()),
        }
    }

    pub(crate) fn damage(&self) -> watch::Receiver<Option<String>> {
        self.damage.subscribe()
    }

    pub(crate) fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.subscribe()
    }
}

fn latch(cell: &watch::Sender<Option<String>>, words: String) {
    cell.send_if_modified(|current| {
        let first = current.is_none();
        if first {
            *current = Some(words);
        }
        first
    });
}
