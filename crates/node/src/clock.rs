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
    /// Milliseconds by which a drill lets the clock be wrong.
    wrong_by_ms: i64,
}

impl Clock {
    /// A clock that is never behind `head_timestamp`: a dev chain that was set forward before goes on
    /// from there.
    pub fn starting_after(head_timestamp: u64) -> Self {
        let ahead_s = head_timestamp.saturating_sub(system_ms() / 1_000);
        Self {
            mode: Mutex::new(Mode::Running { ahead_s }),
            moved: watch::Sender::new(()),
            wrong_by_ms: 0,
        }
    }

    /// The system's clock, wrong by so many milliseconds in a drill and by none otherwise.
    pub fn system(wrong_by_ms: i64) -> Self {
        Self { wrong_by_ms, ..Self::starting_after(0) }
    }

    /// The time now.
    pub fn now(&self) -> u64 {
        match *self.mode.lock() {
            Mode::Running { ahead_s } => (self.system_ms() / 1_000).saturating_add(ahead_s),
            Mode::Standing { at } => at,
        }
    }

    /// The time now in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        match *self.mode.lock() {
            Mode::Running { ahead_s } => {
                self.system_ms().saturating_add(ahead_s.saturating_mul(1_000))
            }
            Mode::Standing { at } => at.saturating_mul(1_000),
        }
    }

    fn system_ms(&self) -> u64 {
        system_ms().saturating_add_signed(self.wrong_by_ms)
    }

    /// Moves the clock forward and lets it run on. Returns the new time.
    pub fn advance(&self, seconds: u64) -> u64 {
        let now = self.now().saturating_add(seconds);
        self.run_from(now);
        now
    }

    /// Sets the clock and lets it run on from there.
    pub fn run_from(&self, timestamp: u64) {
        let ahead_s = timestamp.saturating_sub(self.system_ms() / 1_000);
        *self.mode.lock() = Mode::Running { ahead_s };
        self.moved.send_replace(());
    }

    /// Stops the clock at a time, which may be in the past.
    pub fn stand_at(&self, timestamp: u64) {
        *self.mode.lock() = Mode::Standing { at: timestamp };
        self.moved.send_replace(());
    }

    /// Changes when the clock is set.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
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

fn system_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
