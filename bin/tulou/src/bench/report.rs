//! Rows, as a table for people and as JSON for scripts.

use serde::Serialize;

use crate::output::Failure;

/// One measurement. A column that a row does not measure is null.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) validators: u32,
    pub(crate) cores: usize,
    /// Accounts that take part.
    pub(crate) accounts: Option<u64>,
    pub(crate) tx_per_s: Option<f64>,
    /// Recoveries per second on all cores, of the same transactions in the same run.
    pub(crate) limit_per_s: Option<f64>,
    /// `tx_per_s` / (`limit_per_s` / validators on this host).
    pub(crate) share: Option<f64>,
    /// Part of the transactions that succeeded.
    pub(crate) success: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// CPU seconds of the server for 1,000 transactions.
    pub(crate) cpu_s_per_ktx: Option<f64>,
    pub(crate) disk_bytes_per_tx: Option<f64>,
    pub(crate) rss_mib: Option<f64>,
    /// Share of one core while nothing happens.
    pub(crate) idle_cpu: Option<f64>,
    /// Wall time of a job that is not counted in transactions.
    pub(crate) seconds: Option<f64>,
}

impl Row {
    /// An empty row of one validator on this machine.
    pub(crate) fn named(name: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { name: name.into(), validators: 1, cores, ..Self::default() }
    }

    /// The limit itself.
    pub(crate) fn limit(recoveries_per_s: f64) -> Self {
        Self { limit_per_s: Some(recoveries_per_s), ..Self::named("sender recovery, all cores") }
    }
}

pub(crate) fn json(rows: &[Row]) -> Result<String, Failure> {
    Ok(format!("{}\n", serde_json::to_string_pretty(rows)?))
}

pub(crate) fn print(rows: &[Row]) {
    let cell = |value: Option<f64>, decimals: usize| {
        value.map_or("-".to_owned(), |v| format!("{v:.decimals$}"))
    };
    println!(
        "{:<30} {:>5} {:>8} {:>9} {:>9} {:>6} {:>7} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8}",
        "row",
        "cores",
        "accounts",
        "tx/s",
        "limit/s",
        "share",
        "success",
        "p50 ms",
        "p99 ms",
        "cpu s/ktx",
        "B/tx",
        "RSS MiB",
        "idle cpu",
        "seconds",
    );
    for row in rows {
        println!(
            "{:<30} {:>5} {:>8} {:>9} {:>9} {:>6} {:>7} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8}",
            row.name,
            row.cores,
            row.accounts.map_or("-".to_owned(), |n| n.to_string()),
            cell(row.tx_per_s, 0),
            cell(row.limit_per_s, 0),
            cell(row.share, 3),
            cell(row.success, 4),
            cell(row.p50_ms, 1),
            cell(row.p99_ms, 1),
            cell(row.cpu_s_per_ktx, 4),
            cell(row.disk_bytes_per_tx, 0),
            cell(row.rss_mib, 1),
            cell(row.idle_cpu, 4),
            cell(row.seconds, 2),
        );
    }
    println!(
        "one validator on this machine, client on the same cores; limit = sender recovery on all cores"
    );
}
