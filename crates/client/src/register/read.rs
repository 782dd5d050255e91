//! From the three files to a register, or to the first thing that is wrong.

use std::collections::HashMap;

use tulou_modules::registry::{
    IRegistry::{AreaSource, HoldingKind, Use},
    rule,
};
use tulou_primitives::Area;

use super::{
    Files, HoldingRow, OwnerKind, OwnerRow, Register, RegisterError, Salts, UnitRow, date,
    table::{Row, Table},
};

pub(super) const UNITS: &str = "units.csv";
pub(super) const OWNERS: &str = "owners.csv";
pub(super) const HOLDINGS: &str = "holdings.csv";

const UNIT_COLUMNS: &[&str] = &[
    "unit_id",
    "building",
    "stair",
    "floor",
    "door",
    "use",
    "area_m2",
    "area_source",
    "counts_area",
    "counts_head",
    "delivered",
    "developer_owned",
];
const OWNER_COLUMNS: &[&str] = &["owner_id", "kind", "name", "phone"];
const HOLDING_COLUMNS: &[&str] =
    &["unit_id", "owner_id", "share_num", "share_den", "kind", "from_date"];

/// Most bytes of a unit's code, as the registry stores it in one word.
const CODE_BYTES_MOST: usize = 31;

pub(super) fn parse(files: &Files<'_>, salts: Salts) -> Result<Register, RegisterError> {
    let units = Table::read(UNITS, files.units, UNIT_COLUMNS, &[])?;
    let owners = Table::read(OWNERS, files.owners, OWNER_COLUMNS, &["note"])?;
    let holdings = Table::read(HOLDINGS, files.holdings, HOLDING_COLUMNS, &[])?;
    let register = Register {
        units: read_units(&units)?,
        owners: read_owners(&owners, salts)?,
        holdings: Vec::new(),
    };
    let by_unit = read_holdings(&register, &holdings)?;
    for ((unit, row), parts) in register.units.iter().zip(&units.rows).zip(&by_unit) {
        check_unit(&register, unit, row, parts)?;
    }
    let holdings = by_unit.into_iter().flatten().map(|(holding, _)| holding).collect();
    Ok(Register { holdings, ..register })
}

fn read_units(table: &Table) -> Result<Vec<UnitRow>, RegisterError> {
    let mut units = Vec::new();
    let mut known = HashMap::new();
    for (index, row) in table.rows.iter().enumerate() {
        let unit = read_unit(row)?;
        if known.insert(unit.code.clone(), index).is_some() {
            return Err(row.cell("unit_id").fail(format!("unit {} stands twice", unit.code)));
        }
        units.push(unit);
    }
    Ok(units)
}

fn read_unit(row: &Row) -> Result<UnitRow, RegisterError> {
    let code = row.cell("unit_id").needed()?;
    if code.len() > CODE_BYTES_MOST {
        return Err(row.cell("unit_id").fail(format!("longer than {CODE_BYTES_MOST} bytes")));
    }
    let use_kind = row.cell("use").word(&[
        ("home", Use::Home),
        ("shop", Use::Shop),
        ("parking", Use::Parking),
    ])?;
    let building = match row.cell("building") {
        cell if use_kind == Use::Parking && !is_number(cell.text) => 0,
        cell => cell.parsed("a number")?,
    };
    let stair = match row.cell("stair") {
        cell if !is_number(cell.text) => 0,
        cell => cell.parsed("a number")?,
    };
    if building == 0 && stair != 0 {
        return Err(row.cell("stair").fail("a stair without a building"));
    }
    let area = row.cell("area_m2").parsed::<Area>("square metres with at most two decimals")?;
    let counts_area = row.cell("counts_area").flag()?;
    let counts_head = row.cell("counts_head").flag()?;
    if counts_head && !counts_area {
        return Err(row.cell("counts_head").fail("counts by head but not by area"));
    }
    if counts_area && !counts_head {
        let reason = "counts by area but not by head, so nobody could vote with it";
        return Err(row.cell("counts_head").fail(reason));
    }
    if counts_area && area == Area::ZERO {
        return Err(row.cell("area_m2").fail("counts by area but has none"));
    }
    Ok(UnitRow {
        code,
        building,
        stair,
        floor: row.cell("floor").parsed("a number from -32768 to 32767")?,
        door: row.cell("door").text.to_owned(),
        use_kind,
        area,
        area_source: row.cell("area_source").word(&[
            ("registered", AreaSource::Registered),
            ("surveyed", AreaSource::Surveyed),
            ("contract", AreaSource::Contract),
        ])?,
        counts_area,
        counts_head,
        delivered: row.cell("delivered").flag()?,
        developer_owned: row.cell("developer_owned").flag()?,
    })
}

/// Numbers of buildings and stairs; other marks, such as the `S` of a row of shops, are no stair.
fn is_number(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_digit() || b == b'-' || b == b'+')
}

