//! Payments: the story of the lift, the worked examples, every refusal.

use super::house::*;
use crate::decisions::tests::estate::*;
use crate::funds::IFunds::*;
use crate::prelude::*;
use crate::roles::IRoles::NotPermitted;
use crate::{address, money};

#[test]
fn from_the_decision_to_the_last_fen() {
    let mut h = House::new();
    let (decision, report) = (h.decision, h.file(0x77));
    let units: Vec<u64> = (1..=12).collect();
    let mut amounts_fen = vec![1_000_000; 12];
    amounts_fen[0] = 50_000; // the first unit's balance will not cover its part
    h.on(BANK, &openUnitBalancesCall { fund: 1, units, amountsFen: amounts_fen }).unwrap();
    let estimate = h.view(&estimateCall { decision, unit: 1 });
    assert_eq!((estimate.shareFen, estimate.chargedFen), (622_373, 50_000));
    // Half at the start.
    let invoice = h.file(0x71);
    let first = h.pay(Draft { invoiceDigest: invoice, ..h.draw(BUDGET / 2, 1) }, "B-1");
    // The price check takes 1,210.00 off; then the rest.
    let last = h.draw(BUDGET / 2 - 1_210 * YUAN, 3);
    assert_eq!(refused::<NotSettled>(h.ask(last.clone())).decision, decision);
    refused::<NotSettled>(h.on(TREASURER, &allotCall { decision }));
    let final_fen = BUDGET - 1_210 * YUAN;
    let settle = settleCall { decision, finalFen: final_fen, reportDigest: report };
    h.on(AUDITOR, &settle).unwrap();
    refused::<AlreadySettled>(h.on(AUDITOR, &settle));
    let over = h.ask(Draft { amountFen: last.amountFen + 1, ..last.clone() });
    assert_eq!(refused::<OverBudget>(over).leftFen, last.amountFen);
    assert_eq!(refused::<NotPaid>(h.on(TREASURER, &allotCall { decision })).paidFen, BUDGET / 2);
    refused::<NotAllotted>(h.e.at(address::funds, STRANGER, &allotmentCall {
        decision,
        cursor: 0,
        limit: 9,
    }));
    h.pay(last, "B-2");
    let book = h.view(&budgetCall { decision });
    assert_eq!((book.allowedFen, book.votedFen, book.paidFen), (final_fen, BUDGET, final_fen));
    h.on(TREASURER, &allotCall { decision }).unwrap();
    refused::<AlreadyAllotted>(h.on(TREASURER, &allotCall { decision }));
    let shares = h.view(&allotmentCall { decision, cursor: 0, limit: 200 });
    assert_eq!((shares.items.len(), shares.next), (12, 0));
    assert_eq!(shares.items.iter().map(|share| share.shareFen).sum::<u64>(), final_fen);
    let one = &shares.items[0];
    assert_eq!((one.unit, one.areaM2, one.chargedFen), (1, 8_500, 50_000));
    assert_eq!(one.receivableFen, one.shareFen - 50_000);
    let owed = h.view(&unitBalanceCall { ofFund: 1, unit: 1 });
    assert_eq!((owed.balanceFen, owed.receivableFen), (0, one.receivableFen));
    let estimate = h.view(&estimateCall { decision, unit: 1 });
    assert_eq!(&estimate, one);
    assert_eq!(h.view(&estimateCall { decision, unit: 13 }).shareFen, 0);
    // From the bank line back to the ballots.
    let trail = h.view(&trailCall { movement: first });
    assert_eq!((trail.decision, trail.movement.kind), (decision, MovementKind::Payment));
    assert_eq!(trail.request.invoiceDigest, invoice);
    assert_eq!(trail.approvals.iter().map(|a| a.signer).collect::<Vec<_>>(), [TREASURER, CHAIR]);
    assert!(trail.approvals.iter().all(|approval| approval.holds));
    assert_eq!(trail.request.payeeName, "Xinda Lift Co.");
    // A later change of the payee's account does not touch what is done.
    h.payee(LIFT_CO, 9, "Xinda Lift (new)").unwrap();
    assert_eq!(h.view(&trailCall { movement: first }), trail);
}

