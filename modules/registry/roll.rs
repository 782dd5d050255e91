//! Weights that remember: each head's weight in each scope is a list of checkpoints, so that a
//! snapshot costs the same for ten units and for a hundred thousand.

use core::ops::Range;

use super::*;

stored_enum! {
    /// Who decides.
    pub enum ScopeKind {
        None = 0,
        /// All of it.
        Estate = 1,
        /// One building.
        Building = 2,
        /// One stair of a building.
        Stair = 3,
    }
}

/// A part of the estate that decides for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Which kind of part.
    pub kind: ScopeKind,
    /// Number of the building; 0 for the estate.
    pub building: u32,
    /// Number of the stair; 0 for estate and building.
    pub stair: u32,
}

impl Scope {
    fn key(self) -> U256 {
        U256::from(self.kind as u8) << 64 | U256::from(self.building) << 32 | U256::from(self.stair)
    }
}

/// A frozen electorate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// Its number.
    pub id: u64,
    /// Area of the units that count.
    pub area: Area,
    /// Heads that count.
    pub heads: u32,
    /// Units that count by head.
    pub units: u32,
}

/// What a head brings to a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Area of its units in the scope.
    pub area: Area,
    /// Number of its units in the scope.
    pub units: u32,
}

packed! {
    /// A value from one version of the register on.
    pub(super) struct Checkpoint { version: u64, area: Area, units: u32, heads: u32 }
}
packed! {
    pub(super) struct RollHead { version: u64, kind: ScopeKind, building: u32, stair: u32, taken_at: u64 }
}
packed! {
    pub(super) struct Posting { until: u64, objections: u32, open: u32 }
}
record! {
    pub(super) struct RollRow { head: Slot<RollHead>, posting: Slot<Posting> }
}
record! {
    pub(super) struct Rolls {
        // Changes are written under this version; a snapshot raises it.
        version: Slot<u64>,
        rows: List<RollRow>,
        totals: Map<U256, List<Slot<Checkpoint>>>,
        weights: Map<U256, Map<B256, List<Slot<Checkpoint>>>>,
        unit_areas: Map<u64, List<Slot<Checkpoint>>>,
        members: Map<U256, List<Slot<u64>>>,
        // Unsold units an owner holds, and one where it is named: who speaks for the developer's head.
        voices: Map<B256, List<Slot<Checkpoint>>>,
    }
}

/// The scopes that hold a place of the estate, widest first.
fn scopes_of(building: u32, stair: u32) -> impl Iterator<Item = Scope> {
    let estate = Scope { kind: ScopeKind::Estate, building: 0, stair: 0 };
    let in_building = Scope { kind: ScopeKind::Building, building, stair: 0 };
    let in_stair = Scope { kind: ScopeKind::Stair, building, stair };
    [(true, estate), (building != 0, in_building), (building != 0 && stair != 0, in_stair)]
        .into_iter()
        .filter_map(|(holds, scope)| holds.then_some(scope))
}

/// Counts a unit for a head, or no longer.
pub(super) fn count(
    cx: &mut Cx<'_>,
    place: (u32, u32),
    head: B256,
    area: Area,
    adds: bool,
) -> Res<()> {
    for scope in scopes_of(place.0, place.1) {
        let rolls = st().rolls;
        let history = rolls.weights.of(scope.key()).of(head);
        let old = latest(cx, &history)?;
        let new = shifted(old, area, 1, adds)?;
        write(cx, &history, new)?;
        let history = rolls.totals.of(scope.key());
        let mut sum = shifted(latest(cx, &history)?, area, 1, adds)?;
        sum.heads = match (old.units == 0, new.units == 0) {
            (true, false) => exact(sum.heads.checked_add(1))?,
            (false, true) => exact(sum.heads.checked_sub(1))?,
            _ => sum.heads,
        };
        write(cx, &history, sum)?;
    }
    Ok(())
}

/// Enters a unit in the lists of its scopes, once.
pub(super) fn enlist(cx: &mut Cx<'_>, place: (u32, u32), unit: u64) -> Res<()> {
    for scope in scopes_of(place.0, place.1) {
        let (_, slot) = st().rolls.members.of(scope.key()).push(cx)?;
        slot.set(cx, unit)?;
    }
    Ok(())
}

