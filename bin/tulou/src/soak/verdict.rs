//! Whether anything grew.

use std::fmt;

use super::watch::{Held, Look};

/// Memory of the last quarter may be so many times that of the second: caches fill slowly, a leak in
/// hours of use is more.
const MEMORY: f64 = 1.25;
/// Memory below which growth is no sign of anything, in MiB.
const SMALL_MIB: f64 = 16.0;
/// State that a transaction may leave, in MiB: state is kept in memory, and a document writes eight slots.
const STATE_MIB: f64 = 1.0 / 1_024.0;
/// Most that a member may keep of what it read and of what is in no table yet, in MiB: by default 32 for
/// tables, 34 for blocks and receipts, the rest for records on their way to a table.
const CACHED_MIB: f64 = 96.0;
/// File descriptors and threads that may have come: database files are opened as the ledger grows.
const FILES: f64 = 32.0;
/// Longest time from sending to final in the last quarter, in milliseconds (99 of 100).
const FINAL_MS: f64 = 2_000.0;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    what: String,
    /// Median in the second quarter and in the last.
    before: f64,
    after: f64,
    fine: bool,
}

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    findings: Vec<Finding>,
    hours: f64,
    transactions: usize,
}

impl Verdict {
    /// Compares the second quarter of the looks with the last one.
    pub(super) fn of(looks: &[Look]) -> Self {
        let quarter = looks.len() / 4;
        let (second, last) =
            (&looks[quarter..quarter * 2], &looks[looks.len() - quarter..looks.len()]);
        let mut findings = Vec::new();
        // From the middle of the one quarter to the middle of the other.
        let between = &looks[quarter + quarter / 2..looks.len() - quarter / 2];
        let written: usize = between.iter().map(|look| look.done).sum();
        let room = SMALL_MIB.max(written as f64 * STATE_MIB);
        for member in 0..last.first().map_or(0, |look| look.members.len()) {
            let mut compare =
                |what: &str, of: &dyn Fn(&Held) -> f64, fine: &dyn Fn(f64, f64) -> bool| {
                    let of = |look: &Look| look.members.get(member).map(of);
                    let (before, after) = (median(second, &of), median(last, &of));
                    let what = format!("member {member}: {what}");
                    findings.push(Finding { what, before, after, fine: fine(before, after) });
                };
            // What fills up to a bound of its own is looked at apart, and is no leak.
            let own = |held: &Held| held.rss_mib - held.cached_mib;
            compare("memory, MiB", &|held| held.rss_mib, &|_, after| after > 0.0);
            compare("of that kept to read again", &|held| held.cached_mib, &|_, after| {
                after < CACHED_MIB
            });
            compare("the rest", &own, &|before, after| {
                after <= before * MEMORY || after - before < room
            });
            compare("open files", &|held| held.files as f64, &|before, after| {
                after <= before + FILES
            });
            compare("threads", &|held| held.threads as f64, &|before, after| after <= before + 4.0);
            compare("waiting transactions", &|held| held.waiting as f64, &|before, after| {
                after <= before + 100.0
            });
        }
        let p99 = |looks: &[Look]| {
            let worst = looks.iter().filter_map(|look| look.p99_ms);
            worst.fold(0.0, f64::max)
        };
        let (before, after) = (p99(second), p99(last));
        let fine = after > 0.0 && after < FINAL_MS;
        findings.push(Finding { what: "slowest to final, ms".into(), before, after, fine });
        let failed = |looks: &[Look]| {
            let reverted: usize = looks.iter().map(|look| look.reverted).sum();
            (looks.last().map_or(0, |look| look.failures) + reverted) as f64
        };
        let (before, after) = (failed(&looks[..quarter * 2]), failed(looks));
        findings.push(Finding {
            what: "failed requests".into(),
            before,
            after,
            fine: after == 0.0,
        });
        let cut = |looks: &[Look]| median(looks, &|look| Some(look.followers as f64));
        let (before, after) = (cut(second), cut(last));
        findings.push(Finding { what: "followers".into(), before, after, fine: after >= before });
        Self {
            findings,
            hours: looks.last().map_or(0, |look| look.at_s) as f64 / 3_600.0,
            transactions: looks.iter().map(|look| look.done).sum(),
        }
    }

    pub(super) fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.fine)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:.2} h, {} transactions", self.hours, self.transactions)?;
        writeln!(f, "{:<34}{:>14}{:>14}", "", "2nd quarter", "last quarter")?;
        for Finding { what, before, after, fine } in &self.findings {
            let word = if *fine { "" } else { "  <- grew or failed" };
            writeln!(f, "{what:<34}{before:>14.0}{after:>14.0}{word}")?;
        }
        f.write_str(if self.passed() { "nothing grew, nothing failed" } else { "NOT PASSED" })
    }
}

/// The middle of what was measured; 0 where nothing was.
fn median(looks: &[Look], of: &dyn Fn(&Look) -> Option<f64>) -> f64 {
    let mut values: Vec<f64> = looks.iter().filter_map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
