//! Blocks that nobody made: calls on top of a state, one block after the other, as `eth_simulateV1`
//! shows them. A block comes out as it would have been made, hash and state root too.

use std::{cmp::Ordering, collections::BTreeMap};

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip4844, TxEip4844Variant, TxEip7702, TxEnvelope, TxLegacy,
    constants::EMPTY_WITHDRAWALS, proofs::calculate_withdrawals_root,
};
use alloy_eips::{
    eip1559::BaseFeeParams, eip4895::Withdrawal, eip7685::Requests, eip7840::BlobParams,
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, Signature, TxKind, U256, keccak256};
use revm::context_interface::result::{ExecutionResult, HaltReason};
use tulou_primitives::{
    AccountChange, ChangeSet, Header, ReceiptEnvelope, StateError, StateReader, Tx,
    transactions_root,
};

use crate::{
    call::{CallRequest, request_job},
    ethereum::{self, Rules as ChainRules},
    executor::{BlockEnv, BlockFault, finish, receipt},
    header::empty_header,
    layer::Layer,
    machine::{Machine, NotRun, Rules},
    overrides::{AccountOverride, BlockOverrides, moves},
    provider::{Moves, Natives, is_code},
    transfers::Transfers,
};

/// What a simulation checks and shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimulateOptions {
    /// Whether nonces and fees must be right.
    pub validation: bool,
    /// Whether native transfers show as events.
    pub trace_transfers: bool,
    /// Gas of all calls together.
    pub gas: u64,
}

/// A block to simulate.
#[derive(Clone, Debug, Default)]
pub struct SimulationBlock {
    /// What it pretends of itself; height and time are those of the next block where not given.
    pub block: BlockOverrides,
    /// Root of the beacon chain (EIP-4788).
    pub beacon_root: Option<B256>,
    /// What leaves the beacon chain.
    pub withdrawals: Vec<Withdrawal>,
    /// What it pretends of accounts, from its beginning on.
    pub accounts: BTreeMap<Address, AccountOverride>,
    /// Its calls.
    pub calls: Vec<CallRequest>,
}

/// A simulated block.
#[derive(Clone, Debug)]
pub struct SimulatedBlock {
    /// Its header.
    pub header: Header,
    /// Its calls as transactions that nobody signed, with their senders.
    pub transactions: Vec<(TxEnvelope, Address)>,
    /// What left the beacon chain.
    pub withdrawals: Vec<Withdrawal>,
    /// What came of the calls.
    pub calls: Vec<SimulatedCall>,
}

/// What came of a simulated call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedCall {
    /// What it returned.
    pub output: Bytes,
    /// Its events with their places in the block; none where it failed. Events that were undone have
    /// places too.
    pub logs: Vec<(u64, Log)>,
    /// Gas it used.
    pub gas_used: u64,
    /// Gas it had used before refunds.
    pub max_used_gas: u64,
    /// Why it failed, where it did.
    pub failure: Option<Failure>,
}

/// How a simulated call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was refused; the error is its output.
    Revert,
    /// It broke off.
    Halt(String),
}

/// Why there is no simulation, with the code that `eth_simulateV1` gives it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SimulateFault {
    /// JSON-RPC code.
    pub code: i32,
    /// In words.
    pub message: String,
}

impl SimulateFault {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<StateError> for SimulateFault {
    fn from(error: StateError) -> Self {
        Self::new(-32_603, error.to_string())
    }
}

impl From<BlockFault> for SimulateFault {
    fn from(fault: BlockFault) -> Self {
        Self::new(-32_603, fault.to_string())
    }
}

impl From<NotRun> for SimulateFault {
    fn from(not_run: NotRun) -> Self {
        let code = match &not_run {
            NotRun::NonceTooLow { .. } => -38_010,
            NotRun::NonceTooHigh { .. } => -38_011,
            NotRun::Price(_) => -38_012,
            NotRun::Gas(_) => -38_013,
            NotRun::Funds(_) => -38_014,
            NotRun::Invalid(_) | NotRun::Fault(_) | NotRun::Hidden(_) => -32_603,
        };
        Self::new(code, format!("err: {not_run}"))
    }
}

/// A simulation that goes on block by block.
pub struct Simulator<'a> {
    rules: &'a ChainRules,
    chain_id: u64,
    layer: Layer<'a>,
    parent: Header,
    options: SimulateOptions,
}

