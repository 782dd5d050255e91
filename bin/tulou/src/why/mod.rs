//! `tulou why-stalled`: who is missing, and since when.

use clap::Args;
use serde_json::Value;
use tulou_client::Rpc;

use crate::output::{Failure, Outcome, say};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The node.
    #[arg(long, default_value = "http://localhost:8545")]
    rpc: String,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let rpc = Rpc::new(&options.rpc);
    let seen = rpc.get("/api/v1/node/consortium").map_err(|e| {
        Failure::hint(e, "`tulou doctor --dir <folder>` looks at a node that is down")
    })?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = now.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    say(&report(&seen, now_ms))
}

/// The report of a node in words.
fn report(seen: &Value, now_ms: u64) -> String {
    let members = seen["members"].as_array().map_or(&[][..], Vec::as_slice);
    let ago = |ms: &Value| match ms.as_u64() {
        Some(ms) => format!("{} s ago", now_ms.saturating_sub(ms) / 1_000),
        None => "never since this node started".to_owned(),
    };
    let mut lines = Vec::new();
    let stalled = &seen["stalled"];
    if stalled.is_null() {
        lines.push(format!(
            "Nothing is stalled: block {} became final {}.",
            seen["height"],
            ago(&seen["finalAtMs"])
        ));
    } else {
        lines.push(format!(
            "No block became final since block {}, {}.",
            seen["height"],
            ago(&stalled["sinceMs"])
        ));
        lines.push(format!(
            "{} of {} validators are here, {} are needed.",
            stalled["have"],
            members.iter().filter(|member| member["inSet"] == true).count(),
            stalled["needed"]
        ));
        lines.push(format!("Why: {}.", text(&stalled["reason"])));
    }
    for member in members {
        let state = text(&member["state"]);
        let missing =
            stalled["missing"].as_array().is_some_and(|keys| keys.contains(&member["key"]));
        if state == "agrees" && !missing {
            continue;
        }
        let last = ago(&member["lastSeenMs"]);
        let height = member["height"].as_u64().map_or("unknown".into(), |h| h.to_string());
        lines.push(format!(
            "  {} ({}): {state}, last heard {last}, at block {height}",
            text(&member["name"]),
            text(&member["endpoint"]),
        ));
    }
    if let Some(until) = seen["observingUntil"].as_str() {
        lines.push(format!(
            "This node does not vote until the {until}: its last votes are not known."
        ));
    }
    lines.join("\n")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

#[cfg(test)]
mod tests;
