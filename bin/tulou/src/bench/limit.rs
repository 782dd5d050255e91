//! The physical limit: recovering senders, which no node can avoid.

use std::time::Instant;

use alloy_primitives::Bytes;
use tulou_primitives::Tx;

/// Recoveries per second with all cores busy, decoding included.
pub(crate) fn recoveries_per_s(transactions: &[Bytes]) -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let chunk = transactions.len().div_ceil(threads).max(1);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for part in transactions.chunks(chunk) {
            scope.spawn(move || {
                for raw in part {
                    let sender = Tx::decode(raw.clone()).and_then(|tx| tx.sender());
                    std::hint::black_box(sender.is_ok());
                }
            });
        }
    });
    transactions.len() as f64 / begun.elapsed().as_secs_f64()
}