impl core::fmt::Debug for Simulator<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Simulator").field("height", &self.parent.number).finish_non_exhaustive()
    }
}

impl<'a> Simulator<'a> {
    /// Begins on the state after a block.
    pub fn new(
        state: &'a dyn StateReader,
        rules: &'a ChainRules,
        chain_id: u64,
        parent: Header,
        options: SimulateOptions,
    ) -> Self {
        Self { rules, chain_id, layer: Layer::new(state), parent, options }
    }

    /// Simulates the next block. `root_of` gives the root of the first state with changes on top.
    ///
    /// # Errors
    /// - [`SimulateFault`]: a call that cannot be a transaction of this block, or an impossible override.
    pub fn block(
        &mut self,
        wanted: &SimulationBlock,
        root_of: &dyn Fn(&ChangeSet) -> B256,
    ) -> Result<SimulatedBlock, SimulateFault> {
        let mut header = self.begin(wanted);
        let mut env = self.rules.env(self.chain_id, &header);
        if let Some(terms) = env.terms.as_mut() {
            terms.blob_price = wanted.block.blob_base_fee;
        }
        let moves =
            moves(&wanted.accounts, &env).map_err(|reason| SimulateFault::new(-32_000, reason))?;
        self.pretend(&wanted.accounts)?;
        let before = ethereum::begin(self.rules, &self.layer, &env, &header)?;
        self.layer.absorb(before);
        let mut run =
            Run { env, moves, gas_used: 0, receipts: Vec::new(), bloom: Bloom::ZERO, events: 0 };
        let (mut transactions, mut calls) = (Vec::new(), Vec::new());
        for request in &wanted.calls {
            let (tx, call) = self.call(&mut run, request)?;
            transactions.push((tx, request.from));
            calls.push(call);
        }
        self.end(&env, &mut header, wanted)?;
        let txs: Vec<_> =
            transactions.iter().map(|(tx, _)| Tx::from_envelope(tx.clone())).collect();
        header.transactions_root = transactions_root(&txs);
        let (root, changes) = (header.transactions_root, ChangeSet::default());
        header.receipts_root =
            finish(root, run.receipts, changes, run.gas_used, run.bloom).receipts_root;
        header.logs_bloom = run.bloom;
        header.gas_used = run.gas_used;
        header.state_root = root_of(self.layer.changes());
        if header.blob_gas_used.is_some() {
            let used = transactions
                .iter()
                .filter_map(|(tx, _)| alloy_consensus::Transaction::blob_gas_used(tx));
            header.blob_gas_used = Some(used.sum());
        }
        self.layer.name_block(header.number, header.hash_slow());
        self.parent = header.clone();
        Ok(SimulatedBlock { header, transactions, withdrawals: wanted.withdrawals.clone(), calls })
    }

    /// The header as far as it is known before the calls.
    fn begin(&self, wanted: &SimulationBlock) -> Header {
        let (block, parent) = (&wanted.block, &self.parent);
        let number = block.number.unwrap_or(parent.number + 1);
        let timestamp = block.timestamp.unwrap_or(parent.timestamp + 12);
        let mut header = Header {
            parent_hash: parent.hash_slow(),
            number,
            timestamp,
            gas_limit: block.gas_limit.unwrap_or(parent.gas_limit),
            beneficiary: block.coinbase.unwrap_or(parent.beneficiary),
            mix_hash: block.prevrandao.unwrap_or_default(),
            ..empty_header()
        };
        let Some(schedule) = self.rules.schedule() else { return header };
        let fork = schedule.fork(number, timestamp);
        let since = |name: &str| fork.includes(name);
        header.difficulty = block.difficulty.unwrap_or(parent.difficulty);
        let next = parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        let base_fee = if self.options.validation { next } else { 0 };
        header.base_fee_per_gas = since("London").then(|| block.base_fee.unwrap_or(base_fee));
        header.withdrawals_root = since("Shanghai").then_some(EMPTY_WITHDRAWALS);
        header.parent_beacon_block_root =
            since("Cancun").then(|| wanted.beacon_root.unwrap_or_default());
        header.blob_gas_used = since("Cancun").then_some(0);
        let blobs = schedule.blobs(timestamp);
        let params = BlobParams {
            target_blob_count: blobs.target,
            max_blob_count: blobs.max,
            update_fraction: blobs.update_fraction.into(),
            ..if since("Osaka") { BlobParams::osaka() } else { BlobParams::cancun() }
        };
        header.excess_blob_gas =
            since("Cancun").then(|| parent.next_block_excess_blob_gas(params).unwrap_or_default());
        header.requests_hash = since("Prague").then(|| Requests::default().requests_hash());
        header
    }

