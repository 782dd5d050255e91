use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Address;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use ipnet::IpNet;

use super::{
    Caller, Class, Gate, Limits,
    gate::{household, origin},
    retry_after,
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn from(text: &str) -> SocketAddr {
    (ip(text), 4_000).into()
}

#[test]
fn a_v6_caller_counts_by_its_64_and_a_mapped_v4_by_itself() {
    for (address, counted) in [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
    ] {
        assert_eq!(household(ip(address)), ip(counted), "{address}");
    }
}

#[test]
fn only_trusted_proxies_are_believed() {
    let proxies = nets(&["10.0.0.0/8", "192.0.2.1/32"]);
    for (peer, forwarded, found) in [
        // A stranger's own header says nothing.
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        // What the caller wrote before the first proxy stays unread.
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 192.0.2.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:52000", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:52000", "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        // Nothing readable: the proxy itself.
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-forwarded-for"), forwarded.parse().unwrap());
        assert_eq!(origin(ip(peer), &headers, &proxies), ip(found), "{peer} {forwarded:?}");
    }
    assert_eq!(origin(ip("10.0.0.1"), &HeaderMap::new(), &proxies), ip("10.0.0.1"));
}

#[test]
fn a_bucket_gives_its_burst_and_says_when_to_come_back() {
    let limits = Limits { units_per_s: 2, units_burst: 10, ..Default::default() };
    let gate = Gate::new(limits);
    let caller = Caller::new(ip("192.0.2.7"), false);
    gate.charge(&caller, 9).unwrap();
    gate.charge(&caller, 1).unwrap();
    let refused = gate.charge(&caller, 1).unwrap_err();
    assert_eq!(refused.per_s, 2);
    assert!(refused.retry_after > Duration::ZERO, "{refused:?}");
    assert!(refused.retry_after <= Duration::from_millis(500), "{refused:?}");
    // Another caller, and the same account of another caller, are not touched.
    gate.charge(&Caller::new(ip("192.0.2.8"), false), 10).unwrap();
    // A call that costs more than a bucket holds is possible with a full one.
    gate.charge(&Caller::new(ip("192.0.2.9"), false), 20).unwrap();
    gate.charge(&Caller::new(ip("192.0.2.9"), false), 1).unwrap_err();
}

#[test]
fn this_machine_is_exempt_unless_a_proxy_speaks_for_somebody() {
    let limits = Limits {
        proxies: nets(&["127.0.0.1/32"]),
        units_per_s: 1,
        units_burst: 1,
        submissions_per_s: 1,
        submissions_burst: 1,
        ..Default::default()
    };
    let gate = Gate::new(limits);
    let here = gate.caller(from("127.0.0.1"), &HeaderMap::new());
    assert!(here.is_exempt());
    for _ in 0..5 {
        gate.charge(&here, 1).unwrap();
        gate.submission(&here, Address::ZERO).unwrap();
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
    let there = gate.caller(from("127.0.0.1"), &headers);
    assert!(!there.is_exempt());
    gate.charge(&there, 1).unwrap();
    gate.charge(&there, 1).unwrap_err();
    gate.submission(&there, Address::ZERO).unwrap();
    gate.submission(&there, Address::ZERO).unwrap_err();
    gate.submission(&there, Address::repeat_byte(1)).unwrap();
}

#[test]
fn the_table_of_callers_is_bounded() {
    let gate = Gate::new(Limits { remembered: 64, ..Default::default() });
    for n in 0..10_000u32 {
        let address = IpAddr::from((0x0b00_0000 + n).to_be_bytes());
        gate.charge(&Caller::new(address, false), 1).unwrap();
    }
    assert!((1..=64).contains(&gate.remembered()), "{}", gate.remembered());
}

#[test]
fn connections_of_one_caller_are_counted_and_given_back() {
    let gate = Arc::new(Gate::new(Limits { connections: 2, ..Default::default() }));
    let first = gate.seat(from("2001:db8::1")).unwrap();
    let _second = gate.seat(from("2001:db8::2")).unwrap();
    assert!(gate.seat(from("2001:db8::3")).is_none());
    assert!(gate.seat(from("2001:db8:0:1::3")).is_some());
    drop(first);
    assert!(gate.seat(from("2001:db8::3")).is_some());
    assert_eq!(gate.seats(), 1);
    let many: Vec<_> = (0..10).map(|_| gate.seat(from("127.0.0.1")).unwrap()).collect();
    assert_eq!((many.len(), gate.seats()), (10, 1));
    let closed = Arc::new(Gate::new(Limits { connections: 0, ..Default::default() }));
    assert!(closed.seat(from("192.0.2.1")).is_none());
}

#[test]
fn the_lists_say_who_may_come_and_can_be_replaced() {
    let gate = Arc::new(Gate::new(Limits::default()));
    assert!(gate.admits(ip("198.51.100.1")));
    let allow = nets(&["192.0.2.0/24", "2001:db8::/32"]);
    let deny = nets(&["192.0.2.66/32", "127.0.0.2/32"]);
    gate.reload(Limits { allow, deny, ..Default::default() });
    for (address, admitted) in [
        ("192.0.2.1", true),
        ("192.0.2.66", false),
        ("198.51.100.1", false),
        ("2001:db8::1", true),
        ("127.0.0.1", true),
        // A denial binds exempt callers too.
        ("127.0.0.2", false),
    ] {
        assert_eq!(gate.admits(ip(address)), admitted, "{address}");
    }
    assert!(gate.seat(from("192.0.2.66")).is_none());
    gate.reload(Limits::default());
    assert!(gate.admits(ip("192.0.2.66")));
}

#[test]
fn the_status_speaks_only_where_nothing_was_served() {
    let caller = || Caller::new(ip("192.0.2.7"), false);
    assert_eq!(caller().status(), None);
    let limited = caller();
    limited.limited(Duration::from_millis(1_200));
    assert_eq!(limited.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(limited.retry_after().1, "2");
    limited.served();
    assert_eq!(limited.status(), None);
    let unavailable = caller();
    unavailable.unavailable();
    unavailable.limited(Duration::ZERO);
    assert_eq!(unavailable.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    for (ms, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2")] {
        assert_eq!(retry_after(Duration::from_millis(ms)).1, seconds, "{ms}");
    }
}

#[test]
fn classes_have_names_of_their_own_and_cost_something() {
    let mut names: Vec<_> = Class::ALL.iter().map(|class| class.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Class::ALL.len());
    assert!(Class::ALL.iter().all(|class| class.units() >= 1));
    for (method, class) in [
        ("eth_chainId", Class::Read),
        ("eth_getBlockByNumber", Class::Block),
        ("tulou_getFinality", Class::Block),
        ("eth_call", Class::Execute),
        ("eth_getProof", Class::Prove),
        ("eth_getLogs", Class::Search),
        ("eth_sendRawTransaction", Class::Write),
        ("eth_subscribe", Class::Follow),
        ("tulou_consortium", Class::Node),
        ("eth_none", Class::Unknown),
    ] {
        assert_eq!(Class::of(method), class, "{method}");
    }
}
