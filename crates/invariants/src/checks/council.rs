//! CO-1 to CO-10: votes recounted from their events by the weights of the moment.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolCall;
use tulou_modules::{
    COUNCIL,
    council::ICouncil::{self, Member, ProposalState},
    prelude::Office,
};
use tulou_slots::{Logged, Memory};

use super::{all_of, answer, ask, event, events};
use crate::{
    people::{CHAIR, MANAGER, STRANGER},
    play::{Broken, Kept, Seen, keep},
};

#[derive(Debug, Default)]
struct Proposal {
    /// By number of the member: in favour or not.
    votes: BTreeMap<u64, bool>,
    vetoes: Vec<u64>,
    executed: bool,
    /// The end that was once shown: it stays.
    ended: Option<ProposalState>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    proposals: BTreeMap<u64, Proposal>,
    releases: Vec<(u32, u64)>,
    /// Accounts that were ever frozen or allowed to deploy, and some others.
    named: BTreeSet<Address>,
    settings: Vec<B256>,
}

/// Digests of what only the council changes.
fn settings(memory: &mut Memory, named: &BTreeSet<Address>) -> Result<Vec<B256>, Broken> {
    let mut all = vec![
        answer(memory, COUNCIL, &ICouncil::membersCall { cursor: 0, limit: 200 })?,
        answer(memory, COUNCIL, &ICouncil::rulesCall {})?,
        answer(memory, COUNCIL, &ICouncil::parametersCall {})?,
        answer(memory, COUNCIL, &ICouncil::releasesCall { cursor: 0, limit: 200 })?,
    ];
    for account in named.iter().copied() {
        // Whether a freeze holds is a matter of the clock, too.
        let mut freeze = ask(memory, COUNCIL, &ICouncil::frozenCall { account })?;
        freeze.holds = false;
        all.push(keccak256(ICouncil::frozenCall::abi_encode_returns(&freeze)));
        all.push(answer(memory, COUNCIL, &ICouncil::mayDeployCall { account })?);
    }
    Ok(all)
}

fn members(memory: &mut Memory) -> Result<Vec<Member>, Broken> {
    all_of!(memory, COUNCIL, ICouncil::membersCall {})
}

/// How the council decides at a moment.
struct Scale {
    rules: ICouncil::Rules,
    members: Vec<Member>,
}

impl Scale {
    fn now(memory: &mut Memory) -> Result<Self, Broken> {
        let rules = ask(memory, COUNCIL, &ICouncil::rulesCall {})?;
        Ok(Self { rules, members: members(memory)? })
    }

    fn weight(&self, member: u64) -> u128 {
        let found = self.members.iter().find(|found| found.id == member);
        found.map_or(0, |found| found.weight.into())
    }

    /// Whether a proposal is carried and not vetoed.
    fn carries(&self, proposal: &Proposal) -> bool {
        let total: u128 = self.members.iter().map(|member| u128::from(member.weight)).sum();
        let side = |side: bool| {
            let votes = proposal.votes.iter().filter(|(_, in_favour)| **in_favour == side);
            votes.map(|(member, _)| self.weight(*member)).sum::<u128>()
        };
        let (yes, no) = (side(true), side(false));
        let vetoing: u128 = proposal.vetoes.iter().map(|member| self.weight(*member)).sum();
        let reaches = |part: u128, whole: u128, num: u32, den: u32| {
            part * u128::from(den) >= whole * u128::from(num)
        };
        let rules = &self.rules;
        let carried = yes > no
            && reaches(yes + no, total, rules.participationNum, rules.participationDen)
            && reaches(yes, yes + no, rules.majorityNum, rules.majorityDen);
        carried && !(vetoing > 0 && reaches(vetoing, total, rules.vetoNum, rules.vetoDen))
    }
}

