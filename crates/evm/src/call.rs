//! Calls that nobody signed and nothing keeps: answers, estimates, access lists.

use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::SignedAuthorization,
};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use revm::{
    context::TxEnv,
    context_interface::{
        either::Either,
        result::{ExecutionResult, Output},
    },
    state::EvmState,
};
use tulou_primitives::{Call, StateError, StateReader};

use crate::{
    batch::{BatchGas, BatchRun, COUNTING_CALL, Job},
    executor::BlockEnv,
    keys,
    machine::{Machine, NotRun, Rules},
    national,
    overrides::{Imagined, Overrides},
    provider::{Hidden, Moves, Natives, Sight},
};

/// Most gas that one transaction may ask for (EIP-7825).
pub const TX_GAS_MAX: u64 = 1 << 24;
/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
/// How often an access list is recomputed until it no longer changes.
const ACCESS_LIST_ROUNDS: usize = 4;

/// A call as the RPC knows it. What is not given is zero or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// Who calls.
    pub from: Address,
    /// Who is called; `None` creates a contract.
    pub to: Option<Address>,
    /// Wei that go along.
    pub value: U256,
    /// Calldata, or the code that creates.
    pub input: Bytes,
    /// Most gas to use; capped by the caller of the function.
    pub gas: Option<u64>,
    /// Price that `GASPRICE` shows; nothing is charged.
    pub gas_price: Option<u128>,
    /// EIP-1559's cap on the price.
    pub max_fee_per_gas: Option<u128>,
    /// EIP-1559's tip.
    pub max_priority_fee_per_gas: Option<u128>,
    /// Nonce, which decides the address of a created contract; the account's where not given.
    pub nonce: Option<u64>,
    /// Addresses and slots to find warm.
    pub access_list: AccessList,
    /// EIP-7702 authorizations to apply before.
    pub authorization_list: Vec<SignedAuthorization>,
    /// EIP-4844's hashes. No block of this ledger has any.
    pub blob_hashes: Vec<B256>,
    /// EIP-4844's cap on the price of blobs.
    pub max_fee_per_blob_gas: Option<u128>,
    /// A batch, whose first call is `to`, `value` and `input`.
    pub batch: Option<BatchRequest>,
    /// Gas that the signature of a transaction that is no batch will take beyond that of every transaction
    /// ([`SM2_GAS`](crate::SM2_GAS)).
    pub surcharge: u64,
}

/// What a call has besides when it is a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchRequest {
    /// All calls, at least one.
    pub calls: Vec<Call>,
    /// Gas that its signature will take ([`verification_gas`](crate::verification_gas)), without what another
    /// key than the account's own pays.
    pub verification: u64,
    /// The key that will sign for the account, where it is not its own: the call that counts what it spends
    /// is then made, and paid, as it will be in the block.
    pub key: Option<Address>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It went through.
    Success {
        /// What it returned; of a creation, the code.
        output: Bytes,
        /// Gas it used.
        gas_used: u64,
        /// Events it emitted.
        logs: Vec<Log>,
        /// The contract it created.
        created: Option<Address>,
    },
    /// It was refused.
    Revert {
        /// The ABI-encoded error.
        output: Bytes,
        /// Gas it used.
        gas_used: u64,
    },
    /// It broke off: out of gas, an invalid opcode.
    Halt {
        /// Why, in revm's words.
        reason: String,
        /// Gas it used.
        gas_used: u64,
    },
}

/// Why a call has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The request cannot be a transaction: too little gas to begin with, more value than balance,
    /// pretended code that cannot be code.
    #[error("{0}")]
    Invalid(String),
    /// The state cannot be read, or native code met a state that cannot be.
    #[error("the call cannot be executed: {0}")]
    Fault(String),
    /// It reaches, at whatever depth, what the one who asks may not see.
    #[error("{} answers members only", .0.at)]
    Hidden(Hidden),
}

/// Why there is no estimate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EstimateFault {
    /// It is refused with any gas; the ABI-encoded error.
    #[error("execution reverted")]
    Revert(Bytes),
    /// It breaks off with the most gas that it may have.
    #[error("{0}")]
    Halt(String),
    /// It has no outcome.
    #[error(transparent)]
    Fault(#[from] CallFault),
}

