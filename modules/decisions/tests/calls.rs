//! The calls: who may make them, in what order they refuse, and what stays true.

use alloy_sol_types::SolCall;

use super::estate::*;
use crate::decisions::IDecisions::*;
use crate::decisions::Passed;
use crate::prelude::*;
use crate::registry::{self, ScopeKind};
use crate::roles::IRoles::NotPermitted;
use crate::rules::IRules::tightenCall;
use crate::{address, decisions};

#[test]
fn a10_a_stair_decides_on_its_lift() {
    let mut e = Estate::new();
    let motion = e.passed_lift(proposal(5, LIFT));
    let r = e.result(motion);
    assert_eq!((r.roll.areaM2, r.roll.heads), (118_000, 12));
    assert_eq!((r.participating.areaM2, r.participating.heads), (81_200, 9));
    assert_eq!((r.yes.areaM2, r.yes.heads), (59_800, 7));
    assert_eq!((r.no.areaM2, r.no.heads), (10_700, 1));
    assert_eq!((r.abstain.areaM2, r.abstain.heads), (10_700, 1));
    let q = r.quorumArea;
    assert_eq!((q.leftFactor, q.leftValue, q.rightFactor, q.rightValue), (3, 81_200, 2, 118_000));
    assert_eq!((q.left, q.right, q.strict, q.met), (243_600, 236_000, false, true));
    assert_eq!((r.quorumHeads.left, r.quorumHeads.right), (27, 24));
    assert_eq!((r.consentArea.left, r.consentArea.right), (119_600, 81_200));
    assert!(r.consentArea.strict && r.consentArea.met && r.consentHeads.met);
    assert_eq!((r.missing.areaM2, r.missing.heads), (0, 0));
    let scope = registry::Scope { kind: ScopeKind::Stair, building: 1, stair: 2 };
    let passed = e.passed(motion).unwrap();
    let want = Passed {
        matter: 5,
        scope,
        roll: passed.roll,
        budget: Fen(8_640_000),
        payee_hash: B256::ZERO,
        closed_at: CLOSES,
    };
    assert_eq!(passed, want);
    // The same ballots on an added lift, matter 7, fail by area though the heads agree.
    let mut e = Estate::new();
    let motion = e.opened(proposal(7, LIFT));
    for (number, choice) in (1..=9).zip([1, 1, 1, 1, 1, 1, 1, 2, 3]) {
        e.cast(motion, number, choice).unwrap();
    }
    assert_eq!(e.closed(motion), MotionState::Failed);
    let r = e.result(motion);
    assert_eq!((r.consentArea.left, r.consentArea.right, r.consentArea.met), (239_200, 243_600, false));
    assert_eq!((r.consentHeads.left, r.consentHeads.right, r.consentHeads.met), (28, 27, true));
    assert_eq!(e.passed(motion), None);
}

#[test]
fn a1_to_a3_on_roll_r1() {
    // name, matter, E's choice (0: none), outcome
    for (name, matter, last, want) in [
        ("A1", 4, 0, MotionState::NotQuorate),
        ("A2", 4, 3, MotionState::Failed),
        ("A3 ordinary", 4, 1, MotionState::Passed),
        ("A3 special", 8, 1, MotionState::Failed),
    ] {
        let mut e = Estate::new();
        let motion = e.opened(proposal(matter, R1));
        for (number, choice) in [(A, 1), (B, 1), (C, 2), (D1, 1)] {
            e.cast(motion, number, choice).unwrap();
        }
        let r = e.result(motion);
        assert_eq!((r.roll.areaM2, r.roll.heads), (80_000, 6), "{name}");
        assert_eq!((r.participating.areaM2, r.participating.heads), (49_000, 4), "{name}");
        assert_eq!((r.missing.areaM2, r.missing.heads), (4_334, 0), "{name}");
        assert_eq!(r.outcome, MotionState::NotQuorate, "{name}");
        if last != 0 {
            e.cast(motion, E, last).unwrap();
        }
        assert_eq!(e.closed(motion), want, "{name}");
    }
}

