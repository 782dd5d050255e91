//! Proposals from their first to their last second.

use alloy_primitives::Bytes;
use alloy_sol_types::{SolCall, SolError};

use super::world::*;
use crate::council::{ICouncil::*, PENDING_MAX, PERMITS, TITLE_BYTES_MAX, entry};
use crate::prelude::*;

const WEIGHTS: [u32; 5] = [2, 2, 2, 2, 1];

fn harmless() -> setParameterCall {
    setParameterCall { name: "freeze.days".into(), value: 30 }
}

#[test]
fn a_proposal_goes_through_its_states_at_the_exact_second() {
    // CO-5
    use ProposalState::*;
    let mut m = consortium(&WEIGHTS);
    let id = propose(&mut m, COUNCIL, &harmless());
    let shown = call(&mut m, ANYBODY, &proposalCall { id }).unwrap();
    let (closes, ready) = (NOW + VOTING, NOW + VOTING + DELAY);
    assert_eq!((shown.proposer, shown.closesAt, shown.executableAt), (1, closes, ready));
    assert_eq!((shown.lapsesAt, shown.target), (ready + 30 * DAY, COUNCIL));
    assert_eq!(shown.call, Bytes::from(harmless().abi_encode()));
    vote(&mut m, id, &[1, 2], true);
    m.now = closes - 1;
    vote(&mut m, id, &[3, 4], true);
    let veto = vetoCall { id, reason: "no".into() };
    let WrongStage { state: stands, .. } = refused(call(&mut m, member(5), &veto));
    assert_eq!(stands, Voting);
    let WrongStage { state: stands, .. } = refused(call(&mut m, ANYBODY, &executeCall { id }));
    assert_eq!(stands, Voting);
    m.now = closes;
    let late = voteCall { id, inFavour: true };
    assert_eq!(refused::<VotingOver>(call(&mut m, member(5), &late)).closesAt, closes);
    assert_eq!(state(&mut m, id), Passed);
    m.now = ready - 1;
    let TooEarly { executableAt, .. } = refused(call(&mut m, ANYBODY, &executeCall { id }));
    assert_eq!(executableAt, ready);
    for (now, stands) in [(ready, Ready), (ready + 30 * DAY - 1, Ready), (ready + 30 * DAY, Lapsed)] {
        m.now = now;
        assert_eq!(state(&mut m, id), stands, "{now}");
    }
    let WrongStage { state: stands, .. } = refused(call(&mut m, ANYBODY, &executeCall { id }));
    assert_eq!(stands, Lapsed);
    m.now = ready;
    assert_eq!(call(&mut m, ANYBODY, &executeCall { id }), Ok(true));
    assert_eq!(state(&mut m, id), Executed);
    let WrongStage { state: stands, .. } = refused(call(&mut m, ANYBODY, &executeCall { id }));
    assert_eq!(stands, Executed);
    let value = call(&mut m, ANYBODY, &parameterCall { name: "freeze.days".into() }).unwrap();
    assert_eq!(value.value, 30);
}

#[test]
fn one_unit_of_weight_decides() {
    // Nine in all: six must vote, four of six must agree.
    use ProposalState::*;
    for (yes, no, ends) in [
        (&[1u8, 2, 3][..], &[][..], Passed),
        (&[1, 2, 5], &[], Failed),
        (&[1, 2], &[3], Passed),
        (&[1, 5], &[3, 4], Failed),
        (&[1, 2], &[3, 5], Failed),
        (&[1, 2, 3], &[4, 5], Passed),
        (&[], &[], Failed),
    ] {
        let mut m = consortium(&WEIGHTS);
        let id = propose(&mut m, COUNCIL, &harmless());
        vote(&mut m, id, yes, true);
        vote(&mut m, id, no, false);
        m.now += VOTING;
        assert_eq!(state(&mut m, id), ends, "{yes:?} {no:?}");
    }
}

