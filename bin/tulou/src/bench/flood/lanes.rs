//! Requests that are ready before the clock runs, and the threads that send them.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, hex, keccak256};
use serde_json::Value;

use super::{PATIENCE, Pace, Signed, Target};
use crate::output::{Failure, Outcome};

/// Rest before transactions that were refused for want of room are sent again.
const AGAIN: Duration = Duration::from_millis(20);

/// One request with its transactions and their hashes.
struct Request {
    body: String,
    txs: Vec<Bytes>,
    hashes: Vec<B256>,
}

/// The requests of one connection.
struct Lane {
    url: String,
    requests: Vec<Request>,
    /// Time from one request to the next; none sends as fast as they are answered.
    every: Option<Duration>,
    /// When the first one goes, so that the lanes take turns.
    offset: Duration,
}

/// All connections.
pub(super) struct Lanes(Vec<Lane>);

/// What was sent.
#[derive(Default)]
pub(super) struct Sent {
    /// When each transaction's request went out.
    pub(super) times: HashMap<B256, Instant>,
    pub(super) rejected: usize,
    /// What the first that was refused was told.
    pub(super) reason: Option<String>,
}

impl Sent {
    fn refused(&mut self, count: usize, reason: impl FnOnce() -> String) {
        if count > 0 {
            self.rejected += count;
            self.reason.get_or_insert_with(reason);
        }
    }
}

impl Lanes {
    /// Deals the senders to the connections, so that each sender's nonces stay in order.
    pub(super) fn pack(target: &Target, signed: &Signed, pace: Pace) -> Self {
        let wanted = pace.connections.max(1) * target.urls.len();
        let count = wanted.min(signed.senders).max(1);
        let mut dealt: Vec<Vec<&Bytes>> = vec![Vec::new(); count];
        for tx in &signed.txs {
            dealt[tx.sender % count].push(&tx.raw);
        }
        let lanes = dealt.into_iter().enumerate().map(|(lane, mine)| {
            let every = pace.tx_per_s.map(|all| {
                let mine = all * mine.len() as f64 / signed.len().max(1) as f64;
                Duration::from_secs_f64(pace.batch as f64 / mine.max(0.001))
            });
            let requests = mine.chunks(pace.batch.max(1)).map(request).collect();
            let offset = every.unwrap_or_default().mul_f64(lane as f64 / count as f64);
            Lane { url: target.urls[lane % target.urls.len()].clone(), requests, every, offset }
        });
        Self(lanes.collect())
    }

    /// Sends everything, each request once `may` says yes to the number of transactions sent before.
    pub(super) fn send(
        self,
        begun: Instant,
        may: &(impl Fn(usize) -> bool + Sync),
    ) -> Result<Sent, Failure> {
        let count = AtomicUsize::new(0);
        let results = thread::scope(|scope| {
            let jobs: Vec<_> = self
                .0
                .into_iter()
                .map(|lane| {
                    let count = &count;
                    scope.spawn(move || lane.send(begun, count, may))
                })
                .collect();
            jobs.into_iter().map(|job| job.join()).collect::<Vec<_>>()
        });
        let mut all = Sent::default();
        for result in results {
            let sent = result.map_err(|_| Failure("a sending thread broke".into()))??;
            all.refused(sent.rejected, || sent.reason.unwrap_or_default());
            all.times.extend(sent.times);
        }
        Ok(all)
    }
}

impl Lane {
    fn send(
        self,
        begun: Instant,
        count: &AtomicUsize,
        may: &impl Fn(usize) -> bool,
    ) -> Result<Sent, Failure> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let mut sent = Sent::default();
        let mut due = begun + self.offset;
        for request in self.requests {
            if let Some(every) = self.every {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                due += every;
            }
            let stuck = Instant::now() + PATIENCE;
            while !may(count.load(Ordering::Relaxed)) && Instant::now() < stuck {
                thread::sleep(Duration::from_millis(1));
            }
            count.fetch_add(request.hashes.len(), Ordering::Relaxed);
            let at = Instant::now();
            post(&agent, &self.url, &request, &mut sent)?;
            sent.times.extend(request.hashes.into_iter().map(|hash| (hash, at)));
        }
        Ok(sent)
    }
}

/// Sends one batch, and what of it was told to come back again and again, as clients do. Notes what was
/// refused for good.
fn post(agent: &ureq::Agent, url: &str, request: &Request, sent: &mut Sent) -> Outcome {
    let patience = Instant::now() + PATIENCE;
    let mut again: Option<(String, Vec<Bytes>)> = None;
    loop {
        let (body, txs) = again.as_ref().map_or((&request.body, &request.txs), |(b, t)| (b, t));
        let mut answer = agent.post(url).content_type("application/json").send(body)?;
        let answer = answer.body_mut().with_config().limit(1 << 26).read_to_string()?;
        if !answer.contains("\"error\"") {
            return Ok(());
        }
        // A batch is answered by one object for each transaction, or refused as a whole by one.
        let Ok(answers) = serde_json::from_str::<Vec<Value>>(&answer) else {
            sent.refused(txs.len(), || answer);
            return Ok(());
        };
        let waits = |answer: &Value| answer["error"]["data"]["retryAfterMs"].is_number();
        for answer in answers.iter().filter(|a| a["error"].is_object() && !waits(a)) {
            sent.refused(1, || answer["error"]["message"].to_string());
        }
        let full = answers.iter().filter(|answer| waits(answer));
        let full = full.filter_map(|answer| txs.get(usize::try_from(answer["id"].as_u64()?).ok()?));
        let full: Vec<Bytes> = full.cloned().collect();
        if full.is_empty() {
            return Ok(());
        }
        if Instant::now() >= patience {
            sent.refused(full.len(), || format!("no room for {PATIENCE:?}"));
            return Ok(());
        }
        thread::sleep(AGAIN);
        again = Some((body_of(full.iter()), full));
    }
}

/// One batch, ready to be posted.
fn request(txs: &[&Bytes]) -> Request {
    let hashes = txs.iter().map(keccak256).collect();
    let body = body_of(txs.iter().copied());
    Request { body, txs: txs.iter().map(|raw| (*raw).clone()).collect(), hashes }
}

/// A batch of `eth_sendRawTransaction`, as JSON.
pub(crate) fn body_of<'a>(txs: impl Iterator<Item = &'a Bytes>) -> String {
    let calls: Vec<String> = txs
        .enumerate()
        .map(|(id, raw)| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_sendRawTransaction","params":["{}"]}}"#,
                hex::encode_prefixed(raw)
            )
        })
        .collect();
    format!("[{}]", calls.join(","))
}
