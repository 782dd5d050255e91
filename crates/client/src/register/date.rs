//! Days of the calendar as times of the ledger.

/// The estate's clock is ahead of UTC by eight hours.
const OFFSET_S: i64 = 8 * 3600;
const DAY_S: i64 = 86_400;
const EPOCH_DAYS: i64 = 719_468;

/// The beginning of a day `yyyy-mm-dd` in Beijing time, in seconds since 1970. Days before 1970 are 0:
/// the ledger has no earlier time.
pub(super) fn beginning_of(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let (year, month, day) = (part(&mut parts, 4)?, part(&mut parts, 2)?, part(&mut parts, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if parts.next().is_some() || year == 0 || day == 0 || day > longest {
        return None;
    }
    // Years begin in March, so that a leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(u64::try_from((days - EPOCH_DAYS) * DAY_S - OFFSET_S).unwrap_or(0))
}

fn part<'a>(parts: &mut impl Iterator<Item = &'a str>, digits: usize) -> Option<i64> {
    let text = parts.next()?;
    let exact = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    if exact { text.parse().ok() } else { None }
}
