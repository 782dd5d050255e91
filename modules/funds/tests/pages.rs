//! Sharing out a cost page by page: the outcome of one page, whatever happens between two of them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::LogData;
use alloy_sol_types::SolCall;
use tulou_slots::{Host, Memory};

use super::house::*;
use crate::decisions::tests::estate::*;
use crate::funds::IFunds::*;
use crate::funds::pages::PAGE_UNITS;
use crate::funds::{ranking, rule};
use crate::prelude::*;
use crate::registry::IRegistry::{AreaSource, correctUnitCall, postRollCall};
use crate::registry::{self, Scope, ScopeKind};
use crate::roles::IRoles::NotPermitted;
use crate::address;

/// Most gas of a transaction (EIP-7825), without what it costs before it calls.
const TX_GAS: u64 = 16_777_216 - 21_000 - 36 * 16;
const BASIS: B256 = B256::repeat_byte(0xba);

/// Homes of a few kinds, some of them measured anew.
fn homes(count: u64) -> Vec<u64> {
    let kinds = [8_812, 11_960, 13_307, 8_812];
    (0..count).map(|n| kinds[n as usize % 4] + if n % 9 == 0 { n * 37 % 911 } else { 0 }).collect()
}

/// A house whose job is decided, paid and checked. Every third unit has no balance, and no balance is
/// much more than a unit's part.
fn ready(count: u64) -> House {
    let mut e = Estate::new();
    e.add_homes(&homes(count));
    let mut h = House::on_estate(e);
    let report = h.file(0x77);
    h.pay(h.draw(BUDGET - 97, 2), "B-1");
    h.on(AUDITOR, &settleCall {
        decision: h.decision,
        finalFen: BUDGET - 97,
        reportDigest: report,
    })
    .unwrap();
    let units: Vec<u64> = numbers(count).into_iter().filter(|unit| unit % 3 != 0).collect();
    let mean = BUDGET / (count + 12);
    for units in units.chunks(500) {
        let amounts = units.iter().map(|unit| mean / 2 + unit * 7_919 % mean).collect();
        let call =
            openUnitBalancesCall { fund: 1, units: units.to_vec(), amountsFen: amounts };
        h.on(BANK, &call).unwrap();
    }
    h
}

/// Units of the stair: the twelve, and those entered after building 2.
fn numbers(count: u64) -> Vec<u64> {
    (1..=12).chain(21..21 + count).collect()
}

fn areas(count: u64) -> Vec<u64> {
    STAIR.into_iter().chain(homes(count)).collect()
}

fn corrected(unit: u64, area: u64) -> correctUnitCall {
    correctUnitCall {
        unit,
        areaM2: area,
        areaSource: AreaSource::Surveyed,
        delivered: true,
        developerOwned: false,
        basis: BASIS,
    }
}

/// Shares out to the end; returns the number of calls.
fn share_out(h: &mut House, at_most: u32) -> u64 {
    let call = allotPageCall { decision: h.decision, atMost: at_most };
    let mut calls = 0;
    while !h.view(&budgetCall { decision: h.decision }).allotted {
        h.e.at(address::funds, TREASURER, &call).unwrap();
        calls += 1;
    }
    calls
}

fn shares(h: &mut House) -> Vec<Share> {
    let (mut all, mut cursor) = (Vec::new(), 0);
    loop {
        let page = h.view(&allotmentCall { decision: h.decision, cursor, limit: 200 });
        all.extend(page.items);
        cursor = page.next;
        if cursor == 0 {
            return all;
        }
    }
}

/// Everything that the sharing out leaves behind, checked against the rule.
fn outcome(h: &mut House, count: u64) -> (Vec<Share>, Vec<UnitBalance>, Budget) {
    let (total, numbers) = (BUDGET - 97, numbers(count));
    let shares = shares(h);
    let units: Vec<u64> = shares.iter().map(|share| share.unit).collect();
    assert_eq!(units, numbers);
    let parts: Vec<u64> = shares.iter().map(|share| share.shareFen).collect();
    assert_eq!(parts, rule::allot(total, &areas(count)).unwrap());
    assert_eq!(parts.iter().sum::<u64>(), total);
    let budget = h.view(&budgetCall { decision: h.decision });
    let owed = shares.iter().map(|share| share.receivableFen).sum::<u64>();
    assert_eq!((owed, budget.allotted), (budget.receivableFen, true));
    for share in &shares {
        assert_eq!(share.chargedFen + share.receivableFen, share.shareFen);
    }
    let balance = |unit: &u64| h.view(&unitBalanceCall { ofFund: 1, unit: *unit });
    (shares, numbers.iter().map(balance).collect(), budget)
}

