//! Transfers through the public interface: signed beforehand, sent in batches over keep-alive
//! connections, counted when they are final.

use std::{
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, Bytes, U256};
use serde_json::{Value, json};
use tulou_client::{ClientError, Key, Rpc};

use crate::{
    bench::{Server, limit::SENDERS, report::Row},
    dev::CHAIN_ID,
    output::Failure,
};

/// Connections that send at the same time.
const CONNECTIONS: usize = 4;
/// Transactions in one JSON-RPC batch.
const BATCH: usize = 100;
/// Longest wait for the last transaction to be final.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends everything as fast as the node takes it and waits until it is final.
pub(crate) fn throughput(transactions: &[Bytes], limit_per_s: f64) -> Result<Row, Failure> {
    let node = Server::start()?;
    let (disk, cpu, first) = (node.disk_bytes(), node.cpu_s(), node.rpc().block_number()?);
    let begun = Instant::now();
    let rejected = send_all(node.rpc().url(), transactions)?;
    let accepted = transactions.len() - rejected;
    let last = wait_for(node.rpc(), transactions.len(), accepted, begun)?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = node.cpu_s() - cpu;
    let done = succeeded(node.rpc(), first + 1, last)?;
    let tx_per_s = done as f64 / seconds;
    Ok(Row {
        accounts: Some(u64::from(SENDERS) + 1_000),
        tx_per_s: Some(tx_per_s),
        limit_per_s: Some(limit_per_s),
        share: Some(tx_per_s / limit_per_s),
        success: Some(done as f64 / transactions.len() as f64),
        cpu_s_per_ktx: Some(cpu * 1_000.0 / done.max(1) as f64),
        disk_bytes_per_tx: Some(node.disk_bytes().saturating_sub(disk) as f64 / done.max(1) as f64),
        rss_mib: Some(node.rss_mib()),
        ..Row::named("native transfers, JSON-RPC")
    })
}

/// Sends one at a time and waits for each receipt.
pub(crate) fn singles(count: usize, limit_per_s: f64) -> Result<Row, Failure> {
    let node = Server::start()?;
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
    let at = |share: f64| waits.get(((waits.len() as f64 - 1.0) * share) as usize).copied();
    Ok(Row {
        limit_per_s: Some(limit_per_s),
        success: Some(done as f64 / count.max(1) as f64),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        ..Row::named("one transfer, send to receipt")
    })
}

/// Sends in order per connection; senders are dealt to connections so that nonces stay in order.
fn send_all(url: &str, transactions: &[Bytes]) -> Result<usize, Failure> {
    let lanes: Vec<Vec<&Bytes>> = (0..CONNECTIONS)
        .map(|lane| {
            transactions
                .iter()
                .enumerate()
                .filter(|(i, _)| (i % SENDERS as usize) % CONNECTIONS == lane)
                .map(|(_, raw)| raw)
                .collect()
        })
        .collect();
    let results = thread::scope(|scope| {
        let jobs: Vec<_> =
            lanes.iter().map(|lane| scope.spawn(move || send_lane(url, lane))).collect();
        jobs.into_iter().map(|job| job.join()).collect::<Vec<_>>()
    });
    let mut rejected = 0;
    for result in results {
        rejected += result.map_err(|_| Failure("a sending thread broke".into()))??;
    }
    Ok(rejected)
}

fn send_lane(url: &str, lane: &[&Bytes]) -> Result<usize, Failure> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().into();
    let mut rejected = 0;
    for batch in lane.chunks(BATCH) {
        let requests: Vec<Value> = batch
            .iter()
            .enumerate()
            .map(|(id, raw)| json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw]}))
            .collect();
        let answers: Vec<Value> = agent.post(url).send_json(&requests)?.body_mut().read_json()?;
        rejected += answers.iter().filter(|answer| answer.get("error").is_some()).count();
    }
    Ok(rejected)
}

/// Waits until the senders' nonces say that everything accepted is final.
fn wait_for(rpc: &Rpc, sent: usize, accepted: usize, begun: Instant) -> Result<u64, Failure> {
    let mut keys = Vec::new();
    for index in 0..SENDERS {
        keys.push(Key::test(index)?.address());
    }
    loop {
        let mut final_count = 0u64;
        for account in &keys {
            let answer = rpc.call("eth_getTransactionCount", json!([account, "latest"]))?;
            final_count += parse(&answer)?;
        }
        if final_count as usize >= accepted {
            return Ok(rpc.block_number()?);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure(format!("{final_count} of {sent} final after {PATIENCE:?}")));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Receipts with status 1 in a range of blocks.
fn succeeded(rpc: &Rpc, from: u64, to: u64) -> Result<usize, ClientError> {
    let mut done = 0;
    for height in from..=to {
        let receipts = rpc.call("eth_getBlockReceipts", json!([format!("{height:#x}")]))?;
        let receipts = receipts.as_array().map_or(&[][..], Vec::as_slice);
        done += receipts.iter().filter(|receipt| receipt["status"] == json!("0x1")).count();
    }
    Ok(done)
}

fn parse(answer: &Value) -> Result<u64, Failure> {
    answer
        .as_str()
        .and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok())
        .ok_or_else(|| Failure(format!("unexpected answer: {answer}")))
}
