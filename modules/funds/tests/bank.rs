//! Funds, lines, bank lines, statements, settlement and unit balances.

use alloy_sol_types::SolCall;

use super::house::*;
use crate::decisions::tests::estate::*;
use crate::funds::IFunds::{self, *};
use crate::prelude::*;
use crate::roles::IRoles::NotPermitted;
use crate::address;

#[test]
fn a_decision_that_names_its_payee_pays_no_other() {
    let mut e = Estate::new();
    let decision = e.passed_lift(crate::decisions::IDecisions::Proposal { payeeHash: LIFT_CO, ..proposal(5, LIFT) });
    let mut h = House { e, decision };
    h.on(CHAIR, &openFundCall { name: "Fund".into(), purpose: 1 }).unwrap();
    h.payee(LIFT_CO, 1, "Xinda Lift Co.").unwrap();
    h.payee(GARDENER, 1, "Green Hands").unwrap();
    let other = h.ask(Draft { payeeHash: GARDENER, ..h.draw(100, 1) });
    assert_eq!(refused::<OtherPayee>(other).decided, LIFT_CO);
    h.ask(h.draw(100, 1)).unwrap();
}

#[test]
fn a_payee_with_too_many_payments_in_the_window_is_refused() {
    let mut h = House::new();
    let line = h.line(90_000 * YUAN);
    for _ in 0..200 {
        h.e.at(address::funds, MANAGER, &requestCall { draft: draft(2, line, 1, GARDENER) }).unwrap();
    }
    let one_more = requestCall { draft: draft(2, line, 1, GARDENER) };
    h.e.at(address::funds, MANAGER, &one_more).unwrap();
    let refusal = h.e.at(address::funds, MANAGER, &one_more);
    assert_eq!(refused::<TooManyRequests>(refusal).payeeHash, GARDENER);
    h.e.m.now += 31 * DAY;
    h.e.at(address::funds, MANAGER, &one_more).unwrap();
}

#[test]
fn funds_and_lines_open_by_right_and_within_the_decision() {
    let mut h = House::new();
    let open = |name: &str, purpose| openFundCall { name: name.into(), purpose };
    refused::<NotPermitted>(h.on(MANAGER, &open("", 9)));
    refused::<BadText>(h.on(CHAIR, &open("", 9)));
    for purpose in [0, 4] {
        assert_eq!(refused::<NoSuchPurpose>(h.on(CHAIR, &open("x", purpose))).purpose, purpose);
    }
    let line = h.line(20_000 * YUAN); // decision 2, matter 9, fund 2
    assert_eq!(line, 1);
    let mut call = openLineCall {
        fund: 9,
        year: 2026,
        name: String::new(),
        plannedFen: 0,
        decision: 77,
    };
    refused::<NotPermitted>(h.on(BANK, &call));
    refused::<NoSuchFund>(h.on(CHAIR, &call));
    call.fund = 1;
    refused::<BadText>(h.on(CHAIR, &call));
    call.name = "Lift".into();
    refused::<NoAmount>(h.on(CHAIR, &call));
    call.plannedFen = BUDGET + 1;
    refused::<NotDecided>(h.on(CHAIR, &call));
    call.decision = 2;
    assert_eq!(refused::<OtherFund>(h.on(CHAIR, &call)).fund, 2);
    call.decision = h.decision;
    assert_eq!(refused::<OverBudget>(h.on(CHAIR, &call)).leftFen, BUDGET);
    call.plannedFen = BUDGET;
    let second = h.on(CHAIR, &call).unwrap();
    refused::<OverBudget>(h.ask(h.draw(1, 1)));
    // A line of a decision of matter 5 is covered by it, whatever the sum.
    let id = h.ask(draft(1, second, BUDGET, LIFT_CO)).unwrap();
    assert_eq!(h.view(&requestOfCall { id }).tier, Tier::Assembly);
    let list = h.view(&linesCall { ofFund: 1, year: 0, cursor: 0, limit: 9 });
    assert_eq!(list.items.iter().map(|line| line.id).collect::<Vec<_>>(), [2]);
    let none = h.view(&linesCall { ofFund: 0, year: 2025, cursor: 0, limit: 9 });
    assert!(none.items.is_empty());
    refused::<NoSuchLine>(h.e.at(address::funds, STRANGER, &lineCall { id: 3 }));
}

#[test]
fn the_maintenance_fund_needs_a_decision_on_its_use() {
    let mut h = House::new();
    h.line(20_000 * YUAN);
    let mut e = Estate { m: h.e.m.clone() };
    let mut later = proposal(9, LIFT);
    (later.budgetFen, later.closesAt) = (500, e.m.now + 40 * DAY);
    let motion = e.propose(later).unwrap();
    e.m.now = e.motion(motion).opensAt;
    for number in 1..=9 {
        e.cast(motion, number, 1).unwrap();
    }
    e.closed(motion);
    h.e = e;
    let call = openLineCall {
        fund: 1,
        year: 2026,
        name: "Roof".into(),
        plannedFen: 1,
        decision: motion,
    };
    assert_eq!(refused::<WrongMatter>(h.on(CHAIR, &call)).matter, 9);
}

