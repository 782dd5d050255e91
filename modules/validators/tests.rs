//! Sets by epoch, nodes by key.

use alloy_sol_types::SolCall;
use tulou_primitives::{Genesis, NodeKind, validators_hash};
use tulou_slots::Memory;

use super::*;
use crate::council::{
    ICouncil::OnlyCouncil,
    tests::world::{ANYBODY, COUNCIL, NOW, begin, consortium, decide, first_page, key, member, refused},
};

const AT: Address = crate::address::validators;

fn call<C: SolCall>(m: &mut Memory, caller: Address, call: &C) -> Res<C::Return> {
    m.call(AT, entry, caller, call)
}

fn admitted(number: usize, who: u8, kind: Kind) -> admitCall {
    admitCall { key: key(number), member: member(who), kind, endpoint: format!("h{number}:9000") }
}

fn dismissed(number: usize) -> dismissCall {
    dismissCall { key: key(number) }
}

fn set(m: &mut Memory, epoch: u64) -> Vec<B256> {
    call(m, ANYBODY, &setOfCall { epoch }).unwrap()
}

fn keys(numbers: &[usize]) -> Vec<B256> {
    numbers.iter().map(|number| key(*number)).collect()
}

#[test]
fn keys_and_endpoints_at_their_edges() {
    // VA-4: (bytes, repeated) and points that are no keys.
    for (number, byte) in [(0, 1u8), (1, 3), (5, 11)] {
        assert!(rule::is_key(key(number)), "{byte}");
    }
    for byte in [2u8, 4, 5, 7, 8] {
        assert!(!rule::is_key(B256::repeat_byte(byte)), "{byte} is no point");
    }
    let mut identity = B256::ZERO;
    identity[0] = 1;
    let mut beyond = B256::repeat_byte(0xff);
    (beyond[0], beyond[31]) = (0xee, 0x7f); // the prime plus one: the identity, spelt otherwise
    for small in [B256::ZERO, identity, beyond] {
        assert!(!rule::is_key(small), "{small}");
    }
    let host = "h".repeat(253);
    for (text, good) in [
        ("10.0.0.1:9000", true),
        ("node.example:1", true),
        ("[::1]:65535", true),
        ("a:65536", false),
        ("a:0", false),
        ("a:01", false),
        ("a:+1", false),
        ("a:", false),
        (":9000", false),
        ("[]:1", false),
        ("a", false),
        ("", false),
        ("::1:9000", false),
        ("a b:9000", false),
        (&format!("{host}:65535"), true),
        (&format!("h{host}:65535"), false),
    ] {
        assert_eq!(rule::is_endpoint(text), good, "{text}");
    }
}

#[test]
fn one_member_holds_no_more_than_may_fail_together() {
    // VA-2, VA-3
    for (n, most) in [(1, 1), (3, 3), (4, 1), (6, 1), (7, 2), (9, 2), (10, 3), (64, 21)] {
        assert_eq!(rule::most_of_one(n), most, "{n}");
    }
    for (before, least) in [(1, 1), (3, 1), (4, 4), (64, 4)] {
        assert_eq!(rule::least(before), least, "{before}");
    }
}

