//! Buildings and stairs, the developer without unsold units, shares, and a model of the register against
//! random changes.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn place(code: &str, building: u32, stair: u32) -> UnitEntry {
    UnitEntry { building, stair, ..entry_of(code, 5_000) }
}

/// R1 as stair 1 of building 1, one unit more of A in stair 2, and a home of A and a shop of E in building 2.
fn two_buildings() -> Memory {
    let mut m = r1();
    let entries = vec![place("1-2-101", 1, 2), place("2-1-101", 2, 1), place("2-S-01", 2, 0)];
    write(&mut m, &addUnitsCall { entries }).unwrap();
    let holdings = vec![sole(9, A), sole(10, A), sole(11, E)];
    write(&mut m, &addHoldingsCall { holdings }).unwrap();
    m
}

fn scope(kind: ScopeKind, building: u32, stair: u32) -> Scope {
    Scope { kind, building, stair }
}

#[test]
fn buildings_and_stairs_have_their_own_heads_and_areas() {
    let mut m = two_buildings();
    use ScopeKind::{Building, Estate, Stair};
    // Scope: area, heads, units. A has a unit in three stairs and counts once wherever it stands.
    let cases = [
        (scope(Estate, 0, 0), (95_000, 6, 11)),
        (scope(Building, 1, 0), (85_000, 6, 9)),
        (scope(Stair, 1, 1), (80_000, 6, 8)),
        (scope(Stair, 1, 2), (5_000, 1, 1)),
        (scope(Building, 2, 0), (10_000, 2, 2)),
        (scope(Stair, 2, 1), (5_000, 1, 1)),
    ];
    for (scope, (area, heads, units)) in cases {
        let roll = taken(&mut m, scope);
        assert_eq!((roll.area.0, roll.heads, roll.units), (area, heads, units), "{scope:?}");
        let listed = m.run(AT, STRANGER, |cx| units_in(cx, roll.id, scope)).unwrap();
        assert_eq!(listed.len(), units as usize, "{scope:?}");
        assert_eq!(listed.iter().map(|(_, area)| area.0).sum::<u64>(), area, "{scope:?}");
    }
    let stair = taken(&mut m, scope(Stair, 1, 2)).id;
    assert_eq!(weight(&mut m, stair, &[A]), Some((5_000, 1)));
    assert_eq!(weight(&mut m, stair, &[B]), None);
    assert_eq!((voices(&mut m, stair, A), voices(&mut m, stair, B)), (1, 0));
    let houses = view(&mut m, &buildingsCall {});
    let sums: Vec<_> = houses.iter().map(|h| (h.building, h.areaM2, h.heads)).collect();
    assert_eq!(sums, [(1, 85_000, 6), (2, 10_000, 2)]);
    assert_eq!((&*houses[0].stairs, &*houses[1].stairs), ([1, 2].as_slice(), [1].as_slice()));
}

#[test]
fn the_developer_votes_for_what_is_sold_but_not_handed_over() {
    let mut m = r1();
    write(&mut m, &transferCall { unit: 6, holdings: vec![sole(6, B)], basis: BASIS }).unwrap();
    let nobody = taken(&mut m, SCOPE).id;
    assert_eq!(voices(&mut m, nobody, DEVELOPER), 0);
    let unknown = nameDeveloperCall { owner: commitment(99) };
    refused::<NotPermitted>(m.call(AT, entry, STRANGER, &unknown));
    assert_eq!(refused::<UnknownOwner>(write(&mut m, &unknown)).owner, commitment(99));
    write(&mut m, &nameDeveloperCall { owner: commitment(DEVELOPER) }).unwrap();
    let named = taken(&mut m, SCOPE).id;
    assert_eq!((voices(&mut m, nobody, DEVELOPER), voices(&mut m, named, DEVELOPER)), (0, 1));
    assert!(m.run(AT, STRANGER, |cx| is_owner(cx, account(DEVELOPER))).unwrap());
    // Another name, given twice: the first keeps the roll in which it was named, and no later one.
    for _ in 0..2 {
        write(&mut m, &nameDeveloperCall { owner: commitment(E) }).unwrap();
    }
    assert_eq!(view(&mut m, &developerCall {}), commitment(E));
    let renamed = taken(&mut m, SCOPE).id;
    assert_eq!((voices(&mut m, named, DEVELOPER), voices(&mut m, renamed, DEVELOPER)), (1, 0));
    assert_eq!((voices(&mut m, named, E), voices(&mut m, renamed, E)), (1, 2));
}

