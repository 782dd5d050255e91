//! The rows of one node and of several, under load.

use std::path::Path;

use clap::Args;
use tulou_client::Rpc;
use tulou_testing::{Cluster, ClusterPlan};

use super::{
    Server,
    flood::{self, Kind, Pace, Sizes, Target, Workload},
    report::{Row, keep},
};
use crate::{dev, output::Failure};

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    #[command(flatten)]
    sizes: Sizes,
    /// What to send.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "transfer,hot,token,tokens32,store,ballots,bills,city-hour"
    )]
    workloads: Vec<Workload>,
    /// Accounts in the state, for the native transfers; the other rows take the first.
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
    accounts: Vec<u64>,
    /// Validators on this machine of the rows with more than one: transfer and city-hour.
    #[arg(long, default_value_t = 4)]
    members: usize,
    /// Another endpoint for the same load, as NAME=URL; its test mnemonic's accounts must be funded.
    /// What calls modules of this ledger is left out.
    #[arg(long)]
    peer: Vec<String>,
}

/// All rows under load. What cannot be measured is said and left out.
pub(crate) fn measure(options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    let first = options.accounts.first().copied().unwrap_or(10_000);
    for accounts in &options.accounts {
        if options.workloads.contains(&Workload::Transfer) {
            keep(&mut rows, one(Workload::Transfer, *accounts, &options.sizes));
        }
    }
    for workload in options.workloads.iter().filter(|kind| **kind != Workload::Transfer) {
        keep(&mut rows, one(*workload, first, &options.sizes));
    }
    for workload in [Workload::Transfer, Workload::CityHour] {
        if options.members > 1 && options.workloads.contains(&workload) {
            keep(&mut rows, several(options.members, workload, first, &options.sizes));
        }
    }
    for peer in &options.peer {
        keep(&mut rows, other(peer, options));
    }
    rows
}

/// One validator.
fn one(workload: Workload, accounts: u64, sizes: &Sizes) -> Result<Vec<Row>, Failure> {
    println!("measuring one validator, {workload:?}, {accounts} accounts ...");
    let node = Server::start(accounts)?;
    let target = Target {
        kind: Kind::Dev,
        urls: vec![node.rpc().url().to_owned()],
        chain_id: dev::CHAIN_ID,
        accounts,
        pids: vec![node.pid()],
        folders: vec![node.dir().to_owned()],
    };
    rows_of(&target, workload, sizes)
}

/// Several validators on this machine, transactions sent to all.
fn several(
    members: usize,
    workload: Workload,
    accounts: u64,
    sizes: &Sizes,
) -> Result<Vec<Row>, Failure> {
    println!("measuring {members} validators, {workload:?}, {accounts} accounts ...");
    let mut plan = ClusterPlan::new(&std::env::current_exe()?, members);
    plan.heartbeat_ms = 5_000;
    // Blocks as large as those of a dev ledger, and senders who can pay.
    plan.gas_limit = Some(dev::GAS_LIMIT);
    plan.funded = flood::keys()?.iter().map(|key| key.address()).collect();
    plan.filler = accounts;
    let cluster = Cluster::start(plan)?;
    let pids = (0..members).filter_map(|member| cluster.pid(member)).collect();
    let folders = (0..members).map(|member| cluster.folder(member).to_owned()).collect();
    let (kind, chain_id) = (Kind::Consortium, cluster.chain_id());
    let target = Target { kind, urls: cluster.urls(), chain_id, accounts, pids, folders };
    rows_of(&target, workload, sizes)
}

/// The row of a workload on a ledger of our own; native transfers also at four fifths of full speed.
fn rows_of(target: &Target, workload: Workload, sizes: &Sizes) -> Result<Vec<Row>, Failure> {
    let mut rows = match workload {
        Workload::Bills => vec![flood::bills(target, sizes.units)?],
        Workload::CityHour => {
            let pace = Pace::even(sizes.city_rate as f64);
            vec![flood::measure(target, &workload.prepare(target, sizes)?, pace)?]
        }
        _ => vec![flood::measure(target, &workload.prepare(target, sizes)?, Pace::full())?],
    };
    if workload == Workload::Transfer
        && let Some(rate) = rows[0].tx_per_s
    {
        // Ten seconds, or as many transactions as the row at full speed has.
        let transactions = ((rate * 0.8 * 10.0) as usize).min(sizes.transactions);
        let fewer = workload.prepare(target, &Sizes { transactions, ..*sizes })?;
        let mut paced = flood::measure(target, &fewer, Pace::even(rate * 0.8))?;
        paced.name = format!("{}, at 80 %", paced.name);
        rows.push(paced);
    }
    for row in &mut rows {
        row.accounts = Some(target.accounts);
    }
    Ok(rows)
}

/// The same load on somebody else's endpoint. Its cost is not ours to measure.
fn other(peer: &str, options: &Options) -> Result<Vec<Row>, Failure> {
    let (name, url) =
        peer.split_once('=').ok_or_else(|| Failure(format!("--peer {peer}: expected NAME=URL")))?;
    println!("measuring {name} ...");
    let chain_id = Rpc::new(url).chain_id()?;
    let target = Target {
        kind: Kind::Peer,
        urls: vec![url.to_owned()],
        chain_id,
        accounts: options.accounts.first().copied().unwrap_or(10_000),
        pids: flood::listener_of(url).into_iter().collect(),
        folders: Vec::new(),
    };
    let mut rows = Vec::new();
    for workload in &options.workloads {
        if !workload.is_for_peers() {
            println!("  {workload:?} calls modules that {name} does not have: left out");
            continue;
        }
        let signed = workload.prepare(&target, &options.sizes)?;
        let mut row = flood::measure(&target, &signed, Pace::full())?;
        row.name = format!("{name}: {}", row.name);
        rows.push(row);
    }
    Ok(rows)
}

/// Where the rows go.
pub(crate) fn file_beside(out: &Path) -> std::path::PathBuf {
    out.with_file_name("load.json")
}
