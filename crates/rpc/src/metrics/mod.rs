//! `GET /metrics`: figures for a monitoring system, in the text format of OpenMetrics 1.0, which
//! Prometheus reads.
//!
//! Names begin with `tulou_`, those of the process with `process_`, as everywhere. Units are seconds
//! and bytes, counters end in `_total`. Everything of a ledger has the label `ledger`.

mod engine;
mod ledgers;
mod meters;
mod process;
mod tls;
mod vault;

use std::{fmt, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::text,
    metrics::{gauge::ConstGauge, info::Info},
    registry::Registry,
};

pub(crate) use ledgers::behind;
pub use meters::BlockMeters;
pub(crate) use meters::{LedgerLabel, Meters, Outcome};
pub use vault::{OtherVault, VaultFigures, VaultMeters};

use crate::node::Node;

/// What the answer is called.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers `GET /metrics` for all ledgers of the process.
pub(crate) async fn answer(State(nodes): State<Arc<[Node]>>) -> Response {
    // Reads folders, so not on a thread that serves.
    let text = tokio::task::spawn_blocking(move || text(nodes)).await;
    match text {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Ok(Err(_)) | Err(_) => {
            tracing::error!("metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn text(nodes: Arc<[Node]>) -> Result<String, fmt::Error> {
    let mut ours = Registry::with_prefix("tulou");
    let version = ("version", env!("CARGO_PKG_VERSION"));
    let protocol = ("protocol", crate::watch::PROTOCOL.to_string());
    let labels = vec![(version.0, version.1.to_owned()), protocol];
    ours.register("build", "The program", Info::new(labels));
    if let Some(first) = nodes.first() {
        first.meters().register(&mut ours);
        let open = first.connections();
        ours.register("connections", "Open connections", ConstGauge::new(open));
        if let Some(tls) = first.tls() {
            tls::register(tls, &mut ours);
        }
        if let Some(vault) = &first.config.vault {
            vault.register(&mut ours);
        }
    }
    ours.register_collector(Box::new(ledgers::Ledgers(nodes.clone())));
    let mut process = Registry::with_prefix("process");
    process.register_collector(Box::new(process::Process));
    let engines: Vec<_> = nodes
        .iter()
        .filter_map(|node| Some((node.label().as_str(), node.watch.as_ref()?.metrics())))
        .collect();
    let mut out = String::new();
    text::encode_registry(&mut out, &ours)?;
    text::encode_registry(&mut out, &process)?;
    out.push_str(&engine::merge(&engines));
    text::encode_eof(&mut out)?;
    Ok(out)
}
