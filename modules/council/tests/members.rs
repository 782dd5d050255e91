//! Members, weights and rules: every refusal in order, and what genesis takes.

use super::world::*;
use crate::council::{ICouncil::*, account_of, member_of};
use crate::prelude::*;
use tulou_primitives::{Genesis, Share};
use tulou_slots::Memory;

const WEIGHTS: [u32; 5] = [2, 2, 2, 2, 1];

fn add(name: &str, account: Address, weight: u32) -> addMemberCall {
    addMemberCall { name: name.into(), account, weight }
}

fn members(m: &mut Memory) -> Vec<Member> {
    call(m, ANYBODY, &membersCall { cursor: 0, limit: 200 }).unwrap().items
}

#[test]
fn a_member_is_taken_in_or_refused_in_this_order() {
    let mut m = consortium(&WEIGHTS);
    refused::<OnlyCouncil>(call(&mut m, member(1), &add("", ANYBODY, 9)));
    for name in [String::new(), "x".repeat(101)] {
        let BadName { bytesGiven, .. } = refused(call(&mut m, COUNCIL, &add(&name, COUNCIL, 9)));
        assert_eq!(bytesGiven, name.len() as u64);
    }
    for account in [Address::ZERO, COUNCIL, crate::address::money] {
        assert_eq!(refused::<BadAccount>(call(&mut m, COUNCIL, &add("x", account, 9))).account, account);
    }
    let AccountTaken { member: taken, .. } = refused(call(&mut m, COUNCIL, &add("x", member(2), 9)));
    assert_eq!(taken, 2);
    // Nine and w: at most a third less one.
    let TooHeavy { member: heavy, weight, most } =
        refused(call(&mut m, COUNCIL, &add("x", ANYBODY, 5)));
    assert_eq!((heavy, weight, most), (6, 5, 4));
    assert_eq!(call(&mut m, COUNCIL, &add("x", ANYBODY, 4)), Ok(6));
    let shown = members(&mut m).pop().unwrap();
    assert_eq!((shown.id, shown.account, shown.weight, shown.untilAt), (6, ANYBODY, 4, 0));
    // A member without weight may join whatever the others weigh, up to the last number.
    for number in 7..=255u64 {
        let account = Address::from_word(B256::from(U256::from(0x1000 + number)));
        assert_eq!(call(&mut m, COUNCIL, &add("y", account, 0)), Ok(number));
    }
    let full = call(&mut m, COUNCIL, &add("z", Address::repeat_byte(0x77), 0));
    assert_eq!(refused::<TooManyMembers>(full).most, 255);
    // The last number votes like the first: its bit lies in the same word.
    call(&mut m, COUNCIL, &setWeightCall { id: 255, weight: 4 }).unwrap();
    let id = propose(&mut m, COUNCIL, &setWeightCall { id: 255, weight: 3 });
    let last = Address::from_word(B256::from(U256::from(0x1000 + 255)));
    call(&mut m, last, &voteCall { id, inFavour: true }).unwrap();
    assert_eq!(call(&mut m, ANYBODY, &tallyCall { id }).unwrap().inFavour, 4);
}

#[test]
fn no_council_falls_below_three_or_to_one() {
    // CO-3, CO-4
    let mut m = consortium(&[1, 1, 1, 1]);
    refused::<OnlyCouncil>(call(&mut m, member(1), &endMemberCall { id: 9 }));
    for id in [0, 5] {
        assert_eq!(refused::<NoSuchMember>(call(&mut m, COUNCIL, &endMemberCall { id })).id, id);
        refused::<NoSuchMember>(call(&mut m, COUNCIL, &setWeightCall { id, weight: 1 }));
    }
    call(&mut m, COUNCIL, &endMemberCall { id: 4 }).unwrap();
    refused::<NoSuchMember>(call(&mut m, COUNCIL, &endMemberCall { id: 4 }));
    assert_eq!(members(&mut m)[3].untilAt, NOW);
    let TooFewGovernors { left, least } = refused(call(&mut m, COUNCIL, &endMemberCall { id: 3 }));
    assert_eq!((left, least), (2, 3));
    let TooFewGovernors { left, .. } =
        refused(call(&mut m, COUNCIL, &setWeightCall { id: 3, weight: 0 }));
    assert_eq!(left, 2);
    let TooHeavy { most, .. } = refused(call(&mut m, COUNCIL, &setWeightCall { id: 3, weight: 2 }));
    assert_eq!(most, 1);
    // A member that left speaks no more, and its account may join again under a new number.
    refused::<NotGovernor>(call(&mut m, member(4), &voteCall { id: 1, inFavour: true }));
    assert_eq!(call(&mut m, COUNCIL, &add("again", member(4), 1)), Ok(5));
    assert_eq!(m.run(ANYBODY, ANYBODY, |cx| member_of(cx, member(4))), Ok(5));
}