#[test]
fn the_last_vote_counts_and_the_tally_shows_every_product() {
    let mut m = consortium(&WEIGHTS);
    let id = propose(&mut m, COUNCIL, &harmless());
    vote(&mut m, id, &[1, 2, 3], false);
    vote(&mut m, id, &[1, 2], true);
    let tally = call(&mut m, ANYBODY, &tallyCall { id }).unwrap();
    assert_eq!((tally.total, tally.inFavour, tally.against, tally.vetoing), (9, 4, 2, 0));
    let shown = |c: &Comparison| (c.leftFactor, c.leftValue, c.rightFactor, c.rightValue, c.met);
    assert_eq!(shown(&tally.participation), (3, 6, 2, 9, true));
    assert_eq!(shown(&tally.majority), (3, 4, 2, 6, true));
    assert_eq!(shown(&tally.veto), (3, 0, 1, 9, false));
    let said: Vec<_> = tally.ballots.iter().map(|b| (b.member, b.weight, b.choice)).collect();
    assert_eq!(said, [(1, 2, Choice::InFavour), (2, 2, Choice::InFavour), (3, 2, Choice::Against)]);
}

#[test]
fn a_veto_within_the_delay_stops_it() {
    let mut m = consortium(&WEIGHTS);
    let id = propose(&mut m, COUNCIL, &harmless());
    vote(&mut m, id, &[1, 2, 3, 4], true);
    m.now += VOTING;
    let veto = |reason: &str| vetoCall { id, reason: reason.into() };
    assert_eq!(refused::<NotGovernor>(call(&mut m, ANYBODY, &veto(""))).account, ANYBODY);
    let none = vetoCall { id: 9, reason: String::new() };
    assert_eq!(refused::<NoSuchProposal>(call(&mut m, member(1), &none)).id, 9);
    for reason in [String::new(), "x".repeat(513)] {
        let BadReason { bytesGiven, bytesMost } = refused(call(&mut m, member(1), &veto(&reason)));
        assert_eq!((bytesGiven, bytesMost), (reason.len() as u64, 512));
    }
    // Two of nine do not suffice, three do; whoever agreed may still veto.
    call(&mut m, member(1), &veto("on second thought")).unwrap();
    assert_eq!(refused::<AlreadyVetoed>(call(&mut m, member(1), &veto("again"))).member, 1);
    assert_eq!(state(&mut m, id), ProposalState::Passed);
    m.now += DELAY - 1;
    call(&mut m, member(5), &veto("against the law")).unwrap();
    assert_eq!(state(&mut m, id), ProposalState::Vetoed);
    m.now += 1;
    let WrongStage { state, .. } = refused(call(&mut m, ANYBODY, &executeCall { id }));
    assert_eq!(state, ProposalState::Vetoed);
    // At the first second after the delay it is too late.
    let id = propose(&mut m, COUNCIL, &harmless());
    vote(&mut m, id, &[1, 2, 3, 4], true);
    m.now += VOTING + DELAY;
    let late = vetoCall { id, reason: "late".into() };
    let WrongStage { state, .. } = refused(call(&mut m, member(1), &late));
    assert_eq!(state, ProposalState::Ready);
}

#[test]
fn propose_refuses_in_this_order() {
    // CO-7
    let mut m = consortium(&WEIGHTS);
    let stranger = proposeCall { target: ANYBODY, ..proposed(COUNCIL, &harmless()) };
    assert_eq!(refused::<NotGovernor>(call(&mut m, ANYBODY, &stranger)).account, ANYBODY);
    let BadCall { target, .. } = refused(call(&mut m, member(1), &stranger));
    assert_eq!(target, ANYBODY);
    for len in [0, 3, 4_097] {
        let bad = proposeCall { call: vec![0; len].into(), ..proposed(COUNCIL, &harmless()) };
        assert_eq!(refused::<BadCall>(call(&mut m, member(1), &bad)).bytesGiven, len as u64);
    }
    let forbidden = proposeCall { title: String::new(), ..proposed(COUNCIL, &executeCall { id: 1 }) };
    let NotForCouncil { selector, .. } = refused(call(&mut m, member(1), &forbidden));
    assert_eq!(selector.0, executeCall::SELECTOR);
    for title in [String::new(), "x".repeat(201)] {
        let bad = proposeCall { title, ..proposed(COUNCIL, &harmless()) };
        assert_eq!(refused::<BadTitle>(call(&mut m, member(1), &bad)).bytesMost, TITLE_BYTES_MAX);
    }
    for _ in 0..PENDING_MAX {
        propose(&mut m, COUNCIL, &harmless());
    }
    let full = proposed(COUNCIL, &harmless());
    assert_eq!(refused::<TooManyProposals>(call(&mut m, member(1), &full)).most, PENDING_MAX);
    // What ended makes room.
    call(&mut m, member(1), &withdrawCall { id: 3 }).unwrap();
    propose(&mut m, COUNCIL, &harmless());
    m.now += VOTING;
    propose(&mut m, COUNCIL, &harmless());
    assert_eq!(state(&mut m, 1), ProposalState::Failed);
    assert_ne!(call(&mut m, ANYBODY, &proposalCall { id: 1 }).unwrap().endedAt, 0);
}

