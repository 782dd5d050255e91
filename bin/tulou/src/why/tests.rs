use serde_json::json;

use super::report;

#[test]
fn says_who_is_missing_and_since_when() {
    let seen = json!({
        "height": 41, "finalAtMs": 1_000, "observingUntil": null,
        "members": [
            {"name": "银行", "key": "0x1", "inSet": true, "state": "agrees", "endpoint": "a:1"},
            {"name": "物业", "key": "0x2", "inSet": true, "state": "stopped", "endpoint": "b:2",
             "lastSeenMs": 31_000, "height": 41},
            {"name": "街道", "key": "0x3", "inSet": true, "state": "stopped", "endpoint": "c:3",
             "lastSeenMs": null},
        ],
        "stalled": {"sinceMs": 1_000, "missing": ["0x2", "0x3"], "needed": 3, "have": 1,
                    "reason": "too few"},
    });
    let words = report(&seen, 61_000);
    assert!(words.contains("since block 41, 60 s ago"), "{words}");
    assert!(words.contains("1 of 3 validators are here, 3 are needed"), "{words}");
    assert!(words.contains("物业 (b:2): stopped, last heard 30 s ago, at block 41"), "{words}");
    assert!(words.contains("街道 (c:3): stopped, last heard never"), "{words}");
    assert!(!words.contains("银行"), "{words}");
}

#[test]
fn says_that_all_is_well() {
    let seen = json!({"height": 7, "finalAtMs": 5_000, "members": [], "stalled": null});
    assert_eq!(report(&seen, 9_000), "Nothing is stalled: block 7 became final 4 s ago.");
}
