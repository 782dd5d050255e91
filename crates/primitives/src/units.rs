//! Money and floor area as exact integers. Neither offers unchecked arithmetic, and one can never be
//! taken for the other.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Text that is not an amount with at most two decimals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number with at most two decimals: {text:?}")]
pub struct ParseUnitError {
    /// The text as it was given.
    pub text: String,
}

macro_rules! hundredths {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// Nothing at all.
            pub const ZERO: Self = Self(0);

            /// Sum, or `None` where it would not fit.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// Difference, or `None` where it would be negative.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
            }
        }

        impl FromStr for $name {
            type Err = ParseUnitError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hundredths(text).map(Self).ok_or_else(|| ParseUnitError { text: text.into() })
            }
        }
    };
}

hundredths! {
    /// An amount of money in fen, one hundredth of a yuan. Shown as yuan with two decimals.
    Fen
}
hundredths! {
    /// Floor area in hundredths of a square metre. Shown as square metres with two decimals.
    Area
}

/// Reads `12`, `12.3` or `12.34` as hundredths; no sign, no blanks, no thousands separators.
fn parse_hundredths(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 2 {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(100)?;
    let cents = decimals.parse::<u64>().ok()? * if decimals.len() == 1 { 10 } else { 1 };
    whole.checked_add(cents)
}
