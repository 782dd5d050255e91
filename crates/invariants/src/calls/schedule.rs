use tulou_modules::schedule::ISchedule;

use super::*;
use crate::people::KEEPER;

ops! { "schedule": {
    "plan" => plan,
    "cancel" => cancel,
    "run" => run,
    "putBack" => put_back,
} }

const AT: Address = address::schedule;

/// The question when the next task is due.
pub(super) fn next() -> ISchedule::nextDueAtCall {
    ISchedule::nextDueAtCall {}
}

/// Accounts never plan: modules do, as part of their own calls.
fn plan(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (due_at, length) = (g.now(), usize::from(g.source.byte()));
    let data = g.source.raw(length).to_vec().into();
    one(g.anybody(), AT, &ISchedule::planCall { dueAt: due_at, data })
}

fn task(g: &mut Gen<'_, '_>) -> u64 {
    let count = g.see(AT, &ISchedule::tasksCall { cursor: 0, limit: 200 }).items.len();
    g.source.id(count as u64)
}

fn cancel(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let id = task(g);
    one(g.anybody(), AT, &ISchedule::cancelCall { id })
}

fn run(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let most = g.source.pick(&[1, 1, 2, 64, 0, u64::MAX]);
    one(g.by(&[KEEPER]), AT, &ISchedule::runCall { most })
}

/// A parked task; where there is none, one is made as a rule: a motion whose building does not exist is
/// refused at its opening until it is parked.
fn put_back(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let parked = g.see(AT, &ISchedule::parkedCall { cursor: 0, limit: 200 }).items;
    if let Some(task) = parked.first() {
        return one(g.anybody(), AT, &ISchedule::putBackCall { id: task.id });
    }
    if g.source.one_in(3) {
        let id = task(g);
        return one(g.anybody(), AT, &ISchedule::putBackCall { id });
    }
    let tasks = g.see(AT, &ISchedule::tasksCall { cursor: 0, limit: 200 }).items.len() as u64;
    let mut proposal = motion(g.now(), 9, (2, 77, 0));
    proposal.closesAt += 9 * DAY;
    let mut moves =
        one(crate::people::CHAIR, address::decisions, &IDecisions::proposeCall { proposal });
    moves.push(Move::Wait { seconds: 20 * DAY, blocks: 1 });
    for _ in 0..5 {
        moves.extend(one(KEEPER, AT, &ISchedule::runCall { most: 64 }));
        moves.push(Move::Wait { seconds: 64 * 60, blocks: 1 });
    }
    moves.extend(one(g.anybody(), AT, &ISchedule::putBackCall { id: tasks + 1 }));
    moves
}
