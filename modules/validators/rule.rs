//! Which sets of validators there may be, and what a key and an endpoint look like.

use curve25519_dalek::edwards::CompressedEdwardsY;

use crate::prelude::*;

/// Epochs between a change and its effect: the sets of this epoch and the next are fixed, so that the
/// last block of an epoch commits to a set that nothing in that epoch can still change.
pub const CHANGE_DELAY: u64 = 2;
/// Most validators of one epoch.
pub const VALIDATORS_MAX: u64 = 64;
/// Fewest validators that outlive the failure of one (3f + 1 with f = 1).
pub const TOLERANT_MIN: u64 = 4;
/// Longest endpoint in bytes: the longest host name and a port.
const ENDPOINT_BYTES_MAX: usize = 253 + 1 + 5;

/// Fewest validators of a set that follows one of `before`: one, and four once there were four.
pub fn least(before: u64) -> u64 {
    if before >= TOLERANT_MIN { TOLERANT_MIN } else { 1 }
}

/// Most validators of one member in a set of `n`: f = floor((n - 1) / 3), as many as may fail together.
/// A set of fewer than four tolerates no failure, and there is nothing to share out.
pub fn most_of_one(n: u64) -> u64 {
    if n >= TOLERANT_MIN { (n - 1) / 3 } else { n }
}

/// Whether 32 bytes are a key that can sign votes: the one spelling of a point of edwards25519 that is
/// not of small order. The engine decodes keys less strictly, so it takes every key that passes here.
pub fn is_key(key: B256) -> bool {
    let Some(point) = CompressedEdwardsY(key.0).decompress() else { return false };
    point.compress().0 == key.0 && !point.is_small_order()
}

/// Whether a text is `host:port`. IPv6 stands in brackets.
pub fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let inner = if bracketed { &host[1..host.len() - 1] } else { host };
    let known = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (bracketed && c == ':');
    let digits = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    text.len() <= ENDPOINT_BYTES_MAX
        && !inner.is_empty()
        && inner.chars().all(known)
        && digits
        && port.parse::<u16>().is_ok()
}