#[test]
fn d5_a_debit_nobody_ordered_is_shown_until_it_is_explained() {
    let mut h = House::new();
    let line = h.line(20_000 * YUAN);
    let movement = h.debit(2, 200, "FEE-1").unwrap();
    let told = h.view(&fundCall { id: 2 });
    assert_eq!((told.unexplainedFen, told.unexplained), (200, 1));
    let explain = |movement, line, text: &str| explainCall {
        movement,
        line,
        explanation: text.into(),
    };
    refused::<NotPermitted>(h.on(BANK, &explain(9, 9, "")));
    refused::<NoSuchMovement>(h.on(TREASURER, &explain(9, 9, "")));
    refused::<NoSuchLine>(h.on(TREASURER, &explain(1, 9, "")));
    refused::<BadText>(h.on(TREASURER, &explain(1, line, "")));
    refused::<NotUnexplained>(h.on(TREASURER, &explain(1, line, "fee")));
    let elsewhere = h.debit(1, 200, "FEE-2").unwrap();
    refused::<OtherFund>(h.on(TREASURER, &explain(elsewhere, line, "fee")));
    let large = h.debit(2, 20_000 * YUAN + 1, "FEE-3").unwrap();
    refused::<OverBudget>(h.on(TREASURER, &explain(large, line, "fee")));
    h.on(TREASURER, &explain(movement, line, "Bank charges of May")).unwrap();
    refused::<NotUnexplained>(h.on(TREASURER, &explain(movement, line, "again")));
    let trail = h.view(&trailCall { movement });
    assert_eq!((trail.line.id, trail.decision, trail.request.id), (line, 2, 0));
    assert_eq!(trail.movement.explanation, "Bank charges of May");
    assert_eq!(h.view(&fundCall { id: 2 }).unexplained, 1);
    assert_eq!(h.view(&lineCall { id: line }).paidFen, 200);
}

#[test]
fn a_bank_line_is_booked_once_and_not_before_it_happens() {
    let mut h = House::new();
    let mut call = creditCall {
        fund: 9,
        amountFen: 0,
        bankRef: String::new(),
        occurredAt: h.e.m.now + 1,
        memo: String::new(),
    };
    refused::<NotPermitted>(h.on(TREASURER, &call));
    refused::<BadText>(h.on(BANK, &call));
    call.memo = "Interest".into();
    refused::<NoSuchFund>(h.on(BANK, &call));
    call.fund = 1;
    refused::<NoAmount>(h.on(BANK, &call));
    call.amountFen = 1;
    refused::<BadText>(h.on(BANK, &call));
    call.bankRef = "x".repeat(36);
    assert_eq!(refused::<BadText>(h.on(BANK, &call)).bytesMost, 35);
    call.bankRef = "OPEN-1".into();
    refused::<InTheFuture>(h.on(BANK, &call));
    call.occurredAt -= 1;
    assert_eq!(refused::<BankRefUsed>(h.on(BANK, &call)).movement, 1);
    let used = h.debit(1, 1, "OPEN-1");
    refused::<BankRefUsed>(used);
    call.bankRef = "x".repeat(35);
    h.on(BANK, &call).unwrap();
    refused::<NoSuchMovement>(h.e.at(address::funds, STRANGER, &trailCall { movement: 99 }));
}

#[test]
fn d4_a_statement_that_does_not_add_up_is_refused() {
    let mut h = House::new();
    let fund = h.on(CHAIR, &openFundCall { name: "Fees".into(), purpose: 3 }).unwrap();
    let month = 1_775_000_000; // 2026-04-01
    let april = 202_604;
    h.e.m.now = month + 29 * DAY;
    let book = |h: &mut House, amount, at, bank_ref: &str| {
        h.on(BANK, &creditCall {
            fund,
            amountFen: amount,
            bankRef: bank_ref.into(),
            occurredAt: at,
            memo: "in".into(),
        })
        .unwrap();
    };
    book(&mut h, 125_000_000, month - 2 * DAY, "S-0");
    book(&mut h, 8_643_050, month + DAY, "S-1");
    h.debit(fund, 3_211_800, "S-2").unwrap();
    let call = |period, opening, closing| statementCall {
        fund,
        period,
        openingFen: opening,
        closingFen: closing,
        linesHash: B256::repeat_byte(4),
    };
    refused::<NotPermitted>(h.on(TREASURER, &call(april, 0, 0)));
    refused::<NoSuchFund>(h.on(BANK, &statementCall { fund: 9, ..call(0, 0, 0) }));
    assert_eq!(refused::<IFunds::BadPeriod>(h.on(BANK, &call(202_613, 0, 0))).period, 202_613);
    let NotBalanced { creditsFen, debitsFen, .. } =
        refused(h.on(BANK, &call(april, 125_000_000, 130_431_251)));
    assert_eq!((creditsFen, debitsFen), (8_643_050, 3_211_800));
    h.on(BANK, &call(april, 125_000_000, 130_431_250)).unwrap();
    let gap = h.on(BANK, &call(202_605, 130_431_249, 130_431_249));
    assert_eq!(refused::<OpeningDiffers>(gap).lastClosingFen, 130_431_250);
    refused::<OpeningDiffers>(h.on(BANK, &call(202_603, 130_431_250, 0)));
    // A line that came late makes a second version of the same month.
    book(&mut h, 1, month + DAY, "S-3");
    h.on(BANK, &call(april, 125_000_000, 130_431_251)).unwrap();
    h.on(BANK, &call(202_605, 130_431_251, 130_431_251)).unwrap();
    let list = h.view(&statementsCall { ofFund: fund, cursor: 0, limit: 9 }).items;
    let told: Vec<_> = list.iter().map(|s| (s.period, s.version, s.closingFen)).collect();
    assert_eq!(told, [
        (april, 1, 130_431_250),
        (april, 2, 130_431_251),
        (202_605, 1, 130_431_251)
    ]);
    let of_april = movementsCall {
        ofFund: fund,
        from: month,
        until: month + 29 * DAY,
        cursor: 0,
        limit: 9,
    };
    assert_eq!(h.view(&of_april).items.len(), 2);
}

