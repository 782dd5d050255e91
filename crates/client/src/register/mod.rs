//! The estate's register as three files: read, checked as a whole, and turned into calls of the
//! registry. Names and telephone numbers stay here, sealed in a file of their own; what goes to the
//! ledger are salted commitments.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};

use aes_gcm::aead::{OsRng, rand_core::RngCore};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_sol_types::SolCall;
use tulou_modules::registry::{
    IRegistry::{self, AreaSource, HoldingKind, Use},
    rule,
};
use tulou_primitives::Area;

mod date;
mod people;
mod read;
mod table;
#[cfg(test)]
mod tests;

pub use people::{PeopleError, Person, open_people, write_people};

/// Units of one call. Half a transaction's gas: a unit costs about ten storage words.
const UNITS_BATCH: usize = 40;
/// Owners of one call.
const OWNERS_BATCH: usize = 200;
/// Holdings of one call, a unit's holdings together. A holding costs about fifteen storage words.
const HOLDINGS_BATCH: usize = 35;
/// Most holdings that the registry takes at once, and so the most of one unit.
const HOLDINGS_MOST: usize = 40;

/// The texts of the three files.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `units.csv`: unit_id, building, stair, floor, door, use (home, shop, parking), area_m2,
    /// area_source (registered, surveyed, contract), counts_area, counts_head, delivered,
    /// developer_owned.
    pub units: &'a str,
    /// `owners.csv`: owner_id, kind (person, company, developer), name, phone, and perhaps note.
    pub owners: &'a str,
    /// `holdings.csv`: unit_id, owner_id, share_num, share_den, kind (sole, joint, by_share), from_date.
    pub holdings: &'a str,
}

/// What is wrong with a file. Nothing of the register is used then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterError {
    /// Name of the file.
    pub file: &'static str,
    /// Line in the file, from 1; 0 where no line is to blame.
    pub line: u64,
    /// Name of the column, or its number from 1 where it has no known name; empty for the whole line.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

impl RegisterError {
    fn at(file: &'static str, line: u64, column: &str, reason: impl Into<String>) -> Self {
        Self { file, line, column: column.to_owned(), reason: reason.into() }
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        if self.line != 0 {
            write!(f, ", line {}", self.line)?;
        }
        if !self.column.is_empty() {
            write!(f, ", column {}", self.column)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for RegisterError {}

/// Where the salts of commitments come from.
#[derive(Clone, Copy)]
pub enum Salts {
    /// The operating system. The people file is then the only place that has them.
    Random,
    /// keccak256 of the seed and the owner's id: the same register gives the same commitments. Whoever
    /// knows the seed can guess names; for demonstrations.
    Seeded([u8; 32]),
}

impl Salts {
    fn of(self, owner_id: &str) -> Result<B256, String> {
        match self {
            Self::Random => {
                let mut salt = B256::ZERO;
                let filled = OsRng.try_fill_bytes(salt.as_mut_slice());
                filled.map_err(|error| format!("no random salt: {error}"))?;
                Ok(salt)
            }
            Self::Seeded(seed) => Ok(keccak256([&seed, owner_id.as_bytes()].concat())),
        }
    }
}

/// One line of `units.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRow {
    /// Public code, such as `1-2-301`.
    pub code: String,
    /// Number of the building; 0 for a parking place of none.
    pub building: u32,
    /// Number of the stair; 0 where there is none.
    pub stair: u32,
    /// Floor, negative below ground. The ledger has 0 for every floor below ground.
    pub floor: i16,
    /// What stands on the door.
    pub door: String,
    /// Home, shop or parking place.
    pub use_kind: Use,
    /// Its area.
    pub area: Area,
    /// Where the area comes from.
    pub area_source: AreaSource,
    /// Whether it counts by area in decisions.
    pub counts_area: bool,
    /// Whether it counts by head in decisions.
    pub counts_head: bool,
    /// Whether the keys were handed over.
    pub delivered: bool,
    /// Whether it is unsold.
    pub developer_owned: bool,
}

/// What an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerKind {
    /// A natural person.
    Person,
    /// A company or other body.
    Company,
    /// The developer of the estate.
    Developer,
}

impl OwnerKind {
    /// As it is written in `owners.csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Company => "company",
            Self::Developer => "developer",
        }
    }
}

