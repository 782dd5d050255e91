//! D-1 to D-7: ballots recounted from their events against the roll of the opening.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use tulou_modules::{
    address,
    decisions::IDecisions::{self, Motion, MotionState},
};
use tulou_slots::{Logged, Memory};

use super::{all_of, ask, event, registry};
use crate::play::{Broken, Kept, Seen, keep};

const AT: Address = address::decisions;

/// Factors of the four comparisons: participation and consent by area and by heads.
type Factors = [(u64, u64); 4];

#[derive(Debug)]
struct Record {
    factors: Factors,
    pack_hash: B256,
    /// Roll, area and heads from the opening on.
    electorate: Option<(u64, u64, u32)>,
    /// By head: choice and area.
    ballots: BTreeMap<B256, (u8, u64)>,
    closed: Option<MotionState>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    motions: BTreeMap<u64, Record>,
}

fn factors(result: &IDecisions::Result) -> Factors {
    [&result.quorumArea, &result.quorumHeads, &result.consentArea, &result.consentHeads]
        .map(|c| (c.leftFactor, c.rightFactor))
}

impl Model {
    pub(super) fn begin(memory: &mut Memory, logs: &[Logged]) -> Result<Self, Broken> {
        let mut model = Self::default();
        for log in logs {
            model.learn(log, memory)?;
        }
        Ok(model)
    }

    fn learn(&mut self, log: &Logged, memory: &mut Memory) -> Kept {
        if let Some(new) = event::<IDecisions::MotionProposed>(log, AT) {
            let result = ask(memory, AT, &IDecisions::resultCall { id: new.motion })?;
            let (factors, pack_hash) = (factors(&result), new.packHash);
            let (ballots, electorate, closed) = (BTreeMap::new(), None, None);
            let kept = Record { factors, pack_hash, electorate, ballots, closed };
            keep!("D-6", self.motions.insert(new.motion, kept).is_none(), "a number given twice");
        }
        if let Some(opened) = event::<IDecisions::MotionOpened>(log, AT) {
            let motion = self.motion(opened.motion)?;
            keep!("D-4", motion.electorate.is_none(), "motion {} opens twice", opened.motion);
            motion.electorate = Some((opened.roll, opened.areaM2, opened.heads));
        }
        if let Some(cast) = event::<IDecisions::BallotCast>(log, AT) {
            let motion = self.motion(cast.motion)?;
            keep!(
                "D-3",
                motion.closed.is_none(),
                "a ballot on motion {} after its close",
                cast.motion
            );
            motion.ballots.insert(cast.head, (cast.choice, cast.areaM2));
        }
        if let Some(closed) = event::<IDecisions::MotionClosed>(log, AT) {
            let motion = self.motion(closed.motion)?;
            keep!("D-6", motion.closed.is_none(), "motion {} has two outcomes", closed.motion);
            motion.closed = Some(closed.outcome);
        }
        Ok(())
    }

    fn motion(&mut self, id: u64) -> Result<&mut Record, Broken> {
        let found = self.motions.get_mut(&id);
        found.ok_or_else(|| Broken::new("D-6", format!("motion {id} was never announced")))
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>, registry: &registry::Model) -> Kept {
        for log in seen.logs {
            self.learn(log, seen.after)?;
            if let Some(cast) = event::<IDecisions::BallotCast>(log, AT) {
                self.ballot(&cast, seen, registry)?;
            }
        }
        if seen.concerns(address::registry) || seen.concerns(address::rules) {
            return self.finish(seen.after);
        }
        // Every event of this module names its motion first.
        let own = seen.logs.iter().filter(|log| log.0 == AT);
        let named: BTreeSet<B256> = own.filter_map(|log| log.1.topics().get(1).copied()).collect();
        for id in named {
            let id = U256::from_be_bytes(id.0).saturating_to();
            let motion = ask(seen.after, AT, &IDecisions::motionCall { id })?;
            self.check(&motion, seen.after)?;
        }
        Ok(())
    }

    /// Checks all motions.
    pub(super) fn finish(&mut self, memory: &mut Memory) -> Kept {
        for motion in all_of!(memory, AT, IDecisions::motionsCall { state: 0 })? {
            self.check(&motion, memory)?;
        }
        Ok(())
    }

