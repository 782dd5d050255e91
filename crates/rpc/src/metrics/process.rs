//! The process itself, under the names that every Prometheus client uses.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// Reads the process at each scrape.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Ok(me) = sysinfo::get_current_pid() else { return Ok(()) };
        let mut system = System::new();
        let wanted = ProcessRefreshKind::nothing().with_memory().with_cpu();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[me]), false, wanted);
        let Some(process) = system.process(me) else { return Ok(()) };
        let cpu = ConstCounter::new(process.accumulated_cpu_time() as f64 / 1_000.0);
        let help = "User and system CPU time";
        cpu.encode(encoder.encode_descriptor(
            "cpu",
            help,
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?)?;
        let start = Some(process.start_time() as f64);
        let files = process.open_files().map(|count| count as f64);
        let most = process.open_files_limit().map(|count| count as f64);
        for (name, help, unit, value) in [
            (
                "resident_memory",
                "Resident memory",
                Some(Unit::Bytes),
                Some(process.memory() as f64),
            ),
            (
                "virtual_memory",
                "Virtual memory",
                Some(Unit::Bytes),
                Some(process.virtual_memory() as f64),
            ),
            ("start_time", "Start, seconds since 1970", Some(Unit::Seconds), start),
            ("open_fds", "Open file descriptors", None, files),
            ("max_fds", "File descriptors that may be open", None, most),
        ] {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(value);
            let kind = gauge.metric_type();
            gauge.encode(encoder.encode_descriptor(name, help, unit.as_ref(), kind)?)?;
        }
        Ok(())
    }
}
