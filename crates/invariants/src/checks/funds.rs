//! F-1, F-2, F-3, F-5, F-6: funds, lines and decisions worked out again from bank lines, requests and
//! allotments.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tulou_modules::{
    address,
    decisions::IDecisions,
    funds::{
        ASSET,
        IFunds::{self, Budget, Movement, MovementKind, Request, RequestState},
        account_of,
    },
    money::IMoney,
};
use tulou_slots::{Logged, Memory};

use super::{all_of, ask, event, events, payments, registry};
use crate::play::{Broken, Kept, Seen, keep};

pub(super) const AT: Address = address::funds;

#[derive(Debug, Default)]
pub(super) struct Model {
    /// Bank lines by number: fund, sum as booked, and whether it came in.
    booked: BTreeMap<u64, (u64, u64, bool)>,
    /// Opening balances of units, by fund and unit.
    opened: BTreeMap<(u64, u64), u64>,
    payments: payments::Model,
}

/// Everything that is on the books.
pub(super) struct Books {
    movements: Vec<Movement>,
    requests: Vec<Request>,
    lines: Vec<IFunds::Line>,
}

impl Model {
    pub(super) fn begin(
        memory: &mut Memory,
        logs: &[Logged],
        register: &registry::Model,
    ) -> Result<Self, Broken> {
        let mut model = Self::default();
        for unit in 1..=4 {
            let call = IFunds::unitBalanceCall { ofFund: 1, unit };
            model.opened.insert((1, unit), ask(memory, AT, &call)?.balanceFen);
        }
        for log in logs {
            model.learn(log)?;
        }
        model.payments = payments::Model::begin(memory, logs)?;
        model.check(memory, register)?;
        Ok(model)
    }

    fn learn(&mut self, log: &Logged) -> Kept {
        let credited = event::<IFunds::Credited>(log, AT);
        let credited = credited.map(|e| (e.movement, (e.fund, e.amountFen, true)));
        let debited = event::<IFunds::Debited>(log, AT);
        let debited = debited.map(|e| (e.movement, (e.fund, e.amountFen, false)));
        if let Some((id, line)) = credited.or(debited) {
            keep!("F-6", self.booked.insert(id, line).is_none(), "bank line {id} is booked twice");
        }
        Ok(())
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>, register: &registry::Model) -> Kept {
        for log in seen.logs {
            self.learn(log)?;
        }
        self.payments.after(seen)?;
        self.open_units(seen)?;
        let decided = !events::<IDecisions::MotionClosed>(seen.logs).is_empty();
        let concerned = decided || seen.concerns(AT) || seen.concerns(address::money);
        if concerned { self.check(seen.after, register) } else { Ok(()) }
    }

    /// Opening balances, from the call itself.
    fn open_units(&mut self, seen: &mut Seen<'_>) -> Kept {
        use alloy_sol_types::SolCall;
        let Some(call) = seen.call.filter(|call| call.to == AT) else { return Ok(()) };
        let Ok(open) = IFunds::openUnitBalancesCall::abi_decode(&call.input) else { return Ok(()) };
        for (unit, amount) in open.units.into_iter().zip(open.amountsFen) {
            let before = self.opened.insert((open.fund, unit), amount);
            keep!("F-5", before.is_none(), "unit {unit} is opened twice in fund {}", open.fund);
        }
        Ok(())
    }

    fn check(&self, memory: &mut Memory, register: &registry::Model) -> Kept {
        let funds = all_of!(memory, AT, IFunds::fundsCall {})?;
        let mut movements = Vec::new();
        for fund in &funds {
            let call = |cursor| IFunds::movementsCall {
                ofFund: fund.id,
                from: 0,
                until: 0,
                cursor,
                limit: 200,
            };
            movements.extend(super::whole(memory, AT, call, |page| (page.items, page.next))?);
        }
        let requests = all_of!(memory, AT, IFunds::requestsCall { state: 0, ofFund: 0 })?;
        let lines = all_of!(memory, AT, IFunds::linesCall { ofFund: 0, year: 0 })?;
        let books = Books { movements, requests, lines };
        for fund in &funds {
            self.fund(fund, &books, memory)?;
        }
        self.serials(&books)?;
        lines_fit(&books)?;
        debits_have_a_path(&books)?;
        self.budgets(&books, memory, register)?;
        self.payments.check(&books.requests)
    }

