//! The shares of very many units in decided costs, charged in one run: `funds.allot` of every job.
//!
//! A job is shared out over all units in its decision's scope. One transaction has the gas for a page of
//! them (EIP-7825), so that a large job takes several, each a transaction of its own. The units stand
//! in buildings, and each building has decided, paid and settled a job.

use std::ops::Range;

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolCall;
use tulou_client::{Key, Rpc};
use tulou_modules::{
    address::{decisions as DECISIONS, documents as DOCUMENTS, funds as FUNDS, roles as ROLES},
    decisions::{IDecisions, MATTER_USE_FUND},
    documents::IDocuments::{self, Kind},
    funds::{IFunds, pages::PAGE_UNITS, ranking},
    roles::IRoles::{self, Office},
};

use super::{
    Signed, Target,
    community::{
        CALL_GAS, Community, ESTATE, FIRST_MOTION, Register, TX_GAS, area, building, now, parts,
        proposal, view,
    },
    signed::{Batch, Check},
    workload::Sizes,
};
use crate::output::{Failure, Outcome};

/// Shares in one answer.
const PAGE: u64 = 200;
/// Units whose balances one call opens.
const BALANCES: u64 = 500;
/// The first fund of a ledger.
const FUND: u64 = 1;
/// Matter 3 of art. 278: to elect the committee.
const ELECTION: u8 = 3;
const MAINTENANCE: u8 = 1;
const PROGRESS: u8 = 2;
const FOR: u8 = 1;
const DAY_S: u64 = 86_400;

/// The jobs: one of each building, decided by the motion of its place.
#[derive(Clone, Copy, Debug)]
struct Jobs {
    units: u64,
    per_job: u64,
}

impl Jobs {
    fn count(self) -> u64 {
        self.units.div_ceil(self.per_job)
    }

    /// The homes that bear a job.
    fn homes(self, job: u64) -> Range<u64> {
        job * self.per_job..self.units.min((job + 1) * self.per_job)
    }

    /// What a job costs: about 400.00 for a unit, and never a round sum.
    fn cost(self, job: u64) -> u64 {
        let homes = self.homes(job);
        (homes.end - homes.start) * 40_000 + 1 + job % 97
    }

    /// Transactions that share a job out.
    fn pages(self, job: u64) -> Result<u64, Failure> {
        let areas: Vec<u64> = self.homes(job).map(area).collect();
        ranking::calls(self.cost(job), &areas, PAGE_UNITS)
            .ok_or_else(|| Failure(format!("job {job} has no units")))
    }

    /// What a unit has in the fund: not always enough for its share.
    fn balance(unit: u64) -> u64 {
        30_000 + unit * 7_919 % 90_000
    }

    fn motion(job: u64) -> u64 {
        FIRST_MOTION + job
    }
}

/// Sets up the jobs until nothing but the sharing out is left of them, and signs that.
pub(super) fn prepare(target: &Target, sizes: &Sizes) -> Result<Signed, Failure> {
    let jobs = Jobs { units: sizes.units, per_job: sizes.job_units };
    let estate = Community::on(target)?;
    decide(&estate, jobs)?;
    pay(&estate, jobs)?;
    let mut batch = estate.batch();
    let treasurer = batch.sender(&estate.rpc, &estate.chair)?;
    for job in 0..jobs.count() {
        let call = IFunds::allotCall { decision: Jobs::motion(job) };
        for _ in 0..jobs.pages(job)? {
            batch.call(treasurer, FUNDS, &call, TX_GAS);
        }
    }
    estate.await_quiet()?;
    let mut signed =
        batch.sign(format!("bills of {} units, {} a job", jobs.units, jobs.per_job))?;
    let read = move |rpc: &Rpc| shared_out(rpc, jobs);
    signed.checks.push(Check { what: "shares", expected: jobs.units, read: Box::new(read) });
    signed.units = Some(jobs.units);
    Ok(signed)
}

/// Number of shares on the ledger.
///
/// # Errors
/// The parts of a job do not add up to its cost (F-5), or a unit is charged neither from its balance
/// nor as owed.
fn shared_out(rpc: &Rpc, jobs: Jobs) -> Result<u64, Failure> {
    let mut shares = 0;
    for job in 0..jobs.count() {
        let (decision, cost) = (Jobs::motion(job), jobs.cost(job));
        let budget = view(rpc, FUNDS, &IFunds::budgetCall { decision })?;
        let (mut sum, mut owed, mut cursor) = (0, 0, 0);
        loop {
            let page = IFunds::allotmentCall { decision, cursor, limit: PAGE };
            let page = view(rpc, FUNDS, &page)?;
            for share in &page.items {
                shares += 1;
                sum += share.shareFen;
                owed += share.receivableFen;
                if share.chargedFen + share.receivableFen != share.shareFen {
                    return Err(Failure(format!("job {decision}: {share:?} does not add up")));
                }
            }
            if page.next == 0 {
                break;
            }
            cursor = page.next;
        }
        if !budget.allotted || sum != cost || owed != budget.receivableFen {
            let paid = budget.paidFen;
            return Err(Failure(format!(
                "job {decision}: shares of {sum} fen, {owed} of them owed, for a cost of {paid}: {budget:?}"
            )));
        }
    }
    Ok(shares)
}

