//! Executing without a transaction: calls, estimates, access lists, filling in a request.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::{BlockId, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U64, U256};
use alloy_rpc_types_eth::{
    AccessListResult, BlockOverrides as RpcBlockOverrides, TransactionRequest, state::StateOverride,
};
use alloy_sol_types::{Panic, Revert, SolError};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use serde::Serialize;
use serde_json::{Value, json};
use tulou_evm::{
    AccountOverride, BlockEnv, BlockOverrides, CallFault, CallOutcome, CallRequest, EstimateFault,
    Hidden, Overrides,
};
use tulou_ledger::Version;
use tulou_primitives::{Batch, BatchSignature, Envelope, SignedBatch, Window};

use super::{
    Methods, heavy_for,
    request::{Wanted, request},
};
use crate::{
    error::RpcError,
    node::Node,
    sight::{Reader, call_class, call_name},
};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    heavy_for(methods, "eth_call", |node, reader, params| {
        let scene = Scene::read(node, reader, params)?;
        let (env, cap) = (scene.env(node), node.config.call_gas);
        let (state, overrides, sight) = (&scene.state, scene.overrides(), reader.sight());
        let outcome = tulou_evm::call(state, &env, &scene.request, overrides, cap, sight);
        answer(outcome.map_err(|fault| unseen(reader, fault))?)
    })?;
    heavy_for(methods, "eth_estimateGas", |node, reader, params| {
        let scene = Scene::read(node, reader, params)?;
        Ok(U64::from(scene.estimate(node, reader)?))
    })?;
    heavy_for(methods, "eth_createAccessList", access_list)?;
    heavy_for(methods, "eth_fillTransaction", fill)
}

/// A fault as its reader is told of it: what may not be seen by its name.
fn unseen(reader: Reader, fault: CallFault) -> RpcError {
    let CallFault::Hidden(Hidden { at, selector }) = fault else { return fault.into() };
    let needs = call_class(&at, &selector);
    let signed_in = reader.account.is_some();
    RpcError::Unseen { what: call_name(&at, selector), needs, signed_in }
}

/// A call and where it takes place.
pub(super) struct Scene {
    pub(super) state: Version,
    pub(super) request: CallRequest,
    pub(super) overrides: Option<Overrides>,
}

impl Scene {
    /// Reads `request, block?, state overrides?, block overrides?`.
    fn read(
        node: &Node,
        reader: Reader,
        params: &mut ParamsSequence<'_>,
    ) -> Result<Self, RpcError> {
        let wanted = params.next::<Wanted>()?;
        let block = params.optional_next::<BlockId>()?;
        let accounts = params.optional_next::<StateOverride>()?;
        let blocks = params.optional_next::<RpcBlockOverrides>()?;
        if accounts.is_some() {
            // Code that is put in a module's place would read the module's storage.
            reader.only_members("a call on a state that is not as it is")?;
        }
        let request = request(node, wanted)?;
        let overrides = match (accounts, blocks) {
            (None, None) => None,
            (accounts, blocks) => Some(overrides(accounts, blocks)?),
        };
        Ok(Self { state: node.state(block)?, request, overrides })
    }

    pub(super) fn overrides(&self) -> Option<&Overrides> {
        self.overrides.as_ref()
    }

    pub(super) fn env(&self, node: &Node) -> BlockEnv {
        env_of(node, &self.state)
    }

    fn estimate(&self, node: &Node, reader: Reader) -> Result<u64, RpcError> {
        let cap = node.gas_limit.min(node.config.call_gas);
        let (env, overrides) = (self.env(node), self.overrides());
        let sight = reader.sight();
        let found =
            tulou_evm::estimate_gas(&self.state, &env, &self.request, overrides, cap, sight);
        found.map_err(|fault| match fault {
            EstimateFault::Fault(fault) => unseen(reader, fault),
            other => other.into(),
        })
    }
}

/// The block whose state a call reads.
fn env_of(node: &Node, state: &Version) -> BlockEnv {
    node.rules().env(node.chain_id, state.header())
}

/// How a view answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What it returned.
    Output(Bytes),
    /// The ABI-encoded error.
    Refused(Bytes),
}

