//! Members in network namespaces of their own: other addresses, other interfaces, real cables to pull.

use std::time::Duration;

use tulou_testing::{Cluster, ClusterPlan, Drill, Load, LoadPlan, Network};

use super::{PATIENCE, plan, start};

#[test]
fn members_on_networks_of_their_own_keep_one_book() {
    let mut drill = Drill::begin(
        "four network namespaces; the cables of two are pulled for 6 s",
        "stands still without a fork; goes on when they are plugged in",
    );
    if let Some(reason) = Cluster::no_namespaces() {
        println!("NOTICE: network namespaces cannot be made here, nothing was tested: {reason}");
        drill.cannot(&reason);
        return;
    }
    let cluster = start(ClusterPlan { network: Network::Namespaces, ..plan(4) });
    // From outside its own machine a caller is bound by the node's limits.
    let rest = Duration::from_millis(500);
    let load = LoadPlan { chain_id: cluster.chain_id(), senders: 2, rest };
    let load = Load::start(&cluster.urls(), load);
    assert!(load.more(4, PATIENCE).is_some(), "nothing becomes final");
    // This machine is on the bridge, too: a member without its cable cannot be asked.
    for member in [2, 3] {
        cluster.plug(member, false).unwrap_or_else(|e| panic!("{e}"));
    }
    let height = settled_height_of(&cluster, 0);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(cluster.height(0), Some(height), "two of four made a block");
    for member in [2, 3] {
        cluster.plug(member, true).unwrap_or_else(|e| panic!("{e}"));
    }
    drill.first_block(cluster.wait_for_progress(&[0, 1], height, PATIENCE));
    cluster.expect_whole(&load.stop());
    drill.holds();
}

fn settled_height_of(cluster: &Cluster, member: usize) -> u64 {
    std::thread::sleep(Duration::from_secs(1));
    cluster.height(member).expect("it answers")
}
