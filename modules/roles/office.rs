//! Offices.

use super::IRoles;
use crate::prelude::*;

stored_enum! {
    /// An office, as in `IRoles.sol`, and in permits also the two pseudo-offices: the council's carried
    /// proposal and the owners' passed decision.
    pub enum Office {
        None = 0,
        /// Chairs the committee.
        Chair = 1,
        /// Member of the owners' committee.
        Member = 2,
        /// Keeps the community's books.
        Treasurer = 3,
        /// Property manager.
        Manager = 4,
        /// Keeps the register of units and owners.
        Registrar = 5,
        /// Supervises; reads all money lines.
        Auditor = 6,
        /// Street office or residents' committee.
        StreetOffice = 7,
        /// Housing bureau.
        HousingBureau = 8,
        /// Bank of the community.
        Bank = 9,
        /// Sends `schedule.run`.
        Keeper = 10,
        /// Counts paper ballots.
        Counter = 11,
        /// A carried proposal of the member organisations, acting through `council`. Nobody holds it.
        Council = 30,
        /// A passed decision of the owners, acting through `decisions`. Nobody holds it.
        Decision = 31,
    }
}

impl Office {
    /// Its bit in a mask.
    pub const fn bit(self) -> u32 {
        1 << (self as u32)
    }

    /// Every office that can be held, with its name in snake case as genesis files write it.
    pub const NAMED: &[(&str, Self)] = &[
        ("chair", Self::Chair),
        ("member", Self::Member),
        ("treasurer", Self::Treasurer),
        ("manager", Self::Manager),
        ("registrar", Self::Registrar),
        ("auditor", Self::Auditor),
        ("street_office", Self::StreetOffice),
        ("housing_bureau", Self::HousingBureau),
        ("bank", Self::Bank),
        ("keeper", Self::Keeper),
        ("counter", Self::Counter),
    ];

    /// The office with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, office)| *office)
    }

    /// As the interface spells it; the pseudo-offices are none there.
    pub(super) fn shown(self) -> IRoles::Office {
        IRoles::Office::try_from(self as u8).unwrap_or(IRoles::Office::None)
    }
}