/// Calls a view, as nobody in particular.
pub(crate) fn view(
    node: &Node,
    state: &Version,
    to: Address,
    input: Bytes,
) -> Result<Answer, RpcError> {
    let request = CallRequest { to: Some(to), input, ..Default::default() };
    match tulou_evm::call(state, &env_of(node, state), &request, None, node.config.call_gas, None)?
    {
        CallOutcome::Success { output, .. } => Ok(Answer::Output(output)),
        CallOutcome::Revert { output, .. } => Ok(Answer::Refused(output)),
        CallOutcome::Halt { reason, .. } => Err(RpcError::Call(reason)),
    }
}

fn answer(outcome: CallOutcome) -> Result<Bytes, RpcError> {
    match outcome {
        CallOutcome::Success { output, .. } => Ok(output),
        CallOutcome::Revert { output, .. } => Err(revert(output)),
        CallOutcome::Halt { reason, .. } => Err(RpcError::Call(reason)),
    }
}

/// A revert as clients expect it: the reason in the message where it is text, the data beside it.
fn revert(data: Bytes) -> RpcError {
    RpcError::Revert { message: revert_message(&data), data }
}

/// `execution reverted`, and the reason where it is text.
pub(super) fn revert_message(data: &[u8]) -> String {
    match reason(data) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_owned(),
    }
}

/// What Solidity's own errors, `Error(string)` and `Panic(uint256)`, say.
pub(crate) fn reason(data: &[u8]) -> Option<String> {
    let revert = Revert::abi_decode(data).map(|revert| revert.reason);
    revert.or_else(|_| Panic::abi_decode(data).map(|panic| panic.to_string())).ok()
}

impl From<CallFault> for RpcError {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::Invalid(reason) => Self::Call(reason),
            CallFault::Fault(reason) => Self::Fault(reason),
            CallFault::Hidden(_) => Self::Call(fault.to_string()),
        }
    }
}

impl From<EstimateFault> for RpcError {
    fn from(fault: EstimateFault) -> Self {
        match fault {
            EstimateFault::Revert(data) => revert(data),
            EstimateFault::Halt(reason) => Self::Call(reason),
            EstimateFault::Fault(fault) => fault.into(),
        }
    }
}

pub(super) fn overrides(
    accounts: Option<StateOverride>,
    block: Option<RpcBlockOverrides>,
) -> Result<Overrides, RpcError> {
    let slots = |slots: alloy_primitives::map::B256HashMap<B256>| -> BTreeMap<U256, U256> {
        slots.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    };
    let mut out = Overrides::default();
    for (address, account) in accounts.unwrap_or_default() {
        if account.state.is_some() && account.state_diff.is_some() {
            let text = format!("account {address} has both \"state\" and \"stateDiff\"");
            return Err(RpcError::Params(text));
        }
        let account = AccountOverride {
            balance: account.balance,
            nonce: account.nonce,
            code: account.code,
            state: account.state.map(slots),
            state_diff: account.state_diff.map(slots),
            move_precompile_to: account.move_precompile_to,
        };
        out.accounts.insert(address, account);
    }
    if let Some(block) = block {
        let number = block.number.map(|number| number.saturating_to());
        out.block = BlockOverrides {
            number,
            timestamp: block.time,
            gas_limit: block.gas_limit,
            coinbase: block.coinbase,
            prevrandao: block.random,
            base_fee: block.base_fee.map(|fee| fee.saturating_to()),
            blob_base_fee: block.blob_base_fee.map(|fee| fee.saturating_to()),
            difficulty: block.difficulty,
        };
    }
    Ok(out)
}

fn access_list(
    node: &Node,
    reader: Reader,
    params: &mut ParamsSequence<'_>,
) -> Result<AccessListResult, RpcError> {
    let scene = Scene::read(node, reader, params)?;
    let (env, cap) = (scene.env(node), node.config.call_gas);
    let (state, overrides, sight) = (&scene.state, scene.overrides(), reader.sight());
    let (access_list, gas_used, error) =
        tulou_evm::create_access_list(state, &env, &scene.request, overrides, cap, sight)
            .map_err(|fault| unseen(reader, fault))?;
    Ok(AccessListResult { access_list, gas_used: U256::from(gas_used), error })
}

