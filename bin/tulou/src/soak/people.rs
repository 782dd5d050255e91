//! Who uses the consortium beside those who send.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};
use tulou_client::{Key, Rpc};
use tulou_testing::{Crowd, Ears};

use crate::output::Failure;

/// Account of the test mnemonic that nobody else uses: its transactions are timed.
const PROBE: u32 = 19;
/// Rest of the one who is timed.
const PROBE_REST: Duration = Duration::from_secs(1);
/// How long those who come and go stay.
const STAY: Duration = Duration::from_secs(20);
/// How many follow and never read, each time.
const DEAF: usize = 5;

/// Everybody. They leave with the value.
pub(super) struct People {
    followers: Crowd,
    waits_ms: Arc<Mutex<Vec<f64>>>,
    failures: Arc<AtomicUsize>,
    left: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl People {
    /// Followers at the first member, one who is timed at the second, readers at the last, and guests
    /// that come and go at the third or the nearest there is.
    pub(super) fn come(urls: &[String], chain_id: u64, followers: usize) -> Result<Self, Failure> {
        let url = |place: usize| urls[place.min(urls.len() - 1)].clone();
        let mut people = Self {
            followers: Crowd::gather(&url(0), followers, "newHeads", Ears::Open)?,
            waits_ms: Arc::default(),
            failures: Arc::default(),
            left: Arc::default(),
            threads: Vec::new(),
        };
        let key = Key::test(PROBE)?;
        let (rpc, waits) = (Rpc::new(&url(1)), people.waits_ms.clone());
        people.employ(PROBE_REST, move || {
            let nonce = rpc.next_nonce(key.address()).ok()?;
            let raw = key.sign_transfer(chain_id, nonce, Address::repeat_byte(0x77), U256::ZERO);
            let begun = Instant::now();
            rpc.call("eth_sendRawTransactionSync", json!([raw, 10_000])).ok()?;
            let ms = begun.elapsed().as_secs_f64() * 1_000.0;
            waits.lock().unwrap_or_else(PoisonError::into_inner).push(ms);
            Some(())
        });
        let rpc = Rpc::new(&url(urls.len() - 1));
        people.employ(Duration::from_millis(500), move || read(&rpc));
        let (here, guests) = (url(2), followers / 4);
        people.employ(Duration::from_secs(1), move || {
            let loud = Crowd::gather(&here, guests, "logs", Ears::Open).ok()?;
            let deaf = Crowd::gather(&here, DEAF, "newPendingTransactions", Ears::Shut).ok()?;
            thread::sleep(STAY);
            (loud.open() == guests && deaf.open() <= DEAF).then_some(())
        });
        Ok(people)
    }

    /// Lets somebody do the same again and again. What comes to nothing counts as a failure.
    fn employ(&mut self, rest: Duration, mut work: impl FnMut() -> Option<()> + Send + 'static) {
        let (failures, left) = (self.failures.clone(), self.left.clone());
        self.threads.push(thread::spawn(move || {
            while !left.load(Ordering::Relaxed) {
                if work().is_none() && !left.load(Ordering::Relaxed) {
                    failures.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(rest);
            }
        }));
    }

    /// Milliseconds from sending to final since the last time this was asked, sorted.
    pub(super) fn waits_ms(&self) -> Vec<f64> {
        let mut waits =
            std::mem::take(&mut *self.waits_ms.lock().unwrap_or_else(PoisonError::into_inner));
        waits.sort_by(f64::total_cmp);
        waits
    }

    /// Requests that came to nothing so far.
    pub(super) fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    /// Followers whose connection stands.
    pub(super) fn followers(&self) -> usize {
        self.followers.open()
    }
}

impl Drop for People {
    fn drop(&mut self) {
        self.left.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // Whoever panicked has said why already.
            let _ = thread.join();
        }
    }
}

/// One round of questions, each of another kind.
fn read(rpc: &Rpc) -> Option<()> {
    let head = rpc.block_number().ok()?;
    let sender = Key::test(0).ok()?.address();
    let from = format!("{:#x}", head.saturating_sub(1_000));
    let here = format!("{head:#x}");
    let questions: [(&str, Value); 5] = [
        ("eth_getLogs", json!([{ "fromBlock": from, "toBlock": here }])),
        ("eth_getProof", json!([sender, ["0x0"], "latest"])),
        ("eth_getBlockReceipts", json!([here])),
        ("eth_feeHistory", json!(["0x40", "latest", [50.0]])),
        ("tulou_consortium", json!([])),
    ];
    for (method, params) in questions {
        rpc.call(method, params).ok()?;
    }
    rpc.get("/api/v1/rules/book_hash").ok()?;
    Some(())
}
