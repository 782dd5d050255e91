//! Moves the year 2025 of the estate's files to the year before today, in community time.

use crate::output::Failure;

/// Seconds of a day.
pub(crate) const DAY_S: u64 = 86_400;
/// Community time is eight hours ahead of UTC all year.
const AHEAD_S: u64 = 8 * 3_600;

/// A date in community time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: u64,
    /// 1 to 12.
    pub(crate) month: u64,
    /// 1 to 31.
    pub(crate) day: u64,
}

/// The map from the files' time to the story's.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    /// The story's present.
    pub(crate) now: u64,
    /// Months by which everything is moved: a multiple of three, so that quarters stay quarters.
    shift_months: u64,
}

impl Calendar {
    /// December 2025 becomes the latest last month of a quarter that is over.
    pub(crate) fn ending_at(now: u64) -> Self {
        let today = date_of(now);
        let months = (today.year * 12 + today.month - 1).saturating_sub(2025 * 12 + 12);
        Self { now, shift_months: months / 3 * 3 }
    }

    /// First second of the story: 1 November 2024 of the files.
    pub(crate) fn begin(&self) -> u64 {
        self.at(Date { year: 2024, month: 11, day: 1 }, 0)
    }

    /// Second of a moved date at so many seconds after midnight. A day that the moved month lacks
    /// becomes its last day.
    pub(crate) fn at(&self, date: Date, second: u64) -> u64 {
        let months = date.year * 12 + date.month - 1 + self.shift_months;
        let (year, month) = (months / 12, months % 12 + 1);
        let day = date.day.min(days_in(year, month));
        days_since_1970(Date { year, month, day }) * DAY_S + second - AHEAD_S
    }

    /// Second of a moved time such as `2025-05-13T20:11:54+08:00`.
    pub(crate) fn moved(&self, text: &str) -> Result<u64, Failure> {
        let bad = || {
            Failure(format!(
                "demo data: {text:?} is not a time of the form 2025-05-13T20:11:54+08:00"
            ))
        };
        let number = |range: std::ops::Range<usize>| {
            text.get(range).and_then(|part| part.parse::<u64>().ok()).ok_or_else(bad)
        };
        if text.get(19..) != Some("+08:00") {
            return Err(bad());
        }
        let date = Date { year: number(0..4)?, month: number(5..7)?, day: number(8..10)? };
        let second = number(11..13)? * 3_600 + number(14..16)? * 60 + number(17..19)?;
        Ok(self.at(date, second))
    }

    /// Year and month as yyyymm of a moment.
    pub(crate) fn period(&self, at: u64) -> u32 {
        let date = date_of(at);
        u32::try_from(date.year * 100 + date.month).unwrap_or(0)
    }

    /// The year of the story's present.
    pub(crate) fn year(&self) -> u32 {
        self.period(self.now) / 100
    }

    /// First second of the day so many days before today.
    pub(crate) fn days_ago(&self, days: u64) -> u64 {
        let today = (self.now + AHEAD_S) / DAY_S;
        (today - days) * DAY_S - AHEAD_S
    }

    /// First second of the day so many days after today: 24:00 of the day before it.
    pub(crate) fn in_days(&self, days: u64) -> u64 {
        let today = (self.now + AHEAD_S) / DAY_S;
        (today + days) * DAY_S - AHEAD_S
    }
}

/// The date of a moment, in community time.
pub(crate) fn date_of(at: u64) -> Date {
    // Days from 1 March of year 0, in eras of 400 years (the proleptic Gregorian calendar).
    let days = (at + AHEAD_S) / DAY_S + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    Date { year, month, day: of_year - (153 * shifted + 2) / 5 + 1 }
}

/// A moment as founding files write it.
pub(crate) fn in_words(at: u64) -> String {
    let Date { year, month, day } = date_of(at);
    let second = (at + AHEAD_S) % DAY_S;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+08:00")
}

fn days_since_1970(date: Date) -> u64 {
    let year = date.year - u64::from(date.month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted = if date.month > 2 { date.month - 3 } else { date.month + 9 };
    let of_year = (153 * shifted + 2) / 5 + date.day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
