//! Limits and waiting times.

/// Longest call in bytes.
pub(super) const CALL_BYTES_MAX: u64 = 4096;
/// Most tasks one run takes up.
pub(super) const RUN_TASKS_MAX: u64 = 64;
/// How much of a refusal the event carries, in bytes.
pub(super) const REFUSAL_BYTES_MAX: usize = 1024;
/// Times a task is refused before it is parked.
pub(super) const REFUSALS_MAX: u8 = 5;

/// Seconds to wait after the n-th refusal: 1, 4, 16, 64 minutes. `None`: park it.
pub(super) fn wait_seconds(refusals: u8) -> Option<u64> {
    match refusals {
        0 | REFUSALS_MAX.. => None,
        n => Some(60 << (2 * (u64::from(n) - 1))),
    }
}