    /// What the protocol does after the calls.
    fn end(
        &mut self,
        env: &BlockEnv,
        header: &mut Header,
        wanted: &SimulationBlock,
    ) -> Result<(), SimulateFault> {
        if self.rules.schedule().is_some() && header.requests_hash.is_some() {
            let (changes, requests) = ethereum::requests(&self.layer, env)?;
            self.layer.absorb(changes);
            header.requests_hash = Some(requests.requests_hash());
        }
        if let Some(schedule) = self.rules.schedule() {
            ethereum::withdraw(&mut self.layer, &wanted.withdrawals)?;
            let fork = schedule.fork(env.height, env.timestamp);
            ethereum::reward(&mut self.layer, fork, header, &[])?;
        }
        if header.withdrawals_root.is_some() {
            header.withdrawals_root = Some(calculate_withdrawals_root(&wanted.withdrawals));
        }
        Ok(())
    }

    /// Changes accounts as the request says.
    fn pretend(
        &mut self,
        accounts: &BTreeMap<Address, AccountOverride>,
    ) -> Result<(), SimulateFault> {
        for (address, pretended) in accounts {
            let mut state = self.layer.account(*address)?.unwrap_or_default();
            state.balance = pretended.balance.unwrap_or(state.balance);
            state.nonce = pretended.nonce.unwrap_or(state.nonce);
            let mut changes = ChangeSet::default();
            if let Some(code) = &pretended.code {
                if !is_code(code) {
                    let message = format!("code of {address} cannot be code");
                    return Err(SimulateFault::new(-32_602, message));
                }
                state.code_hash = keccak256(code);
                changes.code.insert(state.code_hash, code.clone());
            }
            let storage = pretended.state.as_ref().or(pretended.state_diff.as_ref());
            let change = AccountChange {
                wipe: pretended.state.is_some(),
                state: Some(state),
                storage: storage.cloned().unwrap_or_default(),
            };
            changes.accounts.insert(*address, change);
            self.layer.absorb(changes);
        }
        Ok(())
    }

    fn call(
        &mut self,
        run: &mut Run,
        request: &CallRequest,
    ) -> Result<(TxEnvelope, SimulatedCall), SimulateFault> {
        let left = run.env.gas_limit.saturating_sub(run.gas_used);
        if let Some(gas) = request.gas.filter(|gas| *gas > left) {
            let message = format!("block gas limit reached: {gas} asked for, {left} left");
            return Err(SimulateFault::new(-38_015, message));
        }
        let gas = request.gas.unwrap_or(left).min(self.options.gas);
        let state = self.layer.account(request.from)?.unwrap_or_default();
        let nonce = request.nonce.unwrap_or(state.nonce);
        if self.options.validation {
            check_nonce(request.from, nonce, state.nonce)?;
        }
        let rules = if self.options.validation { Rules::Validated } else { Rules::Simulation };
        let machine = Machine::new(&self.layer, &run.env, rules, Natives::STANDARD);
        let machine = machine.with_moves(run.moves.clone());
        let transfers = Transfers::new(self.options.trace_transfers, run.events);
        let mut machine = machine.watched_by(transfers);
        // Without validation the last nonce of all is followed by the first.
        let wraps = !self.options.validation && state.nonce == u64::MAX;
        let sent = if wraps { 0 } else { nonce };
        let result = machine.watch(request_job(request, self.chain_id, sent, gas))?;
        let (seen, events) = machine.inspector().take();
        run.events = events;
        let changes = machine.changes()?;
        self.layer.absorb(changes);
        if wraps {
            self.layer.set_nonce(request.from, 0)?;
        }
        let gas_used = result.tx_gas_used();
        self.options.gas = self.options.gas.saturating_sub(gas_used);
        run.gas_used += gas_used;
        let tx = envelope(request, self.chain_id, nonce, gas)?;
        let call = told(&result, seen);
        let receipt = receipt(tx.tx_type().into(), result, run.gas_used);
        run.bloom |= *receipt.logs_bloom();
        run.receipts.push(receipt);
        Ok((tx, call))
    }
}

