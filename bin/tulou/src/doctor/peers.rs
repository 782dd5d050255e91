//! The other members' nodes: reachable from here, connected, of the same version, with the same time.

use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use serde_json::Value;
use tulou_primitives::NodeKind;

use super::{Finding, Patient};

/// Longest wait for a connection.
const WAIT: Duration = Duration::from_secs(2);
/// Milliseconds by which clocks may differ before somebody should look, and before blocks wait.
const CLOCK_WARN_MS: i64 = 1_000;
const CLOCK_FAIL_MS: i64 = 4_000;

/// Whether the others' ports answer from this machine.
pub(super) fn reachable(patient: &Patient<'_>) -> Vec<Finding> {
    let name = &patient.settings.name;
    let others: Vec<_> =
        patient.genesis.members.iter().filter(|member| Some(member.node) != patient.me).collect();
    let mut findings = Vec::new();
    let mut here = 1;
    for member in &others {
        let own = patient.settings.peers.get(&member.node);
        let address = own.unwrap_or(&member.address);
        match try_connect(address) {
            Ok(()) => {
                here += usize::from(member.kind == NodeKind::Validator);
                findings.push(Finding::ok(format!("{name}: {} answers at {address}", member.name)));
            }
            Err(reason) => findings.push(Finding::warn(
                format!("{name}: {} does not answer at {address}: {reason}", member.name),
                "is that node running, is its port open in the firewall, is the address still right? \
                 [ledger.peers] in node.toml holds another one",
            )),
        }
    }
    let validators = patient.genesis.validators().len();
    let quorum = validators - validators.saturating_sub(1) / 3;
    if !others.is_empty() {
        findings.push(match here >= quorum {
            true => Finding::ok(format!("{name}: {here} of {validators} validators, {quorum} are needed")),
            false => Finding::fail(
                format!("{name}: {here} of {validators} validators can be reached, {quorum} are needed"),
                "start the nodes named above; until then no new block becomes final, and nothing is lost",
            ),
        });
    }
    findings
}

fn try_connect(address: &str) -> Result<(), String> {
    let mut addresses = address.to_socket_addrs().map_err(|e| e.to_string())?;
    let address = addresses.next().ok_or("the name has no address")?;
    TcpStream::connect_timeout(&address, WAIT).map(drop).map_err(|e| e.to_string())
}

/// What the running node knows of the others.
pub(super) fn connected(patient: &Patient<'_>) -> Vec<Finding> {
    let name = &patient.settings.name;
    let Some(seen) = &patient.running else {
        return vec![Finding::warn(
            format!("{name}: the node does not run"),
            "start it to compare clocks, versions and blocks with the others",
        )];
    };
    let mut findings =
        vec![Finding::ok(format!("{name}: the node runs, at block {}", seen["height"]))];
    let members = seen["members"].as_array().map_or(&[][..], Vec::as_slice);
    for member in members.iter().filter(|member| member["key"] != seen["me"]) {
        let who = member["name"].as_str().unwrap_or("unknown");
        findings.push(match member["state"].as_str() {
            Some("agrees") => Finding::ok(format!("{name}: {who} has the same blocks")),
            Some("behind") => Finding::warn(
                format!("{name}: {who} is behind, at block {}", member["height"]),
                "it catches up by itself; if it does not, look at its log",
            ),
            Some("differs") => Finding::fail(
                format!("{name}: {who} shows another block {} than this node", member["height"]),
                "one of the two is damaged or lying: `tulou verify` on both, then restore the wrong one",
            ),
            _ => Finding::warn(
                format!("{name}: {who} is not connected"),
                "its port answers or not: see above. A node with another first page, key or version \
                 answers and is refused; compare marks and versions",
            ),
        });
    }
    findings.push(clock(name, members, &seen["me"]));
    findings.push(versions(name, members, seen));
    if let Some(stalled) = seen["stalled"]["reason"].as_str() {
        findings.push(Finding::fail(
            format!("{name}: no block becomes final: {stalled}"),
            "tulou why-stalled",
        ));
    }
    findings
}

/// Our clock against the middle of the others'.
pub(super) fn clock(name: &str, members: &[Value], me: &Value) -> Finding {
    let mut offsets: Vec<i64> = members
        .iter()
        .filter(|member| member["key"] != *me && member["connected"] == true)
        .filter_map(|member| member["clockOffsetMs"].as_i64())
        .collect();
    offsets.sort_unstable();
    let Some(middle) = offsets.get(offsets.len() / 2).copied() else {
        return Finding::warn(
            format!("{name}: nobody is connected to compare the clock with"),
            "connect to other nodes first",
        );
    };
    let what = format!("{name}: the others' clocks are {middle} ms ahead of this one");
    let cure = "let the machine follow a time server, for example: systemctl enable --now systemd-timesyncd";
    match middle.abs() {
        ms if ms > CLOCK_FAIL_MS => Finding::fail(what, cure),
        ms if ms > CLOCK_WARN_MS => Finding::warn(what, cure),
        _ => Finding::ok(what),
    }
}

fn versions(name: &str, members: &[Value], seen: &Value) -> Finding {
    let others: Vec<&str> = members
        .iter()
        .filter(|member| member["connected"] == true && member["program"] != seen["program"])
        .filter_map(|member| member["program"].as_str())
        .collect();
    let mine = seen["program"].as_str().unwrap_or("unknown");
    match others.first() {
        None => Finding::ok(format!("{name}: all connected nodes run {mine}")),
        Some(other) => Finding::warn(
            format!("{name}: this node runs {mine}, another one {other}"),
            "upgrade the older one before the council schedules a new release",
        ),
    }
}
