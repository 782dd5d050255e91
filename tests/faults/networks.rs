//! Networks that part, and bad ones.

use std::time::Duration;

use tulou_testing::{Cluster, ClusterPlan, Drill, Link, Load, Network};

use super::{PATIENCE, load, plan, settled_height, start, worst_gap};

#[test]
fn a_parted_and_a_bad_network_cost_time_and_nothing_else() {
    let seed = std::env::var("TULOU_SEED").map_or(7755, |text| text.parse().expect("a number"));
    println!("TULOU_SEED={seed}");
    let cluster = start(ClusterPlan { network: Network::Links(seed), ..plan(4) });
    let load = load(&cluster);
    parted_in_two(&cluster, &load);
    one_is_cut_off(&cluster, &load);
    slow_and_lossy(&cluster, &load);
    cluster.expect_whole(&load.stop());
}

fn parted_in_two(cluster: &Cluster, load: &Load) {
    let mut drill =
        Drill::begin("partition 2|2, healed after 10 s", "both sides stand still; goes on after");
    cluster.links().part(&[0, 1]);
    let height = settled_height(cluster);
    std::thread::sleep(Duration::from_secs(9));
    assert_eq!(cluster.highest(), height, "two of four made a block");
    cluster.expect_no_fork();
    cluster.links().heal_all();
    drill.first_block(cluster.wait_for_progress(&[0, 1, 2, 3], height, PATIENCE));
    cluster.expect_whole(&load.receipts());
    drill.holds();
}

fn one_is_cut_off(cluster: &Cluster, load: &Load) {
    let mut drill = Drill::begin(
        "partition 3|1, healed after 6 s",
        "the three go on; the one makes nothing and follows after",
    );
    let height = cluster.highest();
    cluster.links().part(&[2]);
    drill.first_block(cluster.wait_for_progress(&[0, 1, 3], height + 1, PATIENCE));
    std::thread::sleep(Duration::from_secs(5));
    let alone = cluster.height(2).expect("it answers");
    assert!(alone < cluster.highest(), "it is level without hearing anyone");
    cluster.links().heal_all();
    drill.caught_up(cluster.wait_until_level(2, PATIENCE));
    cluster.expect_whole(&load.receipts());
    drill.holds();
}

fn slow_and_lossy(cluster: &Cluster, load: &Load) {
    let mut drill = Drill::begin(
        "every link 300 ms one way (+30 ms by chance), 1.5 % loss, 10 Mb/s",
        "goes on, slowly; back to speed when the links are good again",
    );
    let bad = Link {
        latency: Duration::from_millis(300),
        jitter: Duration::from_millis(30),
        bytes_per_s: Some(1_250_000),
        loss: 0.015,
        is_cut: false,
    };
    let height = cluster.highest();
    cluster.links().set_all(bad);
    // A block that was already on its way does not count.
    drill.first_block(cluster.wait_for_progress(&[0, 1, 2, 3], height + 1, PATIENCE));
    let before = cluster.highest();
    let watch = Duration::from_secs(20);
    let gap = worst_gap(cluster, &[0, 1, 2, 3], watch);
    let blocks = cluster.highest() - before;
    assert!(blocks > 0, "no block in {watch:?}");
    drill.note(format!("{blocks} blocks in {watch:?}, longest gap {:.2} s", gap.as_secs_f64()));
    cluster.expect_no_fork();
    cluster.links().set_all(Link::default());
    cluster.expect_whole(&load.receipts());
    drill.holds();
}
