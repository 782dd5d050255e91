//! An estate with two funds, two payees and a passed decision on the lift of the stair.

use alloy_sol_types::SolCall;

use crate::decisions::tests::estate::*;
use crate::documents::IDocuments::{Kind, registerCall};
use crate::funds::IFunds::*;
use crate::funds::{ASSET, account_of};
use crate::prelude::*;
use crate::{address, money};

pub(super) const YUAN: u64 = 100;
pub(super) const OPENING: u64 = 200_000 * YUAN;
pub(super) const BUDGET: u64 = 86_400 * YUAN;
pub(super) const LIFT_CO: B256 = B256::repeat_byte(0x11);
pub(super) const GARDENER: B256 = B256::repeat_byte(0x22);
pub(super) const SENTENCE: B256 = B256::repeat_byte(0x5e);

/// An estate with a maintenance fund (1) of 200,000.00 and a common income fund (2) of 100,000.00, two
/// payees that may be paid, and a passed decision (1) of 86,400.00 on the lift of the stair.
pub(super) struct House {
    pub(super) e: Estate,
    pub(super) decision: u64,
}

impl House {
    pub(super) fn new() -> Self {
        Self::on_estate(Estate::new())
    }

    pub(super) fn on_estate(mut e: Estate) -> Self {
        let decision = e.passed_lift(proposal(5, LIFT));
        let mut house = Self { e, decision };
        for (name, purpose, amount) in
            [("Maintenance fund", 1, OPENING), ("Common income", 2, 100_000 * YUAN)]
        {
            let fund = house.on(CHAIR, &openFundCall { name: name.into(), purpose }).unwrap();
            house.credit(fund, amount, &format!("OPEN-{fund}")).unwrap();
        }
        house.payee(LIFT_CO, 1, "Xinda Lift Co.").unwrap();
        house.payee(GARDENER, 1, "Green Hands Garden Co.").unwrap();
        house.e.m.now += 4 * DAY;
        house
    }

    pub(super) fn on<Call: SolCall>(&mut self, who: Address, call: &Call) -> Res<Call::Return> {
        let answer = self.e.at(address::funds, who, call);
        self.check();
        answer
    }

    /// Invariants: F-1 the funds' money is the mirror's, F-2 no line or decision is overspent, F-3 every
    /// debit has one path or shows as unexplained.
    fn check(&mut self) {
        let (mut total, mut supply) = (0, 0);
        let all = self.view(&fundsCall { cursor: 0, limit: 200 }).items;
        for fund in &all {
            let held = self.money(fund.id);
            assert_eq!(held, fund.balanceFen, "fund {}", fund.id);
            total += fund.balanceFen;
            let call = movementsCall { ofFund: fund.id, from: 0, until: 0, cursor: 0, limit: 200 };
            let (mut sum, mut unexplained) = (0i128, 0);
            for movement in self.view(&call).items {
                let amount = i128::from(movement.amountFen);
                sum += if movement.kind == MovementKind::Credit { amount } else { -amount };
                assert_eq!(i128::from(movement.balanceFen), sum);
                match movement.kind {
                    MovementKind::Unexplained => unexplained += movement.amountFen,
                    MovementKind::Payment => assert!(movement.request != 0 && movement.decision != 0),
                    MovementKind::Explained => assert!(movement.line != 0),
                    _ => {}
                }
            }
            assert_eq!(unexplained, fund.unexplainedFen);
            supply = self.supply();
        }
        assert_eq!(total, supply);
        let lines = linesCall { ofFund: 0, year: 0, cursor: 0, limit: 200 };
        for line in self.view(&lines).items {
            assert_eq!(line.plannedFen, line.committedFen + line.paidFen + line.leftFen);
        }
    }

    pub(super) fn view<Call: SolCall>(&mut self, call: &Call) -> Call::Return {
        self.e.at(address::funds, STRANGER, call).unwrap()
    }

    fn money(&mut self, fund: u64) -> u64 {
        let account = account_of(fund);
        let read = |cx: &mut Cx<'_>| money::balance(cx, ASSET, account);
        self.e.m.run(address::funds, STRANGER, read).unwrap().0
    }

