//! More than a node can take: a crowd that listens, and a minute at several times its capacity.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use clap::Args;
use serde_json::json;
use tulou_client::{Key, Rpc, parse_number};
use tulou_modules::address::documents as DOCUMENTS;
use tulou_testing::{Cluster, ClusterPlan, Crowd, Ears, document};

use super::{
    Server, flood, limit, process,
    report::{Row, keep, quantile},
};
use crate::{dev, output::Failure};

/// Calls in one request of a spike.
const BATCH: usize = 50;
/// Nonces of each account of a spike: many people who do a little each.
const NONCES: usize = 8;
/// Rest of a resident between two transactions.
const REST: Duration = Duration::from_millis(100);
/// Rest before bytes that were refused are sent again.
const AGAIN: Duration = Duration::from_millis(50);

/// What a resident does, one after the other.
#[derive(Clone, Copy)]
enum Act {
    /// Moves nothing to somebody: a place in the queue like any other.
    Transfer,
    /// Puts a document on file: the ledger's own business.
    Document,
}

impl Act {
    fn sign(self, chain_id: u64, nonce: u64, key: &Key) -> Bytes {
        match self {
            Self::Transfer => {
                key.sign_transfer(chain_id, nonce, Address::repeat_byte(0x77), U256::ZERO)
            }
            Self::Document => {
                let call = document(key.address(), nonce, "minutes of a meeting");
                key.sign_call(chain_id, nonce, 2_000_000, DOCUMENTS, call.abi_encode().into())
            }
        }
    }

    /// Account of the test mnemonic: the first five may put documents on file.
    fn account(self) -> u32 {
        match self {
            Self::Transfer => 19,
            Self::Document => 3,
        }
    }
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// WebSocket clients of the row with a crowd.
    #[arg(long, default_value_t = 10_000)]
    followers: usize,
    /// Seconds of the spike, and as many to see what it left.
    #[arg(long, default_value_t = 60)]
    spike_s: u64,
    /// Connections of the spike, of all nodes together.
    #[arg(long, default_value_t = 64)]
    spike_connections: usize,
    /// How many times the capacity the spike offers.
    #[arg(long, default_value_t = 5.0)]
    spike_factor: f64,
}

/// The rows. What cannot be measured is said and left out.
pub(crate) fn measure(options: &Options, members: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    keep(&mut rows, crowd(options.followers));
    // Fewer than three members found no consortium.
    keep(&mut rows, spike(options, members.max(3)));
    rows
}

/// Where the rows go.
pub(crate) fn file_beside(out: &Path) -> PathBuf {
    out.with_file_name("overload.json")
}

/// Clients that follow the chain while one resident uses it.
fn crowd(clients: usize) -> Result<Vec<Row>, Failure> {
    println!("measuring {clients} followers ...");
    let node = Server::start(0)?;
    let alone = resident(node.rpc(), dev::CHAIN_ID, Duration::from_secs(5), Act::Transfer)?;
    let before = node.rss_mib();
    let crowd = Crowd::gather(node.rpc().url(), clients, "newHeads", Ears::Open)?;
    let quiet = node.cpu_s();
    let begun = Instant::now();
    thread::sleep(Duration::from_secs(20));
    let idle = (node.cpu_s() - quiet) / begun.elapsed().as_secs_f64();
    let held = node.rss_mib() - before;
    let waits = resident(node.rpc(), dev::CHAIN_ID, Duration::from_secs(10), Act::Transfer)?;
    if crowd.open() != clients {
        return Err(Failure(format!("{} of {clients} followers stand", crowd.open())));
    }
    let each = held * 1_024.0 / clients.max(1) as f64;
    let name = format!("{clients} followers, {each:.0} KiB each");
    Ok(vec![
        row_of("a resident, nobody follows", 1, &alone),
        Row { rss_mib: Some(node.rss_mib()), cpu: Some(idle), ..row_of(&name, 1, &waits) },
    ])
}

