//! What the calls that only read answer.

use super::count::Scale;
use super::rule::Part;
use super::*;

/// One member.
fn member(cx: &mut Cx<'_>, id: u64) -> Res<Member> {
    let row = members::row(id);
    let (seat, span) = (row.seat.get(cx)?, row.span.get(cx)?);
    Ok(Member {
        id,
        name: row.name.get(cx)?,
        account: seat.account,
        weight: seat.weight,
        sinceAt: span.since_at,
        untilAt: span.until_at,
    })
}

/// All members there ever were, oldest first.
pub(super) fn members(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<membersReturn> {
    let (range, next) = page(cursor, limit, st().members.len(cx)?);
    let items = range.map(|index| member(cx, index + 1)).collect::<Res<_>>()?;
    Ok(membersReturn { items, next })
}

/// All proposals, oldest first.
pub(super) fn proposals(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<proposalsReturn> {
    let (range, next) = page(cursor, limit, st().proposals.len(cx)?);
    let scale = Scale::now(cx)?;
    let items = range.map(|index| shown(cx, index + 1, &scale)).collect::<Res<_>>()?;
    Ok(proposalsReturn { items, next })
}

/// One proposal.
///
/// # Errors
/// - [`NoSuchProposal`].
pub(super) fn proposal(cx: &mut Cx<'_>, id: u64) -> Res<Proposal> {
    let scale = Scale::now(cx)?;
    shown(cx, id, &scale)
}

fn shown(cx: &mut Cx<'_>, id: u64, scale: &Scale) -> Res<Proposal> {
    let row = existing(cx, id)?;
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    Ok(Proposal {
        id,
        state: scale.state(cx, &row)?,
        proposer: head.proposer,
        target: row.target.get(cx)?,
        call: row.input.get(cx)?,
        title: row.title.get(cx)?,
        textHash: row.text_hash.get(cx)?,
        proposedAt: times.proposed_at,
        closesAt: times.closes_at,
        executableAt: times.executable_at,
        lapsesAt: head.lapses_at,
        endedAt: times.ended_at,
        refusal: head.refusal.to_be_bytes().into(),
    })
}

fn comparison(needs: Part, part: u64, whole: u64) -> Comparison {
    Comparison {
        leftFactor: needs.den.into(),
        leftValue: part,
        rightFactor: needs.num.into(),
        rightValue: whole,
        met: needs.reached(part, whole),
    }
}

/// A proposal counted by the weights and rules of now.
///
/// # Errors
/// - [`NoSuchProposal`].
pub(super) fn tally(cx: &mut Cx<'_>, id: u64) -> Res<Tally> {
    let row = existing(cx, id)?;
    let scale = Scale::now(cx)?;
    let votes = scale.weigh(cx, &row)?;
    let (voted, agreeing) = (row.voted.get(cx)?, row.in_favour.get(cx)?);
    let vetoing = row.vetoing.get(cx)?;
    let ballots = (1u64..).zip(&scale.weights).filter_map(|(member, weight)| {
        let bit = member as usize;
        let choice = match (voted.bit(bit), agreeing.bit(bit)) {
            (false, _) => Choice::None,
            (true, true) => Choice::InFavour,
            (true, false) => Choice::Against,
        };
        let vetoed = vetoing.bit(bit);
        let said = choice != Choice::None || vetoed;
        said.then_some(ICouncil::Ballot { member, weight: *weight, choice, vetoed })
    });
    Ok(Tally {
        id,
        state: scale.state(cx, &row)?,
        total: votes.total,
        inFavour: votes.in_favour,
        against: votes.against,
        vetoing: votes.vetoing,
        participation: comparison(scale.needs.participation, votes.participating(), votes.total),
        majority: comparison(scale.needs.majority, votes.in_favour, votes.participating()),
        veto: comparison(scale.needs.veto, votes.vetoing, votes.total),
        ballots: ballots.collect(),
    })
}

/// All releases, oldest first.
pub(super) fn releases(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<releasesReturn> {
    let (range, next) = page(cursor, limit, st().releases.len(cx)?);
    let mut items = Vec::new();
    for index in range {
        let row = st().releases.of(index).get(cx)?;
        items.push(ICouncil::Release { release: row.release, height: row.height });
    }
    Ok(releasesReturn { items, next })
}

/// The last freeze of an account.
pub(super) fn frozen(cx: &mut Cx<'_>, account: Address) -> Res<Freeze> {
    let row = st().frozen.of(account);
    let head = row.head.get(cx)?;
    Ok(Freeze {
        account,
        holds: head.until_at > cx.now(),
        fromAt: head.from_at,
        untilAt: head.until_at,
        code: head.code,
        reason: row.reason.get(cx)?,
    })
}

/// Whether an account may propose a call now, and why.
pub(super) fn explain(cx: &mut Cx<'_>, c: &explainCall) -> Res<explainReturn> {
    let member = st().by_account.of(c.account).get(cx)?;
    let governs = member != 0 && members::row(member).seat.get(cx)?.weight > 0;
    let frozen = settings::freeze_of(cx, c.account)?.until_at > cx.now();
    let (allowed, reason) = if !is_permitted(c.target, c.selector.0) {
        (false, Reason::NotForCouncil)
    } else if c.account == crate::COUNCIL {
        (true, Reason::Council)
    } else if frozen {
        (false, Reason::Frozen)
    } else if governs {
        (true, Reason::Governor)
    } else {
        (false, Reason::NotGovernor)
    };
    Ok(explainReturn { allowed, reason, member })
}
