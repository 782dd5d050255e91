//! F-4: who asked, who signed and who must sign, kept from the events and judged by rules of our own.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tulou_modules::{
    address,
    decisions::IDecisions,
    funds::IFunds::{self, Request, RequestState, Tier},
    prelude::Office,
    roles::IRoles,
    rules::IRules,
};
use tulou_slots::{Logged, Memory};

use super::{ask, event, funds::AT, funds::lives};
use crate::play::{Broken, Kept, Seen, keep};

#[derive(Debug)]
struct Payment {
    amount: u64,
    payee: B256,
    tier: Tier,
    asked_at: u64,
    requester: Address,
    /// Offices of who asked, as a mask.
    offices: u32,
    state: RequestState,
    /// Signatures that hold, with the offices of the signers.
    signed: BTreeMap<Address, u32>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    payments: BTreeMap<u64, Payment>,
    /// When the account of a payee was set last.
    known_at: BTreeMap<B256, u64>,
}

fn offices_of(memory: &mut Memory, account: Address) -> Result<u32, Broken> {
    ask(memory, address::roles, &IRoles::officesOfCall { account })
}

fn number(memory: &mut Memory, key: &str) -> Result<u64, Broken> {
    Ok(ask(memory, address::rules, &IRules::ruleCall { key: key.into() })?.num)
}

impl Model {
    pub(super) fn begin(memory: &mut Memory, logs: &[Logged]) -> Result<Self, Broken> {
        let mut model = Self::default();
        for log in logs {
            model.learn(log, memory)?;
        }
        for (payee, known_at) in &mut model.known_at {
            *known_at = ask(memory, AT, &IFunds::payeeCall { payeeHash: *payee })?.knownAt;
        }
        Ok(model)
    }

    fn learn(&mut self, log: &Logged, memory: &mut Memory) -> Kept {
        let now = memory.now;
        if let Some(asked) = event::<IFunds::PaymentRequested>(log, AT) {
            let shown = ask(memory, AT, &IFunds::requestOfCall { id: asked.request })?;
            let requester = shown.requester;
            let payment = Payment {
                amount: asked.amountFen,
                payee: asked.payeeHash,
                tier: asked.tier,
                asked_at: shown.requestedAt,
                requester,
                offices: offices_of(memory, requester)?,
                state: RequestState::Requested,
                signed: BTreeMap::new(),
            };
            self.payments.insert(asked.request, payment);
        }
        if let Some(set) = event::<IFunds::PayeeSet>(log, AT) {
            self.known_at.insert(set.payeeHash, now);
            let waiting = self.payments.values_mut().filter(|payment| {
                payment.payee == set.payeeHash && payment.state == RequestState::Requested
            });
            waiting.for_each(|payment| payment.signed.clear());
        }
        if let Some(edited) = event::<IFunds::PaymentEdited>(log, AT) {
            let payment = self.payment(edited.request)?;
            (payment.amount, payment.payee) = (edited.amountFen, edited.payeeHash);
            payment.tier = edited.tier;
            payment.signed.clear();
        }
        if let Some(signed) = event::<IFunds::PaymentApproved>(log, AT) {
            let offices = offices_of(memory, signed.signer)?;
            self.payment(signed.request)?.signed.insert(signed.signer, offices);
        }
        if let Some(revoked) = event::<IFunds::ApprovalRevoked>(log, AT) {
            self.payment(revoked.request)?.signed.remove(&revoked.signer);
        }
        if let Some(ordered) = event::<IFunds::PaymentOrdered>(log, AT) {
            let payment = self.payment(ordered.request)?;
            let waits = payment.state == RequestState::Requested;
            keep!("F-4", waits, "request {} is ordered twice", ordered.request);
            keep!("F-4", ordered.amountFen == payment.amount, "another sum is ordered than asked");
            payment.state = RequestState::Ordered;
        }
        if let Some(ended) = event::<IFunds::PaymentEnded>(log, AT) {
            self.payment(ended.request)?.state = ended.state;
        }
        Ok(())
    }

    fn payment(&mut self, id: u64) -> Result<&mut Payment, Broken> {
        let found = self.payments.get_mut(&id);
        found.ok_or_else(|| Broken::new("F-3", format!("request {id} was never asked")))
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        for log in seen.logs {
            self.learn(log, seen.after)?;
            let asked = event::<IFunds::PaymentRequested>(log, AT).map(|event| event.request);
            let edited = event::<IFunds::PaymentEdited>(log, AT).map(|event| event.request);
            if let Some(id) = asked.or(edited) {
                self.tier(id, seen.after)?;
            }
            if let Some(ordered) = event::<IFunds::PaymentOrdered>(log, AT) {
                self.signatures(ordered.request, seen.after)?;
            }
            if let Some(ended) = event::<IFunds::PaymentEnded>(log, AT) {
                self.ended(ended.request, ended.state, seen)?;
            }
        }
        Ok(())
    }

