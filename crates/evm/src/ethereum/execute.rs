//! Blocks of other Ethereum chains: what the protocol itself does around the transactions.

use std::sync::Arc;

use alloy_consensus::{Eip658Value, Receipt, Transaction as _};
use alloy_eips::{eip4895::Withdrawal, eip7685::Requests};
use alloy_primitives::{B256, Bloom, Bytes, U256};
use tulou_primitives::{
    ChangeSet, Header, ReceiptEnvelope, StateError, StateReader, Tx, TxType, transactions_root,
};

use super::{
    BEACON_ROOTS, CONSOLIDATIONS, Fork, HISTORY, Rules as ChainRules, Schedule, WITHDRAWALS, word,
};
use crate::{
    executor::{BlockEnv, BlockFault, Executed, finish, receipt},
    layer::Layer,
    machine::{Machine, Rules, job},
    provider::Natives,
};

/// Wei of one gwei.
const GWEI: u64 = 1_000_000_000;

/// A block of another chain.
#[derive(Clone, Copy, Debug)]
pub struct ForeignBlock<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Its transactions.
    pub transactions: &'a [Arc<Tx>],
    /// Headers of its uncles.
    pub ommers: &'a [Header],
    /// What left the beacon chain.
    pub withdrawals: &'a [Withdrawal],
}

/// Executes a block of another chain on the state after its parent: system calls, transactions,
/// rewards and withdrawals. `root_of` gives the root of the state after a change set: receipts before
/// the Byzantium fork name it.
///
/// # Errors
/// - [`BlockFault::Invalid`]: a transaction breaks a rule.
/// - [`BlockFault::Fault`]: the state cannot be read.
pub fn replay(
    state: &dyn StateReader,
    schedule: &Schedule,
    block: ForeignBlock<'_>,
    root_of: &dyn Fn(&ChangeSet) -> B256,
) -> Result<Executed, BlockFault> {
    let env = schedule.env(block.header);
    let fork = schedule.fork(env.height, env.timestamp);
    let mut layer = Layer::new(state);
    let (before, _) = system_calls(&layer, &env, &calls_before(fork, block.header))?;
    layer.absorb(before);
    let mut run = Run { gas_used: 0, receipts: Vec::new(), logs_bloom: Bloom::ZERO };
    if fork.includes("Byzantium") {
        let changes = run.all(&layer, &env, block.transactions)?;
        layer.absorb(changes);
    } else {
        for (index, tx) in block.transactions.iter().enumerate() {
            let changes = run.all(&layer, &env, std::slice::from_ref(tx));
            let changes = changes.map_err(|fault| match fault {
                BlockFault::Invalid { reason, .. } => BlockFault::Invalid { index, reason },
                other => other,
            })?;
            layer.absorb(changes);
            run.name_root(root_of(layer.changes()));
        }
    }
    if fork.includes("Prague") {
        let (after, _) = requests(&layer, &env)?;
        layer.absorb(after);
    }
    withdraw(&mut layer, block.withdrawals)?;
    reward(&mut layer, fork, block.header, block.ommers)?;
    let changes = layer.into_changes();
    let root = transactions_root(block.transactions);
    Ok(finish(root, run.receipts, changes, run.gas_used, run.logs_bloom))
}

fn calls_before(fork: Fork, header: &Header) -> Vec<(alloy_primitives::Address, Bytes)> {
    let mut calls = Vec::new();
    if let Some(root) = header.parent_beacon_block_root.filter(|_| fork.includes("Cancun")) {
        calls.push((BEACON_ROOTS, word(root)));
    }
    if fork.includes("Prague") {
        calls.push((HISTORY, word(header.parent_hash)));
    }
    calls
}

/// What the protocol does at the beginning of a block: nothing on this ledger.
pub(crate) fn begin(
    rules: &ChainRules,
    state: &dyn StateReader,
    env: &BlockEnv,
    header: &Header,
) -> Result<ChangeSet, BlockFault> {
    match rules.schedule() {
        None => Ok(ChangeSet::default()),
        Some(schedule) => {
            let fork = schedule.fork(env.height, env.timestamp);
            Ok(system_calls(state, env, &calls_before(fork, header))?.0)
        }
    }
}