/// One line of `owners.csv`. Personal data: it never goes to the ledger or to a log.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// The registrar's number for the owner.
    pub id: String,
    /// Person, company or developer.
    pub kind: OwnerKind,
    /// Name.
    pub name: String,
    /// Telephone number; may be empty.
    pub phone: String,
    /// The registrar's note; may be empty.
    pub note: String,
    /// Secret that keeps the commitment from being guessed.
    pub salt: B256,
    /// What the ledger knows the owner by.
    pub commitment: B256,
}

impl fmt::Debug for OwnerRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerRow")
            .field("id", &self.id)
            .field("commitment", &self.commitment)
            .finish_non_exhaustive()
    }
}

/// One line of `holdings.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldingRow {
    /// Index in [`Register::units`].
    pub unit: usize,
    /// Index in [`Register::owners`].
    pub owner: usize,
    /// Numerator of the share.
    pub share_num: u32,
    /// Denominator of the share.
    pub share_den: u32,
    /// How it is held.
    pub kind: HoldingKind,
    /// Since when, in seconds: the beginning of the day in Beijing time.
    pub since: u64,
}

/// What the whole register comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Units that count by head.
    pub units: u32,
    /// Area of the units that count by head.
    pub area: Area,
    /// Heads.
    pub heads: u32,
    /// Parking places.
    pub places: u32,
}

/// A register that was read whole and found sound.
#[derive(Clone, Debug)]
pub struct Register {
    /// Units in the order of the file, which is the order of their numbers.
    pub units: Vec<UnitRow>,
    /// Owners in the order of the file.
    pub owners: Vec<OwnerRow>,
    /// Holdings by unit, in the order of the file for each.
    pub holdings: Vec<HoldingRow>,
}

/// Reads `units.csv`, `owners.csv` and `holdings.csv` of a folder, with random salts.
///
/// # Errors
/// A file that cannot be read, or the first thing wrong in one.
pub fn read_folder(folder: &Path) -> Result<Register, RegisterError> {
    let text = |file: &'static str| {
        let read = fs::read_to_string(folder.join(file));
        read.map_err(|error| RegisterError::at(file, 0, "", error.to_string()))
    };
    let (units, owners, holdings) =
        (text(read::UNITS)?, text(read::OWNERS)?, text(read::HOLDINGS)?);
    let files = Files { units: &units, owners: &owners, holdings: &holdings };
    parse(&files, Salts::Random)
}

/// Reads a register from the texts of its files.
///
/// # Errors
/// The first thing wrong: first the form of units, owners and holdings, then what they are together.
pub fn parse(files: &Files<'_>, salts: Salts) -> Result<Register, RegisterError> {
    read::parse(files, salts)
}

