//! The demo estate: Guihua Garden in an interesting hour, told by ordinary transactions of demo
//! people through the same interfaces that everyone uses.
//!
//! The register, ballots and bank lines are those of `demo/guihua/`, dated 2025. The story moves them
//! by whole quarters, so that it ends today.

pub(crate) mod calendar;
mod data;
mod driver;
mod estate;
mod money;
mod votes;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tulou_client::demo_key;
use tulou_node::Node;
use tulou_primitives::{Genesis, OfficeHolder};

use self::{calendar::Calendar, driver::Driver};
use crate::{
    dev,
    output::{Failure, Outcome},
};

/// Demo people who hold an office from the first day: office and name.
const OFFICE_HOLDERS: &[(&str, &str)] = &[
    ("chair", "chair"),
    ("member", "committee-1"),
    ("member", "committee-2"),
    ("member", "committee-3"),
    ("treasurer", "treasurer"),
    ("manager", "manager"),
    ("registrar", "registrar"),
    ("auditor", "auditor"),
    ("street_office", "street-office"),
    ("housing_bureau", "housing-bureau"),
    ("bank", "bank"),
    ("keeper", "keeper"),
    ("counter", "counter-1"),
    ("counter", "counter-2"),
];

/// A story that ends now.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    calendar: Calendar,
}

impl Story {
    /// The story that ends at `now` (seconds since 1970).
    pub(crate) fn ending_at(now: u64) -> Self {
        Self { calendar: Calendar::ending_at(now) }
    }

    /// The first page: the law, and who holds which office.
    pub(crate) fn genesis(&self, validator: B256) -> Genesis {
        let until = self.terms_end();
        let holder = |(office, account)| OfficeHolder { office, account, until };
        let offices = self.offices().into_iter().map(holder).collect();
        dev::genesis(validator, self.begin(), offices, Vec::new())
    }

    /// The story's first second.
    pub(crate) fn begin(&self) -> u64 {
        self.calendar.begin()
    }

    /// Offices and their first holders' accounts.
    pub(crate) fn offices(&self) -> Vec<(String, Address)> {
        let holder = |(office, name): &(&str, &str)| ((*office).into(), demo_key(name).address());
        OFFICE_HOLDERS.iter().map(holder).collect()
    }

    /// Last second of the first holders' terms.
    pub(crate) fn terms_end(&self) -> u64 {
        self.calendar.now + 3 * 365 * calendar::DAY_S
    }

    /// Tells the story on a node that stands at this genesis.
    pub(crate) fn tell(&self, node: &Node) -> Outcome {
        let c = &self.calendar;
        let mut driver = Driver::new(node);
        driver.at(c.begin() + calendar::DAY_S)?;
        let roll = estate::import(&mut driver)?;
        let fund = money::open(&mut driver, c)?;
        let mut scene = Scene { driver, calendar: c.clone(), roll, fund, numbers: BTreeMap::new() };
        let mut agenda = Agenda::new();
        votes::plan(c, &mut agenda)?;
        money::plan(c, &mut agenda)?;
        // Sorted by time; what falls on one second stays in the order in which it was planned.
        agenda.sort_by_key(|(time, _)| *time);
        for (time, step) in agenda {
            scene.driver.at(time)?;
            step(&mut scene)?;
        }
        scene.driver.finish(c.now)
    }
}

/// Steps of the story with their times.
type Agenda = Vec<(u64, Step)>;

/// One step.
type Step = Box<dyn FnOnce(&mut Scene<'_>) -> Outcome>;

/// What the steps share.
struct Scene<'n> {
    driver: Driver<'n>,
    calendar: Calendar,
    roll: estate::Roll,
    /// Number of the maintenance fund.
    fund: u64,
    /// Numbers that the ledger gave to motions, budget lines and requests, by our names for them.
    numbers: BTreeMap<String, u64>,
}

impl Scene<'_> {
    /// The number under a name, which an earlier step has noted.
    fn number(&self, name: &str) -> Result<u64, Failure> {
        let missing = || Failure(format!("the story broke: nothing is called {name:?} yet"));
        self.numbers.get(name).copied().ok_or_else(missing)
    }
}
