//! What a city of 500 estates does in its busiest hour, evenly and at a given rate.

use alloy_primitives::{Address, B256, U256, keccak256};
use tulou_client::{Key, Rpc};
use tulou_modules::{
    address::{documents as DOCUMENTS, funds as FUNDS},
    documents::IDocuments::{self, Kind as Paper},
    funds::IFunds,
};

use super::{
    Signed, Target,
    ballots::{self, CAST_GAS},
    community::{
        self, Community, FIRST_MOTION, OTHER_MATTER, Register, building, now, proposal, view,
    },
    keys,
    signed::{Batch, Check},
    token::{self, transferCall},
    workload::{Sizes, recipients},
};
use crate::output::Failure;

/// Something that happens in a city.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Ballot,
    FeeLine,
    Parking,
    DoorRoot,
    Token,
}

/// The mix: events, how many of 1,000 transactions, and their name. The figures are those of the load
/// model in `docs/performance/load.md`, which come to about 1,000 a second at its peak; the ballots give
/// up some of theirs for tokens, which the model does not have.
const MIX: [(Event, u64, &str); 5] = [
    // 500 communities of 1,000 households vote within ten minutes: 833 a second.
    (Event::Ballot, 800, "ballots"),
    // The monthly fees of the same households come in within an hour: 139 a second.
    (Event::FeeLine, 140, "bank lines"),
    // Parking at its peak: 30 a second, which are ten sessions of deposit, change and income.
    (Event::Parking, 30, "parking"),
    // The doors of each community anchor one root a minute: 8 a second.
    (Event::DoorRoot, 8, "door roots"),
    // Whatever contracts the residents bring along.
    (Event::Token, 22, "ERC-20"),
];

/// Households of a community, which is one building here and votes on its own motions.
const HOUSEHOLDS: u64 = 1_000;
/// The first fund of a ledger.
const FUND: u64 = 1;
const OPERATING: u8 = 3;
/// Gas of a bank line, of a document and of a token transfer; what is not used costs nothing.
const LINE_GAS: u64 = 500_000;
const ROOT_GAS: u64 = 500_000;
const TOKEN_GAS: u64 = 120_000;
/// Accounts of the test mnemonic that park, and the one that runs the parking.
const DRIVERS: std::ops::Range<usize> = 2..7;
const OPERATOR: usize = 7;

/// The events in the order in which they happen: each kind as evenly spread as the mix allows.
fn sequence(count: u64) -> Vec<Event> {
    let total: i64 = MIX.iter().map(|(_, share, _)| *share as i64).sum();
    let mut owed = [0i64; MIX.len()];
    let mut events = Vec::new();
    for _ in 0..count {
        for (owed, (_, share, _)) in owed.iter_mut().zip(&MIX) {
            *owed += *share as i64;
        }
        let next = (0..MIX.len()).max_by_key(|&i| owed[i]).unwrap_or(0);
        owed[next] -= total;
        events.push(MIX[next].0);
    }
    events
}

/// Sets up what the mix needs and signs it.
pub(super) fn prepare(target: &Target, sizes: &Sizes) -> Result<Signed, Failure> {
    let events = sequence(sizes.city_rate * sizes.city_seconds);
    let ballots = events.iter().filter(|event| **event == Event::Ballot).count() as u64;
    let estate = Community::on(target)?;
    let voters = Voters::enter(&estate, sizes, ballots)?;
    let mut city = City::open(target, &estate, voters)?;
    for event in &events {
        city.happen(*event);
    }
    let name = format!("city hour at {} tx/s", sizes.city_rate);
    let (motions, known) = (city.voters.motions(), city.documents);
    let City { batch, counts, .. } = city;
    for (event, _, what) in MIX {
        println!("  {} {what}", counts[event as usize]);
    }
    let count = |event: Event| counts[event as usize];
    let mut signed = batch.sign(name)?;
    if ballots > 0 {
        signed.checks.push(ballots::counted(FIRST_MOTION..=motions, ballots));
    }
    signed.checks.push(Check {
        what: "bank lines",
        expected: count(Event::FeeLine),
        read: Box::new(|rpc| Ok(view(rpc, FUNDS, &IFunds::fundCall { id: FUND })?.movements)),
    });
    signed.checks.push(Check {
        what: "door roots",
        expected: count(Event::DoorRoot),
        read: Box::new(move |rpc| Ok(documents(rpc)? - known)),
    });
    Ok(signed)
}

/// Documents on file.
fn documents(rpc: &Rpc) -> Result<u64, Failure> {
    let (mut sum, mut cursor) = (0, 0);
    loop {
        let call = IDocuments::documentsCall { cursor, limit: 200 };
        let page = view(rpc, DOCUMENTS, &call)?;
        sum += page.items.len() as u64;
        if page.next == 0 {
            return Ok(sum);
        }
        cursor = page.next;
    }
}

/// Owners, each with a key; each votes once on every motion of the community.
struct Voters {
    owners: Vec<Key>,
    /// Motions of each community: as many as the ballots need.
    rounds: u64,
}

impl Voters {
    fn enter(estate: &Community<'_>, sizes: &Sizes, ballots: u64) -> Result<Self, Failure> {
        if ballots == 0 {
            return Ok(Self { owners: Vec::new(), rounds: 0 });
        }
        let owners = community::owners(sizes.owners.min(ballots))?;
        let homes = owners.len() as u64;
        let voters = Self { rounds: ballots.div_ceil(homes), owners };
        estate.enter(&Register { homes, per_building: HOUSEHOLDS, owners: &voters.owners })?;
        let motions = (0..voters.motions()).map(|motion| {
            let house = (motion % voters.communities()) as u32 + 1;
            proposal(format!("Motion {motion}"), OTHER_MATTER, building(house), 0)
        });
        estate.open_motions(motions.collect())?;
        Ok(voters)
    }

