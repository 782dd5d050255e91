//! What people do to a server on purpose or by accident: crowds, deaf clients, floods, bombs.
//!
//! Every drill asks the same afterwards and, where it can, meanwhile: does one more resident's
//! transaction become final, does the node answer, has it given back what it took? No time decides a
//! test but the longest wait for anything at all.

mod bombs;
mod crowds;
mod floods;
mod searches;

use std::{fs, time::Duration};

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};
use tulou_client::{Key, LocalNode};
use tulou_testing::wait_until;

/// Longest wait for anything; machines that run tests are slow.
const PATIENCE: Duration = Duration::from_secs(120);
/// Account of the test mnemonic of the resident who only wants to be heard.
const RESIDENT: u32 = 9;

/// A node and the resident who asks it.
struct Server(LocalNode);

impl Server {
    fn start() -> Self {
        Self(tulou_testing::empty_node())
    }

    fn url(&self) -> &str {
        self.0.rpc().url()
    }

    fn call(&self, method: &str, params: Value) -> Result<Value, tulou_client::ClientError> {
        self.0.rpc().call(method, params)
    }

    /// A resident sends one transaction and sees it final.
    fn serves_a_resident(&self) {
        let rpc = self.0.rpc();
        let key = Key::test(RESIDENT).expect("an account of the mnemonic");
        let chain_id = rpc.chain_id().expect("the node answers");
        let sent = wait_until(PATIENCE, || {
            let Ok(nonce) = rpc.next_nonce(key.address()) else { return false };
            let to = Address::repeat_byte(0x99);
            let raw = key.sign_transfer(chain_id, nonce, to, U256::from(1));
            rpc.send_raw(&raw).is_ok_and(|receipt| receipt["status"] == json!("0x1"))
        });
        assert!(sent.is_some(), "a resident's transaction does not become final");
        let health = rpc.get("/readyz").unwrap_or_else(|e| panic!("not ready: {e}"));
        assert_eq!(health["ready"], json!(true), "{health}");
    }

    /// A figure of `/metrics`, by the beginning of its line.
    fn figure(&self, name: &str) -> f64 {
        tulou_testing::figure(self.url(), name).unwrap_or_else(|| panic!("no figure {name}"))
    }

    fn rss_mib(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.0.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("KiB") / 1024
    }
}
