//! Lines of the bank: money that came in, orders that were executed, debits nobody ordered, statements.

use super::*;

/// What is known of a bank line before it is booked.
pub(super) struct BankLine<'a> {
    fund: u64,
    amount: Fen,
    bank_ref: &'a str,
    occurred_at: u64,
    memo: &'a str,
}

fn check(cx: &mut Cx<'_>, line: &BankLine<'_>) -> Res<FundRow> {
    let fund = fund_row(cx, line.fund)?;
    ensure!(line.amount != Fen::ZERO, NoAmount {});
    check_text(line.bank_ref, BANK_REF_BYTES_MAX)?;
    let past = line.occurred_at <= cx.now();
    ensure!(past, InTheFuture { occurredAt: line.occurred_at });
    let movement = st().bank_refs.of(keccak256(line.bank_ref)).get(cx)?;
    ensure!(movement == 0, BankRefUsed { bankRef: line.bank_ref.into(), movement });
    Ok(fund)
}

/// Puts a line on the book of its fund. The money itself has moved before.
fn book_line(
    cx: &mut Cx<'_>,
    line: &BankLine<'_>,
    kind: MovementKind,
    balance: Fen,
    (request, budget_line, decision): (u64, u64, u64),
) -> Res<u64> {
    let (index, row) = st().movements.push(cx)?;
    let id = exact(index.checked_add(1))?;
    let (amount, occurred_at) = (line.amount, line.occurred_at);
    row.head.set(cx, MovementHead { fund: line.fund, request, line: budget_line, kind })?;
    row.sums.set(cx, MovementSums { amount, balance, occurred_at, recorded_at: cx.now() })?;
    row.decision.set(cx, decision)?;
    row.bank_ref.set(cx, line.bank_ref)?;
    row.memo.set(cx, line.memo)?;
    st().bank_refs.of(keccak256(line.bank_ref)).set(cx, id)?;
    let fund = st().funds.of(line.fund - 1);
    fund.movements.push(cx)?.1.set(cx, id)?;
    let month = fund.months.of(rule::period_of(occurred_at));
    let mut sums = month.get(cx)?;
    let side = if kind == MovementKind::Credit { &mut sums.credits } else { &mut sums.debits };
    *side = exact(side.checked_add(amount))?;
    month.set(cx, sums)?;
    let (fund, amount, balance) = (line.fund, amount.0, balance.0);
    if kind == MovementKind::Credit {
        cx.emit(Credited { fund, movement: id, amountFen: amount, balanceFen: balance })?;
    } else {
        cx.emit(Debited { fund, movement: id, amountFen: amount, balanceFen: balance, request })?;
    }
    Ok(id)
}

/// Books money that came in.
///
/// Caller: bank.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchFund`], [`NoAmount`], [`BadText`], [`InTheFuture`], [`BankRefUsed`].
pub(super) fn credit(cx: &mut Cx<'_>, c: &creditCall) -> Res<u64> {
    roles::allow::<creditCall>(cx)?;
    let line = BankLine {
        fund: c.fund,
        amount: Fen(c.amountFen),
        bank_ref: &c.bankRef,
        occurred_at: c.occurredAt,
        memo: &c.memo,
    };
    check_text(&c.memo, TEXT_BYTES_MAX)?;
    let fund = check(cx, &line)?;
    money::issue(cx, ASSET, account_of(c.fund), line.amount, keccak256(&c.bankRef))?;
    let money = fund.money.get(cx)?;
    let balance = exact(money.balance.checked_add(line.amount))?;
    fund.money.set(cx, FundMoney { balance, ..money })?;
    book_line(cx, &line, MovementKind::Credit, balance, (0, 0, 0))
}

