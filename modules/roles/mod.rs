#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::prelude::*;

mod office;
mod rule;
#[cfg(test)]
mod tests;
mod view;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "roles/IRoles.sol" }
use IRoles::*;

pub use office::Office;
pub use rule::{COMMITTEE, OUTSIDE};
use view::*;

/// One restricted call of a module: its name, its selector, and the offices that may make it.
pub type Permit = (&'static str, [u8; 4], &'static [Office]);

/// Who acts on offices of others.
const ABOVE: &[Office] = &[Office::Decision, Office::StreetOffice, Office::Council];

/// Restricted calls of this module. Which office may grant which is decided by [`rule::may_grant`].
pub const PERMITS: &[Permit] = &[
    ("grant", grantCall::SELECTOR, ABOVE),
    ("revoke", revokeCall::SELECTOR, ABOVE),
    ("freeze", freezeCall::SELECTOR, ABOVE),
    ("unfreeze", unfreezeCall::SELECTOR, ABOVE),
];

packed! {
    pub(super) struct Head { office: Office, from_at: u64, until_at: u64, revoked_at: u64 }
}
record! {
    pub(super) struct Row {
        head: Slot<Head>,
        holder: Slot<Address>,
        granted_by: Slot<Address>,
        frozen_until: Slot<u64>,
        basis: Slot<B256>,
        reason: Text,
    }
}
packed! {
    pub(super) struct PermitKey { module: Address, selector: u32, offices: u32 }
}
record! {
    pub(super) struct PermitRow { key: Slot<PermitKey>, name: Text }
}
record! {
    pub(super) struct State {
        mandates: List<Row>,
        by_office: Map<Office, List<Slot<u64>>>,
        by_holder: Map<Address, Map<Office, List<Slot<u64>>>>,
        permits: List<PermitRow>,
        offices_for: Map<Address, Map<u32, Slot<u32>>>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    IRoles::abi::contract()
}

fn row(cx: &mut Cx<'_>, id: u64) -> Res<Row> {
    let known = id != 0 && id <= st().mandates.len(cx)?;
    ensure!(known, NoSuchMandate { id });
    Ok(st().mandates.of(id - 1))
}

/// Gives an office for a term.
///
/// Caller: a passed decision; the street office for registrar, auditor, keeper and counter; the council
/// for these and for the bodies outside the community.
/// Units: seconds since 1970; `untilAt` is the first second after the term, 0 has no end.
///
/// # Errors
/// - [`NotPermitted`]: the caller holds no office that grants.
/// - [`NoSuchOffice`]: not an office.
/// - [`NotYours`]: this one is not for the caller to give.
/// - [`Own`]: to the caller itself.
/// - [`BadHolder`]: to nobody, or to a module.
/// - [`BadTerm`]: empty, over, without the end it must have, or longer than the rule book allows.
/// - [`AlreadyHolds`]: the terms would overlap, or one has not begun yet.
fn grant(cx: &mut Cx<'_>, call: &grantCall) -> Res<u64> {
    allow::<grantCall>(cx)?;
    let office = Office::from_number(call.office as u8).unwrap_or_default();
    ensure!(office != Office::None, NoSuchOffice { office: call.office as u8 });
    only_granter(cx, office)?;
    let holder = call.holder;
    ensure!(holder != cx.caller, Own { account: holder });
    ensure!(!holder.is_zero() && !crate::is_native(&holder), BadHolder { holder });
    let from_at = call.fromAt.max(cx.now());
    let years = crate::rules::number_or(cx, "committee.term_years_max", None)?;
    let latest = rule::latest_end(office, from_at, years);
    let (fits, latest_until) = (rule::term_fits(from_at, call.untilAt, latest), latest.unwrap_or(0));
    ensure!(
        fits,
        BadTerm { fromAt: from_at, untilAt: call.untilAt, latestUntilAt: latest_until }
    );
    let caller = cx.caller;
    give(cx, office, holder, (from_at, call.untilAt), (caller, call.basis))
}

/// Writes a mandate down.
fn give(
    cx: &mut Cx<'_>,
    office: Office,
    holder: Address,
    (from_at, until_at): (u64, u64),
    (granted_by, basis): (Address, B256),
) -> Res<u64> {
    let mine = st().by_holder.of(holder).of(office);
    let len = mine.len(cx)?;
    let mut last = len;
    if last > 0 {
        let id = mine.of(last - 1).get(cx)?;
        let head = row(cx, id)?.head.get(cx)?;
        // One that was revoked before it began never counts: the new one takes its place, and is judged by
        // the one before it.
        if head.revoked_at != 0 && head.revoked_at < head.from_at {
            last -= 1;
        }
    }
    if last > 0 {
        let id = mine.of(last - 1).get(cx)?;
        let head = row(cx, id)?.head.get(cx)?;
        // One that has not begun blocks the next, so that the last two tell who holds the office.
        let open = head.revoked_at == 0
            && (head.until_at == 0 || head.until_at > from_at || head.from_at > cx.now());
        ensure!(!open, AlreadyHolds { holder, office: office.shown(), mandate: id });
    }
    let (index, row) = st().mandates.push(cx)?;
    let id = exact(index.checked_add(1))?;
    row.head.set(cx, Head { office, from_at, until_at, revoked_at: 0 })?;
    row.holder.set(cx, holder)?;
    row.granted_by.set(cx, granted_by)?;
    row.basis.set(cx, basis)?;
    let place = if last < len { mine.of(last) } else { mine.push(cx)?.1 };
    place.set(cx, id)?;
    st().by_office.of(office).push(cx)?.1.set(cx, id)?;
    let office = office.shown();
    cx.emit(Granted { id, office, holder, fromAt: from_at, untilAt: until_at, basis })?;
    Ok(id)
}

/// Refuses a caller who may not give or take this office.
fn only_granter(cx: &mut Cx<'_>, office: Office) -> Res<()> {
    let may = match cx.caller {
        crate::DECISIONS => true,
        crate::COUNCIL => rule::council_may_grant(office),
        _ => rule::street_office_may_grant(office),
    };
    ensure!(may, NotYours { caller: cx.caller, office: office.shown() });
    Ok(())
}

/// The mandate, unless it is over or revoked.
fn running(cx: &mut Cx<'_>, id: u64) -> Res<(Row, Head)> {
    let row = row(cx, id)?;
    let head = row.head.get(cx)?;
    let over = head.revoked_at != 0 || (head.until_at != 0 && head.until_at <= cx.now());
    ensure!(!over, MandateOver { id });
    Ok((row, head))
}

fn check_reason(reason: &str) -> Res<()> {
    let length = reason.len() as u64;
    ensure!((1..=rule::REASON_BYTES_MAX).contains(&length), BadReason { length });
    Ok(())
}

/// Takes an office away.
///
/// Caller: who may grant it.
///
/// # Errors
/// - [`NotPermitted`], [`NoSuchMandate`], [`NotYours`], [`MandateOver`], [`BadReason`].
fn revoke(cx: &mut Cx<'_>, call: &revokeCall) -> Res<()> {
    allow::<revokeCall>(cx)?;
    let head = row(cx, call.id)?.head.get(cx)?;
    only_granter(cx, head.office)?;
    let (row, head) = running(cx, call.id)?;
    check_reason(&call.reason)?;
    end(cx, call.id, &row, head, &call.reason)
}

fn end(cx: &mut Cx<'_>, id: u64, row: &Row, head: Head, reason: &str) -> Res<()> {
    row.head.set(cx, Head { revoked_at: cx.now(), ..head })?;
    row.reason.set(cx, reason)?;
    let (office, holder) = (head.office.shown(), row.holder.get(cx)?);
    cx.emit(Revoked { id, office, holder, reason: reason.into() })
}

/// Suspends an office for a time.
///
/// Caller: a passed decision, the council, or the street office (Regulations on Property Management
/// art. 19).
///
/// # Errors
/// - [`NotPermitted`], [`NoSuchMandate`].
/// - [`Own`]: the mandate is the caller's own.
/// - [`NotYours`]: a street office does not freeze street offices.
/// - [`MandateOver`], [`BadReason`].
/// - [`BadFreeze`]: over already, or longer than 90 days.
fn freeze(cx: &mut Cx<'_>, call: &freezeCall) -> Res<()> {
    allow::<freezeCall>(cx)?;
    let head = row(cx, call.id)?.head.get(cx)?;
    only_other(cx, call.id, head.office)?;
    let (row, _) = running(cx, call.id)?;
    check_reason(&call.reason)?;
    let latest = exact(cx.now().checked_add(rule::FREEZE_SECONDS_MAX))?;
    let fits = call.untilAt > cx.now() && call.untilAt <= latest;
    ensure!(fits, BadFreeze { untilAt: call.untilAt, latestUntilAt: latest });
    row.frozen_until.set(cx, call.untilAt)?;
    row.reason.set(cx, &call.reason)?;
    let reason = call.reason.clone();
    cx.emit(Frozen { id: call.id, untilAt: call.untilAt, reason })
}

/// Refuses to act on one's own mandate, and a street office on another.
fn only_other(cx: &mut Cx<'_>, id: u64, office: Office) -> Res<()> {
    let caller = cx.caller;
    ensure!(row(cx, id)?.holder.get(cx)? != caller, Own { account: caller });
    let above = caller == crate::DECISIONS || caller == crate::COUNCIL;
    let may = above || office != Office::StreetOffice;
    ensure!(may, NotYours { caller, office: office.shown() });
    Ok(())
}

/// Lifts a freeze early.
///
/// Caller: a passed decision, the council or the street office.
///
/// # Errors
/// - [`NotPermitted`], [`NoSuchMandate`], [`Own`], [`NotYours`], [`NotFrozen`], [`BadReason`].
fn unfreeze(cx: &mut Cx<'_>, call: &unfreezeCall) -> Res<()> {
    allow::<unfreezeCall>(cx)?;
    let row = row(cx, call.id)?;
    let head = row.head.get(cx)?;
    only_other(cx, call.id, head.office)?;
    ensure!(row.frozen_until.get(cx)? > cx.now(), NotFrozen { id: call.id });
    check_reason(&call.reason)?;
    row.frozen_until.set(cx, cx.now())?;
    row.reason.set(cx, &call.reason)?;
    cx.emit(Unfrozen { id: call.id, reason: call.reason.clone() })
}

/// Gives one's own office back.
///
/// Caller: the holder.
///
/// # Errors
/// - [`NoSuchMandate`].
/// - [`NotYours`]: somebody else's.
/// - [`MandateOver`].
fn resign(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let row = row(cx, id)?;
    let office = row.head.get(cx)?.office.shown();
    ensure!(row.holder.get(cx)? == cx.caller, NotYours { caller: cx.caller, office });
    let (row, head) = running(cx, id)?;
    end(cx, id, &row, head, "resigned")
}

dispatch! { IRoles, cx;
    write grantCall(c) => grant(cx, &c)?;
    write revokeCall(c) => revoke(cx, &c)?.into();
    write freezeCall(c) => freeze(cx, &c)?.into();
    write unfreezeCall(c) => unfreeze(cx, &c)?.into();
    write resignCall(c) => resign(cx, c.id)?.into();
    view mandateCall(c) => shown(cx, c.id)?;
    view mandatesCall(c) => mandates(cx, c.cursor, c.limit)?;
    view holdersCall(c) => holders(cx, c.office as u8, c.cursor, c.limit)?;
    view officesOfCall(c) => offices_of(cx, c.account)?;
    view permitsCall(c) => permits(cx, c.cursor, c.limit)?;
    view explainCall(c) => explain(cx, &c)?;
}

/// Refuses unless the caller of the running module may make call `C` of it. Costs one mandate lookup per
/// office that the permit lists.
///
/// # Errors
/// - [`NotPermitted`]: no permit, or none of its offices held in term and not frozen.
pub fn allow<C: SolCall>(cx: &mut Cx<'_>) -> Res<()> {
    let (account, module, selector) = (cx.caller, cx.this, C::SELECTOR);
    cx.on(crate::address::roles, |cx| {
        let number = u32::from_be_bytes(selector);
        let offices = st().offices_for.of(module).of(number).get(cx)?;
        if offices & rule::acting_as(account) != 0 {
            return Ok(());
        }
        for office in rule::ALL {
            if offices & office.bit() != 0
                && standing(cx, account, office)?.reason == Reason::Office
            {
                return Ok(());
            }
        }
        Err(NotPermitted { account, module, selector: selector.into(), offices }.into())
    })
}

/// Whether an account holds an office now: in term, not revoked, not frozen.
pub fn holds(cx: &mut Cx<'_>, who: Address, office: Office) -> Res<bool> {
    cx.on(crate::address::roles, |cx| Ok(standing(cx, who, office)?.reason == Reason::Office))
}

/// Whether anybody holds an office now, as [`holds`] counts. Asks the youngest mandates first.
pub fn is_held(cx: &mut Cx<'_>, office: Office) -> Res<bool> {
    cx.on(crate::address::roles, |cx| {
        let list = st().by_office.of(office);
        for index in (0..list.len(cx)?).rev() {
            let id = list.of(index).get(cx)?;
            let holder = row(cx, id)?.holder.get(cx)?;
            if standing(cx, holder, office)?.reason == Reason::Office {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// Whether an account holds any office now, as [`holds`] counts.
pub fn holds_any(cx: &mut Cx<'_>, who: Address) -> Res<bool> {
    for office in rule::ALL {
        if holds(cx, who, office)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes the permits of all modules and the first mandates, before the first block. Runs as this
/// module.
///
/// # Errors
/// - `Fault::Fatal`: an office is given twice to one account, or a term is over.
pub fn genesis(
    cx: &mut Cx<'_>,
    offices: &[(Office, Address, u64)],
    permits: &[(Address, Permit)],
) -> Res<()> {
    for (module, (name, selector, allowed)) in permits {
        let selector = u32::from_be_bytes(*selector);
        let mask = allowed.iter().fold(0, |mask, office| mask | office.bit());
        st().offices_for.of(*module).of(selector).set(cx, mask)?;
        let row = st().permits.push(cx)?.1;
        row.key.set(cx, PermitKey { module: *module, selector, offices: mask })?;
        row.name.set(cx, name)?;
    }
    for (office, holder, until) in offices {
        let now = cx.now();
        let fits = !holder.is_zero() && (*until == 0 || *until > now);
        let given = fits
            .then(|| give(cx, *office, *holder, (now, *until), (Address::ZERO, B256::ZERO)))
            .and_then(|given| given.ok());
        if given.is_none() {
            let reason = format!("genesis: {office:?} of {holder} until {until} cannot be given");
            return Err(Fault::Fatal(reason));
        }
    }
    Ok(())
}
