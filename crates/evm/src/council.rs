//! What the council's word means for the machine: who may send and create contracts, which validators,
//! which release, which gas limit; and what the owners of accounts said of their own keys. All of it is
//! read from the state after the parent, so that it counts from the next block on, and without the EVM.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use alloy_sol_types::SolCall;
use tulou_modules::{
    accounts, council, council::Gate, registry, roles, schedule::ISchedule, validators,
};
use tulou_primitives::{Signer, StateError, StateReader, Suite, Tx};
use tulou_slots::{Cx, Fault, Host, Res};

use crate::keys::{self, KeyRefusal};

/// Why an account may not send a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The council has closed the ledger to keys of this kind.
    #[error(
        "keys of the kind {} sign no transactions on this ledger; nothing was sent; sign with a key of one of \
         these kinds: {}; the council decides which (council.parameter suites)",
        suite.name(),
        Suite::names(*open)
    )]
    SuiteClosed {
        /// The kind of key that signed.
        suite: Suite,
        /// The bits of the kinds that may sign.
        open: u8,
    },
    /// The council froze the sender, or an account whose authorization the transaction carries.
    #[error(
        "account {account} is frozen by the council until {until} (seconds since 1970), code {code}: {}; \
         nothing was sent; ask the council, which keeps the reason in public",
        freeze_reason(*code)
    )]
    Frozen {
        /// The frozen account.
        account: Address,
        /// First second after the freeze.
        until: u64,
        /// Code of the reason, as in `ICouncil.Freeze`.
        code: u16,
    },
    /// The account's own keys or its guardians froze it: it may call the module `accounts` and nothing else.
    #[error(
        "account {account} is frozen by its owner or its guardians until {until} (seconds since 1970): {}; \
         nothing was sent; its own key may lift the freeze (accounts.unfreeze), revoke a lost device or veto \
         a recovery meanwhile",
        own_freeze_reason(*code)
    )]
    FrozenByOwner {
        /// The frozen account.
        account: Address,
        /// First second after the freeze.
        until: u64,
        /// Code of the reason, as in `IAccounts.FreezeCode`.
        code: u8,
    },
    /// The key that signed was lost: a recovery gave the account another one.
    #[error(
        "the key that signed for account {account} no longer does: after a recovery it is signed for by \
         {root}; nothing was sent; use the new key, or ask the registrar if you did not lose the old one"
    )]
    KeyLost {
        /// The account.
        account: Address,
        /// Address of the key that signs for it now.
        root: Address,
    },
    /// A key that is not the account's own signed for it, and may not.
    #[error("key {key} may not sign this for account {account}: {why}; nothing was sent")]
    Key {
        /// The account.
        account: Address,
        /// The key.
        key: Address,
        /// Why not.
        why: KeyRefusal,
    },
    /// The council has not allowed the account to create contracts.
    #[error(
        "account {account} may not create contracts on this ledger; nothing was sent; the council allows it \
         by a proposal (council.allowDeployer)"
    )]
    NoDeployer {
        /// The sender.
        account: Address,
    },
    /// The state cannot be read.
    #[error(transparent)]
    Fault(#[from] StateError),
}

/// A freeze code in words.
fn freeze_reason(code: u16) -> &'static str {
    match code {
        1 => "its key was reported lost or stolen",
        2 => "by order of a court or authority",
        3 => "suspected fraud",
        _ => "abuse of the ledger",
    }
}

/// A code of the owner's own freeze in words.
fn own_freeze_reason(code: u8) -> &'static str {
    match code {
        1 => "a device was lost",
        2 => "a device was stolen",
        3 => "something looked suspicious",
        _ => "no reason was given",
    }
}

/// Whether the sender of a transaction may send it at `now` (seconds since 1970): the same question at
/// the door of a node and in a block. A transaction whose sender does not recover is not judged here.
///
/// Costs two slot reads, and more only where some account is frozen or was recovered, for a creation, and
/// for a key of a closed kind. A contract that was deployed may create others: it was let in with what it
/// does.
///
/// # Errors
/// The first of [`Denied`], in the order of its variants.
pub fn admission(state: &dyn StateReader, now: u64, tx: &Tx) -> Result<(), Denied> {
    Admission::new(state, now)?.check(tx)
}