/// What the protocol asks for at the end of a block of the Prague fork (EIP-7685), and what that
/// changes.
pub(crate) fn requests(
    state: &dyn StateReader,
    env: &BlockEnv,
) -> Result<(ChangeSet, Requests), BlockFault> {
    let calls = [(WITHDRAWALS, Bytes::new()), (CONSOLIDATIONS, Bytes::new())];
    let (changes, outputs) = system_calls(state, env, &calls)?;
    let mut requests = Requests::default();
    for (kind, output) in [1u8, 2].into_iter().zip(outputs) {
        if !output.is_empty() {
            requests.push_request_with_type(kind, output);
        }
    }
    Ok((changes, requests))
}

/// Calls that the protocol makes, in order. A contract that is not there is not called.
pub(crate) fn system_calls(
    state: &dyn StateReader,
    env: &BlockEnv,
    calls: &[(alloy_primitives::Address, Bytes)],
) -> Result<(ChangeSet, Vec<Bytes>), BlockFault> {
    let mut machine = Machine::new(state, env, Rules::Block, Natives::STANDARD);
    let mut outputs = Vec::new();
    for (to, input) in calls {
        let mut output = Bytes::new();
        if state.account(*to)?.is_some_and(|account| !account.is_empty()) {
            let result = machine.system(*to, input.clone());
            let result = result.map_err(|error| BlockFault::Fault(error.to_string()))?;
            output = result.into_output().unwrap_or_default();
        }
        outputs.push(output);
    }
    Ok((machine.changes()?, outputs))
}

/// A block in the making.
struct Run {
    gas_used: u64,
    receipts: Vec<ReceiptEnvelope>,
    logs_bloom: Bloom,
}

impl Run {
    fn all(
        &mut self,
        state: &dyn StateReader,
        env: &BlockEnv,
        txs: &[Arc<Tx>],
    ) -> Result<ChangeSet, BlockFault> {
        let mut machine = Machine::new(state, env, Rules::Block, Natives::STANDARD);
        for (index, tx) in txs.iter().enumerate() {
            let invalid = |reason: String| BlockFault::Invalid { index, reason };
            let sender = tx.sender().map_err(|error| invalid(error.to_string()))?;
            if tx.envelope().gas_limit() > env.gas_limit - self.gas_used {
                return Err(invalid("more gas than the block has left".into()));
            }
            let result = machine.run(job(tx, sender)).map_err(|e| invalid(e.to_string()))?;
            self.gas_used += result.tx_gas_used();
            let receipt = receipt(tx.envelope().tx_type(), result, self.gas_used);
            self.logs_bloom |= *receipt.logs_bloom();
            self.receipts.push(receipt);
        }
        Ok(machine.changes()?)
    }

    /// Puts the root after the last transaction where later forks say whether it succeeded.
    fn name_root(&mut self, root: B256) {
        let Some(last) = self.receipts.pop() else { return };
        let receipt: Receipt = Receipt {
            status: Eip658Value::PostState(root),
            cumulative_gas_used: last.cumulative_gas_used(),
            logs: last.logs().to_vec(),
        };
        self.receipts.push(ReceiptEnvelope::from_typed(TxType::Legacy, receipt.with_bloom()));
    }
}

/// Pays those who left the beacon chain.
pub(crate) fn withdraw(
    layer: &mut Layer<'_>,
    withdrawals: &[Withdrawal],
) -> Result<(), StateError> {
    for withdrawal in withdrawals.iter().filter(|withdrawal| withdrawal.amount > 0) {
        layer.credit(withdrawal.address, U256::from(withdrawal.amount) * U256::from(GWEI))?;
    }
    Ok(())
}

/// Pays the proposer and those of its uncles, as long as there is proof of work.
pub(crate) fn reward(
    layer: &mut Layer<'_>,
    fork: Fork,
    header: &Header,
    ommers: &[Header],
) -> Result<(), StateError> {
    // Difficulty ends with proof of work, and so do rewards.
    if header.difficulty.is_zero() {
        return Ok(());
    }
    let ether: u64 = match fork {
        fork if fork.includes("Petersburg") => 2,
        fork if fork.includes("Byzantium") => 3,
        _ => 5,
    };
    let reward = U256::from(ether) * U256::from(GWEI) * U256::from(GWEI);
    for ommer in ommers {
        let age = header.number.saturating_sub(ommer.number).min(8);
        layer.credit(ommer.beneficiary, reward * U256::from(8 - age) / U256::from(8))?;
    }
    let with_ommers = reward + reward / U256::from(32) * U256::from(ommers.len());
    layer.credit(header.beneficiary, with_ommers)
}
