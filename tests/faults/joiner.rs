//! Members that come late.

use std::{process::Command, time::Duration};

use tulou_testing::{Cluster, ClusterPlan, Drill, Load, LoadPlan, program};

use super::{PATIENCE, launch, plan};

/// Blocks that a late joiner is behind; `make faults` asks for 10,000.
const BLOCKS: &str = "TULOU_FAULT_BLOCKS";
const BLOCKS_IN_CI: u64 = 1_500;
/// Longest time for the blocks to be made and fetched.
const LONG: Duration = Duration::from_secs(1_800);

#[test]
fn who_joins_late_has_the_whole_book() {
    let blocks = std::env::var(BLOCKS).map_or(BLOCKS_IN_CI, |text| text.parse().expect("a number"));
    // An idle ledger writes ten blocks a second, a busy one more.
    let plan = ClusterPlan { observers: 2, heartbeat_ms: 100, ..plan(4) };
    let mut cluster = Cluster::found(plan).unwrap_or_else(|e| panic!("{e}"));
    for member in 0..4 {
        launch(&mut cluster, member, &[]);
    }
    let urls = cluster.urls();
    let plan = LoadPlan { chain_id: cluster.chain_id(), senders: 3, rest: Duration::ZERO };
    let load = Load::start(&urls[..4], plan);
    assert!(cluster.wait_for_height(0, blocks, LONG).is_some(), "{blocks} blocks do not come");
    from_the_first_block(&mut cluster, &load);
    let since = from_a_snapshot(&mut cluster, &load);
    let receipts = load.stop();
    cluster.expect_all_there(&[0, 1, 2, 3, 4], &receipts);
    let newer: Vec<_> = receipts.into_iter().filter(|receipt| receipt.height > since).collect();
    cluster.expect_all_there(&[5], &newer);
    cluster.expect_no_fork();
}

fn from_the_first_block(cluster: &mut Cluster, load: &Load) {
    let mut drill = Drill::begin(
        "an observer joins late, from the first block",
        "fetches and checks every block",
    );
    let behind = cluster.highest();
    launch(cluster, 4, &[]);
    drill.caught_up(cluster.wait_until_level(4, LONG));
    drill.note(format!("{behind} blocks behind"));
    cluster.expect_all_there(&[4], &load.receipts());
    drill.holds();
}

/// Returns a height from which on it has everything.
fn from_a_snapshot(cluster: &mut Cluster, load: &Load) -> u64 {
    let mut drill = Drill::begin(
        "an observer joins late, from a snapshot in an archive",
        "starts at a certified state root and follows",
    );
    let place = format!("file://{}", cluster.dir().join("archive").display());
    // A running node holds its folder; three of four go on without it.
    cluster.stop(0);
    let made = Command::new(program())
        .args(["snapshot", "--dir"])
        .arg(cluster.folder(0))
        .arg("--out")
        .arg(&place)
        .output()
        .expect("the program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Below the snapshot the newcomer has nothing to compare.
    cluster.expect_no_fork();
    launch(cluster, 0, &[]);
    launch(cluster, 5, &["--from-snapshot", &place]);
    drill.caught_up(cluster.wait_until_level(5, LONG));
    drill.note(String::from_utf8_lossy(&made.stdout).trim().to_owned());
    let height = cluster.height(5).expect("it answers");
    assert!(load.more(4, PATIENCE).is_some(), "nothing becomes final any more");
    let follows = cluster.wait_for_height(5, height + 5, PATIENCE);
    assert!(follows.is_some(), "it does not follow");
    drill.holds();
    height
}
