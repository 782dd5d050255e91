//! Native code inside the EVM: which addresses it answers, under which rules, and the bridge from a
//! module's [`Host`] to the journal.

use std::{collections::BTreeMap, fmt::Display, sync::LazyLock};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, LogData, U256, keccak256};
use alloy_sol_types::SolError;
use revm::{
    Database,
    context_interface::{
        Block, Cfg, ContextTr, JournalTr, Transaction,
        journaled_state::{JournalCheckpoint, JournalLoadError, account::JournaledAccountTr},
    },
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult},
    precompile::Precompiles,
    primitives::{AddressSet, hardfork::SpecId},
    state::Bytecode,
};
use tulou_modules::{accounts, address, council};
use tulou_slots::{Cx, Fault, Host, ISystem, Res};

use crate::{council::ask_by, machine::SPEC, national};

/// Code of a native address. It is never run: it makes the account exist, so that it is not swept
/// as empty (EIP-161) and Solidity's check for code before a call succeeds.
pub(crate) const MARKER: [u8; 1] = [0xef];

/// Fixed price of a call into native code.
const CALL_GAS: u64 = 30;
/// Price of every begun word of calldata.
const CALL_WORD_GAS: u64 = 6;
/// Fixed price of an event, as `LOG0` has.
const LOG_GAS: u64 = 375;
/// Price of making an address callable: a new account and one byte of code, as `CREATE` charges.
const MARK_GAS: u64 = 32_000 + 200;

alloy_sol_types::sol! {
    /// Refusals that come before a module sees the call.
    interface INative {
        /// Native code does not run in the storage of others: `DELEGATECALL` or `CALLCODE`.
        error DelegateCall();
        /// Native code takes no native balance.
        error ValueNotAccepted();
        /// The council, its owner or its guardians froze the account that calls; seconds since 1970.
        error AccountFrozen(address account, uint64 untilAt);
        /// Code that the account delegated to calls in its name, but a recovery gave it another key since,
        /// and the transaction is not its own.
        error RootMoved(address account, address root);
    }
}

/// Answers one ABI call.
pub(crate) type Entry = fn(&mut Cx<'_>, &[u8]) -> Res<Bytes>;

/// Which addresses are native.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Natives {
    /// The code behind an address.
    pub(crate) route: fn(&Address) -> Option<Entry>,
    /// The addresses that every transaction finds warm (EIP-2929).
    pub(crate) warm: fn() -> Vec<Address>,
    /// What of it the one who asks may see; `None` in a block, where nobody looks on.
    pub(crate) sight: Option<Sight>,
}

/// Says whether the one who asks may see what native code at an address answers to calldata.
pub type Sight = fn(&Address, &[u8]) -> bool;

/// A call of native code that the one who asks may not see. It ends the whole run: a contract between them
/// cannot catch it and tell what it learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The module or asset.
    pub at: Address,
    /// What was called there; zero for less than four bytes.
    pub selector: [u8; 4],
}

impl Natives {
    /// The modules of this build.
    pub(crate) const STANDARD: Self = Self {
        route: tulou_modules::route,
        warm: || tulou_modules::ALL.iter().map(|module| module.address).collect(),
        sight: None,
    };

    /// The modules as somebody sees them.
    pub(crate) fn seen_by(sight: Option<Sight>) -> Self {
        Self { sight, ..Self::STANDARD }
    }
}

/// Addresses whose precompile is another's (`Some`), or that have none any more: what a call pretends.
pub(crate) type Moves = BTreeMap<Address, Option<Address>>;

/// Ethereum's precompiles, those of the national algorithms, and the native modules.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    ethereum: EthPrecompiles,
    natives: Natives,
    warm: AddressSet,
    moves: Moves,
    /// Whether any account may be barred in the state that the machine began with; asked once.
    gates: Option<Gates>,
    /// Whether this is the ledger's own EVM and not that of another chain.
    own: bool,
    /// The call that ended the run because it may not be seen.
    hidden: Option<Hidden>,
}

/// What the state before the block says of all accounts together.
#[derive(Clone, Copy, Debug)]
struct Gates {
    by_council: bool,
    by_owners: bool,
}