/// Fills in what a request leaves open (nonce, gas, fees, chain) and gives the unsigned transaction.
fn fill(node: &Node, reader: Reader, params: &mut ParamsSequence<'_>) -> Result<Value, RpcError> {
    let wanted = params.next::<Wanted>()?;
    let from = wanted.tx.from.ok_or_else(|| RpcError::Params("\"from\" is missing".into()))?;
    let request = request(node, wanted.clone())?;
    let nonce = match request.nonce {
        Some(nonce) => nonce,
        None => node.mempool.pending_nonce(from)?,
    };
    let gas = match request.gas {
        Some(gas) => gas,
        None => {
            let scene =
                Scene { state: node.ledger.latest(), request: request.clone(), overrides: None };
            scene.estimate(node, reader)?
        }
    };
    let window = wanted.window();
    let (raw, mut tx) = match request.batch.is_some() {
        true => unsigned_batch(node.chain_id, nonce, gas, window, request)?,
        false => {
            let unsigned = unsigned(node.chain_id, nonce, gas, request, &wanted.tx)?;
            (unsigned.encoded_2718().into(), shown(&unsigned)?)
        }
    };
    if let Some(fields) = tx.as_object_mut() {
        fields.insert("from".into(), json!(from));
    }
    Ok(json!({ "raw": raw, "tx": tx }))
}

fn shown(tx: &impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(tx).map_err(|error| RpcError::Fault(error.to_string()))
}

/// The bytes of an unsigned batch, and its fields without those that only a signed one has and those that
/// repeat its first call.
fn unsigned_batch(
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
    window: Window,
    request: CallRequest,
) -> Result<(Bytes, Value), RpcError> {
    let batch = Batch {
        chain_id,
        max_priority_fee_per_gas: request.max_priority_fee_per_gas.unwrap_or_default(),
        max_fee_per_gas: request.max_fee_per_gas.unwrap_or_default(),
        gas_limit,
        calls: request.batch.unwrap_or_default().calls,
        access_list: request.access_list,
        nonce,
        window,
    };
    let raw = batch.signing_bytes().into();
    let signature = BatchSignature::Secp256k1(Signature::new(U256::ZERO, U256::ZERO, false));
    let mut tx = shown(&Envelope::from(SignedBatch { batch, signature }))?;
    if let Some(fields) = tx.as_object_mut() {
        for field in ["hash", "signature", "r", "s", "v", "yParity", "to", "value", "input"] {
            fields.remove(field);
        }
    }
    Ok((raw, tx))
}

fn unsigned(
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
    request: CallRequest,
    wanted: &TransactionRequest,
) -> Result<TxEnvelope, RpcError> {
    let kind = wanted.to.unwrap_or(TxKind::Create);
    let legacy = wanted.transaction_type == Some(0) || wanted.gas_price.is_some();
    let CallRequest { value, input, access_list, authorization_list, .. } = request;
    let empty = Signature::new(U256::ZERO, U256::ZERO, false);
    let gas_price = wanted.gas_price.unwrap_or_default();
    let max_fee_per_gas = wanted.max_fee_per_gas.unwrap_or_default();
    let max_priority_fee_per_gas = wanted.max_priority_fee_per_gas.unwrap_or_default();
    if !authorization_list.is_empty() {
        let to = kind.to().copied();
        let to = to.ok_or_else(|| RpcError::Params("an authorization needs \"to\"".into()))?;
        let tx = TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            authorization_list,
            input,
        };
        return Ok(tx.into_signed(empty).into());
    }
    if legacy && access_list.is_empty() {
        let chain_id = Some(chain_id);
        let tx = TxLegacy { chain_id, nonce, gas_price, gas_limit, to: kind, value, input };
        return Ok(tx.into_signed(empty).into());
    }
    if legacy || wanted.transaction_type == Some(1) {
        let to = kind;
        let tx = TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
        return Ok(tx.into_signed(empty).into());
    }
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to: kind,
        value,
        access_list,
        input,
    };
    Ok(tx.into_signed(empty).into())
}
