//! One direction of one connection.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc,
    time::{Duration, Instant},
};

use super::wire::{TIMEOUT, Wires};

/// Largest chunk that is read in one go.
const CHUNK: usize = 16 << 10;
/// Chunks on their way: 4 MiB, a generous TCP window.
const WINDOW: usize = 256;
/// What may wait before the bottleneck, in time: a small router's queue.
const QUEUE: Duration = Duration::from_millis(100);

/// From one member to another.
pub(super) struct Direction {
    pub(super) wires: Arc<Wires>,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Direction {
    /// Carries bytes until one side closes.
    pub(super) async fn carry(self, source: OwnedReadHalf, sink: OwnedWriteHalf) {
        let (chunks, arriving) = mpsc::channel(WINDOW);
        tokio::join!(self.send(source, chunks), self.deliver(arriving, sink));
    }

    async fn send(&self, mut source: OwnedReadHalf, chunks: mpsc::Sender<(Instant, Vec<u8>)>) {
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = match source.read(&mut buffer).await {
                Ok(count @ 1..) => count,
                // Closed, or reset because the process has ended.
                _ => return,
            };
            let plan = self.wires.put(self.from, self.to, count);
            if chunks.send((plan.arrives, buffer[..count].to_vec())).await.is_err() {
                return;
            }
            tokio::time::sleep_until(plan.leaves - QUEUE.min(plan.leaves - Instant::now())).await;
        }
    }

    async fn deliver(
        &self,
        mut arriving: mpsc::Receiver<(Instant, Vec<u8>)>,
        mut sink: OwnedWriteHalf,
    ) {
        while let Some((at, chunk)) = arriving.recv().await {
            tokio::time::sleep_until(at).await;
            let begun = Instant::now();
            if self.wires.open(self.from, self.to).await {
                tokio::time::sleep_until(next_try(begun, Instant::now())).await;
            }
            if sink.write_all(&chunk).await.is_err() {
                return;
            }
            self.wires.note(self.from, self.to, chunk.len());
        }
        // The other side may be gone already.
        let _ = sink.shutdown().await;
    }
}

/// The first retransmission after `healed` of what was first sent at `begun`.
fn next_try(begun: Instant, healed: Instant) -> Instant {
    let (mut at, mut wait) = (begun, TIMEOUT);
    while at < healed {
        at += wait;
        wait *= 2;
    }
    at
}
