//! Ballots: online and on paper, and the running sums.

use super::rule::Tally;
use super::*;

/// The motion, opened if need be, while ballots are taken.
fn voting(cx: &mut Cx<'_>, id: u64) -> Res<(MotionRow, Electorate)> {
    let row = existing(cx, id)?;
    let times = row.times.get(cx)?;
    let cancelled = row.head.get(cx)?.state == MotionState::Cancelled;
    ensure!(!cancelled, MotionIsCancelled { motion: id });
    ensure!(cx.now() >= times.opens_at, NotOpen { motion: id, opensAt: times.opens_at });
    let over = cx.now() >= times.closes_at || times.closed_at != 0;
    ensure!(!over, VotingClosed { motion: id, closesAt: times.closes_at });
    open(cx, id)?;
    let electorate = row.electorate.get(cx)?;
    Ok((row, electorate))
}

fn choice_of(number: u8) -> Res<Choice> {
    let choice = Choice::from_number(number).filter(|choice| *choice != Choice::None);
    choice.ok_or_else(|| NoSuchChoice { choice: number }.into())
}

/// Votes for every head of the caller's account. The last ballot before the close counts.
///
/// # Errors
/// - [`NoSuchMotion`], [`MotionIsCancelled`], [`NotOpen`], [`VotingClosed`].
/// - [`NoSuchChoice`]: not 1, 2 or 3.
/// - [`NotInElectorate`]: the account owned nothing in the electorate at opening.
pub(super) fn cast(cx: &mut Cx<'_>, id: u64, choice: u8) -> Res<()> {
    let (row, electorate) = voting(cx, id)?;
    let (choice, account) = (choice_of(choice)?, cx.caller);
    let mut heads = 0u32;
    for head in registry::heads_of(cx, electorate.roll, account)? {
        if let Some(weight) = registry::weight_at(cx, electorate.roll, head)? {
            count_in(cx, id, &row, head, (choice, Channel::Online, weight.area), B256::ZERO)?;
            heads = heads.saturating_add(1);
        }
    }
    ensure!(heads != 0, NotInElectorate { motion: id, account });
    extend_if_late(cx, id, &row)
}

/// Votes for one head of the caller's account.
///
/// # Errors
/// - [`NoSuchMotion`], [`MotionIsCancelled`], [`NotOpen`], [`VotingClosed`], [`NoSuchChoice`].
/// - [`NotYourHead`]: the caller does not vote for this head, or it is not in the electorate.
pub(super) fn cast_for(cx: &mut Cx<'_>, id: u64, head: B256, choice: u8) -> Res<()> {
    let (row, electorate) = voting(cx, id)?;
    let (choice, account) = (choice_of(choice)?, cx.caller);
    let mine = registry::heads_of(cx, electorate.roll, account)?.contains(&head);
    ensure!(mine, NotYourHead { motion: id, head });
    let area = area_of(cx, id, electorate.roll, head)?;
    count_in(cx, id, &row, head, (choice, Channel::Online, area), B256::ZERO)?;
    extend_if_late(cx, id, &row)
}

fn area_of(cx: &mut Cx<'_>, id: u64, roll: u64, head: B256) -> Res<Area> {
    let weight = registry::weight_at(cx, roll, head)?;
    weight.map(|weight| weight.area).ok_or_else(|| NotYourHead { motion: id, head }.into())
}

/// First reading of a paper ballot. It counts once another counter has read the same.
///
/// Caller: counter.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchMotion`], [`MotionIsCancelled`], [`NotOpen`], [`VotingClosed`], [`NoSuchChoice`].
/// - [`NotYourHead`]: the head is not in the electorate.
pub(super) fn record_paper(cx: &mut Cx<'_>, c: &recordPaperCall) -> Res<()> {
    roles::allow::<recordPaperCall>(cx)?;
    let (row, electorate) = voting(cx, c.motion)?;
    let (choice, counter) = (choice_of(c.choice)?, cx.caller);
    area_of(cx, c.motion, electorate.roll, c.head)?;
    let vote = row.votes.of(c.head);
    vote.reading.set(cx, Reading { choice, counter })?;
    vote.reading_evidence.set(cx, c.evidenceHash)?;
    cx.emit(PaperRecorded {
        motion: c.motion,
        head: c.head,
        choice: c.choice,
        evidenceHash: c.evidenceHash,
        counter,
    })
}