    /// A ballot that was just taken: in time, of the roll, with the weight it had there.
    fn ballot(
        &mut self,
        cast: &IDecisions::BallotCast,
        seen: &mut Seen<'_>,
        registry: &registry::Model,
    ) -> Kept {
        let (id, now) = (cast.motion, seen.after.now);
        // The close as it was: a late quorum may have moved it.
        let before = ask(seen.before, AT, &IDecisions::motionCall { id })?;
        let in_time = before.opensAt <= now && now < before.closesAt;
        keep!("D-3", in_time, "a ballot on motion {id} out of its time");
        let electorate = self.motion(id)?.electorate;
        let roll = electorate.and_then(|(roll, ..)| registry.rolls.get(roll as usize - 1));
        let weight = roll.and_then(|roll| roll.weights.get(&cast.head));
        let same = weight.is_some_and(|(area, _)| *area == cast.areaM2);
        keep!("D-4", same, "a ballot on motion {id} of {:?}, not {} as cast", weight, cast.areaM2);
        let online = cast.channel == IDecisions::Channel::Online;
        let roll = electorate.map_or(0, |(roll, ..)| roll);
        let own = !online || registry.speaks(seen.caller(), roll, cast.head);
        keep!("D-3", own, "{} votes for a head that it does not speak for", seen.caller());
        keep!("D-3", (1..=3).contains(&cast.choice), "a ballot for choice {}", cast.choice);
        Ok(())
    }

    fn check(&mut self, motion: &Motion, memory: &mut Memory) -> Kept {
        let id = motion.id;
        let kept = self.motion(id)?;
        let result = ask(memory, AT, &IDecisions::resultCall { id })?;
        let same = factors(&result) == kept.factors && motion.packHash == kept.pack_hash;
        keep!("D-5", same, "the rules of motion {id} changed after it was announced");
        if let Some(electorate) = kept.electorate {
            let shown = (motion.roll, motion.rollAreaM2, motion.rollHeads);
            keep!("D-4", shown == electorate, "the electorate of motion {id} is {shown:?}");
        }
        let sum = |choice: u8| {
            let ballots = kept.ballots.values().filter(|ballot| ballot.0 == choice);
            ballots.fold((0u64, 0u32), |(area, heads), ballot| (area + ballot.1, heads + 1))
        };
        let [yes, no, abstain] = [1, 2, 3].map(sum);
        let part = (yes.0 + no.0 + abstain.0, yes.1 + no.1 + abstain.1);
        let shown = [&result.yes, &result.no, &result.abstain, &result.participating];
        let shown = shown.map(|weight| (weight.areaM2, weight.heads));
        keep!("D-2", shown == [yes, no, abstain, part], "motion {id} shows {shown:?}");
        let fits = part.0 <= motion.rollAreaM2 && part.1 <= motion.rollHeads;
        keep!("D-3", fits, "more take part in motion {id} than may");
        let listed = all_of!(memory, AT, IDecisions::ballotsCall { id: id })?;
        keep!(
            "D-3",
            listed.len() == kept.ballots.len(),
            "motion {id} lists {} ballots",
            listed.len()
        );
        for ballot in listed {
            let cast = kept.ballots.get(&ballot.head);
            let same = cast == Some(&(ballot.choice, ballot.areaM2));
            keep!("D-3", same, "a listed ballot of motion {id} was not cast so");
        }
        let roll = (motion.rollAreaM2, motion.rollHeads);
        let outcome = outcome(kept.factors, roll, part, yes, motion.matter);
        keep!("D-1", result.outcome == outcome, "motion {id} is {:?}", result.outcome);
        if let Some(closed) = kept.closed {
            keep!("D-6", motion.state == closed, "motion {id} became {:?}", motion.state);
            keep!("D-1", closed == outcome, "motion {id} ended as {closed:?}, not {outcome:?}");
        }
        Ok(())
    }
}

/// What the ballots give: two thirds take part, and more than half, or three quarters, agree.
fn outcome(
    factors: Factors,
    roll: (u64, u32),
    part: (u64, u32),
    yes: (u64, u32),
    matter: u8,
) -> MotionState {
    let product = |(factor, value): (u64, u64)| u128::from(factor) * u128::from(value);
    let reaches = |(den, num): (u64, u64), part: u64, whole: u64| {
        product((den, part)) >= product((num, whole))
    };
    let exceeds = |(den, num): (u64, u64), part: u64, whole: u64| {
        product((den, part)) > product((num, whole))
    };
    let quorate = part.1 > 0
        && reaches(factors[0], part.0, roll.0)
        && reaches(factors[1], part.1.into(), roll.1.into());
    let agrees = |factor, one: u64, all: u64| {
        if matches!(matter, 6..=8) { reaches(factor, one, all) } else { exceeds(factor, one, all) }
    };
    if !quorate {
        MotionState::NotQuorate
    } else if agrees(factors[2], yes.0, part.0) && agrees(factors[3], yes.1.into(), part.1.into()) {
        MotionState::Passed
    } else {
        MotionState::Failed
    }
}