#[test]
fn only_what_modules_permit_can_be_proposed_and_explain_says_so() {
    // CO-7: every call of every module.
    let mut m = consortium(&WEIGHTS);
    for module in crate::ALL {
        for function in (module.abi)().functions() {
            let selector = function.selector().0;
            let mut permits = module.permits.iter();
            let allowed = permits
                .any(|(_, call, who)| *call == selector && who.contains(&Office::Council));
            let (target, input) = (module.address, Bytes::copy_from_slice(&selector));
            let asked = proposeCall { target, call: input, ..proposed(COUNCIL, &harmless()) };
            let result = call(&mut m, member(2), &asked);
            assert_eq!(result.is_ok(), allowed, "{}.{}", module.name, function.name);
            if let Ok(id) = result {
                call(&mut m, member(2), &withdrawCall { id }).unwrap();
            } else {
                refused::<NotForCouncil>(result);
            }
            let ask = |account| explainCall { account, target, selector: selector.into() };
            for (account, reason) in [
                (member(2), Reason::Governor),
                (COUNCIL, Reason::Council),
                (ANYBODY, Reason::NotGovernor),
            ] {
                let answer = call(&mut m, ANYBODY, &ask(account)).unwrap();
                let good = allowed && reason != Reason::NotGovernor;
                assert_eq!(answer.allowed, good, "{}.{}", module.name, function.name);
                let expected = if allowed { reason } else { Reason::NotForCouncil };
                assert_eq!(answer.reason, expected);
            }
        }
    }
    let ask = explainCall {
        account: member(2),
        target: COUNCIL,
        selector: addMemberCall::SELECTOR.into(),
    };
    assert_eq!(call(&mut m, ANYBODY, &ask).unwrap().member, 2);
}

#[test]
fn withdraw_and_vote_refuse_in_this_order() {
    let mut m = consortium(&WEIGHTS);
    let id = propose(&mut m, COUNCIL, &harmless());
    refused::<NotGovernor>(call(&mut m, ANYBODY, &withdrawCall { id: 9 }));
    refused::<NoSuchProposal>(call(&mut m, member(2), &withdrawCall { id: 0 }));
    let NotYourProposal { proposer, .. } = refused(call(&mut m, member(2), &withdrawCall { id }));
    assert_eq!(proposer, 1);
    call(&mut m, member(1), &withdrawCall { id }).unwrap();
    let WrongStage { state, .. } = refused(call(&mut m, member(1), &withdrawCall { id }));
    assert_eq!(state, ProposalState::Withdrawn);
    refused::<NotGovernor>(call(&mut m, ANYBODY, &voteCall { id: 9, inFavour: true }));
    refused::<NoSuchProposal>(call(&mut m, member(1), &voteCall { id: 9, inFavour: true }));
    refused::<WrongStage>(call(&mut m, member(1), &voteCall { id, inFavour: true }));
    refused::<NoSuchProposal>(call(&mut m, ANYBODY, &executeCall { id: 9 }));
}

#[test]
fn a_refused_call_is_recorded_and_undoes_nothing_else() {
    // CO-6
    let mut m = consortium(&WEIGHTS);
    let Err(refusal) = decide(&mut m, COUNCIL, &endMemberCall { id: 9 }) else { panic!("it was done") };
    assert_eq!(NoSuchMember::abi_decode(&refusal).unwrap().id, 9);
    let shown = call(&mut m, ANYBODY, &proposalCall { id: 1 }).unwrap();
    assert_eq!(shown.state, ProposalState::Refused);
    assert_eq!(shown.refusal.0, NoSuchMember::SELECTOR);
    assert_eq!(shown.endedAt, m.now);
    refused::<WrongStage>(call(&mut m, ANYBODY, &executeCall { id: 1 }));
    // A call with arguments that do not decode is refused like any other.
    let bare = proposeCall {
        call: addMemberCall::SELECTOR.into(),
        ..proposed(COUNCIL, &harmless())
    };
    let id = call(&mut m, member(1), &bare).unwrap();
    vote(&mut m, id, &[1, 2, 3], true);
    m.now += VOTING + DELAY;
    assert_eq!(call(&mut m, ANYBODY, &executeCall { id }), Ok(false));
}