#[test]
fn the_last_ballot_before_the_close_counts() {
    let mut e = Estate::new();
    let motion = e.opened(proposal(4, R1));
    for (number, choice, sums) in [
        (D1, 1, [(9_000, 1), (0, 0), (0, 0)]),
        (D2, 2, [(0, 0), (9_000, 1), (0, 0)]), // joint owners are one head: the last word counts
        (C, 2, [(0, 0), (29_000, 2), (0, 0)]),
        (C, 3, [(0, 0), (9_000, 1), (20_000, 1)]),
        (C, 3, [(0, 0), (9_000, 1), (20_000, 1)]),
        (D1, 1, [(9_000, 1), (0, 0), (20_000, 1)]),
        (DEVELOPER, 1, [(29_000, 2), (0, 0), (20_000, 1)]), // unsold and undelivered are one head
    ] {
        e.cast(motion, number, choice).unwrap();
        let r = e.result(motion);
        let got = [r.yes, r.no, r.abstain].map(|sum| (sum.areaM2, sum.heads));
        assert_eq!(got, sums, "{number} {choice}");
    }
    let page = e.on(STRANGER, &ballotsCall { id: motion, cursor: 0, limit: 2 }).unwrap();
    assert_eq!((page.items.len(), page.next), (2, 2));
    assert_eq!((page.items[0].times, page.items[0].choice), (3, 1));
    let rest = e.on(STRANGER, &ballotsCall { id: motion, cursor: 2, limit: 2 }).unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, 0));
    let one = e.on(STRANGER, &ballotOfCall { id: motion, head: page.items[1].head }).unwrap();
    assert_eq!((one.choice, one.areaM2, one.channel), (3, 20_000, Channel::Online));
    let mine = e.on(STRANGER, &votesOfCall { id: motion, account: owner(E) }).unwrap();
    assert_eq!((mine.len(), mine[0].choice, mine[0].areaM2), (1, 0, 11_000));
}

#[test]
fn ballots_are_taken_from_opening_to_close_and_by_the_electorate_alone() {
    let mut e = Estate::new();
    let motion = e.propose(proposal(5, LIFT)).unwrap();
    assert_eq!(refused::<NoSuchMotion>(e.cast(9, 1, 1)).motion, 9);
    assert_eq!(refused::<NoSuchMotion>(e.cast(0, 1, 1)).motion, 0);
    e.m.now = OPENS - 1;
    assert_eq!(refused::<NotOpen>(e.cast(motion, 1, 9)).opensAt, OPENS);
    assert_eq!(refused::<NotOpen>(e.on(STRANGER, &openCall { motion })).opensAt, OPENS);
    assert_eq!(refused::<NotOpen>(e.on(STRANGER, &closeCall { motion })).opensAt, OPENS);
    assert!(e.on(STRANGER, &votesOfCall { id: motion, account: owner(1) }).unwrap().is_empty());
    assert_eq!(e.motion(motion).state, MotionState::Noticed);
    // The first ballot opens the motion where the keeper has not.
    e.m.now = OPENS;
    assert_eq!((e.motion(motion).state, e.motion(motion).roll), (MotionState::Open, 0));
    assert_eq!(refused::<NoSuchChoice>(e.cast(motion, 1, 0)).choice, 0);
    assert_eq!(refused::<NoSuchChoice>(e.cast(motion, 1, 4)).choice, 4);
    let NotInElectorate { account, .. } = refused(e.cast(motion, A, 1));
    assert_eq!(account, owner(A));
    refused::<NotInElectorate>(e.on(STRANGER, &castCall { motion, choice: 1 }));
    e.cast(motion, 1, 1).unwrap();
    assert_ne!(e.motion(motion).roll, 0);
    assert_eq!(refused::<StillOpen>(e.on(STRANGER, &closeCall { motion })).closesAt, CLOSES);
    let head = e.on(STRANGER, &votesOfCall { id: motion, account: owner(2) }).unwrap()[0].head;
    let stolen = e.on(owner(1), &castForCall { motion, head, choice: 1 });
    assert_eq!(refused::<NotYourHead>(stolen).head, head);
    e.on(owner(2), &castForCall { motion, head, choice: 2 }).unwrap();
    e.m.now = CLOSES - 1;
    e.cast(motion, 3, 1).unwrap();
    e.m.now = CLOSES;
    assert_eq!(e.motion(motion).state, MotionState::Closed);
    assert_eq!(refused::<VotingClosed>(e.cast(motion, 3, 2)).closesAt, CLOSES);
    e.on(STRANGER, &closeCall { motion }).unwrap();
    let (before, logs) = (e.result(motion), e.m.logs.len());
    e.on(STRANGER, &closeCall { motion }).unwrap();
    e.on(STRANGER, &openCall { motion }).unwrap();
    e.keep();
    assert_eq!((e.result(motion), e.m.logs.len() >= logs), (before, true));
    refused::<VotingClosed>(e.cast(motion, 3, 2));
}