/// Books money that went out without an order. It shows as unexplained until somebody says what it was.
///
/// Caller: bank.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`BadText`], [`NoSuchFund`], [`NoAmount`], [`InTheFuture`], [`BankRefUsed`].
/// - a refusal of `money`: the fund has less that is free.
pub(super) fn debit(cx: &mut Cx<'_>, c: &debitCall) -> Res<u64> {
    roles::allow::<debitCall>(cx)?;
    let line = BankLine {
        fund: c.fund,
        amount: Fen(c.amountFen),
        bank_ref: &c.bankRef,
        occurred_at: c.occurredAt,
        memo: &c.memo,
    };
    check_text(&c.memo, TEXT_BYTES_MAX)?;
    let fund = check(cx, &line)?;
    money::burn(cx, ASSET, account_of(c.fund), line.amount, keccak256(&c.bankRef))?;
    let money = fund.money.get(cx)?;
    let balance = exact(money.balance.checked_sub(line.amount))?;
    fund.money.set(cx, FundMoney {
        balance,
        unexplained: exact(money.unexplained.checked_add(line.amount))?,
        unexplained_lines: exact(money.unexplained_lines.checked_add(1))?,
        ..money
    })?;
    book_line(cx, &line, MovementKind::Unexplained, balance, (0, 0, 0))
}

/// Says what an unexplained debit was and charges it to a line.
///
/// Caller: treasurer.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchMovement`], [`NoSuchLine`], [`BadText`].
/// - [`NotUnexplained`]: it has a reason.
/// - [`OtherFund`]: the line is another fund's.
/// - [`OverBudget`]: the line has less left.
pub(super) fn explain(cx: &mut Cx<'_>, movement: u64, line: u64, text: &str) -> Res<()> {
    roles::allow::<explainCall>(cx)?;
    let (row, budget) = (movement_row(cx, movement)?, line_row(cx, line)?);
    check_text(text, TEXT_BYTES_MAX)?;
    let head = row.head.get(cx)?;
    ensure!(head.kind == MovementKind::Unexplained, NotUnexplained { movement });
    let line_head = budget.head.get(cx)?;
    ensure!(line_head.fund == head.fund, OtherFund { asked: head.fund, fund: line_head.fund });
    let amount = row.sums.get(cx)?.amount;
    let spending = budget.spending.get(cx)?;
    let left = exact(rule::left(spending.planned, spending.committed, spending.paid))?;
    ensure!(left >= amount, OverBudget { leftFen: left.0, askedFen: amount.0 });
    let paid = exact(spending.paid.checked_add(amount))?;
    budget.spending.set(cx, Spending { paid, ..spending })?;
    row.head.set(cx, MovementHead { kind: MovementKind::Explained, line, ..head })?;
    row.decision.set(cx, line_head.decision)?;
    row.explanation.set(cx, text)?;
    let fund = st().funds.of(head.fund - 1);
    let money = fund.money.get(cx)?;
    fund.money.set(cx, FundMoney {
        unexplained: exact(money.unexplained.checked_sub(amount))?,
        unexplained_lines: exact(money.unexplained_lines.checked_sub(1))?,
        ..money
    })?;
    cx.emit(DebitExplained { movement, line, explanation: text.into() })
}

/// Publishes a month's statement. Publishing again makes a new version, both stay.
///
/// Caller: bank.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchFund`], [`BadPeriod`].
/// - [`OpeningDiffers`]: the opening is not the closing of the month before.
/// - [`NotBalanced`]: opening + credits - debits of the lines booked is not closing.
pub(super) fn statement(cx: &mut Cx<'_>, c: &statementCall) -> Res<()> {
    roles::allow::<statementCall>(cx)?;
    let fund = fund_row(cx, c.fund)?;
    ensure!(rule::is_period(c.period), BadPeriod { period: c.period });
    let count = fund.statements.len(cx)?;
    if let Some(last) = count.checked_sub(1) {
        let last = fund.statements.of(last).head.get(cx)?;
        let (opening, closed) = (c.openingFen, last.period == c.period);
        let wanted = if closed { last.opening } else { last.closing };
        ensure!(
            wanted.0 == opening && c.period >= last.period,
            OpeningDiffers { openingFen: opening, lastClosingFen: wanted.0 }
        );
    }
    let sums = fund.months.of(c.period).get(cx)?;
    let (credits, debits) = (sums.credits.0, sums.debits.0);
    ensure!(
        rule::balances(c.openingFen, credits, debits, c.closingFen),
        NotBalanced {
            openingFen: c.openingFen,
            creditsFen: credits,
            debitsFen: debits,
            closingFen: c.closingFen,
        }
    );
    let version = fund.versions.of(c.period).next(cx)?;
    let (opening, closing) = (Fen(c.openingFen), Fen(c.closingFen));
    let row = fund.statements.push(cx)?.1;
    row.head.set(cx, StatementHead { period: c.period, version, opening, closing })?;
    row.sums.set(cx, sums)?;
    row.lines_hash.set(cx, c.linesHash)?;
    row.published_at.set(cx, cx.now())?;
    cx.emit(StatementPublished {
        fund: c.fund,
        period: c.period,
        version,
        closingFen: c.closingFen,
        linesHash: c.linesHash,
    })
}

