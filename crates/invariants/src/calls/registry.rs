use tulou_modules::registry::IRegistry::{self, AreaSource, HoldingKind};

use super::*;
use crate::{
    people::{CHAIR, REGISTRAR, STREET, commitment},
    world::{entry, part},
};

ops! { "registry": {
    "addUnits" => add_units,
    "addOwners" => add_owners,
    "addHoldings" => add_holdings,
    "correctUnit" => correct_unit,
    "transfer" => transfer,
    "nameDeveloper" => name_developer,
    "bind" => bind,
    "unbind" => unbind,
    "postRoll" => post_roll,
    "object" => object,
    "answer" => answer,
} }

const AT: Address = address::registry;

pub(super) fn units(g: &mut Gen<'_, '_>) -> Vec<IRegistry::Unit> {
    g.see(AT, &IRegistry::unitsCall { ofBuilding: 0, cursor: 0, limit: 200 }).items
}

/// Any unit, by number.
pub(super) fn unit(g: &mut Gen<'_, '_>) -> u64 {
    let count = units(g).len() as u64;
    if g.source.one_in(24) {
        return g.source.pick(&[0, count + 1, u64::MAX]);
    }
    1 + g.source.below(count.max(1) as usize) as u64
}

fn area(g: &mut Gen<'_, '_>) -> u64 {
    match g.source.byte() {
        0..=9 => 0,
        10..=12 => 1,
        n => u64::from(n) * 100 + u64::from(g.source.byte()),
    }
}

fn add_units(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let count = units(g).len();
    let mut entries = Vec::new();
    for n in 1..=1 + g.source.below(3) {
        let building = u32::from(g.source.byte() % 4);
        let stair =
            if g.source.one_in(12) { 9 } else { building.min(1) * u32::from(g.source.byte() % 3) };
        let number = if g.source.one_in(12) { 1 } else { count + n };
        let counts = !g.source.one_in(5);
        let mut entry = entry(format!("unit {number}"), (building, stair, area(g)), counts);
        entry.delivered = !g.source.one_in(6);
        entry.developerOwned = g.source.one_in(6);
        entries.push(entry);
    }
    one(g.by(&[REGISTRAR]), AT, &IRegistry::addUnitsCall { entries })
}

/// Owners 0 to 11 are known from the founding.
fn owner(g: &mut Gen<'_, '_>) -> usize {
    if g.source.one_in(10) { g.source.below(24) } else { g.source.below(12) }
}

fn add_owners(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let owners =
        vec![commitment(8 + g.source.below(16)), commitment(24 + usize::from(g.source.byte()))];
    one(g.by(&[REGISTRAR]), AT, &IRegistry::addOwnersCall { owners })
}

/// Who shall own a unit, by fitting shares as a rule.
fn parts(g: &mut Gen<'_, '_>, unit: u64) -> Vec<IRegistry::Holding> {
    let (a, b) = (owner(g), owner(g));
    match g.source.byte() % 8 {
        0..=3 => vec![part(unit, a, HoldingKind::Sole, (1, 1))],
        4 => [a, b].map(|n| part(unit, n, HoldingKind::Joint, (1, 1))).to_vec(),
        5 => {
            let den = 2 + u32::from(g.source.byte() % 8);
            let num = 1 + u32::from(g.source.byte()) % (den - 1);
            let (kind, rest) = (HoldingKind::ByShare, den - num);
            vec![part(unit, a, kind, (num, den)), part(unit, b, kind, (rest, den))]
        }
        6 => {
            let (num, den) = (g.source.byte().into(), g.source.byte().into());
            let kind = HoldingKind::ByShare;
            vec![part(unit, a, kind, (num, den)), part(unit, b, kind, (1, 2))]
        }
        _ => vec![part(unit, a, HoldingKind::Sole, (1, 2))],
    }
}

/// Holders of units that have none, as a rule.
fn add_holdings(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let mut empty = Vec::new();
    for unit in units(g) {
        if g.see(AT, &IRegistry::holdingsOfCall { ofUnit: unit.id }).is_empty() {
            empty.push(unit.id);
        }
    }
    let unit = if empty.is_empty() || g.source.one_in(8) { unit(g) } else { g.source.pick(&empty) };
    let holdings = parts(g, unit);
    one(g.by(&[REGISTRAR]), AT, &IRegistry::addHoldingsCall { holdings })
}

fn correct_unit(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (unit, area, basis) = (unit(g), area(g), g.hash());
    let source = [AreaSource::Registered, AreaSource::Surveyed, AreaSource::None];
    let call = IRegistry::correctUnitCall {
        unit,
        areaM2: area,
        areaSource: source[usize::from(g.source.byte() / 120)],
        delivered: !g.source.one_in(3),
        developerOwned: g.source.one_in(3),
        basis,
    };
    one(g.by(&[REGISTRAR]), AT, &call)
}

fn transfer(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (unit, basis) = (unit(g), g.hash());
    let named = if g.source.one_in(16) { 1 } else { unit };
    let holdings = parts(g, named);
    one(g.by(&[REGISTRAR]), AT, &IRegistry::transferCall { unit, holdings, basis })
}

fn name_developer(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let owner = commitment(owner(g));
    one(g.by(&[REGISTRAR]), AT, &IRegistry::nameDeveloperCall { owner })
}

fn bind(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let accounts = vec![g.source.pick(&[OWNERS[11], STRANGER, OWNERS[0], OWNERS[5], OWNERS[8]])];
    let owners = vec![commitment(owner(g))];
    one(g.by(&[REGISTRAR]), AT, &IRegistry::bindCall { accounts, owners })
}

fn unbind(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, reason) = (g.source.pick(&OWNERS), g.hash());
    one(g.by(&[REGISTRAR]), AT, &IRegistry::unbindCall { account, reasonHash: reason })
}

fn post_roll(g: &mut Gen<'_, '_>) -> Vec<Move> {
    one(g.by(&[REGISTRAR, CHAIR, STREET]), AT, &IRegistry::postRollCall {})
}

/// An objection to a roll, as a rule to one that was posted just before.
fn object(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let rolls = g.see(AT, &IRegistry::rollsCall { cursor: 0, limit: 200 }).items.len() as u64;
    let (unit, reason) = (unit(g), g.hash());
    let account = g.by(&OWNERS);
    if g.source.one_in(3) {
        let call = IRegistry::objectCall { roll: g.source.id(rolls), unit, reasonHash: reason };
        return one(account, AT, &call);
    }
    let mut moves = post_roll(g);
    let call = IRegistry::objectCall { roll: rolls + 1, unit, reasonHash: reason };
    moves.extend(one(account, AT, &call));
    moves
}

fn answer(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (objection, upheld, hash) = (1 + g.source.below(5) as u64, g.source.one_in(2), g.hash());
    let call = IRegistry::answerCall { objection, upheld, answerHash: hash };
    one(g.by(&[REGISTRAR, STREET]), AT, &call)
}
