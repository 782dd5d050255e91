//! `/metrics` against the rules of OpenMetrics and of Prometheus names.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::common::{Seen, World, rich, transfer};
use serde_json::json;
use tulou_rpc::{Limits, OtherVault, RpcConfig, VaultFigures, VaultMeters};

type Labels = BTreeMap<String, String>;

/// One family of an answer.
#[derive(Debug, Default)]
pub(crate) struct Family {
    help: String,
    kind: String,
    unit: String,
    samples: Vec<(String, Labels, f64)>,
}

impl Family {
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }
}

/// Reads an answer and holds it to the rules; panics with the line that breaks one.
pub(crate) fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let body = text.strip_suffix("# EOF\n").expect("the last line is # EOF");
    for line in body.lines() {
        if let Some(about) = line.strip_prefix("# ") {
            let mut words = about.splitn(3, ' ');
            let (kind, name) = (words.next().unwrap(), words.next().expect(line));
            let rest = words.next().expect(line).to_owned();
            if current != name {
                assert!(!families.contains_key(name), "a family in two places: {line}");
                name.clone_into(&mut current);
            }
            let family = families.entry(name.to_owned()).or_default();
            assert!(family.samples.is_empty(), "said after the samples: {line}");
            let slot = match kind {
                "HELP" => &mut family.help,
                "TYPE" => &mut family.kind,
                "UNIT" => &mut family.unit,
                _ => panic!("unknown comment: {line}"),
            };
            assert!(slot.is_empty(), "said twice: {line}");
            *slot = rest;
        } else {
            let sample = sample(line);
            assert!(sample.0.starts_with(&current), "not of family {current}: {line}");
            families.get_mut(&current).expect(line).samples.push(sample);
        }
    }
    for (name, family) in &families {
        check(name, family);
    }
    families
}

