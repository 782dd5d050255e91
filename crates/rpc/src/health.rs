//! Whether the process lives, and whether it should be sent requests.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{metrics::behind, node::Node, watch};

/// Heartbeats without a final block after which a head is stale.
const STALE_HEARTBEATS: u32 = 3;
/// Heights a node may be behind its peers and still be asked: a few are always on the way.
const BEHIND_MAX: u64 = 5;

/// Why a node is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reason {
    /// For programs: `refusing`, `stale` or `behind`.
    code: &'static str,
    /// For people.
    message: String,
}

/// `GET /healthz`: 200 while the process answers at all.
pub(crate) async fn healthz(State(node): State<Node>) -> Response {
    let head = node.ledger.head();
    let body = json!({
        "status": "ok",
        "height": head.height,
        "hash": head.hash,
        "timestamp": head.timestamp,
    });
    Json(body).into_response()
}

/// `GET /readyz`: 200 when requests should be sent here, else 503 with the reasons.
pub(crate) async fn readyz(State(node): State<Node>) -> Response {
    let reasons = reasons(&node);
    let status = match reasons.as_slice() {
        [] => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({
        "ready": reasons.is_empty(),
        "height": node.ledger.head().height,
        "readOnly": node.config.read_only,
        "reasons": reasons,
    });
    (status, Json(body)).into_response()
}

fn reasons(node: &Node) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(message) = node.refusal() {
        reasons.push(Reason { code: "refusing", message });
    }
    let age = node.pulse().age();
    let seen = watch::consortium(node);
    if age > node.heartbeat() * STALE_HEARTBEATS {
        let why = seen.stalled.as_ref().map(|stalled| format!(": {}", stalled.reason));
        let message =
            format!("no block has become final for {} s{}", age.as_secs(), why.unwrap_or_default());
        reasons.push(Reason { code: "stale", message });
    }
    let missing = behind(&seen, node.ledger.head().height);
    if missing > BEHIND_MAX {
        let message = format!("{missing} blocks behind the other members, catching up");
        reasons.push(Reason { code: "behind", message });
    }
    reasons
}