#[test]
fn d1_a_line_holds_what_is_planned() {
    let mut h = House::new();
    let line = h.line(30_000 * YUAN);
    let other = B256::repeat_byte(0x33);
    h.payee(other, 1, "Other Co.").unwrap();
    h.payee(B256::repeat_byte(0x34), 1, "Third Co.").unwrap();
    h.e.m.now += 4 * DAY;
    let paid = h.ask(draft(2, line, 12_000 * YUAN, GARDENER)).unwrap();
    for who in [CHAIR, TREASURER, MEMBERS[0]] {
        h.sign(who, paid, 1).unwrap();
    }
    h.confirm(paid, "G-1").unwrap();
    h.ask(draft(2, line, 15_000 * YUAN, other)).unwrap();
    let third = B256::repeat_byte(0x34);
    let over = h.ask(draft(2, line, 3_000 * YUAN + 1, third));
    let OverBudget { leftFen, askedFen } = refused(over);
    assert_eq!((leftFen, askedFen), (300_000, 300_001));
    h.ask(draft(2, line, 3_000 * YUAN, third)).unwrap();
    let told = h.view(&lineCall { id: line });
    assert_eq!((told.paidFen, told.committedFen, told.leftFen), (1_200_000, 1_800_000, 0));
}

#[test]
fn d2_splitting_a_payment_reaches_the_owners_tier() {
    let mut h = House::new();
    let line = h.line(90_000 * YUAN);
    for n in 0..2 {
        let id = h.ask(draft(2, line, 18_000 * YUAN, GARDENER)).unwrap();
        let told = h.view(&requestOfCall { id });
        assert_eq!((told.summedFen, told.tier), ((n + 1) * 1_800_000, Tier::Committee));
        assert_eq!(told.needed, 3);
        h.e.m.now += 10 * DAY;
    }
    let DecisionRequired { summedFen, mostFen } =
        refused(h.ask(draft(2, line, 18_000 * YUAN, GARDENER)));
    assert_eq!((summedFen, mostFen), (5_400_000, 5_000_000));
    // To the fen: 14,000.00 fits, one fen more does not.
    refused::<DecisionRequired>(h.ask(draft(2, line, 14_000 * YUAN + 1, GARDENER)));
    h.ask(draft(2, line, 14_000 * YUAN, GARDENER)).unwrap();
    // The 30th day counts, the second after it does not.
    h.e.m.now += 10 * DAY;
    refused::<DecisionRequired>(h.ask(draft(2, line, 18_000 * YUAN + 1, GARDENER)));
    h.e.m.now += 1;
    h.ask(draft(2, line, 18_000 * YUAN, GARDENER)).unwrap();
    // A rejected one is not summed.
    let requests = requestsCall { state: 1, ofFund: 2, cursor: 0, limit: 9 };
    assert_eq!(h.view(&requests).items.len(), 4);
    h.on(CHAIR, &rejectCall { id: 2, reason: "No need".into() }).unwrap();
    h.ask(draft(2, line, 18_000 * YUAN, GARDENER)).unwrap();
}

#[test]
fn d3_a_changed_account_voids_what_was_signed() {
    let mut h = House::new();
    let line = h.line(30_000 * YUAN);
    let id = h.ask(draft(2, line, 8_000 * YUAN, GARDENER)).unwrap();
    h.sign(CHAIR, id, 1).unwrap();
    h.payee(GARDENER, 2, "Green Hands Garden Co.").unwrap();
    let told = h.view(&requestOfCall { id });
    assert_eq!((told.approvals, told.revision), (0, 2));
    assert!(!h.view(&approvalsCall { id })[0].holds);
    assert_eq!(refused::<StaleRevision>(h.sign(TREASURER, id, 1)).revision, 2);
    let PayeeCooling { payableAt, .. } = refused(h.sign(TREASURER, id, 2));
    assert_eq!(payableAt, h.e.m.now + 72 * HOUR);
    h.e.m.now = payableAt - 1;
    refused::<PayeeCooling>(h.sign(TREASURER, id, 2));
    h.e.m.now = payableAt;
    for who in [TREASURER, MEMBERS[0]] {
        h.sign(who, id, 2).unwrap();
    }
    assert_eq!(h.state(id), RequestState::Requested);
    h.sign(CHAIR, id, 2).unwrap();
    assert_eq!(h.state(id), RequestState::Ordered);
}

