//! One transaction at a time, as a person sends them.

use std::{
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use serde_json::json;
use tulou_client::Key;

use crate::{
    bench::{
        Server,
        report::{Row, quantile},
    },
    dev::CHAIN_ID,
    output::Failure,
};

/// Sends one at a time and waits for each receipt.
pub(crate) fn measure(count: usize) -> Result<Row, Failure> {
    let node = Server::start(0)?;
    let key = Key::test(0)?;
    let mut waits = Vec::with_capacity(count);
    let mut done = 0usize;
    for nonce in 0..count {
        let raw = key.sign_transfer(CHAIN_ID, nonce as u64, Address::repeat_byte(7), U256::from(1));
        let begun = Instant::now();
        let receipt = node.rpc().send_raw(&raw)?;
        waits.push(begun.elapsed().as_secs_f64() * 1_000.0);
        done += usize::from(receipt["status"] == json!("0x1"));
        thread::sleep(Duration::from_millis(20));
    }
    waits.sort_by(f64::total_cmp);
    Ok(Row {
        success: Some(done as f64 / count.max(1) as f64),
        p50_ms: quantile(&waits, 0.5),
        p99_ms: quantile(&waits, 0.99),
        ..Row::named("one transfer, send to receipt")
    })
}
