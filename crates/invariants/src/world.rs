//! The founded world: a consortium and an estate in the middle of their work.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use tulou_modules::{
    address,
    council::ICouncil,
    decisions::IDecisions,
    documents::IDocuments,
    funds::IFunds,
    ledgers::ILedgers,
    money::IMoney,
    registry::IRegistry::{self, AreaSource, Holding, HoldingKind, UnitEntry, Use},
    rules::IRules,
    schedule::ISchedule,
};
use tulou_primitives::{CouncilRules, Genesis, GenesisMember, NodeKind, OfficeHolder};
use tulou_slots::{Cx, Memory, Res};

use crate::{foreign, people::*};

/// Which packs the first page loads.
const PACKS: [&[&str]; 2] = [&["cn", "cn-hangzhou"], &["cn"]];

static FOUNDED: LazyLock<[Memory; 2]> = LazyLock::new(|| PACKS.map(found));

/// A world with both packs (0), or with the national one alone (1), where the council may adopt the
/// city's.
pub fn founded(number: usize) -> Memory {
    FOUNDED[number % FOUNDED.len()].clone()
}

/// Reads a module as a static call does: nothing can be written.
///
/// # Errors
/// What the module refuses.
pub fn view<C: SolCall>(memory: &mut Memory, to: Address, call: &C) -> Res<C::Return> {
    let entry = tulou_modules::route(&to).expect("a module or an asset");
    let mut cx = Cx { host: memory, this: to, caller: Address::ZERO, is_static: true };
    let answer = entry(&mut cx, &call.abi_encode())?;
    Ok(C::abi_decode_returns(&answer).expect("a module encodes its answers"))
}

/// Makes a call that the founding relies on.
fn done<C: SolCall>(m: &mut Memory, to: Address, from: Address, call: &C) -> C::Return {
    let entry = tulou_modules::route(&to).expect("a module or an asset");
    m.call(to, entry, from, call).unwrap_or_else(|fault| panic!("{}: {fault:?}", C::SIGNATURE))
}

fn first_page(packs: &[&str]) -> Genesis {
    let mut offices = vec![
        ("chair", CHAIR),
        ("treasurer", TREASURER),
        ("manager", MANAGER),
        ("registrar", REGISTRAR),
        ("auditor", AUDITOR),
        ("street_office", STREET),
        ("housing_bureau", HOUSING),
        ("bank", BANK),
        ("keeper", KEEPER),
        // One account with two offices.
        ("member", TREASURER),
    ];
    offices.extend(COMMITTEE.map(|account| ("member", account)));
    offices.extend(COUNTERS.map(|account| ("counter", account)));
    let offices = offices.into_iter().map(|(office, account)| OfficeHolder {
        office: office.into(),
        account,
        until: if account == COMMITTEE[2] { START + 200 * DAY } else { 0 },
    });
    let members = (0..).zip(MEMBERS).map(|(i, account)| GenesisMember {
        name: format!("member {}", i + 1),
        account,
        weight: WEIGHTS[i],
        node: key(i),
        kind: if i < 5 { NodeKind::Validator } else { NodeKind::Observer },
        address: format!("10.0.0.{i}:9000"),
    });
    Genesis {
        chain_id: 1,
        timestamp: START,
        gas_limit: 30_000_000,
        epoch_length: EPOCH,
        heartbeat_ms: 5_000,
        estate: "Guihua Garden".into(),
        release: 1,
        members: members.collect(),
        council: CouncilRules { voting_s: 3 * DAY, delay_s: DAY, ..Default::default() },
        packs: packs.iter().map(|name| (*name).to_owned()).collect(),
        offices: offices.collect(),
        ..Default::default()
    }
}

fn found(packs: &[&str]) -> Memory {
    let mut m = Memory::default();
    m.now = START;
    tulou_modules::genesis(&mut m, &first_page(packs)).expect("the first page is sound");
    m.height = 1;
    register(&mut m);
    govern(&mut m);
    decide(&mut m);
    open_funds(&mut m);
    m
}

/// Units by building and stair; the last three count neither by area nor by head.
const UNITS: [(u32, u32, u64); 14] = [
    (1, 1, 8_500),
    (1, 1, 8_501),
    (1, 1, 12_200),
    (1, 2, 8_800),
    (1, 2, 10_700),
    (1, 2, 10_700),
    (2, 1, 9_000),
    (2, 1, 11_000),
    (2, 1, 9_000),
    (2, 0, 3),
    (0, 0, 20_001),
    (1, 0, 1_250),
    (0, 0, 1_250),
    (0, 0, 0),
];

/// An entry of the register at a place.
pub fn entry(code: String, (building, stair, area): (u32, u32, u64), counts: bool) -> UnitEntry {
    UnitEntry {
        code,
        building,
        stair,
        floor: 1,
        r#use: if counts { Use::Home } else { Use::Parking },
        areaM2: area,
        areaSource: AreaSource::Registered,
        countsArea: counts,
        countsHead: counts,
        delivered: true,
        developerOwned: false,
    }
}

