//! Processes that end.

use std::time::{Duration, Instant};

use tulou_testing::{Cluster, ClusterPlan, Drill, Load};

use super::{PATIENCE, launch, load, plan, settled_height, signs_above, start, worst_gap};

const EPOCH: u64 = 40;

#[test]
fn members_that_are_killed_come_back() {
    let mut cluster = start(ClusterPlan { epoch_length: EPOCH, ..plan(4) });
    let load = load(&cluster);
    f_are_killed(&mut cluster, &load);
    more_than_f_are_killed(&mut cluster, &load);
    all_are_killed(&mut cluster, &load);
    one_sleeps_across_epochs(&mut cluster, &load);
    cluster.expect_whole(&load.stop());
}

fn f_are_killed(cluster: &mut Cluster, load: &Load) {
    let mut drill =
        Drill::begin("kill -9 of f (1 of 4)", "the others go on; it catches up and signs");
    let height = cluster.highest();
    cluster.kill(3);
    drill.first_block(cluster.wait_for_progress(&[0, 1, 2], height, PATIENCE));
    let gap = worst_gap(cluster, &[0, 1, 2], Duration::from_secs(6));
    drill.note(format!("longest gap in the 6 s after: {:.2} s", gap.as_secs_f64()));
    launch(cluster, 3, &[]);
    drill.caught_up(cluster.wait_until_level(3, PATIENCE));
    let height = cluster.highest();
    assert!(signs_above(cluster, 3, height, PATIENCE).is_some(), "it does not sign again");
    cluster.expect_whole(&load.receipts());
    drill.holds();
}

fn more_than_f_are_killed(cluster: &mut Cluster, load: &Load) {
    let mut drill = Drill::begin(
        "kill -9 of f+1 (2 of 4), then back",
        "stands still without a fork; goes on when one is back",
    );
    cluster.kill(2);
    cluster.kill(3);
    let height = settled_height(cluster);
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(cluster.highest(), height, "two of four made a block");
    cluster.expect_no_fork();
    launch(cluster, 3, &[]);
    drill.first_block(cluster.wait_for_progress(&[0, 1, 3], height, PATIENCE));
    launch(cluster, 2, &[]);
    drill.caught_up(cluster.wait_until_level(2, PATIENCE));
    cluster.expect_whole(&load.receipts());
    drill.holds();
}

fn all_are_killed(cluster: &mut Cluster, load: &Load) {
    let mut drill = Drill::begin("kill -9 of all at once", "goes on where it was");
    let height = cluster.highest();
    for member in 0..4 {
        cluster.kill(member);
    }
    let begun = Instant::now();
    for member in 0..4 {
        launch(cluster, member, &[]);
    }
    let above = cluster.wait_for_progress(&[0, 1, 2, 3], height, PATIENCE);
    drill.first_block(above.map(|_| begun.elapsed()));
    let level = (0..4).all(|member| cluster.wait_until_level(member, PATIENCE).is_some());
    drill.caught_up(level.then(|| begun.elapsed()));
    cluster.expect_whole(&load.receipts());
    drill.holds();
}

fn one_sleeps_across_epochs(cluster: &mut Cluster, load: &Load) {
    let mut drill = Drill::begin(
        "a validator asleep across three epochs",
        "catches up over the epochs it missed and signs in the running one",
    );
    cluster.kill(1);
    let height = cluster.highest();
    let woken = cluster.wait_for_height(0, height + 3 * EPOCH, PATIENCE);
    assert!(woken.is_some(), "three epochs do not pass");
    launch(cluster, 1, &[]);
    drill.caught_up(cluster.wait_until_level(1, PATIENCE));
    let missed = cluster.highest() - height;
    drill.note(format!("{missed} blocks missed"));
    let height = cluster.highest();
    assert!(signs_above(cluster, 1, height, PATIENCE).is_some(), "it does not sign again");
    cluster.expect_whole(&load.receipts());
    drill.holds();
}