    fn communities(&self) -> u64 {
        (self.owners.len() as u64).div_ceil(HOUSEHOLDS)
    }

    fn motions(&self) -> u64 {
        self.communities() * self.rounds
    }

    /// The voter of ballot number `index`, and the motion. The communities take turns.
    fn ballot(&self, index: u64) -> (usize, u64) {
        let homes = self.owners.len() as u64;
        let (round, place) = (index / homes, index % homes);
        // Place 0 of every community, then place 1 of every community that has one, and so on.
        let last = homes % HOUSEHOLDS;
        let full = homes / HOUSEHOLDS;
        let mixed = last * self.communities();
        let (community, home) = if place < mixed {
            (place % self.communities(), place / self.communities())
        } else {
            let rest = place - mixed;
            (rest % full.max(1), last + rest / full.max(1))
        };
        let voter = community * HOUSEHOLDS + home;
        (voter as usize, FIRST_MOTION + round * self.communities() + community)
    }
}

/// The state of the mix while it is made up.
struct City {
    batch: Batch,
    voters: Voters,
    /// Number of the first voter among the senders.
    first_voter: usize,
    accounts: u64,
    keys: Vec<Key>,
    /// Their numbers among the senders.
    senders: Vec<usize>,
    bank: usize,
    filer: usize,
    custodian: Address,
    /// None where nobody may bring contracts.
    token: Option<Address>,
    begun: u64,
    /// Documents on file before.
    documents: u64,
    /// Events of each kind so far.
    counts: [u64; MIX.len()],
}

impl City {
    /// Opens the fund of the fees and deploys the token.
    fn open(target: &Target, estate: &Community<'_>, voters: Voters) -> Result<Self, Failure> {
        let (rpc, keys) = (&estate.rpc, keys()?);
        let token = if target.takes_contracts() {
            Some(token::deploy_token(rpc, target.chain_id, &keys)?)
        } else {
            println!("  nobody may bring contracts there: native transfers instead of tokens");
            None
        };
        let mut setup = estate.batch();
        let chair = setup.sender(rpc, &estate.chair)?;
        let call = IFunds::openFundCall { name: "Fees".into(), purpose: OPERATING };
        setup.call(chair, FUNDS, &call, community::CALL_GAS);
        estate.bring(setup, "a fund")?;
        let mut batch = estate.batch();
        let mut senders = Vec::new();
        for key in &keys {
            senders.push(batch.sender(rpc, key)?);
        }
        let bank = batch.sender(rpc, &estate.bank)?;
        let filer = batch.sender(rpc, &estate.registrar)?;
        let numbers: Vec<usize> = voters.owners.iter().map(|key| batch.newcomer(key)).collect();
        Ok(Self {
            first_voter: numbers.first().copied().unwrap_or(0),
            custodian: estate.registrar.address(),
            begun: now(rpc)?,
            documents: documents(rpc)?,
            accounts: target.accounts.max(1),
            counts: [0; MIX.len()],
            batch,
            voters,
            keys,
            senders,
            bank,
            filer,
            token,
        })
    }

    fn happen(&mut self, event: Event) {
        let index = self.counts[event as usize];
        self.counts[event as usize] += 1;
        let someone = recipients(index * 7_919 % self.accounts);
        match event {
            Event::Ballot => {
                let (voter, motion) = self.voters.ballot(index);
                let to = tulou_modules::address::decisions;
                let call = ballots::cast(motion, voter);
                self.batch.call(self.first_voter + voter, to, &call, CAST_GAS);
            }
            Event::FeeLine => {
                let call = IFunds::creditCall {
                    fund: FUND,
                    amountFen: 18_000 + index % 9_000,
                    bankRef: format!("FEE-{index}"),
                    occurredAt: self.begun,
                    memo: "monthly fee".into(),
                };
                self.batch.call(self.bank, FUNDS, &call, LINE_GAS);
            }
            Event::Parking => self.parking(index, someone),
            Event::DoorRoot => {
                let call = IDocuments::registerCall {
                    hash: root(index),
                    kind: Paper::Proof,
                    custodian: self.custodian,
                    retainUntil: self.begun + 366 * 86_400,
                    title: format!("Door events {index}"),
                };
                self.batch.call(self.filer, DOCUMENTS, &call, ROOT_GAS);
            }
            Event::Token => {
                let sender = self.senders[index as usize % self.senders.len()];
                let call = transferCall { to: someone, value: U256::from(1) };
                match self.token {
                    Some(token) => self.batch.call(sender, token, &call, TOKEN_GAS),
                    None => self.batch.transfer(sender, someone, 1),
                }
            }
        }
    }

    /// A session: the driver's deposit, the change, and what the community gets.
    fn parking(&mut self, index: u64, community: Address) {
        let driver = DRIVERS.start + (index / 3) as usize % DRIVERS.len();
        let operator = self.senders[OPERATOR];
        match index % 3 {
            0 => self.batch.transfer(self.senders[driver], self.keys[OPERATOR].address(), 2_000),
            1 => self.batch.transfer(operator, self.keys[driver].address(), 1_500),
            _ => self.batch.transfer(operator, community, 500),
        }
    }
}

/// Root over the events of a community's doors within a minute.
fn root(index: u64) -> B256 {
    keccak256(format!("tulou/bench/doors/{index}"))
}

#[cfg(test)]
mod tests;
