//! A server over a real ledger whose blocks a test makes one by one.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tulou_evm::{BlockEnv, BuildLimits};
use tulou_ledger::{Ledger, LedgerConfig};
use tulou_mempool::{Mempool, MempoolConfig};
use tulou_primitives::{
    Block, Genesis, GenesisAccount, GenesisMember, is_epoch_end, validators_hash,
};
use tulou_rpc::{
    BlockMeters, Consortium, DevClock, FinalitySource, LedgerId, Limits, Member, MemberState,
    RpcConfig, RpcContext, ServerHandle, Watch, serve_all,
};

pub(crate) const CHAIN: u64 = 7755;
pub(crate) const GAS_LIMIT: u64 = 100_000_000;
/// Heights in an epoch.
pub(crate) const EPOCH: u64 = 4;

/// Stands in for the engine: one validator, and certificates that only say which block they mean.
#[derive(Debug)]
struct Lone;

impl FinalitySource for Lone {
    fn namespace(&self) -> Vec<u8> {
        b"test".to_vec()
    }

    fn validators(&self, _: u64) -> Vec<B256> {
        vec![B256::repeat_byte(9)]
    }

    fn epoch_length(&self) -> u64 {
        EPOCH
    }
}

/// A certificate in its real form, with a signature that nobody made.
fn certificate(height: u64, digest: B256) -> Bytes {
    let epoch = [(height / EPOCH) as u8, 1, 0];
    let one_of_one = [&1u64.to_be_bytes()[..], &[1, 1], &[9; 64]].concat();
    [&epoch[..], digest.as_slice(), &one_of_one].concat().into()
}

#[derive(Debug)]
struct Hand(AtomicU64);

impl DevClock for Hand {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn increase(&self, seconds: u64) -> u64 {
        self.0.fetch_add(seconds, Ordering::Relaxed) + seconds
    }

    fn set_next(&self, timestamp: u64) {
        self.0.store(timestamp, Ordering::Relaxed);
    }
}

/// Stands in for the rest of the node: four members, of which this is the first.
pub(crate) struct Seen {
    consortium: Mutex<Consortium>,
    refusal: Mutex<Option<String>>,
}

impl Default for Seen {
    fn default() -> Self {
        let names = ["业主委员会", "物业公司", "街道办", "房管局"];
        let members = names.iter().enumerate().map(|(place, name)| Member {
            name: (*name).to_owned(),
            key: key(place),
            in_set: true,
            connected: true,
            height: Some(0),
            clock_offset_ms: Some(-40),
            signed_last: 75,
            of_last: 100,
            state: MemberState::Agrees,
            ..Member::default()
        });
        let consortium = Consortium {
            ledger: LedgerId { name: "桂花园".into(), chain_id: CHAIN, ..Default::default() },
            me: Some(key(0)),
            quorum: 3,
            voting: true,
            members: members.collect(),
            ..Consortium::default()
        };
        Self { consortium: Mutex::new(consortium), refusal: Mutex::default() }
    }
}

fn key(place: usize) -> B256 {
    B256::repeat_byte(u8::try_from(place).unwrap_or(u8::MAX) + 7)
}

impl Seen {
    pub(crate) fn refuse(&self, reason: Option<&str>) {
        *self.refusal.lock() = reason.map(str::to_owned);
    }

    pub(crate) fn change(&self, how: impl FnOnce(&mut Consortium)) {
        how(&mut self.consortium.lock());
    }
}

impl Watch for Seen {
    fn consortium(&self) -> Consortium {
        self.consortium.lock().clone()
    }

    fn metrics(&self) -> String {
        "# HELP network_messages Messages.\n# TYPE network_messages counter\n\
         network_messages_total{peer=\"a\"} 3\n# HELP views Views.\n# TYPE views gauge\n\
         views 7\n# EOF\n"
            .to_owned()
    }

    fn refusal(&self) -> Option<String> {
        self.refusal.lock().clone()
    }

