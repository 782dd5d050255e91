//! A payment from the first ask to the order: what it stands on, whose signatures it needs, what voids them.

use std::collections::BTreeSet;

use super::*;

/// Offices that sign for payments.
pub(super) const SIGNING: [Office; 4] =
    [Office::Chair, Office::Member, Office::Treasurer, Office::Manager];

/// Version of the payee that marks an order: what was signed stays signed. Payees count from 1.
const ORDERED: u32 = 0;

/// Most of a payee's payments that are looked at for the sum of the last days.
const RECENT_MAX: u64 = 200;

fn offices_of(cx: &mut Cx<'_>, account: Address) -> Res<u32> {
    let mut mask = 0;
    for office in SIGNING {
        if roles::holds(cx, account, office)? {
            mask |= office.bit();
        }
    }
    Ok(mask)
}

/// First second at which a payment to this payee may be signed; 0 for an unknown one.
pub(super) fn payable_at(cx: &mut Cx<'_>, payee: B256) -> Res<u64> {
    let head = st().payees.of(payee).head.get(cx)?;
    if head.version == 0 {
        return Ok(0);
    }
    let hours = rules::number(cx, "spend.payee_cooldown_hours")?;
    exact(hours.checked_mul(HOUR).and_then(|wait| head.known_at.checked_add(wait)))
}

/// Seats of the committee, a majority of which signs.
pub(super) fn seats(cx: &mut Cx<'_>) -> Res<u64> {
    rules::number(cx, "committee.seats_min")
}

/// Revision as signers see it: every change of the payment or of the payee's account counts it up
/// until the order.
pub(super) fn revision(cx: &mut Cx<'_>, row: &RequestRow) -> Res<u32> {
    let (terms, payee) = (row.terms.get(cx)?, row.payee.get(cx)?);
    if terms.version == ORDERED {
        return Ok(terms.revision);
    }
    let version = st().payees.of(payee).head.get(cx)?.version;
    let changes = exact(version.checked_sub(terms.version))?;
    exact(terms.revision.checked_add(changes))
}

/// Decision whose ballots allow a payment, by itself or through the budget line.
pub(super) fn decision_of(cx: &mut Cx<'_>, head: &RequestHead) -> Res<u64> {
    if head.line == 0 {
        return Ok(head.decision);
    }
    Ok(st().lines.of(head.line - 1).head.get(cx)?.decision)
}

fn spending_of(head: &RequestHead) -> Slot<Spending> {
    if head.line == 0 {
        st().books.of(head.decision).spending
    } else {
        st().lines.of(head.line - 1).spending
    }
}

/// Takes an amount out of what is committed, and into what is paid where it was.
pub(super) fn move_commitment(
    cx: &mut Cx<'_>,
    head: &RequestHead,
    amount: Fen,
    is_paid: bool,
) -> Res<()> {
    let slot = spending_of(head);
    let mut spending = slot.get(cx)?;
    spending.committed = exact(spending.committed.checked_sub(amount))?;
    if is_paid {
        spending.paid = exact(spending.paid.checked_add(amount))?;
    }
    slot.set(cx, spending)
}

/// Ends a request unpaid: the commitment is undone and the invoice may be used again.
pub(super) fn end(
    cx: &mut Cx<'_>,
    id: u64,
    row: &RequestRow,
    state: RequestState,
    reason: &str,
) -> Res<()> {
    check_text(reason, TEXT_BYTES_MAX)?;
    let head = row.head.get(cx)?;
    let amount = row.terms.get(cx)?.amount;
    move_commitment(cx, &head, amount, false)?;
    let invoice = row.invoice.get(cx)?;
    if !invoice.is_zero() {
        st().invoices.of(invoice).set(cx, 0)?;
    }
    row.head.set(cx, RequestHead { state, ..head })?;
    row.reason.set(cx, reason)?;
    cx.emit(PaymentEnded { request: id, state, reason: reason.into() })
}

/// What a payment stands on: whether a decision of the owners covers it, and what is left.
fn basis(cx: &mut Cx<'_>, draft: &Draft, stage: Stage) -> Res<(bool, Fen)> {
    ensure!((draft.line == 0) != (draft.decision == 0), OneBasis {});
    if draft.line != 0 {
        let row = line_row(cx, draft.line)?;
        let head = row.head.get(cx)?;
        ensure!(head.fund == draft.fund, OtherFund { asked: draft.fund, fund: head.fund });
        let spending = row.spending.get(cx)?;
        let left = rule::left(spending.planned, spending.committed, spending.paid);
        return Ok((head.matter == decisions::MATTER_USE_FUND, exact(left)?));
    }
    let decision = draft.decision;
    let passed = book(cx, decision, draft.fund)?;
    let (matter, decided) = (passed.matter, passed.payee_hash);
    ensure!(matter == decisions::MATTER_USE_FUND, WrongMatter { decision, matter });
    ensure!(decided.is_zero() || decided == draft.payeeHash, OtherPayee { decided });
    let settled = st().books.of(decision).head.get(cx)?.settled;
    ensure!(stage != Stage::Final || settled, NotSettled { decision });
    Ok((true, book_left(cx, decision)?))
}

