//! The motions of the story: three of the files, two that made the year's money possible, one that
//! waits for the last ballots, and the lift of stair 2.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use tulou_modules::{address::decisions as DECISIONS, decisions::IDecisions};

use super::{
    Agenda, Scene,
    calendar::{Calendar, DAY_S, Date},
    data::{self, MOTIONS},
    money,
};
use crate::output::{Failure, Outcome};

const FOR: u8 = 1;
const AGAINST: u8 = 2;
const ABSTAIN: u8 = 3;

/// A motion to announce.
#[derive(Clone, Debug)]
struct Plan {
    /// Our name for its number.
    name: String,
    title: String,
    matter: u8,
    /// Kind, building and stair.
    scope: (u8, u32, u32),
    budget_fen: u64,
    payee: Option<&'static str>,
    announced: u64,
    opens: u64,
    closes: u64,
}

const ESTATE: (u8, u32, u32) = (1, 0, 0);

pub(crate) fn plan(c: &Calendar, agenda: &mut Agenda) -> Outcome {
    let day = |month, day| c.at(Date { year: 2024, month, day }, 0);
    let budget = Plan {
        name: "budget".into(),
        title: format!("{}年度维修资金日常维修预算", c.year()),
        matter: 5,
        scope: ESTATE,
        budget_fen: money::YEAR_BUDGET_FEN,
        payee: None,
        announced: day(11, 3) + 36_000,
        opens: day(11, 20),
        closes: day(11, 30),
    };
    let first_lift = Plan {
        name: "lift-1".into(),
        title: "1栋1单元电梯大修".into(),
        scope: (3, 1, 1),
        budget_fen: money::FIRST_LIFT_FEN,
        payee: Some(money::LIFT_FIRM),
        ..budget.clone()
    };
    announce(agenda, budget.clone());
    announce(agenda, first_lift);
    agenda.push((budget.opens + DAY_S, Box::new(|scene| most_agree(scene, "budget", ESTATE))));
    agenda.push((budget.opens + DAY_S, Box::new(|scene| most_agree(scene, "lift-1", (3, 1, 1)))));
    for (i, motion) in MOTIONS.iter().enumerate() {
        of_the_files(c, agenda, i, motion)?;
    }
    second_lift(c, agenda);
    pipes(c, agenda);
    Ok(())
}

fn announce(agenda: &mut Agenda, plan: Plan) {
    let step = move |scene: &mut Scene<'_>| {
        let proposal = IDecisions::Proposal {
            matter: plan.matter,
            scope: IDecisions::Scope {
                kind: plan.scope.0,
                building: plan.scope.1,
                stair: plan.scope.2,
            },
            extraordinary: false,
            title: plan.title.clone(),
            textHash: keccak256(plan.title.as_bytes()),
            opensAt: plan.opens,
            closesAt: plan.closes,
            budgetFen: plan.budget_fen,
            payeeHash: plan.payee.map_or(B256::ZERO, money::payee_hash),
            target: Address::ZERO,
            action: Bytes::new(),
        };
        scene.driver.send("chair", DECISIONS, &IDecisions::proposeCall { proposal })?;
        scene.driver.settle()?;
        // Motions are numbered in the order in which they are announced.
        let next =
            1 + scene.numbers.keys().filter(|name| name.starts_with("motion:")).count() as u64;
        scene.numbers.insert(format!("motion:{}", plan.name), next);
        Ok(())
    };
    agenda.push((plan.announced, Box::new(step)));
}

/// Ballots of one of the three files, day by day. Those at the close or later were not counted, so
/// they are not sent.
fn of_the_files(
    c: &Calendar,
    agenda: &mut Agenda,
    index: usize,
    motion: &'static data::MotionFile,
) -> Outcome {
    let (opens, closes) = (c.moved(motion.opens)?, c.moved(motion.closes)?);
    let name = format!("file-{}", index + 1);
    announce(
        agenda,
        Plan {
            name: name.clone(),
            title: motion.title.into(),
            matter: motion.matter,
            scope: ESTATE,
            budget_fen: if motion.matter == 5 { 6_850_000 } else { 0 },
            payee: None,
            announced: opens - 18 * DAY_S + 36_000,
            opens,
            closes,
        },
    );
    let mut days: BTreeMap<u64, Vec<Vec<String>>> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for row in data::rows(motion.ballots)? {
        let [_, head, _, _, time] = row.as_slice() else {
            return Err(Failure("demo data: a ballot has five fields".into()));
        };
        let at = c.moved(time)?;
        // One line per unit of a head: the head votes once.
        if at >= opens && at < closes && last.insert((head.clone(), at), ()).is_none() {
            days.entry(at / DAY_S).or_default().push(row);
        }
    }
    for (day, rows) in days {
        let name = name.clone();
        let time = (day * DAY_S + DAY_S - 1).min(closes - 60).max(opens);
        agenda.push((
            time,
            Box::new(move |scene| {
                for row in &rows {
                    let choice = match row[3].as_str() {
                        "yes" => FOR,
                        "no" => AGAINST,
                        _ => ABSTAIN,
                    };
                    ballot(scene, &name, &row[1], &row[2], choice)?;
                }
                scene.driver.settle()
            }),
        ));
    }
    Ok(())
}