impl Provider {
    /// The provider of this ledger (`fork` is `None`), or of a fork of another Ethereum chain.
    pub(crate) fn new(fork: Option<SpecId>, natives: Natives) -> Self {
        let spec = fork.unwrap_or(SPEC);
        let own = fork.is_none();
        let ethereum = EthPrecompiles { precompiles: precompiles(own, spec), spec };
        let (warm, moves) = (AddressSet::default(), Moves::new());
        let mut provider = Self { ethereum, natives, warm, moves, gates: None, own, hidden: None };
        provider.collect_warm();
        provider
    }

    /// The refusal of a barred caller. A frozen account cannot send, but code that it delegated to before
    /// (EIP-7702) could still be made to call in its name; and what a lost key delegated to must not
    /// outlive the recovery. Read beside the journal: the freeze of a block is that of the state before
    /// it, and nobody pays for the question.
    fn barred<CTX: ContextTr>(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<Bytes>, String> {
        let now: u64 = context.block().timestamp().saturating_to();
        let account = inputs.caller;
        let sends = context.tx().caller() == account;
        let db = context.db_mut();
        let mut read = |at, slot| db.storage(at, slot).map_err(|e| e.to_string());
        let gates = match self.gates {
            Some(gates) => gates,
            None => {
                let by_owners = ask_by(&mut read, 0, accounts::gate)?.may_bar(now);
                Gates { by_council: ask_by(&mut read, 0, council::gate)?.freezes > 0, by_owners }
            }
        };
        self.gates = Some(gates);
        if gates.by_council {
            let until_at = ask_by(&mut read, 0, |cx| council::freeze_of(cx, account))?.until_at;
            if until_at > now {
                let refusal = INative::AccountFrozen { account, untilAt: until_at };
                return Ok(Some(refusal.abi_encode().into()));
            }
        }
        if gates.by_owners {
            let standing = ask_by(&mut read, 0, |cx| accounts::standing_of(cx, account))?;
            let until_at = standing.frozen_until;
            if until_at > now && inputs.bytecode_address != address::accounts {
                let refusal = INative::AccountFrozen { account, untilAt: until_at };
                return Ok(Some(refusal.abi_encode().into()));
            }
            if standing.root != account && !sends {
                let refusal = INative::RootMoved { account, root: standing.root };
                return Ok(Some(refusal.abi_encode().into()));
            }
        }
        Ok(None)
    }

    /// The call that ended the run because it may not be seen.
    pub(crate) fn take_hidden(&mut self) -> Option<Hidden> {
        self.hidden.take()
    }

    /// Ends the run where it reaches what may not be seen.
    fn look<CTX: ContextTr>(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<(), String> {
        let Some(sight) = self.natives.sight else { return Ok(()) };
        let calldata = inputs.input.bytes(context);
        if sight(&inputs.bytecode_address, &calldata) {
            return Ok(());
        }
        let selector = calldata.first_chunk::<4>().copied().unwrap_or_default();
        let at = inputs.bytecode_address;
        self.hidden = Some(Hidden { at, selector });
        Err(format!("a call to {at} is not for the one who asks"))
    }

    /// Makes precompiles answer elsewhere, or nowhere.
    pub(crate) fn move_precompiles(&mut self, moves: Moves) {
        self.moves = moves;
    }

    fn collect_warm(&mut self) {
        self.warm = self.ethereum.warm_addresses().iter().copied().collect();
        self.warm.extend((self.natives.warm)());
    }
}

fn precompiles(own: bool, spec: SpecId) -> &'static Precompiles {
    if own { national::own() } else { national::ethereum(spec) }
}

impl<CTX: ContextTr<Cfg: Cfg<Spec = SpecId>>> PrecompileProvider<CTX> for Provider {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        if spec == self.ethereum.spec {
            return false;
        }
        self.ethereum = EthPrecompiles { precompiles: precompiles(self.own, spec), spec };
        self.collect_warm();
        true
    }

