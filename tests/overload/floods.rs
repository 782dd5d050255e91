//! More transactions than the node can take.

use std::thread;

use alloy_primitives::{Address, Bytes, U256};
use serde_json::json;
use tulou_client::{ClientError, Key, Rpc};

use tulou_testing::wait_until;

use super::{PATIENCE, RESIDENT, Server};

/// Transactions of each account of a flood, fewer than may wait for a nonce that is missing.
const EACH: u64 = 1_000;
/// Transactions of all accounts together that may wait for a nonce that is missing.
const QUEUED: usize = 8_192;
/// Gas for nothing but a byte of calldata, at the floor of EIP-7623.
const FLOOR: u64 = 10;

/// Accounts of the test mnemonic that flood: all ten that a dev ledger funds but the resident's, and one
/// that needs no money.
fn flooders() -> impl Iterator<Item = u32> {
    (0..=10).filter(|sender| *sender != RESIDENT)
}

/// What became of a flood.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) taken: usize,
    /// Each reason with which one was refused.
    pub(crate) refused: Vec<String>,
    /// Refusals without a time to come back.
    pub(crate) without_hint: Vec<String>,
}

/// Sends in batches, `connections` at a time. Batches keep their order on each connection.
pub(crate) fn send(server: &Server, raws: &[Bytes], connections: usize) -> Answers {
    let share = raws.len().div_ceil(connections.max(1)).max(1);
    let parts = thread::scope(|scope| {
        let jobs: Vec<_> = raws
            .chunks(share)
            .map(|mine| scope.spawn(move || send_in_order(server.url(), mine)))
            .collect();
        jobs.into_iter().map(|job| job.join().expect("a sender")).collect::<Vec<_>>()
    });
    parts.into_iter().fold(Answers::default(), |mut all, part| {
        all.taken += part.taken;
        all.refused.extend(part.refused);
        all.without_hint.extend(part.without_hint);
        all
    })
}

fn send_in_order(url: &str, raws: &[Bytes]) -> Answers {
    let mut all = Answers::default();
    for batch in
        raws.chunks(if raws.first().is_some_and(|raw| raw.len() > 10_000) { 8 } else { 200 })
    {
        let calls: Vec<_> = batch
            .iter()
            .enumerate()
            .map(|(id, raw)| {
                json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw]})
            })
            .collect();
        let mut response = ureq::post(url).send_json(&calls).expect("an answer");
        let answers: Vec<serde_json::Value> = response.body_mut().read_json().expect("answers");
        assert_eq!(answers.len(), batch.len());
        for answer in answers {
            let error = &answer["error"];
            if error.is_null() {
                all.taken += 1;
                continue;
            }
            let reason = error["message"].as_str().unwrap_or_default().to_owned();
            if error["data"]["retryAfterMs"].as_u64().is_none() {
                all.without_hint.push(reason.clone());
            }
            all.refused.push(reason);
        }
    }
    all
}

/// Transfers with so many zero bytes of data, of one account each eight.
pub(crate) fn heavy_transactions(server: &Server, count: u64, bytes: usize) -> Vec<Bytes> {
    let rpc = server.0.rpc();
    let chain_id = rpc.chain_id().expect("the node answers");
    let gas = 21_000 + FLOOR * bytes as u64;
    (0..count)
        .map(|index| {
            let key = Key::test((index / 8) as u32).expect("an account of the mnemonic");
            let first = rpc.next_nonce(key.address()).expect("a nonce");
            let data = Bytes::from(vec![0; bytes]);
            key.sign_call(chain_id, first + index % 8, gas, Address::repeat_byte(0x55), data)
        })
        .collect()
}

/// Transfers of one account from its next nonce on.
fn transfers(rpc: &Rpc, sender: u32, count: u64) -> Result<Vec<Bytes>, ClientError> {
    let key = Key::test(sender).expect("an account of the mnemonic");
    let (chain_id, first) = (rpc.chain_id()?, rpc.next_nonce(key.address())?);
    let to = Address::repeat_byte(0x66);
    Ok((first..first + count)
        .map(|nonce| key.sign_transfer(chain_id, nonce, to, U256::ZERO))
        .collect())
}

#[test]
fn a_flood_is_refused_with_a_time_to_come_back_and_residents_are_served() {
    let server = Server::start();
    // Each leaves out its next nonce, so that nothing of it can execute: the pool fills and stays full.
    let mut flood: Vec<Vec<Bytes>> = flooders()
        .map(|sender| transfers(server.0.rpc(), sender, EACH + 1).expect("the node answers"))
        .collect();
    let missing: Vec<Bytes> = flood.iter_mut().map(|mine| mine.remove(0)).collect();
    let answers = thread::scope(|scope| {
        let jobs: Vec<_> =
            flood.iter().map(|mine| scope.spawn(|| send_in_order(server.url(), mine))).collect();
        // Meanwhile a resident votes, so to speak.
        for _ in 0..5 {
            server.serves_a_resident();
        }
        jobs.into_iter().map(|job| job.join().expect("a sender")).collect::<Vec<_>>()
    });
    let taken: usize = answers.iter().map(|answers| answers.taken).sum();
    assert_eq!(taken, QUEUED);
    for answers in &answers {
        assert_eq!(answers.without_hint, Vec::<String>::new());
        let is_full = |text: &&String| text.starts_with("txpool is full");
        assert_eq!(answers.refused.iter().find(|text| !is_full(text)), None);
    }
    server.serves_a_resident();
    // Once the missing ones come everything executes, and nothing is left behind.
    assert_eq!(send(&server, &missing, 1).refused, Vec::<String>::new());
    let empty = json!({ "pending": "0x0", "queued": "0x0" });
    let status = || server.call("txpool_status", json!([])).expect("the node answers");
    let drained = wait_until(PATIENCE, || status() == empty);
    assert!(drained.is_some(), "{}", status());
    server.serves_a_resident();
}
