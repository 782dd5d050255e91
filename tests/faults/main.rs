//! What really happens to servers, done to real processes: kills, lost and full disks, cut and bad
//! networks, wrong clocks, long sleep, lies.
//!
//! After each fault: no two members have different blocks or state roots at any height, every receipt
//! that a sender was shown is still there as it was shown, and everyone is level again. Times are
//! printed and, with `make faults`, written to `docs/design/faults.md`; none of them decides a test.

mod clocks;
mod crashes;
mod disks;
mod joiner;
mod ledgers;
mod liar;
mod namespaces;
mod networks;

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use tulou_testing::{Cluster, ClusterPlan, Load, LoadPlan, wait_until};

/// Longest wait for anything; machines that run tests are slow.
const PATIENCE: Duration = Duration::from_secs(90);

/// Some validators.
fn plan(validators: usize) -> ClusterPlan {
    ClusterPlan::new(&tulou_testing::program(), validators)
}

fn start(plan: ClusterPlan) -> Cluster {
    Cluster::start(plan).unwrap_or_else(|e| panic!("{e}"))
}

/// People who send to every member. The rest keeps two cores from being the fault.
fn load(cluster: &Cluster) -> Load {
    let rest = Duration::from_millis(50);
    let load =
        Load::start(&cluster.urls(), LoadPlan { chain_id: cluster.chain_id(), senders: 4, rest });
    assert!(load.more(8, PATIENCE).is_some(), "nothing becomes final before the fault");
    load
}

/// Starts a member without waiting for it; the time is what the drill measures.
fn launch(cluster: &mut Cluster, member: usize, more: &[&str]) {
    cluster.launch(member, more).unwrap_or_else(|e| panic!("{e}"));
}

/// Blocks that were on their way are final; from here on a ledger without quorum stands still.
fn settled_height(cluster: &Cluster) -> u64 {
    std::thread::sleep(Duration::from_secs(1));
    cluster.highest()
}

/// Longest time between two new final blocks while these members are watched.
fn worst_gap(cluster: &Cluster, members: &[usize], watch: Duration) -> Duration {
    let (begun, mut last, mut worst) = (Instant::now(), Instant::now(), Duration::ZERO);
    let highest = || members.iter().filter_map(|member| cluster.height(*member)).max().unwrap_or(0);
    let mut height = highest();
    while begun.elapsed() < watch {
        let now = highest();
        if now > height {
            (height, last) = (now, Instant::now());
        }
        worst = worst.max(last.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    worst
}

/// Waits until a member's signature is under a block above `height`. Returns the first such height.
fn signs_above(cluster: &Cluster, member: usize, height: u64, patience: Duration) -> Option<u64> {
    let (key, mut next) = (cluster.key(member), height + 1);
    let mut found = None;
    wait_until(patience, || {
        let highest = cluster.highest();
        while found.is_none() && next <= highest {
            found = signs(cluster, key, next).then_some(next);
            next += 1;
        }
        found.is_some()
    })?;
    found
}

/// Whether a key is under any certificate of a height that a member has. Members may hold different
/// ones.
fn signs(cluster: &Cluster, key: B256, height: u64) -> bool {
    let has = |member: &usize| cluster.height(*member).is_some_and(|now| now >= height);
    (0..cluster.len()).filter(has).any(|member| cluster.signers(member, height).contains(&key))
}
