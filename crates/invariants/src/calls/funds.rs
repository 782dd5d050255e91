use tulou_modules::funds::{
    IFunds::{self, MovementKind, RequestState},
    rule,
};

use super::*;
use crate::{
    people::{
        AUDITOR, BANK, CHAIR, COMMITTEE, HOUR, MANAGER, REGISTRAR, STREET, TREASURER, paper, payee,
    },
    world::{BUDGET, OPENING, draft},
};

ops! { "funds": {
    "openFund" => open_fund,
    "openLine" => open_line,
    "setPayee" => set_payee,
    "credit" => credit,
    "debit" => debit,
    "explain" => explain,
    "statement" => statement,
    "request" => request,
    "edit" => edit,
    "approve" => approve,
    "revoke" => revoke,
    "reject" => reject,
    "withdraw" => withdraw,
    "confirmDebit" => confirm_debit,
    "returnOrder" => return_order,
    "openUnitBalances" => open_unit_balances,
    "settle" => settle,
    "allot" => allot,
    "allotPage" => allot_page,
} }

const AT: Address = address::funds;
/// Units of the largest page of an allotment.
const PAGE: u32 = 220;

fn funds(g: &mut Gen<'_, '_>) -> Vec<IFunds::Fund> {
    g.see(AT, &IFunds::fundsCall { cursor: 0, limit: 200 }).items
}

/// A fund: one of the first two as a rule.
fn fund(g: &mut Gen<'_, '_>) -> u64 {
    if g.source.one_in(10) {
        let count = funds(g).len() as u64;
        return g.source.id(count);
    }
    g.source.pick(&[1, 2])
}

fn open_fund(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (name, purpose) = (g.text(200), g.source.byte() % 5);
    one(g.by(&[CHAIR, STREET]), AT, &IFunds::openFundCall { name, purpose })
}

/// A decision that voted money, rather a young one.
fn decision(g: &mut Gen<'_, '_>) -> IFunds::Budget {
    let call = IDecisions::motionsCall {
        state: IDecisions::MotionState::Passed as u8,
        cursor: 0,
        limit: 200,
    };
    let mut found = g.see(address::decisions, &call).items;
    found.retain(|motion| motion.budgetFen != 0);
    if found.is_empty() || g.source.one_in(16) {
        let count = g.motions();
        return IFunds::Budget { decision: g.source.id(count), ..Default::default() };
    }
    let id = found[g.source.below(found.len())].id;
    let known = g.see(AT, &IFunds::budgetCall { decision: id });
    IFunds::Budget { decision: id, ..known }
}

fn left(budget: &IFunds::Budget) -> u64 {
    let used = [budget.linesFen, budget.committedFen, budget.paidFen];
    used.into_iter().fold(budget.allowedFen, u64::saturating_sub)
}

fn open_line(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let budget = decision(g);
    let (fund, name) = (fund(g), g.text(200));
    let fund = if budget.fund != 0 && !g.source.one_in(8) { budget.fund } else { fund };
    let (year, planned) = (2026, g.source.amount(&[left(&budget), left(&budget) / 3]));
    let call =
        IFunds::openLineCall { fund, year, name, plannedFen: planned, decision: budget.decision };
    one(g.by(&[TREASURER, CHAIR]), AT, &call)
}

fn payee_of(g: &mut Gen<'_, '_>) -> B256 {
    payee(if g.source.one_in(12) { 2 } else { g.source.below(2) })
}

/// A new account of a payee; at times one signs for a payment just before, and another once the account
/// has cooled down, by the revision of before or of after.
fn set_payee(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (mut moves, mut after) = (Vec::new(), Vec::new());
    let mut payee_hash = payee_of(g);
    let call = IFunds::requestsCall {
        state: RequestState::Requested as u8,
        ofFund: 0,
        cursor: 0,
        limit: 200,
    };
    let waiting = g.see(AT, &call).items;
    if let Some(request) = waiting.last().filter(|_| g.source.one_in(3)) {
        payee_hash = request.payeeHash;
        let sign =
            |revision| IFunds::approveCall { id: request.id, revision, sentenceHash: B256::ZERO };
        moves.extend(one(TREASURER, AT, &sign(request.revision)));
        after.push(Move::Wait { seconds: 73 * HOUR, blocks: 1 });
        let revision = request.revision + g.source.pick(&[0, 1]);
        after.extend(one(g.by(&[CHAIR, MANAGER]), AT, &sign(revision)));
    }
    let (account, name) = (g.hash(), g.text(200));
    let call = IFunds::setPayeeCall { payeeHash: payee_hash, accountHash: account, name };
    moves.extend(one(g.by(&[MANAGER, TREASURER]), AT, &call));
    moves.extend(after);
    moves
}

