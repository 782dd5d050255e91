#![doc = include_str!("README.md")]
#![allow(clippy::too_many_arguments, reason = "the proposal's event has them; sol! makes it")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::action::{self, Blob, first_four};
use crate::prelude::*;

mod count;
mod settings;
mod members;
pub mod rule;
#[cfg(test)]
pub(crate) mod tests;
mod view;

use count::{settle_all, state_now};
pub use settings::{all_releases, freeze_of, is_deployer, release, release_at};
pub use members::{account_of, genesis, member_of};

alloy_sol_types::sol! { #[sol(abi, all_derives)] "council/ICouncil.sol" }
use ICouncil::{ProposalState, *};

abi_enum!(ICouncil::ProposalState);

/// Longest title in bytes.
const TITLE_BYTES_MAX: u64 = 200;
/// Longest public reason in bytes.
const REASON_BYTES_MAX: u64 = 512;
/// Most proposals that wait at once: every change of weights or rules judges them all anew.
const PENDING_MAX: u64 = 32;
const DAY: u64 = 86_400;

/// Which calls the council makes by proposal. All of them are of its own.
pub const PERMITS: &[Permit] = &[
    ("addMember", addMemberCall::SELECTOR, &[Office::Council]),
    ("endMember", endMemberCall::SELECTOR, &[Office::Council]),
    ("setWeight", setWeightCall::SELECTOR, &[Office::Council]),
    ("setAccount", setAccountCall::SELECTOR, &[Office::Council]),
    ("setRules", setRulesCall::SELECTOR, &[Office::Council]),
    ("setParameter", setParameterCall::SELECTOR, &[Office::Council]),
    ("scheduleRelease", scheduleReleaseCall::SELECTOR, &[Office::Council]),
    ("freezeAccount", freezeAccountCall::SELECTOR, &[Office::Council]),
    ("unfreezeAccount", unfreezeAccountCall::SELECTOR, &[Office::Council]),
    ("allowDeployer", allowDeployerCall::SELECTOR, &[Office::Council]),
];

packed! {
    /// What every block asks of the council: one word, so that it costs one read.
    pub struct Gate { gas_limit: u64, freezes: u32, deploy_closed: bool, suites_closed: u8 }
}
packed! {
    /// Numbers that the council's own calls ask for.
    pub(super) struct Limits { freeze_days: u32, release_notice: u32, open_days: u32 }
}
packed! {
    /// The three thresholds.
    pub(super) struct Shares {
        participation_num: u32, participation_den: u32, majority_num: u32, majority_den: u32,
        veto_num: u32, veto_den: u32,
    }
}
packed! {
    /// Seconds of voting and of the delay.
    pub(super) struct Periods { voting: u64, delay: u64 }
}
packed! {
    /// Who speaks for a member, and its votes.
    pub(super) struct Seat { account: Address, weight: u32 }
}
packed! {
    /// When a membership began and ended.
    pub(super) struct Span { since_at: u64, until_at: u64 }
}
record! {
    pub(super) struct MemberRow { seat: Slot<Seat>, span: Slot<Span>, name: Text }
}
packed! {
    /// Where a proposal stands, and whose it is.
    pub(super) struct Head { state: ProposalState, proposer: u64, lapses_at: u64, refusal: u32 }
}
packed! {
    /// Its times in seconds.
    pub(super) struct Times { proposed_at: u64, closes_at: u64, executable_at: u64, ended_at: u64 }
}
record! {
    /// A proposal. Of the three sets of members, bit n is member n.
    pub(super) struct ProposalRow {
        head: Slot<Head>,
        times: Slot<Times>,
        voted: Slot<U256>,
        in_favour: Slot<U256>,
        vetoing: Slot<U256>,
        target: Slot<Address>,
        text_hash: Slot<B256>,
        title: Text,
        input: Blob,
    }
}
packed! {
    /// A release and the height from which it is in force.
    pub(super) struct ReleaseRow { release: u32, height: u64 }
}
packed! {
    /// The last freeze of an account; `until_at` 0 where it was lifted.
    pub struct FreezeHead { until_at: u64, from_at: u64, code: u16 }
}
record! {
    pub(super) struct FreezeRow { head: Slot<FreezeHead>, reason: Text }
}
record! {
    pub(super) struct State {
        gate: Slot<Gate>,
        limits: Slot<Limits>,
        shares: Slot<Shares>,
        periods: Slot<Periods>,
        members: List<MemberRow>,
        by_account: Map<Address, Slot<u64>>,
        proposals: List<ProposalRow>,
        pending: List<Slot<u64>>,
        releases: List<Slot<ReleaseRow>>,
        frozen: Map<Address, FreezeRow>,
        deployers: Map<Address, Slot<bool>>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    ICouncil::abi::contract()
}

/// Refuses every caller but the council. For modules that obey it.
///
/// # Errors
/// - [`OnlyCouncil`].
pub fn only(cx: &Cx<'_>) -> Res<()> {
    ensure!(cx.caller == crate::COUNCIL, OnlyCouncil { caller: cx.caller });
    Ok(())
}

/// Whether an account speaks for a governor now.
pub fn is_governor(cx: &mut Cx<'_>, account: Address) -> Res<bool> {
    cx.on(crate::COUNCIL, |cx| {
        let id = st().by_account.of(account).get(cx)?;
        Ok(id != 0 && members::row(id).seat.get(cx)?.weight > 0)
    })
}

/// What every block asks of the council.
pub fn gate(cx: &mut Cx<'_>) -> Res<Gate> {
    cx.on(crate::COUNCIL, |cx| st().gate.get(cx))
}

/// Number and weight of the governor that calls.
///
/// # Errors
/// - [`NoCouncil`]: there are no governors at all.
/// - [`NotGovernor`].
fn governor(cx: &mut Cx<'_>) -> Res<(u64, u32)> {
    let account = cx.caller;
    let id = st().by_account.of(account).get(cx)?;
    if id != 0 {
        let weight = members::row(id).seat.get(cx)?.weight;
        if weight > 0 {
            return Ok((id, weight));
        }
    }
    let any = members::weights(cx)?.iter().any(|weight| *weight > 0);
    ensure!(any, NoCouncil {});
    Err(NotGovernor { account }.into())
}

fn existing(cx: &mut Cx<'_>, id: u64) -> Res<ProposalRow> {
    ensure!(id != 0 && id <= st().proposals.len(cx)?, NoSuchProposal { id });
    Ok(st().proposals.of(id - 1))
}

fn check_reason(reason: &str) -> Res<()> {
    let (given, most) = (reason.len() as u64, REASON_BYTES_MAX);
    ensure!((1..=most).contains(&given), BadReason { bytesGiven: given, bytesMost: most });
    Ok(())
}

/// Whether a module permits a call to the council. What no module permits cannot be proposed.
fn is_permitted(target: Address, selector: [u8; 4]) -> bool {
    crate::ALL.iter().filter(|module| module.address == target).any(|module| {
        let mut permits = module.permits.iter();
        permits.any(|(_, call, who)| *call == selector && who.contains(&Office::Council))
    })
}

/// Proposes a call.
///
/// Caller: a governor.
///
/// # Errors
/// - [`NoCouncil`], [`NotGovernor`]: another caller.
/// - [`BadCall`]: no module there, no selector, or too long.
/// - [`NotForCouncil`]: the module does not permit the call to the council.
/// - [`BadTitle`].
/// - [`TooManyProposals`]: 32 wait.
fn propose(cx: &mut Cx<'_>, c: &proposeCall) -> Res<u64> {
    let (member, _) = governor(cx)?;
    let bytes = c.call.len() as u64;
    ensure!(action::is_call(&c.target, &c.call), BadCall { target: c.target, bytesGiven: bytes });
    let selector = first_four(&c.call);
    ensure!(
        is_permitted(c.target, selector),
        NotForCouncil { target: c.target, selector: selector.into() }
    );
    let given = c.title.len() as u64;
    ensure!(
        (1..=TITLE_BYTES_MAX).contains(&given),
        BadTitle { bytesGiven: given, bytesMost: TITLE_BYTES_MAX }
    );
    settle_all(cx)?;
    ensure!(st().pending.len(cx)? < PENDING_MAX, TooManyProposals { most: PENDING_MAX });
    let (index, row) = st().proposals.push(cx)?;
    let id = exact(index.checked_add(1))?;
    let (periods, limits) = (st().periods.get(cx)?, st().limits.get(cx)?);
    let closes_at = exact(cx.now().checked_add(periods.voting))?;
    let executable_at = exact(closes_at.checked_add(periods.delay))?;
    let lapses_at = exact(executable_at.checked_add(u64::from(limits.open_days) * DAY))?;
    row.head.set(cx, Head {
        state: ProposalState::Voting,
        proposer: member,
        lapses_at,
        refusal: 0,
    })?;
    row.times.set(cx, Times { proposed_at: cx.now(), closes_at, executable_at, ended_at: 0 })?;
    row.target.set(cx, c.target)?;
    row.text_hash.set(cx, c.textHash)?;
    row.title.set(cx, &c.title)?;
    row.input.set(cx, &c.call)?;
    st().pending.push(cx)?.1.set(cx, id)?;
    cx.emit(Proposed {
        id,
        member,
        target: c.target,
        selector: selector.into(),
        title: c.title.clone(),
        textHash: c.textHash,
        closesAt: closes_at,
        executableAt: executable_at,
    })?;
    Ok(id)
}

/// Votes, in place of an earlier vote.
///
/// Caller: a governor.
///
/// # Errors
/// - [`NoCouncil`], [`NotGovernor`], [`NoSuchProposal`].
/// - [`WrongStage`]: it was withdrawn.
/// - [`VotingOver`]: its close has come.
fn vote(cx: &mut Cx<'_>, id: u64, in_favour: bool) -> Res<()> {
    let (member, weight) = governor(cx)?;
    let row = existing(cx, id)?;
    let (state, closes_at) = (row.head.get(cx)?.state, row.times.get(cx)?.closes_at);
    ensure!(state != ProposalState::Withdrawn, WrongStage { id, state });
    ensure!(cx.now() < closes_at, VotingOver { id, closesAt: closes_at });
    let (mut voted, mut agreeing) = (row.voted.get(cx)?, row.in_favour.get(cx)?);
    voted.set_bit(member as usize, true);
    agreeing.set_bit(member as usize, in_favour);
    row.voted.set(cx, voted)?;
    row.in_favour.set(cx, agreeing)?;
    cx.emit(Voted { id, member, inFavour: in_favour, weight })
}

/// Vetoes a carried proposal while its delay runs.
///
/// Caller: a governor, however it voted.
///
/// # Errors
/// - [`NoCouncil`], [`NotGovernor`], [`NoSuchProposal`].
/// - [`WrongStage`]: not carried, or its delay is over.
/// - [`AlreadyVetoed`].
/// - [`BadReason`].
fn veto(cx: &mut Cx<'_>, id: u64, reason: &str) -> Res<()> {
    let (member, weight) = governor(cx)?;
    let row = existing(cx, id)?;
    let state = state_now(cx, &row)?;
    ensure!(state == ProposalState::Passed, WrongStage { id, state });
    let mut vetoing = row.vetoing.get(cx)?;
    ensure!(!vetoing.bit(member as usize), AlreadyVetoed { id, member });
    check_reason(reason)?;
    vetoing.set_bit(member as usize, true);
    row.vetoing.set(cx, vetoing)?;
    cx.emit(VetoCast { id, member, weight, reason: reason.into() })?;
    count::settle(cx, id)
}

/// Makes the call of a carried proposal, judged by the weights and rules of now.
///
/// Caller: anyone. A refusal of the called module is written down and undoes nothing else; out of gas
/// undoes everything, so that it can be tried again with more.
///
/// # Errors
/// - [`NoSuchProposal`].
/// - [`TooEarly`]: carried, and the delay runs.
/// - [`WrongStage`]: anything else but ready.
fn execute(cx: &mut Cx<'_>, id: u64) -> Res<bool> {
    let row = existing(cx, id)?;
    let state = state_now(cx, &row)?;
    let executable_at = row.times.get(cx)?.executable_at;
    ensure!(state != ProposalState::Passed, TooEarly { id, executableAt: executable_at });
    ensure!(state == ProposalState::Ready, WrongStage { id, state });
    // Ended before the call, so that nothing that the call does can make it a second time.
    count::end(cx, id, &row, ProposalState::Executed)?;
    let (target, input) = (row.target.get(cx)?, row.input.get(cx)?);
    match action::make(cx, target, &input)? {
        Ok(()) => cx.emit(Executed { id, target })?,
        Err(refusal) => {
            let kept = u32::from_be_bytes(first_four(&refusal));
            let head = row.head.get(cx)?;
            row.head.set(cx, Head { state: ProposalState::Refused, refusal: kept, ..head })?;
            cx.emit(ExecutionRefused { id, target, refusal })?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Withdraws a proposal while it is voted on.
///
/// Caller: the member that proposed it.
///
/// # Errors
/// - [`NoCouncil`], [`NotGovernor`], [`NoSuchProposal`].
/// - [`NotYourProposal`]: another member's.
/// - [`WrongStage`]: not voted on any more.
fn withdraw(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let (member, _) = governor(cx)?;
    let row = existing(cx, id)?;
    let proposer = row.head.get(cx)?.proposer;
    ensure!(member == proposer, NotYourProposal { id, proposer });
    let state = state_now(cx, &row)?;
    ensure!(state == ProposalState::Voting, WrongStage { id, state });
    count::end(cx, id, &row, ProposalState::Withdrawn)?;
    cx.emit(Ended { id, state: ProposalState::Withdrawn })
}

dispatch! { ICouncil, cx;
    write proposeCall(c) => propose(cx, &c)?;
    write voteCall(c) => vote(cx, c.id, c.inFavour)?.into();
    write vetoCall(c) => veto(cx, c.id, &c.reason)?.into();
    write executeCall(c) => execute(cx, c.id)?;
    write withdrawCall(c) => withdraw(cx, c.id)?.into();
    write addMemberCall(c) => members::add(cx, &c)?;
    write endMemberCall(c) => members::end(cx, c.id)?.into();
    write setWeightCall(c) => members::set_weight(cx, c.id, c.weight)?.into();
    write setAccountCall(c) => members::set_account(cx, c.id, c.account)?.into();
    write setRulesCall(c) => members::set_rules(cx, &c.rules)?.into();
    write setParameterCall(c) => settings::set_parameter(cx, &c.name, c.value)?.into();
    write scheduleReleaseCall(c) => settings::schedule_release(cx, c.release, c.height)?.into();
    write freezeAccountCall(c) => settings::freeze(cx, &c)?.into();
    write unfreezeAccountCall(c) => settings::unfreeze(cx, c.account, &c.reason)?.into();
    write allowDeployerCall(c) => settings::allow_deployer(cx, c.account, c.allowed)?.into();
    view membersCall(c) => view::members(cx, c.cursor, c.limit)?;
    view proposalsCall(c) => view::proposals(cx, c.cursor, c.limit)?;
    view proposalCall(c) => view::proposal(cx, c.id)?;
    view tallyCall(c) => view::tally(cx, c.id)?;
    view rulesCall(_) => members::rules(cx)?;
    view parameterCall(c) => settings::parameter(cx, &c.name)?;
    view parametersCall(_) => settings::parameters(cx)?;
    view releaseAtCall(c) => release_at(cx, c.height)?;
    view releasesCall(c) => view::releases(cx, c.cursor, c.limit)?;
    view frozenCall(c) => view::frozen(cx, c.account)?;
    view mayDeployCall(c) => settings::may_deploy(cx, c.account)?;
    view explainCall(c) => view::explain(cx, &c)?;
}