/// Confirms that an order was executed.
///
/// Caller: bank.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchRequest`].
/// - [`WrongState`]: not ordered.
/// - [`BadText`], [`InTheFuture`], [`BankRefUsed`].
pub(super) fn confirm_debit(
    cx: &mut Cx<'_>,
    id: u64,
    bank_ref: &str,
    occurred_at: u64,
) -> Res<u64> {
    roles::allow::<confirmDebitCall>(cx)?;
    let row = request_row(cx, id)?;
    let head = row.head.get(cx)?;
    ensure!(
        head.state == RequestState::Ordered,
        WrongState { request: id, state: head.state }
    );
    let (amount, times) = (row.terms.get(cx)?.amount, row.times.get(cx)?);
    let memo = row.purpose.get(cx)?;
    let line = BankLine { fund: head.fund, amount, bank_ref, occurred_at, memo: &memo };
    let fund = check(cx, &line)?;
    // What is ordered has left the fund for the bank: it passes through the clearing account and is gone.
    let clearing = account_of(0);
    money::capture(cx, times.hold, clearing, amount)?;
    money::burn(cx, ASSET, clearing, amount, keccak256(bank_ref))?;
    let money = fund.money.get(cx)?;
    let balance = exact(money.balance.checked_sub(amount))?;
    let held = exact(money.held.checked_sub(amount))?;
    fund.money.set(cx, FundMoney { balance, held, ..money })?;
    requests::move_commitment(cx, &head, amount, true)?;
    let decision = requests::decision_of(cx, &head)?;
    let basis = (id, head.line, decision);
    let movement = book_line(cx, &line, MovementKind::Payment, balance, basis)?;
    row.head.set(cx, RequestHead { state: RequestState::Paid, ..head })?;
    row.times.set(cx, RequestTimes { hold: 0, movement, ..times })?;
    cx.emit(PaymentEnded { request: id, state: RequestState::Paid, reason: String::new() })?;
    Ok(movement)
}

/// Reports that an order was not executed. The money is free again, and so is the invoice.
///
/// Caller: bank.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchRequest`].
/// - [`WrongState`]: not ordered.
/// - [`BadText`]: no reason, or one too long.
pub(super) fn return_order(cx: &mut Cx<'_>, id: u64, reason: &str) -> Res<()> {
    roles::allow::<returnOrderCall>(cx)?;
    let row = request_row(cx, id)?;
    let head = row.head.get(cx)?;
    ensure!(
        head.state == RequestState::Ordered,
        WrongState { request: id, state: head.state }
    );
    let (amount, times) = (row.terms.get(cx)?.amount, row.times.get(cx)?);
    money::release(cx, times.hold)?;
    let fund = st().funds.of(head.fund - 1);
    let money = fund.money.get(cx)?;
    let held = exact(money.held.checked_sub(amount))?;
    fund.money.set(cx, FundMoney { held, ..money })?;
    row.times.set(cx, RequestTimes { hold: 0, ..times })?;
    requests::end(cx, id, &row, RequestState::Returned, reason)
}
