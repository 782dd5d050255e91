//! What the calls that only read answer.

use super::*;

/// Most entries that one filtered list call looks at.
const SCAN_MAX: u64 = 1_000;

/// Walks a list from `cursor` until a page is full, `SCAN_MAX` entries are seen or the list ends: a
/// filtered page may be short although more follow. The second value is the next cursor, 0 at the end.
fn scan<T>(
    cx: &mut Cx<'_>,
    (cursor, limit, len): (u64, u64, u64),
    mut found: impl FnMut(&mut Cx<'_>, u64) -> Res<Option<T>>,
) -> Res<(Vec<T>, u64)> {
    let most = limit.clamp(1, PAGE_ITEMS_MAX) as usize;
    let end = cursor.saturating_add(SCAN_MAX).min(len);
    let (mut items, mut next) = (Vec::new(), cursor.min(len));
    while next < end && items.len() < most {
        if let Some(item) = found(cx, next)? {
            items.push(item);
        }
        next += 1;
    }
    Ok((items, if next < len { next } else { 0 }))
}

/// All funds.
pub(super) fn funds(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<fundsReturn> {
    let len = st().funds.len(cx)?;
    let (items, next) = scan(cx, (cursor, limit, len), |cx, index| fund(cx, index + 1).map(Some))?;
    Ok(fundsReturn { items, next })
}

/// One fund.
///
/// # Errors
/// - [`NoSuchFund`].
pub(super) fn fund(cx: &mut Cx<'_>, id: u64) -> Res<Fund> {
    let row = fund_row(cx, id)?;
    let money = row.money.get(cx)?;
    Ok(Fund {
        id,
        name: row.name.get(cx)?,
        purpose: row.purpose.get(cx)?,
        asset: ASSET,
        account: account_of(id),
        balanceFen: money.balance.0,
        heldFen: money.held.0,
        unexplainedFen: money.unexplained.0,
        unexplained: money.unexplained_lines,
        movements: row.movements.len(cx)?,
    })
}

/// Budget lines, by fund and year.
pub(super) fn lines(cx: &mut Cx<'_>, c: &linesCall) -> Res<linesReturn> {
    let len = st().lines.len(cx)?;
    let (items, next) = scan(cx, (c.cursor, c.limit, len), |cx, index| {
        let head = st().lines.of(index).head.get(cx)?;
        let wanted = (c.ofFund == 0 || head.fund == c.ofFund) && (c.year == 0 || head.year == c.year);
        if wanted { line(cx, index + 1).map(Some) } else { Ok(None) }
    })?;
    Ok(linesReturn { items, next })
}

/// One budget line.
///
/// # Errors
/// - [`NoSuchLine`].
pub(super) fn line(cx: &mut Cx<'_>, id: u64) -> Res<Line> {
    let row = line_row(cx, id)?;
    let (head, spending) = (row.head.get(cx)?, row.spending.get(cx)?);
    let left = rule::left(spending.planned, spending.committed, spending.paid);
    Ok(Line {
        id,
        fund: head.fund,
        year: head.year,
        name: row.name.get(cx)?,
        plannedFen: spending.planned.0,
        committedFen: spending.committed.0,
        paidFen: spending.paid.0,
        leftFen: exact(left)?.0,
        decision: head.decision,
    })
}

/// What a decision allows and what became of it.
///
/// # Errors
/// - [`NotDecided`]: it did not pass, or voted no money.
pub(super) fn budget(cx: &mut Cx<'_>, decision: u64) -> Res<Budget> {
    let passed = decisions::passed(cx, decision)?.filter(|passed| passed.budget != Fen::ZERO);
    let Some(passed) = passed else { return Err(NotDecided { decision }.into()) };
    let row = st().books.of(decision);
    let (head, spending) = (row.head.get(cx)?, row.spending.get(cx)?);
    let allowed = if head.fund == 0 { passed.budget } else { spending.planned };
    Ok(Budget {
        decision,
        fund: head.fund,
        allowedFen: allowed.0,
        votedFen: passed.budget.0,
        linesFen: head.lines.0,
        committedFen: spending.committed.0,
        paidFen: spending.paid.0,
        settled: head.settled,
        reportDigest: row.report.get(cx)?,
        allotted: head.allotted,
        receivableFen: head.receivable.0,
    })
}

/// One payee.
///
/// # Errors
/// - [`UnknownPayee`].
pub(super) fn payee(cx: &mut Cx<'_>, payee_hash: B256) -> Res<Payee> {
    let row = st().payees.of(payee_hash);
    let head = row.head.get(cx)?;
    ensure!(head.version != 0, UnknownPayee { payeeHash: payee_hash });
    Ok(Payee {
        payeeHash: payee_hash,
        accountHash: row.account.get(cx)?,
        name: row.name.get(cx)?,
        knownAt: head.known_at,
        payableAt: requests::payable_at(cx, payee_hash)?,
        version: head.version,
    })
}

/// Bank lines of a fund, by date.
///
/// # Errors
/// - [`NoSuchFund`].
pub(super) fn movements(cx: &mut Cx<'_>, c: &movementsCall) -> Res<movementsReturn> {
    let list = fund_row(cx, c.ofFund)?.movements;
    let len = list.len(cx)?;
    let (items, next) = scan(cx, (c.cursor, c.limit, len), |cx, index| {
        let id = list.of(index).get(cx)?;
        let at = st().movements.of(id - 1).sums.get(cx)?.occurred_at;
        let wanted = at >= c.from && (c.until == 0 || at < c.until);
        if wanted { movement(cx, id).map(Some) } else { Ok(None) }
    })?;
    Ok(movementsReturn { items, next })
}

fn movement(cx: &mut Cx<'_>, id: u64) -> Res<Movement> {
    let row = movement_row(cx, id)?;
    let (head, sums) = (row.head.get(cx)?, row.sums.get(cx)?);
    Ok(Movement {
        id,
        fund: head.fund,
        kind: head.kind,
        amountFen: sums.amount.0,
        balanceFen: sums.balance.0,
        bankRef: row.bank_ref.get(cx)?,
        occurredAt: sums.occurred_at,
        recordedAt: sums.recorded_at,
        memo: row.memo.get(cx)?,
        request: head.request,
        decision: row.decision.get(cx)?,
        line: head.line,
        explanation: row.explanation.get(cx)?,
    })
}

/// Payments in the order they were asked, by state and fund.
pub(super) fn requests(cx: &mut Cx<'_>, c: &requestsCall) -> Res<requestsReturn> {
    let len = st().requests.len(cx)?;
    let (items, next) = scan(cx, (c.cursor, c.limit, len), |cx, index| {
        let head = st().requests.of(index).head.get(cx)?;
        let wanted = (c.state == 0 || head.state as u8 == c.state)
            && (c.ofFund == 0 || head.fund == c.ofFund);
        if wanted { request_of(cx, index + 1).map(Some) } else { Ok(None) }
    })?;
    Ok(requestsReturn { items, next })
}

/// One payment.
///
/// # Errors
/// - [`NoSuchRequest`].
pub(super) fn request_of(cx: &mut Cx<'_>, id: u64) -> Res<Request> {
    let row = request_row(cx, id)?;
    let (head, terms, times) = (row.head.get(cx)?, row.terms.get(cx)?, row.times.get(cx)?);
    let (asker, payee) = (row.asker.get(cx)?, row.payee.get(cx)?);
    let revision = requests::revision(cx, &row)?;
    let approvals = requests::signatures(cx, &row, revision)?.len();
    let seats = requests::seats(cx)?;
    let waits = head.state == RequestState::Requested;
    let payable_at = if waits { requests::payable_at(cx, payee)? } else { 0 };
    Ok(Request {
        id,
        fund: head.fund,
        line: head.line,
        decision: head.decision,
        amountFen: terms.amount.0,
        payeeHash: payee,
        payeeName: row.payee_name.get(cx)?,
        quoteDigest: row.quote.get(cx)?,
        invoiceDigest: row.invoice.get(cx)?,
        purpose: row.purpose.get(cx)?,
        stage: head.stage,
        state: head.state,
        requester: asker.account,
        requestedAt: times.requested_at,
        summedFen: terms.summed.0,
        tier: head.tier,
        approvals: u32::try_from(approvals).unwrap_or(u32::MAX),
        needed: rule::needed(head.tier as u8, asker.offices, seats),
        payableAt: payable_at,
        revision,
        orderedAt: times.ordered_at,
        hold: times.hold,
        movement: times.movement,
        reason: row.reason.get(cx)?,
    })
}

/// Signatures on a payment, void ones included.
///
/// # Errors
/// - [`NoSuchRequest`].
pub(super) fn approvals(cx: &mut Cx<'_>, id: u64) -> Res<Vec<Approval>> {
    let row = request_row(cx, id)?;
    let revision = requests::revision(cx, &row)?;
    let mut items = Vec::new();
    for index in 0..row.approvals.len(cx)? {
        let approval = row.approvals.of(index);
        let signature = approval.signature.get(cx)?;
        items.push(Approval {
            signer: signature.signer,
            offices: signature.offices,
            sentenceHash: approval.sentence.get(cx)?,
            signedAt: approval.signed_at.get(cx)?,
            holds: signature.revision == revision,
        });
    }
    Ok(items)
}

/// From a bank line back to request, signatures, budget line and decision.
///
/// # Errors
/// - [`NoSuchMovement`].
pub(super) fn trail(cx: &mut Cx<'_>, id: u64) -> Res<Trail> {
    let movement = movement(cx, id)?;
    let mut trail = Trail {
        decision: movement.decision,
        request: no_request(),
        approvals: Vec::new(),
        line: Line::default(),
        movement,
    };
    if trail.movement.request != 0 {
        trail.request = request_of(cx, trail.movement.request)?;
        trail.approvals = approvals(cx, trail.movement.request)?;
    }
    if trail.movement.line != 0 {
        trail.line = line(cx, trail.movement.line)?;
    }
    Ok(trail)
}

/// What stands for no request; the generated type has too many fields for a derived default.
fn no_request() -> Request {
    Request {
        id: 0,
        fund: 0,
        line: 0,
        decision: 0,
        amountFen: 0,
        payeeHash: B256::ZERO,
        payeeName: String::new(),
        quoteDigest: B256::ZERO,
        invoiceDigest: B256::ZERO,
        purpose: String::new(),
        stage: Stage::None,
        state: RequestState::None,
        requester: Address::ZERO,
        requestedAt: 0,
        summedFen: 0,
        tier: Tier::None,
        approvals: 0,
        needed: 0,
        payableAt: 0,
        revision: 0,
        orderedAt: 0,
        hold: 0,
        movement: 0,
        reason: String::new(),
    }
}

/// Statements of a fund, oldest first, all versions.
///
/// # Errors
/// - [`NoSuchFund`].
pub(super) fn statements(
    cx: &mut Cx<'_>,
    fund: u64,
    cursor: u64,
    limit: u64,
) -> Res<statementsReturn> {
    let list = fund_row(cx, fund)?.statements;
    let len = list.len(cx)?;
    let (items, next) = scan(cx, (cursor, limit, len), |cx, index| {
        let row = list.of(index);
        let (head, sums) = (row.head.get(cx)?, row.sums.get(cx)?);
        Ok(Some(Statement {
            fund,
            period: head.period,
            version: head.version,
            openingFen: head.opening.0,
            creditsFen: sums.credits.0,
            debitsFen: sums.debits.0,
            closingFen: head.closing.0,
            linesHash: row.lines_hash.get(cx)?,
            publishedAt: row.published_at.get(cx)?,
        }))
    })?;
    Ok(statementsReturn { items, next })
}

/// Parts of the units in a cost that is shared out, by unit number.
///
/// # Errors
/// - [`NotAllotted`].
pub(super) fn allotment(
    cx: &mut Cx<'_>,
    decision: u64,
    cursor: u64,
    limit: u64,
) -> Res<allotmentReturn> {
    let row = st().books.of(decision);
    ensure!(row.head.get(cx)?.allotted, NotAllotted { decision });
    let len = row.shares.len(cx)?;
    let (items, next) = scan(cx, (cursor, limit, len), |cx, index| {
        Ok(Some(share(&row.shares.of(index).get(cx)?)))
    })?;
    Ok(allotmentReturn { items, next })
}

/// A stored part as it is shown.
pub(super) fn share(parts: &ShareParts) -> IFunds::Share {
    IFunds::Share {
        unit: parts.unit,
        areaM2: parts.area.0,
        shareFen: parts.share.0,
        chargedFen: parts.charged.0,
        receivableFen: parts.share.0.saturating_sub(parts.charged.0),
    }
}

/// Balance of a unit inside a fund.
///
/// # Errors
/// - [`NoSuchFund`].
pub(super) fn unit_balance(cx: &mut Cx<'_>, fund: u64, unit: u64) -> Res<UnitBalance> {
    let money = fund_row(cx, fund)?.units.of(unit).get(cx)?;
    let (balance, receivable) = (money.balance.0, money.receivable.0);
    Ok(UnitBalance { unit, balanceFen: balance, receivableFen: receivable })
}
