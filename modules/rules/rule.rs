//! How values compare, and what a lower layer may do with a higher one's.

use core::{cmp::Ordering, fmt};

use super::IRules::*;
use crate::prelude::*;

/// A share, or a number with `den` = 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Numerator.
    pub num: u64,
    /// Denominator, never 0 in the book.
    pub den: u64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

/// Compares by cross products: exact, and no division.
pub(super) fn compare(a: Ratio, b: Ratio) -> Ordering {
    let product = |x: u64, y: u64| u128::from(x) * u128::from(y);
    product(a.num, b.den).cmp(&product(b.num, a.den))
}

/// Whether values of this unit are shares.
pub(super) fn is_share(unit: Unit) -> bool {
    matches!(unit, Unit::AtLeast | Unit::MoreThan)
}

/// Whether `value` can be a value of `unit`: a share from 0 to 1, a flag 0 or 1, a whole number.
pub(super) fn is_value(unit: Unit, value: Ratio) -> bool {
    match unit {
        Unit::AtLeast | Unit::MoreThan => value.den != 0 && value.num <= value.den,
        Unit::Flag => value.den == 1 && value.num <= 1,
        _ => value.den == 1,
    }
}

/// Whether another layer of law may set `value` where the broader one has `limit`.
pub(super) fn law_may(bound: Bound, value: Ratio, limit: Ratio) -> bool {
    match bound {
        Bound::Floor => compare(value, limit) != Ordering::Less,
        Bound::Ceiling => compare(value, limit) != Ordering::Greater,
        Bound::Fixed => compare(value, limit) == Ordering::Equal,
        _ => true,
    }
}

/// Refuses what is not a value of the unit.
///
/// # Errors
/// - [`BadValue`].
pub(super) fn check_value(key: &str, unit: Unit, value: Ratio) -> Res<()> {
    let Ratio { num, den } = value;
    ensure!(is_value(unit, value), BadValue { key: key.into(), num, den });
    Ok(())
}

/// Refuses what by-laws may not set where the law has `law`.
///
/// # Errors
/// - [`NotForByLaws`]: the key is the law's alone.
/// - [`TooLoose`]: beyond the law's limit.
pub(super) fn check_by_laws(key: &str, bound: Bound, asked: Ratio, law: Ratio) -> Res<()> {
    let closed = matches!(bound, Bound::Fixed | Bound::Local);
    ensure!(!closed, NotForByLaws { key: key.into(), bound });
    ensure!(
        law_may(bound, asked, law),
        TooLoose {
            key: key.into(),
            num: asked.num,
            den: asked.den,
            lawNum: law.num,
            lawDen: law.den,
            bound,
        }
    );
    Ok(())
}

/// Hash of the book after a change: a chain over all changes, so that no two histories share it.
pub(super) fn next_book_hash(before: B256, layer: u8, change: B256) -> B256 {
    let mut bytes = [0u8; 65];
    bytes[..32].copy_from_slice(before.as_slice());
    bytes[32] = layer;
    bytes[33..].copy_from_slice(change.as_slice());
    keccak256(bytes)
}