#[test]
fn changes_of_one_epoch_make_one_set_two_epochs_later() {
    // VA-1, VA-5, VA-6
    let mut m = consortium(&[1, 1, 1, 1]);
    let first = keys(&[0, 1, 2, 3]);
    m.height = 99;
    call(&mut m, COUNCIL, &admitted(6, 1, Kind::Observer)).unwrap();
    m.height = 350; // epoch 3
    let five = member(9);
    m.run(COUNCIL, COUNCIL, |cx| {
        let name = "member 5".into();
        let input = crate::council::ICouncil::addMemberCall { name, account: five, weight: 1 };
        crate::council::entry(cx, &input.abi_encode())
    })
    .unwrap();
    let admit = admitCall { member: five, ..admitted(5, 1, Kind::Validator) };
    call(&mut m, COUNCIL, &admit).unwrap();
    let emitted = SetScheduled { fromEpoch: 5, validators: 5, commitment: validators_hash(5, &keys(&[0, 1, 2, 3, 5])) };
    let scheduled = m.logs.iter().any(|(at, log)| {
        *at == AT && *log == alloy_sol_types::SolEvent::encode_log_data(&emitted)
    });
    assert!(scheduled);
    call(&mut m, COUNCIL, &dismissed(0)).unwrap();
    let after = keys(&[1, 2, 3, 5]);
    for (epoch, expected) in [(0, &first), (3, &first), (4, &first), (5, &after), (99, &after)] {
        assert_eq!(&set(&mut m, epoch), expected, "{epoch}");
    }
    let told = call(&mut m, ANYBODY, &epochCall {}).unwrap();
    assert_eq!((told.current, told.length, told.nextChangeEpoch), (3, 100, 5));
    let connected = |m: &mut Memory| -> Vec<B256> {
        let mut keys: Vec<_> =
            call(m, ANYBODY, &peersCall {}).unwrap().into_iter().map(|node| node.key).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(connected(&mut m), keys(&[0, 1, 2, 3, 5, 6]));
    // In the next epoch another change: two sets are scheduled, and none of the fixed ones moves.
    m.height = 400;
    call(&mut m, COUNCIL, &replaceKeyCall { oldKey: key(5), newKey: key(7) }).unwrap();
    let last = keys(&[1, 2, 3, 7]);
    for (epoch, expected) in [(4, &first), (5, &after), (6, &last)] {
        assert_eq!(&set(&mut m, epoch), expected, "{epoch}");
    }
    m.height = 499;
    assert_eq!(connected(&mut m), keys(&[0, 1, 2, 3, 5, 6, 7]));
    m.height = 500;
    assert_eq!(connected(&mut m), keys(&[1, 2, 3, 5, 6, 7]));
    m.height = 600;
    assert_eq!(connected(&mut m), keys(&[1, 2, 3, 6, 7]));
    for (epoch, expected) in [(0, &first), (4, &first), (5, &after), (6, &last)] {
        assert_eq!(&set(&mut m, epoch), expected, "{epoch}");
    }
    assert_eq!(call(&mut m, ANYBODY, &epochCall {}).unwrap().nextChangeEpoch, 0);
}

#[test]
fn admit_refuses_in_this_order() {
    let mut m = consortium(&[1, 1, 1, 1]);
    let bad = admitCall {
        key: B256::repeat_byte(2),
        member: ANYBODY,
        kind: Kind::None,
        endpoint: "nowhere".into(),
    };
    refused::<OnlyCouncil>(call(&mut m, member(1), &bad));
    assert_eq!(refused::<BadKey>(call(&mut m, COUNCIL, &bad)).key, bad.key);
    let bad = admitCall { key: key(0), ..bad };
    assert_eq!(refused::<KeyUsed>(call(&mut m, COUNCIL, &bad)).key, key(0));
    let bad = admitCall { key: key(9), ..bad };
    assert_eq!(refused::<NotAMember>(call(&mut m, COUNCIL, &bad)).account, ANYBODY);
    let bad = admitCall { member: member(1), ..bad };
    refused::<BadKind>(call(&mut m, COUNCIL, &bad));
    let bad = admitCall { kind: Kind::Validator, ..bad };
    assert_eq!(refused::<BadEndpoint>(call(&mut m, COUNCIL, &bad)).endpoint, "nowhere");
    let bad = admitCall { endpoint: String::new(), ..bad };
    refused::<BadEndpoint>(call(&mut m, COUNCIL, &bad));
    // Five validators: f is one, and member 1 has one.
    let second = admitted(9, 1, Kind::Validator);
    let TooManyOfOne { member: whose, held, most } = refused(call(&mut m, COUNCIL, &second));
    assert_eq!((whose, held, most), (member(1), 2, 1));
    call(&mut m, COUNCIL, &admitCall { kind: Kind::Observer, ..bad }).unwrap();
    for number in 10..64 {
        call(&mut m, COUNCIL, &admitted(number, 1, Kind::Archive)).unwrap();
    }
}

#[test]
fn as_many_nodes_and_validators_as_there_may_be() {
    let mut page = first_page(&[1; 64]);
    page.members.iter_mut().for_each(|member| member.address.clear());
    let mut m = begin(&page).unwrap();
    m.height = 1;
    let TooManyValidators { most } = refused(call(&mut m, COUNCIL, &admitted(64, 1, Kind::Validator)));
    assert_eq!(most, 64);
    call(&mut m, COUNCIL, &admitted(64, 1, Kind::Observer)).unwrap();
    // Fill the rest with nodes that the list does not tell from real ones.
    m.run(AT, COUNCIL, |cx| {
        for number in 65..NODES_MAX {
            let head = Head { member: 1, kind: Kind::Observer, from_epoch: 0, until_epoch: 0 };
            write(cx, B256::from(U256::from(number)), head, "")?;
        }
        Ok(())
    })
    .unwrap();
    let TooManyNodes { most } = refused(call(&mut m, COUNCIL, &admitted(65, 1, Kind::Observer)));
    assert_eq!(most, NODES_MAX);
    // One that left makes room as soon as its time is over.
    call(&mut m, COUNCIL, &dismissed(64)).unwrap();
    m.height = 100;
    call(&mut m, COUNCIL, &admitted(65, 1, Kind::Observer)).unwrap();
    let page = call(&mut m, ANYBODY, &nodesCall { cursor: 0, limit: 200 }).unwrap();
    assert_eq!(page.items.len() as u64, NODES_MAX + 1);
    let peers = call(&mut m, ANYBODY, &peersCall {}).unwrap();
    assert_eq!(peers.len() as u64, NODES_MAX);
}

#[test]
fn no_set_is_empty_or_below_four_again() {
    // VA-2
    let mut m = consortium(&[1, 1, 1, 1, 1]);
    refused::<OnlyCouncil>(call(&mut m, member(1), &dismissed(9)));
    assert_eq!(refused::<NoSuchNode>(call(&mut m, COUNCIL, &dismissed(9))).key, key(9));
    call(&mut m, COUNCIL, &dismissed(4)).unwrap();
    assert_eq!(refused::<NodeGone>(call(&mut m, COUNCIL, &dismissed(4))).untilEpoch, 2);
    let TooFewValidators { left, least } = refused(call(&mut m, COUNCIL, &dismissed(3)));
    assert_eq!((left, least), (3, 4));
    let follow = setKindCall { key: key(3), kind: Kind::Observer };
    refused::<TooFewValidators>(call(&mut m, COUNCIL, &follow));
    // Three may go down to one, and a fourth that is not yet fixed may go again.
    let mut m = consortium(&[1, 1, 1]);
    call(&mut m, COUNCIL, &dismissed(0)).unwrap();
    call(&mut m, COUNCIL, &dismissed(1)).unwrap();
    let TooFewValidators { left, least } = refused(call(&mut m, COUNCIL, &dismissed(2)));
    assert_eq!((left, least), (0, 1));
}

#[test]
fn a_key_is_replaced_and_never_comes_back() {
    // VA-4
    let mut m = consortium(&[1, 1, 1, 1]);
    let swap = |old, new| replaceKeyCall { oldKey: old, newKey: new };
    refused::<OnlyCouncil>(call(&mut m, member(1), &swap(key(9), key(0))));
    refused::<NoSuchNode>(call(&mut m, COUNCIL, &swap(key(9), key(0))));
    refused::<BadKey>(call(&mut m, COUNCIL, &swap(key(0), B256::ZERO)));
    refused::<KeyUsed>(call(&mut m, COUNCIL, &swap(key(0), key(1))));
    call(&mut m, COUNCIL, &swap(key(0), key(5))).unwrap();
    refused::<NodeGone>(call(&mut m, COUNCIL, &swap(key(0), key(6))));
    refused::<KeyUsed>(call(&mut m, COUNCIL, &swap(key(5), key(0))));
    assert_eq!(set(&mut m, 2), keys(&[1, 2, 3, 5]));
    let listed = call(&mut m, ANYBODY, &nodesCall { cursor: 4, limit: 1 }).unwrap();
    let node = &listed.items[0];
    assert_eq!((node.key, node.member, node.kind), (key(5), member(1), Kind::Validator));
    assert_eq!((node.fromEpoch, node.untilEpoch, node.endpoint.as_str()), (2, 0, "10.0.0.1:9000"));
    // Twice in one epoch is one change.
    call(&mut m, COUNCIL, &swap(key(5), key(6))).unwrap();
    assert_eq!(set(&mut m, 2), keys(&[1, 2, 3, 6]));
    assert_eq!(set(&mut m, 1), keys(&[0, 1, 2, 3]));
}

#[test]
fn a_node_changes_its_kind_and_its_place() {
    // VA-7
    let mut m = consortium(&[1, 1, 1, 1, 1]);
    let kind = |number, kind| setKindCall { key: key(number), kind };
    refused::<OnlyCouncil>(call(&mut m, member(1), &kind(9, Kind::None)));
    refused::<NoSuchNode>(call(&mut m, COUNCIL, &kind(9, Kind::None)));
    for same in [Kind::None, Kind::Validator] {
        refused::<BadKind>(call(&mut m, COUNCIL, &kind(0, same)));
    }
    call(&mut m, COUNCIL, &kind(0, Kind::Archive)).unwrap();
    assert_eq!(set(&mut m, 2), keys(&[1, 2, 3, 4]));
    call(&mut m, COUNCIL, &kind(0, Kind::Observer)).unwrap();
    call(&mut m, COUNCIL, &kind(0, Kind::Validator)).unwrap();
    assert_eq!(set(&mut m, 2), keys(&[0, 1, 2, 3, 4]));
    let moved = |number, endpoint: &str| moveToCall { key: key(number), endpoint: endpoint.into() };
    refused::<NoSuchNode>(call(&mut m, ANYBODY, &moved(9, "")));
    for stranger in [ANYBODY, member(2), COUNCIL] {
        assert_eq!(refused::<NotYourNode>(call(&mut m, stranger, &moved(0, ""))).caller, stranger);
    }
    refused::<BadEndpoint>(call(&mut m, member(1), &moved(0, "")));
    call(&mut m, member(1), &moved(0, "new.example:1234")).unwrap();
    assert_eq!(call(&mut m, ANYBODY, &peersCall {}).unwrap()[0].endpoint, "new.example:1234");
    // An observer that nobody needs to reach cannot become a validator like that.
    let quiet = admitCall { endpoint: String::new(), ..admitted(8, 1, Kind::Observer) };
    call(&mut m, COUNCIL, &quiet).unwrap();
    refused::<BadEndpoint>(call(&mut m, COUNCIL, &kind(8, Kind::Validator)));
}

#[test]
fn the_council_changes_the_set_by_proposal() {
    let mut m = consortium(&[1, 1, 1, 1, 1]);
    decide(&mut m, AT, &dismissed(2)).unwrap();
    assert_eq!(set(&mut m, 2), keys(&[0, 1, 3, 4]));
    let refusal = decide(&mut m, AT, &dismissed(1)).unwrap_err();
    let refusal = <TooFewValidators as alloy_sol_types::SolError>::abi_decode(&refusal).unwrap();
    assert_eq!((refusal.left, refusal.least), (3, 4));
    assert!(m.now > NOW);
}

/// Makes a good genesis a bad one.
type Spoil<'a> = &'a dyn Fn(&mut Genesis);

#[test]
fn genesis_names_what_makes_no_set() {
    let cases: [(&str, Spoil); 5] = [
        ("at least one height", &|g| g.epoch_length = 0),
        ("no ed25519 key", &|g| g.members[1].node = B256::repeat_byte(2)),
        ("another node", &|g| g.members[1].node = g.members[0].node),
        ("not host:port", &|g| g.members[1].address = "here".into()),
        ("no member is a validator", &|g| {
            g.members.iter_mut().for_each(|member| member.kind = NodeKind::Archive);
        }),
    ];
    for (words, spoil) in cases {
        let mut page = first_page(&[1, 1, 1, 1]);
        spoil(&mut page);
        let Err(Fault::Fatal(reason)) = begin(&page) else { panic!("taken although: {words}") };
        assert!(reason.starts_with("genesis: ") && reason.contains(words), "{words}: {reason}");
    }
    let Err(Fault::Fatal(reason)) = begin(&first_page(&[1; 65])) else { panic!("65 were taken") };
    assert!(reason.contains("more than 64 validators"), "{reason}");
    let mut page = first_page(&[1, 1, 1, 1, 0]);
    page.members[4].kind = NodeKind::Observer;
    let mut m = begin(&page).unwrap();
    assert_eq!(set(&mut m, 0), keys(&[0, 1, 2, 3]));
    assert_eq!(call(&mut m, ANYBODY, &peersCall {}).unwrap().len(), 5);
}