#[test]
fn the_outcome_does_not_depend_on_the_page() {
    for count in [0, 150, 430] {
        let paid = ready(count);
        let mut first = None;
        for at_most in [1, 7, 100, PAGE_UNITS] {
            let mut h = House { e: Estate { m: paid.e.m.clone() }, decision: paid.decision };
            let before = h.e.m.logs.len();
            let calls = share_out(&mut h, at_most);
            assert_eq!(Some(calls), ranking::calls(BUDGET - 97, &areas(count), at_most));
            assert_eq!((h.e.m.logs.len() - before) as u64, calls, "one event a page");
            let found = outcome(&mut h, count);
            assert_eq!(first.get_or_insert(found.clone()), &found, "{count} homes, {at_most}");
        }
        // The call without a bound takes the largest page.
        let mut h = paid;
        let mut calls = 0;
        while h.view(&allotmentProgressCall { decision: h.decision }).phase != AllotPhase::Done {
            h.on(MANAGER, &allotCall { decision: h.decision }).unwrap();
            calls += 1;
        }
        assert_eq!(Some(calls), ranking::calls(BUDGET - 97, &areas(count), PAGE_UNITS));
        assert_eq!(first, Some(outcome(&mut h, count)));
    }
}

#[test]
fn nothing_of_a_page_is_left_when_it_is_done() {
    let mut one = ready(40);
    let mut many = House { e: Estate { m: one.e.m.clone() }, decision: one.decision };
    share_out(&mut one, PAGE_UNITS);
    share_out(&mut many, 3);
    assert_eq!(one.e.m.slots, many.e.m.slots);
}

#[test]
fn changes_between_the_pages_alter_no_part() {
    let mut h = ready(60);
    let decision = h.decision;
    let mut quiet = House { e: Estate { m: h.e.m.clone() }, decision };
    share_out(&mut quiet, PAGE_UNITS);
    let (expected, ..) = outcome(&mut quiet, 60);
    let page = allotPageCall { decision, atMost: 5 };
    let mut round = 0;
    let mut phases = Vec::new();
    while !h.view(&budgetCall { decision }).allotted {
        h.on(TREASURER, &page).unwrap();
        let told = h.view(&allotmentProgressCall { decision });
        phases.push(told.phase as u8);
        round += 1;
        // New homes in the scope, other areas for those that are in it, new rolls, money that comes in.
        h.e.add_homes(&[9_999, 1]);
        for unit in [1, 12, 21, 80] {
            let call = corrected(unit, 5_000 + round * 13);
            h.e.at(address::registry, REGISTRAR, &call).unwrap();
        }
        h.e.m.now += 20 * DAY;
        h.e.at(address::registry, REGISTRAR, &postRollCall {}).unwrap();
        h.credit(1, 1_000, &format!("IN-{round}")).unwrap();
    }
    assert!(phases.is_sorted() && [1, 2, 3, 4].iter().all(|phase| phases.contains(phase)));
    let (found, ..) = outcome(&mut h, 60);
    assert_eq!(found, expected);
}

#[test]
fn what_a_unit_owes_stays_owed_when_its_balance_is_opened_later() {
    let mut h = ready(60);
    let decision = h.decision;
    let page = allotPageCall { decision, atMost: 5 };
    while h.view(&allotmentProgressCall { decision }).charged < 5 {
        h.on(TREASURER, &page).unwrap();
    }
    // Unit 3 is charged and had no balance; unit 78, the last without one, is yet to come.
    let owed = h.view(&unitBalanceCall { ofFund: 1, unit: 3 });
    assert!(owed.receivableFen != 0 && owed.balanceFen == 0);
    h.credit(1, BUDGET, "IN-9").unwrap();
    let (units, amounts) = (vec![3, 78], vec![700, BUDGET / 2]);
    h.on(BANK, &openUnitBalancesCall { fund: 1, units, amountsFen: amounts }).unwrap();
    let opened = h.view(&unitBalanceCall { ofFund: 1, unit: 3 });
    assert_eq!(opened, UnitBalance { balanceFen: 700, ..owed });
    // What an owner is shown meanwhile: the part that was charged, or that will be.
    let mine = h.view(&estimateCall { decision, unit: 3 });
    assert_eq!((mine.chargedFen, mine.receivableFen), (0, opened.receivableFen));
    let last = h.view(&estimateCall { decision, unit: 78 });
    share_out(&mut h, 5);
    let all = outcome(&mut h, 60).0;
    assert_eq!((&all[2], &all[69]), (&mine, &last));
    assert_eq!((last.unit, last.receivableFen), (78, 0));
}

#[test]
fn pages_are_refused_in_this_order() {
    let mut h = ready(60);
    let decision = h.decision;
    let page = |decision, units| allotPageCall { decision, atMost: units };
    refused::<NotPermitted>(h.on(CHAIR, &page(decision, 0)));
    for units in [0, PAGE_UNITS + 1, u32::MAX] {
        let told = refused::<BadPage>(h.on(TREASURER, &page(decision + 1, units)));
        assert_eq!((told.units, told.most), (units, PAGE_UNITS));
    }
    refused::<NotSettled>(h.on(TREASURER, &page(decision + 1, 1)));
    assert_eq!(h.view(&allotmentProgressCall { decision }).phase, AllotPhase::None);
    h.on(TREASURER, &page(decision, 9)).unwrap();
    let told = h.view(&allotmentProgressCall { decision });
    assert_eq!((told.phase, told.units, told.charged), (AllotPhase::Entering, 17, 0));
    let list = allotmentCall { decision, cursor: 0, limit: 9 };
    refused::<NotAllotted>(h.e.at(address::funds, STRANGER, &list));
    // Either officer goes on, with either call.
    h.on(MANAGER, &allotCall { decision }).unwrap();
    for call in [page(decision, 1), page(decision, PAGE_UNITS)] {
        refused::<AlreadyAllotted>(h.on(TREASURER, &call));
    }
    refused::<AlreadyAllotted>(h.on(TREASURER, &allotCall { decision }));
    let told = h.view(&allotmentProgressCall { decision });
    assert_eq!((told.phase, told.units, told.charged), (AllotPhase::Done, 72, 72));
}