/// Second reading of a paper ballot, which counts from now.
///
/// Caller: counter.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`NoSuchMotion`], [`MotionIsCancelled`], [`NotOpen`], [`VotingClosed`], [`NoSuchChoice`].
/// - [`NotYourHead`]: the head is not in the electorate.
/// - [`NoPaper`]: no first reading.
/// - [`SameCounter`]: the first reader again.
/// - [`PaperDiffers`]: another choice or another paper.
pub(super) fn confirm_paper(cx: &mut Cx<'_>, c: &confirmPaperCall) -> Res<()> {
    roles::allow::<confirmPaperCall>(cx)?;
    let (row, electorate) = voting(cx, c.motion)?;
    let (choice, counter) = (choice_of(c.choice)?, cx.caller);
    let area = area_of(cx, c.motion, electorate.roll, c.head)?;
    let (motion, head, vote) = (c.motion, c.head, row.votes.of(c.head));
    let first = vote.reading.get(cx)?;
    ensure!(first.choice != Choice::None, NoPaper { motion, head });
    ensure!(first.counter != counter, SameCounter { motion, head, counter });
    let same = first.choice == choice && vote.reading_evidence.get(cx)? == c.evidenceHash;
    ensure!(same, PaperDiffers { motion, head });
    vote.reading.set(cx, Reading::default())?;
    vote.reading_evidence.set(cx, B256::ZERO)?;
    count_in(cx, motion, &row, head, (choice, Channel::Paper, area), c.evidenceHash)?;
    extend_if_late(cx, motion, &row)
}

/// Puts a ballot in the box and takes the head's earlier one out: the cost does not grow with the vote.
fn count_in(
    cx: &mut Cx<'_>,
    motion: u64,
    row: &MotionRow,
    head: B256,
    (choice, channel, area): (Choice, Channel, Area),
    evidence: B256,
) -> Res<()> {
    let vote = row.votes.of(head);
    let before = vote.cast.get(cx)?;
    if before.choice == Choice::None {
        row.heads.push(cx)?.1.set(cx, head)?;
    } else {
        let sum = sum_of(row, before.choice);
        let rest = sum.get(cx)?.weight().checked_sub(Weight::head(before.area));
        sum.set(cx, exact(rest)?.into())?;
    }
    let sum = sum_of(row, choice);
    let grown = sum.get(cx)?.weight().checked_add(Weight::head(area));
    sum.set(cx, exact(grown)?.into())?;
    let times = exact(before.times.checked_add(1))?;
    vote.cast.set(cx, Cast { choice, channel, cast_at: cx.now(), area, times })?;
    vote.evidence.set(cx, evidence)?;
    cx.emit(BallotCast { motion, head, choice: choice as u8, channel, areaM2: area.0 })
}

fn sum_of(row: &MotionRow, choice: Choice) -> &Slot<Sum> {
    match choice {
        Choice::For => &row.yes,
        Choice::Against => &row.no,
        Choice::None | Choice::Abstain => &row.abstain,
    }
}

impl Sum {
    fn weight(self) -> Weight {
        Weight { area: self.area, heads: self.heads }
    }
}

impl From<Weight> for Sum {
    fn from(weight: Weight) -> Self {
        Self { area: weight.area, heads: weight.heads }
    }
}

pub(super) fn counted(cx: &mut Cx<'_>, row: &MotionRow) -> Res<(Tally, rule::Count)> {
    let tally = Tally {
        yes: row.yes.get(cx)?.weight(),
        no: row.no.get(cx)?.weight(),
        abstain: row.abstain.get(cx)?.weight(),
    };
    let electorate = row.electorate.get(cx)?;
    let roll = Weight { area: electorate.area, heads: electorate.heads };
    let needs = thresholds(row.terms.get(cx)?, row.head.get(cx)?.matter);
    let count = exact(rule::count(roll, &tally, &needs))?;
    Ok((tally, count))
}

/// Moves the close once, where the by-laws give a late quorum more time.
fn extend_if_late(cx: &mut Cx<'_>, id: u64, row: &MotionRow) -> Res<()> {
    let (head, late) = (row.head.get(cx)?, row.late.get(cx)?);
    if late.by == 0 || head.quorate || !counted(cx, row)?.1.is_quorate() {
        return Ok(());
    }
    let times = row.times.get(cx)?;
    let moved = rule::extended_close(cx.now(), times.closes_at, late.by, late.latest);
    // The crossing is kept whether or not it moves the close: only the ballot that reaches the quorum can.
    row.head.set(cx, Head { quorate: true, extended: moved.is_some(), ..head })?;
    let Some(closes_at) = moved else { return Ok(()) };
    row.times.set(cx, Times { closes_at, ..times })?;
    let task = row.task.get(cx)?;
    schedule::cancel(cx, task)?;
    plan_close(cx, row, id, closes_at)?;
    cx.emit(MotionExtended { motion: id, closesAt: closes_at })
}
