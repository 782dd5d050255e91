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
use serde_json::{Value, json};
use tulou_evm::{BlockEnv, BuildLimits};
use tulou_ledger::{Ledger, LedgerConfig};
use tulou_mempool::{Mempool, MempoolConfig};
use tulou_primitives::{Block, Genesis, GenesisAccount, GenesisMember};
use tulou_rpc::{DevClock, FinalitySource, RpcConfig, RpcContext, ServerHandle, serve};

pub(crate) const CHAIN: u64 = 7755;
pub(crate) const GAS_LIMIT: u64 = 100_000_000;

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

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) mempool: Arc<Mempool>,
    clock: Arc<Hand>,
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
        epoch_length: 100,
        heartbeat_ms: 5_000,
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
        let genesis = genesis();
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
            finality: Arc::new(Lone),
            dev: Some(clock.clone()),
            config,
        };
        let server = serve(([127, 0, 0, 1], 0).into(), context).await.unwrap();
        let addr = server.addr;
        Self { ledger, mempool, clock, server: Some(server), addr, _dir: dir }
    }

    /// Makes a block of what waits in the pool, and makes it final.
    pub(crate) fn mine(&self) -> u64 {
        let head = self.ledger.head();
        let env = BlockEnv {
            chain_id: CHAIN,
            height: head.height + 1,
            timestamp: self.clock.now(),
            gas_limit: GAS_LIMIT,
            beneficiary: Address::ZERO,
            prevrandao: B256::ZERO,
            next_validators: None,
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
        self.ledger.put_finality(height, hash.to_vec().into()).unwrap();
        self.ledger.finalize(hash).unwrap();
        self.mempool.on_final(&block);
        height
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
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

    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>) -> Got {
        let (url, body) = (self.url("/"), body.into());
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