#[test]
fn shares_fit_or_do_not() {
    use rule::Holding::{ByShare, Joint, Sole};
    let most = u32::MAX;
    type Case<'a> = (rule::Holding, &'a [(u32, u32)], bool);
    let cases: [Case<'_>; 16] = [
        (Sole, &[(1, 1)], true),
        (Sole, &[(7, 7)], true),
        (Sole, &[(1, 2)], false),
        (Sole, &[(1, 1), (1, 1)], false),
        (Joint, &[(1, 1), (1, 1)], true),
        (Joint, &[(1, 1)], false),
        (Joint, &[(1, 2), (1, 2)], false),
        (ByShare, &[(1, 2), (1, 2)], true),
        (ByShare, &[(1, 3), (1, 3), (1, 3)], true),
        (ByShare, &[(1, 3), (2, 6), (3, 9)], true),
        (ByShare, &[(1, 3), (1, 3)], false),
        (ByShare, &[(1, 2), (1, 2), (1, most)], false),
        (ByShare, &[(1, most), (most - 1, most)], true),
        (ByShare, &[(1, most), (most - 2, most)], false),
        (ByShare, &[(0, 1), (1, 1)], false),
        (ByShare, &[(1, 0), (1, 1)], false),
    ];
    let part = |kind, num, den| rule::Part { kind, num, den };
    for (kind, shares, fits) in cases {
        let parts: Vec<_> = shares.iter().map(|&(num, den)| part(kind, num, den)).collect();
        assert_eq!(rule::shares_fit(&parts), fits, "{kind:?} {shares:?}");
    }
    // Denominators without a common factor soon need more than 128 bits: refused, not wrapped.
    let primes = [4_294_967_291, 4_294_967_279, 4_294_967_231, 4_294_967_197, 4_294_967_189];
    let parts = primes.map(|den| part(ByShare, den / 5, den));
    assert!(!rule::shares_fit(&parts) && !rule::shares_fit(&[]));
}

/// One change of the register.
#[derive(Clone, Debug)]
enum Change {
    Sale { unit: u64, owners: BTreeSet<u8> },
    Correction { unit: u64, area: u64, delivered: bool, unsold: bool },
    Addition { building: u32, stair: u32, area: u64, owners: BTreeSet<u8> },
    Snapshot(Scope),
}

fn change() -> impl Strategy<Value = Change> {
    let owners = || prop::collection::btree_set(1u8..=8, 1..4);
    let scope = prop_oneof![
        Just(scope(ScopeKind::Estate, 0, 0)),
        (1u32..=2).prop_map(|b| scope(ScopeKind::Building, b, 0)),
        (1u32..=2, 1u32..=2).prop_map(|(b, s)| scope(ScopeKind::Stair, b, s)),
    ];
    prop_oneof![
        (1u64..=11, owners()).prop_map(|(unit, owners)| Change::Sale { unit, owners }),
        (1u64..=11, 1u64..20_000, any::<bool>(), any::<bool>()).prop_map(
            |(unit, area, delivered, unsold)| Change::Correction { unit, area, delivered, unsold }
        ),
        (1u32..=2, 0u32..=2, 1u64..20_000, owners()).prop_map(|(building, stair, area, owners)| {
            Change::Addition { building, stair, area, owners }
        }),
        scope.prop_map(Change::Snapshot),
    ]
}

/// What the register should be, unit by unit, without histories.
#[derive(Clone, Debug)]
struct Row {
    place: (u32, u32),
    area: u64,
    owners: BTreeSet<u8>,
    delivered: bool,
    unsold: bool,
}

impl Row {
    fn head(&self) -> B256 {
        let owners: Vec<_> = self.owners.iter().copied().map(commitment).collect();
        rule::head(self.unsold, self.delivered, &owners).unwrap()
    }

    fn is_in(&self, scope: Scope) -> bool {
        (scope.building == 0 || scope.building == self.place.0)
            && (scope.stair == 0 || scope.stair == self.place.1)
    }
}