#[test]
fn an_edit_voids_what_was_signed_and_is_judged_anew() {
    let mut h = House::new();
    let line = h.line(30_000 * YUAN);
    let (invoice, next) = (h.file(0x71), h.file(0x72));
    let id = h
        .ask(Draft { invoiceDigest: invoice, ..draft(2, line, 5_000 * YUAN, GARDENER) })
        .unwrap();
    assert_eq!(h.view(&requestOfCall { id }).tier, Tier::Medium);
    h.sign(TREASURER, id, 1).unwrap();
    let mut edit =
        editCall { id, amountFen: 30_000 * YUAN + 1, payeeHash: LIFT_CO, invoiceDigest: next };
    assert_eq!(refused::<NotRequester>(h.on(CHAIR, &edit)).requester, MANAGER);
    assert_eq!(refused::<OverBudget>(h.on(MANAGER, &edit)).leftFen, 30_000 * YUAN);
    edit.amountFen = 5_000 * YUAN + 1;
    h.on(MANAGER, &edit).unwrap();
    let told = h.view(&requestOfCall { id });
    assert_eq!((told.tier, told.approvals, told.revision), (Tier::Committee, 0, 2));
    assert_eq!((told.payeeName.as_str(), told.invoiceDigest), ("Xinda Lift Co.", next));
    assert_eq!(h.view(&lineCall { id: line }).committedFen, 5_000 * YUAN + 1);
    // The first invoice is free again, the second is taken.
    let again = Draft { invoiceDigest: next, ..draft(2, line, 100, GARDENER) };
    assert_eq!(refused::<InvoiceUsed>(h.ask(again.clone())).request, id);
    h.ask(Draft { invoiceDigest: invoice, ..again }).unwrap();
    h.on(MANAGER, &withdrawCall { id, reason: "Done by hand".into() }).unwrap();
    assert_eq!(h.state(id), RequestState::Withdrawn);
    let WrongState { state, .. } = refused(h.on(MANAGER, &edit));
    assert_eq!(state, RequestState::Withdrawn);
    assert_eq!(h.view(&lineCall { id: line }).committedFen, 100);
}

#[test]
fn an_edited_payment_is_summed_once() {
    // payees of the edits -> tier of another 200.00 to the gardener, who has 200.00 already
    let cases: [&[B256]; 4] = [&[], &[GARDENER], &[GARDENER; 3], &[LIFT_CO, GARDENER]];
    for payees in cases {
        let mut h = House::new();
        let line = h.line(30_000 * YUAN);
        let id = h.ask(draft(2, line, 200 * YUAN, GARDENER)).unwrap();
        for &payee in payees {
            let (amount, invoice) = (200 * YUAN, B256::ZERO);
            let edit = editCall { id, amountFen: amount, payeeHash: payee, invoiceDigest: invoice };
            h.on(MANAGER, &edit).unwrap();
        }
        let next = h.ask(draft(2, line, 200 * YUAN, GARDENER)).unwrap();
        let told = h.view(&requestOfCall { id: next });
        assert_eq!((told.summedFen, told.tier), (400 * YUAN, Tier::Small), "{payees:?}");
    }
    // Changed to another payee it is no longer this one's.
    let mut h = House::new();
    let line = h.line(30_000 * YUAN);
    let id = h.ask(draft(2, line, 200 * YUAN, GARDENER)).unwrap();
    let (amount, invoice) = (200 * YUAN, B256::ZERO);
    let edit = editCall { id, amountFen: amount, payeeHash: LIFT_CO, invoiceDigest: invoice };
    h.on(MANAGER, &edit).unwrap();
    let next = h.ask(draft(2, line, 200 * YUAN, GARDENER)).unwrap();
    assert_eq!(h.view(&requestOfCall { id: next }).summedFen, 200 * YUAN);
}

#[test]
fn a_balance_opened_late_keeps_what_its_unit_owes() {
    // F-5
    let mut h = House::new();
    let (decision, report) = (h.decision, h.file(0x77));
    h.pay(h.draw(BUDGET, 1), "B-1");
    h.on(AUDITOR, &settleCall { decision, finalFen: BUDGET, reportDigest: report }).unwrap();
    h.on(TREASURER, &allotCall { decision }).unwrap();
    let unit_balance = unitBalanceCall { ofFund: 1, unit: 1 };
    let owed = h.view(&unit_balance).receivableFen;
    assert_ne!(owed, 0);
    h.on(BANK, &openUnitBalancesCall { fund: 1, units: vec![1], amountsFen: vec![70] }).unwrap();
    let now = h.view(&unit_balance);
    assert_eq!((now.balanceFen, now.receivableFen), (70, owed));
}