/// Enters the units, opens their balances in a fund, and lets their owner decide on every job and
/// elect a second officer: nobody signs for a payment of their own.
fn decide(estate: &Community<'_>, jobs: Jobs) -> Outcome {
    let owner = [estate.chair.clone()];
    estate.enter(&Register { homes: jobs.units, per_building: jobs.per_job, owners: &owner })?;
    open_fund(estate, jobs)?;
    let until = now(&estate.rpc)? + 2 * 365 * DAY_S;
    let grant = IRoles::grantCall {
        office: Office::Treasurer,
        holder: treasurer()?.address(),
        fromAt: 0,
        untilAt: until,
        basis: keccak256("minutes"),
    };
    let mut motions: Vec<_> = (0..jobs.count())
        .map(|job| {
            let (title, scope) =
                (format!("Roof of building {}", job + 1), building(job as u32 + 1));
            proposal(title, MATTER_USE_FUND, scope, jobs.cost(job))
        })
        .collect();
    motions.push(IDecisions::Proposal {
        target: ROLES,
        action: grant.abi_encode().into(),
        ..proposal("Treasurer".into(), ELECTION, ESTATE, 0)
    });
    let all = FIRST_MOTION..FIRST_MOTION + motions.len() as u64;
    let closes = estate.open_motions(motions)?;
    let each = |what: &str, call: &dyn Fn(&mut Batch, usize, u64)| {
        let mut batch = estate.batch();
        let sender = batch.sender(&estate.rpc, &estate.chair)?;
        all.clone().for_each(|motion| call(&mut batch, sender, motion));
        estate.bring(batch, what)
    };
    each("the ballots", &|batch, sender, motion| {
        batch.call(sender, DECISIONS, &IDecisions::castCall { motion, choice: FOR }, CALL_GAS);
    })?;
    estate.pass_until(closes)?;
    each("the outcomes", &|batch, sender, motion| {
        batch.call(sender, DECISIONS, &IDecisions::closeCall { motion }, CALL_GAS);
    })
}

/// The second officer.
fn treasurer() -> Result<Key, Failure> {
    Ok(Key::test(1)?)
}

fn payee() -> B256 {
    keccak256("tulou/bench/payee")
}

/// Digest of the price check of every job.
fn report() -> B256 {
    keccak256("tulou/bench/price report")
}

/// A fund with what the units have in it, and whom it will pay.
fn open_fund(estate: &Community<'_>, jobs: Jobs) -> Outcome {
    let mut batch = estate.batch();
    let office = batch.sender(&estate.rpc, &estate.chair)?;
    let units = 1..=jobs.units;
    let total = units.clone().map(Jobs::balance).sum::<u64>();
    let costs = (0..jobs.count()).map(|job| jobs.cost(job)).sum::<u64>();
    let open = IFunds::openFundCall { name: "Maintenance".into(), purpose: MAINTENANCE };
    batch.call(office, FUNDS, &open, CALL_GAS);
    let credit = IFunds::creditCall {
        fund: FUND,
        amountFen: total + costs,
        bankRef: "IN-1".into(),
        occurredAt: now(&estate.rpc)?,
        memo: "carried over".into(),
    };
    batch.call(office, FUNDS, &credit, CALL_GAS);
    for part in parts(jobs.units, BALANCES) {
        let units: Vec<u64> = part.map(|index| index + 1).collect();
        let amounts = units.iter().map(|unit| Jobs::balance(*unit)).collect();
        let call = IFunds::openUnitBalancesCall { fund: FUND, units, amountsFen: amounts };
        batch.call(office, FUNDS, &call, TX_GAS);
    }
    let account = keccak256("tulou/bench/payee account");
    let call =
        IFunds::setPayeeCall { payeeHash: payee(), accountHash: account, name: "Roofer".into() };
    batch.call(office, FUNDS, &call, CALL_GAS);
    let call = IDocuments::registerCall {
        hash: report(),
        kind: Kind::PriceReport,
        custodian: estate.chair.address(),
        retainUntil: now(&estate.rpc)? + 10 * 365 * DAY_S,
        title: "Price report".into(),
    };
    batch.call(office, DOCUMENTS, &call, CALL_GAS);
    estate.bring(batch, &format!("balances of {} units", jobs.units))
}

/// Every job is asked for by one officer, signed by the other, paid by the bank and checked.
fn pay(estate: &Community<'_>, jobs: Jobs) -> Outcome {
    let mut batch = estate.batch();
    let asker = batch.sender(&estate.rpc, &treasurer()?)?;
    for job in 0..jobs.count() {
        let draft = IFunds::Draft {
            fund: FUND,
            line: 0,
            decision: Jobs::motion(job),
            amountFen: jobs.cost(job),
            payeeHash: payee(),
            quoteDigest: B256::ZERO,
            invoiceDigest: B256::ZERO,
            purpose: format!("Roof of building {}", job + 1),
            stage: PROGRESS,
        };
        batch.call(asker, FUNDS, &IFunds::requestCall { draft }, CALL_GAS);
    }
    estate.bring(batch, &format!("{} payments", jobs.count()))?;
    let mut batch = estate.batch();
    let office = batch.sender(&estate.rpc, &estate.chair)?;
    let paid_at = now(&estate.rpc)?;
    for job in 0..jobs.count() {
        // Payments are numbered from 1 in the order in which they were asked for.
        let (id, decision) = (job + 1, Jobs::motion(job));
        let sentence = keccak256(U256::from(id).to_be_bytes::<32>());
        let call = IFunds::approveCall { id, revision: 1, sentenceHash: sentence };
        batch.call(office, FUNDS, &call, CALL_GAS);
        let reference = format!("OUT-{id}");
        let call = IFunds::confirmDebitCall { id, bankRef: reference, occurredAt: paid_at };
        batch.call(office, FUNDS, &call, CALL_GAS);
        let (cost, digest) = (jobs.cost(job), report());
        let call = IFunds::settleCall { decision, finalFen: cost, reportDigest: digest };
        batch.call(office, FUNDS, &call, CALL_GAS);
    }
    estate.bring(batch, "signatures, bank lines and price checks")
}
