//! A small estate in memory. Building 1, stair 2 is the stair of example A10: twelve homes, 1,180.00 m2,
//! one owner each. Building 2 is roll R1: eight homes, 800.00 m2, six heads.

use alloy_sol_types::{SolCall, SolError};
use tulou_primitives::{Genesis, GenesisMember, OfficeHolder};
use tulou_slots::Memory;

use crate::decisions::IDecisions::{self, *};
use crate::prelude::*;
use crate::registry::IRegistry::*;
use crate::schedule::ISchedule::runCall;
use crate::{address, decisions};

/// 2026-03-01 09:00 in Shanghai.
pub(crate) const START: u64 = 1_772_294_400 + 9 * HOUR;
pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 86_400;
/// Earliest regular opening of a motion posted at `START`: 17 March 00:00.
pub(crate) const OPENS: u64 = 1_772_294_400 + 16 * DAY;
pub(crate) const CLOSES: u64 = OPENS + 20 * DAY;

pub(crate) const CHAIR: Address = Address::repeat_byte(0xa1);
pub(crate) const MEMBERS: [Address; 3] =
    [Address::repeat_byte(0xa2), Address::repeat_byte(0xa3), Address::repeat_byte(0xa4)];
pub(crate) const TREASURER: Address = Address::repeat_byte(0xa5);
pub(crate) const MANAGER: Address = Address::repeat_byte(0xa6);
pub(crate) const REGISTRAR: Address = Address::repeat_byte(0xa7);
pub(crate) const AUDITOR: Address = Address::repeat_byte(0xa8);
pub(crate) const STREET: Address = Address::repeat_byte(0xa9);
pub(crate) const BANK: Address = Address::repeat_byte(0xaa);
pub(crate) const COUNTERS: [Address; 2] = [Address::repeat_byte(0xab), Address::repeat_byte(0xac)];
pub(crate) const STRANGER: Address = Address::repeat_byte(0xee);

/// Owners of building 2 by their letters in R1; C alone, and D1 and D2 together.
pub(crate) const A: u8 = 13;
pub(crate) const B: u8 = 14;
pub(crate) const C: u8 = 15;
pub(crate) const D1: u8 = 16;
pub(crate) const D2: u8 = 17;
pub(crate) const DEVELOPER: u8 = 18;
pub(crate) const E: u8 = 19;
pub(crate) const BUYER: u8 = 20;

pub(crate) const LIFT: IDecisions::Scope = IDecisions::Scope { kind: 3, building: 1, stair: 2 };
pub(crate) const R1: IDecisions::Scope = IDecisions::Scope { kind: 2, building: 2, stair: 0 };
pub(crate) const ESTATE: IDecisions::Scope = IDecisions::Scope { kind: 1, building: 0, stair: 0 };

/// Areas of the stair: seven homes of 598.00 m2, two of 214.00, three of 368.00.
pub(crate) const STAIR: [u64; 12] = [
    8_500, 8_500, 8_500, 8_500, 8_500, 8_500, 8_800, 10_700, 10_700, 12_200, 12_300, 12_300,
];

/// Account of an owner: 1 to 12 in the stair, letters in building 2.
pub(crate) fn owner(number: u8) -> Address {
    Address::with_last_byte(number)
}

fn commitment(number: u8) -> B256 {
    keccak256([b"owner ".as_slice(), &[number]].concat())
}

pub(crate) struct Estate {
    pub(crate) m: Memory,
}

impl Estate {
    pub(crate) fn new() -> Self {
        let mut m = Memory::default();
        m.now = START;
        crate::genesis(&mut m, &first_page()).unwrap();
        let mut estate = Self { m };
        estate.register();
        estate
    }

    /// Enters further homes in the stair. Without owners they do not vote, and they bear costs.
    pub(crate) fn add_homes(&mut self, areas: &[u64]) {
        let first = self.at(address::registry, STRANGER, &totalsCall {}).unwrap().units;
        let homes = areas.iter().zip(first..);
        let homes = homes.map(|(area, number)| unit(format!("1-2-{number}n"), (1, 2), *area));
        for entries in homes.collect::<Vec<_>>().chunks(40) {
            let call = addUnitsCall { entries: entries.to_vec() };
            self.at(address::registry, REGISTRAR, &call).unwrap();
        }
    }

    /// Calls a module as an account.
    pub(crate) fn at<Call: SolCall>(
        &mut self,
        module: Address,
        who: Address,
        call: &Call,
    ) -> Res<Call::Return> {
        self.m.call(module, crate::route(&module).unwrap(), who, call)
    }

    /// Calls `decisions` as an account.
    pub(crate) fn on<Call: SolCall>(&mut self, who: Address, call: &Call) -> Res<Call::Return> {
        self.at(address::decisions, who, call)
    }

    /// Has the keeper do what is due.
    pub(crate) fn keep(&mut self) {
        while self.at(address::schedule, STRANGER, &runCall { most: 64 }).unwrap().more {}
    }

    /// Proposes as the chair.
    pub(crate) fn propose(&mut self, proposal: Proposal) -> Res<u64> {
        self.on(CHAIR, &proposeCall { proposal })
    }

    /// Proposes at `START` and moves the clock to the opening.
    pub(crate) fn opened(&mut self, proposal: Proposal) -> u64 {
        let motion = self.propose(proposal).unwrap();
        self.m.now = OPENS;
        self.keep();
        motion
    }

    pub(crate) fn cast(&mut self, motion: u64, number: u8, choice: u8) -> Res<()> {
        self.on(owner(number), &castCall { motion, choice }).map(drop)
    }

