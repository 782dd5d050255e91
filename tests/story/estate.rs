//! The register comes onto the ledger, and its owners elect whom they trust with the money.

use std::{collections::BTreeSet, fs, path::PathBuf};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_client::{Key, demo_key, register};
use tulou_modules::{
    address::{decisions as DECISIONS, registry as REGISTRY, roles as ROLES},
    decisions::IDecisions,
    registry::IRegistry,
    roles::IRoles::{self, Office},
};

use crate::world::{World, number};

pub(crate) const DAY: u64 = 86_400;
pub(crate) const FOR: u8 = 1;
/// Matter 3 of art. 278: to elect the committee.
const ELECTION: u8 = 3;
const DECLARED: u64 = 2;
/// Accounts bound in one call.
const BINDINGS: usize = 50;

/// Who acts for the estate. On an empty dev chain account 0 holds every office; what the law wants
/// in several hands is given to several hands before any money moves.
pub(crate) struct Committee {
    pub(crate) chair: Key,
    pub(crate) treasurer: Key,
    /// Manager, registrar, auditor, street office and bank.
    pub(crate) offices: Key,
    pub(crate) counters: [Key; 2],
}

/// An owner and the account that votes for them.
pub(crate) struct Owner {
    pub(crate) key: Key,
    commitment: B256,
    id: String,
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../demo/guihua")
}

/// Rows of a file of the estate, by column name.
pub(crate) fn rows(name: &str) -> Vec<std::collections::HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder().join(name)).expect("the estate's files");
    reader.deserialize().map(|row| row.expect("a row of the file")).collect()
}

fn office(index: u32) -> Key {
    Key::test(index).expect("the test mnemonic has twenty accounts")
}

/// `tulou import register`, then an account for every owner, then the roll is posted.
pub(crate) fn import(world: &World) -> Vec<Owner> {
    let sealed = world.folder().join("people");
    let (folder, file) = (folder(), sealed.display().to_string());
    let folder = folder.to_str().expect("a path in UTF-8");
    let (done, printed, complaint) =
        world.program(&["import", "register"], &[folder, "--people", &file]);
    assert!(done, "{complaint}");
    let printed: Value = serde_json::from_str(&printed).expect("the import prints JSON");
    for totals in [&printed, &world.read("registry/totals")] {
        assert_eq!(number(&totals["units"]), 126);
        assert_eq!(totals["area_m2"], "13024.80");
        assert_eq!(number(&totals["heads"]), 116);
    }
    let (done, _, complaint) = world.program(&["import", "register"], &[folder, "--people", &file]);
    assert!(!done && complaint.contains("has a register already"), "{complaint}");

    let owners = open_people(&sealed);
    let registrar = office(0);
    for part in owners.chunks(BINDINGS) {
        let accounts = part.iter().map(|owner| owner.key.address()).collect();
        let owners = part.iter().map(|owner| owner.commitment).collect();
        world.act(&registrar, REGISTRY, &IRegistry::bindCall { accounts, owners });
    }
    world.act(&registrar, REGISTRY, &IRegistry::postRollCall {});
    let roll = world.read("registry/roll?id=1");
    assert_eq!(number(&roll["posted_until"]) - number(&roll["taken_at"]), 15 * DAY);
    owners
}

/// Only the registrar's file connects a person with a commitment.
fn open_people(sealed: &std::path::Path) -> Vec<Owner> {
    let key = fs::read_to_string(sealed.with_extension("key")).expect("the key lies beside");
    let key: B256 = key.trim().parse().expect("64 hexadecimal digits");
    let file = fs::read(sealed).expect("the sealed file");
    let people = register::open_people(&file, &key).expect("the key opens it");
    let owner =
        |p: register::Person| Owner { key: demo_key(&p.id), commitment: p.commitment(), id: p.id };
    people.into_iter().map(owner).collect()
}

/// The account of an owner.
pub(crate) fn account(people: &[Owner], id: &str) -> Key {
    let owner = people.iter().find(|owner| owner.id == id);
    owner.unwrap_or_else(|| panic!("no owner {id}")).key.clone()
}

