//! Numbers from a seed, the same on every machine.

use std::{ops::Range, time::Duration};

/// SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `range`, which is not empty.
    pub(crate) fn pick(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// A time in `range` of milliseconds.
    pub(crate) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.pick(range))
    }

    /// One of `things`.
    pub(crate) fn one<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.pick(0..things.len() as u64) as usize]
    }

    /// Whether one of `of` equal chances is met.
    pub(crate) fn once_in(&mut self, of: u64) -> bool {
        self.pick(0..of) == 0
    }
}