    fn run(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let Some(entry) = (self.natives.route)(&inputs.bytecode_address) else {
            return match self.moves.get(&inputs.bytecode_address) {
                None => self.ethereum.run(context, inputs),
                Some(None) => Ok(None),
                Some(Some(from)) => {
                    let moved = CallInputs { bytecode_address: *from, ..inputs.clone() };
                    self.ethereum.run(context, &moved)
                }
            };
        };
        // An asset that was not created yet is an ordinary empty account.
        let account = context.journal_mut().load_account(inputs.bytecode_address);
        if account.map_err(|e| e.to_string())?.data.info.code_hash != marker_hash() {
            return Ok(None);
        }
        self.look(context, inputs)?;
        if let Some(refusal) = self.barred(context, inputs)? {
            let gas = Gas::new(inputs.gas_limit);
            let result = InstructionResult::Revert;
            return Ok(Some(InterpreterResult { result, output: refusal, gas }));
        }
        run_native(entry, context, inputs).map(Some)
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.warm
    }
}

/// One call into native code. State and logs of a call that does not succeed are undone by the EVM,
/// which opens a checkpoint around every call.
///
/// # Errors
/// - the text of a `Fault::Fatal`: the block cannot be executed here.
fn run_native<CTX: ContextTr>(
    entry: Entry,
    context: &mut CTX,
    inputs: &CallInputs,
) -> Result<InterpreterResult, String> {
    let calldata = inputs.input.bytes(context);
    let mut bridge = Bridge {
        context,
        gas: Gas::new(inputs.gas_limit),
        is_static: inputs.is_static,
        checkpoints: Vec::new(),
    };
    let outcome = answer(&mut bridge, entry, inputs, &calldata);
    let mut gas = bridge.gas;
    let (result, output) = match outcome {
        Ok(output) => (InstructionResult::Return, output),
        Err(Fault::Revert(data)) => (InstructionResult::Revert, data),
        Err(Fault::OutOfGas) => {
            gas.spend_all();
            (InstructionResult::OutOfGas, Bytes::new())
        }
        Err(Fault::Fatal(reason)) => {
            return Err(format!("native code at {}: {reason}", inputs.bytecode_address));
        }
    };
    Ok(InterpreterResult { result, output, gas })
}

fn answer<CTX: ContextTr>(
    bridge: &mut Bridge<'_, CTX>,
    entry: Entry,
    inputs: &CallInputs,
    calldata: &[u8],
) -> Res<Bytes> {
    let words = calldata.len().div_ceil(32) as u64;
    bridge.charge(CALL_GAS.saturating_add(CALL_WORD_GAS.saturating_mul(words)))?;
    if inputs.bytecode_address != inputs.target_address {
        return Err(INative::DelegateCall {}.into());
    }
    if !inputs.call_value().is_zero() {
        return Err(INative::ValueNotAccepted {}.into());
    }
    let mut cx = Cx {
        host: bridge,
        this: inputs.target_address,
        caller: inputs.caller,
        is_static: inputs.is_static,
    };
    entry(&mut cx, calldata)
}

/// A module's machine inside the EVM. Storage, events and refunds have the prices of the opcodes
/// that do the same.
struct Bridge<'a, CTX> {
    context: &'a mut CTX,
    gas: Gas,
    is_static: bool,
    /// Open parts and the refund that each began with.
    checkpoints: Vec<(JournalCheckpoint, i64)>,
}

impl<CTX: ContextTr> Bridge<'_, CTX> {
    /// Modules refuse by themselves in a static call; this holds even where one forgets to.
    fn writing(&self) -> Res<()> {
        if self.is_static { Err(ISystem::StaticCall {}.into()) } else { Ok(()) }
    }
}