#[test]
fn a_motion_nobody_looked_at_still_ends() {
    let mut e = Estate::new();
    let motion = e.propose(proposal(5, LIFT)).unwrap();
    e.m.now = CLOSES + DAY;
    refused::<VotingClosed>(e.cast(motion, 1, 1));
    e.keep();
    assert_eq!(e.motion(motion).state, MotionState::NotQuorate);
    assert_eq!(e.result(motion).missing.heads, 8);
}

#[test]
fn a_malformed_motion_is_refused_in_order() {
    let mut e = Estate::new();
    let good = proposal(5, LIFT);
    let by_owner = e.on(owner(1), &proposeCall { proposal: good.clone() });
    assert_eq!(refused::<NotPermitted>(by_owner).account, owner(1));
    let mut bad = Proposal {
        matter: 10,
        scope: Scope { kind: 4, building: 0, stair: 0 },
        title: String::new(),
        budgetFen: 0,
        target: STRANGER,
        opensAt: OPENS - 1,
        closesAt: OPENS,
        ..good.clone()
    };
    assert_eq!(refused::<NoSuchMatter>(e.propose(bad.clone())).matter, 10);
    bad.matter = 0;
    refused::<NoSuchMatter>(e.propose(bad.clone()));
    bad.matter = 5;
    for (kind, building, stair) in
        [(4, 0, 0), (0, 0, 0), (1, 1, 0), (1, 0, 1), (2, 0, 0), (2, 1, 1), (3, 1, 0), (3, 0, 1)]
    {
        bad.scope = Scope { kind, building, stair };
        assert_eq!(refused::<NoSuchScope>(e.propose(bad.clone())).kind, kind);
    }
    bad.scope = LIFT;
    assert_eq!(refused::<BadTitle>(e.propose(bad.clone())).bytesGiven, 0);
    bad.title = "x".repeat(201);
    assert_eq!(refused::<BadTitle>(e.propose(bad.clone())).bytesMost, 200);
    bad.title = "x".repeat(200);
    refused::<BudgetMissing>(e.propose(bad.clone()));
    bad.budgetFen = 1;
    assert_eq!(refused::<BadAction>(e.propose(bad.clone())).target, STRANGER);
    for (target, bytes) in [(Address::ZERO, 4), (address::rules, 3), (address::rules, 4_097)] {
        (bad.target, bad.action) = (target, vec![0; bytes].into());
        assert_eq!(refused::<BadAction>(e.propose(bad.clone())).bytesGiven, bytes as u64);
    }
    (bad.target, bad.action) = (Address::ZERO, Default::default());
    assert_eq!(refused::<NoticeTooShort>(e.propose(bad.clone())).earliestAt, OPENS);
    bad.opensAt = OPENS;
    // Hangzhou: 5 to 60 days.
    for (closes, fits) in [
        (OPENS, false),
        (OPENS + 5 * DAY - 1, false),
        (OPENS + 5 * DAY, true),
        (OPENS + 60 * DAY, true),
        (OPENS + 60 * DAY + 1, false),
    ] {
        bad.closesAt = closes;
        let result = e.propose(bad.clone());
        if fits {
            result.unwrap();
        } else {
            assert_eq!(refused::<BadPeriod>(result).period, closes - OPENS);
        }
    }
}

#[test]
fn an_extraordinary_motion_has_the_shorter_notice_of_the_city() {
    let mut e = Estate::new();
    let earliest = OPENS - 8 * DAY;
    for (extraordinary, want) in [(false, OPENS), (true, earliest)] {
        let got = e.on(STRANGER, &earliestOpeningCall { extraordinary }).unwrap();
        assert_eq!(got, want);
    }
    let motion = e.propose(Proposal { extraordinary: true, ..proposal(4, ESTATE) }).unwrap();
    assert_eq!(e.motion(motion).opensAt, earliest);
}

