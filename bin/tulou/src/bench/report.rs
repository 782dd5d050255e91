//! Rows, as a table for people and as JSON for scripts.

use std::{fs, path::Path};

use serde::Serialize;

use crate::output::{Failure, Outcome};

/// One measurement. A column that a row does not measure is null.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Processes that vote.
    pub(crate) validators: usize,
    /// Ledgers in each process.
    pub(crate) ledgers: usize,
    pub(crate) cores: usize,
    /// Accounts in the state.
    pub(crate) accounts: Option<u64>,
    /// One-way delay of every link.
    pub(crate) delay_ms: Option<u64>,
    pub(crate) tx_per_s: Option<f64>,
    /// Transactions a second that were offered, those that were refused included.
    pub(crate) offered_per_s: Option<f64>,
    /// Recoveries per second on all cores, of the same transactions in the same run.
    pub(crate) limit_per_s: Option<f64>,
    /// `tx_per_s` / (`limit_per_s` / validators on this host).
    pub(crate) share: Option<f64>,
    /// Part of the transactions that succeeded.
    pub(crate) success: Option<f64>,
    /// What the ledger itself shows at the end: ballots, bank lines and documents, shares of a cost. The
    /// row is there only where they are as many as were sent.
    pub(crate) counted: Option<u64>,
    pub(crate) blocks_per_s: Option<f64>,
    /// From sending a transaction to seeing it in a final block.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// CPU seconds of all nodes together for 1,000 transactions.
    pub(crate) cpu_s_per_ktx: Option<f64>,
    /// CPU seconds of the generator for 1,000 transactions.
    pub(crate) client_cpu_s_per_ktx: Option<f64>,
    /// Bytes on the disks of all nodes together.
    pub(crate) disk_bytes_per_tx: Option<f64>,
    /// Mean of all processes.
    pub(crate) rss_mib: Option<f64>,
    /// Share of one core, mean of all processes.
    pub(crate) cpu: Option<f64>,
    /// Growth of one process's folder in a day, extrapolated from the interval.
    pub(crate) mb_per_day: Option<f64>,
    pub(crate) certificate_bytes: Option<u64>,
    /// Units charged in one run, and what that took.
    pub(crate) units: Option<u64>,
    pub(crate) units_per_s: Option<f64>,
    pub(crate) transactions: Option<u64>,
    pub(crate) gas_per_unit: Option<f64>,
    pub(crate) blocks: Option<u64>,
    /// CPU seconds of all nodes together for 1,000 units.
    pub(crate) cpu_s_per_kunit: Option<f64>,
    pub(crate) disk_bytes_per_unit: Option<f64>,
    /// Signed transactions whose sender one thread finds in a second, decoding included.
    pub(crate) checks_per_s: Option<f64>,
    /// `checks_per_s` / that of secp256k1 in the same run.
    pub(crate) of_recovery: Option<f64>,
    pub(crate) megabytes: Option<f64>,
    pub(crate) mb_per_s: Option<f64>,
    /// Wall time of a job, the start of its process included.
    pub(crate) seconds: Option<f64>,
}

impl Row {
    /// A row of one ledger per process, with this many processes that vote.
    pub(crate) fn of(name: &str, validators: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { name: name.into(), validators, ledgers: 1, cores, ..Self::default() }
    }

    /// A row of one validator.
    pub(crate) fn named(name: &str) -> Self {
        Self::of(name, 1)
    }

    /// What stands in each column, by its heading.
    fn cells(&self) -> [(&'static str, Option<String>); 32] {
        let number = |value: Option<f64>, decimals: usize| value.map(|v| format!("{v:.decimals$}"));
        [
            ("validators", Some(self.validators.to_string())),
            ("ledgers", Some(self.ledgers.to_string())),
            ("accounts", self.accounts.map(|n| n.to_string())),
            ("delay ms", self.delay_ms.map(|n| n.to_string())),
            ("offered/s", number(self.offered_per_s, 0)),
            ("tx/s", number(self.tx_per_s, 0)),
            ("limit/s", number(self.limit_per_s, 0)),
            ("share", number(self.share, 3)),
            ("success", number(self.success, 4)),
            ("counted", self.counted.map(|n| n.to_string())),
            ("blocks/s", number(self.blocks_per_s, 1)),
            ("p50 ms", number(self.p50_ms, 1)),
            ("p99 ms", number(self.p99_ms, 1)),
            ("cpu s/ktx", number(self.cpu_s_per_ktx, 4)),
            ("client s/ktx", number(self.client_cpu_s_per_ktx, 4)),
            ("B/tx", number(self.disk_bytes_per_tx, 0)),
            ("RSS MiB", number(self.rss_mib, 1)),
            ("CPU", number(self.cpu, 4)),
            ("MB/day", number(self.mb_per_day, 1)),
            ("cert B", self.certificate_bytes.map(|n| n.to_string())),
            ("units", self.units.map(|n| n.to_string())),
            ("units/s", number(self.units_per_s, 0)),
            ("tx", self.transactions.map(|n| n.to_string())),
            ("gas/unit", number(self.gas_per_unit, 0)),
            ("blocks", self.blocks.map(|n| n.to_string())),
            ("cpu s/kunit", number(self.cpu_s_per_kunit, 4)),
            ("B/unit", number(self.disk_bytes_per_unit, 0)),
            ("checks/s", number(self.checks_per_s, 0)),
            ("of recovery", number(self.of_recovery, 3)),
            ("MB", number(self.megabytes, 1)),
            ("MB/s", number(self.mb_per_s, 1)),
            ("seconds", number(self.seconds, 2)),
        ]
    }
}

/// Takes what was measured. A figure that cannot be had is said and must not cost the others.
pub(crate) fn keep(rows: &mut Vec<Row>, measured: Result<Vec<Row>, Failure>) {
    match measured {
        Ok(measured) => rows.extend(measured),
        Err(failure) => eprintln!("NOT MEASURED: {failure}"),
    }
}

/// The value below which this share of sorted values lies.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let index = (sorted.len() as f64 - 1.0).max(0.0) * share;
    sorted.get(index as usize).copied()
}

/// Prints the columns that at least one row measures, then how the figures came about.
pub(crate) fn print(rows: &[Row], method: &str) {
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    let measured = |column: usize| cells.iter().any(|row| row[column].1.is_some());
    let columns: Vec<usize> =
        (0..cells.first().map_or(0, |row| row.len())).filter(|&column| measured(column)).collect();
    let heads = columns.iter().filter_map(|&column| cells.first().map(|row| row[column].0));
    println!("{:<36}{}", "row", heads.map(|head| format!("{head:>13}")).collect::<String>());
    for (row, cells) in rows.iter().zip(&cells) {
        let line = columns.iter().map(|&column| cells[column].1.as_deref().unwrap_or("-"));
        println!("{:<36}{}", row.name, line.map(|cell| format!("{cell:>13}")).collect::<String>());
    }
    println!("{} {method}", machine());
}

/// Writes the rows as JSON.
pub(crate) fn write(rows: &[Row], file: &Path) -> Outcome {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let json = serde_json::to_string_pretty(rows).map_err(|e| Failure(e.to_string()))?;
    fs::write(file, format!("{json}\n"))?;
    println!("written to {}", file.display());
    Ok(())
}

/// What the figures were taken on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    format!(
        "{cores} cores shared by all nodes, the senders and the links; {build} build; load average at \
         the end {}.",
        load.join(" ")
    )
}