/// Two counters by the street office; chair and treasurer by the owners, two thirds of whom take part.
pub(crate) fn elect(world: &World, people: &[Owner]) -> Committee {
    let committee = Committee {
        chair: office(1),
        treasurer: office(2),
        offices: office(0),
        counters: [office(3), office(4)],
    };
    let grant = |office, who: &Key, until| IRoles::grantCall {
        office,
        holder: who.address(),
        fromAt: 0,
        untilAt: until,
        basis: keccak256("minutes of the estate"),
    };
    for counter in &committee.counters {
        world.act(&committee.offices, ROLES, &grant(Office::Counter, counter, 0));
    }
    let until = world.now() + 3 * 365 * DAY;
    let by_decree = grant(Office::Chair, &committee.chair, until);
    let why = world.refused(&committee.offices, ROLES, &by_decree);
    assert!(why.starts_with("NotYours("), "no office makes a chair: {why}");

    let opens = number(&world.read("decisions/earliest_opening?extraordinary=false")["opens_at"]);
    let closes = opens + 7 * DAY;
    for (title, office, who) in [
        ("选举业主委员会主任", Office::Chair, &committee.chair),
        ("选举业主委员会财务委员", Office::Treasurer, &committee.treasurer),
    ] {
        let proposal = IDecisions::Proposal {
            matter: ELECTION,
            target: ROLES,
            action: grant(office, who, until).abi_encode().into(),
            ..proposal(title, (1, 0, 0), opens, closes)
        };
        world.act(&committee.offices, DECISIONS, &IDecisions::proposeCall { proposal });
    }
    world.until(opens);
    world.comes("decisions/motion?id=2", |motion| number(&motion["roll"]) != 0);
    let voters = one_owner_of_each_home();
    let ballots = (1..=2).flat_map(|motion| {
        let cast: Bytes = IDecisions::castCall { motion, choice: FOR }.abi_encode().into();
        voters.iter().map(move |id| (account(people, id), DECISIONS, cast.clone()))
    });
    world.together(ballots.collect());
    world.until(closes);
    for motion in 1..=2 {
        let done = |motion: &Value| number(&motion["action_state"]) == DECLARED;
        world.comes(&format!("decisions/motion?id={motion}"), done);
        let result = world.read(&format!("decisions/result?id={motion}"));
        assert_eq!(result["quorum_area"]["met"], json!(true), "{result}");
    }
    hand_over(world, &committee);
    committee
}

/// Who held every office so far gives back what the owners have filled.
fn hand_over(world: &World, committee: &Committee) {
    for office in [Office::Chair, Office::Member, Office::Treasurer] {
        let mine = world.read(&format!("roles/holders?office={}&limit=1", office as u8));
        let id = number(&mine["items"][0]["id"]);
        world.act(&committee.offices, ROLES, &IRoles::resignCall { id });
    }
    let offices = world.read(&format!("roles/offices_of?account={}", committee.chair.address()));
    assert_eq!(number(&offices["offices"]), 1 << Office::Chair as u8);
}

/// Of each home handed over, the first owner: joint owners vote as one head.
fn one_owner_of_each_home() -> BTreeSet<String> {
    let holdings = rows("holdings.csv");
    let first = |unit: &String| holdings.iter().find(|row| row["unit_id"] == *unit);
    rows("units.csv")
        .iter()
        .filter(|unit| unit["counts_head"] == "true" && unit["delivered"] == "true")
        .filter_map(|unit| first(&unit["unit_id"]).map(|row| row["owner_id"].clone()))
        .collect()
}

/// A motion without money or call.
pub(crate) fn proposal(
    title: &str,
    (kind, building, stair): (u8, u32, u32),
    opens: u64,
    closes: u64,
) -> IDecisions::Proposal {
    IDecisions::Proposal {
        matter: 9,
        scope: IDecisions::Scope { kind, building, stair },
        extraordinary: false,
        title: title.into(),
        textHash: keccak256(title),
        opensAt: opens,
        closesAt: closes,
        budgetFen: 0,
        payeeHash: B256::ZERO,
        target: Address::ZERO,
        action: Bytes::new(),
    }
}
