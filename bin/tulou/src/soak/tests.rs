use super::{
    verdict::Verdict,
    watch::{Held, Look},
};

/// Forty looks of one member; `change` spoils some of them.
fn looks(change: impl Fn(usize, &mut Look)) -> Vec<Look> {
    let calm = |place: usize| {
        let held = Held {
            rss_mib: 100.0,
            files: 60,
            threads: 20,
            disk_mib: place as f64,
            cached_mib: 0.0,
            waiting: 2,
        };
        let mut look = Look {
            at_s: place as u64 * 30,
            done: 10,
            followers: 5,
            p50_ms: Some(20.0),
            p99_ms: Some(50.0),
            members: vec![held],
            ..Look::default()
        };
        change(place, &mut look);
        look
    };
    (0..40).map(calm).collect()
}

#[test]
fn calm_hours_pass() {
    let verdict = Verdict::of(&looks(|_, _| {}));
    assert!(verdict.passed(), "{verdict}");
    assert!(verdict.to_string().contains("400 transactions"), "{verdict}");
    // What fills in the first quarter is no leak.
    let warming = looks(|place, look| look.members[0].rss_mib = 100.0 + place.min(9) as f64 * 10.0);
    assert!(Verdict::of(&warming).passed());
}

#[test]
fn whatever_grows_or_fails_is_found() {
    type Spoil = fn(usize, &mut Look);
    let cases: [(&str, Spoil); 9] = [
        ("the rest", |place, look| look.members[0].rss_mib += place as f64 * 2.0),
        ("kept to read", |place, look| look.members[0].cached_mib += place as f64 * 3.0),
        ("open files", |place, look| look.members[0].files += place * 2),
        ("threads", |place, look| look.members[0].threads += place / 3),
        ("waiting", |place, look| look.members[0].waiting += place as u64 * 10),
        ("slowest", |place, look| look.p99_ms = Some(if place == 39 { 2_000.0 } else { 10.0 })),
        ("failed", |place, look| look.failures = usize::from(place == 39)),
        ("failed", |place, look| look.reverted = usize::from(place == 25)),
        ("followers", |place, look| look.followers = if place > 30 { 4 } else { 5 }),
    ];
    for (what, spoil) in cases {
        let verdict = Verdict::of(&looks(spoil));
        assert!(!verdict.passed(), "{what}: {verdict}");
        let text = verdict.to_string();
        let named = text.lines().any(|line| line.contains(what) && line.contains("<-"));
        assert!(named, "{what}: {verdict}");
    }
}

#[test]
fn the_bounds_are_where_they_are_said_to_be() {
    let last = |value: f64| {
        looks(move |place, look| {
            if place >= 30 {
                look.members[0].rss_mib = value;
            }
        })
    };
    assert!(Verdict::of(&last(125.0)).passed());
    assert!(!Verdict::of(&last(125.1)).passed());
    // What transactions write stays in memory: 20 looks lie between the middles of the two quarters.
    let busy = |value: f64| {
        looks(move |place, look| {
            look.done = 2_048;
            if place >= 30 {
                look.members[0].rss_mib = value;
            }
        })
    };
    assert!(Verdict::of(&busy(139.9)).passed());
    assert!(!Verdict::of(&busy(140.1)).passed());
    // What was read may be kept, up to its bound; beyond that it is memory like any other.
    let reading = |kept: f64, more: f64| {
        looks(move |place, look| {
            if place >= 30 {
                look.members[0].cached_mib = kept;
                look.members[0].rss_mib = 100.0 + kept + more;
            }
        })
    };
    assert!(Verdict::of(&reading(95.9, 25.0)).passed());
    assert!(!Verdict::of(&reading(95.9, 25.2)).passed());
    assert!(!Verdict::of(&reading(96.0, 0.0)).passed());
    // A member that is gone holds nothing, which is not calm.
    assert!(!Verdict::of(&last(0.0)).passed());
}