/// Notes the area with which a unit counts from now on; zero where it does not.
pub(super) fn note_area(cx: &mut Cx<'_>, unit: u64, area: Area) -> Res<()> {
    let history = st().rolls.unit_areas.of(unit);
    write(cx, &history, Checkpoint { area, ..Checkpoint::default() })
}

/// Counts an unsold unit in an owner's hands, or no longer.
pub(super) fn count_voice(cx: &mut Cx<'_>, owner: B256, adds: bool) -> Res<()> {
    let history = st().rolls.voices.of(owner);
    let old = latest(cx, &history)?;
    let new = shifted(old, Area::ZERO, 1, adds)?;
    write(cx, &history, new)
}

/// Whether an owner held an unsold unit as of a version.
pub(super) fn had_voice(cx: &mut Cx<'_>, owner: B256, version: u64) -> Res<bool> {
    let history = st().rolls.voices.of(owner);
    Ok(as_of(cx, &history, version)?.units != 0)
}

fn shifted(old: Checkpoint, area: Area, units: u32, adds: bool) -> Res<Checkpoint> {
    let (area, units) = if adds {
        (old.area.checked_add(area), old.units.checked_add(units))
    } else {
        (old.area.checked_sub(area), old.units.checked_sub(units))
    };
    Ok(Checkpoint { area: exact(area)?, units: exact(units)?, ..old })
}

fn latest(cx: &mut Cx<'_>, history: &List<Slot<Checkpoint>>) -> Res<Checkpoint> {
    match history.len(cx)?.checked_sub(1) {
        Some(last) => history.of(last).get(cx),
        None => Ok(Checkpoint::default()),
    }
}

fn write(cx: &mut Cx<'_>, history: &List<Slot<Checkpoint>>, value: Checkpoint) -> Res<()> {
    let version = st().rolls.version.get(cx)?;
    let value = Checkpoint { version, ..value };
    if let Some(last) = history.len(cx)?.checked_sub(1)
        && history.of(last).get(cx)?.version == version
    {
        return history.of(last).set(cx, value);
    }
    history.push(cx)?.1.set(cx, value)
}

/// The value as of a version: the last checkpoint that is not younger.
fn as_of(cx: &mut Cx<'_>, history: &List<Slot<Checkpoint>>, version: u64) -> Res<Checkpoint> {
    let (mut from, mut to) = (0u64, history.len(cx)?);
    while from < to {
        let middle = from.midpoint(to);
        if history.of(middle).get(cx)?.version <= version {
            from = exact(middle.checked_add(1))?;
        } else {
            to = middle;
        }
    }
    match from.checked_sub(1) {
        Some(last) => history.of(last).get(cx),
        None => Ok(Checkpoint::default()),
    }
}

/// Freezes who votes in a scope. Later changes of the register never alter it.
///
/// # Errors
/// - `NoSuchScope`: no unit counts there.
pub fn snapshot(cx: &mut Cx<'_>, scope: Scope) -> Res<Roll> {
    cx.on(address::registry, |cx| take(cx, scope))
}

pub(super) fn take(cx: &mut Cx<'_>, scope: Scope) -> Res<Roll> {
    let rolls = st().rolls;
    let history = rolls.totals.of(scope.key());
    let sum = latest(cx, &history)?;
    let Scope { kind, building, stair } = scope;
    ensure!(sum.units != 0, NoSuchScope { kind: kind as u8, building, stair });
    let version = rolls.version.get(cx)?;
    rolls.version.next(cx)?;
    let (index, row) = rolls.rows.push(cx)?;
    row.head.set(cx, RollHead { version, kind, building, stair, taken_at: cx.now() })?;
    let id = exact(index.checked_add(1))?;
    cx.emit(RollTaken {
        roll: id,
        kind: kind as u8,
        building,
        stair,
        areaM2: sum.area.0,
        heads: sum.heads,
    })?;
    Ok(Roll { id, area: sum.area, heads: sum.heads, units: sum.units })
}

/// Place and head of a roll.
///
/// # Errors
/// - `NoSuchRoll`.
pub(super) fn row(cx: &mut Cx<'_>, id: u64) -> Res<(RollRow, RollHead)> {
    let row = st().rolls.rows.of(id.wrapping_sub(1));
    let exists = id != 0 && id <= st().rolls.rows.len(cx)?;
    ensure!(exists, NoSuchRoll { roll: id });
    let head = row.head.get(cx)?;
    Ok((row, head))
}

