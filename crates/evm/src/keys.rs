//! Keys that sign for an account: whether one may, and why not.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolError;
use tulou_modules::{
    accounts::{
        self, Act, Gate,
        IAccounts::{
            AccountFrozen, BadSuite, KeyOver, NeverForKeys, NoSuchKey, OutOfScope, OverLimit,
            RootMoved,
        },
        Standing, Suite,
    },
    address,
};
use tulou_primitives::{Call, Envelope, KeyKind, SignedBatch, Signer, StateError, StateReader};

use crate::council::{Denied, ask};

/// Why a key may not sign these calls for an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// Not one of the account's.
    #[error("it is no key of that account; the account adds it by accounts.authoriseKey")]
    Unknown,
    /// Revoked, or past its expiry.
    #[error(
        "it was revoked or is past its expiry ({at}, seconds since 1970); sign with the account's own key"
    )]
    Over {
        /// Since when.
        at: u64,
    },
    /// It was the account's own, until a recovery.
    #[error("a recovery gave the account another key, {root}")]
    Lost {
        /// The key of now.
        root: Address,
    },
    /// It was authorised to sign in another way.
    #[error("it signs in another way than it was authorised for")]
    OtherKind,
    /// The account is frozen.
    #[error(
        "the account is frozen by its owner or its guardians until {until} (seconds since 1970)"
    )]
    Frozen {
        /// First second after the freeze.
        until: u64,
    },
    /// A ballot, an act of an office or a change of keys.
    #[error(
        "a call to {target} needs the account's own key: ballots, acts of offices and changes of keys always do"
    )]
    Never {
        /// Who is called.
        target: Address,
    },
    /// Not within what the account allowed it.
    #[error("its scope does not contain a call to {target}; sign with the account's own key")]
    OutOfScope {
        /// Who is called.
        target: Address,
    },
    /// More than is left of its limit.
    #[error(
        "it would spend {asked} fen, and {rest} are left until {resets_at} (seconds since 1970); sign with the account's own key"
    )]
    OverLimit {
        /// What the calls spend together.
        asked: U256,
        /// What is left.
        rest: u64,
        /// First second of the next period; 0 where it may spend nothing ever.
        resets_at: u64,
    },
}

impl KeyRefusal {
    /// The refusal of the module in its own words.
    fn of(data: &Bytes) -> Option<Self> {
        if let Ok(found) = KeyOver::abi_decode(data) {
            return Some(Self::Over { at: found.overAt });
        }
        if let Ok(found) = AccountFrozen::abi_decode(data) {
            return Some(Self::Frozen { until: found.untilAt });
        }
        if let Ok(found) = NeverForKeys::abi_decode(data) {
            return Some(Self::Never { target: found.target });
        }
        if let Ok(found) = OutOfScope::abi_decode(data) {
            return Some(Self::OutOfScope { target: found.target });
        }
        if let Ok(OverLimit { askedFen, restFen, resetsAt, .. }) = OverLimit::abi_decode(data) {
            return Some(Self::OverLimit { asked: askedFen, rest: restFen, resets_at: resetsAt });
        }
        if let Ok(found) = RootMoved::abi_decode(data) {
            return Some(Self::Lost { root: found.root });
        }
        if BadSuite::abi_decode(data).is_ok() {
            return Some(Self::OtherKind);
        }
        NoSuchKey::abi_decode(data).is_ok().then_some(Self::Unknown)
    }
}

fn suite(kind: KeyKind) -> Suite {
    match kind {
        KeyKind::Secp256k1 => Suite::Secp256k1,
        KeyKind::P256 => Suite::P256,
        KeyKind::WebAuthn => Suite::WebAuthn,
    }
}

fn acts(calls: &[Call]) -> Vec<Act<'_>> {
    calls
        .iter()
        .map(|call| Act { to: Some(call.to), value: call.value, input: &call.input })
        .collect()
}

