#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_primitives::Signature;
use alloy_sol_types::SolCall;

use crate::{
    address, decisions, money,
    prelude::*,
    registry::{self, Way},
    roles::{self, Office},
};

mod act;
pub(crate) mod attest;
mod invite;
mod keys;
mod recovery;
mod rule;
#[cfg(test)]
mod tests;
mod view;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "accounts/IAccounts.sol" }
use IAccounts::*;

pub use IAccounts::Suite;
pub use act::{Act, counting, may_act};

/// Restricted calls.
pub const PERMITS: &[roles::Permit] = &[
    ("openRecovery", openRecoveryCall::SELECTOR, &[Office::Registrar]),
    ("invite", inviteCall::SELECTOR, &[Office::Registrar]),
    ("revokeInvitation", revokeInvitationCall::SELECTOR, &[Office::Registrar]),
    ("listAttestor", listAttestorCall::SELECTOR, &[Office::Decision, Office::StreetOffice]),
    (
        "endAttestor",
        endAttestorCall::SELECTOR,
        &[Office::Decision, Office::StreetOffice, Office::Registrar],
    ),
];

abi_enum!(Suite, Stage, FreezeCode, InvitationStage, Method);

packed! {
    /// What must be looked at before anything else: whether any account can be frozen now, and how many
    /// have another root key than their own.
    pub struct Gate { frozen_until: u64, moved: u64 }
}

impl Gate {
    /// Whether any account may be frozen at `now`, or has another root key than its own.
    pub fn may_bar(&self, now: u64) -> bool {
        self.frozen_until > now || self.moved > 0
    }
}

