//! One EVM over one version of the state, set up by this ledger's rules.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U256};
use revm::{
    Context, ExecuteEvm, Journal, MainBuilder, MainContext,
    context::{BlockEnv as RevmBlock, CfgEnv, Evm, TxEnv},
    context_interface::{
        JournalTr,
        block::BlobExcessGasAndPrice,
        either::Either,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    handler::{EthFrame, instructions::EthInstructions},
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
    state::EvmState,
};
use tulou_primitives::{ChangeSet, StateError, StateReader, Tx};

use crate::{
    database::{ReadFault, Reader},
    executor::BlockEnv,
    provider::{Natives, Provider},
};

/// The rules of the EVM: those of this Ethereum fork.
pub(crate) const SPEC: SpecId = SpecId::OSAKA;

type EvmContext<'a> = Context<RevmBlock, TxEnv, CfgEnv, Reader<'a>, Journal<Reader<'a>>, ()>;
type Inner<'a> = Evm<
    EvmContext<'a>,
    (),
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
    /// It breaks another rule.
    Invalid(String),
    /// The state cannot be read, or native code met a state that cannot be.
    Fault(String),
}

/// What is checked of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// All of it: transactions of blocks.
    Block,
    /// Nobody signed it: nonce, sender's code and the caps on gas are not checked.
    Simulation,
}

/// One EVM over one version of the state.
pub(crate) struct Machine<'a>(Inner<'a>);

impl<'a> Machine<'a> {
    pub(crate) fn new(
        state: &'a dyn StateReader,
        env: &BlockEnv,
        rules: Rules,
        natives: Natives,
    ) -> Self {
        let evm = Context::mainnet()
            .with_db(Reader::new(state))
            .with_cfg(config(env.chain_id, rules))
            .with_block(block(env))
            .build_mainnet()
            .with_precompiles(Provider::new(SPEC, natives));
        Self(evm)
    }

    /// Runs one transaction on top of those before it.
    ///
    /// # Errors
    /// - [`NotRun`]: nothing of it remains.
    pub(crate) fn run(&mut self, tx: TxEnv) -> Result<ExecutionResult, NotRun> {
        self.check_funds(&tx)?;
        self.0.transact_one(tx).map_err(not_run)
    }

    /// Fees are not charged, so revm leaves the whole balance check out: the value is checked here.
    fn check_funds(&mut self, tx: &TxEnv) -> Result<(), NotRun> {
        if tx.value.is_zero() {
            return Ok(());
        }
        let journal = &mut self.0.ctx.journaled_state;
        let balance = match journal.load_account(tx.caller) {
            Ok(account) => account.data.info.balance,
            Err(error) => return Err(NotRun::Fault(error.to_string())),
        };
        if balance < tx.value {
            journal.discard_tx();
            return Err(NotRun::Invalid(format!(
                "insufficient funds for transfer: balance {balance}, value {}",
                tx.value
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

    /// The state after all transactions. The machine begins anew.
    pub(crate) fn touched(&mut self) -> EvmState {
        self.0.finalize()
    }
}

fn config(chain_id: u64, rules: Rules) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id);
    cfg.tx_chain_id_check = true;
    // Gas is metered and free: a sender without balance works whatever price its wallet puts in.
    cfg.disable_fee_charge = true;
    if rules == Rules::Simulation {
        cfg.tx_chain_id_check = false;
        cfg.disable_nonce_check = true;
        cfg.disable_eip3607 = true;
        cfg.disable_block_gas_limit = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
    }
    cfg
}

fn block(env: &BlockEnv) -> RevmBlock {
    RevmBlock {
        number: U256::from(env.height),
        beneficiary: env.beneficiary,
        timestamp: U256::from(env.timestamp),
        gas_limit: env.gas_limit,
        basefee: 0,
        difficulty: U256::ZERO,
        prevrandao: Some(env.prevrandao),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas: 0,
            blob_gasprice: 1,
        }),
        slot_num: 0,
    }
}

/// A signed transaction as revm takes it.
pub(crate) fn tx_env(tx: &Arc<Tx>, caller: Address) -> TxEnv {
    let envelope = tx.envelope();
    TxEnv {
        tx_type: envelope.tx_type() as u8,
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
        blob_hashes: Vec::<B256>::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: envelope
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
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
        EVMError::Transaction(invalid) => NotRun::Invalid(invalid.to_string()),
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
            Self::Invalid(reason) | Self::Fault(reason) => f.write_str(reason),
        }
    }
}