fn read_owners(table: &Table, salts: Salts) -> Result<Vec<OwnerRow>, RegisterError> {
    let mut owners: Vec<OwnerRow> = Vec::new();
    let mut known = HashMap::new();
    for (index, row) in table.rows.iter().enumerate() {
        let id = row.cell("owner_id").needed()?;
        let kind = row.cell("kind").word(&[
            ("person", OwnerKind::Person),
            ("company", OwnerKind::Company),
            ("developer", OwnerKind::Developer),
        ])?;
        if known.insert(id.clone(), index).is_some() {
            return Err(row.cell("owner_id").fail(format!("owner {id} stands twice")));
        }
        let again = owners.iter().any(|owner| owner.kind == OwnerKind::Developer);
        if kind == OwnerKind::Developer && again {
            return Err(row.cell("kind").fail("a second developer"));
        }
        let salt = salts.of(&id).map_err(|reason| row.cell("owner_id").fail(reason))?;
        let name = row.cell("name").needed()?;
        let phone = row.cell("phone").text.to_owned();
        let note = row.cell("note").text.to_owned();
        let commitment = super::commitment(salt, &id, kind, &name, &phone);
        owners.push(OwnerRow { id, kind, name, phone, note, salt, commitment });
    }
    Ok(owners)
}

/// A holding with its line, for messages.
type Placed<'a> = (HoldingRow, &'a Row);

fn read_holdings<'a>(
    register: &Register,
    table: &'a Table,
) -> Result<Vec<Vec<Placed<'a>>>, RegisterError> {
    let units: HashMap<_, _> = indexed(register.units.iter().map(|unit| unit.code.as_str()));
    let owners: HashMap<_, _> = indexed(register.owners.iter().map(|owner| owner.id.as_str()));
    let mut by_unit: Vec<Vec<Placed<'a>>> = register.units.iter().map(|_| Vec::new()).collect();
    for row in &table.rows {
        let (unit, owner) = (row.cell("unit_id"), row.cell("owner_id"));
        let found = units.get(unit.text).and_then(|&index| Some((index, by_unit.get_mut(index)?)));
        let Some((unit_index, parts)) = found else {
            return Err(unit.fail(format!("no unit {:?} in {UNITS}", unit.text)));
        };
        let Some(&owner_index) = owners.get(owner.text) else {
            return Err(owner.fail(format!("no owner {:?} in {OWNERS}", owner.text)));
        };
        if parts.iter().any(|(earlier, _)| earlier.owner == owner_index) {
            return Err(
                owner.fail(format!("owner {} stands twice for unit {}", owner.text, unit.text))
            );
        }
        let since = row.cell("from_date");
        let holding = HoldingRow {
            unit: unit_index,
            owner: owner_index,
            share_num: row.cell("share_num").parsed("a whole number")?,
            share_den: row.cell("share_den").parsed("a whole number")?,
            kind: row.cell("kind").word(&[
                ("sole", HoldingKind::Sole),
                ("joint", HoldingKind::Joint),
                ("by_share", HoldingKind::ByShare),
            ])?,
            since: date::beginning_of(since.text).ok_or_else(|| {
                since.fail(format!("expected a date yyyy-mm-dd, not {:?}", since.text))
            })?,
        };
        parts.push((holding, row));
    }
    Ok(by_unit)
}

fn indexed<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    names.enumerate().map(|(index, name)| (name, index)).collect()
}

/// What a unit and its holdings must be together.
fn check_unit(
    register: &Register,
    unit: &UnitRow,
    row: &Row,
    parts: &[Placed<'_>],
) -> Result<(), RegisterError> {
    let Some((_, first)) = parts.first() else {
        let voted = unit.developer_owned || !unit.delivered;
        if unit.counts_head && !voted {
            return Err(row.cell("unit_id").fail("counts in decisions but nobody owns it"));
        }
        return Ok(());
    };
    if parts.len() > super::HOLDINGS_MOST {
        let reason = format!("more than {} owners of unit {}", super::HOLDINGS_MOST, unit.code);
        return Err(first.cell("unit_id").fail(reason));
    }
    let shares: Vec<_> = parts.iter().map(|(holding, _)| part(holding)).collect();
    if !rule::shares_fit(&shares) {
        let reason = format!(
            "the shares of unit {} do not fit: sole is one owner with 1/1, joint several with 1/1 \
             each, by_share several that add up to one",
            unit.code
        );
        return Err(first.cell("share_num").fail(reason));
    }
    for (holding, place) in parts {
        let owner = register.owners.get(holding.owner);
        if unit.developer_owned && owner.is_some_and(|owner| owner.kind != OwnerKind::Developer) {
            let reason = format!("unit {} is unsold, so only the developer can hold it", unit.code);
            return Err(place.cell("owner_id").fail(reason));
        }
    }
    Ok(())
}

fn part(holding: &HoldingRow) -> rule::Part {
    let kind = match holding.kind {
        HoldingKind::Joint => rule::Holding::Joint,
        HoldingKind::ByShare => rule::Holding::ByShare,
        _ => rule::Holding::Sole,
    };
    rule::Part { kind, num: holding.share_num, den: holding.share_den }
}
