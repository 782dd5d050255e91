use std::{collections::BTreeSet, os::unix::fs::PermissionsExt};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const UNITS: &str = include_str!("../../../../demo/guihua/units.csv");
const OWNERS: &str = include_str!("../../../../demo/guihua/owners.csv");
const HOLDINGS: &str = include_str!("../../../../demo/guihua/holdings.csv");
const EXPECTED: &str = include_str!("../../../../demo/guihua/expected.json");
const SEED: Salts = Salts::Seeded([7; 32]);
const KEY: [u8; 32] = [9; 32];

fn guihua() -> Register {
    parse(&Files { units: UNITS, owners: OWNERS, holdings: HOLDINGS }, SEED).unwrap()
}

/// Three units: a home of two by share, a home not handed over, a parking place.
const SMALL_UNITS: &str = "\
unit_id,building,stair,floor,door,use,area_m2,area_source,counts_area,counts_head,delivered,developer_owned
1-1-101,1,1,1,101,home,88.12,registered,true,true,true,false
1-1-102,1,1,1,102,home,110.5,contract,true,true,false,false
P-001,P,,-1,001,parking,12.72,surveyed,false,false,true,false
";
const SMALL_OWNERS: &str = "\
owner_id,kind,name,phone,note
O1,developer,Estate Ltd,15400000001,
O2,person,Pan,15400000002,\"one, two\"
O3,person,Sun,,
";
const SMALL_HOLDINGS: &str = "\
unit_id,owner_id,share_num,share_den,kind,from_date
1-1-101,O2,1,3,by_share,2022-06-11
1-1-101,O3,2,3,by_share,2022-06-11
P-001,O1,1,1,sole,2024-02-29
";

fn small(units: &str, owners: &str, holdings: &str) -> Result<Register, RegisterError> {
    parse(&Files { units, owners, holdings }, SEED)
}

/// Replaces one piece of one file, and says where the error is seen and why.
fn broken(file: &str, from: &str, to: &str) -> (&'static str, u64, String, String) {
    let change = |name: &str, text: &str| {
        let changed = if name == file { text.replacen(from, to, 1) } else { text.to_owned() };
        assert!(name != file || changed != text, "{from:?} is not in {file}");
        changed
    };
    let units = change("units.csv", SMALL_UNITS);
    let owners = change("owners.csv", SMALL_OWNERS);
    let holdings = change("holdings.csv", SMALL_HOLDINGS);
    let error = small(&units, &owners, &holdings).unwrap_err();
    (error.file, error.line, error.column, error.reason)
}

#[test]
fn guihua_comes_to_what_is_written_about_it() {
    let register = guihua();
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let rows = [register.units.len(), register.owners.len(), register.holdings.len()];
    assert_eq!(rows, [266, 140, 287]);
    let totals = register.totals();
    assert_eq!((totals.units, totals.places, totals.heads), (126, 140, 116));
    assert_eq!(totals.area.to_string(), expected["area_m2"]);
    for (use_kind, area) in [(Use::Home, "12406.80"), (Use::Shop, "618.00")] {
        let units = register.units.iter().filter(|unit| unit.use_kind == use_kind);
        assert_eq!(Area(units.map(|unit| unit.area.0).sum()).to_string(), area);
    }
    let keys: BTreeSet<_> = register.heads().into_keys().collect();
    let listed = expected["head_keys"].as_array().unwrap();
    let listed: BTreeSet<_> = listed.iter().map(|key| key.as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, listed);
}

#[test]
fn guihuas_buildings_and_heads_weigh_what_is_written() {
    let register = guihua();
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    for (building, sums) in expected["buildings"].as_object().unwrap() {
        let number: u32 = building.parse().unwrap();
        let counted = |unit: &&UnitRow| unit.counts_head && unit.building == number;
        let area = register.units.iter().filter(counted).map(|unit| unit.area.0).sum();
        assert_eq!(Area(area).to_string(), sums["area_m2"], "building {building}");
        let of_building =
            |units: &&Vec<usize>| units.iter().any(|&i| register.units[i].building == number);
        let heads = register.heads().values().filter(of_building).count();
        assert_eq!(heads as u64, sums["heads"], "building {building}");
    }
    let heads = register.heads();
    for (key, expected) in expected["head_units"].as_object().unwrap() {
        let units = &heads[key];
        let codes: BTreeSet<_> = units.iter().map(|&i| register.units[i].code.as_str()).collect();
        let listed: BTreeSet<_> = expected["units"]
            .as_array()
            .unwrap()
            .iter()
            .map(|code| code.as_str().unwrap())
            .collect();
        assert_eq!(codes, listed, "{key}");
        let area = units.iter().map(|&i| register.units[i].area.0).sum();
        assert_eq!(Area(area).to_string(), expected["area_m2"], "{key}");
        // The ledger's heads divide the units in the same way.
        let hashes: BTreeSet<_> = units.iter().map(|&i| register.head(i)).collect();
        assert_eq!(hashes.len(), 1, "{key}");
    }
}

