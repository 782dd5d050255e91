//! What an idle validator costs: `cargo run -p tulou-consensus --example idle -- 4 24` starts four
//! validators with room for 24 peers, each in a process of its own, and prints what each takes.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for people")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    env, fs,
    net::SocketAddr,
    process::{Child, Command},
    sync::Arc,
    thread,
    time::Duration,
};

use support::{Chain, Committees, committee, config, free_addresses, run};

/// Before the first measurement: connections are made, and the first blocks are final.
const SETTLE: Duration = Duration::from_secs(20);
/// Between the two measurements.
const WATCH: Duration = Duration::from_secs(60);
/// Of a real chain.
const HEARTBEAT: Duration = Duration::from_secs(5);

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.as_slice() {
        [dir, index, max_peers, addresses @ ..] if !addresses.is_empty() => {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            validate(dir, index.parse().unwrap(), max_peers.parse().unwrap(), &addresses);
        }
        [count, max_peers] => measure(count.parse().unwrap(), max_peers),
        _ => println!("idle VALIDATORS MAX_PEERS"),
    }
}

/// Runs one validator until it is killed.
fn validate(dir: &str, index: u8, max_peers: usize, addresses: &[SocketAddr]) {
    let members: Vec<u8> = (0..addresses.len() as u8).collect();
    let mut chain = Chain::new(Committees::from([(0, committee(&members))]));
    chain.pace = HEARTBEAT;
    chain.epoch_length = 500;
    let mut config = config(dir.as_ref(), index, addresses);
    config.heartbeat_ms = HEARTBEAT.as_millis() as u64;
    config.epoch_length = 500;
    config.max_peers = max_peers;
    let engine = run(config, &Arc::new(chain));
    while engine.is_running() {
        thread::sleep(Duration::from_millis(100));
    }
}

fn measure(count: usize, max_peers: &str) {
    let dir = tempfile::tempdir().unwrap();
    let addresses: Vec<_> = free_addresses(count).iter().map(SocketAddr::to_string).collect();
    let start = |index: usize| {
        Command::new(env::current_exe().unwrap())
            .args([dir.path().to_str().unwrap(), &index.to_string(), max_peers])
            .args(&addresses)
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..count).map(start).collect();
    thread::sleep(SETTLE);
    let before: Vec<_> = children.iter().map(ticks).collect();
    thread::sleep(WATCH);
    for (child, before) in children.iter().zip(before) {
        // A tick is 10 ms: a hundred in a second are a whole core.
        let busy = (ticks(child) - before) as f64 / WATCH.as_secs_f64();
        println!("{:>5} MiB, {busy:.2} % of a core", resident_kib(child) / 1024);
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Memory in use in KiB.
fn resident_kib(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Time on a processor so far.
fn ticks(child: &Child) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
