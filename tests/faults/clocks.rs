//! A clock that is wrong.

use std::time::Duration;

use serde_json::Value;
use tulou_testing::{Cluster, Drill, Load, wait_until};

use super::{PATIENCE, launch, load, plan, start, worst_gap};

#[test]
fn a_clock_that_is_wrong_harms_nobody_else() {
    let mut cluster = start(plan(4));
    let load = load(&cluster);
    let ahead = Drill::begin(
        "a clock 30 s ahead",
        "the others go on; the member follows; its offset is named",
    );
    wrong_clock(&mut cluster, &load, ahead, 30_000);
    let behind = Drill::begin(
        "a clock 30 s behind",
        "the others go on; the member follows; its offset is named",
    );
    wrong_clock(&mut cluster, &load, behind, -30_000);
    cluster.stop(3);
    launch(&mut cluster, 3, &[]);
    cluster.expect_whole(&load.stop());
}

fn wrong_clock(cluster: &mut Cluster, load: &Load, mut drill: Drill, offset_ms: i64) {
    cluster.stop(3);
    let height = cluster.highest();
    launch(cluster, 3, &[&format!("--drill-clock-offset-ms={offset_ms}")]);
    drill.first_block(cluster.wait_for_progress(&[0, 1, 2], height, PATIENCE));
    drill.caught_up(cluster.wait_until_level(3, PATIENCE));
    let gap = worst_gap(cluster, &[0, 1, 2], Duration::from_secs(8));
    drill.note(format!("longest gap in the 8 s after: {:.2} s", gap.as_secs_f64()));
    let key = Value::from(cluster.key(3).to_string());
    let named = wait_until(PATIENCE, || {
        let report = cluster.report(0).unwrap_or_default();
        let members = report["members"].as_array().cloned().unwrap_or_default();
        let member = members.into_iter().find(|member| member["key"] == key).unwrap_or_default();
        // The way of the message and a busy machine add to it.
        member["clockOffsetMs"].as_i64().is_some_and(|seen| (seen - offset_ms).abs() < 5_000)
    });
    assert!(named.is_some(), "the report does not name the offset: {:?}", cluster.report(0));
    cluster.expect_whole(&load.receipts());
    drill.holds();
}