/// A minute at several times what the nodes can take, and the minute after it.
fn spike(options: &Options, validators: usize) -> Result<Vec<Row>, Failure> {
    println!("measuring a spike on {validators} validator(s) ...");
    let mut plan = ClusterPlan::new(&std::env::current_exe()?, validators);
    plan.heartbeat_ms = 5_000;
    plan.gas_limit = Some(dev::GAS_LIMIT);
    let cluster = Cluster::start(plan)?;
    let length = Duration::from_secs(options.spike_s.max(1));
    let (urls, chain_id) = (cluster.urls(), cluster.chain_id());
    let capacity = capacity(&cluster)?;
    let offered = capacity * options.spike_factor;
    // Who is refused comes again with the same bytes, as people do.
    let count = ((offered * length.as_secs_f64()) as usize).min(600_000);
    let (requests, limit) = requests(chain_id, count)?;
    let rpc = cluster.rpc(0);
    let before = residents(rpc, chain_id, Duration::from_secs(5))?;
    let first = cluster.highest();
    let (sent, during) = thread::scope(|scope| {
        let people = scope.spawn(|| residents(rpc, chain_id, length));
        let sent = send(&urls, &requests, options.spike_connections, offered, length);
        (sent, people.join())
    });
    let (sent, during) = (sent?, during.map_err(|_| Failure("a resident's thread broke".into()))??);
    let done = included(cluster.rpc(0), first, cluster.highest())?;
    let after = residents(rpc, chain_id, length.min(Duration::from_secs(10)))?;
    let health = cluster.rpc(0).get("/readyz")?;
    if health["ready"] != json!(true) {
        return Err(Failure(format!("not ready after the spike: {health}")));
    }
    let pids = (0..validators).filter_map(|member| cluster.pid(member));
    let rss = pids.map(process::rss_mib).sum::<f64>() / validators as f64;
    let seconds = length.as_secs_f64();
    let row = |what: &str, waits: &[f64]| row_of(what, validators, waits);
    let (factor, attempts) = (options.spike_factor, sent as f64 / seconds);
    let spike = Row {
        tx_per_s: Some(done as f64 / seconds),
        limit_per_s: Some(limit),
        offered_per_s: Some(attempts),
        seconds: Some(seconds),
        ..row(&format!("a resident's document in a spike, {factor} x capacity"), &during.documents)
    };
    Ok(vec![
        row("a resident's document before the spike", &before.documents),
        row("a resident's transfer before the spike", &before.transfers),
        spike,
        row("a resident's transfer in the spike", &during.transfers),
        Row { rss_mib: Some(rss), ..row("a resident's document after it", &after.documents) },
        row("a resident's transfer after it", &after.transfers),
    ])
}

/// A row of a resident's sorted waits.
fn row_of(what: &str, validators: usize, waits_ms: &[f64]) -> Row {
    Row {
        p50_ms: quantile(waits_ms, 0.5),
        p99_ms: quantile(waits_ms, 0.99),
        ..Row::of(what, validators)
    }
}

/// Transactions a second at full speed, measured for some seconds.
fn capacity(cluster: &Cluster) -> Result<f64, Failure> {
    let (requests, _) = requests(cluster.chain_id(), 20_000)?;
    let first = cluster.highest();
    let begun = Instant::now();
    let urls = cluster.urls();
    thread::scope(|scope| {
        let share = requests.len().div_ceil(urls.len() * 4).max(1);
        for (place, mine) in requests.chunks(share).enumerate() {
            let url = &urls[place % urls.len()];
            scope.spawn(move || mine.iter().try_for_each(|body| post(&agent(), url, body)));
        }
    });
    // Some are refused where more come than fit: the time counts until the last one that is in a block.
    let (mut seen, mut done, mut last) = (first, 0, Instant::now());
    while done < 20_000 && last.elapsed() < Duration::from_secs(3) {
        thread::sleep(Duration::from_millis(50));
        let head = cluster.highest();
        let more = included(cluster.rpc(0), seen, head)?;
        seen = head;
        if more > 0 {
            done += more;
            last = Instant::now();
        }
    }
    Ok(done as f64 / (last - begun).as_secs_f64().max(0.001))
}

