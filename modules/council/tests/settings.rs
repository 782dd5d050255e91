//! Parameters, releases, freezes, deployers: bounds to the unit and one beyond.

use super::world::*;
use crate::council::{ICouncil::*, gate, is_deployer, is_governor, release};
use crate::prelude::*;
use tulou_slots::Memory;

const WEIGHTS: [u32; 5] = [2, 2, 2, 2, 1];

fn set(name: &str, value: u64) -> setParameterCall {
    setParameterCall { name: name.into(), value }
}

#[test]
fn parameters_stay_within_their_bounds() {
    let mut m = consortium(&WEIGHTS);
    refused::<OnlyCouncil>(call(&mut m, member(1), &set("", 0)));
    let unknown = refused::<NoSuchParameter>(call(&mut m, COUNCIL, &set("block.colour", 1)));
    assert_eq!(unknown.name, "block.colour");
    refused::<NoSuchParameter>(call(&mut m, COUNCIL, &parameterCall { name: "x".into() }));
    let all = call(&mut m, ANYBODY, &parametersCall {}).unwrap();
    let names: Vec<_> = all.iter().map(|p| (p.name.as_str(), p.value)).collect();
    assert_eq!(names, [
        ("block.gas_limit", 30_000_000),
        ("deploy.open", 0),
        ("freeze.days", 90),
        ("release.notice_heights", 100),
        ("proposal.open_days", 30),
        ("suites", 7),
    ]);
    for p in &all {
        let mut tried = vec![(p.least, true), (p.most, true), (p.most + 1, false)];
        tried.extend(p.least.checked_sub(1).map(|below| (below, false)));
        for (value, good) in tried {
            let result = call(&mut m, COUNCIL, &set(&p.name, value));
            assert_eq!(result.is_ok(), good, "{} {value}", p.name);
            if good {
                let ask = parameterCall { name: p.name.clone() };
                assert_eq!(call(&mut m, ANYBODY, &ask).unwrap().value, value);
            } else {
                let OutOfBounds { least, most, .. } = refused(result);
                assert_eq!((least, most), (p.least, p.most));
            }
        }
    }
    let refusal = refused::<OutOfBounds>(call(&mut m, COUNCIL, &set("freeze.days", u64::MAX)));
    assert_eq!(refusal.value, u64::MAX);
    // One parameter leaves the others alone.
    call(&mut m, COUNCIL, &set("block.gas_limit", 40_000_000)).unwrap();
    let gate = m.run(ANYBODY, ANYBODY, gate).unwrap();
    assert_eq!((gate.gas_limit, gate.deploy_closed, gate.freezes), (40_000_000, false, 0));
}

#[test]
fn kinds_of_keys_are_closed_and_opened() {
    let mut m = consortium(&WEIGHTS);
    let before = m.run(ANYBODY, ANYBODY, gate).unwrap();
    assert_eq!(before.suites_closed, 0);
    for (open, closed) in [(1, 6), (2, 5), (3, 4), (4, 3), (5, 2), (6, 1), (7, 0)] {
        call(&mut m, COUNCIL, &set("suites", open)).unwrap();
        assert_eq!(m.run(ANYBODY, ANYBODY, gate).unwrap().suites_closed, closed, "{open}");
        let ask = parameterCall { name: "suites".into() };
        assert_eq!(call(&mut m, ANYBODY, &ask).unwrap().value, open);
    }
    assert_eq!(m.run(ANYBODY, ANYBODY, gate).unwrap(), before);
}

#[test]
fn governors_are_members_with_weight() {
    let mut m = consortium(&WEIGHTS);
    let asked = |m: &mut Memory, who| m.run(ANYBODY, ANYBODY, |cx| is_governor(cx, who));
    assert_eq!(asked(&mut m, member(1)), Ok(true));
    assert_eq!(asked(&mut m, ANYBODY), Ok(false));
    assert_eq!(asked(&mut m, Address::ZERO), Ok(false));
    let name = "an observer".to_owned();
    call(&mut m, COUNCIL, &addMemberCall { name, account: ANYBODY, weight: 0 }).unwrap();
    assert_eq!(asked(&mut m, ANYBODY), Ok(false));
}

#[test]
fn releases_rise_and_are_told_of_in_time() {
    // CO-8
    let mut m = consortium(&WEIGHTS);
    m.height = 1_000;
    let plan = |release, height| scheduleReleaseCall { release, height };
    refused::<OnlyCouncil>(call(&mut m, member(1), &plan(2, 1_100)));
    let BadRelease { lastRelease, lastHeight, .. } = refused(call(&mut m, COUNCIL, &plan(1, 1_100)));
    assert_eq!((lastRelease, lastHeight), (1, 0));
    let ReleaseTooSoon { earliest, .. } = refused(call(&mut m, COUNCIL, &plan(2, 1_099)));
    assert_eq!(earliest, 1_100);
    call(&mut m, COUNCIL, &plan(2, 1_100)).unwrap();
    let at = |m: &mut Memory, height| call(m, ANYBODY, &releaseAtCall { height }).unwrap();
    for (height, number) in [(0, 1), (1_099, 1), (1_100, 2), (u64::MAX, 2)] {
        assert_eq!(at(&mut m, height), number, "{height}");
    }
    // It may be moved until its height, and another follows by number and by height.
    call(&mut m, COUNCIL, &plan(2, 1_200)).unwrap();
    assert_eq!((at(&mut m, 1_199), at(&mut m, 1_200)), (1, 2));
    refused::<BadRelease>(call(&mut m, COUNCIL, &plan(3, 1_200)));
    call(&mut m, COUNCIL, &plan(4, 1_201)).unwrap();
    refused::<BadRelease>(call(&mut m, COUNCIL, &plan(4, 1_200)));
    call(&mut m, COUNCIL, &plan(4, 1_300)).unwrap();
    m.height = 1_299;
    assert_eq!(m.run(ANYBODY, ANYBODY, release), Ok(2));
    m.height = 1_300;
    assert_eq!(m.run(ANYBODY, ANYBODY, release), Ok(4));
    refused::<BadRelease>(call(&mut m, COUNCIL, &plan(4, 9_000)));
    let listed = call(&mut m, ANYBODY, &releasesCall { cursor: 1, limit: 9 }).unwrap();
    let listed: Vec<_> = listed.items.iter().map(|r| (r.release, r.height)).collect();
    assert_eq!(listed, [(2, 1_200), (4, 1_300)]);
}