    fn disk_budget_bytes(&self) -> Option<u64> {
        Some(1 << 30)
    }
}

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) mempool: Arc<Mempool>,
    clock: Arc<Hand>,
    context: RpcContext,
    server: Option<ServerHandle>,
    addr: SocketAddr,
    _dir: tempfile::TempDir,
}

/// The account that the genesis funds.
pub(crate) fn rich() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap()
}

fn genesis() -> Genesis {
    let account = GenesisAccount { balance: U256::from(1_000_000), ..Default::default() };
    Genesis {
        chain_id: CHAIN,
        timestamp: 1_700_000_000,
        gas_limit: GAS_LIMIT,
        epoch_length: EPOCH,
        heartbeat_ms: 5_000,
        estate: "桂花园".into(),
        release: 1,
        members: vec![GenesisMember::lone(B256::repeat_byte(9))],
        packs: vec!["cn".into()],
        offices: Vec::new(),
        accounts: [(rich().address(), account)].into(),
        ..Default::default()
    }
}

impl World {
    pub(crate) async fn start(config: RpcConfig) -> Self {
        Self::watched(config, None).await
    }

    /// A server that asks `watch` what the rest of the node would know.
    pub(crate) async fn watched(config: RpcConfig, watch: Option<Arc<dyn Watch>>) -> Self {
        Self::on(genesis(), config, watch).await
    }

    /// A server whose ledger should have a block every so many milliseconds.
    pub(crate) async fn beating(heartbeat_ms: u64, watch: Option<Arc<dyn Watch>>) -> Self {
        let genesis = Genesis { heartbeat_ms, ..genesis() };
        Self::on(genesis, RpcConfig::default(), watch).await
    }

    /// A server over a ledger that begins in another way.
    pub(crate) async fn founded(change: impl FnOnce(&mut Genesis), config: RpcConfig) -> Self {
        let mut genesis = genesis();
        change(&mut genesis);
        Self::on(genesis, config, None).await
    }

    async fn on(genesis: Genesis, config: RpcConfig, watch: Option<Arc<dyn Watch>>) -> Self {
        let mut world = Self::unserved(genesis, config, watch);
        world.serve(vec![world.context.clone()]).await;
        world
    }

    /// Two ledgers of these names behind one port, the first one's.
    pub(crate) async fn pair(first: &str, second: &str) -> (Self, Self) {
        let [mut first, mut second] = [first, second].map(|name| {
            let mut world = Self::unserved(genesis(), RpcConfig::default(), None);
            world.context.name = name.to_owned();
            world
        });
        first.serve(vec![first.context.clone(), second.context.clone()]).await;
        second.addr = first.addr;
        (first, second)
    }

    async fn serve(&mut self, contexts: Vec<RpcContext>) {
        let server = serve_all(self.addr, contexts).await.unwrap();
        self.addr = server.addr;
        self.server = Some(server);
    }

