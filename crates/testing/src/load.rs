//! People who go on sending, whatever becomes of the nodes, and remember every receipt they got.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_client::{ClientError, Key, Rpc, parse_number};
use tulou_modules::{
    address::documents as DOCUMENTS,
    documents::IDocuments::{self, Kind},
};

use crate::{Receipt, wait_until};

/// How long a sender waits for a receipt before it asks another node, in milliseconds.
const PATIENCE_MS: u64 = 3_000;
/// Gas for a document on file.
const GAS: u64 = 2_000_000;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct LoadPlan {
    /// EIP-155 id of the ledger.
    pub chain_id: u64,
    /// Accounts of the test mnemonic that send, each in a thread. They need no balance.
    pub senders: u32,
    /// Rest between two transactions of a sender.
    pub rest: Duration,
}

/// Senders in threads of their own. They end with the value.
pub struct Load {
    seen: Arc<Mutex<Vec<Receipt>>>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts to send to these nodes: each sender stays with one until it fails, then asks the next.
    pub fn start(urls: &[String], plan: LoadPlan) -> Self {
        let mut load = Self { seen: Arc::default(), stopped: Arc::default(), threads: Vec::new() };
        for sender in 0..plan.senders {
            let (seen, stopped) = (load.seen.clone(), load.stopped.clone());
            let nodes: Vec<Rpc> = urls.iter().map(|url| Rpc::new(url)).collect();
            load.threads.push(thread::spawn(move || {
                let mut at = sender as usize;
                while !stopped.load(Ordering::Relaxed) {
                    match send(&nodes[at % nodes.len()], sender, plan.chain_id) {
                        Ok(receipt) => lock(&seen).push(receipt),
                        // A node that is down or stands still is what these tests are about.
                        Err(_) => at += 1,
                    }
                    thread::sleep(plan.rest);
                }
            }));
        }
        load
    }

    /// Every receipt so far.
    pub fn receipts(&self) -> Vec<Receipt> {
        lock(&self.seen).clone()
    }

    /// The receipts since they were taken last; a load that runs for hours would hold too many.
    pub fn take(&self) -> Vec<Receipt> {
        std::mem::take(&mut *lock(&self.seen))
    }

    /// How many receipts there are so far, less those that were taken.
    pub fn count(&self) -> usize {
        lock(&self.seen).len()
    }

    /// Waits until so many more receipts have come. Returns how long that took, or nothing where it was
    /// too long.
    pub fn more(&self, count: usize, patience: Duration) -> Option<Duration> {
        let wanted = self.count() + count;
        wait_until(patience, || self.count() >= wanted)
    }

    /// Ends the load and returns every receipt.
    pub fn stop(mut self) -> Vec<Receipt> {
        self.end();
        self.receipts()
    }

    fn end(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A sender that panicked has said why already.
            let _ = thread.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::fmt::Debug for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load").field("receipts", &self.count()).finish_non_exhaustive()
    }
}

fn lock(seen: &Mutex<Vec<Receipt>>) -> std::sync::MutexGuard<'_, Vec<Receipt>> {
    // Only whole receipts are pushed: what a panic leaves is still true.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One transaction, and its receipt once it is final. Senders with odd numbers put documents on file,
/// the others move nothing at all.
fn send(rpc: &Rpc, sender: u32, chain_id: u64) -> Result<Receipt, ClientError> {
    let key = Key::test(sender).expect("the test mnemonic has twenty accounts");
    let nonce = rpc.next_nonce(key.address())?;
    let raw = if sender % 2 == 1 {
        let call = document(key.address(), nonce, &format!("document {nonce} of sender {sender}"));
        key.sign_call(chain_id, nonce, GAS, DOCUMENTS, call.abi_encode().into())
    } else {
        key.sign_transfer(chain_id, nonce, Address::repeat_byte(0x77), U256::ZERO)
    };
    send_raw(rpc, &raw)
}

/// Sends a transaction and waits until it is final.
///
/// # Errors
/// The node does not answer, refuses, or it does not become final in time.
pub(crate) fn send_raw(rpc: &Rpc, raw: &Bytes) -> Result<Receipt, ClientError> {
    let content = rpc.call("eth_sendRawTransactionSync", json!([raw, PATIENCE_MS]))?;
    receipt(content)
}

/// A receipt from what a node said.
fn receipt(content: Value) -> Result<Receipt, ClientError> {
    let height = parse_number(&content["blockNumber"]);
    let hash = content["transactionHash"].as_str().and_then(|text| text.parse().ok());
    match (hash, height) {
        (Some(hash), Some(height)) => Ok(Receipt { hash, height, content }),
        _ => Err(ClientError::Unexpected {
            method: "eth_sendRawTransactionSync".into(),
            answer: content.to_string(),
        }),
    }
}

/// Puts a document with this title on file.
pub fn document(custodian: Address, number: u64, title: &str) -> IDocuments::registerCall {
    let hash = keccak256(format!("{custodian} {number}"));
    let title = title.to_owned();
    IDocuments::registerCall { hash, kind: Kind::Other, custodian, retainUntil: 1 << 40, title }
}
