//! Transactions and calls, step by step: what `debug_trace*` shows. A call into a native module is a frame
//! without steps.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_trace::geth::{GethDebugTracingOptions, GethTrace};
use revm::{
    DatabaseRef,
    context::result::ResultAndState,
    state::{AccountInfo, Bytecode},
};
use revm_inspectors::tracing::{DebugInspector, TransactionContext};
use tulou_primitives::{Header, StateReader, Tx};

use crate::{
    batch::Job,
    call::{CallFault, CallRequest, Scene},
    database::{ReadFault, account_info, bytecode},
    ethereum::{self, Rules as ChainRules},
    executor::BlockEnv,
    layer::Layer,
    machine::{Machine, Rules, job},
    overrides::Overrides,
    provider::Natives,
};

/// A block whose transactions are run again.
#[derive(Clone, Copy, Debug)]
pub struct TracedBlock<'a> {
    /// By which rules it was made.
    pub rules: &'a ChainRules,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Its header.
    pub header: &'a Header,
    /// Its hash.
    pub hash: B256,
    /// Its transactions.
    pub transactions: &'a [Arc<Tx>],
}

/// Runs a block again on the state after its parent and gives the traces of all its transactions, or of
/// the one at `only`.
///
/// # Errors
/// - [`CallFault::Invalid`]: there is no such tracer, or its options are not its own.
/// - [`CallFault::Fault`]: the state cannot be read, or the block does not run as it did.
pub fn trace_block(
    state: &dyn StateReader,
    block: TracedBlock<'_>,
    only: Option<usize>,
    options: &GethDebugTracingOptions,
) -> Result<Vec<GethTrace>, CallFault> {
    let env = block.rules.env(block.chain_id, block.header);
    let mut layer = Layer::new(state);
    let before = ethereum::begin(block.rules, &layer, &env, block.header)
        .map_err(|fault| CallFault::Fault(fault.to_string()))?;
    layer.absorb(before);
    let mut traces = Vec::new();
    for (index, tx) in block.transactions.iter().enumerate() {
        let sender = tx.sender().map_err(|error| CallFault::Fault(error.to_string()))?;
        let job = job(tx, sender);
        if only.is_some_and(|only| only != index) {
            let mut machine = Machine::new(&layer, &env, Rules::Block, Natives::STANDARD);
            machine.run(job)?;
            let changes = machine.changes()?;
            layer.absorb(changes);
            continue;
        }
        let place = TransactionContext {
            block_hash: Some(block.hash),
            tx_index: Some(index),
            tx_hash: Some(tx.hash()),
        };
        let machine = Machine::new(&layer, &env, Rules::Block, Natives::STANDARD);
        let (trace, changes) = watch(&layer, machine, job, Some(place), options)?;
        traces.push(trace);
        if only.is_some() {
            break;
        }
        layer.absorb(changes);
    }
    Ok(traces)
}

/// Traces a call that nobody signed, as [`crate::call`] makes it.
///
/// # Errors
/// - [`CallFault::Invalid`]: it could not be a transaction, or there is no such tracer.
/// - [`CallFault::Fault`]: the outcome cannot be known here.
pub fn trace_call(
    state: &dyn StateReader,
    env: &BlockEnv,
    request: &CallRequest,
    overrides: Option<&Overrides>,
    gas_cap: u64,
    options: &GethDebugTracingOptions,
) -> Result<GethTrace, CallFault> {
    let scene = Scene { state, env, overrides, natives: Natives::STANDARD };
    let gas = request.gas.unwrap_or(u64::MAX).min(gas_cap);
    scene.with_machine(request, gas, |state, machine, job| {
        Ok(watch(state, machine, job, None, options)?.0)
    })
}

fn watch(
    state: &dyn StateReader,
    machine: Machine<'_>,
    job: Job,
    place: Option<TransactionContext>,
    options: &GethDebugTracingOptions,
) -> Result<(GethTrace, tulou_primitives::ChangeSet), CallFault> {
    let invalid = |error: &dyn core::fmt::Display| CallFault::Invalid(format!("tracer: {error}"));
    let inspector = DebugInspector::new(options.clone()).map_err(|error| invalid(&error))?;
    let mut machine = machine.watched_by(inspector);
    let result = machine.watch(job.clone())?;
    let state_after = machine.touched();
    let changes = machine.changes_of(&state_after)?;
    let block = machine.block().clone();
    let outcome = ResultAndState { result, state: state_after };
    let mut before = Before(state);
    let trace = machine.inspector().get_result(place, &job.env, &block, &outcome, &mut before);
    Ok((trace.map_err(|error| CallFault::Fault(error.to_string()))?, changes))
}

/// The state before a transaction, as tracers ask for it.
struct Before<'a>(&'a dyn StateReader);

impl DatabaseRef for Before<'_> {
    type Error = ReadFault;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, ReadFault> {
        Ok(self.0.account(address)?.map(account_info))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, ReadFault> {
        bytecode(self.0, hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, ReadFault> {
        Ok(self.0.storage(address, slot)?)
    }

    fn block_hash_ref(&self, height: u64) -> Result<B256, ReadFault> {
        Ok(self.0.block_hash(height)?)
    }
}
