//! Batches: all calls of one transaction on one allowance of gas, all or none.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{KECCAK256_EMPTY, TxKind, U256};
use revm::{
    Inspector,
    context::TxEnv,
    context_interface::{
        JournalTr, LocalContextTr,
        journaled_state::JournalCheckpoint,
        result::{EVMError, HaltReason, InvalidTransaction},
    },
    handler::{FrameResult, Handler},
    inspector::InspectorHandler,
    interpreter::{
        CallInput, CallInputs, CallScheme, CallValue, GasTracker, InitialAndFloorGas,
        interpreter::EthInterpreter, interpreter_action::FrameInit,
    },
    state::Bytecode,
};
use tulou_primitives::{BatchSignature, Call, SignedBatch};

use crate::{
    database::ReadFault,
    machine::{EvmContext, Inner},
};

/// Of every transaction.
const TX: u64 = 21_000;
/// Of a token of calldata (EIP-2028, EIP-7623): a zero byte is one, any other four.
const TOKEN: u64 = 4;
const FLOOR_TOKEN: u64 = 10;
/// Of the account that a further call reaches (EIP-2929).
const FURTHER_CALL: u64 = 2_600;
/// Of value that a further call moves, as of the EVM's own calls.
const FURTHER_VALUE: u64 = 9_000;
const ACCESS_ADDRESS: u64 = 2_400;
const ACCESS_SLOT: u64 = 1_900;
/// Of the account that the call which counts what another key spends reaches.
pub(crate) const COUNTING_CALL: u64 = FURTHER_CALL;
/// Of P-256 instead of secp256k1, which the 21,000 pay for.
const P256: u64 = 5_000;

/// What a batch pays before its first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchGas {
    /// Intrinsic gas.
    pub initial: u64,
    /// Least gas that it pays, whatever the calls use (EIP-7623).
    pub floor: u64,
}

impl BatchGas {
    /// Of calls with an access list, verified for so much gas.
    pub fn of(calls: &[Call], access_list: &AccessList, verification: u64) -> Self {
        let tokens: u64 = calls.iter().map(|call| tokens(&call.input)).sum();
        let further = calls.iter().skip(1);
        let further: u64 = further
            .map(|call| FURTHER_CALL + if call.value.is_zero() { 0 } else { FURTHER_VALUE })
            .sum();
        let listed = ACCESS_ADDRESS * access_list.0.len() as u64
            + ACCESS_SLOT * access_list.storage_keys_count() as u64;
        Self {
            initial: TX + verification + TOKEN * tokens + further + listed,
            floor: TX + FLOOR_TOKEN * tokens,
        }
    }

    /// Of a signed batch.
    pub fn of_signed(signed: &SignedBatch) -> Self {
        let batch = &signed.batch;
        Self::of(&batch.calls, &batch.access_list, verification_gas(&signed.signature))
    }

    /// What it takes at least.
    pub fn least(&self) -> u64 {
        self.initial.max(self.floor)
    }
}

/// Gas of verifying a signature, beyond that of every transaction: 0 for secp256k1, 5,000 for P-256, and
/// for WebAuthn its data besides, as calldata. A key that signs for an account pays for one call more, which
/// counts what it spends.
pub fn verification_gas(signature: &BatchSignature) -> u64 {
    match signature {
        BatchSignature::Secp256k1(_) => 0,
        BatchSignature::P256 { .. } => P256,
        BatchSignature::WebAuthn { data, .. } => P256 + TOKEN * tokens(data),
        BatchSignature::Keychain { inner, .. } => verification_gas(inner) + COUNTING_CALL,
    }
}

fn tokens(bytes: &[u8]) -> u64 {
    let nonzero = bytes.iter().filter(|byte| **byte != 0).count() as u64;
    bytes.len() as u64 + 3 * nonzero
}

/// The calls of a batch and what it pays before the first.
#[derive(Clone, Debug)]
pub(crate) struct BatchRun {
    pub(crate) calls: Vec<Call>,
    pub(crate) gas: BatchGas,
}

/// A transaction as the machine takes it.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Its only call, or the first of its batch.
    pub(crate) env: TxEnv,
    /// The batch, where it is one.
    pub(crate) batch: Option<Box<BatchRun>>,
    /// Gas of its signature beyond that of every transaction; of a batch it is in its own gas.
    pub(crate) surcharge: u64,
}

impl From<TxEnv> for Job {
    fn from(env: TxEnv) -> Self {
        Self { env, batch: None, surcharge: 0 }
    }
}

impl Job {
    /// Wei that it moves, capped at the largest number.
    pub(crate) fn total_value(&self) -> U256 {
        match &self.batch {
            None => self.env.value,
            Some(batch) => {
                let values = batch.calls.iter().map(|call| call.value);
                values.fold(U256::ZERO, U256::saturating_add)
            }
        }
    }
}