impl<CTX: ContextTr> Host for Bridge<'_, CTX> {
    fn sload(&mut self, at: Address, slot: U256) -> Res<U256> {
        let prices = self.context.cfg().gas_params();
        let (warm, cold) = (prices.warm_storage_read_cost(), prices.cold_storage_additional_cost());
        let cold_account = prices.cold_account_additional_cost();
        self.charge(warm)?;
        let skip_cold = self.gas.remaining() < cold;
        let mut account = self.context.journal_mut().load_account_mut(at).map_err(unreadable)?;
        let (value, is_cold) = {
            let loaded = account.data.sload(slot, skip_cold).map_err(not_loaded)?;
            (loaded.data.present_value, loaded.is_cold)
        };
        let account_is_cold = account.is_cold;
        drop(account);
        if is_cold {
            self.charge(cold)?;
        }
        if account_is_cold {
            self.charge(cold_account)?;
        }
        Ok(value)
    }

    fn sstore(&mut self, at: Address, slot: U256, value: U256) -> Res<()> {
        self.writing()?;
        let prices = self.context.cfg().gas_params();
        let (fixed, cold) = (prices.sstore_static_gas(), prices.cold_storage_cost());
        let cold_account = prices.cold_account_additional_cost();
        self.charge(fixed)?;
        let skip_cold = self.gas.remaining() < cold;
        let mut account = self.context.journal_mut().load_account_mut(at).map_err(unreadable)?;
        if account.data.nonce() == 0 {
            // The account would be swept as empty, and what is written now with it.
            return Err(Fault::Fatal(format!("{at} was not made callable")));
        }
        let stored = account.data.sstore(slot, value, skip_cold).map_err(not_loaded)?;
        account.data.touch();
        let account_is_cold = account.is_cold;
        drop(account);
        let prices = self.context.cfg().gas_params();
        let cost = prices.sstore_dynamic_gas(true, &stored.data, stored.is_cold);
        let refund = prices.sstore_refund(true, &stored.data);
        self.charge(cost)?;
        if account_is_cold {
            self.charge(cold_account)?;
        }
        self.gas.record_refund(refund);
        Ok(())
    }

    fn log(&mut self, at: Address, data: LogData) -> Res<()> {
        self.writing()?;
        let topics = data.topics().len() as u8;
        let prices = self.context.cfg().gas_params();
        let cost = LOG_GAS.saturating_add(prices.log_cost(topics, data.data.len() as u64));
        self.charge(cost)?;
        self.context.journal_mut().log(Log { address: at, data });
        Ok(())
    }

    fn charge(&mut self, gas: u64) -> Res<()> {
        if self.gas.record_regular_cost(gas) { Ok(()) } else { Err(Fault::OutOfGas) }
    }

    fn mark(&mut self, at: Address) -> Res<()> {
        self.writing()?;
        self.charge(MARK_GAS)?;
        let mut account =
            self.context.journal_mut().load_account_with_code_mut(at).map_err(unreadable)?;
        if account.data.code_hash() == &marker_hash() {
            return Ok(());
        }
        if account.data.nonce() != 0 || account.data.code_hash() != &KECCAK256_EMPTY {
            return Err(Fault::Fatal(format!("{at} is taken by another account")));
        }
        account.data.set_nonce(1);
        account.data.set_code(marker_hash(), marker_code());
        Ok(())
    }

    fn checkpoint(&mut self) {
        let refund = self.gas.refunded();
        let checkpoint = self.context.journal_mut().checkpoint();
        self.checkpoints.push((checkpoint, refund));
    }

    fn end_checkpoint(&mut self, keep: bool) {
        let Some((checkpoint, refund)) = self.checkpoints.pop() else { return };
        if keep {
            self.context.journal_mut().checkpoint_commit();
        } else {
            self.context.journal_mut().checkpoint_revert(checkpoint);
            self.gas.set_refunded(refund);
        }
    }

    fn now(&self) -> u64 {
        self.context.block().timestamp().saturating_to()
    }

    fn height(&self) -> u64 {
        self.context.block().number().saturating_to()
    }

    fn chain_id(&self) -> u64 {
        self.context.cfg().chain_id()
    }
}

/// Whether bytes can be an account's code: anything but a malformed EIP-7702 delegation.
pub(crate) fn is_code(bytes: &Bytes) -> bool {
    Bytecode::new_raw_checked(bytes.clone()).is_ok()
}

/// keccak256 of [`MARKER`].
pub(crate) fn marker_hash() -> B256 {
    static HASH: LazyLock<B256> = LazyLock::new(|| keccak256(MARKER));
    *HASH
}

fn marker_code() -> Bytecode {
    Bytecode::new_raw(Bytes::from_static(&MARKER))
}

fn unreadable(error: impl Display) -> Fault {
    Fault::Fatal(error.to_string())
}

/// A load that was skipped for want of gas, or one that failed.
fn not_loaded<E: std::fmt::Debug>(error: JournalLoadError<E>) -> Fault {
    match error {
        JournalLoadError::ColdLoadSkipped => Fault::OutOfGas,
        JournalLoadError::DBError(error) => Fault::Fatal(format!("{error:?}")),
    }
}