packed! {
    /// Who signs for an account, and whether it is frozen.
    pub struct Standing { root: Address, suite: Suite, frozen_until: u64, code: FreezeCode }
}
packed! {
    pub(super) struct KeyHead { suite: Suite, since_at: u64, expires_at: u64, over_at: u64 }
}
packed! {
    pub(super) struct Allowance { limit: Fen, period: u64, spent: Fen, window: u64 }
}
packed! {
    pub(super) struct ScopeWord { target: Address, selector: u32 }
}
record! {
    pub(super) struct KeyRow {
        head: Slot<KeyHead>,
        allowance: Slot<Allowance>,
        label: Slot<B256>,
        scope: List<Slot<ScopeWord>>,
    }
}
packed! {
    pub(super) struct Seat { account: Address, office: Office }
}
packed! {
    pub(super) struct AskHead { key: Address, suite: Suite, at: u64 }
}
packed! {
    pub(super) struct FreezeAsk { by: Address, at: u64 }
}
record! {
    /// What one guardian asks for.
    pub(super) struct AskRow { head: Slot<AskHead>, by: Slot<Address>, freeze: Slot<FreezeAsk> }
}
record! {
    pub(super) struct AccountRow {
        standing: Slot<Standing>,
        keys: List<Slot<Address>>,
        known: Map<Address, KeyRow>,
        guardians: List<Slot<Seat>>,
        asks: Map<u64, AskRow>,
        recovery: Slot<u64>,
        helper: Slot<Address>,
    }
}
packed! {
    pub(super) struct RecoveryHead { key: Address, suite: Suite, stage: Stage }
}
packed! {
    pub(super) struct RecoveryTimes { opened_at: u64, ready_at: u64, lapses_at: u64, ended_at: u64 }
}
record! {
    pub(super) struct RecoveryRow {
        head: Slot<RecoveryHead>,
        times: Slot<RecoveryTimes>,
        account: Slot<Address>,
        first: Slot<Address>,
        second: Slot<Address>,
        document: Slot<B256>,
    }
}
packed! {
    pub(super) struct LetterHead { unit: u64, issued_at: u64, expires_at: u64, stage: InvitationStage }
}
record! {
    pub(super) struct LetterRow {
        head: Slot<LetterHead>,
        key: Slot<Address>,
        owner: Slot<B256>,
        account: Slot<Address>,
    }
}
packed! {
    pub(super) struct AttestorHead { method: Method, since_at: u64, until_at: u64, ended_at: u64 }
}
record! {
    pub(super) struct AttestorRow {
        head: Slot<AttestorHead>,
        key: Slot<Address>,
        bindings: Slot<u64>,
        basis: Slot<B256>,
        name: Text,
        page: Text,
    }
}
record! {
    pub(super) struct State {
        gate: Slot<Gate>,
        accounts: Map<Address, AccountRow>,
        recoveries: List<RecoveryRow>,
        letters: List<LetterRow>,
        by_key: Map<Address, Slot<u64>>,
        attestors: List<AttestorRow>,
        by_attestor: Map<Address, Slot<u64>>,
        statements: Map<B256, Slot<bool>>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// Interface of this module.
pub fn abi() -> JsonAbi {
    IAccounts::abi::contract()
}

/// Whether any account may be frozen or have another root key: one slot for the whole ledger.
pub fn gate(cx: &mut Cx<'_>) -> Res<Gate> {
    cx.on(address::accounts, |cx| st().gate.get(cx))
}

/// Root key and freeze of an account: one slot. The root is the account's own address until a recovery
/// gave it another, whose suite is then named.
pub fn standing_of(cx: &mut Cx<'_>, account: Address) -> Res<Standing> {
    cx.on(address::accounts, |cx| standing(cx, account))
}

/// The key that signs for an account.
pub fn root_of(cx: &mut Cx<'_>, account: Address) -> Res<Address> {
    Ok(standing_of(cx, account)?.root)
}

fn standing(cx: &mut Cx<'_>, account: Address) -> Res<Standing> {
    let found = st().accounts.of(account).standing.get(cx)?;
    let root = if found.root.is_zero() { account } else { found.root };
    Ok(Standing { root, ..found })
}

/// Writes root and freeze; an account's own root is nothing to write.
fn set_standing(cx: &mut Cx<'_>, account: Address, new: Standing) -> Res<()> {
    let root = if new.root == account { Address::ZERO } else { new.root };
    st().accounts.of(account).standing.set(cx, Standing { root, ..new })
}

/// Refuses while an account is frozen.
fn only_unfrozen(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    let until_at = standing(cx, account)?.frozen_until;
    ensure!(cx.now() >= until_at, AccountFrozen { account, untilAt: until_at });
    Ok(())
}

/// Whether nobody's key leads to an address: the zero address, a module, or a module's sub-account.
fn is_nobody(at: &Address) -> bool {
    at.is_zero() || crate::is_native(at) || money::is_sub_account(at)
}

/// Gas of recovering a signature, as the EVM's own ecrecover.
const RECOVERY_GAS: u64 = 3_000;

/// Address of the secp256k1 key that signed a hash; `None` where the signature is not in its one form (65
/// bytes, low s) or nobody's.
fn signer(cx: &mut Cx<'_>, hash: &B256, signature: &[u8]) -> Res<Option<Address>> {
    cx.host.charge(RECOVERY_GAS)?;
    Ok(Signature::from_raw(signature)
        .ok()
        .filter(|signature| signature.normalize_s().is_none())
        .and_then(|signature| signature.recover_address_from_prehash(hash).ok()))
}

/// Names who prepares an account's acts.
///
/// Caller: the account. The helper needs to do nothing, and gets no right.
///
/// # Errors
/// - [`BadHelper`]: a module, or the account itself.
/// - [`AccountFrozen`].
fn name_helper(cx: &mut Cx<'_>, helper: Address) -> Res<()> {
    let account = cx.caller;
    let fits = helper.is_zero() || (!is_nobody(&helper) && helper != account);
    ensure!(fits, BadHelper { helper });
    only_unfrozen(cx, account)?;
    st().accounts.of(account).helper.set(cx, helper)?;
    cx.emit(HelperNamed { account, helper })
}

dispatch! { IAccounts, cx;
    write authoriseKeyCall(c) => keys::authorise(cx, &c.grant)?.into();
    write revokeKeyCall(c) => keys::revoke(cx, c.account, c.key)?.into();
    write useKeyCall(c) => act::use_key(cx, c.key, c.amountFen)?.into();
    write setGuardiansCall(c) => recovery::set_guardians(cx, &c.guardians)?.into();
    write askRecoveryCall(c) => recovery::ask(cx, &c)?;
    write openRecoveryCall(c) => recovery::open_by_document(cx, &c)?;
    write vetoRecoveryCall(c) => recovery::veto(cx, c.account)?.into();
    write finishRecoveryCall(c) => recovery::finish(cx, c.id)?.into();
    write freezeCall(c) => keys::freeze(cx, &c)?.into();
    write askFreezeCall(c) => recovery::ask_freeze(cx, &c)?.into();
    write unfreezeCall(_) => keys::unfreeze(cx)?.into();
    write nameHelperCall(c) => name_helper(cx, c.helper)?.into();
    write inviteCall(c) => invite::invite(cx, &c.letters)?;
    write revokeInvitationCall(c) => invite::revoke(cx, c.id)?.into();
    write redeemCall(c) => invite::redeem(cx, c.id, &c.signature)?.into();
    write listAttestorCall(c) => attest::list(cx, &c.listing)?;
    write endAttestorCall(c) => attest::end(cx, c.id, &c.reason)?.into();
    write redeemAttestedCall(c) => attest::redeem(cx, &c.statement, &c.signature)?.into();
    view accountCall(c) => view::account(cx, c.ofAccount)?;
    view keyCall(c) => view::key(cx, c.ofAccount, c.ofKey)?;
    view keysCall(c) => view::keys(cx, c.ofAccount)?;
    view mayActCall(c) => view::may_act(cx, &c)?;
    view recoveriesCall(c) => view::recoveries(cx, c.cursor, c.limit)?;
    view openRecoveryOfCall(c) => view::open_recovery_of(cx, c.ofAccount)?;
    view invitationsCall(c) => view::invitations(cx, c.cursor, c.limit)?;
    view invitationOfCall(c) => view::invitation_of(cx, c.letterKey)?;
    view attestorsCall(c) => view::attestors(cx, c.cursor, c.limit)?;
}