/// Name, labels and value of a line.
fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).expect(line);
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(mut inner) = rest.strip_prefix('{') {
        while let Some((label, more)) = inner.split_once("=\"") {
            let label = label.trim_start_matches(',');
            assert!(is_name(label), "label {label:?}: {line}");
            let mut value = String::new();
            let mut chars = more.char_indices();
            let close = loop {
                match chars.next().expect(line) {
                    (at, '"') => break at,
                    (_, '\\') => match chars.next().expect(line).1 {
                        'n' => value.push('\n'),
                        c @ ('"' | '\\') => value.push(c),
                        _ => panic!("bad escape: {line}"),
                    },
                    (_, c) => value.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "label twice: {line}");
            inner = &more[close + 1..];
        }
        rest = inner.strip_prefix('}').expect(line);
    }
    let value = rest.strip_prefix(' ').expect(line);
    (name.to_owned(), labels, value.parse().expect(line))
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn check(name: &str, family: &Family) {
    assert!(is_name(name), "{name}");
    assert!(name.starts_with("tulou_") || name.starts_with("process_"), "{name}");
    assert!(!name.ends_with("_total"), "{name}");
    for wrong in ["_ms", "_millis", "_minutes", "_kb", "_mb", "_percent"] {
        assert!(!name.ends_with(wrong), "{name}: base units only");
    }
    assert!(family.help.len() > 5, "{name}: {family:?}");
    if !family.unit.is_empty() {
        assert!(name.ends_with(&format!("_{}", family.unit)), "{name}: {}", family.unit);
    }
    let mut seen = BTreeSet::new();
    for (sample, labels, value) in &family.samples {
        let suffix = &sample[name.len()..];
        let fits = match family.kind.as_str() {
            "counter" => suffix == "_total" && *value >= 0.0,
            "gauge" => suffix.is_empty(),
            "info" => suffix == "_info" && *value == 1.0,
            "histogram" => {
                matches!(suffix, "_bucket" | "_sum" | "_count")
                    && (suffix == "_bucket") == labels.contains_key("le")
            }
            kind => panic!("{name}: type {kind:?}"),
        };
        assert!(fits, "{sample} {labels:?} {value} in {name}: {}", family.kind);
        assert!(seen.insert((sample, labels)), "{sample} {labels:?} is there twice");
    }
    if family.kind == "histogram" {
        check_buckets(name, family);
    }
}

/// Buckets grow towards `+Inf`, which holds them all.
fn check_buckets(name: &str, family: &Family) {
    let mut last: BTreeMap<Labels, (f64, f64)> = BTreeMap::new();
    for (sample, labels, value) in &family.samples {
        if sample.ends_with("_bucket") {
            let mut labels = labels.clone();
            let le = labels.remove("le").unwrap();
            let le = if le == "+Inf" { f64::INFINITY } else { le.parse().unwrap() };
            let before = last.insert(labels, (le, *value)).unwrap_or((f64::MIN, 0.0));
            assert!(before.0 < le && before.1 <= *value, "{name}: {le} {value}");
        }
    }
    for (sample, labels, value) in &family.samples {
        if sample.ends_with("_count") {
            assert_eq!(last.get(labels), Some(&(f64::INFINITY, *value)), "{name} {labels:?}");
        }
    }
}

fn value(families: &BTreeMap<String, Family>, name: &str, wanted: &[(&str, &str)]) -> f64 {
    let family = families
        .iter()
        .rev()
        .find(|(family, _)| name.starts_with(family.as_str()))
        .unwrap_or_else(|| panic!("{name} is not there"))
        .1;
    let fits = |labels: &Labels| {
        wanted.iter().all(|(label, value)| labels.get(*label).is_some_and(|is| is == value))
    };
    let found: Vec<_> =
        family.samples.iter().filter(|(n, labels, _)| n == name && fits(labels)).collect();
    assert_eq!(found.len(), 1, "{name} {wanted:?}: {found:?}");
    found[0].2
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_says_what_it_holds_and_how_far_it_is_behind_each_other_one() {
    let vault = VaultMeters::default();
    let config = RpcConfig { vault: Some(vault.clone()), ..RpcConfig::default() };
    let world = World::start(config).await;
    let seen = families(&world.get("/metrics", &[]).await.text());
    assert_eq!(value(&seen, "tulou_vault_look_timestamp_seconds", &[]), 0.0);
    assert!(!seen.contains_key("tulou_vault_source_behind"), "nobody is looked at");
    let other = |place: &str, erasures_behind, versions_behind| OtherVault {
        place: place.to_owned(),
        read: 1_796_000_000,
        erasures_behind,
        versions_behind,
    };
    vault.looked(VaultFigures {
        records: 7,
        versions: 9,
        erased: 2,
        bytes: 4_321,
        without_entry: 1,
        seen: 1_796_000_060,
        others: vec![other("/far/vault", 3, 0), other("s3://bank/vault", 0, 5)],
    });
    let seen = families(&world.get("/metrics", &[]).await.text());
    for (name, wanted) in [
        ("tulou_vault_records", 7.0),
        ("tulou_vault_record_versions", 9.0),
        ("tulou_vault_erased_records", 2.0),
        ("tulou_vault_stored_bytes", 4_321.0),
        ("tulou_vault_erasures_without_entry", 1.0),
        ("tulou_vault_look_timestamp_seconds", 1_796_000_060.0),
    ] {
        assert_eq!(value(&seen, name, &[]), wanted, "{name}");
    }
    let behind =
        |from, kind| value(&seen, "tulou_vault_source_behind", &[("from", from), ("kind", kind)]);
    assert_eq!(behind("/far/vault", "erasures"), 3.0);
    assert_eq!(behind("s3://bank/vault", "erasures"), 0.0);
    assert_eq!(behind("s3://bank/vault", "versions"), 5.0);
    let read = value(&seen, "tulou_vault_source_read_timestamp_seconds", &[("from", "/far/vault")]);
    assert_eq!(read, 1_796_000_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_follow_the_rules_and_count_what_happened() {
    let seen = Arc::new(Seen::default());
    let world = World::watched(RpcConfig::default(), Some(seen)).await;
    world.ask("eth_sendRawTransaction", json!([transfer(0)])).await;
    world.error("eth_sendRawTransaction", json!([transfer(0)])).await;
    world.mine();
    world.ask("eth_sendRawTransaction", json!([transfer(1)])).await;
    world.ask("eth_getBalance", json!([rich().address(), "latest"])).await;
    world.error("eth_none", json!([])).await;
    world.get("/api/v1/rules/book_hash", &[]).await;
    world.get("/none.txt", &[]).await;
    let got = world.get("/metrics", &[]).await;
    assert!(got.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    let all = families(&got.text());
    let ledger = ("ledger", "");
    for (name, labels, expected) in [
        ("tulou_head_height", vec![ledger], 1.0),
        ("tulou_certificate_lag_blocks", vec![ledger], 0.0),
        ("tulou_mempool_pending_transactions", vec![ledger], 1.0),
        ("tulou_mempool_refused_total", vec![ledger, ("reason", "already_known")], 1.0),
        ("tulou_rpc_calls_total", vec![("class", "write"), ("outcome", "ok")], 2.0),
        ("tulou_rpc_calls_total", vec![("class", "write"), ("outcome", "invalid")], 1.0),
        ("tulou_rpc_calls_total", vec![("class", "unknown"), ("outcome", "invalid")], 1.0),
        ("tulou_rpc_call_duration_seconds_count", vec![("class", "read")], 1.0),
        ("tulou_http_requests_total", vec![("door", "rpc"), ("code", "200")], 5.0),
        ("tulou_http_requests_total", vec![("door", "rest"), ("code", "200")], 1.0),
        ("tulou_http_requests_total", vec![("door", "files"), ("code", "404")], 1.0),
        ("tulou_validators_connected", vec![ledger], 4.0),
        ("tulou_peers_connected", vec![ledger], 3.0),
        ("tulou_quorum", vec![ledger], 3.0),
        ("tulou_disk_budget_bytes", vec![ledger], f64::from(1 << 30)),
        ("tulou_member_clock_offset_seconds", vec![("member", "街道办")], -0.04),
        ("tulou_member_signed_ratio", vec![("member", "物业公司")], 0.75),
        ("tulou_engine_network_messages_total", vec![ledger, ("peer", "a")], 3.0),
        ("tulou_engine_views", vec![ledger], 7.0),
        ("tulou_build_info", vec![("version", env!("CARGO_PKG_VERSION"))], 1.0),
    ] {
        assert_eq!(value(&all, name, &labels), expected, "{name} {labels:?}");
    }
    for name in [
        "tulou_connections",
        "tulou_mempool_bytes",
        "tulou_cached_bytes",
        "tulou_disk_used_bytes",
        "tulou_disk_free_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(value(&all, name, &[]) >= 1.0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_for_too_many_calls_are_counted() {
    let limits =
        Limits { exempt: Vec::new(), units_per_s: 1, units_burst: 40, ..Default::default() };
    let world = World::start(RpcConfig { limits, ..Default::default() }).await;
    // 1 for the request and 20 for the proof, twice: the second proof is one too many.
    let proof = json!([rich().address(), [], "latest"]);
    world.ask("eth_getProof", proof.clone()).await;
    assert_eq!(world.error("eth_getProof", proof).await.0, -32005);
    world.set_limits(Limits::default());
    let all = families(&world.get("/metrics", &[]).await.text());
    assert_eq!(value(&all, "tulou_rate_limited_total", &[("kind", "address")]), 1.0);
    let refused = [("class", "prove"), ("outcome", "limited")];
    assert_eq!(value(&all, "tulou_rpc_calls_total", &refused), 1.0);
}

#[test]
#[should_panic(expected = "is there twice")]
fn the_checker_finds_a_sample_that_is_there_twice() {
    families("# HELP tulou_x A figure.\n# TYPE tulou_x gauge\ntulou_x 1\ntulou_x 2\n# EOF\n");
}

#[test]
#[should_panic(expected = "counter")]
fn the_checker_finds_a_counter_without_its_suffix() {
    families("# HELP tulou_x A figure.\n# TYPE tulou_x counter\ntulou_x 1\n# EOF\n");
}