#[test]
fn calls_carry_the_register_in_batches_and_nobody_s_name() {
    let register = guihua();
    let first = 5;
    let calls = register.calls(first);
    let (mut units, mut owners, mut holdings) = (Vec::new(), Vec::new(), Vec::new());
    for call in &calls {
        if let Ok(call) = IRegistry::addUnitsCall::abi_decode(call) {
            assert!(call.entries.len() <= 50 && owners.is_empty());
            units.extend(call.entries);
        } else if let Ok(call) = IRegistry::addOwnersCall::abi_decode(call) {
            assert!(call.owners.len() <= 200 && holdings.is_empty());
            owners.extend(call.owners);
        } else if let Ok(call) = IRegistry::nameDeveloperCall::abi_decode(call) {
            assert_eq!(Some(call.owner), register.commitment("O0001"));
        } else {
            let call = IRegistry::addHoldingsCall::abi_decode(call).unwrap();
            assert!(call.holdings.len() <= 40);
            let last = holdings.last().map_or(0, |earlier: &IRegistry::Holding| earlier.unit);
            assert_ne!(last, call.holdings[0].unit, "a unit's holdings stand in two calls");
            holdings.extend(call.holdings);
        }
    }
    assert_eq!((units.len(), owners.len(), holdings.len()), (266, 140, 287));
    assert!(holdings.is_sorted_by_key(|holding| holding.unit));
    let code = &register.units[7].code;
    assert_eq!((units[7].code.as_str(), register.unit_index(code)), (code.as_str(), Some(7)));
    assert_eq!(holdings[0].unit, first + register.holdings[0].unit as u64);
    let all = calls.concat();
    for owner in &register.owners {
        assert!(owners.contains(&register.commitment(&owner.id).unwrap()));
        for text in [&owner.name, &owner.phone] {
            assert!(!contains(&all, text), "{} is in calldata", owner.id);
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn commitments_follow_the_seed_and_are_else_never_twice_the_same() {
    let register = guihua();
    assert_eq!(register.commitment("O0001"), guihua().commitment("O0001"));
    assert_eq!(register.commitment("O9999"), None);
    let files = Files { units: UNITS, owners: OWNERS, holdings: HOLDINGS };
    let random = || parse(&files, Salts::Random).unwrap().commitment("O0001");
    assert_ne!(random(), random());
    // Moving a character from one text to the next makes another owner.
    let of = |name, phone| commitment(B256::ZERO, "O1", OwnerKind::Person, name, phone);
    assert_ne!(of("ab", "c"), of("a", "bc"));
    assert!(!format!("{:?}", register.owners).contains(&register.owners[1].name));
}

#[test]
fn a_small_register_is_read_as_it_is_written() {
    let register = small(SMALL_UNITS, SMALL_OWNERS, SMALL_HOLDINGS).unwrap();
    let place = &register.units[2];
    assert_eq!((place.building, place.stair, place.floor, place.area), (0, 0, -1, Area(1_272)));
    assert_eq!(place.entry().floor, 0);
    assert_eq!(register.units[1].area, Area(11_050));
    assert_eq!(register.owners[1].note, "one, two");
    // 2024-02-29 00:00 in Beijing.
    assert_eq!(register.holdings[2].since, 1_709_136_000);
    let keys: Vec<_> = register.heads().into_keys().collect();
    assert_eq!(keys, ["O2+O3", "developer"]);
    let with_mark = format!("\u{feff}{}", SMALL_UNITS.replace('\n', "\r\n"));
    assert_eq!(small(&with_mark, SMALL_OWNERS, SMALL_HOLDINGS).unwrap().units, register.units);
}

const HEADER: &str = "unit_id,building,stair";
// file, piece, what stands instead -> line, column, part of the reason
#[rustfmt::skip]
const MISTAKES: &[(&str, &str, &str, u64, &str, &str)] = &[
    ("units.csv", HEADER, "unit_id,stair,stair", 1, "3", "twice"),
    ("units.csv", HEADER, "unit_id,house,stair", 1, "2", "unknown column"),
    ("units.csv", ",developer_owned\n", "\n", 1, "developer_owned", "missing"),
    ("owners.csv", "id,kind", "id,KIND", 1, "2", "unknown column"),
    ("units.csv", "1-1-102,1", "1-1-102", 3, "12", "expected 12 values, not 11"),
    ("units.csv", "1-1-102,1", "1-1-101,1", 3, "unit_id", "twice"),
    ("units.csv", "1-1-102", "", 3, "unit_id", "empty"),
    ("units.csv", "1-1-102", "1-1-10200000000000000000000000000", 3, "unit_id", "31 bytes"),
    ("units.csv", "1-1-102,1", "1-1-102,X", 3, "building", "number"),
    ("units.csv", "1-1-102,1,1", "1-1-102,1,4294967296", 3, "stair", "number"),
    ("units.csv", "P-001,P,", "P-001,P,2", 4, "stair", "without a building"),
    ("units.csv", ",-1,", ",deep,", 4, "floor", "number"),
    ("units.csv", "home,88.12", "Home,88.12", 2, "use", "home, shop, parking"),
    ("units.csv", "88.12", "88.125", 2, "area_m2", "two decimals"),
    ("units.csv", "88.12", "-88.12", 2, "area_m2", "two decimals"),
    ("units.csv", "88.12", "0", 2, "area_m2", "has none"),
    ("units.csv", "registered", "guessed", 2, "area_source", "registered, surveyed, contract"),
    (
        "units.csv",
        "registered,true,true",
        "registered,yes,true",
        2,
        "counts_area",
        "true, false",
    ),
    (
        "units.csv",
        "registered,true,true",
        "registered,false,true",
        2,
        "counts_head",
        "not by area",
    ),
    (
        "units.csv",
        "registered,true,true",
        "registered,true,false",
        2,
        "counts_head",
        "not by head",
    ),
    ("units.csv", "true,false,false\n", "true,TRUE,false\n", 3, "delivered", "true, false"),
    ("units.csv", "true,true,false\n", "true,true,no\n", 2, "developer_owned", "true, false"),
    ("owners.csv", "O3,person", "O3,human", 4, "kind", "person, company, developer"),
    ("owners.csv", "O3,person", "O3,developer", 4, "kind", "second developer"),
    ("owners.csv", "O3", "O2", 4, "owner_id", "twice"),
    ("owners.csv", "Sun", "", 4, "name", "empty"),
    ("holdings.csv", "P-001", "P-002", 4, "unit_id", "no unit"),
    ("holdings.csv", "O1", "O9", 4, "owner_id", "no owner"),
    ("holdings.csv", "O3", "O2", 3, "owner_id", "twice for unit"),
    ("holdings.csv", "2,3", "-2,3", 3, "share_num", "whole number"),
    ("holdings.csv", "2,3", "2,4294967296", 3, "share_den", "whole number"),
    ("holdings.csv", "by_share", "half", 2, "kind", "sole, joint, by_share"),
    ("holdings.csv", "2024-02-29", "2023-02-29", 4, "from_date", "yyyy-mm-dd"),
    ("holdings.csv", "2024-02-29", "2024-2-9", 4, "from_date", "yyyy-mm-dd"),
    ("holdings.csv", "2,3", "1,3", 2, "share_num", "do not fit"),
    ("holdings.csv", "2,3", "2,0", 2, "share_num", "do not fit"),
    ("holdings.csv", "2,3,by_share", "2,3,joint", 2, "share_num", "do not fit"),
    ("holdings.csv", "1,1,sole", "1,1,joint", 4, "share_num", "do not fit"),
    ("units.csv", "true,true,false\n", "true,true,true\n", 2, "owner_id", "only the developer"),
];

#[test]
fn every_mistake_says_where_it_is() {
    for &(file, from, to, line, column, part) in MISTAKES {
        let (seen, at, seen_column, reason) = broken(file, from, to);
        assert!(reason.contains(part), "{from} -> {to}: {reason}");
        assert_eq!((at, seen_column.as_str()), (line, column), "{from} -> {to}: {reason}");
        // The last case: two files contradict each other, and the holding is to blame.
        let blamed = if part == "only the developer" { "holdings.csv" } else { file };
        assert_eq!(seen, blamed);
    }
    let (units, owners) = (SMALL_UNITS, SMALL_OWNERS);
    let nobody = small(units, owners, SMALL_HOLDINGS.lines().next().unwrap()).unwrap_err();
    assert_eq!(
        nobody.to_string(),
        "units.csv, line 2, column unit_id: counts in decisions but nobody owns it"
    );
    let no_header = small("", owners, SMALL_HOLDINGS).unwrap_err();
    assert_eq!(no_header.to_string(), "units.csv, line 1, column 1: the header is missing");
}

#[test]
fn what_a_folder_lacks_is_named() {
    let error = read_folder(Path::new("/nowhere")).unwrap_err();
    assert_eq!((error.file, error.line), ("units.csv", 0));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/guihua");
    assert_eq!(read_folder(Path::new(folder)).unwrap().totals(), guihua().totals());
}

#[test]
fn sealed_people_open_with_their_key_and_in_no_other_way() {
    let register = guihua();
    let sealed = register.seal_people(&KEY).unwrap();
    let people = open_people(&sealed, &KEY).unwrap();
    assert_eq!(people.len(), register.owners.len());
    for (person, owner) in people.iter().zip(&register.owners) {
        assert_eq!((&person.name, &person.phone), (&owner.name, &owner.phone));
        assert_eq!(person.commitment(), owner.commitment);
        for text in [&owner.name, &owner.phone] {
            assert!(!contains(&sealed, text));
        }
    }
    assert_ne!(sealed, register.seal_people(&KEY).unwrap(), "the nonce is new each time");
    assert_eq!(open_people(&sealed, &[8; 32]), Err(PeopleError::NotOpened));
    for at in [1, 12, 13, sealed.len() / 2, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(open_people(&changed, &KEY), Err(PeopleError::NotOpened), "byte {at}");
    }
    assert_eq!(open_people(&sealed[..sealed.len() - 1], &KEY), Err(PeopleError::NotOpened));
    let other = [[2].as_slice(), &sealed[1..]].concat();
    assert_eq!(open_people(&other, &KEY), Err(PeopleError::UnknownVersion(2)));
    for short in [0, 1, 12] {
        assert_eq!(open_people(&sealed[..short], &KEY), Err(PeopleError::TooShort));
    }
}

#[test]
fn people_are_written_next_to_a_key_that_only_the_owner_reads() {
    let dir = std::env::temp_dir().join(format!("tulou-people-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let (path, key_path) = (dir.join("people"), dir.join("people.key"));
    let register = small(SMALL_UNITS, SMALL_OWNERS, SMALL_HOLDINGS).unwrap();
    write_people(&register, &path).unwrap();
    let key: B256 = fs::read_to_string(&key_path).unwrap().trim().parse().unwrap();
    for written in [&path, &key_path] {
        let mode = fs::metadata(written).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", written.display());
    }
    // Written again, the key stays and so does the earlier file.
    let earlier = fs::read(&path).unwrap();
    write_people(&register, &path).unwrap();
    assert_eq!(fs::read(dir.join("people.1")).unwrap(), earlier);
    assert_ne!(fs::read(&path).unwrap(), earlier);
    assert_eq!(open_people(&fs::read(&path).unwrap(), &key).unwrap()[0].name, "Estate Ltd");
    fs::write(&key_path, "not a key").unwrap();
    let error = write_people(&register, &path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn days_begin_in_beijing() {
    let cases = [
        ("1970-01-02", Some(57_600)),
        ("1970-01-01", Some(0)),
        ("1969-12-31", Some(0)),
        ("2000-02-29", Some(951_753_600)),
        ("2026-03-01", Some(1_772_294_400)),
        ("1900-02-29", None),
        ("2026-04-31", None),
        ("2026-13-01", None),
        ("2026-00-01", None),
        ("2026-01-00", None),
        ("0000-01-01", None),
        ("2026-01-01-01", None),
        ("+026-01-01", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(date::beginning_of(text), expected, "{text}");
    }
}

proptest! {
    /// Whatever the files hold, reading ends with a register or an error.
    #[test]
    fn reading_never_panics(units in any::<String>(), owners in ".*", at in 0usize..200, bytes in any::<Vec<u8>>()) {
        let _ = small(&units, &owners, SMALL_HOLDINGS);
        let noise = String::from_utf8_lossy(&bytes);
        for (index, text) in [SMALL_UNITS, SMALL_OWNERS, SMALL_HOLDINGS].into_iter().enumerate() {
            let mut files = [SMALL_UNITS, SMALL_OWNERS, SMALL_HOLDINGS].map(str::to_owned);
            let at = at.min(text.len());
            files[index] = [&text[..at], &noise, &text[at..]].concat();
            if let Ok(register) = small(&files[0], &files[1], &files[2]) {
                let _ = (register.totals(), register.calls(u64::MAX));
            }
        }
        let _ = open_people(&bytes, &KEY);
    }
}