/// Whether whoever signed a message speaks for the account at `now` (seconds since 1970): by the rules that
/// judge who may send in its name, but for what only a call can break. Reads the same slots for every account.
///
/// # Errors
/// The first of [`Denied`], in the order of its variants; never [`Denied::NoDeployer`].
pub fn may_speak(state: &dyn StateReader, now: u64, signer: &Signer) -> Result<(), Denied> {
    Admission::new(state, now)?.check_signer(signer)
}

/// Whether an account belongs to the estate at `now`: it acts for the owner of a unit, holds an office in
/// term, or speaks for a member organisation.
///
/// # Errors
/// - [`StateError`]: the state cannot be read.
pub fn is_member(state: &dyn StateReader, now: u64, account: Address) -> Result<bool, StateError> {
    let read = |at, slot| state.storage(at, slot).map_err(|error| error.0);
    let asked = ask_at(read, (0, now), |cx| {
        Ok(registry::acts_for_holder(cx, account)?
            || roles::holds_any(cx, account)?
            || council::member_of(cx, account)? != 0)
    });
    asked.map_err(StateError)
}

/// [`admission`] for many transactions on one state, which is asked for what counts for all of them once.
pub struct Admission<'a> {
    state: &'a dyn StateReader,
    now: u64,
    gate: Gate,
    own: accounts::Gate,
}

impl<'a> Admission<'a> {
    /// Reads what counts for all: what is closed, and whether anybody is frozen.
    ///
    /// # Errors
    /// - [`StateError`]: the state cannot be read.
    pub fn new(state: &'a dyn StateReader, now: u64) -> Result<Self, StateError> {
        let (gate, own) = (ask(state, 0, council::gate)?, ask(state, 0, accounts::gate)?);
        Ok(Self { state, now, gate, own })
    }

    /// As [`admission`].
    ///
    /// # Errors
    /// The first of [`Denied`], in the order of its variants.
    pub fn check(&self, tx: &Tx) -> Result<(), Denied> {
        let Ok(sender) = tx.sender() else { return Ok(()) };
        let envelope = tx.envelope();
        self.check_suite(tx.suite(), sender, || is_due_work(tx))?;
        if self.gate.freezes > 0 {
            self.check_frozen(sender)?;
            for authorization in envelope.authorization_list().unwrap_or_default() {
                if let Ok(authority) = authorization.recover_authority() {
                    self.check_frozen(authority)?;
                }
            }
        }
        keys::check(self.state, (self.own, self.now), sender, envelope)?;
        if envelope.is_create()
            && self.gate.deploy_closed
            && !ask(self.state, 0, |cx| council::is_deployer(cx, sender))?
        {
            return Err(Denied::NoDeployer { account: sender });
        }
        Ok(())
    }

    /// Whether whoever signed a message may speak for the account.
    fn check_signer(&self, signer: &Signer) -> Result<(), Denied> {
        self.check_suite(signer.suite, signer.account, || false)?;
        self.check_frozen(signer.account)?;
        keys::check_signer(self.state, self.now, signer)
    }

    /// Governors keep their keys, so that what they closed can be opened again, and due work is done by
    /// whoever comes.
    fn check_suite(
        &self,
        suite: Suite,
        sender: Address,
        is_due_work: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        let closed = self.gate.suites_closed;
        let is_open = closed & suite.bit() == 0
            || is_due_work()
            || ask(self.state, 0, |cx| council::is_governor(cx, sender))?;
        if is_open {
            return Ok(());
        }
        Err(Denied::SuiteClosed { suite, open: Suite::ALL_BITS & !closed })
    }

    fn check_frozen(&self, account: Address) -> Result<(), Denied> {
        let freeze = ask(self.state, 0, |cx| council::freeze_of(cx, account))?;
        if freeze.until_at > self.now {
            let (until, code) = (freeze.until_at, freeze.code);
            return Err(Denied::Frozen { account, until, code });
        }
        Ok(())
    }
}

/// Whether a transaction is nothing but a call to `schedule.run`.
fn is_due_work(tx: &Tx) -> bool {
    let envelope = tx.envelope();
    // A batch shows its first call alone.
    envelope.as_batch().is_none()
        && envelope.to() == Some(tulou_modules::address::schedule)
        && envelope.value().is_zero()
        && envelope.authorization_list().is_none_or(<[_]>::is_empty)
        && envelope.input().starts_with(&ISchedule::runCall::SELECTOR)
}