/// The calls of a batch as they are made: where a key signed for an account, one goes before them that
/// asks again whether it lives and counts what it spends.
pub(crate) fn counted(key: Option<Address>, calls: &[Call]) -> Vec<Call> {
    let first = key.and_then(|key| accounts::counting(key, &acts(calls)));
    let first =
        first.map(|input| Call { to: address::accounts, value: U256::ZERO, input: input.into() });
    first.into_iter().chain(calls.iter().cloned()).collect()
}

/// Whether whoever signed a transaction may sign it for its sender, by the state after the parent.
///
/// # Errors
/// - [`Denied::KeyLost`], [`Denied::FrozenByOwner`]: by the account's own key.
/// - [`Denied::Key`]: by another key.
pub(crate) fn check(
    state: &dyn StateReader,
    (gate, now): (Gate, u64),
    sender: Address,
    envelope: &Envelope,
) -> Result<(), Denied> {
    if let Some(signed) = envelope.as_batch()
        && let Some(key) = signed.key_of_account().ok().flatten()
    {
        return check_key(state, now, sender, key, signed);
    }
    if !gate.may_bar(now) {
        return Ok(());
    }
    let is_about_keys = envelope.all_to(|to| *to == address::accounts);
    check_own(state, now, sender, is_about_keys)?;
    for authorization in envelope.authorization_list().unwrap_or_default() {
        if let Ok(authority) = authorization.recover_authority() {
            check_own(state, now, authority, false)?;
        }
    }
    Ok(())
}

/// Whether an account's own key may sign for it, and for more than calls of `accounts`.
fn check_own(
    state: &dyn StateReader,
    now: u64,
    account: Address,
    is_about_keys: bool,
) -> Result<(), Denied> {
    let standing = ask(state, 0, |cx| accounts::standing_of(cx, account))?;
    if standing.root != account {
        return Err(Denied::KeyLost { account, root: standing.root });
    }
    if is_about_keys { Ok(()) } else { check_unfrozen(now, account, standing) }
}

fn check_key(
    state: &dyn StateReader,
    now: u64,
    account: Address,
    key: Address,
    signed: &SignedBatch,
) -> Result<(), Denied> {
    let acts = acts(&signed.batch.calls);
    check_acts(state, now, account, (key, signed.signature.kind()), &acts)
}

/// Whether whoever signed a message may speak for the account: its own key that no recovery replaced, or a
/// living one; nobody while the account is frozen.
///
/// # Errors
/// - [`Denied::KeyLost`], [`Denied::FrozenByOwner`], [`Denied::Key`].
pub(crate) fn check_signer(
    state: &dyn StateReader,
    now: u64,
    signer: &Signer,
) -> Result<(), Denied> {
    let account = signer.account;
    let Some(key) = signer.key else { return check_own(state, now, account, false) };
    check_acts(state, now, account, key, &[])?;
    check_unfrozen(now, account, ask(state, 0, |cx| accounts::standing_of(cx, account))?)
}

fn check_unfrozen(now: u64, account: Address, standing: Standing) -> Result<(), Denied> {
    if standing.frozen_until > now {
        let (until, code) = (standing.frozen_until, standing.code as u8);
        return Err(Denied::FrozenByOwner { account, until, code });
    }
    Ok(())
}

fn check_acts(
    state: &dyn StateReader,
    now: u64,
    account: Address,
    (key, kind): (Address, KeyKind),
    acts: &[Act<'_>],
) -> Result<(), Denied> {
    let key_suite = (key, suite(kind));
    let answer =
        ask(state, 0, |cx| cx.attempt(|cx| accounts::may_act(cx, account, key_suite, acts, now)))?;
    let Err(data) = answer else { return Ok(()) };
    let why = KeyRefusal::of(&data);
    let why = why.ok_or_else(|| StateError(format!("accounts refused a key by {data}")))?;
    Err(Denied::Key { account, key, why })
}