impl From<NotRun> for CallFault {
    fn from(not_run: NotRun) -> Self {
        match not_run {
            NotRun::Fault(reason) => Self::Fault(reason),
            NotRun::Hidden(hidden) => Self::Hidden(hidden),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl From<StateError> for CallFault {
    fn from(error: StateError) -> Self {
        Self::Fault(error.to_string())
    }
}

impl From<StateError> for EstimateFault {
    fn from(error: StateError) -> Self {
        Self::Fault(error.into())
    }
}

/// Makes a call on a state in a block, with at most `gas_cap` gas, for one who sees what `sight` says; `None`
/// sees everything.
///
/// # Errors
/// - [`CallFault::Invalid`]: it could not be a transaction.
/// - [`CallFault::Hidden`]: it reaches what may not be seen.
/// - [`CallFault::Fault`]: the outcome cannot be known here.
pub fn call(
    state: &dyn StateReader,
    env: &BlockEnv,
    request: &CallRequest,
    overrides: Option<&Overrides>,
    gas_cap: u64,
    sight: Option<Sight>,
) -> Result<CallOutcome, CallFault> {
    Scene { state, env, overrides, natives: Natives::seen_by(sight) }.call(request, gas_cap)
}

/// The least gas with which the call succeeds as a transaction, within `gas_cap` and
/// [`TX_GAS_MAX`].
///
/// # Errors
/// - [`EstimateFault::Revert`], [`EstimateFault::Halt`]: it does not succeed with the most gas.
/// - [`EstimateFault::Fault`]: as [`call`].
pub fn estimate_gas(
    state: &dyn StateReader,
    env: &BlockEnv,
    request: &CallRequest,
    overrides: Option<&Overrides>,
    gas_cap: u64,
    sight: Option<Sight>,
) -> Result<u64, EstimateFault> {
    Scene { state, env, overrides, natives: Natives::seen_by(sight) }.estimate(request, gas_cap)
}

/// The addresses and slots that the call reaches, the gas it uses with that list, and why it fails
/// where it does. Sender, target and precompiles are listed only for their slots.
///
/// # Errors
/// - as [`call`].
pub fn create_access_list(
    state: &dyn StateReader,
    env: &BlockEnv,
    request: &CallRequest,
    overrides: Option<&Overrides>,
    gas_cap: u64,
    sight: Option<Sight>,
) -> Result<(AccessList, u64, Option<String>), CallFault> {
    Scene { state, env, overrides, natives: Natives::seen_by(sight) }.access_list(request, gas_cap)
}

/// Where a call takes place.
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a dyn StateReader,
    pub(crate) env: &'a BlockEnv,
    pub(crate) overrides: Option<&'a Overrides>,
    pub(crate) natives: Natives,
}

impl Scene<'_> {
    pub(crate) fn call(
        &self,
        request: &CallRequest,
        gas_cap: u64,
    ) -> Result<CallOutcome, CallFault> {
        let gas = request.gas.unwrap_or(u64::MAX).min(gas_cap);
        Ok(outcome(self.run(request, gas)?.0))
    }

    pub(crate) fn estimate(
        &self,
        request: &CallRequest,
        gas_cap: u64,
    ) -> Result<u64, EstimateFault> {
        let most = request.gas.unwrap_or(u64::MAX).min(gas_cap).min(TX_GAS_MAX);
        let most = most.min(self.block().gas_limit);
        if self.is_plain_transfer(request)? && most >= TRANSFER_GAS {
            let (result, _) = self.run(request, TRANSFER_GAS).map_err(EstimateFault::Fault)?;
            if result.is_success() {
                return Ok(TRANSFER_GAS);
            }
        }
        let (result, _) = self.run(request, most).map_err(EstimateFault::Fault)?;
        let used = result.gas().total_gas_spent();
        match outcome(result) {
            CallOutcome::Success { gas_used, .. } => self.narrow(request, gas_used, used, most),
            CallOutcome::Revert { output, .. } => Err(EstimateFault::Revert(output)),
            CallOutcome::Halt { reason, .. } => Err(EstimateFault::Halt(reason)),
        }
    }

    /// Binary search: fails below `used_after_refund`, succeeds with `most`.
    fn narrow(
        &self,
        request: &CallRequest,
        used_after_refund: u64,
        used: u64,
        most: u64,
    ) -> Result<u64, EstimateFault> {
        let (mut fails, mut works) = (used_after_refund.saturating_sub(1), most);
        // What was spent suffices for most calls, and with 1/64 held back (EIP-150) for nearly all.
        let guesses = [used, used.saturating_add(used / 63).saturating_add(2_300)];
        for guess in guesses {
            if guess > fails && guess < works {
                if self.succeeds(request, guess)? {
                    works = guess;
                } else {
                    fails = guess;
                }
            }
        }
        while fails + 1 < works {
            let middle = fails + (works - fails) / 2;
            if self.succeeds(request, middle)? {
                works = middle;
            } else {
                fails = middle;
            }
        }
        Ok(works)
    }

    /// Whether the call succeeds with this much gas; too little to begin with is a "no".
    fn succeeds(&self, request: &CallRequest, gas: u64) -> Result<bool, EstimateFault> {
        match self.run(request, gas) {
            Ok((result, _)) => Ok(result.is_success()),
            Err(CallFault::Invalid(_)) => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    fn is_plain_transfer(&self, request: &CallRequest) -> Result<bool, StateError> {
        let Some(to) = request.to else { return Ok(false) };
        let bare = request.batch.is_none()
            && request.surcharge == 0
            && request.input.is_empty()
            && request.access_list.is_empty()
            && request.authorization_list.is_empty();
        if !bare || (self.natives.route)(&to).is_some() {
            return Ok(false);
        }
        let code_hash = self.with_state(|state| state.account(to))?.unwrap_or_default().code_hash;
        Ok(code_hash == alloy_primitives::KECCAK256_EMPTY)
    }

    pub(crate) fn access_list(
        &self,
        request: &CallRequest,
        gas_cap: u64,
    ) -> Result<(AccessList, u64, Option<String>), CallFault> {
        let gas = request.gas.unwrap_or(u64::MAX).min(gas_cap);
        let mut request = request.clone();
        for _ in 1..ACCESS_LIST_ROUNDS {
            let (_, reached) = self.run(&request, gas)?;
            let list = self.listed(&request, &reached);
            let stable = list == request.access_list;
            request.access_list = list;
            if stable {
                break;
            }
        }
        let (result, _) = self.run(&request, gas)?;
        let (gas_used, error) = match outcome(result) {
            CallOutcome::Success { gas_used, .. } => (gas_used, None),
            CallOutcome::Revert { gas_used, .. } => (gas_used, Some("execution reverted".into())),
            CallOutcome::Halt { reason, gas_used } => (gas_used, Some(reason)),
        };
        Ok((request.access_list, gas_used, error))
    }

    /// What a run reached, sorted, without what is warm in any case.
    fn listed(&self, request: &CallRequest, reached: &EvmState) -> AccessList {
        let precompiles = national::own();
        let natives = (self.natives.warm)();
        let is_warm = |address: &Address| {
            *address == request.from
                || Some(*address) == request.to
                || *address == self.block().beneficiary
                || precompiles.contains(address)
                || natives.contains(address)
        };
        let mut items: Vec<_> = reached
            .iter()
            .filter(|(address, account)| !account.storage.is_empty() || !is_warm(address))
            .filter(|(_, account)| !account.is_created())
            .map(|(address, account)| {
                let mut storage_keys: Vec<B256> =
                    account.storage.keys().map(|slot| B256::from(*slot)).collect();
                storage_keys.sort_unstable();
                AccessListItem { address: *address, storage_keys }
            })
            .collect();
        items.sort_unstable_by_key(|item| item.address);
        AccessList(items)
    }

    /// The block of the call.
    fn block(&self) -> BlockEnv {
        self.overrides.map_or(*self.env, |overrides| overrides.block(self.env))
    }

    fn with_state<T>(&self, f: impl FnOnce(&dyn StateReader) -> T) -> T {
        match self.overrides {
            Some(overrides) => f(&Imagined::new(self.state, overrides)),
            None => f(self.state),
        }
    }

    /// Runs the call alone with exactly this gas limit.
    fn run(
        &self,
        request: &CallRequest,
        gas: u64,
    ) -> Result<(ExecutionResult, EvmState), CallFault> {
        self.with_machine(request, gas, |_, mut machine, job| {
            let result = machine.run(job)?;
            Ok((result, machine.touched()))
        })
    }

    /// Prepares the call and leaves it to `run` with the state that it sees.
    pub(crate) fn with_machine<T>(
        &self,
        request: &CallRequest,
        gas: u64,
        run: impl FnOnce(&dyn StateReader, Machine<'_>, Job) -> Result<T, CallFault>,
    ) -> Result<T, CallFault> {
        if let Some(address) = self.overrides.and_then(Overrides::impossible) {
            return Err(CallFault::Invalid(format!("code of {address} cannot be code")));
        }
        self.with_state(|state| {
            let nonce = match request.nonce {
                Some(nonce) => nonce,
                None => state.account(request.from)?.unwrap_or_default().nonce,
            };
            let mut env = self.block();
            let job = request_job(request, env.chain_id, nonce, gas);
            let tx = &job.env;
            if let Some(terms) = env.terms.as_mut().filter(|_| tx.gas_price == 0) {
                // Who names no price sees none.
                terms.base_fee = 0;
                terms.blob_price = terms.blob_price.or((tx.max_fee_per_blob_gas == 0).then_some(0));
            }
            let moves = match self.overrides {
                Some(overrides) => overrides.moves(&env).map_err(CallFault::Invalid)?,
                None => Moves::new(),
            };
            let machine = Machine::new(state, &env, Rules::Simulation, self.natives);
            run(state, machine.with_moves(moves), job)
        })
    }
}

/// A request as the machine takes it.
pub(crate) fn request_job(request: &CallRequest, chain_id: u64, nonce: u64, gas_limit: u64) -> Job {
    let batch = request.batch.as_ref().map(|BatchRequest { calls, verification, key }| {
        let counting = if key.is_some() { COUNTING_CALL } else { 0 };
        let verification = verification.saturating_add(counting);
        let gas = BatchGas::of(calls, &request.access_list, verification);
        Box::new(BatchRun { calls: keys::counted(*key, calls), gas })
    });
    let surcharge = if batch.is_some() { 0 } else { request.surcharge };
    Job { env: request_env(request, chain_id, nonce, gas_limit), batch, surcharge }
}

/// A request as revm takes it.
fn request_env(request: &CallRequest, chain_id: u64, nonce: u64, gas_limit: u64) -> TxEnv {
    let max_fee = request.max_fee_per_gas.or(request.gas_price).unwrap_or_default();
    let priority = request.max_priority_fee_per_gas;
    let tx_type = match () {
        () if !request.authorization_list.is_empty() => 4,
        () if !request.blob_hashes.is_empty() => 3,
        () if request.batch.is_some() => 2,
        () if request.max_fee_per_gas.is_some() || priority.is_some() => 2,
        () if !request.access_list.is_empty() => 1,
        () => 0,
    };
    TxEnv {
        tx_type,
        caller: request.from,
        gas_limit,
        gas_price: max_fee.max(priority.unwrap_or_default()),
        kind: request.to.map_or(TxKind::Create, TxKind::Call),
        value: request.value,
        data: request.input.clone(),
        nonce,
        chain_id: Some(chain_id),
        access_list: request.access_list.clone(),
        gas_priority_fee: if tx_type >= 2 { Some(priority.unwrap_or_default()) } else { None },
        blob_hashes: request.blob_hashes.clone(),
        max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
        authorization_list: request.authorization_list.iter().cloned().map(Either::Left).collect(),
    }
}

fn outcome(result: ExecutionResult) -> CallOutcome {
    let gas_used = result.tx_gas_used();
    match result {
        ExecutionResult::Success { output, logs, .. } => {
            let created = match &output {
                Output::Create(_, address) => *address,
                Output::Call(_) => None,
            };
            CallOutcome::Success { output: output.into_data(), gas_used, logs, created }
        }
        ExecutionResult::Revert { output, .. } => CallOutcome::Revert { output, gas_used },
        ExecutionResult::Halt { reason, .. } => {
            CallOutcome::Halt { reason: reason.to_string(), gas_used }
        }
    }
}
