//! The physical limit: recovering senders, which no node can avoid.

use std::time::Instant;

use alloy_primitives::{Address, Bytes, U256, keccak256};
use tulou_client::Key;
use tulou_primitives::Tx;

use crate::{dev::CHAIN_ID, output::Failure};

/// Accounts of the test mnemonic that send. An empty dev chain funds twenty.
pub(crate) const SENDERS: u32 = 10;
/// Different recipients.
const RECIPIENTS: usize = 1_000;

/// Transfers with consecutive nonces from the test accounts, round robin.
pub(crate) fn sign_transfers(count: usize) -> Result<Vec<Bytes>, Failure> {
    let keys = (0..SENDERS).map(Key::test).collect::<Result<Vec<_>, _>>()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let chunk = count.div_ceil(threads).max(1);
    let indexes: Vec<usize> = (0..count).collect();
    let parts = std::thread::scope(|scope| {
        let jobs: Vec<_> = indexes
            .chunks(chunk)
            .map(|part| {
                let keys = &keys;
                scope.spawn(move || part.iter().map(|&i| transfer(keys, i)).collect::<Vec<_>>())
            })
            .collect();
        jobs.into_iter().map(|job| job.join()).collect::<Vec<_>>()
    });
    let mut signed = Vec::with_capacity(count);
    for part in parts {
        signed.extend(part.map_err(|_| Failure("a signing thread broke".into()))?);
    }
    Ok(signed)
}

fn transfer(keys: &[Key], index: usize) -> Bytes {
    let key = &keys[index % keys.len()];
    let nonce = (index / keys.len()) as u64;
    let to = Address::from_word(keccak256((index % RECIPIENTS).to_be_bytes()));
    key.sign_transfer(CHAIN_ID, nonce, to, U256::from(1))
}

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