/// A serial of the bank: new as a rule.
fn bank_ref(g: &mut Gen<'_, '_>) -> String {
    match g.source.byte() {
        0..=15 => "OPEN-1".into(),
        16..=23 => g.text(35),
        n => format!("{n}-{}-{}", g.source.byte(), g.now()),
    }
}

fn occurred(g: &mut Gen<'_, '_>) -> u64 {
    let now = g.now();
    g.source.time(&[now, now, now.saturating_sub(20 * DAY)])
}

fn credit(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (fund, bank_ref, occurred_at) = (fund(g), bank_ref(g), occurred(g));
    let (amount, memo) = (g.source.amount(&[100_000, OPENING]), g.text(200));
    let call = IFunds::creditCall {
        fund,
        amountFen: amount,
        bankRef: bank_ref,
        occurredAt: occurred_at,
        memo,
    };
    one(g.by(&[BANK]), AT, &call)
}

fn debit(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (fund, bank_ref, occurred_at) = (fund(g), bank_ref(g), occurred(g));
    let found = view(g.memory, AT, &IFunds::fundCall { id: fund });
    let free = found.map_or(0, |found| found.balanceFen.saturating_sub(found.heldFen));
    let (amount, memo) = (g.source.amount(&[20_000, 20_000, 20_000, free]), g.text(200));
    let call = IFunds::debitCall {
        fund,
        amountFen: amount,
        bankRef: bank_ref,
        occurredAt: occurred_at,
        memo,
    };
    one(g.by(&[BANK]), AT, &call)
}

fn lines(g: &mut Gen<'_, '_>) -> Vec<IFunds::Line> {
    g.see(AT, &IFunds::linesCall { ofFund: 0, year: 0, cursor: 0, limit: 200 }).items
}

/// An unexplained debit and a line of its fund, as a rule.
fn explain(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let call = IFunds::movementsCall { ofFund: 2, from: 0, until: 0, cursor: 0, limit: 200 };
    let all = g.see(AT, &call).items;
    let open = all.iter().find(|movement| movement.kind == MovementKind::Unexplained);
    let movement = match open {
        Some(found) if !g.source.one_in(8) => found.id,
        _ => g.source.id(all.len() as u64),
    };
    let lines = lines(g);
    let of_fund: Vec<u64> =
        lines.iter().filter(|line| line.fund == 2).map(|line| line.id).collect();
    let line = match of_fund.as_slice() {
        [] => 1,
        _ if g.source.one_in(8) => g.source.id(lines.len() as u64),
        some => g.source.pick(some),
    };
    let explanation = g.text(200);
    one(g.by(&[TREASURER]), AT, &IFunds::explainCall { movement, line, explanation })
}

/// The statement of a month that adds up, as a rule.
fn statement(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (fund, now) = (fund(g), g.now());
    let month = g.source.pick(&[0, 0, 31, 62]) * DAY;
    let period = rule::period_of(now.saturating_sub(month));
    let call = IFunds::statementsCall { ofFund: fund, cursor: 0, limit: 200 };
    let before = g.see(AT, &call).items;
    let opening = before
        .last()
        .map_or(0, |last| if last.period == period { last.openingFen } else { last.closingFen });
    let (mut credits, mut debits) = (0u64, 0u64);
    let call = IFunds::movementsCall { ofFund: fund, from: 0, until: 0, cursor: 0, limit: 200 };
    for movement in g.see(AT, &call).items {
        if rule::period_of(movement.occurredAt) == period {
            let side =
                if movement.kind == MovementKind::Credit { &mut credits } else { &mut debits };
            *side = side.saturating_add(movement.amountFen);
        }
    }
    let opening = if g.source.one_in(8) { g.source.word() } else { opening };
    let closing = opening.saturating_add(credits).saturating_sub(debits);
    let closing = if g.source.one_in(8) { closing + 1 } else { closing };
    let call = IFunds::statementCall {
        fund,
        period,
        openingFen: opening,
        closingFen: closing,
        linesHash: g.hash(),
    };
    one(g.by(&[BANK]), AT, &call)
}