/// This amount and the payee's other payments within the window that no decision covers.
fn summed(cx: &mut Cx<'_>, id: u64, payee: B256, amount: Fen) -> Res<Fen> {
    let window = exact(rules::number(cx, "spend.split_days")?.checked_mul(DAY))?;
    let list = st().payees.of(payee).undecided;
    let len = list.len(cx)?;
    let (mut sum, mut counted) = (amount, BTreeSet::new());
    for index in (0..len).rev() {
        let other = list.of(index).get(cx)?;
        let row = st().requests.of(other - 1);
        let recent = row.times.get(cx)?.requested_at.saturating_add(window) >= cx.now();
        let in_reach = len - index <= RECENT_MAX;
        ensure!(in_reach || !recent, TooManyRequests { payeeHash: payee });
        if !in_reach {
            break;
        }
        let live = matches!(
            row.head.get(cx)?.state,
            RequestState::Requested | RequestState::Ordered | RequestState::Paid
        );
        let due = recent && live && other != id && row.payee.get(cx)? == payee;
        // One whose payee was changed and changed back stands twice in the list.
        if due && counted.insert(other) {
            sum = exact(sum.checked_add(row.terms.get(cx)?.amount))?;
        }
    }
    Ok(sum)
}

/// Checks a payment against what it stands on and finds its tier.
fn judge(cx: &mut Cx<'_>, id: u64, draft: &Draft, stage: Stage) -> Res<(Tier, Fen)> {
    ensure!(draft.amountFen != 0, NoAmount {});
    let known = st().payees.of(draft.payeeHash).head.get(cx)?.version != 0;
    ensure!(known, UnknownPayee { payeeHash: draft.payeeHash });
    if !draft.quoteDigest.is_zero() {
        documents::require_known(cx, draft.quoteDigest)?;
    }
    let invoice = draft.invoiceDigest;
    if !invoice.is_zero() {
        documents::require_known(cx, invoice)?;
        let request = st().invoices.of(invoice).get(cx)?;
        ensure!(request == 0, InvoiceUsed { invoiceDigest: invoice, request });
    }
    let (covered, left) = basis(cx, draft, stage)?;
    ensure!(left.0 >= draft.amountFen, OverBudget { leftFen: left.0, askedFen: draft.amountFen });
    if covered {
        return Ok((Tier::Assembly, Fen(draft.amountFen)));
    }
    let limits = rule::Limits {
        small: rules::number(cx, "spend.manager_max")?,
        medium: rules::number(cx, "spend.treasurer_max")?,
        committee: rules::number(cx, "spend.committee_max")?,
    };
    let sum = summed(cx, id, draft.payeeHash, Fen(draft.amountFen))?;
    let tier = Tier::try_from(rule::tier(sum.0, &limits)).unwrap_or(Tier::Assembly);
    let most = limits.committee;
    ensure!(tier != Tier::Assembly, DecisionRequired { summedFen: sum.0, mostFen: most });
    Ok((tier, sum))
}

/// Asks for a payment. The amount is committed at once, so that two asks never share the same money.
///
/// Caller: manager or treasurer.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchFund`], [`NoSuchStage`], [`BadText`], [`NoAmount`].
/// - [`UnknownPayee`]; a refusal of `documents`: quote or invoice not on file; [`InvoiceUsed`].
/// - [`OneBasis`], [`NoSuchLine`], [`NotDecided`], [`OtherFund`], [`WrongMatter`], [`OtherPayee`],
///   [`NotSettled`]: what it stands on does not carry it.
/// - [`OverBudget`]: less is left.
/// - [`TooManyRequests`], [`DecisionRequired`]: beyond what the committee may sign for.
pub(super) fn request(cx: &mut Cx<'_>, draft: &Draft) -> Res<u64> {
    roles::allow::<requestCall>(cx)?;
    fund_row(cx, draft.fund)?;
    let stage = Stage::try_from(draft.stage).ok().filter(|stage| *stage != Stage::None);
    let Some(stage) = stage else { return Err(NoSuchStage { stage: draft.stage }.into()) };
    check_text(&draft.purpose, TEXT_BYTES_MAX)?;
    let (tier, sum) = judge(cx, 0, draft, stage)?;
    let (index, row) = st().requests.push(cx)?;
    let id = exact(index.checked_add(1))?;
    let head = RequestHead {
        fund: draft.fund,
        line: draft.line,
        decision: draft.decision,
        state: RequestState::Requested,
        stage,
        tier,
    };
    row.head.set(cx, head)?;
    row.times.set(cx, RequestTimes { requested_at: cx.now(), ..RequestTimes::default() })?;
    let account = cx.caller;
    let offices = offices_of(cx, account)?;
    row.asker.set(cx, Asker { account, offices })?;
    row.quote.set(cx, draft.quoteDigest)?;
    row.purpose.set(cx, &draft.purpose)?;
    commit(cx, id, &row, draft, sum, 1)?;
    let (amount, payee) = (draft.amountFen, draft.payeeHash);
    cx.emit(PaymentRequested {
        request: id,
        fund: draft.fund,
        amountFen: amount,
        payeeHash: payee,
        tier,
    })?;
    Ok(id)
}

