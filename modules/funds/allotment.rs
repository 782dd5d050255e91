//! From the cost of a decided job to each unit's part.

use super::*;

/// Opens the balances of units inside a fund.
///
/// Caller: bank or registrar.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchFund`], [`BadList`].
/// - [`AlreadyOpened`]: a unit twice.
/// - [`UnitsExceedFund`]: the units would have more than the fund.
pub(super) fn open_unit_balances(cx: &mut Cx<'_>, c: &openUnitBalancesCall) -> Res<()> {
    roles::allow::<openUnitBalancesCall>(cx)?;
    let fund = fund_row(cx, c.fund)?;
    let (units, amounts) = (c.units.len() as u64, c.amountsFen.len() as u64);
    ensure!(
        units == amounts && (1..=UNITS_MAX).contains(&units),
        BadList { units, amounts, most: UNITS_MAX }
    );
    let mut total = Fen::ZERO;
    for (unit, amount) in c.units.iter().zip(&c.amountsFen) {
        let slot = fund.units.of(*unit);
        let money = slot.get(cx)?;
        ensure!(!money.opened, AlreadyOpened { fund: c.fund, unit: *unit });
        let balance = Fen(*amount);
        // What an allotment left owing before the balance was opened is still owed.
        slot.set(cx, UnitMoney { opened: true, balance, ..money })?;
        total = exact(total.checked_add(balance))?;
    }
    let sum = fund.units_total.add(cx, total)?;
    let balance = fund.money.get(cx)?.balance;
    ensure!(sum <= balance, UnitsExceedFund { unitsFen: sum.0, fundFen: balance.0 });
    cx.emit(UnitBalancesOpened { fund: c.fund, units, totalFen: total.0 })
}

/// The overrun rule in force, if any.
fn overrun(cx: &mut Cx<'_>) -> Res<Option<rule::Overrun>> {
    // Only some places have the rule: no value in force means that every overrun needs a new decision.
    let Ok(share) = cx.attempt(|cx| rules::ratio(cx, "fund.overrun"))? else { return Ok(None) };
    let mut number = |key: &str| Ok::<u64, Fault>(rules::number_or(cx, key, None)?.unwrap_or(0));
    Ok(Some(rule::Overrun {
        share: (share.num, share.den),
        sum: number("fund.overrun.sum")?,
        both: number("fund.overrun.both")? != 0,
        strict: number("fund.overrun.strict")? != 0,
    }))
}

/// Records the price check of a decided job: from now the job may cost this and no more.
///
/// Caller: auditor or street office.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NotDecided`]: nothing was drawn on such a decision.
/// - [`AlreadySettled`].
/// - a refusal of `documents`: the report is not on file.
/// - [`BelowPaid`]: more is paid or committed.
/// - [`OverrunNeedsDecision`]: the owners must decide again.
pub(super) fn settle(cx: &mut Cx<'_>, decision: u64, final_fen: u64, report: B256) -> Res<()> {
    roles::allow::<settleCall>(cx)?;
    let row = st().books.of(decision);
    let (head, spending) = (row.head.get(cx)?, row.spending.get(cx)?);
    ensure!(head.fund != 0, NotDecided { decision });
    ensure!(!head.settled, AlreadySettled { decision });
    documents::require_known(cx, report)?;
    let spent = spending.committed.checked_add(spending.paid);
    let spent = exact(spent.and_then(|sum| sum.checked_add(head.lines)))?;
    ensure!(spent.0 <= final_fen, BelowPaid { spentFen: spent.0, finalFen: final_fen });
    let voted = spending.planned.0;
    let over = overrun(cx)?;
    let again = rule::must_decide_again(voted, final_fen, over.as_ref());
    ensure!(!again, OverrunNeedsDecision { budgetFen: voted, finalFen: final_fen });
    row.head.set(cx, BookHead { settled: true, ..head })?;
    row.spending.set(cx, Spending { planned: Fen(final_fen), ..spending })?;
    row.report.set(cx, report)?;
    cx.emit(CostSettled {
        decision,
        votedFen: voted,
        finalFen: final_fen,
        reportDigest: report,
    })
}

/// The units that bear a cost, by number, with their parts.
fn parts(cx: &mut Cx<'_>, terms: &decisions::Passed, total: u64) -> Res<Vec<(u64, Area, u64)>> {
    let units = registry::units_in(cx, terms.roll, terms.scope)?;
    let weights: Vec<u64> = units.iter().map(|(_, area)| area.0).collect();
    let parts = exact(rule::allot(total, &weights))?;
    Ok(units.into_iter().zip(parts).map(|((unit, area), part)| (unit, area, part)).collect())
}

/// What one unit would bear of a decision's budget, or bears of its settled cost. All zero for a unit
/// outside its scope.
///
/// # Errors
/// - [`NotDecided`]: no motion with this number has opened.
pub(super) fn estimate(cx: &mut Cx<'_>, decision: u64, unit: u64) -> Res<IFunds::Share> {
    let Some(terms) = decisions::terms(cx, decision)? else {
        return Err(NotDecided { decision }.into());
    };
    let row = st().books.of(decision);
    let head = row.head.get(cx)?;
    if let Some(share) = pages::charged(cx, decision, unit)? {
        return Ok(view::share(&share));
    }
    if head.allotted {
        return Ok(view::share(&ShareParts { unit, ..ShareParts::default() }));
    }
    let total = if head.settled { row.spending.get(cx)?.planned } else { terms.budget };
    let found = parts(cx, &terms, total.0)?.into_iter().find(|part| part.0 == unit);
    let Some((_, area, part)) = found else {
        return Ok(view::share(&ShareParts { unit, ..ShareParts::default() }));
    };
    let fund = if head.fund == 0 { likely_fund(cx)? } else { Some(head.fund) };
    let balance = match fund {
        Some(fund) => st().funds.of(fund - 1).units.of(unit).get(cx)?.balance,
        None => Fen::ZERO,
    };
    let charged = Fen(part.min(balance.0));
    Ok(view::share(&ShareParts { unit, area, share: Fen(part), charged }))
}

/// The fund that a job will draw on, before its first draw says so: the first maintenance fund.
fn likely_fund(cx: &mut Cx<'_>) -> Res<Option<u64>> {
    for index in 0..st().funds.len(cx)?.min(PAGE_ITEMS_MAX) {
        if st().funds.of(index).purpose.get(cx)? == Purpose::Maintenance {
            return Ok(Some(exact(index.checked_add(1))?));
        }
    }
    Ok(None)
}