fn digest(g: &mut Gen<'_, '_>) -> B256 {
    match g.source.byte() % 4 {
        0 | 1 => B256::ZERO,
        2 => paper(g.source.below(4)),
        _ => paper(g.source.below(60)),
    }
}

/// On a line or on a decision, around what is left and around the tiers.
fn request(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let tiers = [50_000, 500_000, 5_000_000];
    let lines = lines(g);
    let on_line = g.source.one_in(2) && !lines.is_empty();
    let mut asked = if on_line {
        let line = &lines[g.source.below(lines.len())];
        let amount = g.source.amount(&[tiers[0], tiers[1], tiers[2], line.leftFen]);
        draft(line.fund, (line.id, 0), amount, 0)
    } else {
        let budget = decision(g);
        let fund = if budget.fund == 0 { 1 } else { budget.fund };
        let amount = g.source.amount(&[left(&budget), left(&budget), BUDGET / 4]);
        draft(fund, (0, budget.decision), amount, 0)
    };
    if g.source.one_in(16) {
        (asked.fund, asked.line) = (fund(g), g.source.byte().into());
    }
    asked.payeeHash = payee_of(g);
    (asked.quoteDigest, asked.invoiceDigest) = (digest(g), digest(g));
    asked.stage = g.source.pick(&[2, 2, 1, 3, 0, 4]);
    asked.purpose = g.text(200);
    let amount = asked.amountFen;
    let mut moves =
        one(g.by(&[MANAGER, MANAGER, TREASURER]), AT, &IFunds::requestCall { draft: asked });
    if !g.source.one_in(3) {
        let count = g.see(AT, &IFunds::requestsCall { state: 0, ofFund: 0, cursor: 0, limit: 200 });
        let id = count.items.len() as u64 + 1;
        moves.extend(signed(g, id, 1, amount > tiers[1]));
    }
    moves
}

/// Everybody who may sign does.
fn signed(g: &mut Gen<'_, '_>, id: u64, revision: u32, all: bool) -> Vec<Move> {
    let mut moves = Vec::new();
    let signers = [TREASURER, CHAIR, COMMITTEE[0], COMMITTEE[1]];
    for signer in &signers[..if all { 4 } else { 2 }] {
        let call = IFunds::approveCall { id, revision, sentenceHash: g.hash() };
        moves.extend(one(*signer, AT, &call));
    }
    moves
}

/// What makers need of a request.
struct Asked {
    id: u64,
    amount: u64,
    requester: Address,
    revision: u32,
}

/// A request, rather one in this state where there is any.
fn in_state(g: &mut Gen<'_, '_>, state: RequestState) -> Asked {
    let mut call = IFunds::requestsCall { state: state as u8, ofFund: 0, cursor: 0, limit: 200 };
    let mut found = g.see(AT, &call).items;
    if found.is_empty() || g.source.one_in(12) {
        call.state = 0;
        found = g.see(AT, &call).items;
    }
    let found = found.get(g.source.below(found.len().max(1)));
    found.map_or(Asked { id: 1, amount: 1, requester: MANAGER, revision: 1 }, |found| Asked {
        id: found.id,
        amount: found.amountFen,
        requester: found.requester,
        revision: found.revision,
    })
}

/// A change of a request; at times it is asked just before, and another payment to the same payee just
/// after.
fn edit(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let lines = lines(g);
    if let Some(line) = lines.first().filter(|_| g.source.one_in(2)) {
        return edited_between(g, line);
    }
    let request = in_state(g, RequestState::Requested);
    let amount = g.source.amount(&[request.amount, 50_000, 500_000]);
    let (payee_hash, invoice) = (payee_of(g), digest(g));
    let call = IFunds::editCall {
        id: request.id,
        amountFen: amount,
        payeeHash: payee_hash,
        invoiceDigest: invoice,
    };
    one(g.by(&[request.requester]), AT, &call)
}

