//! What the registry shows.

use super::*;

/// The whole estate.
pub(super) const ESTATE: Scope = Scope { kind: ScopeKind::Estate, building: 0, stair: 0 };

pub(super) fn totals(cx: &mut Cx<'_>) -> Res<totalsReturn> {
    let sums = st().sums.get(cx)?;
    let (area, heads, _) = roll::current(cx, ESTATE)?;
    Ok(totalsReturn { units: sums.units, areaM2: area.0, heads, places: sums.places })
}

pub(super) fn buildings(cx: &mut Cx<'_>) -> Res<Vec<Building>> {
    let mut items = Vec::new();
    for index in 0..st().buildings.len(cx)? {
        let building = st().buildings.of(index).get(cx)?;
        let scope = Scope { kind: ScopeKind::Building, building, stair: 0 };
        let (area, heads, units) = roll::current(cx, scope)?;
        let list = st().stairs.of(building);
        let mut stairs = Vec::new();
        for index in 0..list.len(cx)? {
            stairs.push(list.of(index).get(cx)?);
        }
        items.push(Building { building, areaM2: area.0, heads, units, stairs });
    }
    Ok(items)
}

pub(super) fn units(cx: &mut Cx<'_>, building: u32, cursor: u64, limit: u64) -> Res<unitsReturn> {
    let len = st().units.len(cx)?;
    let (most, mut items) = (limit.clamp(1, PAGE_ITEMS_MAX), Vec::new());
    let mut next = cursor;
    // With a filter the cursor walks over what does not match, but never further than a few pages.
    let stop = len.min(cursor.saturating_add(most.saturating_mul(8)));
    while next < stop && (items.len() as u64) < most {
        let head = st().units.of(next).head.get(cx)?;
        next = exact(next.checked_add(1))?;
        if building == 0 || head.building == building {
            items.push(unit(cx, next)?);
        }
    }
    Ok(unitsReturn { items, next: if next < len { next } else { 0 } })
}

pub(super) fn unit(cx: &mut Cx<'_>, id: u64) -> Res<Unit> {
    let row = existing(cx, id)?;
    let facts = row.head.get(cx)?;
    let entry = UnitEntry {
        code: row.code.get(cx)?,
        building: facts.building,
        stair: facts.stair,
        floor: facts.floor,
        r#use: Use::try_from(facts.use_number).unwrap_or(Use::None),
        areaM2: facts.area.0,
        areaSource: AreaSource::try_from(facts.source).unwrap_or(AreaSource::None),
        countsArea: facts.counts_area,
        countsHead: facts.counts_head,
        delivered: facts.delivered,
        developerOwned: facts.developer,
    };
    Ok(Unit { id, entry, head: row.votes.get(cx)? })
}

pub(super) fn unit_by_code(cx: &mut Cx<'_>, code: &str) -> Res<Unit> {
    let id = st().by_code.of(keccak256(code)).get(cx)?;
    unit(cx, id)
}

pub(super) fn holdings_of(cx: &mut Cx<'_>, unit: u64) -> Res<Vec<Holding>> {
    let row = existing(cx, unit)?;
    let mut items = Vec::new();
    for index in 0..row.holdings.len(cx)? {
        let place = row.holdings.of(index);
        let head = place.head.get(cx)?;
        items.push(Holding {
            unit,
            owner: place.owner.get(cx)?,
            shareNum: head.num,
            shareDen: head.den,
            kind: HoldingKind::try_from(head.kind).unwrap_or(HoldingKind::None),
            since: head.since,
        });
    }
    Ok(items)
}

pub(super) fn heads_of(cx: &mut Cx<'_>, account: Address) -> Res<Vec<HeadWeight>> {
    let mut items = Vec::new();
    for head in heads_of_owner(cx, account, NOW)? {
        let weight = roll::current_weight(cx, head)?;
        if weight.units != 0 {
            items.push(HeadWeight { head, areaM2: weight.area.0, units: weight.units });
        }
    }
    Ok(items)
}

pub(super) fn mine(cx: &mut Cx<'_>, account: Address) -> Res<Vec<Unit>> {
    let owner = st().accounts.of(account).get(cx)?;
    let mut items = Vec::new();
    if owner == B256::ZERO {
        return Ok(items);
    }
    let list = st().owners.of(owner).units;
    for index in 0..list.len(cx)? {
        let id = list.of(index).get(cx)?;
        if holdings_of(cx, id)?.iter().any(|holding| holding.owner == owner) {
            items.push(unit(cx, id)?);
        }
    }
    Ok(items)
}

pub(super) fn rolls(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<rollsReturn> {
    let len = st().rolls.rows.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        items.push(roll(cx, exact(index.checked_add(1))?)?);
    }
    Ok(rollsReturn { items, next })
}

pub(super) fn roll(cx: &mut Cx<'_>, id: u64) -> Res<IRegistry::Roll> {
    let (row, head) = roll::row(cx, id)?;
    let sums = roll::sums(cx, id, &head)?;
    let posting = row.posting.get(cx)?;
    Ok(IRegistry::Roll {
        id,
        kind: head.kind as u8,
        building: head.building,
        stair: head.stair,
        areaM2: sums.area.0,
        heads: sums.heads,
        units: sums.units,
        takenAt: head.taken_at,
        postedUntil: posting.until,
        objections: posting.objections,
        openObjections: posting.open,
    })
}

pub(super) fn weight_of(cx: &mut Cx<'_>, roll: u64, head: B256) -> Res<HeadWeight> {
    let weight = roll::weight(cx, roll, head)?;
    Ok(match weight {
        Some(weight) => HeadWeight { head, areaM2: weight.area.0, units: weight.units },
        None => HeadWeight { head: B256::ZERO, areaM2: 0, units: 0 },
    })
}

pub(super) fn objections(
    cx: &mut Cx<'_>,
    roll: u64,
    cursor: u64,
    limit: u64,
) -> Res<objectionsReturn> {
    let len = st().objections.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        let row = st().objections.of(index);
        let head = row.head.get(cx)?;
        if roll != 0 && head.roll != roll {
            continue;
        }
        items.push(Objection {
            id: exact(index.checked_add(1))?,
            roll: head.roll,
            unit: head.unit,
            objector: row.objector.get(cx)?,
            reasonHash: row.reason.get(cx)?,
            raisedAt: head.raised_at,
            state: ObjectionState::try_from(head.state).unwrap_or(ObjectionState::None),
            answerHash: row.answer.get(cx)?,
        });
    }
    Ok(objectionsReturn { items, next })
}
