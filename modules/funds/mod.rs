#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::prelude::*;
use crate::roles::{self, Office};
use crate::{address, decisions, documents, money, registry, rules};

mod allotment;
mod bank;
pub mod pages;
pub mod ranking;
mod requests;
pub mod rule;
#[cfg(test)]
mod tests;
mod view;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "funds/IFunds.sol" }
use IFunds::{AllotPhase, MovementKind, Purpose, RequestState, Stage, Tier, *};

abi_enum!(
    IFunds::AllotPhase,
    IFunds::MovementKind,
    IFunds::Purpose,
    IFunds::RequestState,
    IFunds::Stage,
    IFunds::Tier
);

/// Asset in which the funds are kept: the mirror of the community's bank money.
pub const ASSET: u32 = 1;
/// Longest public text in bytes.
const TEXT_BYTES_MAX: u64 = 200;
/// Longest bank serial in bytes (ISO 20022 `Max35Text`).
const BANK_REF_BYTES_MAX: u64 = 35;
/// Most units in one call.
const UNITS_MAX: u64 = 500;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Which offices may make the restricted calls.
pub const PERMITS: &[roles::Permit] = &[
    ("openFund", openFundCall::SELECTOR, &[Office::Chair, Office::StreetOffice, Office::Decision]),
    ("openLine", openLineCall::SELECTOR, &[Office::Treasurer, Office::Chair, Office::Decision]),
    ("setPayee", setPayeeCall::SELECTOR, &[Office::Manager, Office::Treasurer]),
    ("credit", creditCall::SELECTOR, &[Office::Bank]),
    ("debit", debitCall::SELECTOR, &[Office::Bank]),
    ("explain", explainCall::SELECTOR, &[Office::Treasurer]),
    ("statement", statementCall::SELECTOR, &[Office::Bank]),
    ("request", requestCall::SELECTOR, &[Office::Manager, Office::Treasurer]),
    ("approve", approveCall::SELECTOR, &requests::SIGNING),
    ("reject", rejectCall::SELECTOR, &[Office::Chair, Office::Member, Office::Treasurer]),
    ("confirmDebit", confirmDebitCall::SELECTOR, &[Office::Bank]),
    ("returnOrder", returnOrderCall::SELECTOR, &[Office::Bank]),
    ("openUnitBalances", openUnitBalancesCall::SELECTOR, &[Office::Bank, Office::Registrar]),
    ("settle", settleCall::SELECTOR, &[Office::Auditor, Office::StreetOffice]),
    ("allot", allotCall::SELECTOR, &[Office::Treasurer, Office::Manager]),
    ("allotPage", allotPageCall::SELECTOR, &[Office::Treasurer, Office::Manager]),
];

