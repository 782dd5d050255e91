//! The contracts of the workloads: sources and bytecode stand in `crates/evm/src/testdata`.

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::{SolCall, SolValue, sol};
use serde_json::json;
use tulou_client::{Key, Rpc};

use super::workload::sign;
use crate::output::Failure;

sol! {
    function transfer(address to, uint256 value) external returns (bool);
    function put(bytes32 key, bytes32[8] value) external;
}

const TOKEN: &str = include_str!("../../../../../crates/evm/src/testdata/Token_sol_Token.bin");
const STORE: &str = include_str!("../../../../../crates/evm/src/testdata/Store_sol_Store.bin");

/// What every sender holds of a token.
const HOLDING: u64 = 1_000_000_000;

/// Deploys an ERC-20 whose every key holds enough. Returns its address.
pub(super) fn deploy_token(rpc: &Rpc, chain_id: u64, keys: &[Key]) -> Result<Address, Failure> {
    let supply = U256::from(HOLDING) * U256::from(keys.len());
    let mut code = bytecode(TOKEN)?;
    code.extend(supply.abi_encode());
    let token = deploy(rpc, chain_id, &keys[0], code)?;
    for key in &keys[1..] {
        let call = transferCall { to: key.address(), value: U256::from(HOLDING) };
        let nonce = rpc.next_nonce(keys[0].address())?;
        let raw = sign(&keys[0], chain_id, nonce, Some(token), call.abi_encode().into(), 200_000);
        confirm(rpc, &raw)?;
    }
    Ok(token)
}

/// Deploys the store of 256-byte values.
pub(super) fn deploy_store(rpc: &Rpc, chain_id: u64, key: &Key) -> Result<Address, Failure> {
    deploy(rpc, chain_id, key, bytecode(STORE)?)
}

fn bytecode(text: &str) -> Result<Vec<u8>, Failure> {
    hex::decode(text.trim()).map_err(|e| Failure(format!("bytecode: {e}")))
}

fn deploy(rpc: &Rpc, chain_id: u64, key: &Key, code: Vec<u8>) -> Result<Address, Failure> {
    let nonce = rpc.next_nonce(key.address())?;
    let raw = sign(key, chain_id, nonce, None, code.into(), 3_000_000);
    confirm(rpc, &raw)?;
    Ok(key.address().create(nonce))
}

/// Sends a transaction and waits for its receipt by the methods that every endpoint has.
pub(super) fn confirm(rpc: &Rpc, raw: &Bytes) -> Result<(), Failure> {
    let hash = rpc.call("eth_sendRawTransaction", json!([raw]))?;
    for _ in 0..3_000 {
        let receipt = rpc.call("eth_getTransactionReceipt", json!([hash]))?;
        if receipt.is_null() {
            std::thread::sleep(std::time::Duration::from_millis(10));
            continue;
        }
        if receipt["status"] == json!("0x1") {
            return Ok(());
        }
        return Err(Failure(format!("transaction {hash} of the preparation failed")));
    }
    Err(Failure(format!("transaction {hash} of the preparation is in no block after 30 s")))
}