fn model_of(m: &mut Memory) -> Vec<Row> {
    let units = view(m, &unitsCall { ofBuilding: 0, cursor: 0, limit: 200 }).items;
    let mut row = |unit: &Unit| {
        let holdings = view(m, &holdingsOfCall { ofUnit: unit.id });
        let numbers = (1..=8).filter(|&n| holdings.iter().any(|h| h.owner == commitment(n)));
        Row {
            place: (unit.entry.building, unit.entry.stair),
            area: unit.entry.areaM2,
            owners: numbers.collect(),
            delivered: unit.entry.delivered,
            unsold: unit.entry.developerOwned,
        }
    };
    units.iter().map(&mut row).collect()
}

fn held(unit: u64, owners: &BTreeSet<u8>) -> Vec<Holding> {
    let numbers: Vec<_> = owners.iter().copied().collect();
    if let [only] = *numbers { vec![sole(unit, only)] } else { joint(unit, &numbers) }
}

/// Makes a change in the module and in the model.
fn apply(m: &mut Memory, model: &mut Vec<Row>, change: &Change) {
    match change {
        Change::Sale { unit, owners } => {
            let holdings = held(*unit, owners);
            write(m, &transferCall { unit: *unit, holdings, basis: BASIS }).unwrap();
            let row = &mut model[*unit as usize - 1];
            (row.owners, row.unsold) = (owners.clone(), false);
        }
        &Change::Correction { unit, area, delivered, unsold } => {
            let call = correctUnitCall {
                unit,
                areaM2: area,
                areaSource: AreaSource::Surveyed,
                delivered,
                developerOwned: unsold,
                basis: BASIS,
            };
            write(m, &call).unwrap();
            let row = &mut model[unit as usize - 1];
            (row.area, row.delivered, row.unsold) = (area, delivered, unsold);
        }
        Change::Addition { building, stair, area, owners } => {
            let code = format!("new-{}", model.len());
            let entry = UnitEntry { areaM2: *area, ..place(&code, *building, *stair) };
            let unit = write(m, &addUnitsCall { entries: vec![entry] }).unwrap();
            write(m, &addHoldingsCall { holdings: held(unit, owners) }).unwrap();
            model.push(Row {
                place: (*building, *stair),
                area: *area,
                owners: owners.clone(),
                delivered: true,
                unsold: false,
            });
        }
        Change::Snapshot(_) => {}
    }
}

fn agrees(m: &mut Memory, roll: Roll, scope: Scope, model: &[Row]) {
    let mut heads: BTreeMap<B256, (u64, u32)> = BTreeMap::new();
    for row in model.iter().filter(|row| row.is_in(scope)) {
        let (area, units) = heads.entry(row.head()).or_default();
        (*area, *units) = (*area + row.area, *units + 1);
    }
    let area = heads.values().map(|(area, _)| area).sum::<u64>();
    let units = heads.values().map(|(_, units)| units).sum::<u32>();
    assert_eq!((roll.area.0, roll.heads as usize, roll.units), (area, heads.len(), units));
    let shown = view(m, &rollCall { id: roll.id });
    assert_eq!((shown.areaM2, shown.heads, shown.units), (area, roll.heads, units));
    for (head, expected) in heads {
        let found = m.run(AT, STRANGER, |cx| weight_at(cx, roll.id, head)).unwrap().unwrap();
        assert_eq!((found.area.0, found.units), expected);
    }
    let listed = m.run(AT, STRANGER, |cx| units_in(cx, roll.id, scope)).unwrap();
    let expected: Vec<_> = (1..)
        .zip(model)
        .filter(|(_, row)| row.is_in(scope))
        .map(|(id, row)| (id, Area(row.area)))
        .collect();
    assert_eq!(listed, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// every roll is what the register was when it was taken, however it changed afterwards.
    #[test]
    fn every_roll_is_the_register_of_its_moment(changes in prop::collection::vec(change(), 1..32)) {
        let mut m = two_buildings();
        let mut model = model_of(&mut m);
        let mut rolls = Vec::new();
        for change in changes.iter().chain([&Change::Snapshot(SCOPE)]) {
            apply(&mut m, &mut model, change);
            if let Change::Snapshot(scope) = *change {
                let taken = m.run(address::decisions, STRANGER, |cx| snapshot(cx, scope));
                match taken {
                    Ok(roll) => rolls.push((roll, scope, model.clone())),
                    Err(_) => prop_assert!(!model.iter().any(|row| row.is_in(scope))),
                }
            }
        }
        for (roll, scope, model) in rolls {
            agrees(&mut m, roll, scope, &model);
        }
    }
}
