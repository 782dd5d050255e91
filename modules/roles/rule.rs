//! Terms, and who may give which office.

use alloy_primitives::Address;

use super::{IRoles::Reason, Office};

/// Longest public reason in bytes.
pub(super) const REASON_BYTES_MAX: u64 = 512;
/// Longest freeze: 90 days, so that it is a pause and not a dismissal.
pub(super) const FREEZE_SECONDS_MAX: u64 = 90 * 86_400;
/// A year of a term: 366 days, so that a term of whole calendar years always fits.
const YEAR_SECONDS: u64 = 366 * 86_400;

/// Offices of the owners' committee: elected, for a term with an end.
pub const COMMITTEE: [Office; 3] = [Office::Chair, Office::Member, Office::Treasurer];
/// Bodies that are not part of the community.
pub const OUTSIDE: [Office; 3] = [Office::StreetOffice, Office::HousingBureau, Office::Bank];

/// Every office that somebody can hold.
pub(super) const ALL: [Office; 11] = [
    Office::Chair,
    Office::Member,
    Office::Treasurer,
    Office::Manager,
    Office::Registrar,
    Office::Auditor,
    Office::StreetOffice,
    Office::HousingBureau,
    Office::Bank,
    Office::Keeper,
    Office::Counter,
];

/// Whether the street office may give and take an office without a decision of the owners.
pub(super) fn street_office_may_grant(office: Office) -> bool {
    matches!(office, Office::Registrar | Office::Auditor | Office::Keeper | Office::Counter)
}

/// Whether the council may give and take an office where no decision of the owners can be had: those the
/// street office may give, and the bodies outside the community, whose staff and keys change without the
/// owners having a say in it. The owners' own offices (chair, member, treasurer, manager) are theirs.
pub(super) fn council_may_grant(office: Office) -> bool {
    street_office_may_grant(office) || OUTSIDE.contains(&office)
}

/// Bits of the pseudo-offices under which an account acts: the modules of the owners' decisions and of
/// the council, and nobody else.
pub(super) fn acting_as(account: Address) -> u32 {
    match account {
        crate::DECISIONS => Office::Decision.bit(),
        crate::COUNCIL => Office::Council.bit(),
        _ => 0,
    }
}

/// The latest end of a term that begins at `from_at`; `None` where it may be without end.
pub(super) fn latest_end(office: Office, from_at: u64, years_max: Option<u64>) -> Option<u64> {
    if !COMMITTEE.contains(&office) {
        return None;
    }
    let years = years_max.unwrap_or(u64::MAX);
    Some(from_at.saturating_add(years.saturating_mul(YEAR_SECONDS)))
}

/// Whether a term is one: not empty, and with the end that it must have.
pub(super) fn term_fits(from_at: u64, until_at: u64, latest: Option<u64>) -> bool {
    match latest {
        Some(latest) => until_at > from_at && until_at <= latest,
        None => until_at == 0 || until_at > from_at,
    }
}

/// Where somebody stands with an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// `Office` where it counts now, else why not.
    pub(super) reason: Reason,
    /// When that ends, or began to be so; 0 where there is no such time.
    pub(super) term_at: u64,
}

impl Standing {
    /// Never held.
    pub(super) const NONE: Self = Self { reason: Reason::NoOffice, term_at: 0 };

    /// The one that explains more: held, frozen, not yet, over, never.
    pub(super) fn better(self, other: Self) -> Self {
        let rank = |standing: &Self| match standing.reason {
            Reason::Office => 4,
            Reason::Frozen => 3,
            Reason::NotYet => 2,
            Reason::Over => 1,
            _ => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// What a mandate gives now. `term` is (first second, first second after or 0, revoked at or 0).
pub(super) fn standing(term: (u64, u64, u64), frozen_until: u64, now: u64) -> Standing {
    let (from_at, until_at, revoked_at) = term;
    let (reason, term_at) = if revoked_at != 0 {
        (Reason::Over, revoked_at)
    } else if until_at != 0 && until_at <= now {
        (Reason::Over, until_at)
    } else if now < from_at {
        (Reason::NotYet, from_at)
    } else if now < frozen_until {
        (Reason::Frozen, frozen_until)
    } else {
        (Reason::Office, until_at)
    };
    Standing { reason, term_at }
}