    fn fund(&self, fund: &IFunds::Fund, books: &Books, memory: &mut Memory) -> Kept {
        let id = fund.id;
        let call = IMoney::balanceCall { ofAsset: ASSET, account: account_of(id) };
        let money = ask(memory, address::money, &call)?;
        let same = (money.balanceFen, money.heldFen) == (fund.balanceFen, fund.heldFen);
        keep!(
            "F-1",
            same,
            "fund {id} shows {}, its account has {}",
            fund.balanceFen,
            money.balanceFen
        );
        let mine = self.booked.values().filter(|line| line.0 == id);
        let sum = mine.fold(0i128, |sum, (_, amount, came_in)| {
            if *came_in { sum + i128::from(*amount) } else { sum - i128::from(*amount) }
        });
        keep!("F-1", sum == fund.balanceFen.into(), "the lines of fund {id} add up to {sum}");
        let ordered = books
            .requests
            .iter()
            .filter(|request| request.fund == id && request.state == RequestState::Ordered);
        let held: u128 = ordered.map(|request| u128::from(request.amountFen)).sum();
        keep!("F-1", held == fund.heldFen.into(), "{held} of fund {id} is ordered");
        let unexplained = books
            .movements
            .iter()
            .filter(|movement| movement.fund == id && movement.kind == MovementKind::Unexplained);
        let (count, sum) = unexplained.fold((0, 0u128), |(count, sum), movement| {
            (count + 1, sum + u128::from(movement.amountFen))
        });
        let same = (count, sum) == (fund.unexplained, u128::from(fund.unexplainedFen));
        keep!("F-3", same, "{count} debits of {sum} in fund {id} are unexplained");
        statements(id, memory)
    }

    /// One serial, one line; one invoice, one payment that lives.
    fn serials(&self, books: &Books) -> Kept {
        let mut serials = BTreeSet::new();
        for movement in &books.movements {
            let new = serials.insert(movement.bankRef.as_str());
            keep!("F-6", new, "the serial {} is booked twice", movement.bankRef);
            let line = self.booked.get(&movement.id);
            let came_in = movement.kind == MovementKind::Credit;
            let same = line == Some(&(movement.fund, movement.amountFen, came_in));
            keep!("F-3", same, "bank line {} is not as it was booked", movement.id);
        }
        keep!("F-6", books.movements.len() == self.booked.len(), "a bank line is missing");
        let mut invoices = BTreeSet::new();
        for request in &books.requests {
            if lives(request.state) && !request.invoiceDigest.is_zero() {
                let new = invoices.insert(request.invoiceDigest);
                keep!("F-6", new, "the invoice of request {} is used twice", request.id);
            }
        }
        Ok(())
    }

    fn budgets(&self, books: &Books, memory: &mut Memory, register: &registry::Model) -> Kept {
        let state = IDecisions::MotionState::Passed as u8;
        let passed = all_of!(memory, address::decisions, IDecisions::motionsCall { state: state })?;
        let mut units: BTreeMap<(u64, u64), (u128, u128)> = BTreeMap::new();
        for motion in passed.iter().filter(|motion| motion.budgetFen != 0) {
            let budget = ask(memory, AT, &IFunds::budgetCall { decision: motion.id })?;
            budget_fits(&budget, motion.budgetFen, books)?;
            if budget.allotted {
                let roll = register.rolls.get(motion.roll as usize - 1);
                allotment(&budget, roll, memory, &mut units)?;
            }
        }
        let known = units.keys().chain(self.opened.keys()).copied().collect::<BTreeSet<_>>();
        for (fund, unit) in known {
            let (charged, owed) = units.get(&(fund, unit)).copied().unwrap_or_default();
            let opened = self.opened.get(&(fund, unit)).copied().unwrap_or_default();
            let shown = ask(memory, AT, &IFunds::unitBalanceCall { ofFund: fund, unit })?;
            let same = u128::from(shown.balanceFen) + charged == opened.into();
            keep!(
                "F-5",
                same,
                "unit {unit} has {}, of {opened} {charged} is charged",
                shown.balanceFen
            );
            let same = u128::from(shown.receivableFen) == owed;
            keep!("F-5", same, "unit {unit} owes {}, its parts say {owed}", shown.receivableFen);
        }
        Ok(())
    }
}

pub(super) fn lives(state: RequestState) -> bool {
    matches!(state, RequestState::Requested | RequestState::Ordered | RequestState::Paid)
}

/// What stands on a line or on a decision: committed and paid.
fn spent<'r>(requests: impl Iterator<Item = &'r Request>) -> (u128, u128) {
    requests.fold((0, 0), |(committed, paid), request| match request.state {
        RequestState::Requested | RequestState::Ordered => {
            (committed + u128::from(request.amountFen), paid)
        }
        RequestState::Paid => (committed, paid + u128::from(request.amountFen)),
        _ => (committed, paid),
    })
}

fn lines_fit(books: &Books) -> Kept {
    for line in &books.lines {
        let (committed, mut paid) = spent(books.requests.iter().filter(|r| r.line == line.id));
        let explained = books.movements.iter().filter(|movement| {
            movement.line == line.id && movement.kind == MovementKind::Explained
        });
        paid += explained.map(|movement| u128::from(movement.amountFen)).sum::<u128>();
        let shown = (u128::from(line.committedFen), u128::from(line.paidFen));
        keep!(
            "F-2",
            shown == (committed, paid),
            "line {} shows {shown:?}, not {committed} and {paid}",
            line.id
        );
        let fits = committed + paid <= line.plannedFen.into();
        keep!("F-2", fits, "line {} is overspent: {committed} + {paid}", line.id);
    }
    Ok(())
}

