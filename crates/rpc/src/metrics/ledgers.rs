//! What is read from each ledger when somebody asks.

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge, histogram::Histogram},
    registry::Unit,
};
use tulou_mempool::Stats;

use super::meters::LedgerLabel;
use crate::{
    node::Node,
    watch::{self, Consortium, Member, MemberState},
};

/// Heights that are looked back at for the newest certificate.
const CERTIFICATES: u64 = 256;

/// A figure of something, `None` where it is not known.
struct Figure<T> {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    read: fn(&T) -> Option<f64>,
}

/// Everything about one ledger, read once for one answer.
struct Facts {
    ledger: LedgerLabel,
    height: u64,
    timestamp: u64,
    age: Duration,
    certificate_lag: Option<u64>,
    heartbeat: Duration,
    consortium: Consortium,
    refusing: bool,
    pool: Stats,
    refused: Vec<(&'static str, u64)>,
    cached: u64,
    disk_used: Option<u64>,
    disk_free: Option<u64>,
    disk_budget: Option<u64>,
    execution: Histogram,
    commit: Histogram,
}

impl Facts {
    fn of(node: &Node) -> Self {
        let head = node.ledger.head();
        let lowest = head.height.saturating_sub(CERTIFICATES);
        let certified = (lowest..=head.height)
            .rev()
            .find(|height| *height == 0 || matches!(node.ledger.finality(*height), Ok(Some(_))));
        Self {
            ledger: node.label().clone(),
            height: head.height,
            timestamp: head.timestamp,
            age: node.pulse().age(),
            certificate_lag: certified.map(|height| head.height - height),
            heartbeat: node.heartbeat(),
            consortium: watch::consortium(node),
            refusing: node.refusal().is_some(),
            pool: node.mempool.stats(),
            refused: node.mempool.refusals(),
            cached: node.ledger.cached_bytes(),
            disk_used: node.disk().used(),
            disk_free: node.disk().free(),
            disk_budget: node.watch.as_ref().and_then(|watch| watch.disk_budget_bytes()),
            execution: node.blocks.execution().clone(),
            commit: node.blocks.commit().clone(),
        }
    }

