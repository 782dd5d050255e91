//! heads and areas worked out again from units and holdings, rolls kept as they were.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, keccak256};
use tulou_modules::{
    address,
    registry::IRegistry::{self, Holding, HoldingKind, Unit, Way},
};
use tulou_slots::{Logged, Memory};

use super::{all_of, ask, event};
use crate::play::{Broken, Kept, Seen, keep};

const AT: Address = address::registry;

/// What one head brings: area and units.
type Weights = BTreeMap<B256, (u64, u32)>;

/// A roll as it was taken: who votes with what, and the areas of all units that count in its scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Frozen {
    pub(super) weights: Weights,
    /// By number of the unit, with or without a head.
    pub(super) units: BTreeMap<u64, u64>,
    /// Who speaks for a head.
    voices: BTreeMap<B256, BTreeSet<B256>>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) rolls: Vec<Frozen>,
    owners: BTreeMap<Address, B256>,
    /// By which way, and by which letter or attestor, an account came.
    ways: BTreeMap<Address, (Way, u64)>,
    /// Bindings ever made: counter, letter, card, face.
    counts: [u64; 4],
}

fn lies_in(scope: (u8, u32, u32), building: u32, stair: u32) -> bool {
    match scope.0 {
        1 => true,
        2 => building != 0 && building == scope.1,
        _ => building != 0 && stair != 0 && (building, stair) == (scope.1, scope.2),
    }
}

fn units(memory: &mut Memory) -> Result<Vec<Unit>, Broken> {
    all_of!(memory, AT, IRegistry::unitsCall { ofBuilding: 0 })
}

fn weights(units: &[Unit], scope: (u8, u32, u32)) -> Weights {
    let mut found = Weights::new();
    for unit in units {
        let entry = &unit.entry;
        let counts = entry.countsHead && !unit.head.is_zero();
        if counts && lies_in(scope, entry.building, entry.stair) {
            let weight = found.entry(unit.head).or_default();
            *weight = (weight.0 + entry.areaM2, weight.1 + 1);
        }
    }
    found
}

impl Model {
    pub(super) fn begin(memory: &mut Memory, logs: &[Logged]) -> Result<Self, Broken> {
        let mut model = Self::default();
        for log in logs {
            // Nobody changed the register after the first roll of the founding.
            model.learn(log, memory)?;
        }
        model.check(memory)?;
        Ok(model)
    }

    fn learn(&mut self, log: &Logged, memory: &mut Memory) -> Kept {
        if let Some(bound) = event::<IRegistry::AccountAdded>(log, AT) {
            let before = self.owners.insert(bound.account, bound.owner);
            keep!("R-5", before.is_none(), "{} acts for two owners", bound.account);
            let way = (bound.way as usize).wrapping_sub(1);
            keep!("R-6", way < self.counts.len(), "{} is bound by no way", bound.account);
            self.counts[way] += 1;
            self.ways.insert(bound.account, (bound.way, bound.source));
        }
        if let Some(unbound) = event::<IRegistry::AccountRemoved>(log, AT) {
            self.owners.remove(&unbound.account);
            self.ways.insert(unbound.account, (Way::None, 0));
        }
        if let Some(taken) = event::<IRegistry::RollTaken>(log, AT) {
            keep!(
                "R-2",
                taken.roll == self.rolls.len() as u64 + 1,
                "roll {} comes next",
                taken.roll
            );
            let units = units(memory)?;
            let scope = (taken.kind, taken.building, taken.stair);
            let inside = units.iter().filter(|unit| {
                let entry = &unit.entry;
                entry.countsHead && lies_in(scope, entry.building, entry.stair)
            });
            self.rolls.push(Frozen {
                weights: weights(&units, scope),
                voices: voices(&units, memory)?,
                units: inside.map(|unit| (unit.id, unit.entry.areaM2)).collect(),
            });
        }
        Ok(())
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        for log in seen.logs {
            self.learn(log, seen.after)?;
        }
        if seen.concerns(AT) { self.check(seen.after) } else { Ok(()) }
    }

    /// Whether an account speaks for a head of a roll.
    pub(super) fn speaks(&self, account: Address, roll: u64, head: B256) -> bool {
        let owner = self.owners.get(&account);
        let frozen = self.rolls.get(roll as usize - 1);
        let voices = frozen.and_then(|frozen| frozen.voices.get(&head));
        owner.zip(voices).is_some_and(|(owner, voices)| voices.contains(owner))
    }

