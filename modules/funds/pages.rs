//! Sharing out the cost of a decided job, a page of units in each call: one transaction has the gas for
//! some hundred units (EIP-7825), and an estate has thousands.
//!
//! The units of the scope are entered first, with their areas as of the decision's roll, which never
//! change. All that follows reads these entries alone: counting remainders, then charging each
//! unit once, in the order of their numbers.

use super::{
    ranking::{self, Budget, CHARGE, Counts, ENTER, RANK, WORDS, Window},
    *,
};

/// Most units of one call, and the units of a call that says nothing. Their work is at most 15,576,000
/// gas, with no balance opened yet and up to five reads of the history of every area.
pub const PAGE_UNITS: u32 = 220;

/// One call's part of the work.
struct Page {
    decision: u64,
    row: BookRow,
    head: BookHead,
    total: u64,
    at: Progress,
    window: Window,
    counts: Counts,
    budget: Budget,
}

/// Shares out, or goes on with sharing out, as many units as one transaction surely carries.
///
/// Caller: treasurer or manager.
/// Source: Civil Code art. 283.
///
/// # Errors
/// As [`allot_page`], without [`BadPage`].
pub(super) fn allot(cx: &mut Cx<'_>, decision: u64) -> Res<()> {
    roles::allow::<allotCall>(cx)?;
    page(cx, decision, PAGE_UNITS)
}

/// Shares the settled and paid cost over the units in the decision's scope, by area: one page of the
/// work. What a unit's balance does not cover is owed by its owner.
///
/// Caller: treasurer or manager.
/// Source: Civil Code art. 283.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`BadPage`]: no unit, or more than [`PAGE_UNITS`].
/// - [`NotSettled`]: no price check.
/// - [`AlreadyAllotted`]: the last page is done.
/// - [`NotPaid`]: not all is paid, or a payment is under way.
/// - [`NotDecided`]: the decision did not pass.
pub(super) fn allot_page(cx: &mut Cx<'_>, decision: u64, at_most: u32) -> Res<()> {
    roles::allow::<allotPageCall>(cx)?;
    let fits = (1..=PAGE_UNITS).contains(&at_most);
    ensure!(fits, BadPage { units: at_most, most: PAGE_UNITS });
    page(cx, decision, at_most)
}

fn page(cx: &mut Cx<'_>, decision: u64, at_most: u32) -> Res<()> {
    let row = st().books.of(decision);
    let head = row.head.get(cx)?;
    ensure!(head.settled, NotSettled { decision });
    ensure!(!head.allotted, AlreadyAllotted { decision });
    let mut at = row.progress.get(cx)?;
    if at.phase == AllotPhase::None {
        at = begin(cx, decision, &row, &head)?;
    }
    let mut page = Page {
        decision,
        head,
        total: row.spending.get(cx)?.planned.0,
        window: row.window.get(cx)?,
        counts: load(cx, &row)?,
        budget: Budget::of(at_most),
        at,
        row,
    };
    page.work(cx)
}

/// What must hold before the first page. Nothing can undo it after that: a settled amount is final, and
/// all of it is paid.
fn begin(cx: &mut Cx<'_>, decision: u64, row: &BookRow, head: &BookHead) -> Res<Progress> {
    let spending = row.spending.get(cx)?;
    let (paid, total) = (spending.paid.0, spending.planned.0);
    let done = spending.committed == Fen::ZERO && head.lines == Fen::ZERO && paid == total;
    ensure!(done, NotPaid { decision, paidFen: paid, finalFen: total });
    let terms = passed(cx, decision)?;
    // Units entered in the register from now on are in no scope of this decision's roll.
    let end = registry::listed_in(cx, terms.scope)?;
    Ok(Progress { phase: AllotPhase::Entering, next: 0, end })
}

fn passed(cx: &mut Cx<'_>, decision: u64) -> Res<decisions::Passed> {
    match decisions::passed(cx, decision)? {
        Some(terms) => Ok(terms),
        None => Err(NotDecided { decision }.into()),
    }
}

/// The counters of an unfinished pass.
fn load(cx: &mut Cx<'_>, row: &BookRow) -> Res<Counts> {
    let mut words = [U256::ZERO; WORDS];
    if row.progress.get(cx)?.phase == AllotPhase::Ranking {
        for (index, word) in (0u64..).zip(&mut words) {
            *word = row.counts.of(index).get(cx)?;
        }
    }
    Ok(ranking::counts_of(&words))
}

impl Page {
    fn work(&mut self, cx: &mut Cx<'_>) -> Res<()> {
        let stored = self.counts;
        loop {
            let over = match self.at.phase {
                AllotPhase::Entering => self.enter(cx)?,
                AllotPhase::Ranking => self.rank(cx)?,
                AllotPhase::Charging => self.charge(cx)?,
                _ => break,
            };
            if !over {
                break;
            }
        }
        for (index, (new, old)) in
            (0u64..).zip(ranking::words_of(&self.counts).zip(ranking::words_of(&stored)))
        {
            if new != old {
                self.row.counts.of(index).set(cx, new)?;
            }
        }
        if self.at.phase == AllotPhase::Done { self.finish(cx) } else { self.pause(cx) }
    }

    /// The next units of this phase, as many as fit into the page.
    fn stretch(&mut self, work: u64) -> Res<core::ops::Range<u64>> {
        let left = exact(self.at.end.checked_sub(self.at.next))?;
        let from = self.at.next;
        self.at.next = exact(from.checked_add(self.budget.steps(work, left)))?;
        Ok(from..self.at.next)
    }

