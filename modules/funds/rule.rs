//! Arithmetic of the owners' money: who must sign, what a cost means for each unit, when a price
//! check sends a job back to the owners.
//!
//! Source: Civil Code art. 281 to 283 (fund by decision, costs by area); Property Management
//! Regulation art. 54; the tiers and the overrun lines are values of the rule book.

use crate::prelude::*;
use crate::roles::Office;

/// China keeps one time zone and no summer time.
const LOCAL_AHEAD: u64 = 8 * 3_600;
const DAY: u64 = 86_400;

/// Amounts up to which a tier reaches, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Manager and treasurer.
    pub small: u64,
    /// Treasurer and chair.
    pub medium: u64,
    /// Majority of the committee.
    pub committee: u64,
}

/// Whose signatures a payment needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signers {
    /// Two persons, one of each office.
    Both(Office, Office),
    /// More than half of all seats of the committee.
    CommitteeMajority,
}

/// Tier of an amount in fen: 1 small, 2 medium, 3 committee, 4 assembly.
pub fn tier(summed: u64, limits: &Limits) -> u8 {
    match summed {
        n if n <= limits.small => 1,
        n if n <= limits.medium => 2,
        n if n <= limits.committee => 3,
        _ => 4,
    }
}

/// Whose signatures a tier needs. What the owners decided still leaves the house under two.
pub fn signers(tier: u8) -> Signers {
    match tier {
        1 => Signers::Both(Office::Manager, Office::Treasurer),
        3 => Signers::CommitteeMajority,
        _ => Signers::Both(Office::Treasurer, Office::Chair),
    }
}

/// Fewest signatures beside the request itself that can suffice.
pub fn needed(tier: u8, requester: u32, seats: u64) -> u32 {
    match signers(tier) {
        Signers::Both(one, other) if requester & (one.bit() | other.bit()) != 0 => 1,
        Signers::Both(..) => 2,
        Signers::CommitteeMajority => u32::try_from(seats / 2).unwrap_or(u32::MAX).saturating_add(1),
    }
}

/// Whether the signatures suffice. `signed` holds the offices of each signer, `requester` those of who
/// asked: asking counts as one of a pair, and never towards a majority.
pub fn suffices(tier: u8, requester: u32, signed: &[u32], seats: u64) -> bool {
    match signers(tier) {
        Signers::Both(one, other) => {
            let mut all = signed.to_vec();
            all.push(requester);
            // One person with both offices is one person.
            all.iter().enumerate().any(|(i, a)| {
                a & one.bit() != 0
                    && all.iter().enumerate().any(|(j, b)| i != j && b & other.bit() != 0)
            })
        }
        Signers::CommitteeMajority => {
            let committee = Office::Chair.bit() | Office::Member.bit() | Office::Treasurer.bit();
            let count = signed.iter().filter(|offices| *offices & committee != 0).count();
            (count as u128) * 2 > u128::from(seats)
        }
    }
}

/// What is left of a budget; `None` where more is spent than planned, which cannot be.
pub fn left(planned: Fen, committed: Fen, paid: Fen) -> Option<Fen> {
    planned.checked_sub(committed)?.checked_sub(paid)
}

/// Shares out a total over weights by largest remainder: floors first, then one fen each to the largest
/// remainders, ties to the first. The parts always add up to the total. `None` where all weights are 0.
pub fn allot(total: u64, weights: &[u64]) -> Option<Vec<u64>> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given = 0u64;
    for (index, weight) in weights.iter().enumerate() {
        let product = u128::from(total).checked_mul(u128::from(*weight))?;
        let part = u64::try_from(product.checked_div(sum)?).ok()?;
        given = given.checked_add(part)?;
        parts.push(part);
        remainders.push((product.checked_rem(sum)?, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let missing = usize::try_from(total.checked_sub(given)?).ok()?;
    for (_, index) in remainders.into_iter().take(missing) {
        let part = parts.get_mut(index)?;
        *part = part.checked_add(1)?;
    }
    (sum != 0).then_some(parts)
}

/// When the cost of a job is so far over its budget that the owners must decide again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun {
    /// Share of the budget: numerator and denominator.
    pub share: (u64, u64),
    /// Sum in fen beside the share; 0 for none.
    pub sum: u64,
    /// Whether share and sum must both be passed; else either is enough.
    pub both: bool,
    /// Whether each must be exceeded; else reaching it is enough.
    pub strict: bool,
}

/// Whether a settlement goes back to the owners. Without a rule, every fen over the budget does.
pub fn must_decide_again(budget: u64, settled: u64, rule: Option<&Overrun>) -> bool {
    let Some(over) = settled.checked_sub(budget).filter(|over| *over > 0) else { return false };
    let Some(rule) = rule else { return true };
    let (num, den) = rule.share;
    let (part, line) = (u128::from(over) * u128::from(den), u128::from(budget) * u128::from(num));
    let share = if rule.strict { part > line } else { part >= line };
    let sum = if rule.strict { over > rule.sum } else { over >= rule.sum };
    match (rule.sum, rule.both) {
        (0, _) => share,
        (_, true) => share && sum,
        (_, false) => share || sum,
    }
}

/// Whether a statement adds up.
pub fn balances(opening: u64, credits: u64, debits: u64, closing: u64) -> bool {
    u128::from(opening) + u128::from(credits) == u128::from(debits) + u128::from(closing)
}

/// Year and month, as yyyymm, in which a second falls in community time.
pub fn period_of(at: u64) -> u32 {
    // Days to a date by the 400-year cycle that begins on 1 March of year 0.
    let days = at.saturating_add(LOCAL_AHEAD) / DAY + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let (month, next) = if from_march < 10 { (from_march + 3, 0) } else { (from_march - 9, 1) };
    let number = (era * 400 + year + next) * 100 + month;
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether a number reads as year and month.
pub fn is_period(period: u32) -> bool {
    (1..=12).contains(&(period % 100)) && (1970..=9999).contains(&(period / 100))
}
