use std::net::TcpListener;

use serde_json::json;

use super::{Verdict, machine, peers};

#[test]
fn free_space_is_judged_at_its_limits() {
    const GIB: u64 = 1 << 30;
    for (free, verdict) in [
        (GIB - 1, Verdict::Fail),
        (GIB, Verdict::Warn),
        (5 * GIB - 1, Verdict::Warn),
        (5 * GIB, Verdict::Ok),
    ] {
        assert_eq!(machine::space(free).verdict, verdict, "{free}");
    }
}

#[test]
fn a_budget_warns_before_it_is_used_up() {
    for (used, verdict) in [(800, Verdict::Ok), (801, Verdict::Warn), (1_001, Verdict::Fail)] {
        assert_eq!(machine::within(used, 1_000).verdict, verdict, "{used}");
    }
}

#[test]
fn a_taken_port_is_named_unless_the_node_has_it() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let found = machine::port("port", address, false);
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(found.what.contains(&address.to_string()), "{found}");
    assert_eq!(machine::port("port", address, true).verdict, Verdict::Ok);
    drop(holder);
    assert_eq!(machine::port("port", address, false).verdict, Verdict::Ok);
}

#[test]
fn the_clock_is_compared_with_the_middle_of_those_connected() {
    let member = |key: &str, offset: i64, connected: bool| json!({"key": key, "clockOffsetMs": offset, "connected": connected});
    let me = json!("0x0");
    let others = [
        member("0x0", 0, true),
        member("0x1", 90_000, false),
        member("0x2", -1_500, true),
        member("0x3", -2_000, true),
        member("0x4", 10, true),
    ];
    let found = peers::clock("test", &others, &me);
    assert_eq!(found.verdict, Verdict::Warn);
    assert!(found.what.contains("-1500 ms"), "{found}");
    assert_eq!(peers::clock("test", &others[..2], &me).verdict, Verdict::Warn);
    let far = [member("0x1", 4_001, true)];
    assert_eq!(peers::clock("test", &far, &me).verdict, Verdict::Fail);
}