/// Transfers of nothing by many accounts of their own, packed; and the recovery limit for them.
fn requests(chain_id: u64, count: usize) -> Result<(Vec<String>, f64), Failure> {
    // Different accounts each time, so that nonces begin at 0.
    let salt = keccak256(format!("{:?}", Instant::now()));
    let accounts = count.div_ceil(NONCES).max(1);
    let keys = flood::in_parallel(accounts, &|index| {
        Key::from_bytes(keccak256([salt.as_slice(), &index.to_be_bytes()].concat()))
    })?;
    let to = Address::repeat_byte(0x66);
    let raws = flood::in_parallel(accounts * NONCES, &|index| {
        let nonce = (index / accounts) as u64;
        keys[index % accounts].sign_transfer(chain_id, nonce, to, U256::ZERO)
    })?;
    let limit = limit::recoveries_per_s(&raws[..raws.len().min(20_000)]);
    Ok((raws.chunks(BATCH).map(|raws| flood::body_of(raws.iter())).collect(), limit))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .build()
        .into()
}

fn post(agent: &ureq::Agent, url: &str, body: &str) -> Result<(), Failure> {
    let mut answer = agent.post(url).content_type("application/json").send(body)?;
    answer.body_mut().read_to_string()?;
    Ok(())
}

/// Offers requests at a pace, from the first again when all were sent. Gives how many transactions were
/// offered: fewer than wished where the answers take all the connections' time.
fn send(
    urls: &[String],
    requests: &[String],
    connections: usize,
    tx_per_s: f64,
    length: Duration,
) -> Result<usize, Failure> {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let every = Duration::from_secs_f64(BATCH as f64 / tx_per_s.max(1.0));
    let work = |place: usize| {
        let (agent, url) = (agent(), &urls[place % urls.len()]);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let due = begun + every * u32::try_from(index).unwrap_or(u32::MAX);
            if due.max(Instant::now()) >= begun + length {
                return Ok::<_, Failure>(());
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            post(&agent, url, &requests[index % requests.len()])?;
        }
    };
    thread::scope(|scope| {
        let jobs: Vec<_> =
            (0..connections.max(1)).map(|place| scope.spawn(move || work(place))).collect();
        jobs.into_iter()
            .try_for_each(|job| job.join().map_err(|_| Failure("a sending thread broke".into()))?)
    })?;
    Ok(next.load(Ordering::Relaxed).saturating_sub(connections) * BATCH)
}

/// Waits of those who do a little all the time, in milliseconds, sorted.
struct Waits {
    documents: Vec<f64>,
    transfers: Vec<f64>,
}

/// One resident at the first member who puts documents on file, and one who sends transfers.
fn residents(rpc: &Rpc, chain_id: u64, length: Duration) -> Result<Waits, Failure> {
    let (documents, transfers) = thread::scope(|scope| {
        let other = scope.spawn(|| resident(rpc, chain_id, length, Act::Transfer));
        (resident(rpc, chain_id, length, Act::Document), other.join())
    });
    let transfers = transfers.map_err(|_| Failure("a resident's thread broke".into()))??;
    Ok(Waits { documents: documents?, transfers })
}

/// One transaction after the other for some time: milliseconds from the first try to the receipt, sorted.
/// What is refused is sent again.
fn resident(rpc: &Rpc, chain_id: u64, length: Duration, act: Act) -> Result<Vec<f64>, Failure> {
    let key = Key::test(act.account())?;
    let begun = Instant::now();
    let mut waits = Vec::new();
    while begun.elapsed() < length {
        let nonce = rpc.next_nonce(key.address())?;
        let raw = act.sign(chain_id, nonce, &key);
        let sent = Instant::now();
        let patience = sent + Duration::from_secs(60);
        while let Err(refused) = rpc.call("eth_sendRawTransactionSync", json!([raw, 20_000])) {
            if Instant::now() >= patience {
                return Err(refused.into());
            }
            thread::sleep(AGAIN);
        }
        waits.push(sent.elapsed().as_secs_f64() * 1_000.0);
        thread::sleep(REST);
    }
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

/// Transactions in a range of blocks, the first one left out.
fn included(rpc: &Rpc, after: u64, to: u64) -> Result<usize, Failure> {
    let mut done = 0;
    for height in after + 1..=to {
        let tag = json!([format!("{height:#x}")]);
        let count = rpc.call("eth_getBlockTransactionCountByNumber", tag)?;
        done += parse_number(&count).unwrap_or(0) as usize;
    }
    Ok(done)
}
