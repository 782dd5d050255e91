//! How the council decides, and which weights a council may have.
//!
//! Pure arithmetic in whole numbers: anyone can recompute a published result from the votes with this
//! file alone.

use core::fmt;

/// A part of a whole that must be reached: `num / den` or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Numerator.
    pub num: u32,
    /// Denominator.
    pub den: u32,
}

impl Part {
    /// Whether it is above 0 and at most 1. A threshold of nothing is none, and more than all is never.
    pub fn is_share(self) -> bool {
        self.num > 0 && self.num <= self.den
    }

    /// Whether `part` of `whole` reaches it, by cross products.
    pub fn reached(self, part: u64, whole: u64) -> bool {
        u128::from(self.den) * u128::from(part) >= u128::from(self.num) * u128::from(whole)
    }
}

/// The three thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Of all weight, part that must vote.
    pub participation: Part,
    /// Of the weight that voted, part that must agree.
    pub majority: Part,
    /// Of all weight, part whose veto stops a carried proposal.
    pub veto: Part,
}

/// Weights of a proposal's votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// Of all governors.
    pub total: u64,
    /// Of those in favour.
    pub in_favour: u64,
    /// Of those against.
    pub against: u64,
    /// Of those that veto.
    pub vetoing: u64,
}

impl Votes {
    /// Weight that voted.
    pub fn participating(&self) -> u64 {
        self.in_favour.saturating_add(self.against)
    }

    /// Whether enough voted and enough of them agree. Whatever the thresholds say, nothing is carried
    /// without a vote, or where not more agree than disagree.
    pub fn carried(&self, needs: &Thresholds) -> bool {
        let voted = self.participating();
        self.in_favour > self.against
            && needs.participation.reached(voted, self.total)
            && needs.majority.reached(self.in_favour, voted)
    }

    /// Whether a veto stops it.
    pub fn vetoed(&self, needs: &Thresholds) -> bool {
        self.vetoing > 0 && needs.veto.reached(self.vetoing, self.total)
    }
}

/// Fewest governors of a council.
pub const GOVERNORS_MIN: u64 = 3;

/// Why weights are no council's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Fewer than three govern.
    TooFew {
        /// Members with weight.
        governors: u64,
    },
    /// One member has too much.
    TooHeavy {
        /// Place of the member in the list, from 0.
        index: usize,
        /// Its weight.
        weight: u32,
        /// Most it may have in this council.
        most: u64,
    },
    /// One member is participation enough.
    Alone {
        /// Place of the member in the list, from 0.
        index: usize,
        /// Its weight.
        weight: u32,
        /// Weight of all.
        total: u64,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { governors } => {
                write!(f, "{governors} members have weight, a council has at least {GOVERNORS_MIN}")
            }
            Self::TooHeavy { weight, most, .. } => {
                write!(f, "a member has the weight {weight}, in this council at most {most}")
            }
            Self::Alone { weight, total, .. } => {
                write!(f, "a member with the weight {weight} of {total} reaches the participation alone")
            }
        }
    }
}

/// Most weight that one governor of `governors` may have of `total`.
///
/// From four governors on it is f = floor((total - 1) / 3), the part that a Byzantine quorum can lose:
/// three times the weight stays below all weight. Three governors cannot each stay below a third, so
/// there it is what leaves the other two more than one has: twice the weight stays below all weight.
pub fn weight_most(governors: u64, total: u64) -> u64 {
    total.saturating_sub(1) / if governors > GOVERNORS_MIN { 3 } else { 2 }
}

/// Whether these weights, zeros included, make a council in which nobody decides alone.
///
/// # Errors
/// The first of these that holds: fewer than three governors; a member with more than
/// [`weight_most`]; a member that reaches the participation alone.
pub fn fit(weights: &[u32], participation: Part) -> Result<(), Unfit> {
    let governors = weights.iter().filter(|weight| **weight > 0).count() as u64;
    if governors < GOVERNORS_MIN {
        return Err(Unfit::TooFew { governors });
    }
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let most = weight_most(governors, total);
    for (index, &weight) in weights.iter().enumerate() {
        if u64::from(weight) > most {
            return Err(Unfit::TooHeavy { index, weight, most });
        }
    }
    for (index, &weight) in weights.iter().enumerate() {
        if weight > 0 && participation.reached(weight.into(), total) {
            return Err(Unfit::Alone { index, weight, total });
        }
    }
    Ok(())
}