    fn connected(&self, wanted: impl Fn(&Member) -> bool) -> f64 {
        let members = self.consortium.members.iter();
        count(members.filter(|member| member.connected && wanted(member)).count())
    }
}

fn number(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    value as f64
}

fn flag(value: bool) -> Option<f64> {
    Some(f64::from(u8::from(value)))
}

static FIGURES: [Figure<Facts>; 25] = [
    Figure {
        name: "head_height",
        help: "Height of the newest final block",
        unit: None,
        read: |f| Some(number(f.height)),
    },
    Figure {
        name: "head_timestamp",
        help: "Time of the newest final block, seconds since 1970",
        unit: Some(Unit::Seconds),
        read: |f| Some(number(f.timestamp)),
    },
    Figure {
        name: "finality_age",
        help: "Time since a block became final here, or since the start if none has",
        unit: Some(Unit::Seconds),
        read: |f| Some(f.age.as_secs_f64()),
    },
    Figure {
        name: "heartbeat",
        help: "Time after which an idle leader proposes an empty block",
        unit: Some(Unit::Seconds),
        read: |f| Some(f.heartbeat.as_secs_f64()),
    },
    Figure {
        name: "certificate_lag_blocks",
        help: "Heights between the newest final block and the newest whose certificate is kept here",
        unit: None,
        read: |f| f.certificate_lag.map(number),
    },
    Figure {
        name: "behind_blocks",
        help: "Heights between this head and the highest one of a connected member",
        unit: None,
        read: |f| Some(number(behind(&f.consortium, f.height))),
    },
    Figure {
        name: "epoch",
        help: "Epoch of the next block",
        unit: None,
        read: |f| Some(number(f.consortium.epoch)),
    },
    Figure {
        name: "view",
        help: "View of consensus within the epoch",
        unit: None,
        read: |f| Some(number(f.consortium.view)),
    },
    Figure {
        name: "release",
        help: "Release of the rules in force at the head",
        unit: None,
        read: |f| Some(f64::from(f.consortium.release)),
    },
    Figure {
        name: "validators",
        help: "Validators of the epoch",
        unit: None,
        read: |f| Some(count(f.consortium.members.iter().filter(|m| m.in_set).count())),
    },
    Figure {
        name: "validators_connected",
        help: "Validators of the epoch that are connected, this node included",
        unit: None,
        read: |f| Some(f.connected(|member| member.in_set)),
    },
    Figure {
        name: "quorum",
        help: "Validators that must sign a block",
        unit: None,
        read: |f| Some(f64::from(f.consortium.quorum)),
    },
    Figure {
        name: "peers_connected",
        help: "Other members' nodes that are connected",
        unit: None,
        read: |f| Some(f.connected(|member| Some(member.key) != f.consortium.me)),
    },
    Figure {
        name: "voting",
        help: "1 while this node signs in the epoch",
        unit: None,
        read: |f| flag(f.consortium.voting),
    },
    Figure {
        name: "stalled",
        help: "1 while no block can become final",
        unit: None,
        read: |f| flag(f.consortium.stalled.is_some()),
    },
    Figure {
        name: "refusing",
        help: "1 while the node refuses to serve its data",
        unit: None,
        read: |f| flag(f.refusing),
    },
    Figure {
        name: "read_only",
        help: "1 where the node takes no transactions",
        unit: None,
        read: |f| flag(f.consortium.read_only),
    },
    Figure {
        name: "mempool_pending_transactions",
        help: "Waiting transactions that can execute",
        unit: None,
        read: |f| Some(count(f.pool.pending)),
    },
    Figure {
        name: "mempool_queued_transactions",
        help: "Waiting transactions whose account has to send an earlier one first",
        unit: None,
        read: |f| Some(count(f.pool.queued)),
    },
    Figure {
        name: "mempool_senders",
        help: "Accounts with waiting transactions",
        unit: None,
        read: |f| Some(count(f.pool.senders)),
    },
    Figure {
        name: "mempool",
        help: "Bytes of all waiting transactions",
        unit: Some(Unit::Bytes),
        read: |f| Some(count(f.pool.bytes)),
    },
    Figure {
        name: "cached",
        help: "Memory for records that were read or are in no table yet, which has a bound",
        unit: Some(Unit::Bytes),
        read: |f| Some(number(f.cached)),
    },
    Figure {
        name: "disk_used",
        help: "Bytes of the ledger's folder, counted at most once in half a minute",
        unit: Some(Unit::Bytes),
        read: |f| f.disk_used.map(number),
    },
    Figure {
        name: "disk_free",
        help: "Bytes that are left on the disk of the ledger's folder",
        unit: Some(Unit::Bytes),
        read: |f| f.disk_free.map(number),
    },
    Figure {
        name: "disk_budget",
        help: "Bytes the ledger's folder may take; absent without a budget",
        unit: Some(Unit::Bytes),
        read: |f| f.disk_budget.map(number),
    },
];

static MEMBER_FIGURES: [Figure<Member>; 6] = [
    Figure {
        name: "member_connected",
        help: "1 while this node has a connection to the member's node, or is it",
        unit: None,
        read: |m| flag(m.connected),
    },
    Figure {
        name: "member_in_set",
        help: "1 while the member's node is a validator",
        unit: None,
        read: |m| flag(m.in_set),
    },
    Figure {
        name: "member_height",
        help: "Newest final block of the member's node, as it says",
        unit: None,
        read: |m| m.height.map(number),
    },
    Figure {
        name: "member_differs",
        help: "1 where the member's node shows another block at a height that is final here",
        unit: None,
        read: |m| flag(m.state == MemberState::Differs),
    },
    Figure {
        name: "member_clock_offset",
        help: "The member's clock less this node's",
        unit: Some(Unit::Seconds),
        read: |m| m.clock_offset_ms.map(|ms| ms as f64 / 1_000.0),
    },
    Figure {
        name: "member_signed_ratio",
        help: "Share of the last blocks whose certificate here carries the member's signature",
        unit: None,
        read: |m| (m.of_last > 0).then(|| number(m.signed_last) / number(m.of_last)),
    },
];

/// Heights that a connected member is ahead.
pub(crate) fn behind(consortium: &Consortium, height: u64) -> u64 {
    let connected = consortium.members.iter().filter(|member| member.connected);
    let highest = connected.filter_map(|member| member.height).max();
    highest.unwrap_or(height).saturating_sub(height)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLedger {
    ledger: LedgerLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMember {
    ledger: LedgerLabel,
    member: String,
    key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    ledger: LedgerLabel,
    reason: &'static str,
}

impl OfMember {
    /// Names are for people and may be alike; the key's first bytes keep two members apart.
    fn new(ledger: &LedgerLabel, member: &Member) -> Self {
        let key = alloy_primitives::hex::encode(&member.key[..8]);
        Self { ledger: ledger.clone(), member: member.name.clone(), key }
    }
}

/// Reads the ledgers at each scrape.
pub(super) struct Ledgers(pub(super) Arc<[Node]>);

impl fmt::Debug for Ledgers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ledgers").field(&self.0.len()).finish()
    }
}

impl Collector for Ledgers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let facts: Vec<Facts> = self.0.iter().map(Facts::of).collect();
        for figure in &FIGURES {
            let mut family = begin(&mut encoder, figure)?;
            for fact in &facts {
                let labels = OfLedger { ledger: fact.ledger.clone() };
                put(&mut family, &labels, (figure.read)(fact))?;
            }
        }
        for figure in &MEMBER_FIGURES {
            let mut family = begin(&mut encoder, figure)?;
            for fact in &facts {
                for member in &fact.consortium.members {
                    let labels = OfMember::new(&fact.ledger, member);
                    put(&mut family, &labels, (figure.read)(member))?;
                }
            }
        }
        refusals(&mut encoder, &facts)?;
        let name = "block_execution_duration";
        durations(&mut encoder, name, "Time to execute a block", &facts, |f| &f.execution)?;
        let name = "block_commit_duration";
        durations(&mut encoder, name, "Time to bring a final block to disk", &facts, |f| &f.commit)
    }
}

fn begin<'e, T>(
    encoder: &'e mut DescriptorEncoder<'_>,
    figure: &'e Figure<T>,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    let Figure { name, help, unit, .. } = figure;
    encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)
}

fn put(
    family: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: Option<f64>,
) -> fmt::Result {
    match value {
        Some(value) => ConstGauge::new(value).encode(family.encode_family(labels)?),
        None => Ok(()),
    }
}

fn refusals(encoder: &mut DescriptorEncoder<'_>, facts: &[Facts]) -> fmt::Result {
    let help = "Transactions that were not admitted, by reason";
    let mut family =
        encoder.encode_descriptor("mempool_refused", help, None, MetricType::Counter)?;
    for fact in facts {
        for (reason, count) in &fact.refused {
            let labels = OfReason { ledger: fact.ledger.clone(), reason };
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn durations(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    facts: &[Facts],
    of: fn(&Facts) -> &Histogram,
) -> fmt::Result {
    let unit = Some(&Unit::Seconds);
    let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    for fact in facts {
        let labels = OfLedger { ledger: fact.ledger.clone() };
        of(fact).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