#[test]
fn a_freeze_has_a_reason_and_an_end() {
    // CO-9
    let mut m = consortium(&WEIGHTS);
    let latest = NOW + 90 * DAY;
    let freeze = |account, until_at, code, reason: &str| freezeAccountCall {
        account,
        untilAt: until_at,
        code,
        reason: reason.into(),
    };
    refused::<OnlyCouncil>(call(&mut m, member(1), &freeze(COUNCIL, 0, 0, "")));
    for account in [Address::ZERO, COUNCIL, member(5)] {
        let refusal = refused::<CannotFreeze>(call(&mut m, COUNCIL, &freeze(account, 0, 0, "")));
        assert_eq!(refusal.account, account);
    }
    for code in [0, 5] {
        assert_eq!(refused::<NoSuchCode>(call(&mut m, COUNCIL, &freeze(CHAIR, 0, code, ""))).code, code);
    }
    refused::<BadReason>(call(&mut m, COUNCIL, &freeze(CHAIR, 0, 1, "")));
    for until in [NOW, latest + 1] {
        let BadFreeze { latestUntilAt, .. } =
            refused(call(&mut m, COUNCIL, &freeze(CHAIR, until, 1, "lost")));
        assert_eq!(latestUntilAt, latest);
    }
    let lift = |account, reason: &str| unfreezeAccountCall { account, reason: reason.into() };
    assert_eq!(refused::<NotFrozen>(call(&mut m, COUNCIL, &lift(CHAIR, ""))).account, CHAIR);
    for (code, until) in [(1, NOW + 1), (4, latest)] {
        call(&mut m, COUNCIL, &freeze(CHAIR, until, code, "lost")).unwrap();
        let shown = call(&mut m, ANYBODY, &frozenCall { account: CHAIR }).unwrap();
        assert_eq!((shown.holds, shown.untilAt, shown.code), (true, until, code));
    }
    call(&mut m, COUNCIL, &freeze(ANYBODY, latest, 2, "court")).unwrap();
    assert_eq!(m.run(ANYBODY, ANYBODY, gate).unwrap().freezes, 2);
    let ask = explainCall {
        account: CHAIR,
        target: COUNCIL,
        selector: <addMemberCall as alloy_sol_types::SolCall>::SELECTOR.into(),
    };
    assert_eq!(call(&mut m, ANYBODY, &ask).unwrap().reason, Reason::Frozen);
    refused::<OnlyCouncil>(call(&mut m, CHAIR, &lift(CHAIR, "me")));
    refused::<BadReason>(call(&mut m, COUNCIL, &lift(CHAIR, "")));
    call(&mut m, COUNCIL, &lift(CHAIR, "found")).unwrap();
    let shown = call(&mut m, ANYBODY, &frozenCall { account: CHAIR }).unwrap();
    assert_eq!((shown.holds, shown.untilAt, shown.reason.as_str()), (false, 0, "found"));
    assert_eq!(m.run(ANYBODY, ANYBODY, gate).unwrap().freezes, 1);
    // The other ends by itself, on the second; freezing again counts it once.
    for (now, holds) in [(latest - 1, true), (latest, false)] {
        m.now = now;
        let shown = call(&mut m, ANYBODY, &frozenCall { account: ANYBODY }).unwrap();
        assert_eq!(shown.holds, holds, "{now}");
    }
    refused::<NotFrozen>(call(&mut m, COUNCIL, &lift(ANYBODY, "over")));
    call(&mut m, COUNCIL, &freeze(ANYBODY, latest + 1, 3, "again")).unwrap();
    assert_eq!(m.run(ANYBODY, ANYBODY, gate).unwrap().freezes, 1);
}

#[test]
fn contracts_are_for_those_who_may() {
    let mut m = consortium(&WEIGHTS);
    let may = |m: &mut Memory| call(m, ANYBODY, &mayDeployCall { account: CHAIR }).unwrap();
    assert!(!may(&mut m));
    let allow = |account, allowed| allowDeployerCall { account, allowed };
    refused::<OnlyCouncil>(call(&mut m, member(1), &allow(CHAIR, true)));
    for account in [Address::ZERO, crate::address::money] {
        refused::<BadAccount>(call(&mut m, COUNCIL, &allow(account, true)));
    }
    call(&mut m, COUNCIL, &allow(CHAIR, true)).unwrap();
    assert!(may(&mut m));
    call(&mut m, COUNCIL, &allow(CHAIR, false)).unwrap();
    assert!(!may(&mut m));
    call(&mut m, COUNCIL, &set("deploy.open", 1)).unwrap();
    assert!(may(&mut m));
    assert_eq!(m.run(ANYBODY, ANYBODY, |cx| is_deployer(cx, CHAIR)), Ok(false));
}
