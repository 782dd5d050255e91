//! When a chunk arrives.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{sync::watch, time::Instant};

use super::Link;

/// Payload of a TCP segment on an Ethernet.
const SEGMENT: usize = 1_448;
/// Linux's shortest retransmission timeout.
pub(super) const TIMEOUT: Duration = Duration::from_millis(200);
/// Most retransmissions of one segment that are lost one after the other.
const LOST_AGAIN: u32 = 5;

/// Both what a direction is and what is on it.
struct Wire {
    link: Link,
    random: StdRng,
    /// When the last byte that was put on it has left.
    free_at: Instant,
    delivered: u64,
}

/// All directions.
pub(super) struct Wires {
    members: usize,
    wires: Vec<Mutex<Wire>>,
    changed: watch::Sender<()>,
}

/// When a chunk leaves the sender and when it arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) leaves: Instant,
    pub(super) arrives: Instant,
}

impl Wires {
    pub(super) fn new(members: usize, seed: u64) -> Self {
        let now = Instant::now();
        let wire = |index: usize| {
            let random = StdRng::seed_from_u64(seed ^ (index as u64).rotate_left(32));
            Mutex::new(Wire { link: Link::default(), random, free_at: now, delivered: 0 })
        };
        let wires = (0..members * members).map(wire).collect();
        Self { members, wires, changed: watch::Sender::new(()) }
    }

    fn wire(&self, from: usize, to: usize) -> MutexGuard<'_, Wire> {
        // Nothing panics while it holds one; if it did, the values would still be whole.
        self.wires[from * self.members + to].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, from: usize, to: usize, change: impl FnOnce(&mut Link)) {
        change(&mut self.wire(from, to).link);
        self.changed.send_replace(());
    }

    pub(super) fn delivered(&self, from: usize, to: usize) -> u64 {
        self.wire(from, to).delivered
    }

    pub(super) fn note(&self, from: usize, to: usize, bytes: usize) {
        self.wire(from, to).delivered += bytes as u64;
    }

    /// Waits until a direction is not cut. Returns whether it was.
    pub(super) async fn open(&self, from: usize, to: usize) -> bool {
        let mut changed = self.changed.subscribe();
        let mut was_cut = false;
        while self.wire(from, to).link.is_cut {
            was_cut = true;
            // The sender is this value: it cannot be gone.
            let _ = changed.changed().await;
        }
        was_cut
    }

    /// Puts a chunk on a direction.
    pub(super) fn put(&self, from: usize, to: usize, bytes: usize) -> Plan {
        let latency_back = self.wire(to, from).link.latency;
        let mut wire = self.wire(from, to);
        let link = wire.link;
        let now = Instant::now();
        let takes = link.bytes_per_s.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64)
        });
        let leaves = wire.free_at.max(now) + takes;
        wire.free_at = leaves;
        let jitter = link.jitter.mul_f64(wire.random.random_range(0.0..=1.0));
        let timeout = TIMEOUT + link.latency + latency_back;
        let stall = timeout * waits(&mut wire.random, link.loss, bytes.div_ceil(SEGMENT));
        Plan { leaves, arrives: leaves + link.latency + jitter + stall }
    }
}

/// Retransmission timeouts until every segment is there: what is lost together is sent again together.
fn waits(random: &mut StdRng, loss: f64, segments: usize) -> u32 {
    let mut missing = segments;
    let mut waited = 0;
    for round in 0..LOST_AGAIN {
        missing = (0..missing).filter(|_| random.random_bool(loss.clamp(0.0, 1.0))).count();
        if missing == 0 {
            break;
        }
        waited += 1 << round;
    }
    waited
}