    pub(crate) fn motion(&mut self, id: u64) -> Motion {
        self.on(STRANGER, &motionCall { id }).unwrap()
    }

    pub(crate) fn result(&mut self, id: u64) -> IDecisions::Result {
        self.on(STRANGER, &resultCall { id }).unwrap()
    }

    /// Moves the clock to the close and has the keeper close.
    pub(crate) fn closed(&mut self, id: u64) -> MotionState {
        self.m.now = self.motion(id).closesAt;
        self.keep();
        self.motion(id).state
    }

    /// Votes A10 through: nine of twelve take part, seven agree.
    pub(crate) fn passed_lift(&mut self, proposal: Proposal) -> u64 {
        let motion = self.opened(proposal);
        for number in 1..=7 {
            self.cast(motion, number, 1).unwrap();
        }
        self.cast(motion, 8, 2).unwrap();
        self.cast(motion, 9, 3).unwrap();
        assert_eq!(self.closed(motion), MotionState::Passed);
        motion
    }

    pub(crate) fn passed(&mut self, id: u64) -> Option<decisions::Passed> {
        self.m.run(address::funds, STRANGER, |cx| decisions::passed(cx, id)).unwrap()
    }

    fn register(&mut self) {
        let mut entries: Vec<UnitEntry> = (0u16..)
            .zip(STAIR)
            .map(|(index, area)| unit(format!("1-2-{index:02}"), (1, 2), area))
            .collect();
        let r1 = [9_000, 11_000, 9_000, 11_000, 9_000, 11_000, 9_000, 11_000];
        for (index, area) in r1.into_iter().enumerate() {
            entries.push(unit(format!("2-1-{index:02}"), (2, 1), area));
        }
        entries[17].developerOwned = true;
        entries[18].delivered = false;
        self.at(address::registry, REGISTRAR, &addUnitsCall { entries }).unwrap();
        let owners = (1..=20).map(commitment).collect();
        self.at(address::registry, REGISTRAR, &addOwnersCall { owners }).unwrap();
        let mut holdings: Vec<Holding> = (1..=12).map(|n| sole(n.into(), n)).collect();
        for (unit, number) in
            [(13, A), (14, B), (15, C), (16, C), (18, DEVELOPER), (19, BUYER), (20, E)]
        {
            holdings.push(sole(unit, number));
        }
        for number in [D1, D2] {
            holdings.push(Holding { kind: HoldingKind::Joint, ..sole(17, number) });
        }
        holdings.sort_by_key(|holding| holding.unit);
        // In R1 the joint home is 301, the fifth; C owns 201 and 202.
        self.at(address::registry, REGISTRAR, &addHoldingsCall { holdings }).unwrap();
        let accounts = (1..=20).map(owner).collect();
        let owners = (1..=20).map(commitment).collect();
        self.at(address::registry, REGISTRAR, &bindCall { accounts, owners }).unwrap();
    }
}

fn unit(code: String, (building, stair): (u32, u32), area: u64) -> UnitEntry {
    UnitEntry {
        code,
        building,
        stair,
        floor: 1,
        r#use: Use::Home,
        areaM2: area,
        areaSource: AreaSource::Registered,
        countsArea: true,
        countsHead: true,
        delivered: true,
        developerOwned: false,
    }
}

fn sole(unit: u64, number: u8) -> Holding {
    Holding {
        unit,
        owner: commitment(number),
        shareNum: 1,
        shareDen: 1,
        kind: HoldingKind::Sole,
        since: 1_700_000_000,
    }
}

fn first_page() -> Genesis {
    let mut offices = vec![
        ("chair", CHAIR),
        ("treasurer", TREASURER),
        ("manager", MANAGER),
        ("registrar", REGISTRAR),
        ("auditor", AUDITOR),
        ("street_office", STREET),
        ("bank", BANK),
    ];
    offices.extend(MEMBERS.map(|account| ("member", account)));
    offices.extend(COUNTERS.map(|account| ("counter", account)));
    let offices = offices.into_iter().map(|(office, account)| OfficeHolder {
        office: office.into(),
        account,
        until: START + 3 * 365 * DAY,
    });
    Genesis {
        chain_id: 7,
        timestamp: START,
        gas_limit: 30_000_000,
        epoch_length: 100,
        heartbeat_ms: 5_000,
        release: 1,
        members: vec![GenesisMember::lone(B256::repeat_byte(1))],
        packs: vec!["cn".into(), "cn-hangzhou".into()],
        offices: offices.collect(),
        ..Default::default()
    }
}

/// A motion with nothing special about it: 20 days of voting from the earliest opening.
pub(crate) fn proposal(matter: u8, scope: IDecisions::Scope) -> Proposal {
    Proposal {
        matter,
        scope,
        extraordinary: false,
        title: "Replace the lift of stair 2".into(),
        textHash: B256::repeat_byte(0x7e),
        opensAt: 0,
        closesAt: CLOSES,
        budgetFen: if matter == 5 { 8_640_000 } else { 0 },
        payeeHash: B256::ZERO,
        target: Address::ZERO,
        action: Default::default(),
    }
}

/// The refusal of this kind, or a panic that shows what came instead.
pub(crate) fn refused<Error: SolError>(result: Res<impl Sized>) -> Error {
    let Err(fault) = result else { panic!("it went through") };
    fault.refusal().unwrap_or_else(|| panic!("another refusal: {fault:?}"))
}
