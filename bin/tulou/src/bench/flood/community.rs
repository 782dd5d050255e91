//! An estate on an empty ledger, set up by ordinary transactions of those who hold the offices: the
//! register, the owners' accounts, motions that are open. The days of notice pass as they do in the
//! demo: by moving the clock.

use std::{
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use serde_json::json;
use tulou_client::{ClientError, Key, Rpc, refusal_in_words};
use tulou_modules::{
    address::{decisions as DECISIONS, registry as REGISTRY, schedule as SCHEDULE},
    decisions::IDecisions::{self, Proposal, Scope},
    registry::IRegistry::{self, AreaSource, Holding, HoldingKind, UnitEntry, Use},
    schedule::ISchedule,
};

use super::{
    PATIENCE, Pace, Target, number, send,
    signed::{Batch, in_parallel},
    tally,
    target::Offices,
};
use crate::output::{Failure, Outcome};

/// Most gas that one transaction may ask for (EIP-7825).
pub(super) const TX_GAS: u64 = 16_777_216;
/// How often the clock is moved until a block has the time that is waited for.
const CLOCK_MOVES: usize = 10;
/// Gas of a call that writes a few records.
pub(super) const CALL_GAS: u64 = 3_000_000;
/// Entries of one call of the register: what the gas of one transaction carries.
const UNITS: u64 = 40;
const OWNERS: u64 = 200;
const HOLDINGS: u64 = 35;
const BINDINGS: u64 = 100;
/// Time in which motions of the bench are open.
const OPEN_S: u64 = 30 * 86_400;
/// Number of the first motion of a ledger.
pub(super) const FIRST_MOTION: u64 = 1;
/// Matter 9 of art. 278: other matters of common property.
pub(super) const OTHER_MATTER: u8 = 9;
pub(super) const ESTATE: Scope = Scope { kind: 1, building: 0, stair: 0 };

/// The scope of one building.
pub(super) fn building(number: u32) -> Scope {
    Scope { kind: 2, building: number, stair: 0 }
}

/// The register to be entered: home `i` stands in building `i / per_building + 1` and belongs to owner
/// `i % owners`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Register<'k> {
    pub(super) homes: u64,
    pub(super) per_building: u64,
    /// The accounts of the owners, one each.
    pub(super) owners: &'k [Key],
}

impl Register<'_> {
    fn entry(&self, home: u64) -> UnitEntry {
        let (house, place) = (home / self.per_building, home % self.per_building);
        let floor = place / 4 % 30;
        UnitEntry {
            code: format!("{}-{}", house + 1, place + 1),
            building: house as u32 + 1,
            stair: place as u32 / 120 + 1,
            floor: floor as u16 + 1,
            r#use: Use::Home,
            areaM2: area(home),
            areaSource: AreaSource::Registered,
            countsArea: true,
            countsHead: true,
            delivered: true,
            developerOwned: false,
        }
    }

    fn holding(&self, home: u64) -> Holding {
        Holding {
            unit: home + 1,
            owner: commitment(home % self.owners.len().max(1) as u64),
            shareNum: 1,
            shareDen: 1,
            kind: HoldingKind::Sole,
            since: 0,
        }
    }
}

/// Area of a home in 0.01 m2: from 60 to 150 m2, so that shares by area have remainders.
pub(super) fn area(home: u64) -> u64 {
    6_000 + home * 37 % 9_001
}

fn commitment(owner: u64) -> B256 {
    keccak256(format!("tulou/bench/owner/{owner}"))
}

/// Keys of owners, each with an account of its own.
pub(super) fn owners(count: u64) -> Result<Vec<Key>, Failure> {
    let key = |owner: usize| Key::from_bytes(keccak256(format!("tulou/bench/key/{owner}")));
    in_parallel(usize::try_from(count)?, &key)
}

/// `0..count` in ranges of at most `size`.
pub(super) fn parts(count: u64, size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..count.div_ceil(size)).map(move |part| part * size..count.min((part + 1) * size))
}

/// A motion without a call.
pub(super) fn proposal(title: String, matter: u8, scope: Scope, budget_fen: u64) -> Proposal {
    Proposal {
        matter,
        scope,
        extraordinary: false,
        textHash: keccak256(title.as_bytes()),
        title,
        opensAt: 0,
        closesAt: 0,
        budgetFen: budget_fen,
        payeeHash: B256::ZERO,
        target: Address::ZERO,
        action: Bytes::new(),
    }
}

/// Reads through a view.
pub(super) fn view<C: SolCall>(rpc: &Rpc, to: Address, call: &C) -> Result<C::Return, Failure> {
    let output = rpc.view(Address::ZERO, to, &call.abi_encode().into()).map_err(|e| match e {
        ClientError::Refused { data: Some(data), message, .. } => {
            let why = refusal_in_words(&data).unwrap_or(message);
            Failure(format!("{} was refused: {why}", C::SIGNATURE))
        }
        other => other.into(),
    })?;
    Ok(C::abi_decode_returns(&output)?)
}

/// Time of the newest block.
pub(super) fn now(rpc: &Rpc) -> Result<u64, Failure> {
    let block = rpc.call("eth_getBlockByNumber", json!(["latest", false]))?;
    Ok(number(&block["timestamp"]))
}

