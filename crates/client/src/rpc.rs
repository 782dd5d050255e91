//! JSON-RPC and REST over HTTP, blocking.

use std::{sync::Arc, time::Duration};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, Bytes, hex};
use serde_json::{Value, json};
use ureq::{http::StatusCode, tls::TlsConfig};

use crate::{Key, session::Session};

/// Why a request brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node was not reached, or did not speak JSON.
    #[error("{url} does not answer: {reason}")]
    Unreachable {
        /// Address of the node.
        url: String,
        /// What went wrong on the way.
        reason: String,
    },
    /// The node answered with an error. `data` is the revert data where a call was refused.
    #[error("{message}")]
    Refused {
        /// JSON-RPC error code, 3 for a refused call.
        code: i64,
        /// What the node said, or the refusal in words.
        message: String,
        /// ABI-encoded error.
        data: Option<Bytes>,
    },
    /// The transaction is in a block, and its call was refused there.
    #[error("recorded in block {height} but refused there (transaction {hash})")]
    Failed {
        /// Hash of the transaction.
        hash: B256,
        /// Block that holds it.
        height: u64,
    },
    /// An answer of another shape than the protocol says.
    #[error("unexpected answer to {method}: {answer}")]
    Unexpected {
        /// The method.
        method: String,
        /// What came.
        answer: String,
    },
}

/// A connection to one node.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: String,
    agent: ureq::Agent,
    pub(crate) session: Option<Arc<Session>>,
}

/// JSON-RPC's word for rows that the one who asks may not see.
const UNSEEN: i64 = -32001;

impl Rpc {
    /// Talks to the node at `url`, e.g. `http://localhost:8545`.
    pub fn new(url: &str) -> Self {
        Self::with(url, TlsConfig::default())
    }

    /// As [`Rpc::new`], and takes whatever certificate the node shows: for an own node on this machine,
    /// whose certificate is for the name by which others reach it.
    pub fn unverified(url: &str) -> Self {
        Self::with(url, TlsConfig::builder().disable_verification(true).build())
    }

    fn with(url: &str, tls: TlsConfig) -> Self {
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        Self { url: url.trim_end_matches('/').to_owned(), agent: config.into(), session: None }
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One JSON-RPC call.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.post(&request)?;
        if answer["error"]["code"] == json!(UNSEEN) && self.answer_challenge()? {
            return result_of(self.post(&request)?);
        }
        result_of(answer)
    }

    fn post(&self, request: &Value) -> Result<Value, ClientError> {
        let mut post = self.agent.post(&self.url);
        if let Some(authorization) = self.authorization() {
            post = post.header("authorization", authorization);
        }
        post.send_json(request)
            .and_then(|mut response| response.body_mut().with_config().limit(1 << 28).read_json())
            .map_err(|e| self.unreachable(e))
    }

    pub(crate) fn agent(&self) -> &ureq::Agent {
        &self.agent
    }

    /// Several JSON-RPC calls in one request. Answers in the order of the calls.
    ///
    /// # Errors
    /// That of the first call that brought none.
    pub fn batch(&self, calls: &[(&str, Value)]) -> Result<Vec<Value>, ClientError> {
        let request: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(id, (method, params))| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .collect();
        let request = Value::Array(request);
        let mut answer = self.post(&request)?;
        let is_unseen = |answer: &Value| answer["error"]["code"] == json!(UNSEEN);
        if answer.as_array().is_some_and(|answers| answers.iter().any(is_unseen))
            && self.answer_challenge()?
        {
            answer = self.post(&request)?;
        }
        let Value::Array(mut answers) = answer else {
            return Err(unexpected("a batch", &answer));
        };
        answers.sort_by_key(|answer| answer["id"].as_u64());
        if answers.len() != calls.len() {
            return Err(unexpected("a batch", &Value::Array(answers)));
        }
        answers.into_iter().map(result_of).collect()
    }

    /// One `GET` of the REST interface, e.g. `/api/v1/registry/totals`.
    pub fn get(&self, path: &str) -> Result<Value, ClientError> {
        let (mut status, mut answer) = self.get_once(path)?;
        let is_unseen = status == 401 && answer["error"]["name"] == json!("signInNeeded");
        if is_unseen && self.answer_challenge()? {
            (status, answer) = self.get_once(path)?;
        }
        if status.is_success() {
            return Ok(answer);
        }
        let message = answer["error"]["message"].as_str().unwrap_or("no reason given").to_owned();
        Err(ClientError::Refused { code: i64::from(status.as_u16()), message, data: None })
    }

    fn get_once(&self, path: &str) -> Result<(StatusCode, Value), ClientError> {
        let mut get = self.agent.get(format!("{}{path}", self.url));
        if let Some(authorization) = self.authorization() {
            get = get.header("authorization", authorization);
        }
        let mut response = get.call().map_err(|e| self.unreachable(e))?;
        let body = response.body_mut().with_config().limit(1 << 28).read_json();
        Ok((response.status(), body.map_err(|e| self.unreachable(e))?))
    }

