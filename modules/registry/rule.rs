//! Who votes as one head, and whether the shares of a unit make sense.
//!
//! Pure: the importer and the auditor use the same functions.
//!
//! Source: Interpretation on building ownership, art. 9: the developer counts once for everything
//! unsold or not handed over, a buyer of several units counts once; joint owners are one head.

use crate::prelude::*;

/// How a unit is held. Numbers as in `IRegistry.HoldingKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// One owner has all of it.
    Sole,
    /// Several owners have all of it together.
    Joint,
    /// Several owners have a part each.
    ByShare,
}

/// One owner's part, for the check of shares.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// How it is held.
    pub kind: Holding,
    /// Numerator of the share.
    pub num: u32,
    /// Denominator of the share.
    pub den: u32,
}

/// Head of the developer, whatever it has not sold or not handed over.
pub fn developer_head() -> B256 {
    keccak256("tulou/head/developer/v1")
}

/// Head of a set of owners. The order in which they are written does not matter.
pub fn owners_head(owners: &[B256]) -> B256 {
    let mut sorted = owners.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    keccak256(sorted.concat())
}

/// Head of a unit: the developer's where it is unsold or not handed over, even if a buyer is already
/// written; else its owners'. `None` while nobody is written.
pub fn head(developer_owned: bool, delivered: bool, owners: &[B256]) -> Option<B256> {
    if developer_owned || !delivered {
        return Some(developer_head());
    }
    (!owners.is_empty()).then(|| owners_head(owners))
}

/// Whether the parts of one unit fit together: sole is one owner with 1/1, joint two or more with
/// 1/1 each, by share two or more that add up to exactly one.
pub fn shares_fit(parts: &[Part]) -> bool {
    let Some(first) = parts.first() else { return false };
    if parts.iter().any(|p| p.kind != first.kind || p.den == 0 || p.num == 0 || p.num > p.den) {
        return false;
    }
    let all_whole = parts.iter().all(|p| p.num == p.den);
    match first.kind {
        Holding::Sole => parts.len() == 1 && all_whole,
        Holding::Joint => parts.len() >= 2 && all_whole,
        Holding::ByShare => parts.len() >= 2 && sums_to_one(parts).unwrap_or(false),
    }
}

/// Adds fractions exactly; `None` where the common denominator no longer fits 128 bits.
fn sums_to_one(parts: &[Part]) -> Option<bool> {
    let (mut num, mut den) = (0u128, 1u128);
    for part in parts {
        let (n, d) = (u128::from(part.num), u128::from(part.den));
        num = num.checked_mul(d)?.checked_add(n.checked_mul(den)?)?;
        den = den.checked_mul(d)?;
        let divisor = gcd(num, den);
        num = num.checked_div(divisor)?;
        den = den.checked_div(divisor)?;
    }
    Some(num == den)
}

fn gcd(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}
