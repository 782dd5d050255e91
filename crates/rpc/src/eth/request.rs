//! What clients ask to execute, estimate or fill in: Ethereum's fields, and those of a batch (type 0x76)
//! as `viem/tempo` sends them.

use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;
use tulou_evm::{BatchRequest, CallRequest, SM2_GAS};
use tulou_primitives::{BatchError, Call, SignedBatch, SignedSm2, Window};

use crate::{error::RpcError, node::Node};

/// Gas of verifying P-256.
const P256: u64 = 5_000;
/// Gas of a byte of WebAuthn data that is not zero.
const DATA_BYTE: u64 = 16;
/// Bytes of WebAuthn data where the client says nothing of them.
const DATA_BYTES: u64 = 800;
/// Bytes that a hint may speak of: what a signature may have.
const DATA_BYTES_MAX: u64 = 2_048;

/// A request as clients send it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    #[serde(flatten)]
    pub(super) tx: TransactionRequest,
    #[serde(default)]
    calls: Option<Vec<WantedCall>>,
    #[serde(default)]
    nonce_key: Option<U256>,
    #[serde(default)]
    valid_before: Option<U64>,
    #[serde(default)]
    valid_after: Option<U64>,
    #[serde(default)]
    fee_token: Option<Value>,
    #[serde(default)]
    fee_payer: Option<Value>,
    #[serde(default)]
    fee_payer_signature: Option<Value>,
    #[serde(default)]
    key_authorization: Option<Value>,
    #[serde(default)]
    key_type: KeyType,
    /// The key that will sign, where it is not the account's own.
    #[serde(default)]
    key_id: Option<Address>,
    /// Of WebAuthn, how many bytes of data the signature will have: a number of 1, 2 or 4 bytes.
    #[serde(default)]
    key_data: Option<Bytes>,
}

#[derive(Clone, Debug, Deserialize)]
struct WantedCall {
    #[serde(default)]
    to: Option<Address>,
    #[serde(default, deserialize_with = "wei")]
    value: U256,
    #[serde(default)]
    data: Option<Bytes>,
    #[serde(default)]
    input: Option<Bytes>,
}

/// The key that will sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KeyType {
    #[default]
    Secp256k1,
    P256,
    WebAuthn,
    Sm2,
}

/// An amount; `0x` is none.
fn wei<'de, D: Deserializer<'de>>(from: D) -> Result<U256, D::Error> {
    match Option::<String>::deserialize(from)?.as_deref() {
        None | Some("0x") => Ok(U256::ZERO),
        Some(text) => text.parse().map_err(D::Error::custom),
    }
}

impl Wanted {
    /// Whether it is a batch.
    pub(super) fn is_batch(&self) -> bool {
        self.calls.is_some() || self.tx.transaction_type == Some(SignedBatch::TYPE)
    }

    /// Gas of the signature that will come, of a transaction that is no batch.
    fn surcharge(&self) -> u64 {
        let by_sm2 =
            self.key_type == KeyType::Sm2 || self.tx.transaction_type == Some(SignedSm2::TYPE);
        if by_sm2 { SM2_GAS } else { 0 }
    }

    /// When the batch may be in a block.
    pub(super) fn window(&self) -> Window {
        let bound = |second: Option<U64>| second.unwrap_or_default().to();
        Window { after: bound(self.valid_after), before: bound(self.valid_before) }
    }

