#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::action::Blob;
use crate::prelude::*;
use crate::registry::{self, ScopeKind};
use crate::roles::{self, Office};
use crate::{address, rules, schedule};

mod action;
mod ballot;
pub mod rule;
#[cfg(test)]
pub(crate) mod tests;
mod view;

use ballot::counted;
use rule::{Choice, Outcome, Share, Thresholds, Weight};

alloy_sol_types::sol! { #[sol(abi, all_derives)] "decisions/IDecisions.sol" }
use IDecisions::{Channel, MotionState, *};

abi_enum!(IDecisions::MotionState, IDecisions::ActionState, IDecisions::Channel);

/// Longest title in bytes.
const TITLE_BYTES_MAX: u64 = 200;
/// Number of the matter that uses the maintenance fund.
pub const MATTER_USE_FUND: u8 = 5;
const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

/// Which offices may make the restricted calls.
pub const PERMITS: &[roles::Permit] = &[
    ("propose", proposeCall::SELECTOR, &[Office::Chair, Office::Member, Office::StreetOffice]),
    ("cancel", cancelCall::SELECTOR, &[Office::Chair, Office::StreetOffice]),
    ("recordPaper", recordPaperCall::SELECTOR, &[Office::Counter]),
    ("confirmPaper", confirmPaperCall::SELECTOR, &[Office::Counter]),
];

packed! {
    /// What the motion is and where it stands.
    pub(super) struct Head {
        matter: u8, state: MotionState, extraordinary: bool, quorate: bool, extended: bool,
        scope_kind: u8, building: u32, stair: u32, action: ActionState, refusal: u32,
    }
}
packed! {
    /// Its four times in seconds.
    pub(super) struct Times { notice_at: u64, opens_at: u64, closes_at: u64, closed_at: u64 }
}
packed! {
    /// The electorate as frozen at opening.
    pub(super) struct Electorate { roll: u64, area: Area, heads: u32 }
}
packed! {
    /// The shares in force when it was announced, numerators and denominators.
    pub(super) struct Terms {
        quorum_area: u64, quorum_heads: u64, consent_area: u64, consent_heads: u64,
    }
}
packed! {
    /// The late quorum rule in force when it was announced: seconds, and the last close it allows.
    pub(super) struct Late { by: u64, latest: u64 }
}
packed! {
    /// Area and heads of one choice.
    pub(super) struct Sum { area: Area, heads: u32 }
}
packed! {
    /// A ballot that counts.
    pub(super) struct Cast { choice: Choice, channel: Channel, cast_at: u64, area: Area, times: u32 }
}
packed! {
    /// A paper ballot that one counter has read.
    pub(super) struct Reading { choice: Choice, counter: Address }
}
record! {
    pub(super) struct Vote {
        cast: Slot<Cast>,
        evidence: Slot<B256>,
        reading: Slot<Reading>,
        reading_evidence: Slot<B256>,
    }
}
record! {
    pub(super) struct MotionRow {
        head: Slot<Head>,
        times: Slot<Times>,
        electorate: Slot<Electorate>,
        terms: Slot<Terms>,
        late: Slot<Late>,
        opener: Slot<Address>,
        text_hash: Slot<B256>,
        pack_hash: Slot<B256>,
        budget: Slot<Fen>,
        payee_hash: Slot<B256>,
        target: Slot<Address>,
        task: Slot<u64>,
        title: Text,
        action: Blob,
        yes: Slot<Sum>,
        no: Slot<Sum>,
        abstain: Slot<Sum>,
        heads: List<Slot<B256>>,
        votes: Map<B256, Vote>,
    }
}
record! {
    pub(super) struct State {
        count: Slot<u64>,
        motions: Map<u64, MotionRow>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    IDecisions::abi::contract()
}

/// What a passed decision allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Matter of art. 278(1), 1 to 9.
    pub matter: u8,
    /// Who decided.
    pub scope: registry::Scope,
    /// Snapshot of the register at opening.
    pub roll: u64,
    /// Most that may be spent.
    pub budget: Fen,
    /// Commitment to the payee, zero where none is named.
    pub payee_hash: B256,
    /// When the outcome was published; 0 where it is not.
    pub closed_at: u64,
}

/// The decision with this number, if it passed.
pub fn passed(cx: &mut Cx<'_>, id: u64) -> Res<Option<Passed>> {
    cx.on(address::decisions, |cx| {
        let state = st().motions.of(id).head.get(cx)?.state;
        if state == MotionState::Passed { terms_of(cx, id).map(Some) } else { Ok(None) }
    })
}

/// What a motion would allow if it passed; `None` where it is unknown or has no electorate yet.
pub fn terms(cx: &mut Cx<'_>, id: u64) -> Res<Option<Passed>> {
    cx.on(address::decisions, |cx| {
        let found = terms_of(cx, id)?;
        Ok((found.roll != 0).then_some(found))
    })
}

fn terms_of(cx: &mut Cx<'_>, id: u64) -> Res<Passed> {
    let row = st().motions.of(id);
    let head = row.head.get(cx)?;
    Ok(Passed {
        matter: head.matter,
        scope: scope_of(&head),
        roll: row.electorate.get(cx)?.roll,
        budget: row.budget.get(cx)?,
        payee_hash: row.payee_hash.get(cx)?,
        closed_at: row.times.get(cx)?.closed_at,
    })
}

fn scope_of(head: &Head) -> registry::Scope {
    let kind = ScopeKind::from_number(head.scope_kind).unwrap_or_default();
    registry::Scope { kind, building: head.building, stair: head.stair }
}

fn existing(cx: &mut Cx<'_>, id: u64) -> Res<MotionRow> {
    ensure!(id != 0 && id <= st().count.get(cx)?, NoSuchMotion { motion: id });
    Ok(st().motions.of(id))
}

/// Announces a motion.
///
/// Caller: chair, committee member or street office.
/// Source: Property Management Regulation art. 14 (notice); Civil Code art. 278.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchMatter`], [`NoSuchScope`], [`BadTitle`], [`BudgetMissing`], [`BadAction`]: a malformed motion.
/// - [`NoticeTooShort`], [`BadPeriod`]: its times are against the rules.
fn propose(cx: &mut Cx<'_>, p: &Proposal) -> Res<u64> {
    roles::allow::<proposeCall>(cx)?;
    ensure!(matches!(p.matter, 1..=9), NoSuchMatter { matter: p.matter });
    check_scope(&p.scope)?;
    let title_bytes = p.title.len() as u64;
    ensure!(
        (1..=TITLE_BYTES_MAX).contains(&title_bytes),
        BadTitle { bytesGiven: title_bytes, bytesMost: TITLE_BYTES_MAX }
    );
    ensure!(p.matter != MATTER_USE_FUND || p.budgetFen != 0, BudgetMissing {});
    action::check(p.target, &p.action)?;
    let times = times_of(cx, p)?;
    let id = st().count.next(cx)?;
    let row = st().motions.of(id);
    row.head.set(cx, Head {
        matter: p.matter,
        state: MotionState::Noticed,
        extraordinary: p.extraordinary,
        scope_kind: p.scope.kind,
        building: p.scope.building,
        stair: p.scope.stair,
        action: if p.target.is_zero() { ActionState::None } else { ActionState::Planned },
        ..Head::default()
    })?;
    row.times.set(cx, times)?;
    row.title.set(cx, &p.title)?;
    row.text_hash.set(cx, p.textHash)?;
    row.opener.set(cx, cx.caller)?;
    row.budget.set(cx, Fen(p.budgetFen))?;
    row.payee_hash.set(cx, p.payeeHash)?;
    row.target.set(cx, p.target)?;
    row.action.set(cx, &p.action)?;
    let pack_hash = freeze_rules(cx, &row, p.matter, times.opens_at)?;
    let task = schedule::plan(cx, times.opens_at, action::calldata(&openCall { motion: id }))?;
    row.task.set(cx, task)?;
    cx.emit(MotionProposed {
        motion: id,
        matter: p.matter,
        opener: cx.caller,
        textHash: p.textHash,
        opensAt: times.opens_at,
        closesAt: times.closes_at,
        packHash: pack_hash,
    })?;
    Ok(id)
}

fn check_scope(s: &IDecisions::Scope) -> Res<()> {
    let fits = match ScopeKind::from_number(s.kind) {
        Some(ScopeKind::Estate) => s.building == 0 && s.stair == 0,
        Some(ScopeKind::Building) => s.building != 0 && s.stair == 0,
        Some(ScopeKind::Stair) => s.building != 0 && s.stair != 0,
        _ => false,
    };
    ensure!(fits, NoSuchScope { kind: s.kind, building: s.building, stair: s.stair });
    Ok(())
}

fn times_of(cx: &mut Cx<'_>, p: &Proposal) -> Res<Times> {
    let earliest = earliest_opening(cx, p.extraordinary)?;
    let opens_at = if p.opensAt == 0 { earliest } else { p.opensAt };
    ensure!(opens_at >= earliest, NoticeTooShort { opensAt: opens_at, earliestAt: earliest });
    let period = p.closesAt.saturating_sub(opens_at);
    let least = days(rules::number_or(cx, "vote.period_days.min", None)?)?.max(1);
    let most = days(rules::number_or(cx, "vote.period_days.max", None)?)?;
    let fits = period >= least && (most == 0 || period <= most);
    ensure!(fits, BadPeriod { period, least, most });
    Ok(Times { notice_at: cx.now(), opens_at, closes_at: p.closesAt, closed_at: 0 })
}

fn days(number: Option<u64>) -> Res<u64> {
    exact(number.unwrap_or(0).checked_mul(DAY))
}

/// Keeps the shares that this motion is counted by, so that a later change of the rules never touches it.
fn freeze_rules(cx: &mut Cx<'_>, row: &MotionRow, matter: u8, opens_at: u64) -> Res<B256> {
    let kind = if rule::is_special(matter) { "special" } else { "ordinary" };
    let terms = Terms {
        quorum_area: share(rules::ratio(cx, "vote.participation.area")?)?,
        quorum_heads: share(rules::ratio(cx, "vote.participation.heads")?)?,
        consent_area: share(rules::ratio(cx, &format!("vote.consent.{kind}.area"))?)?,
        consent_heads: share(rules::ratio(cx, &format!("vote.consent.{kind}.heads"))?)?,
    };
    row.terms.set(cx, terms)?;
    if let Some(hours) = rules::number_or(cx, "vote.late_quorum_hours", None)? {
        let most = days(rules::number_or(cx, "vote.period_days.max", None)?)?;
        let latest = if most == 0 { 0 } else { exact(opens_at.checked_add(most))? };
        row.late.set(cx, Late { by: exact(hours.checked_mul(HOUR))?, latest })?;
    }
    let pack_hash = rules::pack_hash(cx)?;
    row.pack_hash.set(cx, pack_hash)?;
    Ok(pack_hash)
}

/// Numerator and denominator in the halves of one number.
fn share(ratio: rules::Ratio) -> Res<u64> {
    let (num, den) = (u32::try_from(ratio.num).ok(), u32::try_from(ratio.den).ok());
    Ok(u64::from(exact(num)?) << 32 | u64::from(exact(den)?))
}

fn thresholds(terms: Terms, matter: u8) -> Thresholds {
    let share = |both: u64| Share { num: (both >> 32) as u32, den: both as u32 };
    Thresholds {
        quorum_area: share(terms.quorum_area),
        quorum_heads: share(terms.quorum_heads),
        consent_area: share(terms.consent_area),
        consent_heads: share(terms.consent_heads),
        strict: !rule::is_special(matter),
    }
}

/// Withdraws a motion that has not opened.
///
/// Caller: chair or street office.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchMotion`], [`MotionIsCancelled`].
/// - [`AlreadyOpen`]: its opening has come.
fn cancel(cx: &mut Cx<'_>, id: u64, reason_hash: B256) -> Res<()> {
    roles::allow::<cancelCall>(cx)?;
    let row = existing(cx, id)?;
    let head = row.head.get(cx)?;
    ensure!(head.state != MotionState::Cancelled, MotionIsCancelled { motion: id });
    let waiting = head.state == MotionState::Noticed && cx.now() < row.times.get(cx)?.opens_at;
    ensure!(waiting, AlreadyOpen { motion: id });
    row.head.set(cx, Head { state: MotionState::Cancelled, action: ActionState::None, ..head })?;
    let task = row.task.get(cx)?;
    schedule::cancel(cx, task)?;
    cx.emit(MotionCancelled { motion: id, reasonHash: reason_hash })
}

/// Freezes the electorate; does nothing where that is done.
///
/// # Errors
/// - [`NoSuchMotion`], [`MotionIsCancelled`].
/// - [`NotOpen`]: its opening has not come.
fn open(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let row = existing(cx, id)?;
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    ensure!(head.state != MotionState::Cancelled, MotionIsCancelled { motion: id });
    ensure!(cx.now() >= times.opens_at, NotOpen { motion: id, opensAt: times.opens_at });
    if head.state != MotionState::Noticed {
        return Ok(());
    }
    let roll = registry::snapshot(cx, scope_of(&head))?;
    let (area, heads) = (roll.area, roll.heads);
    row.electorate.set(cx, Electorate { roll: roll.id, area, heads })?;
    row.head.set(cx, Head { state: MotionState::Open, ..head })?;
    plan_close(cx, &row, id, times.closes_at)?;
    cx.emit(MotionOpened { motion: id, roll: roll.id, areaM2: area.0, heads })
}

fn plan_close(cx: &mut Cx<'_>, row: &MotionRow, id: u64, at: u64) -> Res<()> {
    let task = schedule::plan(cx, at, action::calldata(&closeCall { motion: id }))?;
    row.task.set(cx, task)
}

/// Counts, publishes the outcome, and makes the motion's call if it passed. A refused call is recorded
/// and does not undo the outcome.
///
/// # Errors
/// - [`NoSuchMotion`], [`MotionIsCancelled`].
/// - [`NotOpen`], [`StillOpen`]: its close has not come.
fn close(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    open(cx, id)?;
    let row = existing(cx, id)?;
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    if head.state != MotionState::Open {
        return Ok(());
    }
    ensure!(cx.now() >= times.closes_at, StillOpen { motion: id, closesAt: times.closes_at });
    let (tally, count) = counted(cx, &row)?;
    let state = view::state_of(count.outcome);
    row.head.set(cx, Head { state, ..head })?;
    row.times.set(cx, Times { closed_at: cx.now(), ..times })?;
    cx.emit(MotionClosed {
        motion: id,
        outcome: state,
        participatingAreaM2: count.participating.area.0,
        participatingHeads: count.participating.heads,
        yesAreaM2: tally.yes.area.0,
        yesHeads: tally.yes.heads,
    })?;
    if count.outcome == Outcome::Passed { action::run(cx, id, &row) } else { Ok(()) }
}

fn earliest_opening(cx: &mut Cx<'_>, extraordinary: bool) -> Res<u64> {
    let key = if extraordinary { "vote.notice_days.extraordinary" } else { "vote.notice_days" };
    let days = rules::number(cx, key)?;
    exact(rule::earliest_opening(cx.now(), days))
}

dispatch! { IDecisions, cx;
    write proposeCall(c) => propose(cx, &c.proposal)?;
    write cancelCall(c) => cancel(cx, c.motion, c.reasonHash)?.into();
    write openCall(c) => open(cx, c.motion)?.into();
    write castCall(c) => ballot::cast(cx, c.motion, c.choice)?.into();
    write castForCall(c) => ballot::cast_for(cx, c.motion, c.head, c.choice)?.into();
    write recordPaperCall(c) => ballot::record_paper(cx, &c)?.into();
    write confirmPaperCall(c) => ballot::confirm_paper(cx, &c)?.into();
    write closeCall(c) => close(cx, c.motion)?.into();
    view motionCall(c) => view::motion(cx, c.id)?;
    view motionsCall(c) => view::motions(cx, c.state, c.cursor, c.limit)?;
    view resultCall(c) => view::result(cx, c.id)?;
    view ballotsCall(c) => view::ballots(cx, c.id, c.cursor, c.limit)?;
    view ballotOfCall(c) => view::ballot_of(cx, c.id, c.head)?;
    view votesOfCall(c) => view::votes_of(cx, c.id, c.account)?;
    view earliestOpeningCall(c) => earliest_opening(cx, c.extraordinary)?;
}