/// Small sums on a line, so that what one payee gets within the window lies around the first tiers.
fn edited_between(g: &mut Gen<'_, '_>, line: &IFunds::Line) -> Vec<Move> {
    let call = IFunds::requestsCall { state: 0, ofFund: 0, cursor: 0, limit: 200 };
    let id = g.see(AT, &call).items.len() as u64 + 1;
    let mut small = || [10_000, 20_000, 30_000, 200_000][g.source.below(4)];
    let [first, changed, second] = [small(), small(), small()];
    let number = g.source.below(2);
    let ask =
        |amount| IFunds::requestCall { draft: draft(line.fund, (line.id, 0), amount, number) };
    let mut moves = one(MANAGER, AT, &ask(first));
    for _ in 0..g.source.below(3) {
        let payee_hash = payee(if g.source.one_in(4) { 1 - number } else { number });
        let call = IFunds::editCall {
            id,
            amountFen: changed,
            payeeHash: payee_hash,
            invoiceDigest: B256::ZERO,
        };
        moves.extend(one(MANAGER, AT, &call));
    }
    moves.extend(one(MANAGER, AT, &ask(second)));
    moves
}

fn approve(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let request = in_state(g, RequestState::Requested);
    let revision = request.revision + u32::from(g.source.one_in(8));
    let call = IFunds::approveCall { id: request.id, revision, sentenceHash: g.hash() };
    one(g.by(&[TREASURER, CHAIR, COMMITTEE[0], COMMITTEE[1], COMMITTEE[2], MANAGER]), AT, &call)
}

/// One that signed takes its signature back; as a rule it has just signed.
fn revoke(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let request = in_state(g, RequestState::Requested);
    let signer = g.source.pick(&[COMMITTEE[0], CHAIR, TREASURER]);
    let mut moves = Vec::new();
    if !g.source.one_in(3) {
        let call = IFunds::approveCall {
            id: request.id,
            revision: request.revision,
            sentenceHash: g.hash(),
        };
        moves.extend(one(signer, AT, &call));
    }
    moves.extend(one(g.by(&[signer]), AT, &IFunds::revokeCall { id: request.id }));
    moves
}

fn reject(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (request, reason) = (in_state(g, RequestState::Requested), g.text(200));
    one(g.by(&[CHAIR, COMMITTEE[0], TREASURER]), AT, &IFunds::rejectCall { id: request.id, reason })
}

fn withdraw(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (request, reason) = (in_state(g, RequestState::Requested), g.text(200));
    one(g.by(&[request.requester]), AT, &IFunds::withdrawCall { id: request.id, reason })
}

fn confirm_debit(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let request = in_state(g, RequestState::Ordered);
    let (bank_ref, occurred_at) = (bank_ref(g), occurred(g));
    let call =
        IFunds::confirmDebitCall { id: request.id, bankRef: bank_ref, occurredAt: occurred_at };
    one(g.by(&[BANK]), AT, &call)
}

fn return_order(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (request, reason) = (in_state(g, RequestState::Ordered), g.text(200));
    one(g.by(&[BANK]), AT, &IFunds::returnOrderCall { id: request.id, reason })
}

fn open_unit_balances(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (fund, mut units, mut amounts) = (fund(g), Vec::new(), Vec::new());
    for _ in 0..1 + g.source.below(3) {
        let unit = super::registry::unit(g);
        units.push(if g.source.one_in(2) { owing(g, fund).unwrap_or(unit) } else { unit });
        amounts.push(g.source.amount(&[1_000_000, 5_000]));
    }
    if g.source.one_in(12) {
        amounts.pop();
    }
    let call = IFunds::openUnitBalancesCall { fund, units, amountsFen: amounts };
    one(g.by(&[BANK, REGISTRAR]), AT, &call)
}

/// A unit that bears a part of a job and has no balance in the fund.
fn owing(g: &mut Gen<'_, '_>, fund: u64) -> Option<u64> {
    let owes = |g: &mut Gen<'_, '_>, unit: u64| {
        let found = g.see(AT, &IFunds::unitBalanceCall { ofFund: fund, unit });
        found.receivableFen > 0 && found.balanceFen == 0
    };
    (1..40).find(|unit| owes(g, *unit))
}

