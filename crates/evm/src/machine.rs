//! One EVM over one version of the state, set up by this ledger's rules.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, Bytes, U256};
use revm::{
    Context, ExecuteEvm, InspectEvm, Inspector, Journal, MainBuilder, MainContext, SystemCallEvm,
    context::{BlockEnv as RevmBlock, CfgEnv, Evm, TxEnv},
    context_interface::{
        JournalTr,
        block::BlobExcessGasAndPrice,
        either::Either,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    handler::{EthFrame, Handler, instructions::EthInstructions},
    inspector::InspectorHandler,
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
    state::EvmState,
};
use tulou_primitives::{ChangeSet, StateError, StateReader, Tx, TxType};

use crate::{
    batch::{BatchGas, BatchHandler, BatchRun, Job},
    database::{ReadFault, Reader},
    executor::BlockEnv,
    keys,
    provider::{Hidden, Moves, Natives, Provider},
    surcharge::{SurchargeHandler, signature_gas},
};

/// The rules of the EVM: those of this Ethereum fork.
pub(crate) const SPEC: SpecId = SpecId::OSAKA;

pub(crate) type EvmContext<'a> =
    Context<RevmBlock, TxEnv, CfgEnv, Reader<'a>, Journal<Reader<'a>>, ()>;
pub(crate) type Inner<'a, I> = Evm<
    EvmContext<'a>,
    I,
    EthInstructions<EthInterpreter, EvmContext<'a>>,
    Provider,
    EthFrame<EthInterpreter>,
>;

/// Why a transaction did not run. It left nothing behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// Its nonce is behind the account.
    NonceTooLow { tx: u64, state: u64 },
    /// Its nonce is ahead of the account.
    NonceTooHigh { tx: u64, state: u64 },
    /// Its price is below what a unit of gas costs.
    Price(String),
    /// The sender has less than it would take.
    Funds(String),
    /// It has too little gas to begin with.
    Gas(String),
    /// It breaks another rule.
    Invalid(String),
    /// The state cannot be read, or native code met a state that cannot be.
    Fault(String),
    /// It reached what the one who asks may not see.
    Hidden(Hidden),
}

/// What is checked of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// All of it: transactions of blocks.
    Block,
    /// Nobody signed it: nonce, sender's code and the caps on gas are not checked.
    Simulation,
    /// Nobody signed it, but nonce and fees must be right.
    Validated,
}

/// One EVM over one version of the state.
pub(crate) struct Machine<'a, I = ()>(Inner<'a, I>, Rules);

impl<'a> Machine<'a> {
    pub(crate) fn new(
        state: &'a dyn StateReader,
        env: &BlockEnv,
        rules: Rules,
        natives: Natives,
    ) -> Self {
        let spec = spec(env);
        let evm = Context::mainnet()
            .with_db(Reader::new(state, spec >= SpecId::SPURIOUS_DRAGON))
            .with_cfg(config(env, rules))
            .with_block(block(env))
            .build_mainnet()
            .with_precompiles(Provider::new(env.terms.map(|terms| terms.fork.0), natives));
        Self(evm, rules)
    }

    /// The same machine with precompiles elsewhere.
    pub(crate) fn with_moves(mut self, moves: Moves) -> Self {
        self.0.precompiles.move_precompiles(moves);
        self
    }

    /// The same machine, watched from now on.
    pub(crate) fn watched_by<I>(self, inspector: I) -> Machine<'a, I> {
        Machine(self.0.with_inspector(inspector), self.1)
    }
}