    /// One file of the web app as the node sends it, not compressed, e.g. `/index.html`.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], or [`ClientError::Refused`] with the status where there is none.
    pub fn file(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let mut response = self
            .agent
            .get(format!("{}{path}", self.url))
            .header("accept-encoding", "identity")
            .call()
            .map_err(|e| self.unreachable(e))?;
        if !response.status().is_success() {
            let code = i64::from(response.status().as_u16());
            return Err(ClientError::Refused { code, message: format!("no {path}"), data: None });
        }
        let body = response.body_mut().with_config().limit(1 << 26);
        body.read_to_vec().map_err(|e| self.unreachable(e))
    }

    /// Number of the newest final block.
    pub fn block_number(&self) -> Result<u64, ClientError> {
        self.number("eth_blockNumber", json!([]))
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> Result<u64, ClientError> {
        self.number("eth_chainId", json!([]))
    }

    /// Nonce of the next transaction, those waiting included.
    pub fn next_nonce(&self, account: Address) -> Result<u64, ClientError> {
        self.number("eth_getTransactionCount", json!([account, "pending"]))
    }

    /// Calls without a transaction and returns the ABI-encoded answer.
    pub fn view(&self, from: Address, to: Address, data: &Bytes) -> Result<Bytes, ClientError> {
        let answer =
            self.call("eth_call", json!([{"from": from, "to": to, "input": data}, "latest"]))?;
        serde_json::from_value(answer.clone()).map_err(|_| unexpected("eth_call", &answer))
    }

    /// Sends a signed transaction and waits for its final receipt, whatever its outcome.
    pub fn send_raw(&self, raw: &Bytes) -> Result<Value, ClientError> {
        self.call("eth_sendRawTransactionSync", json!([raw, 30_000]))
    }

    /// Estimates, signs and sends a call, and waits until it is final.
    ///
    /// # Errors
    /// - [`ClientError::Refused`]: the call would be refused; nothing was sent.
    /// - [`ClientError::Failed`]: refused in the block, because the state had moved on.
    pub fn transact(&self, key: &Key, to: Address, data: Bytes) -> Result<Value, ClientError> {
        let request = json!([{"from": key.address(), "to": to, "input": data}]);
        let gas = self.number("eth_estimateGas", request)?;
        let nonce = self.next_nonce(key.address())?;
        let gas = gas.saturating_add(gas / 4);
        let raw = key.sign_call(self.chain_id()?, nonce, gas, to, data);
        let receipt = self.send_raw(&raw)?;
        if receipt["status"] == json!("0x1") {
            return Ok(receipt);
        }
        let hash = serde_json::from_value(receipt["transactionHash"].clone())
            .map_err(|_| unexpected("eth_sendRawTransactionSync", &receipt))?;
        let height = parse_number(&receipt["blockNumber"])
            .ok_or_else(|| unexpected("eth_sendRawTransactionSync", &receipt))?;
        Err(ClientError::Failed { hash, height })
    }

    fn number(&self, method: &str, params: Value) -> Result<u64, ClientError> {
        let answer = self.call(method, params)?;
        parse_number(&answer).ok_or_else(|| unexpected(method, &answer))
    }

    pub(crate) fn unreachable(&self, error: ureq::Error) -> ClientError {
        ClientError::Unreachable { url: self.url.clone(), reason: error.to_string() }
    }
}

/// Revert data of a module in words: `ErrorName(field: value, ...)`. `None` where no module knows it.
pub fn refusal_in_words(data: &[u8]) -> Option<String> {
    use alloy_dyn_abi::ErrorExt;
    let selector = data.get(..4)?;
    let abis: Vec<JsonAbi> = tulou_modules::ALL.iter().map(|module| (module.abi)()).collect();
    let error = abis.iter().flat_map(JsonAbi::errors).find(|e| e.selector() == selector)?;
    let decoded = error.decode_error(data).ok()?;
    let fields: Vec<String> = error
        .inputs
        .iter()
        .zip(&decoded.body)
        .map(|(input, value)| format!("{}: {}", input.name, crate::call::shown(value)))
        .collect();
    Some(format!("{}({})", error.name, fields.join(", ")))
}

/// What one JSON-RPC answer says.
fn result_of(mut answer: Value) -> Result<Value, ClientError> {
    if let Some(error) = answer.get("error") {
        return Err(ClientError::Refused {
            code: error["code"].as_i64().unwrap_or_default(),
            message: error["message"].as_str().unwrap_or("no reason given").to_owned(),
            data: error["data"].as_str().and_then(|text| text.parse().ok()),
        });
    }
    Ok(answer["result"].take())
}

/// A quantity as JSON-RPC writes it: `0x` and hexadecimal digits.
pub fn parse_number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

pub(crate) fn unexpected(method: &str, answer: &Value) -> ClientError {
    let mut answer = answer.to_string();
    answer.truncate(answer.char_indices().nth(200).map_or(answer.len(), |(i, _)| i));
    ClientError::Unexpected { method: method.to_owned(), answer }
}

/// `0x` and the digits of some bytes.
pub(crate) fn hex_text(bytes: &[u8]) -> String {
    hex::encode_prefixed(bytes)
}