/// One ballot of a head: online by one of its owners, else on paper read by two counters.
fn ballot(scene: &mut Scene<'_>, name: &str, label: &str, channel: &str, choice: u8) -> Outcome {
    let motion = scene.number(&format!("motion:{name}"))?;
    let head = scene.roll.key(label)?;
    if channel == "online" {
        let call = IDecisions::castForCall { motion, head, choice };
        return scene.driver.send(voter(label), DECISIONS, &call);
    }
    let evidence_hash = keccak256(format!("{name} {label} {channel}"));
    let call = IDecisions::recordPaperCall { motion, head, choice, evidenceHash: evidence_hash };
    scene.driver.send("counter-1", DECISIONS, &call)?;
    // The second reading must find the first one.
    scene.driver.settle()?;
    let call = IDecisions::confirmPaperCall { motion, head, choice, evidenceHash: evidence_hash };
    scene.driver.send("counter-2", DECISIONS, &call)
}

/// The demo person who votes for a head: the last of its owners.
fn voter(label: &str) -> &str {
    if label == "developer" { "O0001" } else { label.rsplit('+').next().unwrap_or(label) }
}

/// A vote in which nine of ten take part and most agree.
fn most_agree(scene: &mut Scene<'_>, name: &str, scope: (u8, u32, u32)) -> Outcome {
    for (i, label) in scene.roll.labels_in(scope).into_iter().enumerate() {
        let choice = match i % 10 {
            9 => continue,
            4 => AGAINST,
            7 => ABSTAIN,
            _ => FOR,
        };
        ballot(scene, name, &label, "online", choice)?;
    }
    scene.driver.settle()
}

/// The lift of building 1, stair 2: nine of twelve homes take part, seven agree (DOMAIN A10).
fn second_lift(c: &Calendar, agenda: &mut Agenda) {
    let plan = Plan {
        name: "lift-2".into(),
        title: "1栋2单元电梯更换曳引机和钢丝绳".into(),
        matter: 5,
        scope: (3, 1, 2),
        budget_fen: money::SECOND_LIFT_FEN,
        payee: Some(money::LIFT_FIRM),
        announced: c.days_ago(45) + 36_000,
        opens: c.days_ago(28),
        closes: c.days_ago(14),
    };
    let opens = plan.opens;
    announce(agenda, plan);
    let choices = [
        ("O0061", FOR),
        ("O0062", FOR),
        ("O0063", FOR),
        ("O0065", FOR),
        ("O0067", FOR),
        ("O0069", FOR),
        ("O0071", FOR),
        ("O0064", AGAINST),
        ("O0066", ABSTAIN),
    ];
    for (i, (label, choice)) in choices.into_iter().enumerate() {
        let time = opens + (i as u64 + 1) * DAY_S + 70_000;
        agenda
            .push((time, Box::new(move |scene| ballot(scene, "lift-2", label, "online", choice))));
    }
}

/// The motion that is open now and lacks a little area and two heads.
fn pipes(c: &Calendar, agenda: &mut Agenda) {
    let plan = Plan {
        name: "pipes".into(),
        title: "更换全区供水立管和水泵".into(),
        matter: 5,
        scope: ESTATE,
        budget_fen: 48_600_000,
        payee: None,
        announced: c.days_ago(26) + 36_000,
        opens: c.days_ago(9),
        closes: c.in_days(3),
    };
    let opens = plan.opens;
    announce(agenda, plan);
    for day in 0..8u64 {
        agenda.push((
            opens + day * DAY_S + 72_000,
            Box::new(move |scene| {
                let chosen = scene.roll.short_of_quorum(2);
                for (i, label) in chosen.iter().enumerate() {
                    if i as u64 % 8 == day {
                        let choice = match i % 9 {
                            5 => AGAINST,
                            8 => ABSTAIN,
                            _ => FOR,
                        };
                        ballot(scene, "pipes", label, "online", choice)?;
                    }
                }
                scene.driver.settle()
            }),
        ));
    }
}