/// At what is paid, at the budget, or at the line beyond which the owners decide again.
fn settle(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (budget, report) = (decision(g), paper(g.source.below(4)));
    let spent = budget.allowedFen.saturating_sub(left(&budget));
    let over = budget.allowedFen / 10;
    let limits = [spent, spent, budget.allowedFen, budget.allowedFen.saturating_add(over)];
    let final_fen = g.source.amount(&limits);
    let call =
        IFunds::settleCall { decision: budget.decision, finalFen: final_fen, reportDigest: report };
    one(g.by(&[AUDITOR, STREET]), AT, &call)
}

/// Shares out a settled cost; as a rule the whole way there is gone: a last draw, its payment, the
/// price check.
fn allot(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (mut moves, decision) = settled(g);
    moves.extend(one(g.by(&[TREASURER, MANAGER]), AT, &IFunds::allotCall { decision }));
    if g.source.one_in(2) {
        let (units, amounts) = (vec![super::registry::unit(g)], vec![g.source.amount(&[5_000])]);
        let call = IFunds::openUnitBalancesCall { fund: 1, units, amountsFen: amounts };
        moves.extend(one(REGISTRAR, AT, &call));
    }
    moves
}

/// The same by a page that takes the whole scope, or by one that nobody may ask for.
fn allot_page(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (mut moves, decision) = settled(g);
    let at_most = match (g.source.one_in(8), g.source.one_in(8)) {
        (true, _) => 0,
        (_, true) => PAGE + 1,
        _ => PAGE,
    };
    let call = IFunds::allotPageCall { decision, atMost: at_most };
    moves.extend(one(g.by(&[TREASURER, MANAGER]), AT, &call));
    moves
}

/// A decision with a cost to share out; as a rule what leads there is done first.
fn settled(g: &mut Gen<'_, '_>) -> (Vec<Move>, u64) {
    let budget = decision(g);
    let mut moves = Vec::new();
    if !g.source.one_in(3) && !budget.allotted {
        moves = way_to_allotment(g, &budget);
    }
    (moves, budget.decision)
}

/// Ends what is open on a decision, draws a part, has it paid, and settles the job at what was paid.
fn way_to_allotment(g: &mut Gen<'_, '_>, budget: &IFunds::Budget) -> Vec<Move> {
    let (mut moves, mut paid) = (Vec::new(), budget.paidFen);
    let pay = |id, bank_ref: String, occurred_at| {
        one(BANK, AT, &IFunds::confirmDebitCall { id, bankRef: bank_ref, occurredAt: occurred_at })
    };
    let call = IFunds::requestsCall { state: 0, ofFund: 0, cursor: 0, limit: 200 };
    let requests = g.see(AT, &call).items;
    for request in requests.iter().filter(|request| request.decision == budget.decision) {
        match request.state {
            RequestState::Requested => {
                let call = IFunds::rejectCall { id: request.id, reason: "done".into() };
                moves.extend(one(CHAIR, AT, &call));
            }
            RequestState::Ordered => {
                paid += request.amountFen;
                moves.extend(pay(request.id, bank_ref(g), g.now()));
            }
            _ => {}
        }
    }
    if paid == 0 && budget.linesFen == 0 {
        let call = IDecisions::motionCall { id: budget.decision };
        let Ok(decided) = view(g.memory, address::decisions, &call) else { return moves };
        let fund = if budget.fund == 0 { 1 } else { budget.fund };
        paid = 1 + decided.budgetFen / 7;
        let mut asked = draft(fund, (0, budget.decision), paid, 0);
        if !decided.payeeHash.is_zero() {
            asked.payeeHash = decided.payeeHash;
        }
        moves.extend(one(MANAGER, AT, &IFunds::requestCall { draft: asked }));
        let id = requests.len() as u64 + 1;
        moves.push(Move::Wait { seconds: 73 * HOUR, blocks: 1 });
        moves.extend(signed(g, id, 1, false));
        moves.extend(pay(id, bank_ref(g), g.now()));
    }
    let call =
        IFunds::settleCall { decision: budget.decision, finalFen: paid, reportDigest: paper(0) };
    moves.extend(one(AUDITOR, AT, &call));
    moves
}
