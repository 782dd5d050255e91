//! People who go on sending, whatever becomes of the node.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_client::{ClientError, Key, Rpc};
use tulou_modules::{
    address::{documents as DOCUMENTS, registry as REGISTRY},
    documents::IDocuments::{self, Kind},
    registry::IRegistry,
};

const CHAIN: u64 = 7755;
const GAS: u64 = 2_000_000;
/// Transactions on their way at once for each sender.
const BURST: u64 = 4;
/// A sender's rest: the test is about crashes, not about speed.
const REST: Duration = Duration::from_millis(10);
/// Kind of load by account of the test mnemonic. Account 0 is the registrar.
const SENDERS: &[(u32, &str)] =
    &[(0, "owners"), (1, "document"), (2, "transfer"), (3, "transfer"), (4, "transfer")];

/// A receipt as a sender was shown it.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) kind: &'static str,
    pub(crate) height: u64,
    pub(crate) content: Value,
}

impl Receipt {
    pub(crate) fn hash(&self) -> &Value {
        &self.content["transactionHash"]
    }
}

/// Accounts that the load changes, and the modules it calls.
pub(crate) fn accounts() -> Vec<Address> {
    let senders = SENDERS.iter().map(|(index, _)| key(*index).address());
    senders.chain([REGISTRY, DOCUMENTS, Address::repeat_byte(0x77)]).collect()
}

/// Senders in threads of their own.
pub(crate) struct Load {
    seen: Arc<Mutex<Vec<Receipt>>>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(url: &str) -> Self {
        let (seen, stopped) = (Arc::default(), Arc::<AtomicBool>::default());
        let mut load = Self { seen, stopped, threads: Vec::new() };
        for (index, kind) in SENDERS {
            let (seen, stopped) = (load.seen.clone(), load.stopped.clone());
            let (rpc, key) = (Rpc::new(url), key(*index));
            load.threads.push(thread::spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    // A node that is down is what this test is about: try again.
                    if let Ok(receipts) = burst(&rpc, &key, kind) {
                        seen.lock().expect("no sender panics").extend(receipts);
                    }
                    thread::sleep(REST);
                }
            }));
        }
        load
    }

    /// Waits until something was seen since the last time; false where nothing was.
    pub(crate) fn goes_on(&self, patience: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if !self.seen.lock().expect("no sender panics").is_empty() {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// What was seen since the last time.
    pub(crate) fn taken(&self) -> Vec<Receipt> {
        std::mem::take(&mut self.seen.lock().expect("no sender panics"))
    }

    /// Ends the load and returns the last receipts.
    pub(crate) fn stop(mut self) -> Vec<Receipt> {
        self.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("no sender panics");
        }
        self.taken()
    }
}

/// Some transactions one after the other, and the receipts of all once the last is final.
fn burst(rpc: &Rpc, key: &Key, kind: &'static str) -> Result<Vec<Receipt>, ClientError> {
    let first = rpc.next_nonce(key.address())?;
    let mut receipts = Vec::new();
    let mut hashes = Vec::new();
    for nonce in first..first + BURST {
        let raw = transaction(key, nonce, kind);
        if nonce + 1 < first + BURST {
            hashes.push(rpc.call("eth_sendRawTransaction", json!([raw]))?);
        } else {
            receipts.push(rpc.send_raw(&raw)?);
        }
    }
    for hash in hashes {
        receipts.push(rpc.call("eth_getTransactionReceipt", json!([hash]))?);
    }
    let seen = receipts.into_iter().filter_map(|content| {
        let height = content["blockNumber"].as_str()?.strip_prefix("0x")?;
        let height = u64::from_str_radix(height, 16).ok()?;
        Some(Receipt { kind, height, content })
    });
    Ok(seen.collect())
}

fn transaction(key: &Key, nonce: u64, kind: &str) -> Bytes {
    let number = keccak256(format!("{} {nonce}", key.address()));
    match kind {
        "owners" => {
            let owners = (0..5u8).map(|i| keccak256([&number[..], &[i]].concat())).collect();
            let call = IRegistry::addOwnersCall { owners };
            key.sign_call(CHAIN, nonce, GAS, REGISTRY, call.abi_encode().into())
        }
        "document" => {
            let call = document(number, key.address());
            key.sign_call(CHAIN, nonce, GAS, DOCUMENTS, call.abi_encode().into())
        }
        _ => key.sign_transfer(CHAIN, nonce, Address::repeat_byte(0x77), U256::from(nonce + 1)),
    }
}

fn document(hash: B256, custodian: Address) -> IDocuments::registerCall {
    let title = format!("document {hash}");
    IDocuments::registerCall { hash, kind: Kind::Other, custodian, retainUntil: 1 << 40, title }
}

fn key(index: u32) -> Key {
    Key::test(index).expect("the test mnemonic has twenty accounts")
}