    fn supply(&mut self) -> u64 {
        let call = money::IToken::totalSupplyCall {};
        self.e.at(money::asset_address(ASSET), STRANGER, &call).unwrap().to()
    }

    pub(super) fn credit(&mut self, fund: u64, amount: u64, bank_ref: &str) -> Res<u64> {
        self.on(BANK, &creditCall {
            fund,
            amountFen: amount,
            bankRef: bank_ref.into(),
            occurredAt: self.e.m.now,
            memo: "paid in".into(),
        })
    }

    pub(super) fn debit(&mut self, fund: u64, amount: u64, bank_ref: &str) -> Res<u64> {
        self.on(BANK, &debitCall {
            fund,
            amountFen: amount,
            bankRef: bank_ref.into(),
            occurredAt: self.e.m.now,
            memo: "paid out".into(),
        })
    }

    pub(super) fn payee(&mut self, payee: B256, account: u8, name: &str) -> Res<()> {
        let account_hash = B256::repeat_byte(account);
        let call = setPayeeCall { payeeHash: payee, accountHash: account_hash, name: name.into() };
        self.on(MANAGER, &call).map(drop)
    }

    /// Puts a document on file.
    pub(super) fn file(&mut self, number: u8) -> B256 {
        let hash = B256::repeat_byte(number);
        let retain_until = self.e.m.now + 10 * 365 * DAY;
        let call = registerCall {
            hash,
            kind: Kind::Invoice,
            custodian: MANAGER,
            retainUntil: retain_until,
            title: "Invoice".into(),
        };
        self.e.at(address::documents, MANAGER, &call).unwrap();
        hash
    }

    pub(super) fn draw(&self, amount: u64, stage: u8) -> Draft {
        Draft { decision: self.decision, stage, ..draft(1, 0, amount, LIFT_CO) }
    }

    pub(super) fn ask(&mut self, draft: Draft) -> Res<u64> {
        self.on(MANAGER, &requestCall { draft })
    }

    pub(super) fn sign(&mut self, who: Address, id: u64, revision: u32) -> Res<()> {
        self.on(who, &approveCall { id, revision, sentenceHash: SENTENCE }).map(drop)
    }

    pub(super) fn confirm(&mut self, id: u64, bank_ref: &str) -> Res<u64> {
        let occurred_at = self.e.m.now;
        self.on(BANK, &confirmDebitCall { id, bankRef: bank_ref.into(), occurredAt: occurred_at })
    }

    pub(super) fn state(&mut self, id: u64) -> RequestState {
        self.view(&requestOfCall { id }).state
    }

    /// Asks, signs as the decision's tier needs, and has the bank execute.
    pub(super) fn pay(&mut self, draft: Draft, bank_ref: &str) -> u64 {
        let id = self.ask(draft).unwrap();
        self.sign(TREASURER, id, 1).unwrap();
        assert_eq!(self.state(id), RequestState::Requested);
        self.sign(CHAIR, id, 1).unwrap();
        assert_eq!(self.state(id), RequestState::Ordered);
        self.confirm(id, bank_ref).unwrap()
    }

    /// A line of the common income fund, from a decision on other matters.
    pub(super) fn line(&mut self, planned: u64) -> u64 {
        let mut later = proposal(9, LIFT);
        later.budgetFen = planned;
        later.opensAt = 0;
        later.closesAt = self.e.m.now + 40 * DAY;
        let motion = self.e.propose(later).unwrap();
        self.e.m.now = self.e.motion(motion).opensAt;
        for number in 1..=9 {
            self.e.cast(motion, number, 1).unwrap();
        }
        self.e.closed(motion);
        self.on(TREASURER, &openLineCall {
            fund: 2,
            year: 2026,
            name: "Garden".into(),
            plannedFen: planned,
            decision: motion,
        })
        .unwrap()
    }
}

pub(super) fn draft(fund: u64, line: u64, amount: u64, payee: B256) -> Draft {
    Draft {
        fund,
        line,
        decision: 0,
        amountFen: amount,
        payeeHash: payee,
        quoteDigest: B256::ZERO,
        invoiceDigest: B256::ZERO,
        purpose: "Lift of stair 2".into(),
        stage: 2,
    }
}