/// A simulated block in the making.
struct Run {
    env: BlockEnv,
    moves: Moves,
    gas_used: u64,
    receipts: Vec<ReceiptEnvelope>,
    bloom: Bloom,
    /// Events so far, those that were undone counted.
    events: u64,
}

/// The nonce comes before everything else that can be wrong.
fn check_nonce(from: Address, nonce: u64, next: u64) -> Result<(), SimulateFault> {
    match nonce.cmp(&next) {
        Ordering::Less => Err(NotRun::NonceTooLow { tx: nonce, state: next }.into()),
        Ordering::Greater => Err(NotRun::NonceTooHigh { tx: nonce, state: next }.into()),
        Ordering::Equal if next == u64::MAX => {
            let message = format!("err: nonce has max value: address {from}, nonce: {next}");
            Err(SimulateFault::new(-32_603, message))
        }
        Ordering::Equal => Ok(()),
    }
}

fn told(result: &ExecutionResult, seen: Vec<(u64, Log)>) -> SimulatedCall {
    let gas_used = result.tx_gas_used();
    let max_used_gas = result.gas().total_gas_spent().max(gas_used);
    let failure = match result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { .. } => Some(Failure::Revert),
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => {
            Some(Failure::Halt("out of gas".into()))
        }
        ExecutionResult::Halt { reason, .. } => Some(Failure::Halt(reason.to_string())),
    };
    let logs = if failure.is_none() { seen } else { Vec::new() };
    let output = match &failure {
        Some(Failure::Halt(_)) => Bytes::new(),
        _ => result.output().cloned().unwrap_or_default(),
    };
    SimulatedCall { output, logs, gas_used, max_used_gas, failure }
}

/// The call as a transaction without a signature.
fn envelope(
    request: &CallRequest,
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
) -> Result<TxEnvelope, SimulateFault> {
    let empty = Signature::new(U256::ZERO, U256::ZERO, false);
    let CallRequest { value, input, access_list, authorization_list, .. } = request.clone();
    let max_fee_per_gas = request.max_fee_per_gas.unwrap_or_default();
    let max_priority_fee_per_gas = request.max_priority_fee_per_gas.unwrap_or_default();
    let needs_target = || SimulateFault::new(-32_602, "a transaction of this type needs \"to\"");
    if let Some(gas_price) = request.gas_price {
        let (chain_id, to) = (Some(chain_id), kind(request));
        let tx = TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input };
        return Ok(tx.into_signed(empty).into());
    }
    if !authorization_list.is_empty() {
        let to = request.to.ok_or_else(needs_target)?;
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
    if !request.blob_hashes.is_empty() {
        let tx = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: request.to.ok_or_else(needs_target)?,
            value,
            access_list,
            blob_versioned_hashes: request.blob_hashes.clone(),
            max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
            input,
        };
        let tx: TxEip4844Variant = TxEip4844Variant::TxEip4844(tx);
        return Ok(tx.into_signed(empty).into());
    }
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to: kind(request),
        value,
        access_list,
        input,
    };
    Ok(tx.into_signed(empty).into())
}

fn kind(request: &CallRequest) -> TxKind {
    request.to.map_or(TxKind::Create, TxKind::Call)
}