#[test]
fn a_motion_is_cancelled_before_it_opens_or_not_at_all() {
    let mut e = Estate::new();
    let motion = e.propose(proposal(5, LIFT)).unwrap();
    let cancel = cancelCall { motion, reasonHash: B256::repeat_byte(3) };
    refused::<NotPermitted>(e.on(MEMBERS[0], &cancel));
    e.on(STREET, &cancel).unwrap();
    refused::<MotionIsCancelled>(e.on(STREET, &cancel));
    e.m.now = OPENS;
    e.keep();
    assert_eq!(e.motion(motion).state, MotionState::Cancelled);
    refused::<MotionIsCancelled>(e.cast(motion, 1, 1));
    refused::<MotionIsCancelled>(e.on(STRANGER, &openCall { motion }));
    refused::<MotionIsCancelled>(e.on(STRANGER, &closeCall { motion }));
    let mut e = Estate::new();
    let motion = e.opened(proposal(5, LIFT));
    refused::<AlreadyOpen>(e.on(STREET, &cancelCall { motion, reasonHash: B256::ZERO }));
}

#[test]
fn a_paper_ballot_counts_when_two_counters_read_the_same() {
    let mut e = Estate::new();
    let motion = e.opened(proposal(5, LIFT));
    let head = e.on(STRANGER, &votesOfCall { id: motion, account: owner(4) }).unwrap()[0].head;
    let evidence_hash = B256::repeat_byte(0x9a);
    let record = recordPaperCall { motion, head, choice: 1, evidenceHash: evidence_hash };
    let confirm = confirmPaperCall { motion, head, choice: 1, evidenceHash: evidence_hash };
    let [first, second] = COUNTERS;
    refused::<NotPermitted>(e.on(CHAIR, &record));
    refused::<NotPermitted>(e.on(CHAIR, &confirm));
    refused::<NoPaper>(e.on(second, &confirm));
    let unknown = recordPaperCall { head: B256::repeat_byte(1), ..record.clone() };
    refused::<NotYourHead>(e.on(first, &unknown));
    e.on(first, &record).unwrap();
    assert_eq!(e.result(motion).participating.heads, 0);
    assert_eq!(refused::<SameCounter>(e.on(first, &confirm)).counter, first);
    refused::<PaperDiffers>(e.on(second, &confirmPaperCall { choice: 2, ..confirm.clone() }));
    let other = confirmPaperCall { evidenceHash: B256::ZERO, ..confirm.clone() };
    refused::<PaperDiffers>(e.on(second, &other));
    e.on(second, &confirm).unwrap();
    let ballot = e.on(STRANGER, &ballotOfCall { id: motion, head }).unwrap();
    assert_eq!((ballot.channel, ballot.evidenceHash), (Channel::Paper, evidence_hash));
    assert_eq!(e.result(motion).yes.heads, 1);
    refused::<NoPaper>(e.on(second, &confirm));
    // The owner changes it online; the last one counts.
    e.cast(motion, 4, 2).unwrap();
    let r = e.result(motion);
    assert_eq!((r.yes.heads, r.no.heads), (0, 1));
}

#[test]
fn the_electorate_is_frozen_at_opening() {
    use crate::registry::IRegistry::{AreaSource, correctUnitCall};
    let mut e = Estate::new();
    let motion = e.opened(proposal(5, LIFT));
    e.cast(motion, 1, 1).unwrap();
    let before = e.result(motion);
    let correct = correctUnitCall {
        unit: 1,
        areaM2: 99_900,
        areaSource: AreaSource::Surveyed,
        delivered: true,
        developerOwned: false,
        basis: B256::repeat_byte(5),
    };
    e.at(address::registry, REGISTRAR, &correct).unwrap();
    e.cast(motion, 1, 1).unwrap();
    assert_eq!(e.result(motion), before);
}

/// A motion on the by-laws that gives a late quorum more time.
fn late_quorum(hours: u64) -> Proposal {
    let call = tightenCall {
        key: "vote.late_quorum_hours".into(),
        num: hours,
        den: 1,
        fromAt: CLOSES,
        basis: B256::repeat_byte(0x7e),
    };
    let action = call.abi_encode().into();
    Proposal { target: address::rules, action, ..proposal(1, ESTATE) }
}

fn everybody_agrees(e: &mut Estate, motion: u64) {
    for number in (1..=9).chain([A, B, C, D1, E, DEVELOPER]) {
        e.cast(motion, number, 1).unwrap();
    }
}