    /// Goes through the entries once more.
    fn turn(&mut self, cx: &mut Cx<'_>, phase: AllotPhase) -> Res<()> {
        self.at = Progress { phase, next: 0, end: self.row.shares.len(cx)? };
        Ok(())
    }

    /// Enters units and sums their areas. Whether all are entered, as in the other phases.
    fn enter(&mut self, cx: &mut Cx<'_>) -> Res<bool> {
        let terms = passed(cx, self.decision)?;
        let listed = self.stretch(ENTER)?;
        for (unit, area) in registry::units_between(cx, terms.roll, terms.scope, listed)? {
            let entry = ShareParts { unit, area, ..ShareParts::default() };
            self.row.shares.push(cx)?.1.set(cx, entry)?;
            self.window.sum = exact(self.window.sum.checked_add(area))?;
        }
        let over = self.at.next == self.at.end;
        if over {
            self.window = Window::open(self.window.sum, self.total);
            self.turn(cx, AllotPhase::Ranking)?;
        }
        Ok(over)
    }

    /// Counts remainders; passes until it is clear who gets a fen more.
    fn rank(&mut self, cx: &mut Cx<'_>) -> Res<bool> {
        for index in self.stretch(RANK)? {
            let area = self.row.shares.of(index).get(cx)?.area;
            exact(self.window.count(&mut self.counts, self.total, area))?;
        }
        let over = self.at.next == self.at.end;
        if over {
            let last = exact(self.window.narrow(&self.counts))?;
            self.counts.fill(0);
            self.turn(cx, if last { AllotPhase::Charging } else { AllotPhase::Ranking })?;
        }
        Ok(over)
    }

    /// Charges units from their balances, or notes what they owe.
    fn charge(&mut self, cx: &mut Cx<'_>) -> Res<bool> {
        let fund = st().funds.of(exact(self.head.fund.checked_sub(1))?);
        let mut sum = Fen::ZERO;
        for index in self.stretch(CHARGE)? {
            let entry = self.row.shares.of(index);
            let parts = entry.get(cx)?;
            let share = Fen(exact(self.window.part(self.total, parts.area))?);
            let slot = fund.units.of(parts.unit);
            let money = slot.get(cx)?;
            let charged = share.min(money.balance);
            let owed = exact(share.checked_sub(charged))?;
            slot.set(cx, UnitMoney {
                balance: exact(money.balance.checked_sub(charged))?,
                receivable: exact(money.receivable.checked_add(owed))?,
                ..money
            })?;
            entry.set(cx, ShareParts { share, charged, ..parts })?;
            self.head.receivable = exact(self.head.receivable.checked_add(owed))?;
            sum = exact(sum.checked_add(charged))?;
        }
        fund.units_total.sub(cx, sum)?;
        let over = self.at.next == self.at.end;
        if over {
            self.at.phase = AllotPhase::Done;
        }
        Ok(over)
    }

    /// Keeps what the next page goes on with.
    fn pause(&self, cx: &mut Cx<'_>) -> Res<()> {
        self.row.head.set(cx, self.head)?;
        self.row.progress.set(cx, self.at)?;
        self.row.window.set(cx, self.window)?;
        let told = progress(cx, self.decision)?;
        cx.emit(AllotmentAdvanced {
            decision: self.decision,
            phase: told.phase,
            units: told.units,
            charged: told.charged,
        })
    }

    fn finish(&self, cx: &mut Cx<'_>) -> Res<()> {
        self.row.head.set(cx, BookHead { allotted: true, ..self.head })?;
        self.row.progress.set(cx, Progress::default())?;
        self.row.window.set(cx, Window::default())?;
        cx.emit(CostAllotted {
            decision: self.decision,
            totalFen: self.total,
            units: self.at.end,
            receivableFen: self.head.receivable.0,
        })
    }
}

/// How far the sharing out of a cost has come; all zero before its first page.
pub(super) fn progress(cx: &mut Cx<'_>, decision: u64) -> Res<AllotmentProgress> {
    let row = st().books.of(decision);
    let (allotted, at) = (row.head.get(cx)?.allotted, row.progress.get(cx)?);
    let units = row.shares.len(cx)?;
    let (phase, charged) = match (allotted, at.phase) {
        (true, _) => (AllotPhase::Done, units),
        (false, AllotPhase::Charging) => (AllotPhase::Charging, at.next),
        (false, phase) => (phase, 0),
    };
    Ok(AllotmentProgress { phase, units, charged })
}

/// The part of a unit that has been charged, `None` where it has not: neither in its turn nor in scope.
pub(super) fn charged(cx: &mut Cx<'_>, decision: u64, unit: u64) -> Res<Option<ShareParts>> {
    let shares = st().books.of(decision).shares;
    let (mut from, mut to) = (0, progress(cx, decision)?.charged);
    while from < to {
        let middle = from.midpoint(to);
        let parts = shares.of(middle).get(cx)?;
        match parts.unit.cmp(&unit) {
            core::cmp::Ordering::Equal => return Ok(Some(parts)),
            core::cmp::Ordering::Less => from = exact(middle.checked_add(1))?,
            core::cmp::Ordering::Greater => to = middle,
        }
    }
    Ok(None)
}
