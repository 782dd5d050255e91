//! Bounds and times.

use crate::prelude::*;

/// Most device keys of an account at a time.
pub(super) const KEYS_MAX: u64 = 8;
/// Most scope entries of a key.
pub(super) const SCOPE_MAX: u64 = 16;
/// Most guardians.
pub(super) const GUARDIANS_MAX: usize = 3;
/// Most letters of one call: bounded by the gas of one transaction.
pub(super) const LETTERS_MAX: u64 = 40;

const DAY: u64 = 86_400;
/// Longest term of a device key, and longest period of a limit: a year that always fits.
pub(super) const KEY_SECONDS_MAX: u64 = 366 * DAY;
/// Shortest period of a limit: in shorter ones a limit would be no limit.
pub(super) const PERIOD_SECONDS_MIN: u64 = 3_600;
/// How long what a guardian asks for counts.
pub(super) const ASK_SECONDS: u64 = 7 * DAY;
/// Waiting period of a recovery that guardians opened.
pub(super) const WAIT_SECONDS: u64 = 7 * DAY;
/// Waiting period of one that the registrar opened: as long as a roll is posted for objections.
pub(super) const WAIT_REGISTRAR_SECONDS: u64 = 15 * DAY;
/// How long a recovery may be finished after its waiting period.
pub(super) const FINISH_SECONDS: u64 = 30 * DAY;
/// Longest freeze by the account's own keys.
pub(super) const FREEZE_SECONDS_MAX: u64 = 30 * DAY;
/// Length of a freeze by guardians.
pub(super) const FREEZE_GUARDIANS_SECONDS: u64 = 14 * DAY;
/// Longest life of a letter.
pub(super) const LETTER_SECONDS_MAX: u64 = 90 * DAY;

/// Longest term of an attestor: a year, after which it is listed again or not.
pub(super) const ATTESTOR_SECONDS_MAX: u64 = 366 * DAY;
/// Longest life of a statement: one visit. Our own choice, no law names one.
pub(super) const STATEMENT_SECONDS_MAX: u64 = 3_600;
/// How far an attestor's clock may be ahead of the ledger's.
pub(super) const CLOCK_SECONDS: u64 = 60;
/// Longest name of an attestor in bytes.
pub(super) const NAME_BYTES_MAX: u64 = 96;
/// Longest address of its page in bytes.
pub(super) const PAGE_BYTES_MAX: u64 = 200;
/// Longest public reason in bytes, as for an office.
pub(super) const REASON_BYTES_MAX: u64 = 512;

/// Offices that may be guardians: the committee, the registrar, the residents' committee.
pub(super) const GUARDIAN_OFFICES: [Office; 4] =
    [Office::Chair, Office::Member, Office::Registrar, Office::StreetOffice];

/// Whether something that began at `at` still counts.
pub(super) fn is_fresh(at: u64, seconds: u64, now: u64) -> bool {
    at != 0 && now.saturating_sub(at) < seconds
}

/// Whether an end lies in the future and no further away than allowed.
pub(super) fn term_fits(ends_at: u64, now: u64, most: u64) -> bool {
    ends_at > now && ends_at.saturating_sub(now) <= most
}

/// Whether a statement is valid at `now`: begun, but for a clock that is a little ahead, not over, and for no
/// longer than one visit.
pub(super) fn statement_fits(issued_at: u64, expires_at: u64, now: u64) -> bool {
    let begun = issued_at <= now.saturating_add(CLOCK_SECONDS);
    let short = expires_at.saturating_sub(issued_at) <= STATEMENT_SECONDS_MAX;
    begun && now < expires_at && short
}

/// Whether a text can be an attestor's name.
pub(super) fn name_fits(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&(name.len() as u64)) && !name.chars().any(char::is_control)
}

/// Whether a text is the address of a page that the app may open and add its questions to: nothing in it
/// that sends the reader to another place than it seems to name.
pub(super) fn page_fits(page: &str) -> bool {
    let Some(rest) = page.strip_prefix("https://") else { return false };
    let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"#@\\\"<>".contains(&byte));
    page.len() as u64 <= PAGE_BYTES_MAX && !rest.is_empty() && !rest.starts_with(['/', '?']) && plain
}

/// Number of the period in which `now` lies, and the first second of the next one.
pub(super) fn window(since: u64, period: u64, now: u64) -> (u64, u64) {
    let number = now.saturating_sub(since).checked_div(period).unwrap_or(0);
    let next = number.saturating_add(1).saturating_mul(period).saturating_add(since);
    (number, next)
}