/// Writes what a request asks and takes it out of what is left.
fn commit(
    cx: &mut Cx<'_>,
    id: u64,
    row: &RequestRow,
    draft: &Draft,
    sum: Fen,
    revision: u32,
) -> Res<()> {
    let (head, amount, payee) = (row.head.get(cx)?, Fen(draft.amountFen), draft.payeeHash);
    let version = st().payees.of(payee).head.get(cx)?.version;
    let is_listed = revision > 1 && row.payee.get(cx)? == payee;
    row.terms.set(cx, RequestTerms { amount, summed: sum, revision, version })?;
    row.payee.set(cx, payee)?;
    let name = st().payees.of(payee).name.get(cx)?;
    row.payee_name.set(cx, &name)?;
    row.invoice.set(cx, draft.invoiceDigest)?;
    if !draft.invoiceDigest.is_zero() {
        st().invoices.of(draft.invoiceDigest).set(cx, id)?;
    }
    if head.tier != Tier::Assembly && !is_listed {
        st().payees.of(payee).undecided.push(cx)?.1.set(cx, id)?;
    }
    let slot = spending_of(&head);
    let spending = slot.get(cx)?;
    let committed = exact(spending.committed.checked_add(amount))?;
    slot.set(cx, Spending { committed, ..spending })
}

/// The request, while it waits for signatures.
fn waiting(cx: &mut Cx<'_>, id: u64) -> Res<(RequestRow, RequestHead)> {
    let row = request_row(cx, id)?;
    let head = row.head.get(cx)?;
    let waits = head.state == RequestState::Requested;
    ensure!(waits, WrongState { request: id, state: head.state });
    Ok((row, head))
}

fn own(cx: &mut Cx<'_>, id: u64, row: &RequestRow) -> Res<()> {
    let requester = row.asker.get(cx)?.account;
    ensure!(requester == cx.caller, NotRequester { request: id, requester });
    Ok(())
}

/// Changes amount, payee or invoice before the order. All signatures are void.
///
/// Caller: who asked.
///
/// # Errors
/// - [`NoSuchRequest`], [`WrongState`], [`NotRequester`].
/// - as for a new request, from [`NoAmount`] on.
pub(super) fn edit(cx: &mut Cx<'_>, c: &editCall) -> Res<()> {
    let (row, head) = waiting(cx, c.id)?;
    own(cx, c.id, &row)?;
    let revision = exact(revision(cx, &row)?.checked_add(1))?;
    let (amount, invoice) = (row.terms.get(cx)?.amount, row.invoice.get(cx)?);
    move_commitment(cx, &head, amount, false)?;
    if !invoice.is_zero() {
        st().invoices.of(invoice).set(cx, 0)?;
    }
    let draft = Draft {
        fund: head.fund,
        line: head.line,
        decision: head.decision,
        amountFen: c.amountFen,
        payeeHash: c.payeeHash,
        quoteDigest: row.quote.get(cx)?,
        invoiceDigest: c.invoiceDigest,
        purpose: String::new(),
        stage: head.stage as u8,
    };
    let (tier, sum) = judge(cx, c.id, &draft, head.stage)?;
    row.head.set(cx, RequestHead { tier, ..head })?;
    commit(cx, c.id, &row, &draft, sum, revision)?;
    cx.emit(PaymentEdited {
        request: c.id,
        amountFen: c.amountFen,
        payeeHash: c.payeeHash,
        tier,
        revision,
    })
}

