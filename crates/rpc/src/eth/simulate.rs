//! `eth_simulateV1`: blocks of calls on top of a block.

use std::collections::BTreeMap;

use alloy_eips::{BlockId, eip4895::Withdrawals};
use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rpc_types_eth::{BlockOverrides as RpcBlockOverrides, state::StateOverride};
use jsonrpsee::{core::RegisterMethodError, types::params::ParamsSequence};
use serde::Deserialize;
use serde_json::{Value, json};
use tulou_evm::{
    Failure, SimulateFault, SimulateOptions, SimulatedBlock, SimulationBlock, Simulator,
};
use tulou_ledger::Version;
use tulou_primitives::{Block, Header, Tx};

use super::{
    Methods,
    call::{overrides, revert_message},
    heavy,
    request::{Wanted as Request, request},
};
use crate::{convert, error::RpcError, node::Node};

/// Blocks of one simulation, those that fill gaps counted.
const BLOCKS: u64 = 256;
/// Seconds between two blocks that do not say when they are.
const STEP_S: u64 = 12;

/// What `eth_simulateV1` takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    block_state_calls: Vec<Wanted>,
    #[serde(default)]
    trace_transfers: bool,
    #[serde(default)]
    validation: bool,
    #[serde(default)]
    return_full_transactions: bool,
}

/// One block of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    block_overrides: Option<WantedBlock>,
    state_overrides: Option<StateOverride>,
    calls: Vec<Request>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WantedBlock {
    withdrawals: Option<Withdrawals>,
    #[serde(flatten)]
    block: RpcBlockOverrides,
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    heavy(methods, "eth_simulateV1", simulate)
}

impl From<SimulateFault> for RpcError {
    fn from(fault: SimulateFault) -> Self {
        Self::Simulation { code: fault.code, message: fault.message }
    }
}

fn refuse(code: i32, message: impl Into<String>) -> RpcError {
    RpcError::Simulation { code, message: message.into() }
}

fn simulate(node: &Node, params: &mut ParamsSequence<'_>) -> Result<Vec<Value>, RpcError> {
    let payload = params.next::<Payload>()?;
    let state = node.state(params.optional_next::<BlockId>()?)?;
    if payload.block_state_calls.is_empty() {
        return Err(RpcError::Params("empty input".into()));
    }
    if payload.block_state_calls.len() as u64 > BLOCKS {
        return Err(refuse(-38_026, "too many blocks"));
    }
    let base = state.header().as_ref().clone();
    let full = payload.return_full_transactions;
    let options = SimulateOptions {
        validation: payload.validation,
        trace_transfers: payload.trace_transfers,
        gas: node.config.call_gas,
    };
    let blocks = in_order(node, &base, payload.block_state_calls)?;
    let mut simulator = Simulator::new(&state, node.rules(), node.chain_id, base, options);
    let root_of = |changes: &_| Version::root_with(&state, changes);
    let mut shown = Vec::with_capacity(blocks.len());
    for block in &blocks {
        let block = simulator.block(block, &root_of)?;
        shown.push(show(node, block, full)?);
    }
    Ok(shown)
}

/// Gives every block its height and time and fills the gaps between heights with empty blocks.
fn in_order(
    node: &Node,
    base: &Header,
    wanted: Vec<Wanted>,
) -> Result<Vec<SimulationBlock>, RpcError> {
    let (mut height, mut time) = (base.number, base.timestamp);
    let mut blocks = Vec::new();
    for wanted in wanted {
        let mut block = read(node, wanted)?;
        let number = block.block.number.unwrap_or(height + 1);
        if number <= height {
            let text = format!("block numbers must be in order: {number} <= {height}");
            return Err(refuse(-38_020, text));
        }
        if number - base.number > BLOCKS {
            return Err(refuse(-38_026, "too many blocks"));
        }
        for between in height + 1..number {
            time += STEP_S;
            let mut filler = SimulationBlock::default();
            (filler.block.number, filler.block.timestamp) = (Some(between), Some(time));
            blocks.push(filler);
        }
        let at = block.block.timestamp.unwrap_or(time + STEP_S);
        if at <= time {
            let text = format!("block timestamps must be in order: {at} <= {time}");
            return Err(refuse(-38_021, text));
        }
        (height, time) = (number, at);
        (block.block.number, block.block.timestamp) = (Some(number), Some(at));
        blocks.push(block);
    }
    Ok(blocks)
}

fn read(node: &Node, wanted: Wanted) -> Result<SimulationBlock, RpcError> {
    let WantedBlock { withdrawals, block } = wanted.block_overrides.unwrap_or_default();
    let beacon_root = block.beacon_root;
    let pretended = overrides(wanted.state_overrides, Some(block))?;
    if wanted.calls.iter().any(Request::is_batch) {
        return Err(RpcError::Params(
            "a batch cannot be simulated: trace it by debug_traceCall".into(),
        ));
    }
    let calls = wanted.calls.into_iter().map(|call| request(node, call));
    Ok(SimulationBlock {
        block: pretended.block,
        beacon_root,
        withdrawals: withdrawals.unwrap_or_default().into_inner(),
        accounts: pretended.accounts,
        calls: calls.collect::<Result<_, _>>()?,
    })
}

/// A simulated block as any other, with what came of its calls.
fn show(node: &Node, simulated: SimulatedBlock, full: bool) -> Result<Value, RpcError> {
    let SimulatedBlock { header, transactions, withdrawals, calls } = simulated;
    let senders: BTreeMap<usize, Address> =
        transactions.iter().map(|(_, sender)| *sender).enumerate().collect();
    let txs: Vec<_> = transactions.into_iter().map(|(tx, _)| Tx::from_envelope(tx)).collect();
    let hashes: Vec<B256> = txs.iter().map(|tx| tx.hash()).collect();
    let block = Block::new(header, txs);
    let mut out = convert::simulated(node, &block, &senders, withdrawals, full)?;
    let mut told = Vec::new();
    for (index, call) in calls.into_iter().enumerate() {
        let mut logs = Vec::new();
        for (place, log) in &call.logs {
            logs.push(json!({
                "address": log.address,
                "topics": log.data.topics(),
                "data": log.data.data,
                "blockNumber": U64::from(block.height()),
                "transactionHash": hashes[index],
                "transactionIndex": U64::from(index),
                "blockHash": block.hash(),
                "blockTimestamp": U64::from(block.header().timestamp),
                "logIndex": U64::from(*place),
                "removed": false,
            }));
        }
        let mut shown = json!({
            "returnData": if call.failure.is_none() { call.output.clone() } else { Bytes::new() },
            "logs": logs,
            "gasUsed": U64::from(call.gas_used),
            "maxUsedGas": U64::from(call.max_used_gas),
            "status": U64::from(u64::from(call.failure.is_none())),
        });
        if let Some(failure) = call.failure {
            shown["error"] = error_of(failure, &call.output);
        }
        told.push(shown);
    }
    out["calls"] = told.into();
    Ok(out)
}

fn error_of(failure: Failure, output: &Bytes) -> Value {
    match failure {
        Failure::Revert => {
            json!({ "message": revert_message(output), "code": 3, "data": output })
        }
        Failure::Halt(reason) => json!({ "message": reason, "code": -32_015 }),
    }
}
