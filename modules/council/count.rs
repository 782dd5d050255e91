//! Where proposals stand: counted from the votes, by the weights and rules of the moment.

use super::rule::{Thresholds, Votes};
use super::*;

/// Weights and thresholds of now.
pub(super) struct Scale {
    /// Weight by place in the list of members.
    pub(super) weights: Vec<u32>,
    pub(super) needs: Thresholds,
}

impl Scale {
    pub(super) fn now(cx: &mut Cx<'_>) -> Res<Self> {
        let weights = members::weights(cx)?;
        Ok(Self { weights, needs: members::thresholds(&st().shares.get(cx)?) })
    }

    /// Weighs a proposal's votes. A member that ended has no weight.
    pub(super) fn weigh(&self, cx: &mut Cx<'_>, row: &ProposalRow) -> Res<Votes> {
        let (voted, agreeing) = (row.voted.get(cx)?, row.in_favour.get(cx)?);
        let vetoing = row.vetoing.get(cx)?;
        let mut votes = Votes::default();
        for (id, weight) in (1usize..).zip(&self.weights) {
            let weight = u64::from(*weight);
            votes.total += weight;
            if voted.bit(id) {
                *if agreeing.bit(id) { &mut votes.in_favour } else { &mut votes.against } += weight;
            }
            if vetoing.bit(id) {
                votes.vetoing += weight;
            }
        }
        Ok(votes)
    }

    /// Where a proposal stands.
    pub(super) fn state(&self, cx: &mut Cx<'_>, row: &ProposalRow) -> Res<ProposalState> {
        let (head, times, now) = (row.head.get(cx)?, row.times.get(cx)?, cx.now());
        if head.state != ProposalState::Voting || now < times.closes_at {
            return Ok(head.state);
        }
        let votes = self.weigh(cx, row)?;
        Ok(if !votes.carried(&self.needs) {
            ProposalState::Failed
        } else if votes.vetoed(&self.needs) {
            ProposalState::Vetoed
        } else if now < times.executable_at {
            ProposalState::Passed
        } else if now < head.lapses_at {
            ProposalState::Ready
        } else {
            ProposalState::Lapsed
        })
    }

    /// Writes a proposal's end down where it has come to one.
    fn settle(&self, cx: &mut Cx<'_>, id: u64) -> Res<()> {
        let row = existing(cx, id)?;
        let state = self.state(cx, &row)?;
        if matches!(state, ProposalState::Failed | ProposalState::Vetoed | ProposalState::Lapsed) {
            end(cx, id, &row, state)?;
            cx.emit(Ended { id, state })?;
        }
        Ok(())
    }
}

/// Where a proposal stands now.
pub(super) fn state_now(cx: &mut Cx<'_>, row: &ProposalRow) -> Res<ProposalState> {
    Scale::now(cx)?.state(cx, row)
}

/// Writes the end of one proposal down where it has come to one.
pub(super) fn settle(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    Scale::now(cx)?.settle(cx, id)
}

/// Writes the end of every waiting proposal down that has come to one. Done before a change of weights
/// or rules, so that it revives nothing, and after it, so that what it no longer carries fails for good.
pub(super) fn settle_all(cx: &mut Cx<'_>) -> Res<()> {
    let scale = Scale::now(cx)?;
    let pending = st().pending;
    // From the back: an end moves the last one into the gap.
    for index in (0..pending.len(cx)?).rev() {
        let id = pending.of(index).get(cx)?;
        scale.settle(cx, id)?;
    }
    Ok(())
}

/// Writes an end down and takes the proposal from those that wait.
pub(super) fn end(
    cx: &mut Cx<'_>,
    id: u64,
    row: &ProposalRow,
    state: ProposalState,
) -> Res<()> {
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    row.head.set(cx, Head { state, ..head })?;
    row.times.set(cx, Times { ended_at: cx.now(), ..times })?;
    let pending = st().pending;
    let len = pending.len(cx)?;
    for index in 0..len {
        if pending.of(index).get(cx)? == id {
            let last = pending.of(len - 1).get(cx)?;
            pending.of(index).set(cx, last)?;
            pending.of(len - 1).set(cx, 0)?;
            return pending.truncate(cx, len - 1);
        }
    }
    Ok(())
}
