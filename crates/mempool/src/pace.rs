//! How fast transactions leave the pool while there are more than a block takes.

use std::time::{Duration, Instant};

/// After this long a block counts half.
const HALF: Duration = Duration::from_secs(1);

/// A rate that follows the last seconds. Time in which nothing waited does not count.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    left: f64,
    seconds: f64,
    /// Since when something has waited without a block; `None` where nothing does.
    waiting: Option<Instant>,
}

impl Pace {
    /// A block took so many out of the pool, at this time, and left some that can execute, or none.
    pub(crate) fn took(&mut self, count: usize, at: Instant, some_left: bool) {
        if let Some(since) = self.waiting {
            let passed = at.saturating_duration_since(since).as_secs_f64();
            let fade = 0.5f64.powf(passed / HALF.as_secs_f64());
            self.left = self.left * fade + count as f64;
            self.seconds = self.seconds * fade + passed;
        }
        self.waiting = some_left.then_some(at);
    }

    /// Transactions a second; `None` where it was never seen.
    pub(crate) fn per_s(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.left / self.seconds)
    }
}