    /// The tier of a payment: the owners' decision, or by what the payee gets within the window.
    fn tier(&mut self, id: u64, memory: &mut Memory) -> Kept {
        let now = memory.now;
        let shown = ask(memory, AT, &IFunds::requestOfCall { id })?;
        let decision = if shown.line == 0 {
            shown.decision
        } else {
            ask(memory, AT, &IFunds::lineCall { id: shown.line })?.decision
        };
        let decided = ask(memory, address::decisions, &IDecisions::motionCall { id: decision })?;
        let passed = decided.state == IDecisions::MotionState::Passed;
        keep!("F-3", passed, "request {id} stands on decision {decision}, which did not pass");
        let payment = self.payment(id)?;
        let (payee, tier) = (payment.payee, payment.tier);
        if decided.matter == 5 {
            keep!("F-4", tier == Tier::Assembly, "request {id} draws on a decision as {tier:?}");
            return Ok(());
        }
        let window = number(memory, "spend.split_days")? * 86_400;
        let recent = self.payments.values().filter(|payment| {
            payment.payee == payee
                && payment.tier != Tier::Assembly
                && lives(payment.state)
                && payment.asked_at.saturating_add(window) >= now
        });
        let mut sum: u128 = recent.map(|payment| u128::from(payment.amount)).sum();
        // One that is changed later than the window reaches counts itself all the same.
        if shown.requestedAt.saturating_add(window) < now {
            sum += u128::from(shown.amountFen);
        }
        let limits = ["spend.manager_max", "spend.treasurer_max", "spend.committee_max"];
        let tiers = [Tier::Small, Tier::Medium, Tier::Committee];
        for (key, expected) in limits.into_iter().zip(tiers) {
            if sum <= number(memory, key)?.into() {
                keep!("F-4", tier == expected, "request {id} of {sum} in all is {tier:?}");
                return Ok(());
            }
        }
        keep!("F-4", false, "request {id} of {sum} in all stands on no decision");
        Ok(())
    }

    /// The signatures with which a payment was just ordered.
    fn signatures(&mut self, id: u64, memory: &mut Memory) -> Kept {
        let now = memory.now;
        let seats = number(memory, "committee.seats_min")?;
        let cooldown = number(memory, "spend.payee_cooldown_hours")? * 3_600;
        let payment = self.payment(id)?;
        let own = payment.signed.contains_key(&payment.requester);
        keep!("F-4", !own, "who asked for {id} signed for it");
        let mut people: Vec<u32> = payment.signed.values().copied().collect();
        let committee = Office::Chair.bit() | Office::Member.bit() | Office::Treasurer.bit();
        let of_committee = people.iter().filter(|offices| *offices & committee != 0).count();
        people.push(payment.offices);
        let pair = |one: Office, other: Office| {
            let holds = |i: usize, office: Office| people[i] & office.bit() != 0;
            let all = 0..people.len();
            // One person with both offices is one person.
            all.clone().any(|i| holds(i, one) && all.clone().any(|j| i != j && holds(j, other)))
        };
        let suffices = match payment.tier {
            Tier::Small => pair(Office::Manager, Office::Treasurer),
            Tier::Committee => of_committee as u64 * 2 > seats,
            _ => pair(Office::Treasurer, Office::Chair),
        };
        keep!("F-4", suffices, "request {id} ({:?}) is ordered with {people:x?}", payment.tier);
        let payee = payment.payee;
        let known_at = self.known_at.get(&payee).copied().unwrap_or(u64::MAX);
        let cooled = known_at.saturating_add(cooldown) <= now;
        keep!("F-4", cooled, "request {id} is ordered to an account that is too new");
        Ok(())
    }

    /// Only what was ordered is paid or returned, only what was not is rejected or withdrawn.
    fn ended(&mut self, id: u64, state: RequestState, seen: &mut Seen<'_>) -> Kept {
        let before = ask(seen.before, AT, &IFunds::requestOfCall { id })?.state;
        let ordered = matches!(state, RequestState::Paid | RequestState::Returned);
        let expected = if ordered { RequestState::Ordered } else { RequestState::Requested };
        keep!("F-4", before == expected, "request {id} goes from {before:?} to {state:?}");
        Ok(())
    }

    pub(super) fn check(&self, requests: &[Request]) -> Kept {
        keep!(
            "F-3",
            requests.len() == self.payments.len(),
            "{} requests are shown",
            requests.len()
        );
        for request in requests {
            let Some(kept) = self.payments.get(&request.id) else { continue };
            let shown = (request.state, request.amountFen, request.payeeHash);
            let same = shown == (kept.state, kept.amount, kept.payee);
            keep!("F-3", same, "request {} shows {shown:?}", request.id);
        }
        Ok(())
    }
}
