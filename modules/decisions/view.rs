//! What the calls that only read answer.

use super::*;

/// Most motions that one filtered list call looks at.
const SCAN_MAX: u64 = 1_000;

/// The state that an outcome gives.
pub(super) fn state_of(outcome: Outcome) -> MotionState {
    match outcome {
        Outcome::NotQuorate => MotionState::NotQuorate,
        Outcome::Failed => MotionState::Failed,
        Outcome::Passed => MotionState::Passed,
    }
}

/// The state by the clock: due work may run a little later.
fn state_now(cx: &mut Cx<'_>, row: &MotionRow) -> Res<MotionState> {
    let (stored, times) = (row.head.get(cx)?.state, row.times.get(cx)?);
    Ok(match stored {
        MotionState::Noticed | MotionState::Open if cx.now() >= times.closes_at => {
            MotionState::Closed
        }
        MotionState::Noticed if cx.now() >= times.opens_at => MotionState::Open,
        other => other,
    })
}

/// One motion.
///
/// # Errors
/// - [`NoSuchMotion`].
pub(super) fn motion(cx: &mut Cx<'_>, id: u64) -> Res<Motion> {
    let row = existing(cx, id)?;
    let state = state_now(cx, &row)?;
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    let electorate = row.electorate.get(cx)?;
    Ok(Motion {
        id,
        matter: head.matter,
        special: rule::is_special(head.matter),
        scope: IDecisions::Scope {
            kind: head.scope_kind,
            building: head.building,
            stair: head.stair,
        },
        extraordinary: head.extraordinary,
        title: row.title.get(cx)?,
        textHash: row.text_hash.get(cx)?,
        state,
        opener: row.opener.get(cx)?,
        noticeAt: times.notice_at,
        opensAt: times.opens_at,
        closesAt: times.closes_at,
        closedAt: times.closed_at,
        extended: head.extended,
        roll: electorate.roll,
        rollAreaM2: electorate.area.0,
        rollHeads: electorate.heads,
        packHash: row.pack_hash.get(cx)?,
        budgetFen: row.budget.get(cx)?.0,
        payeeHash: row.payee_hash.get(cx)?,
        target: row.target.get(cx)?,
        action: row.action.get(cx)?,
        actionState: head.action,
        actionRefusal: head.refusal.to_be_bytes().into(),
    })
}

/// Motions in the order they were proposed. A filtered page may be short although more follow.
pub(super) fn motions(cx: &mut Cx<'_>, state: u8, cursor: u64, limit: u64) -> Res<motionsReturn> {
    let len = st().count.get(cx)?;
    let most = limit.clamp(1, PAGE_ITEMS_MAX) as usize;
    let end = cursor.saturating_add(SCAN_MAX).min(len);
    let (mut items, mut next) = (Vec::new(), cursor.min(len));
    while next < end && items.len() < most {
        next += 1;
        let row = st().motions.of(next);
        if state == 0 || state_now(cx, &row)? as u8 == state {
            items.push(motion(cx, next)?);
        }
    }
    Ok(motionsReturn { items, next: if next < len { next } else { 0 } })
}

/// Subtotals and comparisons, final or as they stand.
///
/// # Errors
/// - [`NoSuchMotion`].
pub(super) fn result(cx: &mut Cx<'_>, id: u64) -> Res<IDecisions::Result> {
    let row = existing(cx, id)?;
    let state = state_now(cx, &row)?;
    let (tally, count) = counted(cx, &row)?;
    let electorate = row.electorate.get(cx)?;
    Ok(IDecisions::Result {
        id,
        state,
        outcome: state_of(count.outcome),
        roll: weight(Weight { area: electorate.area, heads: electorate.heads }),
        participating: weight(count.participating),
        yes: weight(tally.yes),
        no: weight(tally.no),
        abstain: weight(tally.abstain),
        quorumArea: comparison(&count.quorum_area),
        quorumHeads: comparison(&count.quorum_heads),
        consentArea: comparison(&count.consent_area),
        consentHeads: comparison(&count.consent_heads),
        missing: weight(count.missing),
    })
}

fn weight(weight: Weight) -> IDecisions::Weight {
    IDecisions::Weight { areaM2: weight.area.0, heads: weight.heads }
}

fn comparison(c: &rule::Comparison) -> IDecisions::Comparison {
    IDecisions::Comparison {
        leftFactor: c.left_factor.into(),
        leftValue: c.left_value,
        rightFactor: c.right_factor.into(),
        rightValue: c.right_value,
        left: c.left(),
        right: c.right(),
        strict: c.strict,
        met: c.met(),
    }
}

/// Ballots in the order in which the heads first voted.
///
/// # Errors
/// - [`NoSuchMotion`].
pub(super) fn ballots(cx: &mut Cx<'_>, id: u64, cursor: u64, limit: u64) -> Res<ballotsReturn> {
    let row = existing(cx, id)?;
    let (range, next) = page(cursor, limit, row.heads.len(cx)?);
    let mut items = Vec::new();
    for index in range {
        let head = row.heads.of(index).get(cx)?;
        items.push(ballot(cx, &row, head)?);
    }
    Ok(ballotsReturn { items, next })
}

/// The ballot of one head.
///
/// # Errors
/// - [`NoSuchMotion`].
pub(super) fn ballot_of(cx: &mut Cx<'_>, id: u64, head: B256) -> Res<Ballot> {
    let row = existing(cx, id)?;
    ballot(cx, &row, head)
}

fn ballot(cx: &mut Cx<'_>, row: &MotionRow, head: B256) -> Res<Ballot> {
    let vote = row.votes.of(head);
    let cast = vote.cast.get(cx)?;
    Ok(Ballot {
        head,
        choice: cast.choice as u8,
        channel: cast.channel,
        castAt: cast.cast_at,
        areaM2: cast.area.0,
        times: cast.times,
        evidenceHash: vote.evidence.get(cx)?,
    })
}

/// Heads for which an account votes, with the area of each and the ballot where there is one.
///
/// # Errors
/// - [`NoSuchMotion`].
pub(super) fn votes_of(cx: &mut Cx<'_>, id: u64, account: Address) -> Res<Vec<Ballot>> {
    let row = existing(cx, id)?;
    let roll = row.electorate.get(cx)?.roll;
    let mut items = Vec::new();
    if roll == 0 {
        return Ok(items);
    }
    for head in registry::heads_of(cx, roll, account)? {
        if let Some(weight) = registry::weight_at(cx, roll, head)? {
            let mut mine = ballot(cx, &row, head)?;
            mine.areaM2 = weight.area.0;
            items.push(mine);
        }
    }
    Ok(items)
}