/// An owner's part of a unit.
pub fn part(unit: u64, owner: usize, kind: HoldingKind, (num, den): (u32, u32)) -> Holding {
    let (share_num, share_den) = (num, den);
    Holding {
        unit,
        owner: commitment(owner),
        shareNum: share_num,
        shareDen: share_den,
        kind,
        since: START,
    }
}

/// Twelve owners: one with two homes, two jointly, two by shares, a developer with an unsold home and one
/// that is not handed over, and one who owns nothing.
fn register(m: &mut Memory) {
    let mut entries = Vec::new();
    for (i, place) in UNITS.into_iter().enumerate() {
        entries.push(entry(format!("unit {}", i + 1), place, i < 11));
    }
    entries[7].developerOwned = true;
    entries[8].delivered = false;
    let at = address::registry;
    done(m, at, REGISTRAR, &IRegistry::addUnitsCall { entries });
    let owners: Vec<B256> = (0..12).map(commitment).collect();
    done(m, at, REGISTRAR, &IRegistry::addOwnersCall { owners: owners.clone() });
    let sole = |unit, owner| part(unit, owner, HoldingKind::Sole, (1, 1));
    let mut holdings: Vec<Holding> = (1..=5).map(|n| sole(n, n as usize - 1)).collect();
    // Owner 4 has two homes.
    holdings.push(sole(6, 4));
    holdings.extend([5, 6].map(|owner| part(7, owner, HoldingKind::Joint, (1, 1))));
    holdings.push(sole(8, 7));
    holdings.push(sole(9, 8));
    holdings.push(part(10, 9, HoldingKind::ByShare, (1, 3)));
    holdings.push(part(10, 10, HoldingKind::ByShare, (2, 3)));
    holdings.push(sole(11, 3));
    holdings.push(sole(12, 0));
    done(m, at, REGISTRAR, &IRegistry::addHoldingsCall { holdings });
    let call =
        IRegistry::bindCall { accounts: OWNERS[..11].to_vec(), owners: owners[..11].to_vec() };
    done(m, at, REGISTRAR, &call);
    done(m, at, STREET, &IRegistry::postRollCall {});
    done(m, at, OWNERS[0], &IRegistry::objectCall { roll: 1, unit: 1, reasonHash: paper(90) });
}

/// The council registers another ledger and allows a deployer; one proposal is still voted on.
fn govern(m: &mut Memory) {
    let propose = |m: &mut Memory, target, call: Vec<u8>| {
        let title = "A change".to_owned();
        let call = ICouncil::proposeCall { target, call: call.into(), title, textHash: paper(91) };
        done(m, address::council, MEMBERS[0], &call)
    };
    let register = ILedgers::registerCall { name: "Maple Court".into(), sheet: foreign::sheet() };
    let ids = [
        propose(m, address::ledgers, register.abi_encode()),
        propose(
            m,
            address::council,
            ICouncil::allowDeployerCall { account: MANAGER, allowed: true }.abi_encode(),
        ),
    ];
    for id in ids {
        for account in &MEMBERS[..4] {
            done(m, address::council, *account, &ICouncil::voteCall { id, inFavour: true });
        }
    }
    m.now += 4 * DAY;
    m.height += EPOCH;
    for id in ids {
        assert!(done(m, address::council, STRANGER, &ICouncil::executeCall { id }));
    }
    let freeze = ICouncil::setParameterCall { name: "freeze.days".into(), value: 60 };
    propose(m, address::council, freeze.abi_encode());
}

/// A motion with nothing special about it: as early as may be, eight days of voting.
pub fn motion(
    now: u64,
    matter: u8,
    (kind, building, stair): (u8, u32, u32),
) -> IDecisions::Proposal {
    IDecisions::Proposal {
        matter,
        scope: IDecisions::Scope { kind, building, stair },
        extraordinary: false,
        title: "Replace the lift".into(),
        textHash: paper(92),
        opensAt: 0,
        closesAt: now + 25 * DAY,
        budgetFen: if matter == 5 { BUDGET } else { 0 },
        payeeHash: B256::ZERO,
        target: Address::ZERO,
        action: Default::default(),
    }
}

/// Budget of the first decision in fen.
pub const BUDGET: u64 = 8_640_000;