impl Model {
    pub(super) fn begin(memory: &mut Memory, logs: &[Logged]) -> Result<Self, Broken> {
        let named = BTreeSet::from([STRANGER, CHAIR, MANAGER]);
        let mut model = Self { named, ..Self::default() };
        for log in logs {
            model.learn(log)?;
        }
        model.settings = settings(memory, &model.named)?;
        model.check(memory)?;
        Ok(model)
    }

    fn learn(&mut self, log: &Logged) -> Kept {
        if let Some(new) = event::<ICouncil::Proposed>(log, COUNCIL) {
            let before = self.proposals.insert(new.id, Proposal::default());
            keep!("CO-5", before.is_none(), "the number {} is given twice", new.id);
            let permits = tulou_modules::ALL.iter().filter(|module| module.address == new.target);
            let permitted = permits
                .flat_map(|module| module.permits)
                .any(|(_, call, who)| *call == new.selector.0 && who.contains(&Office::Council));
            keep!("CO-7", permitted, "proposal {} calls what the council may not", new.id);
        }
        if let Some(vote) = event::<ICouncil::Voted>(log, COUNCIL) {
            self.proposals.entry(vote.id).or_default().votes.insert(vote.member, vote.inFavour);
        }
        if let Some(veto) = event::<ICouncil::VetoCast>(log, COUNCIL) {
            self.proposals.entry(veto.id).or_default().vetoes.push(veto.member);
        }
        let frozen = event::<ICouncil::AccountFrozen>(log, COUNCIL).map(|event| event.account);
        let allowed = event::<ICouncil::DeployerSet>(log, COUNCIL).map(|event| event.account);
        self.named.extend(frozen.or(allowed));
        let done = event::<ICouncil::Executed>(log, COUNCIL).map(|event| event.id);
        let refused = event::<ICouncil::ExecutionRefused>(log, COUNCIL).map(|event| event.id);
        if let Some(id) = done.or(refused) {
            let proposal = self.proposals.entry(id).or_default();
            keep!("CO-5", !proposal.executed, "proposal {id} is executed twice");
            proposal.executed = true;
        }
        Ok(())
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        let concerned = seen.concerns(COUNCIL);
        let executes = !events::<ICouncil::Executed>(seen.logs).is_empty();
        for log in seen.logs {
            let done = event::<ICouncil::Executed>(log, COUNCIL).map(|event| event.id);
            let refused = event::<ICouncil::ExecutionRefused>(log, COUNCIL).map(|event| event.id);
            if let Some(id) = done.or(refused) {
                self.was_ready(id, seen.before)?;
            }
            self.learn(log)?;
        }
        if concerned {
            let now = settings(seen.after, &self.named)?;
            let same = executes || now == self.settings;
            keep!("CO-1", same, "{} changed what only a proposal changes", seen.caller());
            self.settings = now;
        }
        if concerned || seen.call.is_none() { self.check(seen.after) } else { Ok(()) }
    }

    /// A proposal that was executed: carried by the weights and rules before the call, after its delay.
    fn was_ready(&self, id: u64, before: &mut Memory) -> Kept {
        let shown = ask(before, COUNCIL, &ICouncil::proposalCall { id })?;
        let in_time = before.now >= shown.executableAt && before.now < shown.lapsesAt;
        keep!("CO-5", in_time, "proposal {id} is executed at {}, out of its time", before.now);
        let scale = Scale::now(before)?;
        let carried = self.proposals.get(&id).is_some_and(|proposal| scale.carries(proposal));
        keep!("CO-5", carried, "proposal {id} is executed and was not carried");
        Ok(())
    }