packed! {
    /// Money of a fund in fen, as the bank sees it.
    pub(super) struct FundMoney { balance: Fen, held: Fen, unexplained: Fen, unexplained_lines: u32 }
}
packed! {
    /// Money booked in one month.
    pub(super) struct MonthSums { credits: Fen, debits: Fen }
}
packed! {
    /// A unit's part in a fund.
    pub(super) struct UnitMoney { opened: bool, balance: Fen, receivable: Fen }
}
packed! {
    /// Planned money and what became of it.
    pub(super) struct Spending { planned: Fen, committed: Fen, paid: Fen }
}
packed! {
    pub(super) struct LineHead { fund: u64, decision: u64, year: u32, matter: u8 }
}
packed! {
    pub(super) struct BookHead { fund: u64, lines: Fen, receivable: Fen, settled: bool, allotted: bool }
}
packed! {
    /// How far the sharing out is: the next of the listed units, then of the entries, up to `end`.
    pub(super) struct Progress { phase: AllotPhase, next: u64, end: u64 }
}
packed! {
    pub(super) struct ShareParts { unit: u64, area: Area, share: Fen, charged: Fen }
}
packed! {
    pub(super) struct PayeeHead { known_at: u64, version: u32 }
}
packed! {
    pub(super) struct StatementHead { period: u32, version: u32, opening: Fen, closing: Fen }
}
packed! {
    pub(super) struct RequestHead {
        fund: u64, line: u64, decision: u64, state: RequestState, stage: Stage, tier: Tier,
    }
}
packed! {
    /// `version` is that of the payee when `revision` was set.
    pub(super) struct RequestTerms { amount: Fen, summed: Fen, revision: u32, version: u32 }
}
packed! {
    pub(super) struct RequestTimes { requested_at: u64, ordered_at: u64, hold: u64, movement: u64 }
}
packed! {
    /// Who asked and the offices held then.
    pub(super) struct Asker { account: Address, offices: u32 }
}
packed! {
    /// `revision` 0: taken back.
    pub(super) struct Signature { signer: Address, offices: u32, revision: u32 }
}
packed! {
    pub(super) struct MovementHead { fund: u64, request: u64, line: u64, kind: MovementKind }
}
packed! {
    pub(super) struct MovementSums { amount: Fen, balance: Fen, occurred_at: u64, recorded_at: u64 }
}
record! {
    pub(super) struct StatementRow {
        head: Slot<StatementHead>,
        sums: Slot<MonthSums>,
        lines_hash: Slot<B256>,
        published_at: Slot<u64>,
    }
}
record! {
    pub(super) struct FundRow {
        purpose: Slot<Purpose>,
        money: Slot<FundMoney>,
        units_total: Slot<Fen>,
        name: Text,
        movements: List<Slot<u64>>,
        months: Map<u32, Slot<MonthSums>>,
        statements: List<StatementRow>,
        versions: Map<u32, Slot<u32>>,
        units: Map<u64, Slot<UnitMoney>>,
    }
}
record! {
    pub(super) struct LineRow { head: Slot<LineHead>, spending: Slot<Spending>, name: Text }
}
record! {
    pub(super) struct BookRow {
        head: Slot<BookHead>,
        /// `planned` is what the decision allows: the budget voted, then the settled amount.
        spending: Slot<Spending>,
        report: Slot<B256>,
        shares: List<Slot<ShareParts>>,
        progress: Slot<Progress>,
        window: Slot<ranking::Window>,
        /// Units by bucket of an unfinished pass, eight counters a word.
        counts: Map<u64, Slot<U256>>,
    }
}
record! {
    pub(super) struct PayeeRow {
        head: Slot<PayeeHead>,
        account: Slot<B256>,
        name: Text,
        undecided: List<Slot<u64>>,
    }
}
record! {
    pub(super) struct ApprovalRow {
        signature: Slot<Signature>,
        sentence: Slot<B256>,
        signed_at: Slot<u64>,
    }
}
record! {
    pub(super) struct RequestRow {
        head: Slot<RequestHead>,
        terms: Slot<RequestTerms>,
        times: Slot<RequestTimes>,
        asker: Slot<Asker>,
        payee: Slot<B256>,
        quote: Slot<B256>,
        invoice: Slot<B256>,
        payee_name: Text,
        purpose: Text,
        reason: Text,
        approvals: List<ApprovalRow>,
        signed: Map<Address, Slot<u64>>,
    }
}
record! {
    pub(super) struct MovementRow {
        head: Slot<MovementHead>,
        sums: Slot<MovementSums>,
        decision: Slot<u64>,
        bank_ref: Text,
        memo: Text,
        explanation: Text,
    }
}
record! {
    pub(super) struct State {
        funds: List<FundRow>,
        lines: List<LineRow>,
        books: Map<u64, BookRow>,
        payees: Map<B256, PayeeRow>,
        requests: List<RequestRow>,
        movements: List<MovementRow>,
        bank_refs: Map<B256, Slot<u64>>,
        invoices: Map<B256, Slot<u64>>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    IFunds::abi::contract()
}

/// Account of a fund in `money`.
pub fn account_of(fund: u64) -> Address {
    money::sub_account(address::funds, fund)
}

fn fund_row(cx: &mut Cx<'_>, id: u64) -> Res<FundRow> {
    ensure!(id != 0 && id <= st().funds.len(cx)?, NoSuchFund { fund: id });
    Ok(st().funds.of(id - 1))
}

fn line_row(cx: &mut Cx<'_>, id: u64) -> Res<LineRow> {
    ensure!(id != 0 && id <= st().lines.len(cx)?, NoSuchLine { line: id });
    Ok(st().lines.of(id - 1))
}

fn request_row(cx: &mut Cx<'_>, id: u64) -> Res<RequestRow> {
    ensure!(id != 0 && id <= st().requests.len(cx)?, NoSuchRequest { request: id });
    Ok(st().requests.of(id - 1))
}

fn movement_row(cx: &mut Cx<'_>, id: u64) -> Res<MovementRow> {
    ensure!(id != 0 && id <= st().movements.len(cx)?, NoSuchMovement { movement: id });
    Ok(st().movements.of(id - 1))
}

fn check_text(text: &str, most: u64) -> Res<()> {
    let bytes = text.len() as u64;
    ensure!((1..=most).contains(&bytes), BadText { bytesGiven: bytes, bytesMost: most });
    Ok(())
}

/// Opens a fund.
///
/// Caller: chair, street office, or a passed decision.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`BadText`]: no name, or one too long.
/// - [`NoSuchPurpose`]: not 1, 2 or 3.
fn open_fund(cx: &mut Cx<'_>, name: &str, purpose: u8) -> Res<u64> {
    roles::allow::<openFundCall>(cx)?;
    check_text(name, TEXT_BYTES_MAX)?;
    let kind = Purpose::try_from(purpose).ok().filter(|kind| *kind != Purpose::None);
    let Some(kind) = kind else { return Err(NoSuchPurpose { purpose }.into()) };
    let (index, row) = st().funds.push(cx)?;
    row.purpose.set(cx, kind)?;
    row.name.set(cx, name)?;
    let fund = exact(index.checked_add(1))?;
    let account = account_of(fund);
    cx.emit(FundOpened { fund, purpose: kind, name: name.into(), account })?;
    Ok(fund)
}

/// Plans a budget line out of what a passed decision allows.
///
/// Caller: treasurer, chair, or a passed decision.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchFund`], [`BadText`], [`NoAmount`].
/// - [`NotDecided`]: the decision did not pass, or voted no money.
/// - [`WrongMatter`]: the maintenance fund without a decision on its use.
/// - [`OtherFund`]: the decision draws on another fund.
/// - [`OverBudget`]: the decision has less left.
fn open_line(cx: &mut Cx<'_>, c: &openLineCall) -> Res<u64> {
    roles::allow::<openLineCall>(cx)?;
    let fund = fund_row(cx, c.fund)?;
    check_text(&c.name, TEXT_BYTES_MAX)?;
    ensure!(c.plannedFen != 0, NoAmount {});
    let passed = book(cx, c.decision, c.fund)?;
    let maintenance = fund.purpose.get(cx)? == Purpose::Maintenance;
    let fits = !maintenance || passed.matter == decisions::MATTER_USE_FUND;
    ensure!(fits, WrongMatter { decision: c.decision, matter: passed.matter });
    let left = book_left(cx, c.decision)?;
    ensure!(left.0 >= c.plannedFen, OverBudget { leftFen: left.0, askedFen: c.plannedFen });
    let book = st().books.of(c.decision);
    let head = book.head.get(cx)?;
    let lines = exact(head.lines.checked_add(Fen(c.plannedFen)))?;
    book.head.set(cx, BookHead { lines, ..head })?;
    let (index, row) = st().lines.push(cx)?;
    let (decision, year, matter) = (c.decision, c.year, passed.matter);
    row.head.set(cx, LineHead { fund: c.fund, decision, year, matter })?;
    row.spending.set(cx, Spending { planned: Fen(c.plannedFen), ..Spending::default() })?;
    row.name.set(cx, &c.name)?;
    let line = exact(index.checked_add(1))?;
    cx.emit(LineOpened { line, fund: c.fund, year, plannedFen: c.plannedFen, decision })?;
    Ok(line)
}

/// The book of a passed decision, opened for this fund at the first use.
fn book(cx: &mut Cx<'_>, decision: u64, fund: u64) -> Res<decisions::Passed> {
    let passed = decisions::passed(cx, decision)?.filter(|passed| passed.budget != Fen::ZERO);
    let Some(passed) = passed else { return Err(NotDecided { decision }.into()) };
    let row = st().books.of(decision);
    let head = row.head.get(cx)?;
    if head.fund == 0 {
        row.head.set(cx, BookHead { fund, ..head })?;
        row.spending.set(cx, Spending { planned: passed.budget, ..Spending::default() })?;
    } else {
        ensure!(head.fund == fund, OtherFund { asked: fund, fund: head.fund });
    }
    Ok(passed)
}

fn book_left(cx: &mut Cx<'_>, decision: u64) -> Res<Fen> {
    let row = st().books.of(decision);
    let lines = row.head.get(cx)?.lines;
    let Spending { planned, committed, paid } = row.spending.get(cx)?;
    exact(rule::left(planned, committed, paid).and_then(|left| left.checked_sub(lines)))
}

/// Registers a payee or changes its bank account. A new account cools down, and signatures given
/// before the change are void.
///
/// Caller: manager or treasurer.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`BadText`]: no name, or one too long.
fn set_payee(cx: &mut Cx<'_>, payee: B256, account: B256, name: &str) -> Res<()> {
    roles::allow::<setPayeeCall>(cx)?;
    check_text(name, TEXT_BYTES_MAX)?;
    let row = st().payees.of(payee);
    let head = row.head.get(cx)?;
    let version = exact(head.version.checked_add(1))?;
    row.head.set(cx, PayeeHead { known_at: cx.now(), version })?;
    row.account.set(cx, account)?;
    row.name.set(cx, name)?;
    let payable_at = requests::payable_at(cx, payee)?;
    cx.emit(PayeeSet {
        payeeHash: payee,
        accountHash: account,
        name: name.into(),
        version,
        payableAt: payable_at,
    })
}

dispatch! { IFunds, cx;
    write openFundCall(c) => open_fund(cx, &c.name, c.purpose)?;
    write openLineCall(c) => open_line(cx, &c)?;
    write setPayeeCall(c) => set_payee(cx, c.payeeHash, c.accountHash, &c.name)?.into();
    write creditCall(c) => bank::credit(cx, &c)?;
    write debitCall(c) => bank::debit(cx, &c)?;
    write explainCall(c) => bank::explain(cx, c.movement, c.line, &c.explanation)?.into();
    write statementCall(c) => bank::statement(cx, &c)?.into();
    write requestCall(c) => requests::request(cx, &c.draft)?;
    write editCall(c) => requests::edit(cx, &c)?.into();
    write approveCall(c) => requests::approve(cx, c.id, c.revision, c.sentenceHash)?.into();
    write revokeCall(c) => requests::revoke(cx, c.id)?.into();
    write rejectCall(c) => requests::reject(cx, c.id, &c.reason)?.into();
    write withdrawCall(c) => requests::withdraw(cx, c.id, &c.reason)?.into();
    write confirmDebitCall(c) => bank::confirm_debit(cx, c.id, &c.bankRef, c.occurredAt)?;
    write returnOrderCall(c) => bank::return_order(cx, c.id, &c.reason)?.into();
    write openUnitBalancesCall(c) => allotment::open_unit_balances(cx, &c)?.into();
    write settleCall(c) => allotment::settle(cx, c.decision, c.finalFen, c.reportDigest)?.into();
    write allotCall(c) => pages::allot(cx, c.decision)?.into();
    write allotPageCall(c) => pages::allot_page(cx, c.decision, c.atMost)?.into();
    view fundsCall(c) => view::funds(cx, c.cursor, c.limit)?;
    view fundCall(c) => view::fund(cx, c.id)?;
    view linesCall(c) => view::lines(cx, &c)?;
    view lineCall(c) => view::line(cx, c.id)?;
    view budgetCall(c) => view::budget(cx, c.decision)?;
    view payeeCall(c) => view::payee(cx, c.payeeHash)?;
    view movementsCall(c) => view::movements(cx, &c)?;
    view requestsCall(c) => view::requests(cx, &c)?;
    view requestOfCall(c) => view::request_of(cx, c.id)?;
    view approvalsCall(c) => view::approvals(cx, c.id)?;
    view trailCall(c) => view::trail(cx, c.movement)?;
    view statementsCall(c) => view::statements(cx, c.ofFund, c.cursor, c.limit)?;
    view allotmentCall(c) => view::allotment(cx, c.decision, c.cursor, c.limit)?;
    view allotmentProgressCall(c) => pages::progress(cx, c.decision)?;
    view estimateCall(c) => allotment::estimate(cx, c.decision, c.unit)?;
    view unitBalanceCall(c) => view::unit_balance(cx, c.ofFund, c.unit)?;
}