#[test]
fn m3_a_settlement_far_over_budget_goes_back_to_the_owners() {
    let mut h = House::new();
    let (decision, report) = (h.decision, h.file(0x77));
    let settle =
        |final_fen| settleCall { decision, finalFen: final_fen, reportDigest: report };
    refused::<NotPermitted>(h.on(TREASURER, &settle(1)));
    refused::<NotDecided>(h.on(AUDITOR, &settle(1)));
    h.pay(h.draw(BUDGET / 2, 1), "B-1");
    let unknown = settleCall { reportDigest: B256::repeat_byte(1), ..settle(1) };
    refused::<crate::documents::IDocuments::UnknownDocument>(h.on(AUDITOR, &unknown));
    let low = h.on(AUDITOR, &settle(BUDGET / 2 - 1));
    assert_eq!(refused::<BelowPaid>(low).spentFen, BUDGET / 2);
    // Hangzhou: ten percent or more over is decided again.
    let high = h.on(AUDITOR, &settle(9_504_000));
    assert_eq!(refused::<OverrunNeedsDecision>(high).budgetFen, BUDGET);
    h.on(AUDITOR, &settle(9_503_999)).unwrap();
    assert_eq!(h.view(&budgetCall { decision }).allowedFen, 9_503_999);
}

#[test]
fn unit_balances_are_opened_once_and_never_beyond_the_fund() {
    let mut h = House::new();
    let call = |fund, units: &[u64], amounts: &[u64]| openUnitBalancesCall {
        fund,
        units: units.to_vec(),
        amountsFen: amounts.to_vec(),
    };
    refused::<NotPermitted>(h.on(CHAIR, &call(9, &[], &[])));
    refused::<NoSuchFund>(h.on(BANK, &call(9, &[], &[])));
    refused::<BadList>(h.on(BANK, &call(1, &[], &[])));
    refused::<BadList>(h.on(BANK, &call(1, &[1], &[])));
    assert_eq!(refused::<BadList>(h.on(BANK, &call(1, &[1; 501], &[1; 501]))).most, 500);
    assert_eq!(refused::<AlreadyOpened>(h.on(BANK, &call(1, &[1, 1], &[1, 1]))).unit, 1);
    let UnitsExceedFund { unitsFen, fundFen } =
        refused(h.on(REGISTRAR, &call(1, &[1, 2], &[OPENING, 1])));
    assert_eq!((unitsFen, fundFen), (OPENING + 1, OPENING));
    h.on(REGISTRAR, &call(1, &[1, 2], &[OPENING - 1, 1])).unwrap();
    refused::<AlreadyOpened>(h.on(BANK, &call(1, &[2], &[0])));
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let mut h = House::new();
    let unknown = B256::repeat_byte(0xff);
    let mut ask = |call: &[u8]| {
        let run = |cx: &mut Cx<'_>| crate::funds::entry(cx, call);
        h.e.m.run(address::funds, STRANGER, run)
    };
    refused::<NoSuchFund>(ask(&fundCall { id: 9 }.abi_encode()));
    refused::<NoSuchRequest>(ask(&requestOfCall { id: 9 }.abi_encode()));
    refused::<NoSuchRequest>(ask(&approvalsCall { id: 0 }.abi_encode()));
    refused::<UnknownPayee>(ask(&payeeCall { payeeHash: unknown }.abi_encode()));
    refused::<NotDecided>(ask(&budgetCall { decision: 9 }.abi_encode()));
    refused::<NotDecided>(ask(&estimateCall { decision: 9, unit: 1 }.abi_encode()));
    let payee = h.view(&payeeCall { payeeHash: LIFT_CO });
    assert_eq!((payee.version, payee.payableAt), (1, payee.knownAt + 72 * HOUR));
    let page = h.view(&fundsCall { cursor: 1, limit: 1 });
    assert_eq!((page.items[0].id, page.next), (2, 0));
}