/// What the ledger knows an owner by. Lengths stand before texts, so that no two owners can be
/// written the same way.
fn commitment(salt: B256, id: &str, kind: OwnerKind, name: &str, phone: &str) -> B256 {
    let mut bytes = b"tulou/owner/v1".to_vec();
    bytes.extend_from_slice(salt.as_slice());
    for text in [id, kind.as_str(), name, phone] {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    keccak256(bytes)
}

impl Register {
    /// Calldata for the registry, in the order in which it must be sent. `first_unit` is the number
    /// that the first unit gets: 1 on a ledger without units.
    pub fn calls(&self, first_unit: u64) -> Vec<Bytes> {
        let mut calls = Vec::new();
        for units in self.units.chunks(UNITS_BATCH) {
            let entries = units.iter().map(UnitRow::entry).collect();
            calls.push(IRegistry::addUnitsCall { entries }.abi_encode().into());
        }
        for owners in self.owners.chunks(OWNERS_BATCH) {
            let owners = owners.iter().map(|owner| owner.commitment).collect();
            calls.push(IRegistry::addOwnersCall { owners }.abi_encode().into());
        }
        if let Some(developer) = self.owners.iter().find(|o| o.kind == OwnerKind::Developer) {
            let owner = developer.commitment;
            calls.push(IRegistry::nameDeveloperCall { owner }.abi_encode().into());
        }
        let mut holdings = Vec::new();
        for unit in self.holdings.chunk_by(|a, b| a.unit == b.unit) {
            if !holdings.is_empty() && holdings.len().saturating_add(unit.len()) > HOLDINGS_BATCH {
                let holdings = std::mem::take(&mut holdings);
                calls.push(IRegistry::addHoldingsCall { holdings }.abi_encode().into());
            }
            holdings.extend(unit.iter().map(|holding| self.entry(first_unit, holding)));
        }
        if !holdings.is_empty() {
            calls.push(IRegistry::addHoldingsCall { holdings }.abi_encode().into());
        }
        calls
    }

    fn entry(&self, first_unit: u64, holding: &HoldingRow) -> IRegistry::Holding {
        let owner = self.owners.get(holding.owner);
        IRegistry::Holding {
            unit: first_unit.saturating_add(holding.unit as u64),
            owner: owner.map_or(B256::ZERO, |owner| owner.commitment),
            shareNum: holding.share_num,
            shareDen: holding.share_den,
            kind: holding.kind,
            since: holding.since,
        }
    }

    /// What the ledger must show once all calls are in.
    pub fn totals(&self) -> Totals {
        let counted = || self.units.iter().filter(|unit| unit.counts_head);
        let places = self.units.iter().filter(|unit| unit.use_kind == Use::Parking);
        let heads: BTreeSet<B256> = (0..self.units.len())
            .filter(|&index| self.units.get(index).is_some_and(|unit| unit.counts_head))
            .filter_map(|index| self.head(index))
            .collect();
        Totals {
            units: number(counted().count()),
            area: Area(counted().fold(0, |sum, unit| sum.saturating_add(unit.area.0))),
            heads: number(heads.len()),
            places: number(places.count()),
        }
    }

    /// Units that count, by the key of their head: `developer`, or the sorted ids of the owners joined
    /// by `+`. The values are indexes in [`Register::units`].
    pub fn heads(&self) -> BTreeMap<String, Vec<usize>> {
        let mut heads: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, unit) in self.units.iter().enumerate().filter(|(_, unit)| unit.counts_head) {
            let mut ids: Vec<_> = self.owners_of(index).map(|owner| owner.id.as_str()).collect();
            ids.sort_unstable();
            let key = match unit.developer_owned || !unit.delivered {
                true => "developer".to_owned(),
                false => ids.join("+"),
            };
            heads.entry(key).or_default().push(index);
        }
        heads
    }

    /// The head that votes for a unit, as the registry works it out; `None` without an owner.
    pub fn head(&self, unit: usize) -> Option<B256> {
        let row = self.units.get(unit)?;
        let owners: Vec<B256> = self.owners_of(unit).map(|owner| owner.commitment).collect();
        rule::head(row.developer_owned, row.delivered, &owners)
    }

    /// Owners of a unit.
    pub fn owners_of(&self, unit: usize) -> impl Iterator<Item = &OwnerRow> {
        let from = self.holdings.partition_point(|holding| holding.unit < unit);
        let rest = self.holdings.get(from..).unwrap_or_default();
        rest.iter()
            .take_while(move |holding| holding.unit == unit)
            .filter_map(|holding| self.owners.get(holding.owner))
    }

    /// The commitment to an owner, by the registrar's number.
    pub fn commitment(&self, owner_id: &str) -> Option<B256> {
        self.owners.iter().find(|owner| owner.id == owner_id).map(|owner| owner.commitment)
    }

    /// Index of a unit in [`Register::units`], by its code.
    pub fn unit_index(&self, code: &str) -> Option<usize> {
        self.units.iter().position(|unit| unit.code == code)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl UnitRow {
    fn entry(&self) -> IRegistry::UnitEntry {
        IRegistry::UnitEntry {
            code: self.code.clone(),
            building: self.building,
            stair: self.stair,
            floor: u16::try_from(self.floor).unwrap_or(0),
            r#use: self.use_kind,
            areaM2: self.area.0,
            areaSource: self.area_source,
            countsArea: self.counts_area,
            countsHead: self.counts_head,
            delivered: self.delivered,
            developerOwned: self.developer_owned,
        }
    }
}
