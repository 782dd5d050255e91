//! The load generator of `tulou bench` at small sizes: nothing is timed, everything is counted.

use std::{fs, process::Command};

use serde_json::{Value, json};

const OWNERS: u64 = 120;
const UNITS: u64 = 450;
/// Of 300 transactions of the mix: ballots, bank lines and door roots, which the ledger counts.
const CITY: u64 = 240 + 42 + 2;

/// Every row is there, everything sent has succeeded, and the ledger's own counts are those of what was
/// sent. Another endpoint gets what any endpoint can bear, and the rest is said.
#[test]
fn every_row_is_counted_by_the_ledger_itself() {
    let peer = tulou_testing::empty_node();
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(tulou_testing::program())
        .args(["bench", "--parts", "load", "--accounts", "1000", "--transactions", "300"])
        .args(["--workloads", "hot,token,store,ballots,bills,city-hour"])
        .args(["--owners", &OWNERS.to_string(), "--units", &UNITS.to_string()])
        .args(["--job-units", "300"])
        .args(["--city-rate", "100", "--city-seconds", "3", "--members", "3"])
        .args(["--peer", &format!("other={}", peer.rpc().url())])
        .arg("--out")
        .arg(folder.path().join("latest.json"))
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !complaint.contains("NOT MEASURED"), "{said}\n{complaint}");
    for workload in ["Ballots", "Bills", "CityHour"] {
        let line = format!("{workload} calls modules that other does not have: left out");
        assert!(said.contains(&line), "{said}");
    }
    let text = fs::read_to_string(folder.path().join("load.json")).expect("the rows");
    let rows: Vec<Value> = serde_json::from_str(&text).expect("rows as JSON");
    // Six workloads, one of them on three validators too, and three on the peer.
    assert_eq!(rows.len(), 6 + 1 + 3, "{text}");
    for row in &rows {
        assert_eq!(row["success"], json!(1.0), "{row}");
        for column in ["tx_per_s", "limit_per_s", "share", "p50_ms", "p99_ms", "rss_mib"] {
            assert!(row[column].as_f64().is_some_and(|value| value > 0.0), "{column}: {row}");
        }
    }
    let named = |name: &str| -> Vec<&Value> {
        rows.iter().filter(|row| row["name"] == json!(name)).collect()
    };
    let counted = |name: &str| -> Vec<&Value> {
        named(name).into_iter().map(|row| &row["counted"]).collect()
    };
    assert_eq!(counted("ballots of 120 owners"), [&json!(OWNERS)]);
    assert_eq!(counted("bills of 450 units, 300 a job"), [&json!(UNITS)]);
    assert_eq!(counted("city hour at 100 tx/s"), [&json!(CITY); 2]);
    let bills = named("bills of 450 units, 300 a job")[0];
    // 300 units take two pages, the 150 of the second job one.
    assert_eq!((&bills["units"], &bills["transactions"]), (&json!(UNITS), &json!(3)));
    let gas = bills["gas_per_unit"].as_f64().expect("gas of a unit");
    assert!(gas > 21_000.0 && gas * 220.0 < 16_777_216.0, "a page fits into a transaction: {gas}");
}

/// Each kind of key has a rate and its ratio to the first; the hash has its own column.
#[test]
fn signatures_are_measured_by_kind_of_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(tulou_testing::program())
        .args(["bench", "--parts", "signatures", "--out"])
        .arg(folder.path().join("latest.json"))
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(folder.path().join("signatures.json")).expect("the rows");
    let rows: Vec<Value> = serde_json::from_str(&text).expect("rows as JSON");
    let names: Vec<&Value> = rows.iter().map(|row| &row["name"]).collect();
    assert_eq!(
        names,
        [
            &json!("secp256k1 recovery, 1 thread"),
            &json!("SM2 verify, 1 thread"),
            &json!("SM3, 64 KiB, 1 thread")
        ]
    );
    let of = |row: usize, column: &str| rows[row][column].as_f64().expect(column);
    assert_eq!(of(0, "of_recovery"), 1.0);
    assert_eq!(of(1, "of_recovery"), of(1, "checks_per_s") / of(0, "checks_per_s"));
    assert!(of(1, "checks_per_s") > 0.0 && of(2, "mb_per_s") > 0.0);
}