impl<I> Machine<'_, I> {
    /// Runs one transaction on top of those before it.
    ///
    /// # Errors
    /// - [`NotRun`]: nothing of it remains.
    pub(crate) fn run(&mut self, job: impl Into<Job>) -> Result<ExecutionResult, NotRun> {
        let job = job.into();
        self.prepare(&job)?;
        let result = match job.batch {
            Some(batch) => {
                self.0.ctx.tx = job.env;
                BatchHandler::new(&batch).run(&mut self.0)
            }
            None if job.surcharge == 0 => self.0.transact_one(job.env),
            None => {
                self.0.ctx.tx = job.env;
                SurchargeHandler::new(job.surcharge).run(&mut self.0)
            }
        };
        result.map_err(|error| match self.0.precompiles.take_hidden() {
            Some(hidden) => NotRun::Hidden(hidden),
            None => not_run(error),
        })
    }

    fn prepare(&mut self, job: &Job) -> Result<(), NotRun> {
        let cfg = &mut self.0.ctx.cfg;
        if self.1 == Rules::Simulation {
            // Who names no price does not care what gas costs; who names one is taken at his word.
            cfg.disable_base_fee = job.env.gas_price == 0;
        }
        if cfg.disable_fee_charge {
            self.check_funds(job)?;
        }
        Ok(())
    }

    /// A call that the protocol makes itself: free and without a nonce.
    ///
    /// # Errors
    /// - [`NotRun::Fault`]: the state cannot be read.
    pub(crate) fn system(&mut self, to: Address, input: Bytes) -> Result<ExecutionResult, NotRun> {
        self.0.system_call_one(to, input).map_err(not_run)
    }

    /// Fees are not charged, so revm leaves the whole balance check out: the value is checked here.
    /// A batch must have the value of all its calls from the beginning.
    fn check_funds(&mut self, job: &Job) -> Result<(), NotRun> {
        let value = job.total_value();
        if value.is_zero() {
            return Ok(());
        }
        let journal = &mut self.0.ctx.journaled_state;
        let balance = match journal.load_account(job.env.caller) {
            Ok(account) => account.data.info.balance,
            Err(error) => return Err(NotRun::Fault(error.to_string())),
        };
        if balance < value {
            journal.discard_tx();
            return Err(NotRun::Funds(format!(
                "insufficient funds for transfer: balance {balance}, value {value}"
            )));
        }
        Ok(())
    }

    /// The first failure to read the state: it makes the whole run worthless.
    pub(crate) fn failed(&self) -> Option<&StateError> {
        self.0.ctx.journaled_state.db().failed()
    }

    /// What all transactions changed. The machine begins anew.
    ///
    /// # Errors
    /// - [`StateError`]: the state could not or cannot be read.
    pub(crate) fn changes(&mut self) -> Result<ChangeSet, StateError> {
        let after = self.0.finalize();
        self.0.ctx.journaled_state.db().changes(&after)
    }

    /// What a finalized run changed.
    ///
    /// # Errors
    /// - [`StateError`]: the state could not or cannot be read.
    pub(crate) fn changes_of(&self, after: &EvmState) -> Result<ChangeSet, StateError> {
        self.0.ctx.journaled_state.db().changes(after)
    }

    /// The block of its transactions.
    pub(crate) fn block(&self) -> &RevmBlock {
        &self.0.ctx.block
    }

    /// Who watches.
    pub(crate) fn inspector(&mut self) -> &mut I {
        &mut self.0.inspector
    }

    /// The state after all transactions. The machine begins anew.
    pub(crate) fn touched(&mut self) -> EvmState {
        self.0.finalize()
    }
}

impl<'a, I: Inspector<EvmContext<'a>, EthInterpreter>> Machine<'a, I> {
    /// As [`Machine::run`], step by step under the eyes of the inspector.
    pub(crate) fn watch(&mut self, job: impl Into<Job>) -> Result<ExecutionResult, NotRun> {
        let job = job.into();
        self.prepare(&job)?;
        let Some(batch) = job.batch else {
            if job.surcharge == 0 {
                return self.0.inspect_one_tx(job.env).map_err(not_run);
            }
            self.0.ctx.tx = job.env;
            return SurchargeHandler::new(job.surcharge).inspect_run(&mut self.0).map_err(not_run);
        };
        self.0.ctx.tx = job.env;
        BatchHandler::new(&batch).inspect_run(&mut self.0).map_err(not_run)
    }
}

/// The fork of a block.
pub(crate) fn spec(env: &BlockEnv) -> SpecId {
    env.terms.map_or(SPEC, |terms| terms.fork.0)
}

fn config(env: &BlockEnv, rules: Rules) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(spec(env)).with_chain_id(env.chain_id);
    cfg.tx_chain_id_check = true;
    match &env.terms {
        // Gas is metered and free: a sender without balance works whatever price its wallet puts in.
        None => cfg.disable_fee_charge = true,
        Some(terms) => {
            // EIP-7594 bounds a transaction more tightly than its block.
            let in_tx = if terms.fork.0 >= SpecId::OSAKA { 6 } else { terms.blobs.max };
            cfg.set_max_blobs_per_tx(in_tx.min(terms.blobs.max));
            cfg.blob_base_fee_update_fraction = Some(terms.blobs.update_fraction);
        }
    }
    if rules != Rules::Block {
        cfg.tx_chain_id_check = false;
        cfg.disable_nonce_check = rules == Rules::Simulation;
        cfg.disable_eip3607 = true;
        cfg.disable_block_gas_limit = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
    }
    cfg
}

