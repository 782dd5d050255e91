//! When the head last moved, by this machine's own clocks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Remembers the last move of the head. The age counts from the start until the first one.
#[derive(Debug)]
pub(crate) struct Pulse {
    start: Instant,
    /// Milliseconds after `start`.
    moved: AtomicU64,
    /// Milliseconds since 1970; 0 before the first move.
    at: AtomicU64,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), moved: AtomicU64::new(0), at: AtomicU64::new(0) }
    }

    /// The head has moved now.
    pub(crate) fn beat(&self) {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.at.store(millis(wall), Ordering::Relaxed);
        self.moved.store(millis(self.start.elapsed()), Ordering::Relaxed);
    }

    /// How long the head has stood still.
    pub(crate) fn age(&self) -> Duration {
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(moved)
    }

    /// Milliseconds since 1970 of the last move; `None` before the first one.
    pub(crate) fn final_at_ms(&self) -> Option<u64> {
        Some(self.at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