    fn batch(
        &self,
        to: Option<Address>,
        value: U256,
        input: Bytes,
    ) -> Result<BatchRequest, RpcError> {
        let left_out = |present: bool, error| {
            if present { Err(RpcError::Params(error_text(error))) } else { Ok(()) }
        };
        let present =
            |field: &Option<Value>| !matches!(field, None | Some(Value::Null | Value::Bool(false)));
        let calls = match &self.calls {
            Some(calls) => calls.clone(),
            None => vec![WantedCall { to, value, data: None, input: Some(input) }],
        };
        left_out(calls.is_empty(), BatchError::NoCalls)?;
        let receiver = |(index, call): (usize, &WantedCall)| {
            call.to.ok_or_else(|| RpcError::Params(error_text(BatchError::Create(index))))
        };
        let receivers: Vec<_> = calls.iter().enumerate().map(receiver).collect::<Result<_, _>>()?;
        let nonce_key = self.nonce_key.is_some_and(|key| !key.is_zero());
        left_out(nonce_key, BatchError::NonceKey)?;
        let Window { after, before } = self.window();
        left_out(before != 0 && before <= after, BatchError::EmptyWindow { after, before })?;
        left_out(present(&self.fee_token), BatchError::FeeToken)?;
        let payer = present(&self.fee_payer) || present(&self.fee_payer_signature);
        left_out(payer, BatchError::FeePayer)?;
        let authorized = self.tx.authorization_list.as_ref().is_some_and(|list| !list.is_empty());
        left_out(authorized, BatchError::Authorizations)?;
        left_out(present(&self.key_authorization), BatchError::KeyAuthorization)?;
        let call = |(to, call): (Address, WantedCall)| {
            let input = call.input.or(call.data).unwrap_or_default();
            Call { to, value: call.value, input }
        };
        let calls = receivers.into_iter().zip(calls).map(call).collect();
        left_out(self.key_type == KeyType::Sm2, BatchError::SignatureKind(SignedSm2::TYPE))?;
        Ok(BatchRequest { calls, verification: self.verification(), key: self.key_id })
    }

    /// Gas of verifying the signature that will come.
    fn verification(&self) -> u64 {
        match self.key_type {
            KeyType::Secp256k1 | KeyType::Sm2 => 0,
            KeyType::P256 => P256,
            KeyType::WebAuthn => {
                let hint = self.key_data.as_ref().filter(|hint| matches!(hint.len(), 1 | 2 | 4));
                let said = hint.map(|hint| {
                    hint.iter().fold(0, |bytes: u64, byte| bytes << 8 | u64::from(*byte))
                });
                P256 + DATA_BYTE * said.unwrap_or(DATA_BYTES).min(DATA_BYTES_MAX)
            }
        }
    }
}

fn error_text(error: BatchError) -> String {
    format!("batch (type 0x76): {error}")
}

/// Reads a request.
///
/// # Errors
/// - [`RpcError::Params`]: fields that contradict each other or this chain, or a batch outside of the
///   accepted subset.
pub(super) fn request(node: &Node, wanted: Wanted) -> Result<CallRequest, RpcError> {
    let input = wanted.tx.input.clone().try_into_unique_input().map_err(|_| {
        RpcError::Params("both \"data\" and \"input\" are set and not equal".into())
    })?;
    let tx = &wanted.tx;
    if tx.gas_price.is_some()
        && (tx.max_fee_per_gas.is_some() || tx.max_priority_fee_per_gas.is_some())
    {
        let text = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
        return Err(RpcError::Params(text.into()));
    }
    if tx.blob_versioned_hashes.is_some() && node.foreign.is_none() {
        return Err(RpcError::Params("blobs are not accepted here".into()));
    }
    if let Some(have) = tx.chain_id.filter(|id| *id != node.chain_id) {
        let want = node.chain_id;
        return Err(RpcError::Params(format!("chainId does not match: have {have}, want {want}")));
    }
    let to = tx.to.and_then(|kind| kind.to().copied());
    let (value, input) = (tx.value.unwrap_or_default(), input.unwrap_or_default());
    let surcharge = wanted.surcharge();
    let batch = match wanted.is_batch() {
        true => Some(wanted.batch(to, value, input.clone())?),
        false => None,
    };
    let (to, value, input) = match batch.as_ref().and_then(|batch| batch.calls.first()) {
        Some(first) => (Some(first.to), first.value, first.input.clone()),
        None => (to, value, input),
    };
    let tx = wanted.tx;
    Ok(CallRequest {
        from: tx.from.unwrap_or_default(),
        to,
        value,
        input,
        gas: tx.gas,
        gas_price: tx.gas_price,
        max_fee_per_gas: tx.max_fee_per_gas,
        max_priority_fee_per_gas: tx.max_priority_fee_per_gas,
        nonce: tx.nonce,
        access_list: tx.access_list.unwrap_or_default(),
        authorization_list: tx.authorization_list.unwrap_or_default(),
        blob_hashes: tx.blob_versioned_hashes.unwrap_or_default(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas,
        batch,
        surcharge,
    })
}