#[test]
fn a12_a_passed_motion_acts_and_gives_a_late_quorum_more_time() {
    let mut e = Estate::new();
    let by_laws = e.opened(late_quorum(72));
    assert_eq!(e.motion(by_laws).actionState, ActionState::Planned);
    everybody_agrees(&mut e, by_laws);
    assert_eq!(e.closed(by_laws), MotionState::Passed);
    assert_eq!(e.motion(by_laws).actionState, ActionState::Done);
    let opens = e.on(STRANGER, &earliestOpeningCall { extraordinary: false }).unwrap();
    for (period, crossing, want) in [
        (20 * DAY, 20 * DAY - 10 * HOUR, Some(20 * DAY + 62 * HOUR)),
        (60 * DAY, 60 * DAY - 10 * HOUR, None), // never beyond the longest period
        (20 * DAY, 10 * DAY, None),             // nowhere near the close
    ] {
        let mut e = Estate { m: e.m.clone() };
        let motion = e.propose(Proposal { closesAt: opens + period, ..proposal(5, LIFT) }).unwrap();
        e.m.now = opens + crossing;
        for number in 1..=8 {
            e.cast(motion, number, 1).unwrap();
        }
        assert!(!e.motion(motion).extended); // 8 heads are enough, 705.00 m2 are not
        e.cast(motion, 9, 1).unwrap(); // 812.00 m2: quorate
        let now = e.motion(motion);
        assert_eq!(now.closesAt, opens + want.unwrap_or(period));
        assert_eq!(now.extended, want.is_some());
        e.m.now = now.closesAt - HOUR;
        e.cast(motion, 10, 2).unwrap(); // a second crossing there is not
        assert_eq!(e.motion(motion).closesAt, now.closesAt);
        assert_eq!(e.closed(motion), MotionState::Passed);
    }
}

#[test]
fn a_refused_action_is_recorded_and_undoes_nothing() {
    let mut e = Estate::new();
    let call = tightenCall {
        key: "no.such.rule".into(),
        num: 1,
        den: 1,
        fromAt: CLOSES,
        basis: B256::ZERO,
    };
    let action = call.abi_encode().into();
    let motion = e.opened(Proposal { target: address::rules, action, ..proposal(1, ESTATE) });
    everybody_agrees(&mut e, motion);
    assert_eq!(e.closed(motion), MotionState::Passed);
    let told = e.motion(motion);
    assert_eq!(told.actionState, ActionState::Refused);
    let selector = <crate::rules::IRules::NoSuchRule as alloy_sol_types::SolError>::SELECTOR;
    assert_eq!(told.actionRefusal, selector);
    assert!(e.passed(motion).is_some());
}

#[test]
fn motions_are_listed_by_state_in_pages() {
    let mut e = Estate::new();
    for _ in 0..5 {
        e.propose(proposal(4, R1)).unwrap();
    }
    let cancel = cancelCall { motion: 2, reasonHash: B256::ZERO };
    e.on(CHAIR, &cancel).unwrap();
    let mut list = |state, cursor, limit| {
        let page = e.on(STRANGER, &motionsCall { state, cursor, limit }).unwrap();
        (page.items.iter().map(|motion| motion.id).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(list(0, 0, 3), (vec![1, 2, 3], 3));
    assert_eq!(list(0, 3, 3), (vec![4, 5], 0));
    assert_eq!(list(MotionState::Noticed as u8, 0, 2), (vec![1, 3], 3));
    assert_eq!(list(MotionState::Cancelled as u8, 0, 9), (vec![2], 0));
    assert_eq!(list(0, 99, 9), (vec![], 0));
    refused::<NoSuchMotion>(e.on(STRANGER, &resultCall { id: 6 }));
}

#[test]
fn terms_are_known_once_the_electorate_is() {
    let mut e = Estate::new();
    let motion = e.propose(proposal(5, LIFT)).unwrap();
    let terms = |e: &mut Estate, id| {
        e.m.run(address::funds, STRANGER, |cx| decisions::terms(cx, id)).unwrap()
    };
    assert_eq!(terms(&mut e, motion), None);
    e.m.now = OPENS;
    e.keep();
    assert_eq!(terms(&mut e, motion).map(|terms| terms.budget), Some(Fen(8_640_000)));
    assert_eq!(terms(&mut e, 77), None);
    assert_eq!(e.passed(motion), None);
}