#[test]
fn another_account_speaks_for_a_member_and_its_votes_stay() {
    let mut m = consortium(&WEIGHTS);
    let id = propose(&mut m, COUNCIL, &endMemberCall { id: 5 });
    vote(&mut m, id, &[1, 2, 3], true);
    let set = |id, account| setAccountCall { id, account };
    refused::<OnlyCouncil>(call(&mut m, member(1), &set(9, COUNCIL)));
    refused::<NoSuchMember>(call(&mut m, COUNCIL, &set(9, COUNCIL)));
    refused::<BadAccount>(call(&mut m, COUNCIL, &set(1, COUNCIL)));
    refused::<AccountTaken>(call(&mut m, COUNCIL, &set(1, member(2))));
    // CO-9: nor does a frozen account, to the last second of the freeze.
    let freeze = |until_at| {
        let reason = "key lost".into();
        freezeAccountCall { account: ANYBODY, untilAt: until_at, code: 1, reason }
    };
    call(&mut m, COUNCIL, &freeze(NOW + 10)).unwrap();
    for now in [NOW, NOW + 9] {
        m.now = now;
        refused::<BadAccount>(call(&mut m, COUNCIL, &set(1, ANYBODY)));
        refused::<BadAccount>(call(&mut m, COUNCIL, &add("frozen", ANYBODY, 0)));
    }
    m.now = NOW + 10;
    call(&mut m, COUNCIL, &set(1, ANYBODY)).unwrap();
    assert_eq!(m.run(CHAIR, CHAIR, |cx| account_of(cx, 1)), Ok(ANYBODY));
    refused::<NotGovernor>(call(&mut m, member(1), &voteCall { id, inFavour: false }));
    m.now += VOTING + DELAY;
    assert_eq!(call(&mut m, CHAIR, &executeCall { id }), Ok(true));
}

#[test]
fn rules_refuse_shares_and_times_outside_of_their_bounds() {
    // CO-2
    let mut m = consortium(&WEIGHTS);
    let rules = call(&mut m, ANYBODY, &rulesCall {}).unwrap();
    let mut set = |change: &dyn Fn(&mut Rules)| {
        let mut rules = rules.clone();
        change(&mut rules);
        call(&mut m, COUNCIL, &setRulesCall { rules })
    };
    for (num, den, good) in [(0, 3, false), (1, 1, true), (3, 2, false), (1, 0, false), (2, 3, true)] {
        let fields: [&dyn Fn(&mut Rules); 3] = [
            &|r| (r.participationNum, r.participationDen) = (num, den),
            &|r| (r.majorityNum, r.majorityDen) = (num, den),
            &|r| (r.vetoNum, r.vetoDen) = (num, den),
        ];
        for change in fields {
            let result = set(change);
            assert_eq!(result.is_ok(), good, "{num}/{den}");
            if !good {
                let BadShare { num: n, den: d } = refused(result);
                assert_eq!((n, d), (num, den));
            }
        }
    }
    for (seconds, good) in [(0, false), (1, true), (90 * DAY, true), (90 * DAY + 1, false)] {
        let fields: [&dyn Fn(&mut Rules); 2] =
            [&|r| r.votingSeconds = seconds, &|r| r.delaySeconds = seconds];
        for change in fields {
            let result = set(change);
            assert_eq!(result.is_ok(), good, "{seconds}");
            if !good {
                let BadTime { given, least, most } = refused(result);
                assert_eq!((given, least, most), (seconds, 1, 90 * DAY));
            }
        }
    }
    // Two of nine reach two ninths alone, and not two eighths.
    let alone = set(&|r| (r.participationNum, r.participationDen) = (2, 9));
    let DecidesAlone { member: who, weight, total } = refused(alone);
    assert_eq!((who, weight, total), (1, 2, 9));
    set(&|r| (r.participationNum, r.participationDen) = (2, 8)).unwrap();
    refused::<OnlyCouncil>(call(&mut m, member(1), &setRulesCall { rules }));
}

/// Makes a good genesis a bad one.
type Spoil<'a> = &'a dyn Fn(&mut Genesis);

#[test]
fn genesis_names_what_makes_no_council() {
    let two_thirds = Share { num: 2, den: 3 };
    let cases: [(&str, Spoil); 12] = [
        ("1 members have weight", &|g| g.members.iter_mut().skip(1).for_each(|m| m.weight = 0)),
        ("2 members have weight", &|g| g.members.iter_mut().skip(2).for_each(|m| m.weight = 0)),
        ("weight 9", &|g| g.members[0].weight = 9),
        ("a threshold", &|g| g.council.participation.num = 0),
        ("a threshold", &|g| g.council.majority.num = 4),
        ("a threshold", &|g| g.council.veto.den = 0),
        ("a time", &|g| g.council.voting_s = 0),
        ("a time", &|g| g.council.delay_s = 0),
        ("participation alone", &|g| g.council.participation = Share { num: 1, den: 5 }),
        ("another member", &|g| g.members[1].account = g.members[0].account),
        ("cannot be the account", &|g| g.members[1].account = Address::ZERO),
        ("0 bytes", &|g| g.members[2].name.clear()),
    ];
    for (words, spoil) in cases {
        let mut page = first_page(&[1, 1, 1, 1, 1]);
        page.council.participation = two_thirds;
        assert!(begin(&page).is_ok());
        spoil(&mut page);
        let Err(Fault::Fatal(reason)) = begin(&page) else { panic!("taken although: {words}") };
        assert!(reason.starts_with("genesis: ") && reason.contains(words), "{words}: {reason}");
    }
    let mut page = first_page(&[1, 1, 1]);
    page.members[0].account = crate::address::money;
    assert!(begin(&page).is_err());
    // Three suffice, and none at all is a ledger that nobody shares.
    for weights in [&[1, 1, 1][..], &[0, 0, 0], &[0]] {
        assert!(begin(&first_page(weights)).is_ok(), "{weights:?}");
    }
}
