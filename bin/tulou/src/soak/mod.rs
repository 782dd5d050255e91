//! `tulou soak`: hours of ordinary use on a consortium of processes, watched for what grows.
//!
//! People send, follow and leave, ask for events and proofs; some follow and never read. One line for
//! each look goes to a file, so that what was seen until then is kept whatever happens. At the end the
//! last quarter of the time is compared with the second: the first one fills caches.

mod people;
#[cfg(test)]
mod tests;
mod verdict;
mod watch;

use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;
use tulou_testing::{Cluster, ClusterPlan, Load, LoadPlan};

use self::{people::People, verdict::Verdict, watch::Look};
use crate::output::{Failure, Outcome, say};

/// Looks between two lines on the screen.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long.
    #[arg(long, default_value_t = 2.0)]
    hours: f64,
    /// Validators, each a process of this program.
    #[arg(long, default_value_t = 4)]
    members: usize,
    /// Accounts that send, each one transaction after the other; the first five may do what they ask for.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=5))]
    senders: u32,
    /// Milliseconds between two transactions of an account.
    #[arg(long, default_value_t = 500)]
    rest_ms: u64,
    /// WebSockets that follow the chain all the time; a quarter as many come and go.
    #[arg(long, default_value_t = 200)]
    followers: usize,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 30)]
    every_s: u64,
    /// Where every look is written, one JSON object to a line.
    #[arg(long, default_value = "target/bench/soak.jsonl")]
    out: PathBuf,
}

/// Runs for the time asked for and judges.
///
/// # Errors
/// The consortium does not start, the file cannot be written, or something grew, failed or differs.
pub(crate) fn run(options: &Options) -> Outcome {
    let length = Duration::try_from_secs_f64(options.hours * 3_600.0)
        .map_err(|_| Failure(format!("--hours {}: a number of hours above 0", options.hours)))?;
    let every = Duration::from_secs(options.every_s.max(1));
    if length < every * 8 {
        let least = every.as_secs() * 8;
        return Err(Failure(format!(
            "--hours {}: at least eight looks, so {least} s",
            options.hours
        )));
    }
    if let Some(folder) = options.out.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(&options.out)?;
    let mut plan = ClusterPlan::new(&std::env::current_exe()?, options.members);
    plan.heartbeat_ms = 5_000;
    let cluster = Cluster::start(plan)?;
    let sending = LoadPlan {
        chain_id: cluster.chain_id(),
        senders: options.senders,
        rest: Duration::from_millis(options.rest_ms),
    };
    let load = Load::start(&cluster.urls(), sending);
    let people = People::come(&cluster.urls(), cluster.chain_id(), options.followers)?;
    say(&format!(
        "{} members, {} senders, {} followers, {:.1} h; every look is in {}",
        options.members,
        options.senders,
        options.followers,
        options.hours,
        options.out.display()
    ))?;
    let looks = watch(&cluster, &load, &people, length, every, &mut file)?;
    drop(people);
    drop(load);
    let verdict = Verdict::of(&looks);
    say(&verdict.to_string())?;
    writeln!(file, "{}", json!({ "verdict": verdict.to_string(), "passed": verdict.passed() }))?;
    same_blocks(&cluster)?;
    if verdict.passed() {
        return Ok(());
    }
    Err(Failure(format!("the soak found something; the looks are in {}", options.out.display())))
}

fn watch(
    cluster: &Cluster,
    load: &Load,
    people: &People,
    length: Duration,
    every: Duration,
    file: &mut File,
) -> Result<Vec<Look>, Failure> {
    let begun = Instant::now();
    let mut looks = Vec::new();
    say(Look::HEAD)?;
    while begun.elapsed() < length {
        let due = begun + every * (looks.len() as u32 + 1);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let look = Look::now(cluster, load, people, begun.elapsed());
        writeln!(file, "{}", serde_json::to_string(&look)?)?;
        if looks.len() % SHOWN == SHOWN - 1 {
            say(&look.line())?;
        }
        looks.push(look);
    }
    Ok(looks)
}

/// All members have the same blocks.
fn same_blocks(cluster: &Cluster) -> Outcome {
    let heights: Vec<u64> =
        (0..cluster.len()).filter_map(|member| cluster.height(member)).collect();
    if heights.len() != cluster.len() {
        return Err(Failure("a member does not answer at the end".into()));
    }
    let height = heights.iter().min().copied().unwrap_or(0);
    let hash = |member: usize| {
        let tag = json!([format!("{height:#x}"), false]);
        Ok::<_, Failure>(cluster.rpc(member).call("eth_getBlockByNumber", tag)?["hash"].clone())
    };
    let first = hash(0)?;
    for member in 1..cluster.len() {
        if hash(member)? != first {
            return Err(Failure(format!(
                "members 0 and {member} have different blocks at {height}"
            )));
        }
    }
    say(&format!("all members have the same block at height {height}"))
}
