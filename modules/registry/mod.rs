#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::{
    address,
    prelude::*,
    roles::{self, Office},
    rules,
};

mod bind;
mod roll;
pub mod rule;
#[cfg(test)]
mod tests;
mod view;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "registry/IRegistry.sol" }
use IRegistry::*;

abi_enum!(Way);

pub use IRegistry::Way;
use bind::{Binding, Ways};
pub use bind::{accounts_of, bind_by, owner_of};
use roll::{Posting, Rolls};
pub use roll::{
    Roll, Scope, ScopeKind, Weight, heads_of, listed_in, snapshot, units_between, units_in, weight_at,
};

const REGISTRARS: &[Office] = &[Office::Registrar];
/// Restricted calls.
pub const PERMITS: &[roles::Permit] = &[
    ("addUnits", addUnitsCall::SELECTOR, REGISTRARS),
    ("addOwners", addOwnersCall::SELECTOR, REGISTRARS),
    ("addHoldings", addHoldingsCall::SELECTOR, REGISTRARS),
    ("correctUnit", correctUnitCall::SELECTOR, REGISTRARS),
    ("transfer", transferCall::SELECTOR, REGISTRARS),
    ("nameDeveloper", nameDeveloperCall::SELECTOR, REGISTRARS),
    ("bind", bindCall::SELECTOR, REGISTRARS),
    ("unbind", unbindCall::SELECTOR, REGISTRARS),
    ("postRoll", postRollCall::SELECTOR, &[Office::Registrar, Office::Chair, Office::StreetOffice]),
    ("answer", answerCall::SELECTOR, &[Office::Registrar, Office::StreetOffice]),
];

/// Entries of one call: bounded by the gas of one transaction.
const UNITS_MOST: u64 = 50;
const OWNERS_MOST: u64 = 200;
const HOLDINGS_MOST: u64 = 40;
const BINDINGS_MOST: u64 = 100;
const CODE_BYTES_MOST: u64 = 31;
/// Days a roll is posted where no rule says otherwise (guidelines on the owners' assembly, art. 13).
const ROLL_POST_DAYS: u64 = 15;
const DAY_S: u64 = 86_400;
/// Version that is younger than every other: the register as it is.
const NOW: u64 = u64::MAX;