#[test]
fn signatures_are_given_once_by_others_and_can_be_taken_back() {
    let mut h = House::new();
    let id = h.ask(h.draw(1_000 * YUAN, 1)).unwrap();
    refused::<NotPermitted>(h.sign(owner(1), id, 1));
    assert_eq!(refused::<NoSuchRequest>(h.sign(CHAIR, 9, 1)).request, 9);
    refused::<OwnRequest>(h.sign(MANAGER, id, 1));
    refused::<StaleRevision>(h.sign(CHAIR, id, 2));
    h.sign(CHAIR, id, 1).unwrap();
    assert_eq!(refused::<AlreadySigned>(h.sign(CHAIR, id, 1)).signer, CHAIR);
    refused::<NotSigned>(h.on(TREASURER, &revokeCall { id }));
    h.on(CHAIR, &revokeCall { id }).unwrap();
    refused::<NotSigned>(h.on(CHAIR, &revokeCall { id }));
    h.sign(TREASURER, id, 1).unwrap();
    assert_eq!(h.state(id), RequestState::Requested);
    h.sign(CHAIR, id, 1).unwrap();
    refused::<WrongState>(h.on(CHAIR, &revokeCall { id }));
    refused::<WrongState>(h.sign(MEMBERS[0], id, 1));
    refused::<WrongState>(h.on(CHAIR, &rejectCall { id, reason: "late".into() }));
    assert_eq!(h.view(&fundCall { id: 1 }).heldFen, 1_000 * YUAN);
    // The bank could not: the money is free again.
    let call = returnOrderCall { id, reason: "account closed".into() };
    refused::<NotPermitted>(h.on(CHAIR, &call));
    h.on(BANK, &call).unwrap();
    assert_eq!(h.view(&fundCall { id: 1 }).heldFen, 0);
    assert_eq!(h.view(&budgetCall { decision: h.decision }).committedFen, 0);
    refused::<WrongState>(h.on(BANK, &call));
    refused::<WrongState>(h.confirm(id, "X"));
}

#[test]
fn an_order_needs_the_money() {
    let mut h = House::new();
    h.debit(1, OPENING - 500, "GONE").unwrap();
    let id = h.ask(h.draw(501, 1)).unwrap();
    h.sign(TREASURER, id, 1).unwrap();
    let call = approveCall { id, revision: 1, sentenceHash: SENTENCE };
    refused::<money::IMoney::NotEnough>(h.on(CHAIR, &call));
    h.credit(1, 1, "BACK").unwrap();
    h.sign(CHAIR, id, 1).unwrap();
    refused::<money::IMoney::NotEnough>(h.debit(1, 1, "HELD"));
}

#[test]
fn a_request_is_refused_in_order() {
    let mut h = House::new();
    let (decision, line) = (h.decision, h.line(20_000 * YUAN));
    let bad = Draft {
        fund: 9,
        line,
        decision,
        amountFen: 0,
        payeeHash: B256::repeat_byte(0xff),
        quoteDigest: B256::repeat_byte(0xfe),
        invoiceDigest: B256::ZERO,
        purpose: String::new(),
        stage: 4,
    };
    refused::<NotPermitted>(h.on(CHAIR, &requestCall { draft: bad.clone() }));
    assert_eq!(refused::<NoSuchFund>(h.ask(bad.clone())).fund, 9);
    let bad = Draft { fund: 2, ..bad };
    assert_eq!(refused::<NoSuchStage>(h.ask(bad.clone())).stage, 4);
    let bad = Draft { stage: 2, ..bad };
    refused::<BadText>(h.ask(bad.clone()));
    let bad = Draft { purpose: "x".repeat(200), ..bad };
    refused::<NoAmount>(h.ask(bad.clone()));
    let bad = Draft { amountFen: 20_001 * YUAN, ..bad };
    refused::<UnknownPayee>(h.ask(bad.clone()));
    let bad = Draft { payeeHash: GARDENER, ..bad };
    refused::<crate::documents::IDocuments::UnknownDocument>(h.ask(bad.clone()));
    let bad = Draft { quoteDigest: h.file(0xfe), ..bad };
    refused::<OneBasis>(h.ask(bad.clone()));
    refused::<OneBasis>(h.ask(Draft { line: 0, decision: 0, ..bad.clone() }));
    refused::<NoSuchLine>(h.ask(Draft { line: 7, decision: 0, ..bad.clone() }));
    refused::<NotDecided>(h.ask(Draft { line: 0, decision: 77, ..bad.clone() }));
    let other = Draft { fund: 1, decision: 0, ..bad.clone() };
    assert_eq!(refused::<OtherFund>(h.ask(other)).fund, 2);
    let matter = h.ask(Draft { line: 0, decision: 2, ..bad.clone() });
    assert_eq!(refused::<WrongMatter>(matter).matter, 9);
    let bad = Draft { decision: 0, ..bad };
    assert_eq!(refused::<OverBudget>(h.ask(bad.clone())).leftFen, 20_000 * YUAN);
    h.ask(Draft { amountFen: 1, ..bad }).unwrap();
}