    fn check(&mut self, memory: &mut Memory) -> Kept {
        let rules = ask(memory, COUNCIL, &ICouncil::rulesCall {})?;
        for (num, den) in [
            (rules.participationNum, rules.participationDen),
            (rules.majorityNum, rules.majorityDen),
            (rules.vetoNum, rules.vetoDen),
        ] {
            keep!("CO-2", 0 < num && num <= den, "a share of {num}/{den}");
        }
        keep!("CO-2", rules.delaySeconds > 0 && rules.votingSeconds > 0, "no time to vote or veto");
        let all = members(memory)?;
        weights_fit(&all, &rules)?;
        for member in &all {
            let frozen = ask(memory, COUNCIL, &ICouncil::frozenCall { account: member.account })?;
            let ended = member.untilAt != 0;
            let free = ended || member.account.is_zero() || !frozen.holds;
            keep!(
                "CO-9",
                free,
                "{}, who speaks for member {}, is frozen",
                member.account,
                member.id
            );
        }
        self.freezes_end(memory)?;
        self.releases_rise(memory)?;
        let scale = Scale { rules, members: all };
        for shown in all_of!(memory, COUNCIL, ICouncil::proposalsCall {})? {
            self.stays_ended(&shown, &scale)?;
        }
        Ok(())
    }

    /// An end that was shown once is shown for ever, and what is shown is what the votes give.
    fn stays_ended(&mut self, shown: &ICouncil::Proposal, scale: &Scale) -> Kept {
        let (id, state) = (shown.id, shown.state);
        let ready = matches!(state, ProposalState::Passed | ProposalState::Ready);
        let proposal = self.proposals.entry(id).or_default();
        let carried = !ready || scale.carries(proposal);
        keep!("CO-5", carried, "proposal {id} is {state:?} and not carried");
        if let Some(ended) = proposal.ended {
            keep!("CO-10", ended == state, "proposal {id} was {ended:?} and is {state:?}");
        }
        if !ready && state != ProposalState::Voting {
            proposal.ended = Some(state);
        }
        Ok(())
    }

    /// A freeze ends by itself, no later than the longest time that can be allowed.
    fn freezes_end(&self, memory: &mut Memory) -> Kept {
        for account in self.named.iter().copied() {
            let frozen = ask(memory, COUNCIL, &ICouncil::frozenCall { account })?;
            let ends = frozen.untilAt <= frozen.fromAt + 180 * 86_400;
            keep!(
                "CO-9",
                ends,
                "{account} is frozen from {} until {}",
                frozen.fromAt,
                frozen.untilAt
            );
            let holds = memory.now < frozen.untilAt;
            keep!(
                "CO-9",
                frozen.holds == holds,
                "the freeze of {account} does not follow the clock"
            );
        }
        Ok(())
    }

    /// Releases rise by number and by height, and one in force never changes.
    fn releases_rise(&mut self, memory: &mut Memory) -> Kept {
        let shown = all_of!(memory, COUNCIL, ICouncil::releasesCall {})?;
        let shown: Vec<(u32, u64)> = shown.iter().map(|row| (row.release, row.height)).collect();
        let rise = shown.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        keep!("CO-8", rise, "releases do not rise: {shown:?}");
        for row in self.releases.iter().filter(|row| row.1 <= memory.height) {
            keep!("CO-8", shown.contains(row), "release {row:?} was in force and is gone");
        }
        self.releases = shown;
        Ok(())
    }
}

/// At least three govern, and nobody decides alone.
fn weights_fit(all: &[Member], rules: &ICouncil::Rules) -> Kept {
    let weights = all.iter().map(|member| u128::from(member.weight)).filter(|weight| *weight > 0);
    let weights: Vec<u128> = weights.collect();
    keep!("CO-3", weights.len() >= 3, "{} members govern", weights.len());
    let total: u128 = weights.iter().sum();
    for weight in weights.iter().copied() {
        let part = if weights.len() > 3 { 3 } else { 2 };
        keep!("CO-4", weight * part < total, "a member weighs {weight} of {total}");
        let alone = weight * u128::from(rules.participationDen)
            >= total * u128::from(rules.participationNum);
        keep!("CO-4", !alone, "a member of {weight} is participation enough of {total}");
    }
    for member in all.iter().filter(|member| member.untilAt != 0) {
        keep!("CO-4", member.weight == 0, "member {} ended and votes", member.id);
    }
    Ok(())
}