packed! {
    /// Everything about a unit but its code, owners and head.
    pub(super) struct UnitHead {
        building: u32, stair: u32, floor: u16, use_number: u8, source: u8, counts_area: bool,
        counts_head: bool, delivered: bool, developer: bool, area: Area,
    }
}
packed! {
    /// Whether an owner was entered, and how many accounts act for it now.
    pub(super) struct OwnerHead { known: bool, accounts: u64 }
}
packed! {
    pub(super) struct HoldingHead { num: u32, den: u32, kind: u8, since: u64 }
}
record! {
    pub(super) struct HoldingRow { owner: Slot<B256>, head: Slot<HoldingHead> }
}
record! {
    pub(super) struct UnitRow {
        head: Slot<UnitHead>,
        code: Text,
        votes: Slot<B256>,
        holdings: List<HoldingRow>,
    }
}
record! {
    pub(super) struct OwnerRow {
        head: Slot<OwnerHead>,
        heads: List<Slot<B256>>,
        units: List<Slot<u64>>,
    }
}
packed! {
    pub(super) struct ObjectionHead { roll: u64, unit: u64, raised_at: u64, state: u8 }
}
record! {
    pub(super) struct ObjectionRow {
        head: Slot<ObjectionHead>,
        objector: Slot<Address>,
        reason: Slot<B256>,
        answer: Slot<B256>,
    }
}
packed! {
    pub(super) struct Sums { units: u32, places: u32, buildings: u32 }
}
record! {
    pub(super) struct State {
        units: List<UnitRow>,
        by_code: Map<B256, Slot<u64>>,
        owners: Map<B256, OwnerRow>,
        accounts: Map<Address, Slot<B256>>,
        sums: Slot<Sums>,
        buildings: List<Slot<u32>>,
        stairs: Map<u32, List<Slot<u32>>>,
        objections: List<ObjectionRow>,
        rolls: Rolls,
        developer: Slot<B256>,
        bindings: Map<Address, Slot<Binding>>,
        ways: Slot<Ways>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// Interface of this module.
pub fn abi() -> JsonAbi {
    IRegistry::abi::contract()
}

/// Whether an account acts for an owner of a unit that counts.
pub fn is_owner(cx: &mut Cx<'_>, account: Address) -> Res<bool> {
    cx.on(address::registry, |cx| {
        for head in heads_of_owner(cx, account, NOW)? {
            if roll::current_weight(cx, head)?.units != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// Whether an account acts for an owner who holds a unit, or a part of one, now; one that was not handed over
/// yet, too.
pub fn acts_for_holder(cx: &mut Cx<'_>, account: Address) -> Res<bool> {
    cx.on(address::registry, |cx| {
        let owner = st().accounts.of(account).get(cx)?;
        if owner == B256::ZERO {
            return Ok(false);
        }
        let units = st().owners.of(owner).units;
        for index in 0..units.len(cx)? {
            let unit = units.of(index).get(cx)?;
            if holds_unit(cx, unit, owner)? {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// Whether an owner holds a unit, or a part of it, now.
pub fn holds_unit(cx: &mut Cx<'_>, unit: u64, owner: B256) -> Res<bool> {
    cx.on(address::registry, |cx| {
        if unit == 0 || unit > st().units.len(cx)? {
            return Ok(false);
        }
        let holdings = st().units.of(unit.wrapping_sub(1)).holdings;
        for index in 0..holdings.len(cx)? {
            if holdings.of(index).owner.get(cx)? == owner {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// Heads that an account's owner belongs to or ever belonged to. A set of owners is the same for
/// ever; who speaks for the developer changes, so that head is there only as of a version.
pub(super) fn heads_of_owner(cx: &mut Cx<'_>, account: Address, version: u64) -> Res<Vec<B256>> {
    let owner = st().accounts.of(account).get(cx)?;
    let list = st().owners.of(owner).heads;
    let mut heads = Vec::new();
    if owner != B256::ZERO {
        for index in 0..list.len(cx)? {
            let head = list.of(index).get(cx)?;
            if head != rule::developer_head() || roll::had_voice(cx, owner, version)? {
                heads.push(head);
            }
        }
    }
    Ok(heads)
}

fn batch(given: usize, most: u64) -> Res<()> {
    let given = given as u64;
    ensure!(given != 0 && given <= most, BadBatch { given, most });
    Ok(())
}

fn add_units(cx: &mut Cx<'_>, entries: &[UnitEntry]) -> Res<u64> {
    roles::allow::<addUnitsCall>(cx)?;
    batch(entries.len(), UNITS_MOST)?;
    let first = exact(st().units.len(cx)?.checked_add(1))?;
    for entry in entries {
        add_unit(cx, entry)?;
    }
    cx.emit(UnitsAdded { first, count: entries.len() as u64 })?;
    Ok(first)
}

fn add_unit(cx: &mut Cx<'_>, entry: &UnitEntry) -> Res<()> {
    let (code, length) = (entry.code.clone(), entry.code.len() as u64);
    ensure!(
        (1..=CODE_BYTES_MOST).contains(&length),
        BadCode { bytesGiven: length, bytesMost: CODE_BYTES_MOST }
    );
    let by_code = st().by_code.of(keccak256(&code));
    let unit = by_code.get(cx)?;
    ensure!(unit == 0, CodeTaken { code, unit });
    let (use_number, source) = (entry.r#use as u8, entry.areaSource as u8);
    let known = (1..=3).contains(&use_number) && (1..=3).contains(&source);
    ensure!(known && (entry.stair == 0 || entry.building != 0), BadEntry { code });
    let area = Area(entry.areaM2);
    let counts = (entry.countsArea, entry.countsHead);
    let sound = counts == (false, false) || (counts == (true, true) && area != Area::ZERO);
    ensure!(sound, NoArea { code });
    let (index, row) = st().units.push(cx)?;
    let id = exact(index.checked_add(1))?;
    by_code.set(cx, id)?;
    row.code.set(cx, &code)?;
    let head = UnitHead {
        building: entry.building,
        stair: entry.stair,
        floor: entry.floor,
        use_number,
        source,
        counts_area: entry.countsArea,
        counts_head: entry.countsHead,
        delivered: entry.delivered,
        developer: entry.developerOwned,
        area,
    };
    row.head.set(cx, head)?;
    note_place(cx, &head)?;
    if head.counts_head {
        roll::enlist(cx, (head.building, head.stair), id)?;
        roll::note_area(cx, id, area)?;
    }
    elect(cx, id, &row, B256::ZERO)
}

/// Keeps the sums and the lists of buildings and stairs.
fn note_place(cx: &mut Cx<'_>, head: &UnitHead) -> Res<()> {
    let mut sums = st().sums.get(cx)?;
    if head.use_number == Use::Parking as u8 {
        sums.places = exact(sums.places.checked_add(1))?;
    }
    if head.counts_head {
        sums.units = exact(sums.units.checked_add(1))?;
    }
    st().sums.set(cx, sums)?;
    if head.building != 0 {
        note(cx, &st().buildings, head.building)?;
        if head.stair != 0 {
            note(cx, &st().stairs.of(head.building), head.stair)?;
        }
    }
    Ok(())
}

/// Appends a number that is not in the list yet. Lists of buildings and stairs are short.
fn note(cx: &mut Cx<'_>, list: &List<Slot<u32>>, number: u32) -> Res<()> {
    for index in (0..list.len(cx)?).rev() {
        if list.of(index).get(cx)? == number {
            return Ok(());
        }
    }
    list.push(cx)?.1.set(cx, number)
}

fn add_owners(cx: &mut Cx<'_>, owners: &[B256]) -> Res<()> {
    roles::allow::<addOwnersCall>(cx)?;
    batch(owners.len(), OWNERS_MOST)?;
    for &owner in owners {
        let head = st().owners.of(owner).head;
        ensure!(owner != B256::ZERO && !head.get(cx)?.known, OwnerKnown { owner });
        head.set(cx, OwnerHead { known: true, accounts: 0 })?;
    }
    cx.emit(OwnersAdded { count: owners.len() as u64 })
}

fn add_holdings(cx: &mut Cx<'_>, holdings: &[Holding]) -> Res<()> {
    roles::allow::<addHoldingsCall>(cx)?;
    batch(holdings.len(), HOLDINGS_MOST)?;
    for part in holdings.chunk_by(|a, b| a.unit == b.unit) {
        let unit = part.first().map_or(0, |holding| holding.unit);
        let row = existing(cx, unit)?;
        ensure!(row.holdings.len(cx)? == 0, HasHoldings { unit });
        write_holdings(cx, unit, &row, part)?;
        for holding in part {
            // A unit that nobody held cannot be in an owner's list yet: no search, which would cost a
            // developer with thousands of units more than a transaction has.
            st().owners.of(holding.owner).units.push(cx)?.1.set(cx, unit)?;
        }
        count_voices(cx, &row, true)?;
        elect(cx, unit, &row, B256::ZERO)?;
    }
    Ok(())
}

/// The unit with this number.
fn existing(cx: &mut Cx<'_>, unit: u64) -> Res<UnitRow> {
    let exists = unit != 0 && unit <= st().units.len(cx)?;
    ensure!(exists, NoSuchUnit { unit });
    Ok(st().units.of(unit.wrapping_sub(1)))
}

fn write_holdings(cx: &mut Cx<'_>, unit: u64, row: &UnitRow, holdings: &[Holding]) -> Res<()> {
    let mut parts = Vec::new();
    for (i, holding) in holdings.iter().enumerate() {
        let owner = holding.owner;
        ensure!(st().owners.of(owner).head.get(cx)?.known, UnknownOwner { owner });
        let again = holdings.iter().take(i).any(|earlier| earlier.owner == owner);
        ensure!(!again, OwnerTwice { unit, owner });
        let kind = match holding.kind {
            HoldingKind::Sole => rule::Holding::Sole,
            HoldingKind::Joint => rule::Holding::Joint,
            HoldingKind::ByShare => rule::Holding::ByShare,
            _ => return Err(BadShares { unit }.into()),
        };
        parts.push(rule::Part { kind, num: holding.shareNum, den: holding.shareDen });
    }
    ensure!(rule::shares_fit(&parts), BadShares { unit });
    for holding in holdings {
        let place = row.holdings.push(cx)?.1;
        place.owner.set(cx, holding.owner)?;
        let (num, den, since) = (holding.shareNum, holding.shareDen, holding.since);
        place.head.set(cx, HoldingHead { num, den, kind: holding.kind as u8, since })?;
    }
    Ok(())
}

/// Remembers that an owner holds, or held, a unit.
fn note_unit(cx: &mut Cx<'_>, owner: B256, unit: u64) -> Res<()> {
    let list = st().owners.of(owner).units;
    for index in 0..list.len(cx)? {
        if list.of(index).get(cx)? == unit {
            return Ok(());
        }
    }
    list.push(cx)?.1.set(cx, unit)
}

/// Counts the holders of an unsold unit as voices of the developer, or no longer.
fn count_voices(cx: &mut Cx<'_>, row: &UnitRow, adds: bool) -> Res<()> {
    if row.head.get(cx)?.developer {
        for index in 0..row.holdings.len(cx)? {
            let owner = row.holdings.of(index).owner.get(cx)?;
            roll::count_voice(cx, owner, adds)?;
        }
    }
    Ok(())
}

/// Works out which head votes for a unit and moves its weight there.
fn elect(cx: &mut Cx<'_>, unit: u64, row: &UnitRow, basis: B256) -> Res<()> {
    let facts = row.head.get(cx)?;
    let mut owners = Vec::new();
    for index in 0..row.holdings.len(cx)? {
        owners.push(row.holdings.of(index).owner.get(cx)?);
    }
    let new = rule::head(facts.developer, facts.delivered, &owners).unwrap_or_default();
    let old = row.votes.get(cx)?;
    // Even where another head votes for the unit: the developer's own account must find its head.
    let of_developer = facts.developer && new == rule::developer_head();
    for &owner in &owners {
        if of_developer || new == rule::owners_head(&owners) {
            note_head(cx, owner, new)?;
        }
    }
    if old == new {
        return Ok(());
    }
    row.votes.set(cx, new)?;
    if facts.counts_head {
        let place = (facts.building, facts.stair);
        if old != B256::ZERO {
            roll::count(cx, place, old, facts.area, false)?;
        }
        if new != B256::ZERO {
            roll::count(cx, place, new, facts.area, true)?;
        }
    }
    cx.emit(HeadChanged { unit, oldHead: old, newHead: new, basis })
}

fn note_head(cx: &mut Cx<'_>, owner: B256, head: B256) -> Res<()> {
    let list = st().owners.of(owner).heads;
    for index in 0..list.len(cx)? {
        if list.of(index).get(cx)? == head {
            return Ok(());
        }
    }
    list.push(cx)?.1.set(cx, head)
}

fn correct_unit(cx: &mut Cx<'_>, c: &correctUnitCall) -> Res<()> {
    roles::allow::<correctUnitCall>(cx)?;
    let row = existing(cx, c.unit)?;
    let mut facts = row.head.get(cx)?;
    let (code, source) = (row.code.get(cx)?, c.areaSource as u8);
    ensure!((1..=3).contains(&source), BadEntry { code });
    ensure!(!facts.counts_head || c.areaM2 != 0, NoArea { code });
    let votes = row.votes.get(cx)?;
    let place = (facts.building, facts.stair);
    if facts.counts_head && facts.area.0 != c.areaM2 {
        if votes != B256::ZERO {
            roll::count(cx, place, votes, facts.area, false)?;
            roll::count(cx, place, votes, Area(c.areaM2), true)?;
        }
        roll::note_area(cx, c.unit, Area(c.areaM2))?;
    }
    count_voices(cx, &row, false)?;
    facts.area = Area(c.areaM2);
    (facts.source, facts.delivered, facts.developer) = (source, c.delivered, c.developerOwned);
    row.head.set(cx, facts)?;
    count_voices(cx, &row, true)?;
    elect(cx, c.unit, &row, c.basis)?;
    cx.emit(UnitCorrected {
        unit: c.unit,
        areaM2: c.areaM2,
        delivered: c.delivered,
        developerOwned: c.developerOwned,
        basis: c.basis,
    })
}

fn transfer(cx: &mut Cx<'_>, c: &transferCall) -> Res<()> {
    roles::allow::<transferCall>(cx)?;
    batch(c.holdings.len(), HOLDINGS_MOST)?;
    let row = existing(cx, c.unit)?;
    for holding in &c.holdings {
        ensure!(holding.unit == c.unit, NoSuchUnit { unit: holding.unit });
    }
    count_voices(cx, &row, false)?;
    let mut facts = row.head.get(cx)?;
    facts.developer = false;
    row.head.set(cx, facts)?;
    for index in 0..row.holdings.len(cx)? {
        let old = row.holdings.of(index);
        old.owner.set(cx, B256::ZERO)?;
        old.head.set(cx, HoldingHead::default())?;
    }
    row.holdings.truncate(cx, 0)?;
    write_holdings(cx, c.unit, &row, &c.holdings)?;
    for holding in &c.holdings {
        note_unit(cx, holding.owner, c.unit)?;
    }
    elect(cx, c.unit, &row, c.basis)
}

/// One voice more, for an owner who may hold nothing unsold but is the head of homes not handed over.
fn name_developer(cx: &mut Cx<'_>, owner: B256) -> Res<()> {
    roles::allow::<nameDeveloperCall>(cx)?;
    ensure!(st().owners.of(owner).head.get(cx)?.known, UnknownOwner { owner });
    let old = st().developer.get(cx)?;
    if old != B256::ZERO {
        roll::count_voice(cx, old, false)?;
    }
    roll::count_voice(cx, owner, true)?;
    note_head(cx, owner, rule::developer_head())?;
    st().developer.set(cx, owner)?;
    cx.emit(DeveloperNamed { owner })
}

fn post_roll(cx: &mut Cx<'_>) -> Res<u64> {
    roles::allow::<postRollCall>(cx)?;
    let roll = roll::take(cx, view::ESTATE)?;
    let days = rules::number_or(cx, "vote.roll_post_days", Some(ROLL_POST_DAYS))?;
    let days = days.unwrap_or(ROLL_POST_DAYS);
    let until = exact(days.checked_mul(DAY_S).and_then(|s| s.checked_add(cx.now())))?;
    let (row, _) = roll::row(cx, roll.id)?;
    row.posting.set(cx, Posting { until, objections: 0, open: 0 })?;
    cx.emit(RollPosted { roll: roll.id, postedUntil: until })?;
    Ok(roll.id)
}

fn object(cx: &mut Cx<'_>, roll: u64, unit: u64, reason: B256) -> Res<u64> {
    let (row, _) = roll::row(cx, roll)?;
    let mut posting = row.posting.get(cx)?;
    ensure!(cx.now() < posting.until, NotPosted { roll, postedUntil: posting.until });
    let account = cx.caller;
    ensure!(is_owner(cx, account)?, NotAnOwner { account });
    existing(cx, unit)?;
    let (index, place) = st().objections.push(cx)?;
    let state = ObjectionState::Open as u8;
    place.head.set(cx, ObjectionHead { roll, unit, raised_at: cx.now(), state })?;
    place.objector.set(cx, account)?;
    place.reason.set(cx, reason)?;
    posting.objections = exact(posting.objections.checked_add(1))?;
    posting.open = exact(posting.open.checked_add(1))?;
    row.posting.set(cx, posting)?;
    let id = exact(index.checked_add(1))?;
    cx.emit(ObjectionRaised { objection: id, roll, unit, objector: account, reasonHash: reason })?;
    Ok(id)
}

fn answer(cx: &mut Cx<'_>, objection: u64, upheld: bool, answer: B256) -> Res<()> {
    roles::allow::<answerCall>(cx)?;
    let exists = objection != 0 && objection <= st().objections.len(cx)?;
    ensure!(exists, NoSuchObjection { objection });
    let row = st().objections.of(objection.wrapping_sub(1));
    let mut head = row.head.get(cx)?;
    ensure!(head.state == ObjectionState::Open as u8, AlreadyAnswered { objection });
    head.state = if upheld { ObjectionState::Upheld } else { ObjectionState::Dismissed } as u8;
    row.head.set(cx, head)?;
    row.answer.set(cx, answer)?;
    let (posted, _) = roll::row(cx, head.roll)?;
    let mut posting = posted.posting.get(cx)?;
    posting.open = exact(posting.open.checked_sub(1))?;
    posted.posting.set(cx, posting)?;
    cx.emit(ObjectionAnswered { objection, upheld, answerHash: answer })
}

dispatch! { IRegistry, cx;
    write addUnitsCall(c) => add_units(cx, &c.entries)?;
    write addOwnersCall(c) => add_owners(cx, &c.owners)?.into();
    write addHoldingsCall(c) => add_holdings(cx, &c.holdings)?.into();
    write correctUnitCall(c) => correct_unit(cx, &c)?.into();
    write transferCall(c) => transfer(cx, &c)?.into();
    write nameDeveloperCall(c) => name_developer(cx, c.owner)?.into();
    write bindCall(c) => bind::bind(cx, &c.accounts, &c.owners)?.into();
    write unbindCall(c) => bind::unbind(cx, c.account, c.reasonHash)?.into();
    write postRollCall(_) => post_roll(cx)?;
    write objectCall(c) => object(cx, c.roll, c.unit, c.reasonHash)?;
    write answerCall(c) => answer(cx, c.objection, c.upheld, c.answerHash)?.into();
    view totalsCall(_) => view::totals(cx)?;
    view buildingsCall(_) => view::buildings(cx)?;
    view unitsCall(c) => view::units(cx, c.ofBuilding, c.cursor, c.limit)?;
    view unitCall(c) => view::unit(cx, c.id)?;
    view unitByCodeCall(c) => view::unit_by_code(cx, &c.code)?;
    view holdingsOfCall(c) => view::holdings_of(cx, c.ofUnit)?;
    view ownerOfCall(c) => st().accounts.of(c.account).get(cx)?;
    view bindingOfCall(c) => bind::binding_of(cx, c.account)?;
    view bindingsCall(_) => bind::bindings(cx)?;
    view developerCall(_) => st().developer.get(cx)?;
    view headsOfCall(c) => view::heads_of(cx, c.account)?;
    view mineCall(c) => view::mine(cx, c.account)?;
    view rollsCall(c) => view::rolls(cx, c.cursor, c.limit)?;
    view rollCall(c) => view::roll(cx, c.id)?;
    view weightOfCall(c) => view::weight_of(cx, c.ofRoll, c.head)?;
    view objectionsCall(c) => view::objections(cx, c.ofRoll, c.cursor, c.limit)?;
}