pub(super) fn scope(head: &RollHead) -> Scope {
    Scope { kind: head.kind, building: head.building, stair: head.stair }
}

/// Sums of a roll.
pub(super) fn sums(cx: &mut Cx<'_>, id: u64, head: &RollHead) -> Res<Roll> {
    let history = st().rolls.totals.of(scope(head).key());
    let sum = as_of(cx, &history, head.version)?;
    Ok(Roll { id, area: sum.area, heads: sum.heads, units: sum.units })
}

/// Sums of a scope as they are now: area, heads, units.
pub(super) fn current(cx: &mut Cx<'_>, scope: Scope) -> Res<(Area, u32, u32)> {
    let history = st().rolls.totals.of(scope.key());
    let sum = latest(cx, &history)?;
    Ok((sum.area, sum.heads, sum.units))
}

/// Weight of a head in the whole estate now.
pub(super) fn current_weight(cx: &mut Cx<'_>, head: B256) -> Res<Weight> {
    let estate = Scope { kind: ScopeKind::Estate, building: 0, stair: 0 };
    let history = st().rolls.weights.of(estate.key()).of(head);
    let value = latest(cx, &history)?;
    Ok(Weight { area: value.area, units: value.units })
}

/// What a head brings to a roll, `None` where it is not in that electorate.
///
/// # Errors
/// - `NoSuchRoll`.
pub fn weight_at(cx: &mut Cx<'_>, roll: u64, head: B256) -> Res<Option<Weight>> {
    cx.on(address::registry, |cx| weight(cx, roll, head))
}

pub(super) fn weight(cx: &mut Cx<'_>, roll: u64, head: B256) -> Res<Option<Weight>> {
    let (_, frozen) = row(cx, roll)?;
    let history = st().rolls.weights.of(scope(&frozen).key()).of(head);
    let value = as_of(cx, &history, frozen.version)?;
    Ok((value.units != 0).then_some(Weight { area: value.area, units: value.units }))
}

/// Heads of a roll for which an account votes: those of its owner that are in the electorate.
///
/// # Errors
/// - `NoSuchRoll`.
pub fn heads_of(cx: &mut Cx<'_>, roll: u64, account: Address) -> Res<Vec<B256>> {
    cx.on(address::registry, |cx| {
        let (_, frozen) = row(cx, roll)?;
        let mut heads = Vec::new();
        for head in heads_of_owner(cx, account, frozen.version)? {
            if weight(cx, roll, head)?.is_some() {
                heads.push(head);
            }
        }
        Ok(heads)
    })
}

/// Number of units ever listed in a scope.
pub fn listed_in(cx: &mut Cx<'_>, scope: Scope) -> Res<u64> {
    cx.on(address::registry, |cx| st().rolls.members.of(scope.key()).len(cx))
}

/// Of the units listed in a scope at these places, those that counted by area as of a roll, with the
/// area they had. A unit is listed when it is entered, so that they come in the order of their numbers.
///
/// # Errors
/// - `NoSuchRoll`.
pub fn units_between(
    cx: &mut Cx<'_>,
    roll: u64,
    scope: Scope,
    places: Range<u64>,
) -> Res<Vec<(u64, Area)>> {
    cx.on(address::registry, |cx| {
        let (_, frozen) = row(cx, roll)?;
        let members = st().rolls.members.of(scope.key());
        let mut units = Vec::new();
        for index in places {
            let unit = members.of(index).get(cx)?;
            let history = st().rolls.unit_areas.of(unit);
            let area = as_of(cx, &history, frozen.version)?.area;
            if area != Area::ZERO {
                units.push((unit, area));
            }
        }
        Ok(units)
    })
}

/// Units that counted by area in a scope as of a roll, by unit number, with the area they had.
///
/// # Errors
/// - `NoSuchRoll`.
pub fn units_in(cx: &mut Cx<'_>, roll: u64, scope: Scope) -> Res<Vec<(u64, Area)>> {
    let listed = listed_in(cx, scope)?;
    units_between(cx, roll, scope, 0..listed)
}