/// Memory that counts gas as the EVM does (EIP-2929, EIP-2200), without refunds.
struct Metered {
    memory: Memory,
    before: BTreeMap<(Address, U256), U256>,
    warm: BTreeSet<(Address, U256)>,
    gas: u64,
}

impl Metered {
    /// Gas of one call.
    fn gas_of(memory: &mut Memory, f: impl FnOnce(&mut Cx<'_>) -> Res<()>) -> u64 {
        let before = memory.slots.clone();
        let (memory_now, warm) = (std::mem::take(memory), BTreeSet::new());
        let mut metered = Self { memory: memory_now, before, warm, gas: 0 };
        let (this, caller) = (address::funds, TREASURER);
        f(&mut Cx { host: &mut metered, this, caller, is_static: false }).unwrap();
        *memory = metered.memory;
        metered.gas
    }
}

impl Host for Metered {
    fn sload(&mut self, at: Address, slot: U256) -> Res<U256> {
        self.gas += if self.warm.insert((at, slot)) { 2_100 } else { 100 };
        self.memory.sload(at, slot)
    }
    fn sstore(&mut self, at: Address, slot: U256, value: U256) -> Res<()> {
        if self.warm.insert((at, slot)) {
            self.gas += 2_100;
        }
        let original = self.before.get(&(at, slot)).copied().unwrap_or_default();
        let current = self.memory.sload(at, slot)?;
        self.gas += match (value == current, current == original, original.is_zero()) {
            (true, ..) | (_, false, _) => 100,
            (_, _, true) => 20_000,
            _ => 2_900,
        };
        self.memory.sstore(at, slot, value)
    }
    fn log(&mut self, at: Address, data: LogData) -> Res<()> {
        self.gas += 375 * (1 + data.topics().len() as u64) + 8 * data.data.len() as u64;
        self.memory.log(at, data)
    }
    fn charge(&mut self, gas: u64) -> Res<()> {
        self.gas += gas;
        Ok(())
    }
    fn mark(&mut self, at: Address) -> Res<()> {
        self.memory.mark(at)
    }
    fn checkpoint(&mut self) {
        self.memory.checkpoint();
    }
    fn end_checkpoint(&mut self, keep: bool) {
        self.memory.end_checkpoint(keep);
    }
    fn now(&self) -> u64 {
        self.memory.now
    }
    fn height(&self) -> u64 {
        self.memory.height
    }
    fn chain_id(&self) -> u64 {
        1
    }
}

/// The dearest units there are: without a balance, and with an area that was corrected after each of
/// thirty rolls.
#[test]
fn every_page_fits_into_a_transaction() {
    let (count, areas) = (450, areas(450));
    let mut e = Estate::new();
    e.add_homes(&homes(count));
    let scope = Scope { kind: ScopeKind::Stair, building: 1, stair: 2 };
    for round in (0..30).rev() {
        e.m.run(address::decisions, STRANGER, |cx| registry::snapshot(cx, scope)).unwrap();
        let correct = |cx: &mut Cx<'_>| {
            for (unit, area) in numbers(count).into_iter().zip(&areas) {
                let call = corrected(unit, area + round);
                crate::route(&address::registry).unwrap()(cx, &call.abi_encode())?;
            }
            Ok(())
        };
        e.m.run(address::registry, REGISTRAR, correct).unwrap();
    }
    let mut h = House::on_estate(e);
    let report = h.file(0x77);
    h.pay(h.draw(BUDGET - 97, 2), "B-1");
    let settle = settleCall { decision: h.decision, finalFen: BUDGET - 97, reportDigest: report };
    h.on(AUDITOR, &settle).unwrap();
    let (call, mut pages) = (allotCall { decision: h.decision }.abi_encode(), Vec::new());
    while !h.view(&budgetCall { decision: h.decision }).allotted {
        let one = |cx: &mut Cx<'_>| crate::route(&address::funds).unwrap()(cx, &call).map(drop);
        pages.push(Metered::gas_of(&mut h.e.m, one));
    }
    println!("gas of the pages of {} units: {pages:?}", areas.len());
    outcome(&mut h, count);
    assert!(pages.iter().all(|gas| *gas < TX_GAS), "{pages:?}");
    assert!(pages.iter().any(|gas| *gas > TX_GAS / 2), "pages could be larger: {pages:?}");
}
