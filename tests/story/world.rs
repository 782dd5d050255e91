//! What a person at a keyboard has: the program, JSON-RPC, REST, and on a dev chain the clock.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};
use tulou_client::{ClientError, Key, LocalNode, Rpc, refusal_in_words};

/// Longest wait for something that happens by itself; a heartbeat is five seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Gas of a ballot or a binding; what is not used costs nothing.
const GAS: u64 = 5_000_000;

pub(crate) struct World {
    node: LocalNode,
    chain: u64,
    /// Whose transfer to itself makes a block come at once.
    bell: Key,
}

impl World {
    pub(crate) fn new() -> Self {
        let node = tulou_testing::empty_node();
        let chain = node.rpc().chain_id().expect("the node tells its chain id");
        let bell = Key::test(19).expect("the test mnemonic has twenty accounts");
        Self { node, chain, bell }
    }

    pub(crate) fn rpc(&self) -> &Rpc {
        self.node.rpc()
    }

    /// Makes a call and expects it to be recorded and done.
    pub(crate) fn act<C: SolCall>(&self, who: &Key, to: Address, call: &C) {
        if let Err(e) = self.rpc().transact(who, to, call.abi_encode().into()) {
            panic!("{} should be done: {}", C::SIGNATURE, words(&e));
        }
    }

    /// Makes a call and expects a refusal, which it returns in words.
    pub(crate) fn refused<C: SolCall>(&self, who: &Key, to: Address, call: &C) -> String {
        match self.rpc().transact(who, to, call.abi_encode().into()) {
            Ok(receipt) => panic!("{} should be refused: {receipt}", C::SIGNATURE),
            Err(e) => words(&e),
        }
    }

    /// Makes many people's calls without waiting between them, then expects all to be done.
    pub(crate) fn together(&self, acts: Vec<(Key, Address, Bytes)>) {
        let mut waiting = Vec::new();
        for (who, to, data) in acts {
            let nonce = self.rpc().next_nonce(who.address()).expect("a nonce");
            let raw = who.sign_call(self.chain, nonce, GAS, to, data);
            waiting
                .push(self.rpc().call("eth_sendRawTransaction", json!([raw])).expect("admitted"));
        }
        for hash in waiting {
            let receipt = self.wait("a receipt", || {
                let receipt = self.rpc().call("eth_getTransactionReceipt", json!([hash])).ok()?;
                (!receipt.is_null()).then_some(receipt)
            });
            assert_eq!(receipt["status"], "0x1", "{receipt}");
        }
    }

    /// Reads through REST, `decisions/motion?id=1` for example.
    pub(crate) fn read(&self, path: &str) -> Value {
        self.rpc().get(&format!("/api/v1/{path}")).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// What REST says where it answers with an error.
    pub(crate) fn read_refused(&self, path: &str) -> String {
        match self.rpc().get(&format!("/api/v1/{path}")) {
            Ok(answer) => panic!("{path} should be refused: {answer}"),
            Err(e) => e.to_string(),
        }
    }

    /// Lets the program run to its end: whether it did well, what it printed, what it complained.
    pub(crate) fn program(&self, command: &[&str], arguments: &[&str]) -> (bool, String, String) {
        let output = Command::new(tulou_testing::program())
            .args(command)
            .args(["--rpc", self.rpc().url()])
            .args(arguments)
            .output()
            .expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    /// A folder that goes away with the node.
    pub(crate) fn folder(&self) -> &Path {
        self.node.dir()
    }

    /// Time of the newest block.
    pub(crate) fn now(&self) -> u64 {
        let block = self.rpc().call("eth_getBlockByNumber", json!(["latest", false]));
        let time = block.expect("the newest block")["timestamp"].as_str().map(str::to_owned);
        let time = time.expect("a block has a time");
        u64::from_str_radix(time.trim_start_matches("0x"), 16).expect("hexadecimal seconds")
    }

    /// Lets time pass until `time`, and one block come after it.
    pub(crate) fn until(&self, time: u64) {
        let seconds = time.saturating_sub(self.now());
        self.rpc().call("evm_increaseTime", json!([seconds])).expect("a dev clock moves");
        let nonce = self.rpc().next_nonce(self.bell.address()).expect("a nonce");
        let raw = self.bell.sign_transfer(self.chain, nonce, self.bell.address(), U256::ZERO);
        self.rpc().send_raw(&raw).expect("a block comes");
        assert!(self.now() >= time, "the new block stands at the new time");
    }

    /// Waits until a reading shows what is to come by itself, and returns that reading.
    pub(crate) fn comes(&self, path: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        self.wait(path, || Some(self.read(path)).filter(|value| is_there(value)))
    }

    fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} does not come");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// An error as a person reads it.
fn words(error: &ClientError) -> String {
    match error {
        ClientError::Refused { data: Some(data), message, .. } => {
            refusal_in_words(data).unwrap_or_else(|| message.clone())
        }
        other => other.to_string(),
    }
}

/// A field that REST writes as decimal text because a number could lose digits.
pub(crate) fn number(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.parse().unwrap_or_else(|_| panic!("{text:?} is no number")),
        other => other.as_u64().unwrap_or_else(|| panic!("{other} is no number")),
    }
}