    fn check(&self, memory: &mut Memory) -> Kept {
        let units = units(memory)?;
        for unit in &units {
            let call = IRegistry::holdingsOfCall { ofUnit: unit.id };
            let holdings = ask(memory, AT, &call)?;
            keep!("R-1", unit.head == head(unit, &holdings), "unit {} has another head", unit.id);
            let fit = holdings.is_empty() || shares_fit(&holdings);
            keep!("R-4", fit, "the shares of unit {} are not the whole", unit.id);
        }
        let totals = ask(memory, AT, &IRegistry::totalsCall {})?;
        let shown = (totals.areaM2, totals.heads);
        keep!("R-1", shown == sums(&weights(&units, (1, 0, 0))), "the estate has {shown:?}");
        for building in ask(memory, AT, &IRegistry::buildingsCall {})? {
            let shown = (building.areaM2, building.heads);
            let expected = sums(&weights(&units, (2, building.building, 0)));
            keep!("R-1", shown == expected, "building {} has {shown:?}", building.building);
        }
        for (id, roll) in (1u64..).zip(&self.rolls) {
            let shown = ask(memory, AT, &IRegistry::rollCall { id })?;
            let expected = sums(&roll.weights);
            keep!("R-2", (shown.areaM2, shown.heads) == expected, "roll {id} changed");
            for (head, (area, units)) in &roll.weights {
                let call = IRegistry::weightOfCall { ofRoll: id, head: *head };
                let shown = ask(memory, AT, &call)?;
                let same = (shown.areaM2, shown.units) == (*area, *units);
                keep!("R-2", same, "a head of roll {id} has another weight");
            }
        }
        for (account, owner) in &self.owners {
            let shown = ask(memory, AT, &IRegistry::ownerOfCall { account: *account })?;
            keep!("R-5", shown == *owner, "{account} acts for another owner");
        }
        for (account, way) in &self.ways {
            let shown = ask(memory, AT, &IRegistry::bindingOfCall { account: *account })?;
            keep!("R-6", (shown.way, shown.source) == *way, "{account} came another way");
        }
        let shown = ask(memory, AT, &IRegistry::bindingsCall {})?;
        let shown = [shown.counter, shown.letter, shown.card, shown.face];
        keep!("R-6", shown == self.counts, "{shown:?} bindings are counted");
        Ok(())
    }
}

/// Who speaks for each head: its owners; for the developer's whoever holds what is unsold, or is named.
fn voices(units: &[Unit], memory: &mut Memory) -> Result<BTreeMap<B256, BTreeSet<B256>>, Broken> {
    let developer = keccak256("tulou/head/developer/v1");
    let mut found: BTreeMap<B256, BTreeSet<B256>> = BTreeMap::new();
    let named = ask(memory, AT, &IRegistry::developerCall {})?;
    found.entry(developer).or_default().extend((!named.is_zero()).then_some(named));
    for unit in units {
        if unit.head != developer || unit.entry.developerOwned {
            let call = IRegistry::holdingsOfCall { ofUnit: unit.id };
            let holdings = ask(memory, AT, &call)?;
            let owners = holdings.iter().map(|holding| holding.owner);
            found.entry(unit.head).or_default().extend(owners);
        }
    }
    Ok(found)
}

fn sums(weights: &Weights) -> (u64, u32) {
    let area = weights.values().map(|(area, _)| area).sum();
    (area, weights.len() as u32)
}

/// Who votes for a unit.
fn head(unit: &Unit, holdings: &[Holding]) -> B256 {
    if unit.entry.developerOwned || !unit.entry.delivered {
        return keccak256("tulou/head/developer/v1");
    }
    let mut owners: Vec<B256> = holdings.iter().map(|holding| holding.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    if owners.is_empty() { B256::ZERO } else { keccak256(owners.concat()) }
}

/// Sole is one with all of it, joint several with all of it each, by share several with one in all.
fn shares_fit(holdings: &[Holding]) -> bool {
    let whole = holdings.iter().all(|part| part.shareNum == part.shareDen && part.shareDen != 0);
    match holdings[0].kind {
        HoldingKind::Sole => holdings.len() == 1 && whole,
        HoldingKind::Joint => holdings.len() > 1 && whole,
        _ => {
            let dens = holdings.iter().map(|part| u128::from(part.shareDen));
            let product: u128 = dens.product();
            let of = |part: &Holding| {
                product.checked_div(part.shareDen.into()).unwrap_or(0) * u128::from(part.shareNum)
            };
            let sum: u128 = holdings.iter().map(of).sum();
            holdings.len() > 1 && product != 0 && sum == product
        }
    }
}
