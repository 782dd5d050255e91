//! The node's clock: the system's, except on a dev chain, where a story may be told faster than it
//! happened.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::watch;

/// How the time of new blocks is found.
#[derive(Clone, Copy, Debug)]
enum Mode {
    /// The system's time and so many seconds more.
    Running { ahead_s: u64 },
    /// Stands still until it is set again.
    Standing { at: u64 },
}

/// Seconds since 1970 for new blocks.
#[derive(Debug)]
pub struct Clock {
    mode: Mutex<Mode>,
    moved: watch::Sender<()>,
}

impl Clock {
    /// A clock that is never behind `head_timestamp`: a dev chain that was set forward before goes on
    /// from there.
    pub fn starting_after(head_timestamp: u64) -> Self {
        let ahead_s = head_timestamp.saturating_sub(system_now());
        Self { mode: Mutex::new(Mode::Running { ahead_s }), moved: watch::Sender::new(()) }
    }

    /// The time now.
    pub fn now(&self) -> u64 {
        match *self.mode.lock() {
            Mode::Running { ahead_s } => system_now().saturating_add(ahead_s),
            Mode::Standing { at } => at,
        }
    }

    /// Moves the clock forward and lets it run on. Returns the new time.
    pub fn advance(&self, seconds: u64) -> u64 {
        let now = self.now().saturating_add(seconds);
        self.run_from(now);
        now
    }

    /// Sets the clock and lets it run on from there.
    pub fn run_from(&self, timestamp: u64) {
        let ahead_s = timestamp.saturating_sub(system_now());
        *self.mode.lock() = Mode::Running { ahead_s };
        self.moved.send_replace(());
    }

    /// Stops the clock at a time, which may be in the past.
    pub fn stand_at(&self, timestamp: u64) {
        *self.mode.lock() = Mode::Standing { at: timestamp };
        self.moved.send_replace(());
    }

    /// Waits until the clock has reached a time.
    pub async fn reached(&self, timestamp: u64) {
        let mut moved = self.moved.subscribe();
        while self.now() < timestamp {
            let wait = Duration::from_millis(200);
            // A closed channel cannot be: the sender is this clock.
            let _ = tokio::time::timeout(wait, moved.changed()).await;
        }
    }
}

fn system_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