fn budget_fits(budget: &Budget, voted: u64, books: &Books) -> Kept {
    let id = budget.decision;
    let direct =
        books.requests.iter().filter(|request| request.line == 0 && request.decision == id);
    let (committed, paid) = spent(direct);
    let shown = (u128::from(budget.committedFen), u128::from(budget.paidFen));
    keep!(
        "F-2",
        shown == (committed, paid),
        "decision {id} shows {shown:?}, not {committed} and {paid}"
    );
    let lines = books.lines.iter().filter(|line| line.decision == id);
    let planned: u128 = lines.map(|line| u128::from(line.plannedFen)).sum();
    keep!("F-2", planned == budget.linesFen.into(), "the lines of decision {id} plan {planned}");
    let fits = committed + paid + planned <= budget.allowedFen.into();
    keep!("F-2", fits, "decision {id} is overspent: {committed} + {paid} + {planned}");
    let same = budget.votedFen == voted && (budget.settled || budget.allowedFen == voted);
    keep!("F-2", same, "decision {id} allows {}, voted was {voted}", budget.allowedFen);
    Ok(())
}

fn debits_have_a_path(books: &Books) -> Kept {
    for movement in &books.movements {
        let id = movement.id;
        match movement.kind {
            MovementKind::Payment => {
                let request = books.requests.iter().find(|request| request.id == movement.request);
                let fits = request.is_some_and(|request| {
                    request.state == RequestState::Paid
                        && (request.movement, request.amountFen) == (id, movement.amountFen)
                        && request.fund == movement.fund
                });
                keep!("F-3", fits && movement.decision != 0, "payment {id} has no request");
            }
            MovementKind::Explained => {
                let line = books.lines.iter().find(|line| line.id == movement.line);
                let fits = line.is_some_and(|line| line.fund == movement.fund);
                keep!("F-3", fits, "debit {id} is explained by another fund's line");
            }
            _ => {
                let free = (movement.request, movement.line, movement.decision) == (0, 0, 0);
                keep!("F-3", free, "line {id} has a path that it cannot have");
            }
        }
    }
    Ok(())
}

/// Statements follow one another and add up.
fn statements(fund: u64, memory: &mut Memory) -> Kept {
    let all = all_of!(memory, AT, IFunds::statementsCall { ofFund: fund })?;
    for statement in &all {
        let left = u128::from(statement.openingFen) + u128::from(statement.creditsFen);
        let right = u128::from(statement.debitsFen) + u128::from(statement.closingFen);
        keep!("F-3", left == right, "a statement of fund {fund} does not add up");
    }
    for pair in all.windows(2) {
        let again = pair[0].period == pair[1].period;
        let opening = if again { pair[0].openingFen } else { pair[0].closingFen };
        let follows = pair[1].openingFen == opening && pair[1].period >= pair[0].period;
        keep!("F-3", follows, "a statement of fund {fund} does not follow the last");
    }
    Ok(())
}

/// What each unit bears of a decision: parts by area that add up to its cost.
fn allotment(
    budget: &Budget,
    roll: Option<&registry::Frozen>,
    memory: &mut Memory,
    units: &mut BTreeMap<(u64, u64), (u128, u128)>,
) -> Kept {
    let id = budget.decision;
    let shares = all_of!(memory, AT, IFunds::allotmentCall { decision: id })?;
    let bearing = shares.iter().map(|share| (share.unit, share.areaM2)).collect();
    let of_roll = roll.is_some_and(|roll| roll.units == bearing);
    keep!("F-5", of_roll, "the units that bear {id} are not those of its roll");
    let area: u128 = shares.iter().map(|share| u128::from(share.areaM2)).sum();
    let (total, mut sum, mut owed) = (u128::from(budget.allowedFen), 0u128, 0u128);
    keep!("F-5", budget.settled && budget.paidFen == budget.allowedFen, "{id} is not paid");
    for share in &shares {
        let (part, weight) = (u128::from(share.shareFen), u128::from(share.areaM2));
        let floor = (total * weight).checked_div(area).unwrap_or(0);
        keep!("F-5", part == floor || part == floor + 1, "unit {} bears {part}", share.unit);
        let adds = share.chargedFen.checked_add(share.receivableFen) == Some(share.shareFen);
        keep!("F-5", adds, "charged and owed of unit {} are not its part", share.unit);
        let unit = units.entry((budget.fund, share.unit)).or_default();
        unit.0 += u128::from(share.chargedFen);
        unit.1 += u128::from(share.receivableFen);
        (sum, owed) = (sum + part, owed + u128::from(share.receivableFen));
    }
    keep!("F-5", sum == total, "the parts of {id} add up to {sum}, not {total}");
    keep!("F-5", owed == budget.receivableFen.into(), "of {id} {owed} is owed");
    Ok(())
}