fn block(env: &BlockEnv) -> RevmBlock {
    let blobs = match &env.terms {
        None => BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 },
        Some(terms) => {
            let fraction = terms.blobs.update_fraction;
            let mut blobs = BlobExcessGasAndPrice::new(terms.excess_blob_gas, fraction);
            blobs.blob_gasprice = terms.blob_price.unwrap_or(blobs.blob_gasprice);
            blobs
        }
    };
    RevmBlock {
        number: U256::from(env.height),
        beneficiary: env.beneficiary,
        timestamp: U256::from(env.timestamp),
        gas_limit: env.gas_limit,
        basefee: env.terms.map_or(0, |terms| terms.base_fee),
        difficulty: env.terms.map_or(U256::ZERO, |terms| terms.difficulty),
        prevrandao: Some(env.prevrandao),
        blob_excess_gas_and_price: Some(blobs),
        slot_num: 0,
    }
}

/// A signed transaction as the machine takes it.
pub(crate) fn job(tx: &Arc<Tx>, caller: Address) -> Job {
    let batch = tx.envelope().as_batch().map(|signed| {
        let key = signed.key_of_account().ok().flatten();
        let calls = keys::counted(key, &signed.batch.calls);
        Box::new(BatchRun { calls, gas: BatchGas::of_signed(signed) })
    });
    let surcharge = if batch.is_some() { 0 } else { signature_gas(tx.envelope()) };
    Job { env: tx_env(tx, caller), batch, surcharge }
}

/// A signed transaction as revm takes it. Those of this ledger's own types have the fees of EIP-1559, and
/// revm knows no other type that has.
fn tx_env(tx: &Arc<Tx>, caller: Address) -> TxEnv {
    let envelope = tx.envelope();
    let kind = match envelope.tx_type() {
        TxType::Batch | TxType::Sm2 => TxType::Eip1559,
        kind => kind,
    };
    TxEnv {
        tx_type: kind as u8,
        caller,
        gas_limit: envelope.gas_limit(),
        gas_price: envelope.max_fee_per_gas(),
        kind: envelope.kind(),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: envelope.nonce(),
        chain_id: envelope.chain_id(),
        access_list: envelope.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: envelope.max_priority_fee_per_gas(),
        blob_hashes: envelope.blob_versioned_hashes().unwrap_or_default().to_vec(),
        max_fee_per_blob_gas: envelope.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: envelope
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    }
}

fn refused(invalid: &InvalidTransaction) -> NotRun {
    let reason = invalid.to_string();
    match invalid {
        InvalidTransaction::GasPriceLessThanBasefee => NotRun::Price(reason),
        InvalidTransaction::LackOfFundForMaxFee { .. }
        | InvalidTransaction::OverflowPaymentInTransaction => NotRun::Funds(reason),
        InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
        | InvalidTransaction::GasFloorMoreThanGasLimit { .. } => NotRun::Gas(reason),
        _ => NotRun::Invalid(reason),
    }
}

fn not_run(error: EVMError<ReadFault>) -> NotRun {
    match error {
        EVMError::Transaction(InvalidTransaction::NonceTooLow { tx, state }) => {
            NotRun::NonceTooLow { tx, state }
        }
        EVMError::Transaction(InvalidTransaction::NonceTooHigh { tx, state }) => {
            NotRun::NonceTooHigh { tx, state }
        }
        EVMError::Transaction(invalid) => refused(&invalid),
        EVMError::Header(header) => NotRun::Fault(header.to_string()),
        EVMError::Database(fault) => NotRun::Fault(fault.to_string()),
        EVMError::Custom(reason) => NotRun::Fault(reason),
        EVMError::CustomAny(reason) => NotRun::Fault(reason.to_string()),
    }
}

impl core::fmt::Display for NotRun {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NonceTooLow { tx, state } => {
                write!(f, "nonce too low: transaction {tx}, account {state}")
            }
            Self::NonceTooHigh { tx, state } => {
                write!(f, "nonce too high: transaction {tx}, account {state}")
            }
            Self::Hidden(Hidden { at, .. }) => write!(f, "{at} answers members only"),
            Self::Price(reason)
            | Self::Funds(reason)
            | Self::Gas(reason)
            | Self::Invalid(reason)
            | Self::Fault(reason) => f.write_str(reason),
        }
    }
}
