//! Largest remainder over any number of units, in stretches as long as one transaction allows.
//!
//! A unit's part is the floor of total times area by the sum of all areas, and as many units as fen are
//! missing get one more: those with the largest remainders, the first of equal ones. Which remainders
//! are large enough is found without a sorted list: a pass over the units counts their remainders in
//! buckets, the next one divides the bucket in which the fen run out, until that is one remainder or
//! all of it gets a fen. The outcome is that of [`super::rule::allot`].

use crate::prelude::*;

/// Into how many buckets a pass divides the window.
const BUCKETS: u64 = 64;
/// Counters that share a word.
const IN_WORD: usize = 8;
/// Words of [`Counts`].
pub(super) const WORDS: usize = BUCKETS as usize / IN_WORD;

/// Work of each step on one unit, in hundreds of gas at most: entering it (with up to five reads of its
/// area's history), counting its remainder once, charging it (where it never had a balance).
pub(super) const ENTER: u64 = 370;
pub(super) const RANK: u64 = 22;
pub(super) const CHARGE: u64 = 272;
/// Work of a unit from first to last, with three passes of counting.
const UNIT: u64 = ENTER + 3 * RANK + CHARGE;

/// What is left of the work that one call may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(u64);

impl Budget {
    /// The work of so many units from first to last: never less than one step.
    pub(super) fn of(units: u32) -> Self {
        Self(u64::from(units).saturating_mul(UNIT))
    }

    /// Takes as many steps as there are to do and as fit, and returns their number.
    pub(super) fn steps(&mut self, work: u64, wanted: u64) -> u64 {
        let fit = self.0.checked_div(work).unwrap_or(0).min(wanted);
        self.0 = self.0.saturating_sub(fit.saturating_mul(work));
        fit
    }
}

/// Units by bucket.
pub(super) type Counts = [u32; BUCKETS as usize];

/// One word of counters, the first in the lowest bytes.
pub(super) fn word_of(counters: &[u32]) -> U256 {
    counters.iter().rev().fold(U256::ZERO, |word, count| word << 32 | U256::from(*count))
}

/// The words of all counters.
pub(super) fn words_of(counts: &Counts) -> impl Iterator<Item = U256> {
    counts.chunks(IN_WORD).map(word_of)
}

/// The counters of these words.
pub(super) fn counts_of(words: &[U256; WORDS]) -> Counts {
    let mut counts = [0; BUCKETS as usize];
    for (counters, word) in counts.chunks_mut(IN_WORD).zip(words) {
        for (place, counter) in counters.iter_mut().enumerate() {
            *counter = ((*word >> (32 * place)) & U256::from(u32::MAX)).to();
        }
    }
    counts
}

packed! {
    /// The remainders among which the missing fen run out: from `low`, `width` of them. Larger ones
    /// get a fen, and `need` units of those within. In the first pass `need` is what no unit has yet.
    pub(super) struct Window { sum: Area, low: u64, width: u64, need: u64 }
}

impl Window {
    /// Before the first pass: all remainders, and nothing given.
    pub(super) fn open(sum: Area, total: u64) -> Self {
        Self { sum, low: 0, width: sum.0, need: total }
    }

    /// Floor and remainder of a unit.
    fn divide(&self, total: u64, area: Area) -> Option<(u64, u64)> {
        let (product, sum) = (u128::from(total).checked_mul(u128::from(area.0))?, u128::from(self.sum.0));
        let (floor, remainder) = (product.checked_div(sum)?, product.checked_rem(sum)?);
        Some((u64::try_from(floor).ok()?, u64::try_from(remainder).ok()?))
    }

    /// Counts a unit in this pass. `None`: the parts would exceed the total, which cannot be.
    pub(super) fn count(&mut self, counts: &mut Counts, total: u64, area: Area) -> Option<()> {
        let (floor, remainder) = self.divide(total, area)?;
        if self.width == self.sum.0 {
            self.need = self.need.checked_sub(floor)?;
        }
        let Some(place) = remainder.checked_sub(self.low).filter(|place| *place < self.width) else {
            return Some(());
        };
        let bucket = usize::try_from(place.checked_div(self.width.div_ceil(BUCKETS))?).ok()?;
        let counter = counts.get_mut(bucket)?;
        *counter = counter.checked_add(1)?;
        Some(())
    }

    /// Ends a pass: the window becomes the bucket in which the fen run out. Returns whether that was
    /// the last pass. `None`: more fen are missing than there are units, which cannot be.
    pub(super) fn narrow(&mut self, counts: &Counts) -> Option<bool> {
        let end = self.low.checked_add(self.width)?;
        if self.need == 0 {
            (self.low, self.width) = (end, 0);
            return Some(true);
        }
        let size = self.width.div_ceil(BUCKETS);
        for (bucket, count) in (0..BUCKETS).rev().zip(counts.iter().rev()) {
            let count = u64::from(*count);
            if self.need > count {
                self.need = self.need.checked_sub(count)?;
                continue;
            }
            self.low = self.low.checked_add(bucket.checked_mul(size)?)?;
            self.width = size.min(end.checked_sub(self.low)?);
            return Some(self.width == 1 || self.need == count);
        }
        None
    }

    /// The part of the next unit, after the last pass. Units come in the order of their numbers.
    pub(super) fn part(&mut self, total: u64, area: Area) -> Option<u64> {
        let (floor, remainder) = self.divide(total, area)?;
        let above = remainder >= self.low.checked_add(self.width)?;
        let within = !above && remainder >= self.low && self.need != 0;
        if within {
            self.need = self.need.checked_sub(1)?;
        }
        floor.checked_add(u64::from(above || within))
    }
}

/// Number of calls of `allotPage` with this bound that share a total out over all units of a scope,
/// given by their areas in 0.01 m2 in the order of their numbers. `None` where there is none with an
/// area, or a bound of nothing.
pub fn calls(total: u64, areas: &[u64], at_most: u32) -> Option<u64> {
    let sum = areas.iter().try_fold(0u64, |sum, area| sum.checked_add(*area))?;
    let mut window = Window::open(Area(sum), total);
    let mut steps = vec![ENTER];
    loop {
        let mut counts = Counts::from([0; BUCKETS as usize]);
        for area in areas {
            window.count(&mut counts, total, Area(*area))?;
        }
        steps.push(RANK);
        if window.narrow(&counts)? {
            break;
        }
    }
    steps.push(CHARGE);
    let (mut budget, mut calls) = (Budget::of(at_most), 1u64);
    for work in steps {
        let mut wanted = areas.len() as u64;
        while wanted != 0 {
            let done = budget.steps(work, wanted);
            wanted = wanted.checked_sub(done)?;
            if wanted != 0 {
                (budget, calls) = (Budget::of(at_most), calls.checked_add(1)?);
                (at_most != 0).then_some(())?;
            }
        }
    }
    Some(calls)
}
