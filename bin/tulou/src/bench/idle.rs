//! What a node costs while nobody uses it.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    bench::{Server, report::Row},
    output::Failure,
};

pub(crate) fn measure(watch: Duration) -> Result<Row, Failure> {
    let node = Server::start(0)?;
    // Start-up work (connections, first blocks) is not idling.
    thread::sleep(Duration::from_secs(3));
    let (cpu, begun) = (node.cpu_s(), Instant::now());
    thread::sleep(watch);
    let share = (node.cpu_s() - cpu) / begun.elapsed().as_secs_f64();
    Ok(Row { cpu: Some(share), rss_mib: Some(node.rss_mib()), ..Row::named("idle") })
}