/// The validators of an epoch in ascending order, by what is scheduled in this state. Those of the epoch
/// of the state and of the next never change.
///
/// # Errors
/// - [`StateError`]: the state cannot be read.
pub fn validators_of(state: &dyn StateReader, epoch: u64) -> Result<Vec<B256>, StateError> {
    ask(state, 0, |cx| validators::set_of(cx, epoch))
}

/// The nodes that may connect at a height.
///
/// # Errors
/// - [`StateError`]: the state cannot be read.
pub fn peers_of(
    state: &dyn StateReader,
    height: u64,
) -> Result<Vec<validators::IValidators::Node>, StateError> {
    ask(state, height, validators::peers)
}

/// The release of the rules in force at a height, by what is scheduled in this state.
///
/// # Errors
/// - [`StateError`]: the state cannot be read.
pub fn release_at(state: &dyn StateReader, height: u64) -> Result<u32, StateError> {
    ask(state, height, |cx| council::release_at(cx, height))
}

/// The releases in the order of their heights: number and first height.
///
/// # Errors
/// - [`StateError`]: the state cannot be read.
pub fn releases_of(state: &dyn StateReader) -> Result<Vec<(u32, u64)>, StateError> {
    ask(state, 0, council::all_releases)
}

/// Gas that the transactions of the block on this state may ask for together.
///
/// # Errors
/// - [`StateError`]: the state cannot be read.
pub fn gas_limit(state: &dyn StateReader) -> Result<u64, StateError> {
    Ok(ask(state, 0, council::gate)?.gas_limit)
}

/// Asks modules on a state, outside of any block.
pub(crate) fn ask<T>(
    state: &dyn StateReader,
    height: u64,
    f: impl FnOnce(&mut Cx<'_>) -> Res<T>,
) -> Result<T, StateError> {
    let read = |at, slot| state.storage(at, slot).map_err(|error| error.0);
    ask_by(read, height, f).map_err(StateError)
}

/// Asks modules by a function that reads slots. Anything but a failed read is an error of the software.
///
/// # Errors
/// The reason in words.
pub(crate) fn ask_by<T>(
    read: impl FnMut(Address, U256) -> Result<U256, String>,
    height: u64,
    f: impl FnOnce(&mut Cx<'_>) -> Res<T>,
) -> Result<T, String> {
    ask_at(read, (height, 0), f)
}

/// [`ask_by`] at a time, for questions about terms.
fn ask_at<T>(
    read: impl FnMut(Address, U256) -> Result<U256, String>,
    (height, now): (u64, u64),
    f: impl FnOnce(&mut Cx<'_>) -> Res<T>,
) -> Result<T, String> {
    let mut host = Reading { read, height, now };
    let nobody = Address::ZERO;
    let mut cx = Cx { host: &mut host, this: nobody, caller: nobody, is_static: true };
    f(&mut cx).map_err(|fault| match fault {
        Fault::Fatal(reason) => reason,
        Fault::Revert(data) => format!("a question to the modules was refused: {data}"),
        Fault::OutOfGas => "a question to the modules ran out of gas".into(),
    })
}

/// A machine that only reads slots.
struct Reading<F> {
    read: F,
    height: u64,
    now: u64,
}

impl<F: FnMut(Address, U256) -> Result<U256, String>> Host for Reading<F> {
    fn sload(&mut self, at: Address, slot: U256) -> Res<U256> {
        (self.read)(at, slot).map_err(Fault::Fatal)
    }
    fn sstore(&mut self, _: Address, _: U256, _: U256) -> Res<()> {
        Err(writes())
    }
    fn log(&mut self, _: Address, _: LogData) -> Res<()> {
        Err(writes())
    }
    fn charge(&mut self, _: u64) -> Res<()> {
        Ok(())
    }
    fn mark(&mut self, _: Address) -> Res<()> {
        Err(writes())
    }
    fn checkpoint(&mut self) {}
    fn end_checkpoint(&mut self, _: bool) {}
    fn now(&self) -> u64 {
        self.now
    }
    fn height(&self) -> u64 {
        self.height
    }
    fn chain_id(&self) -> u64 {
        0
    }
}

fn writes() -> Fault {
    Fault::Revert(Bytes::from_static(b"a question writes nothing"))
}
