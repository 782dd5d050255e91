//! Rows of the consortium, as a table for people and as JSON for scripts.

use serde::Serialize;

/// One measurement. A column that a row does not measure is null.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Processes that vote.
    pub(crate) validators: usize,
    /// Ledgers in each process.
    pub(crate) ledgers: usize,
    /// One-way delay of every link.
    pub(crate) delay_ms: Option<u64>,
    /// From sending a transaction to its final receipt.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) blocks_per_s: Option<f64>,
    pub(crate) tx_per_s: Option<f64>,
    /// Mean of all processes.
    pub(crate) rss_mib: Option<f64>,
    /// Share of one core, mean of all processes.
    pub(crate) cpu: Option<f64>,
    /// Growth of one process's folder in a day, extrapolated from the interval.
    pub(crate) mb_per_day: Option<f64>,
    pub(crate) certificate_bytes: Option<u64>,
    pub(crate) megabytes: Option<f64>,
    pub(crate) mb_per_s: Option<f64>,
    /// Wall time of a job, the start of its process included.
    pub(crate) seconds: Option<f64>,
}

impl Row {
    /// A row of one ledger per process.
    pub(crate) fn named(name: &str, validators: usize) -> Self {
        Self { name: name.into(), validators, ledgers: 1, ..Self::default() }
    }
}

pub(crate) fn print(rows: &[Row], watch_s: u64) {
    const HEADS: [&str; 14] = [
        "validators",
        "ledgers",
        "delay ms",
        "p50 ms",
        "p99 ms",
        "blocks/s",
        "tx/s",
        "RSS MiB",
        "CPU",
        "MB/day",
        "cert B",
        "MB",
        "MB/s",
        "seconds",
    ];
    let number = |value: Option<f64>, decimals: usize| {
        value.map_or("-".to_owned(), |v| format!("{v:.decimals$}"))
    };
    let whole = |value: Option<u64>| value.map_or("-".to_owned(), |v| v.to_string());
    println!("{:<32}{}", "row", HEADS.map(|head| format!("{head:>11}")).concat());
    for row in rows {
        let cells = [
            row.validators.to_string(),
            row.ledgers.to_string(),
            whole(row.delay_ms),
            number(row.p50_ms, 1),
            number(row.p99_ms, 1),
            number(row.blocks_per_s, 1),
            number(row.tx_per_s, 0),
            number(row.rss_mib, 1),
            number(row.cpu, 4),
            number(row.mb_per_day, 1),
            whole(row.certificate_bytes),
            number(row.megabytes, 1),
            number(row.mb_per_s, 1),
            number(row.seconds, 2),
        ];
        println!("{:<32}{}", row.name, cells.map(|cell| format!("{cell:>11}")).concat());
    }
    method(watch_s);
}

/// How the figures came about, with what would change them.
fn method(watch_s: u64) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    println!(
        "{cores} cores shared by all members, the senders and the links; {build} build; load average \
         at the end {}; {watch_s} s a measurement; a new ledger with almost no state; heartbeat 5 s. \
         Delay is one way, added to every link by the emulator of crates/testing. RSS, CPU and MB/day \
         are for one member (mean); CPU is a share of one core. MB are 10^6 bytes.",
        load.join(" ")
    );
}
