//! What stories, crash and fault tests share: the built program, a node of it, a whole consortium of
//! processes with links that can be spoilt, and people who go on sending.

mod bucket;
mod cluster;
mod crowd;
mod drill;
mod links;
mod load;

use std::path::PathBuf;

use tulou_client::LocalNode;

pub use bucket::BucketServer;
pub use cluster::{
    Cluster, ClusterError, ClusterPlan, Neighbour, Network, Receipt, free_port, wait_until,
};
pub use crowd::{Crowd, Ears};
pub use drill::Drill;
pub use links::{Link, Links};
pub use load::{Load, LoadPlan, document};

/// A figure of a node's `/metrics`, by the beginning of its line; none where the node or the line is not there.
pub fn figure(url: &str, name: &str) -> Option<f64> {
    let mut response = ureq::get(format!("{url}/metrics")).call().ok()?;
    let text = response.body_mut().read_to_string().ok()?;
    text.lines().find(|line| line.starts_with(name))?.rsplit(' ').next()?.parse().ok()
}

/// The built program: `TULOU_BIN`, or the one beside the test that asks.
///
/// # Panics
/// Where it was not built: `cargo build -p tulou` does that.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("TULOU_BIN") {
        return path.into();
    }
    // target/debug/deps/<test> -> target/debug/tulou
    let test = std::env::current_exe().expect("a running test has a path");
    let program = test.ancestors().nth(2).expect("target/debug/deps").join("tulou");
    assert!(program.is_file(), "{} is missing: cargo build -p tulou", program.display());
    program
}

/// A dev chain without the demo estate.
///
/// # Panics
/// Where it does not start.
pub fn empty_node() -> LocalNode {
    LocalNode::start(&program(), &["--empty"]).unwrap_or_else(|e| panic!("{e}"))
}