/// Runs a batch where the mainnet's handler runs the only call.
pub(crate) struct BatchHandler<'b, E> {
    run: &'b BatchRun,
    evm: core::marker::PhantomData<E>,
}

impl<'b, E> BatchHandler<'b, E> {
    pub(crate) fn new(run: &'b BatchRun) -> Self {
        Self { run, evm: core::marker::PhantomData }
    }
}

type Fault = EVMError<ReadFault>;

impl<'a, I> BatchHandler<'_, Inner<'a, I>> {
    /// Runs the calls one after the other, each with the gas that those before it left.
    fn all(
        &mut self,
        evm: &mut Inner<'a, I>,
        gas: &mut GasTracker,
        one: impl Fn(&mut Self, &mut Inner<'a, I>, FrameInit) -> Result<FrameResult, Fault>,
    ) -> Result<Option<FrameResult>, Fault> {
        let checkpoint = evm.ctx.journaled_state.checkpoint();
        let mut last = None;
        for call in &self.run.calls {
            let tx = &mut evm.ctx.tx;
            tx.kind = TxKind::Call(call.to);
            tx.value = call.value;
            tx.data = call.input.clone();
            // The memory of the call before is not this one's.
            evm.ctx.local.clear();
            let Some(frame) = self.first_frame_input(evm, gas)? else {
                evm.ctx.journaled_state.checkpoint_revert(checkpoint);
                return Ok(None);
            };
            let mut result = one(self, evm, frame)?;
            self.last_frame_result(evm, &mut result, gas)?;
            if !result.instruction_result().is_ok() {
                evm.ctx.journaled_state.checkpoint_revert(checkpoint);
                // What earlier calls cleared is back, and so is nothing to be refunded for.
                result.gas_mut().tracker_mut().set_refunded(0);
                return Ok(Some(result));
            }
            last = Some(result);
        }
        evm.ctx.journaled_state.checkpoint_commit();
        last.map(Some).ok_or_else(|| EVMError::Custom("a batch without calls".into()))
    }
}

impl<'a, I> Handler for BatchHandler<'_, Inner<'a, I>> {
    type Evm = Inner<'a, I>;
    type Error = Fault;
    type HaltReason = HaltReason;

    fn validate_initial_tx_gas(&self, evm: &mut Self::Evm) -> Result<InitialAndFloorGas, Fault> {
        let gas_limit = evm.ctx.tx.gas_limit;
        let BatchGas { initial, floor } = self.run.gas;
        if initial > gas_limit {
            let initial_gas = initial;
            let invalid =
                InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit };
            return Err(invalid.into());
        }
        if floor > gas_limit {
            let gas_floor = floor;
            let invalid = InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit };
            return Err(invalid.into());
        }
        Ok(InitialAndFloorGas::new(initial, floor))
    }

    fn execution(
        &mut self,
        evm: &mut Self::Evm,
        _: JournalCheckpoint,
        gas: &mut GasTracker,
    ) -> Result<Option<FrameResult>, Fault> {
        evm.ctx.journaled_state.checkpoint_commit();
        self.all(evm, gas, |handler, evm, frame| handler.run_exec_loop(evm, frame))
    }
}

impl<'a, I: Inspector<EvmContext<'a>, EthInterpreter>> InspectorHandler
    for BatchHandler<'_, Inner<'a, I>>
{
    type IT = EthInterpreter;

    /// Tracers know one outermost call: the account calls itself there, and the calls of the batch are
    /// within.
    fn inspect_execution(
        &mut self,
        evm: &mut Self::Evm,
        _: JournalCheckpoint,
        gas: &mut GasTracker,
    ) -> Result<Option<FrameResult>, Fault> {
        evm.ctx.journaled_state.checkpoint_commit();
        let mut outer = outermost(&evm.ctx.tx, gas);
        // An answer would be an order not to run, which no tracer gives.
        let _ = evm.inspector.call(&mut evm.ctx, &mut outer);
        let mut result =
            self.all(evm, gas, |handler, evm, frame| handler.inspect_run_exec_loop(evm, frame))?;
        if let Some(FrameResult::Call(outcome)) = &mut result {
            evm.inspector.call_end(&mut evm.ctx, &outer, outcome);
        }
        Ok(result)
    }
}

fn outermost(tx: &TxEnv, gas: &GasTracker) -> CallInputs {
    CallInputs {
        input: CallInput::default(),
        return_memory_offset: 0..0,
        gas_limit: gas.remaining(),
        bytecode_address: tx.caller,
        known_bytecode: (KECCAK256_EMPTY, Bytecode::default()),
        target_address: tx.caller,
        caller: tx.caller,
        value: CallValue::Transfer(U256::ZERO),
        scheme: CallScheme::Call,
        is_static: false,
        reservoir: gas.reservoir(),
        charged_new_account_state_gas: false,
    }
}
