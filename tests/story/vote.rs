//! The lift of stair 2: twelve homes, 1,180.00 m2. Nine vote, two of them on paper, seven agree.

use alloy_primitives::{Bytes, keccak256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_modules::{
    address::{decisions as DECISIONS, funds as FUNDS},
    decisions::IDecisions,
    funds::IFunds,
};

use crate::{
    estate::{Committee, DAY, FOR, Owner, account, proposal, rows},
    money,
    world::{World, number},
};

const AGAINST: u8 = 2;
const ABSTAIN: u8 = 3;
/// Matters of art. 278: to use the maintenance fund; to build anew.
const USE_FUND: u8 = 5;
const REBUILD: u8 = 7;
const STAIR: (u8, u32, u32) = (3, 1, 2);
const OPEN: u64 = 2;
const PASSED: u64 = 4;
const FAILED: u64 = 5;
/// Homes that vote online, and how.
const ONLINE: &[(&str, u8)] = &[
    ("1-2-101", FOR),
    ("1-2-102", FOR),
    ("1-2-201", FOR),
    ("1-2-301", FOR),
    ("1-2-401", FOR),
    ("1-2-202", AGAINST),
    ("1-2-302", ABSTAIN),
];
/// Homes that agree on paper.
const ON_PAPER: &[&str] = &["1-2-501", "1-2-601"];

/// Returns the number of the decision to repair the lift. A second motion, to rebuild the stair, gets
/// the very same ballots and fails, because it needs three quarters.
pub(crate) fn decide(world: &World, committee: &Committee, people: &[Owner], fund: u64) -> u64 {
    let (repair, opens, closes) = announce(world, committee);
    let rebuild = repair + 1;
    too_early(world, committee, repair, fund);
    world.until(opens);
    for id in [repair, rebuild] {
        let path = format!("decisions/motion?id={id}");
        let motion = world.comes(&path, |motion| number(&motion["roll"]) != 0);
        assert_eq!(number(&motion["state"]), OPEN);
        assert_eq!(
            (&motion["roll_area_m2"], &motion["roll_heads"]),
            (&json!("1180.00"), &json!(12))
        );
        online(world, people, id);
        on_paper(world, committee, id);
    }
    let stranger = account(people, "O0054");
    let cast = IDecisions::castCall { motion: repair, choice: FOR };
    let why = world.refused(&stranger, DECISIONS, &cast);
    assert!(why.starts_with("NotInElectorate("), "{why}");
    let (done, _, complaint) = world.program(&["call"], &["decisions.close", &repair.to_string()]);
    assert!(!done && complaint.contains("refused: StillOpen("), "{complaint}");

    world.until(closes);
    let passed = counted(world, repair, PASSED);
    assert_eq!(passed["yes"], json!({"area_m2": "598.00", "heads": 7}));
    assert_eq!(passed["no"], json!({"area_m2": "107.00", "heads": 1}));
    assert_eq!(passed["abstain"], json!({"area_m2": "107.00", "heads": 1}));
    compared(&passed["consent_area"], 2 * 59_800, 81_200, true);
    compared(&passed["consent_heads"], 2 * 7, 9, true);
    let failed = counted(world, rebuild, FAILED);
    compared(&failed["consent_area"], 4 * 59_800, 3 * 81_200, false);
    compared(&failed["consent_heads"], 4 * 7, 3 * 9, true);
    let why = world.refused(&account(people, "O0061"), DECISIONS, &cast);
    assert!(why.starts_with("VotingClosed("), "{why}");
    repair
}

/// Number of the first motion, and when both open and close.
fn announce(world: &World, committee: &Committee) -> (u64, u64, u64) {
    let opens = number(&world.read("decisions/earliest_opening?extraordinary=false")["opens_at"]);
    let closes = opens + 10 * DAY;
    let repair = IDecisions::Proposal {
        matter: USE_FUND,
        budgetFen: money::BUDGET_FEN,
        payeeHash: money::firm(),
        ..proposal("1栋2单元电梯大修", STAIR, opens, closes)
    };
    let hasty = IDecisions::Proposal { opensAt: opens - 1, ..repair.clone() };
    let why =
        world.refused(&committee.chair, DECISIONS, &IDecisions::proposeCall { proposal: hasty });
    assert_eq!(why, format!("NoticeTooShort(opensAt: {}, earliestAt: {opens})", opens - 1));
    let free = IDecisions::Proposal { budgetFen: 0, ..repair.clone() };
    let why =
        world.refused(&committee.chair, DECISIONS, &IDecisions::proposeCall { proposal: free });
    assert_eq!(why, "BudgetMissing()");
    let rebuild = IDecisions::Proposal {
        matter: REBUILD,
        ..proposal("1栋2单元改建电梯厅", STAIR, opens, closes)
    };
    for proposal in [repair, rebuild] {
        world.act(&committee.chair, DECISIONS, &IDecisions::proposeCall { proposal });
    }
    let motions = world.read("decisions/motions?state=1");
    (number(&motions["items"][0]["id"]), opens, closes)
}

/// Nobody votes before the opening, and no money moves before the decision.
fn too_early(world: &World, committee: &Committee, motion: u64, fund: u64) {
    let why = world.read_refused("decisions/motion?id=99");
    assert_eq!(why, "No motion has this number (motion 99)");
    let (done, _, complaint) =
        world.program(&["call"], &["decisions.cast", &motion.to_string(), "1"]);
    assert!(!done && complaint.contains("refused: NotOpen("), "{complaint}");
    let draft = money::draft(fund, motion, money::BUDGET_FEN / 2, "首付50%");
    let why = world.refused(&committee.offices, FUNDS, &IFunds::requestCall { draft });
    assert!(why.starts_with("NotDecided("), "no draw before the decision: {why}");
}

fn online(world: &World, people: &[Owner], motion: u64) {
    let holdings = rows("holdings.csv");
    let ballot = |(code, choice): &(&str, u8)| {
        let home =
            holdings.iter().find(|row| row["unit_id"] == *code).expect("a home has an owner");
        let cast: Bytes = IDecisions::castCall { motion, choice: *choice }.abi_encode().into();
        (account(people, &home["owner_id"]), DECISIONS, cast)
    };
    world.together(ONLINE.iter().map(ballot).collect());
}

/// A paper counts once two counters have read the same on it.
fn on_paper(world: &World, committee: &Committee, motion: u64) {
    let [one, other] = &committee.counters;
    for code in ON_PAPER {
        let home = world.read(&format!("registry/unit_by_code?code={code}"));
        let head = home["head"].as_str().and_then(|head| head.parse().ok()).expect("a head");
        let paper = keccak256(format!("paper ballot of {code} on motion {motion}"));
        let first = IDecisions::recordPaperCall { motion, head, choice: FOR, evidenceHash: paper };
        world.act(one, DECISIONS, &first);
        let second =
            IDecisions::confirmPaperCall { motion, head, choice: FOR, evidenceHash: paper };
        let why = world.refused(one, DECISIONS, &second);
        assert!(why.starts_with("SameCounter("), "{why}");
        let misread = IDecisions::confirmPaperCall { choice: AGAINST, ..second.clone() };
        let why = world.refused(other, DECISIONS, &misread);
        assert!(why.starts_with("PaperDiffers("), "{why}");
        world.act(other, DECISIONS, &second);
    }
}

/// The outcome that the ledger publishes by itself, with the quorum of A10.
fn counted(world: &World, motion: u64, state: u64) -> Value {
    let path = format!("decisions/motion?id={motion}");
    world.comes(&path, |motion| number(&motion["state"]) == state);
    let result = world.read(&format!("decisions/result?id={motion}"));
    assert_eq!(result["roll"], json!({"area_m2": "1180.00", "heads": 12}));
    assert_eq!(result["participating"], json!({"area_m2": "812.00", "heads": 9}));
    compared(&result["quorum_area"], 3 * 81_200, 2 * 118_000, true);
    compared(&result["quorum_heads"], 3 * 9, 2 * 12, true);
    result
}

/// A comparison as published is the one that anyone can repeat.
fn compared(published: &Value, left: u64, right: u64, met: bool) {
    assert_eq!(
        (number(&published["left"]), number(&published["right"])),
        (left, right),
        "{published}"
    );
    let strict = published["strict"] == json!(true);
    assert_eq!(if strict { left > right } else { left >= right }, met, "{published}");
    assert_eq!(published["met"], json!(met), "{published}");
}