#[test]
fn weights_and_rules_judge_what_waits_anew_and_revive_nothing() {
    // CO-10
    use ProposalState::*;
    let mut m = consortium(&WEIGHTS);
    let failed = propose(&mut m, COUNCIL, &harmless());
    let passed = propose(&mut m, COUNCIL, &harmless());
    let open = {
        m.now += DAY;
        propose(&mut m, COUNCIL, &harmless())
    };
    vote(&mut m, failed, &[1, 2, 5], true);
    vote(&mut m, passed, &[1, 2, 3], true);
    vote(&mut m, open, &[1, 2, 5], true);
    m.now = NOW + VOTING;
    for (id, stands) in [(failed, Failed), (passed, Passed), (open, Voting)] {
        assert_eq!(state(&mut m, id), stands);
    }
    // Member 5 weighs two: six of ten took part in `passed`, and eight in `open` would have.
    let heavier = setWeightCall { id: 5, weight: 2 };
    call(&mut m, COUNCIL, &heavier).unwrap();
    for (id, stands) in [(failed, Failed), (passed, Failed), (open, Voting)] {
        assert_eq!(state(&mut m, id), stands);
    }
    // Back again: what failed stays failed.
    call(&mut m, COUNCIL, &setWeightCall { id: 5, weight: 1 }).unwrap();
    let rules = call(&mut m, ANYBODY, &rulesCall {}).unwrap();
    let milder = Rules { participationNum: 1, participationDen: 2, ..rules };
    call(&mut m, COUNCIL, &setRulesCall { rules: milder }).unwrap();
    m.now = NOW + VOTING + DAY;
    for (id, stands) in [(failed, Failed), (passed, Failed), (open, Passed)] {
        assert_eq!(state(&mut m, id), stands);
    }
    // A member that ends takes its vote along: four of eight, then two of six.
    call(&mut m, COUNCIL, &setWeightCall { id: 5, weight: 0 }).unwrap();
    assert_eq!(state(&mut m, open), Passed);
    call(&mut m, COUNCIL, &endMemberCall { id: 2 }).unwrap();
    assert_eq!(state(&mut m, open), Failed);
}

#[test]
fn without_governors_everything_is_refused() {
    let mut m = consortium(&[0, 0]);
    for who in [member(1), ANYBODY, CHAIR] {
        refused::<NoCouncil>(call(&mut m, who, &proposed(COUNCIL, &harmless())));
        refused::<NoCouncil>(call(&mut m, who, &voteCall { id: 1, inFavour: true }));
        refused::<NoCouncil>(call(&mut m, who, &vetoCall { id: 1, reason: "x".into() }));
        refused::<NoCouncil>(call(&mut m, who, &withdrawCall { id: 1 }));
    }
    assert_eq!(call(&mut m, ANYBODY, &mayDeployCall { account: ANYBODY }), Ok(true));
}

#[test]
fn nobody_but_the_council_makes_its_own_calls() {
    // CO-1: every call of PERMITS with arguments that decode, by governors, officers and other modules.
    let mut m = consortium(&WEIGHTS);
    let text = || "x".to_owned();
    let rules = call(&mut m, ANYBODY, &rulesCall {}).unwrap();
    let calls: Vec<Vec<u8>> = vec![
        addMemberCall { name: text(), account: ANYBODY, weight: 1 }.abi_encode(),
        endMemberCall { id: 1 }.abi_encode(),
        setWeightCall { id: 1, weight: 1 }.abi_encode(),
        setAccountCall { id: 1, account: ANYBODY }.abi_encode(),
        setRulesCall { rules }.abi_encode(),
        harmless().abi_encode(),
        scheduleReleaseCall { release: 2, height: 9_999 }.abi_encode(),
        freezeAccountCall { account: ANYBODY, untilAt: NOW + 5, code: 1, reason: text() }.abi_encode(),
        unfreezeAccountCall { account: ANYBODY, reason: text() }.abi_encode(),
        allowDeployerCall { account: ANYBODY, allowed: true }.abi_encode(),
    ];
    assert_eq!(calls.len(), PERMITS.len());
    let before = m.slots.clone();
    for input in &calls {
        for caller in [member(1), CHAIR, ANYBODY, crate::DECISIONS, crate::address::roles] {
            let result = m.run(COUNCIL, caller, |cx| entry(cx, input));
            assert_eq!(refused::<OnlyCouncil>(result).caller, caller);
        }
    }
    assert_eq!(m.slots, before);
}