/// A ledger on which an estate is set up.
pub(super) struct Community<'t> {
    target: &'t Target,
    pub(super) rpc: Rpc,
    pub(super) chair: Key,
    pub(super) registrar: Key,
    pub(super) bank: Key,
}

impl<'t> Community<'t> {
    pub(super) fn on(target: &'t Target) -> Result<Self, Failure> {
        let Offices { chair, registrar, bank } = target.offices();
        let key = |account: u32| Key::test(account);
        let (chair, registrar, bank) = (key(chair)?, key(registrar)?, key(bank)?);
        Ok(Self { target, rpc: target.rpc(), chair, registrar, bank })
    }

    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.target.chain_id)
    }

    /// Sends prepared transactions as the load is sent, and expects all of them to succeed.
    pub(super) fn bring(&self, batch: Batch, what: &str) -> Outcome {
        let begun = Instant::now();
        let signed = batch.sign(what.to_owned())?;
        let outcome = send(self.target, &signed, Pace::setup())?;
        let done = tally(&self.rpc, &outcome, &signed)?.done;
        let all = signed.len();
        if done < all {
            let (included, failed) = (outcome.included, outcome.included.saturating_sub(done));
            let refused = outcome.reason.map(|reason| format!("; refused at the door: {reason}"));
            return Err(Failure(format!(
                "setting up {what}: {done} of {all} calls were done; {included} came into blocks, \
                 {failed} of them failed{}",
                refused.unwrap_or_default()
            )));
        }
        println!("  set up {what}: {all} calls, {:.1} s", begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Enters homes, owners and holdings, and binds each owner's account.
    pub(super) fn enter(&self, register: &Register<'_>) -> Outcome {
        let mut batch = self.batch();
        let registrar = batch.sender(&self.rpc, &self.registrar)?;
        let owners = register.owners.len() as u64;
        for homes in parts(register.homes, UNITS) {
            let entries = homes.map(|home| register.entry(home)).collect();
            let call = IRegistry::addUnitsCall { entries };
            batch.call(registrar, REGISTRY, &call, TX_GAS);
        }
        for part in parts(owners, OWNERS) {
            let call = IRegistry::addOwnersCall { owners: part.map(commitment).collect() };
            batch.call(registrar, REGISTRY, &call, TX_GAS);
        }
        for homes in parts(register.homes, HOLDINGS) {
            let holdings = homes.map(|home| register.holding(home)).collect();
            let call = IRegistry::addHoldingsCall { holdings };
            batch.call(registrar, REGISTRY, &call, TX_GAS);
        }
        for part in parts(owners, BINDINGS) {
            let accounts =
                part.clone().map(|owner| register.owners[owner as usize].address()).collect();
            let call = IRegistry::bindCall { accounts, owners: part.map(commitment).collect() };
            batch.call(registrar, REGISTRY, &call, TX_GAS);
        }
        self.bring(batch, &format!("{} homes of {owners} owners", register.homes))
    }

    /// Announces motions, lets the days of notice pass, and opens them. They are numbered from
    /// [`FIRST_MOTION`] and open for a month; returns the second at which they close.
    pub(super) fn open_motions(&self, proposals: Vec<Proposal>) -> Result<u64, Failure> {
        let earliest = IDecisions::earliestOpeningCall { extraordinary: false };
        let opens = view(&self.rpc, DECISIONS, &earliest)?;
        let (closes, count) = (opens + OPEN_S, proposals.len() as u64);
        let mut batch = self.batch();
        let chair = batch.sender(&self.rpc, &self.chair)?;
        for proposal in proposals {
            let proposal = Proposal { opensAt: opens, closesAt: closes, ..proposal };
            batch.call(chair, DECISIONS, &IDecisions::proposeCall { proposal }, CALL_GAS);
        }
        self.bring(batch, &format!("{count} motions"))?;
        self.pass_until(opens)?;
        let mut batch = self.batch();
        let anyone = batch.sender(&self.rpc, &self.chair)?;
        for motion in FIRST_MOTION..FIRST_MOTION + count {
            batch.call(anyone, DECISIONS, &IDecisions::openCall { motion }, CALL_GAS);
        }
        self.bring(batch, &format!("{count} openings"))?;
        self.await_quiet()?;
        Ok(closes)
    }

    /// Lets time pass until there is a block of this time or a later one. Blocks that follow each other
    /// quickly run ahead of the clock, which then is behind by more than the difference to the last block.
    pub(super) fn pass_until(&self, time: u64) -> Outcome {
        let (who, chain_id) = (self.chair.address(), self.target.chain_id);
        for _ in 0..CLOCK_MOVES {
            let here = now(&self.rpc)?;
            if here >= time {
                return Ok(());
            }
            self.target.pass(time - here)?;
            let nonce = self.rpc.next_nonce(who)?;
            self.rpc.send_raw(&self.chair.sign_transfer(chain_id, nonce, who, U256::ZERO))?;
        }
        Err(Failure(format!("no block of the time {time} comes, however far the clock is moved")))
    }

    /// Waits until the keeper has nothing left to do, so that it is not measured.
    pub(super) fn await_quiet(&self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let due = view(&self.rpc, SCHEDULE, &ISchedule::nextDueAtCall {})?;
            if due == 0 || due > now(&self.rpc)? {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Failure(format!("work due at {due} is not done after {PATIENCE:?}")));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
