//! The rows of one node and of several, under load.

use std::path::Path;

use clap::Args;

use super::{
    flood::{self, Pace, Sizes, Target, Workload},
    report::{Row, keep},
};
use crate::output::Failure;

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

impl Options {
    /// Validators of the rows with more than one.
    pub(crate) fn members(&self) -> usize {
        self.members
    }
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
    let target = Target::dev(accounts)?;
    let mut rows = rows_of(&target, workload, sizes)?;
    if workload == Workload::Transfer
        && let Some(node) = target.into_dev()
    {
        let (count, seconds) = node.checked_again()?;
        rows.push(Row {
            tx_per_s: Some(count as f64 / seconds),
            seconds: Some(seconds),
            accounts: Some(accounts),
            ..Row::named("its blocks checked, senders known, 1 thread")
        });
    }
    Ok(rows)
}

/// Several validators on this machine, transactions sent to all.
fn several(
    members: usize,
    workload: Workload,
    accounts: u64,
    sizes: &Sizes,
) -> Result<Vec<Row>, Failure> {
    println!("measuring {members} validators, {workload:?}, {accounts} accounts ...");
    rows_of(&Target::consortium(members, accounts)?, workload, sizes)
}

/// The row of a workload on a ledger of our own; native transfers also at four fifths of full speed.
fn rows_of(target: &Target, workload: Workload, sizes: &Sizes) -> Result<Vec<Row>, Failure> {
    let pace = match workload {
        Workload::CityHour => Pace::even(sizes.city_rate as f64),
        _ => Pace::full(),
    };
    let mut rows = vec![flood::measure(target, &workload.prepare(target, sizes)?, pace)?];
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
    let accounts = options.accounts.first().copied().unwrap_or(10_000);
    let target = Target::peer(url, accounts)?;
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
