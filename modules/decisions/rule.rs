//! How a vote of the owners' assembly passes.
//!
//! Pure arithmetic: anyone can recompute a published result from the ballots with this file alone.
//!
//! Source: Civil Code art. 278(2) for quorum and majorities; art. 1259 for the boundaries: "two
//! thirds or more" includes two thirds, "more than half" excludes half; art. 201 for the days of
//! notice, of which the day of posting is none.

use crate::prelude::*;

const DAY: u64 = 86_400;
/// China keeps one time zone and no summer time: local midnight is 16:00 UTC of the day before.
const LOCAL_AHEAD: u64 = 8 * 3_600;

/// Voting weight of a group of owners, in the two measures the law requires together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Exclusive floor area.
    pub area: Area,
    /// Number of owners; an owner of several units counts once.
    pub heads: u32,
}

impl Weight {
    /// One head with its area.
    pub fn head(area: Area) -> Self {
        Self { area, heads: 1 }
    }

    /// Sum, or `None` where it would not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            area: self.area.checked_add(other.area)?,
            heads: self.heads.checked_add(other.heads)?,
        })
    }

    /// Difference, or `None` where it would be negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Some(Self {
            area: self.area.checked_sub(other.area)?,
            heads: self.heads.checked_sub(other.heads)?,
        })
    }
}

stored_enum! {
    /// What a ballot says.
    pub enum Choice {
        None = 0,
        /// In favour.
        For = 1,
        /// Against.
        Against = 2,
        /// Takes part and does not consent.
        Abstain = 3,
    }
}

/// Ballots that count, by choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In favour.
    pub yes: Weight,
    /// Against.
    pub no: Weight,
    /// Abstaining: part of the quorum, not of the consent.
    pub abstain: Weight,
}

impl Tally {
    /// Everyone who voted, or `None` where the sum would not fit.
    pub fn participating(&self) -> Option<Weight> {
        self.yes.checked_add(self.no)?.checked_add(self.abstain)
    }
}

/// A share of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Numerator.
    pub num: u32,
    /// Denominator, not 0.
    pub den: u32,
}

/// What a motion needs to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Part of the area of the electorate that takes part, at least.
    pub quorum_area: Share,
    /// Part of its heads that takes part, at least.
    pub quorum_heads: Share,
    /// Part of the participating area in favour.
    pub consent_area: Share,
    /// Part of the participating heads in favour.
    pub consent_heads: Share,
    /// Whether consent must exceed its shares or only reach them.
    pub strict: bool,
}

/// `left_factor * left_value` against `right_factor * right_value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Denominator of the share.
    pub left_factor: u32,
    /// The part.
    pub left_value: u64,
    /// Numerator of the share.
    pub right_factor: u32,
    /// The whole.
    pub right_value: u64,
    /// Whether equal is not enough.
    pub strict: bool,
}

impl Comparison {
    fn new(part: u64, whole: u64, share: Share, strict: bool) -> Self {
        let (left_factor, right_factor) = (share.den, share.num);
        Self { left_factor, left_value: part, right_factor, right_value: whole, strict }
    }

    /// The left product.
    pub fn left(&self) -> u128 {
        u128::from(self.left_factor) * u128::from(self.left_value)
    }

    /// The right product.
    pub fn right(&self) -> u128 {
        u128::from(self.right_factor) * u128::from(self.right_value)
    }

    /// Whether it holds.
    pub fn met(&self) -> bool {
        if self.strict { self.left() > self.right() } else { self.left() >= self.right() }
    }

    /// Smallest amount by which the part must grow for an inclusive comparison to hold.
    fn missing(&self) -> u64 {
        let gap = self.right().saturating_sub(self.left());
        gap.div_ceil(u128::from(self.left_factor.max(1))).try_into().unwrap_or(u64::MAX)
    }
}

/// How a vote ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Too few took part: nothing is decided.
    NotQuorate,
    /// Enough took part, too few agreed.
    Failed,
    /// Carried.
    Passed,
}

/// The four comparisons and what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Everyone who voted.
    pub participating: Weight,
    /// Participation by area.
    pub quorum_area: Comparison,
    /// Participation by heads.
    pub quorum_heads: Comparison,
    /// Consent by area.
    pub consent_area: Comparison,
    /// Consent by heads.
    pub consent_heads: Comparison,
    /// Smallest area and number of heads still needed for the quorum.
    pub missing: Weight,
    /// What the ballots give.
    pub outcome: Outcome,
}

impl Count {
    /// Whether enough take part.
    pub fn is_quorate(&self) -> bool {
        self.outcome != Outcome::NotQuorate
    }
}

/// Counts a vote. `roll` is the electorate as frozen when voting opened. `None` where the ballots do
/// not add up in 64 bits.
pub fn count(roll: Weight, tally: &Tally, needs: &Thresholds) -> Option<Count> {
    let part = tally.participating()?;
    let heads = |weight: Weight| u64::from(weight.heads);
    let quorum_area = Comparison::new(part.area.0, roll.area.0, needs.quorum_area, false);
    let quorum_heads = Comparison::new(heads(part), heads(roll), needs.quorum_heads, false);
    let yes = tally.yes;
    let consent_area = Comparison::new(yes.area.0, part.area.0, needs.consent_area, needs.strict);
    let consent_heads = Comparison::new(heads(yes), heads(part), needs.consent_heads, needs.strict);
    // Without the first test an empty vote of an empty electorate would reach any share.
    let outcome = if part.heads == 0 || !quorum_area.met() || !quorum_heads.met() {
        Outcome::NotQuorate
    } else if consent_area.met() && consent_heads.met() {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    let missing = Weight {
        area: Area(quorum_area.missing()),
        heads: u32::try_from(quorum_heads.missing()).unwrap_or(u32::MAX),
    };
    Some(Count {
        participating: part,
        quorum_area,
        quorum_heads,
        consent_area,
        consent_heads,
        missing,
        outcome,
    })
}

/// Whether a matter of art. 278(1) needs three quarters: 6 raises the maintenance fund, 7 alters or
/// rebuilds, 8 changes the use of common parts or does business with them.
pub fn is_special(matter: u8) -> bool {
    matches!(matter, 6..=8)
}

/// First second at which a motion posted at `notice_at` may open: midnight after `days` full days, the
/// day of posting not counted. `None` where the calendar ends.
pub fn earliest_opening(notice_at: u64, days: u64) -> Option<u64> {
    let today = notice_at.checked_add(LOCAL_AHEAD)? / DAY;
    today.checked_add(days)?.checked_add(1)?.checked_mul(DAY)?.checked_sub(LOCAL_AHEAD)
}

/// Where the close moves when the quorum is first reached at `now`: to `now + late`, not beyond
/// `latest` (0: no limit), and never to an earlier second. `None`: it stays.
pub fn extended_close(now: u64, closes_at: u64, late: u64, latest: u64) -> Option<u64> {
    let wanted = now.checked_add(late)?;
    let moved = if latest == 0 { wanted } else { wanted.min(latest) };
    (moved > closes_at).then_some(moved)
}