/// Signs for a payment as shown. The last signature needed orders it.
///
/// Caller: chair, committee member, treasurer or manager, but not who asked.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchRequest`], [`WrongState`].
/// - [`OwnRequest`]: the caller asked for it.
/// - [`StaleRevision`]: it changed since the caller read it.
/// - [`AlreadySigned`].
/// - [`PayeeCooling`]: the payee's account is too new.
/// - a refusal of `money`: the fund has less than the order needs.
pub(super) fn approve(cx: &mut Cx<'_>, id: u64, asked: u32, sentence: B256) -> Res<()> {
    roles::allow::<approveCall>(cx)?;
    let (row, head) = waiting(cx, id)?;
    let (signer, asker) = (cx.caller, row.asker.get(cx)?);
    ensure!(asker.account != signer, OwnRequest { request: id });
    let revision = revision(cx, &row)?;
    ensure!(asked == revision, StaleRevision { request: id, revision });
    let place = row.signed.of(signer);
    let position = place.get(cx)?;
    let approval = if position == 0 {
        let (index, approval) = row.approvals.push(cx)?;
        place.set(cx, exact(index.checked_add(1))?)?;
        approval
    } else {
        row.approvals.of(position - 1)
    };
    let signed = approval.signature.get(cx)?.revision == revision;
    ensure!(!signed, AlreadySigned { request: id, signer });
    let payee = row.payee.get(cx)?;
    let payable = payable_at(cx, payee)?;
    ensure!(cx.now() >= payable, PayeeCooling { payeeHash: payee, payableAt: payable });
    let offices = offices_of(cx, signer)?;
    approval.signature.set(cx, Signature { signer, offices, revision })?;
    approval.sentence.set(cx, sentence)?;
    approval.signed_at.set(cx, cx.now())?;
    cx.emit(PaymentApproved { request: id, signer, offices, sentenceHash: sentence })?;
    let signed = signatures(cx, &row, revision)?;
    if rule::suffices(head.tier as u8, asker.offices, &signed, seats(cx)?) {
        return order(cx, id, &row, head);
    }
    Ok(())
}

/// Offices of each signer whose signature holds.
pub(super) fn signatures(cx: &mut Cx<'_>, row: &RequestRow, revision: u32) -> Res<Vec<u32>> {
    let mut signed = Vec::new();
    for index in 0..row.approvals.len(cx)? {
        let signature = row.approvals.of(index).signature.get(cx)?;
        if signature.revision == revision {
            signed.push(signature.offices);
        }
    }
    Ok(signed)
}

fn order(cx: &mut Cx<'_>, id: u64, row: &RequestRow, head: RequestHead) -> Res<()> {
    let (revision, terms) = (revision(cx, row)?, row.terms.get(cx)?);
    row.terms.set(cx, RequestTerms { revision, version: ORDERED, ..terms })?;
    let amount = terms.amount;
    let hold = money::hold(cx, ASSET, account_of(head.fund), amount, U256::from(id).into())?;
    let fund = st().funds.of(head.fund - 1);
    let money = fund.money.get(cx)?;
    let held = exact(money.held.checked_add(amount))?;
    fund.money.set(cx, FundMoney { held, ..money })?;
    let times = row.times.get(cx)?;
    row.times.set(cx, RequestTimes { ordered_at: cx.now(), hold, ..times })?;
    row.head.set(cx, RequestHead { state: RequestState::Ordered, ..head })?;
    cx.emit(PaymentOrdered { request: id, amountFen: amount.0, hold })
}

/// Takes one's signature back before the order.
///
/// Caller: who signed.
///
/// # Errors
/// - [`NoSuchRequest`], [`WrongState`].
/// - [`NotSigned`]: the caller has no signature on it.
pub(super) fn revoke(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let (row, _) = waiting(cx, id)?;
    let signer = cx.caller;
    let position = row.signed.of(signer).get(cx)?;
    ensure!(position != 0, NotSigned { request: id, signer });
    let slot = row.approvals.of(position - 1).signature;
    let signature = slot.get(cx)?;
    ensure!(signature.revision != 0, NotSigned { request: id, signer });
    slot.set(cx, Signature { revision: 0, ..signature })?;
    cx.emit(ApprovalRevoked { request: id, signer })
}

/// Refuses a request before the order.
///
/// Caller: chair, committee member or treasurer.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchRequest`], [`WrongState`].
/// - [`BadText`]: no reason, or one too long.
pub(super) fn reject(cx: &mut Cx<'_>, id: u64, reason: &str) -> Res<()> {
    roles::allow::<rejectCall>(cx)?;
    let (row, _) = waiting(cx, id)?;
    end(cx, id, &row, RequestState::Rejected, reason)
}

/// Withdraws a request before the order.
///
/// Caller: who asked.
///
/// # Errors
/// - [`NoSuchRequest`], [`WrongState`], [`NotRequester`].
/// - [`BadText`]: no reason, or one too long.
pub(super) fn withdraw(cx: &mut Cx<'_>, id: u64, reason: &str) -> Res<()> {
    let (row, _) = waiting(cx, id)?;
    own(cx, id, &row)?;
    end(cx, id, &row, RequestState::Withdrawn, reason)
}
