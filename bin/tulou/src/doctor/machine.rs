//! Disk and ports.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use super::Finding;

/// Free bytes below which a node stops soon.
const SCARCE: u64 = 1 << 30;
/// Free bytes below which somebody should act.
const LITTLE: u64 = 5 << 30;
const GIB: f64 = (1u64 << 30) as f64;

/// Free space, and what the folder takes of its budget (bytes; 0 has none).
pub(super) fn disk(dir: &Path, budget: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    match rustix::fs::statvfs(dir) {
        Ok(found) => {
            findings.push(space(found.f_bavail.saturating_mul(found.f_frsize)));
        }
        Err(e) => findings.push(Finding::fail(
            format!("{}: {e}", dir.display()),
            "make the folder readable for the user that runs the node",
        )),
    }
    if budget > 0 {
        findings.push(within(size(dir), budget));
    }
    findings
}

pub(super) fn space(free: u64) -> Finding {
    let what = format!("disk: {:.1} GiB free", free as f64 / GIB);
    let cure = "free space or enlarge the disk; `keep_blocks` in node.toml lets an observer or \
                validator drop old blocks";
    match free {
        _ if free < SCARCE => Finding::fail(what, cure),
        _ if free < LITTLE => Finding::warn(what, cure),
        _ => Finding::ok(what),
    }
}

pub(super) fn within(used: u64, budget: u64) -> Finding {
    let what =
        format!("disk: the node takes {:.2} of {:.2} GiB", used as f64 / GIB, budget as f64 / GIB);
    let cure = "raise disk_budget in node.toml, or lower keep_blocks";
    match used {
        _ if used > budget => Finding::fail(what, cure),
        _ if used > budget / 10 * 8 => Finding::warn(what, cure),
        _ => Finding::ok(what),
    }
}

/// Whether the node can listen, or does.
pub(super) fn port(what: &str, address: SocketAddr, node_runs: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) if node_runs => Finding::warn(
            format!("{what}: {address} is free although the node runs"),
            "the running node has other settings; start it again",
        ),
        Ok(_) => Finding::ok(format!("{what}: {address} is free")),
        Err(e) if e.kind() == ErrorKind::AddrInUse && node_runs => {
            Finding::ok(format!("{what}: {address} is in use by the running node"))
        }
        Err(e) if e.kind() == ErrorKind::AddrInUse => Finding::fail(
            format!("{what}: {address} is taken by another program"),
            "end that program, or choose another port in node.toml",
        ),
        Err(e) => Finding::fail(
            format!("{what}: {address}: {e}"),
            "write an address of this machine in node.toml, or 0.0.0.0 for all",
        ),
    }
}

/// Bytes of all files below a folder.
fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