/// Decision 1: a job in building 1. Decision 2: money for budget lines. Decision 3: a second asset, opened.
/// Motion 4 is open, motion 5 announced with a change of the by-laws.
fn decide(m: &mut Memory) {
    let at = address::decisions;
    let asset = IMoney::createAssetCall {
        name: "Parking points".into(),
        symbol: "PP".into(),
        mandate: Address::ZERO,
    };
    let mut lines = motion(m.now, 9, (1, 0, 0));
    lines.budgetFen = 9_000_000;
    let mut with_asset = motion(m.now, 1, (1, 0, 0));
    (with_asset.target, with_asset.action) = (address::money, asset.abi_encode().into());
    for proposal in [motion(m.now, 5, (2, 1, 0)), lines, with_asset] {
        done(m, at, CHAIR, &IDecisions::proposeCall { proposal });
    }
    m.now += 17 * DAY;
    for id in 1..=3 {
        for owner in &OWNERS[..9] {
            let call = IDecisions::castCall { motion: id, choice: 1 };
            let entry = tulou_modules::decisions::entry;
            // Who owns nothing in building 1 is refused there.
            let _ = m.call(at, entry, *owner, &call);
        }
    }
    m.now += 9 * DAY;
    while done(m, address::schedule, KEEPER, &ISchedule::runCall { most: 64 }).more {}
    for id in 1..=3 {
        let state = done(m, at, STRANGER, &IDecisions::motionCall { id }).state;
        assert_eq!(state, IDecisions::MotionState::Passed, "motion {id}");
    }
    let proposal = motion(m.now, 5, (1, 0, 0));
    done(m, at, CHAIR, &IDecisions::proposeCall { proposal });
    m.now += 17 * DAY;
    done(m, at, KEEPER, &IDecisions::openCall { motion: 4 });
    let tighten = IRules::tightenCall {
        key: "vote.notice_days".into(),
        num: 16,
        den: 1,
        fromAt: 0,
        basis: paper(93),
    };
    let mut by_laws = motion(m.now, 1, (1, 0, 0));
    (by_laws.target, by_laws.action) = (address::rules, tighten.abi_encode().into());
    done(m, at, STREET, &IDecisions::proposeCall { proposal: by_laws });
}

/// Money of the maintenance fund in fen at the founding.
pub const OPENING: u64 = 20_000_000;

/// Two funds with money, balances of the first units, two payees that may be paid, papers on file, a
/// budget line, an order that waits for the bank and a request that waits for signatures.
fn open_funds(m: &mut Memory) {
    let at = address::funds;
    for number in 0..4 {
        let call = IDocuments::registerCall {
            hash: paper(number),
            kind: IDocuments::Kind::Invoice,
            custodian: MANAGER,
            retainUntil: m.now + 3_650 * DAY,
            title: "Invoice".into(),
        };
        done(m, address::documents, MANAGER, &call);
    }
    for (fund, name, purpose, amount) in
        [(1, "Maintenance fund", 1, OPENING), (2, "Common income", 2, OPENING / 2)]
    {
        done(m, at, CHAIR, &IFunds::openFundCall { name: name.into(), purpose });
        let call = IFunds::creditCall {
            fund,
            amountFen: amount,
            bankRef: format!("OPEN-{fund}"),
            occurredAt: m.now,
            memo: "paid in".into(),
        };
        done(m, at, BANK, &call);
    }
    let units = (1..=4).collect();
    let amounts = vec![3_000_000, 10, 0, 2_000_000];
    let call = IFunds::openUnitBalancesCall { fund: 1, units, amountsFen: amounts };
    done(m, at, REGISTRAR, &call);
    for number in 0..2 {
        let call = IFunds::setPayeeCall {
            payeeHash: payee(number),
            accountHash: paper(94),
            name: "Xinda Lift Co.".into(),
        };
        done(m, at, MANAGER, &call);
    }
    m.now += 4 * DAY;
    let call = IFunds::openLineCall {
        fund: 2,
        year: 2026,
        name: "Garden".into(),
        plannedFen: 6_000_000,
        decision: 2,
    };
    done(m, at, TREASURER, &call);
    let job = draft(1, (0, 1), BUDGET / 2, 0);
    for draft in [job, draft(2, (1, 0), 40_000, 1)] {
        done(m, at, MANAGER, &IFunds::requestCall { draft });
    }
    for signer in [TREASURER, CHAIR] {
        let call = IFunds::approveCall { id: 1, revision: 1, sentenceHash: paper(95) };
        done(m, at, signer, &call);
    }
    let asset = IMoney::issueCall { asset: 2, to: OWNERS[0], amountFen: 9_000, memo: paper(96) };
    done(m, address::money, BANK, &asset);
}

/// A payment on a line or on a decision, the other being 0.
pub fn draft(
    fund: u64,
    (line, decision): (u64, u64),
    amount: u64,
    payee_number: usize,
) -> IFunds::Draft {
    IFunds::Draft {
        fund,
        line,
        decision,
        amountFen: amount,
        payeeHash: payee(payee_number),
        quoteDigest: B256::ZERO,
        invoiceDigest: B256::ZERO,
        purpose: "Lift of building 1".into(),
        stage: 2,
    }
}
