//! What is counted as it happens.

use std::{sync::Arc, time::Duration};

use jsonrpsee::MethodResponse;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::limits::{Class, guard::Door};

/// Upper bounds in seconds: from a read out of memory to a call that waits for finality.
const SECONDS: [f64; 15] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// Name of a ledger as a label.
pub(crate) type LedgerLabel = Arc<String>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    ledger: LedgerLabel,
    door: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DoorLabels {
    ledger: LedgerLabel,
    door: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    ledger: LedgerLabel,
    class: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    ledger: LedgerLabel,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With a result.
    Ok,
    /// The contract refused.
    Reverted,
    /// One call too many.
    Limited,
    /// A fault of this node, or a node that must not serve.
    Fault,
    /// Anything else that the caller can put right.
    Invalid,
    /// Inside a batch, whose answers are not looked into.
    Batched,
}

impl Outcome {
    pub(crate) fn of(response: &MethodResponse) -> Self {
        response.as_error_code().map_or(Self::Ok, Self::of_code)
    }

    pub(crate) fn of_code(code: i32) -> Self {
        match code {
            3 => Self::Reverted,
            -32005 => Self::Limited,
            -32603 => Self::Fault,
            _ => Self::Invalid,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Reverted => "reverted",
            Self::Limited => "limited",
            Self::Fault => "fault",
            Self::Invalid => "invalid",
            Self::Batched => "batched",
        }
    }
}

/// Counters of the server. Every label has a small, fixed set of values.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<DoorLabels, Histogram, fn() -> Histogram>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<ClassLabels, Histogram, fn() -> Histogram>,
    limited: Family<KindLabel, Counter>,
    turned_away: Family<ReasonLabel, Counter>,
}

impl Meters {
    /// What alerts ask for begins at 0: a rate cannot be had from a series that begins with its first
    /// event.
    pub(crate) fn new<'a>(ledgers: impl Iterator<Item = &'a str>) -> Self {
        let new = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            limited: Family::default(),
            turned_away: Family::default(),
        };
        for kind in ["address", "account", "bodies", "sign-in"] {
            new.limited.get_or_create(&KindLabel { kind }).inc_by(0);
        }
        for reason in ["full", "address", "stalled"] {
            new.turned_away.get_or_create(&ReasonLabel { reason }).inc_by(0);
        }
        for ledger in ledgers {
            let ledger = LedgerLabel::new(ledger.to_owned());
            for class in Class::ALL {
                let outcome = Outcome::Fault.name();
                let labels = CallLabels { ledger: ledger.clone(), class: class.name(), outcome };
                new.calls.get_or_create(&labels).inc_by(0);
            }
        }
        new
    }

    /// An HTTP request was answered.
    pub(crate) fn request(&self, ledger: &LedgerLabel, door: Door, code: u16, took: Duration) {
        let (ledger, door) = (ledger.clone(), door.name());
        let labels = RequestLabels { ledger: ledger.clone(), door, code };
        self.requests.get_or_create(&labels).inc();
        let labels = DoorLabels { ledger, door };
        self.request_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A JSON-RPC call ended.
    pub(crate) fn call(&self, ledger: &LedgerLabel, class: Class, outcome: Outcome) {
        let (class, outcome) = (class.name(), outcome.name());
        let labels = CallLabels { ledger: ledger.clone(), class, outcome };
        self.calls.get_or_create(&labels).inc();
    }

    /// How long a JSON-RPC call took.
    pub(crate) fn call_took(&self, ledger: &LedgerLabel, class: Class, took: Duration) {
        let labels = ClassLabels { ledger: ledger.clone(), class: class.name() };
        self.call_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A request or call was one too many for an `address` or `account`.
    pub(crate) fn limited(&self, kind: &'static str) {
        self.limited.get_or_create(&KindLabel { kind }).inc();
    }

    /// A connection was closed unheard.
    pub(crate) fn turned_away(&self, reason: &'static str) {
        self.turned_away.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Adds all of them to a registry with the prefix `tulou`.
    pub(super) fn register(&self, to: &mut Registry) {
        to.register("http_requests", "HTTP requests answered", self.requests.clone());
        to.register_with_unit(
            "http_request_duration",
            "Time from the head of an HTTP request to the head of its answer",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        to.register("rpc_calls", "JSON-RPC calls by class and outcome", self.calls.clone());
        to.register_with_unit(
            "rpc_call_duration",
            "Time a JSON-RPC call took that was no part of a batch",
            Unit::Seconds,
            self.call_seconds.clone(),
        );
        to.register(
            "rate_limited",
            "Requests, calls and transactions refused because an address or account sent too many",
            self.limited.clone(),
        );
        to.register(
            "connections_refused",
            "Connections turned away or cut off",
            self.turned_away.clone(),
        );
    }
}

/// How long blocks take. The node observes, the server shows.
#[derive(Clone, Debug)]
pub struct BlockMeters {
    execution: Histogram,
    commit: Histogram,
}

impl Default for BlockMeters {
    fn default() -> Self {
        Self { execution: seconds(), commit: seconds() }
    }
}

impl BlockMeters {
    /// A block was executed, whether it was built here or by another validator.
    pub fn executed(&self, took: Duration) {
        self.execution.observe(took.as_secs_f64());
    }

    /// A final block went to disk.
    pub fn committed(&self, took: Duration) {
        self.commit.observe(took.as_secs_f64());
    }

    pub(super) fn execution(&self) -> &Histogram {
        &self.execution
    }

    pub(super) fn commit(&self) -> &Histogram {
        &self.commit
    }
}