    fn unserved(genesis: Genesis, config: RpcConfig, watch: Option<Arc<dyn Watch>>) -> Self {
        let addr = ([127, 0, 0, 1], 0).into();
        let changes = tulou_evm::genesis_changes(&genesis).unwrap();
        let block = tulou_evm::genesis_block(&genesis, Ledger::genesis_root(&changes));
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), &block, changes, LedgerConfig::default()).unwrap();
        let limits =
            MempoolConfig { chain_id: CHAIN, block_gas_limit: GAS_LIMIT, ..Default::default() };
        let mempool = Arc::new(Mempool::new(limits, ledger.clone()));
        let clock = Arc::new(Hand(AtomicU64::new(genesis.timestamp)));
        let context = RpcContext {
            ledger: ledger.clone(),
            mempool: mempool.clone(),
            chain_id: CHAIN,
            gas_limit: GAS_LIMIT,
            foreign: None,
            genesis: Arc::new(genesis),
            name: String::new(),
            dir: Some(dir.path().to_owned()),
            watch,
            blocks: Arc::new(BlockMeters::default()),
            finality: Arc::new(Lone),
            dev: Some(clock.clone()),
            config,
        };
        Self { ledger, mempool, clock, context, server: None, addr, _dir: dir }
    }

    /// Makes a block of what waits in the pool, and makes it final.
    pub(crate) fn mine(&self) -> u64 {
        self.mine_certified(Some)
    }

    /// The same with a certificate that is another block's, or with none, as a crash may leave it.
    pub(crate) fn mine_certified(&self, certified: impl Fn(B256) -> Option<B256>) -> u64 {
        let head = self.ledger.head();
        let env = BlockEnv {
            chain_id: CHAIN,
            height: head.height + 1,
            timestamp: self.clock.now(),
            gas_limit: GAS_LIMIT,
            beneficiary: Address::ZERO,
            prevrandao: B256::ZERO,
            next_validators: is_epoch_end(head.height + 1, EPOCH)
                .then(|| validators_hash((head.height + 1) / EPOCH + 1, &Lone.validators(0))),
            terms: None,
        };
        let version = self.ledger.latest();
        let limits = BuildLimits {
            gas: GAS_LIMIT,
            bytes: 1 << 20,
            transactions: 1_000,
            ..Default::default()
        };
        let built = tulou_evm::build(&version, &env, &mut self.mempool.best(1_000), limits);
        let built = built.unwrap();
        let speculation = self.ledger.propose_root(head.hash, &built.executed.changes).unwrap();
        let header =
            tulou_evm::seal_header(&head.header, &env, &built.executed, speculation.root());
        let block = Block::new(header, built.included);
        let (hash, height) = (block.hash(), block.height());
        self.ledger.hold(block.clone(), built.executed.receipts, speculation);
        if let Some(digest) = certified(hash) {
            self.ledger.put_finality(height, certificate(height, digest)).unwrap();
        }
        self.ledger.finalize(hash).unwrap();
        self.mempool.on_final(&block);
        height
    }

    /// Moves the clock of the next block.
    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.increase(seconds);
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Replaces the limits while the server runs.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.server.as_ref().unwrap().set_limits(limits);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Status, headers and text of a GET.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        let url = self.url(path);
        let headers: Vec<_> =
            headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let got = tokio::task::spawn_blocking(move || {
            let mut request = agent().get(&url);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            read(request.call())
        });
        got.await.unwrap()
    }

    /// What a browser asks before it calls from a page of another origin.
    pub(crate) async fn options(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        let mut request = ureq::http::Request::options(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        tokio::task::spawn_blocking(move || read(agent().run(request))).await.unwrap()
    }

    /// Any request, with headers.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Got {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        tokio::task::spawn_blocking(move || read(agent().run(request))).await.unwrap()
    }

    pub(crate) fn context(&self) -> RpcContext {
        self.context.clone()
    }

    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>) -> Got {
        self.post_to("/", body).await
    }

    pub(crate) async fn post_to(&self, path: &str, body: impl Into<Vec<u8>>) -> Got {
        let (url, body) = (self.url(path), body.into());
        let sent = tokio::task::spawn_blocking(move || {
            read(agent().post(&url).content_type("application/json").send(&body[..]))
        });
        sent.await.unwrap()
    }

    /// The result of a call.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The error of a call.
    pub(crate) async fn error(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.call(method, params).await;
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        (error["code"].as_i64().unwrap_or_else(|| panic!("{method}: {answer}")), message)
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let got = self.post(request.to_string()).await;
        got.json()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{:?}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

fn read(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Got {
    let response = result.unwrap();
    let (parts, mut body) = response.into_parts();
    let body = body.with_config().limit(64 << 20).read_to_vec().unwrap();
    Got { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// A signed transfer of one wei.
pub(crate) fn transfer(nonce: u64) -> Bytes {
    sign(TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        to: Address::repeat_byte(9).into(),
        value: U256::from(1),
        ..Default::default()
    })
}

pub(crate) fn sign(tx: TxEip1559) -> Bytes {
    let signature = rich().sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// First four bytes of the hash of a signature.
pub(crate) fn selector(signature: &str) -> Vec<u8> {
    keccak256(signature)[..4].to_vec()
}
