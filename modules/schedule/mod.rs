#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_primitives::Bytes;

use crate::prelude::*;

mod heap;
mod rule;
#[cfg(test)]
mod tests;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "schedule/ISchedule.sol" }
use ISchedule::{State as Stage, *};

abi_enum!(ISchedule::State);

/// No call of this module is open to an office: modules plan, everybody runs.
pub const PERMITS: &[Permit] = &[];

packed! {
    pub(super) struct Head { target: Address, stage: Stage, refusals: u8 }
}
packed! {
    pub(super) struct Times { due_at: u64, planned_at: u64, bytes: u64 }
}
record! {
    pub(super) struct Row {
        head: Slot<Head>,
        times: Slot<Times>,
        refusal: Slot<B256>,
        data: List<Slot<B256>>,
    }
}
record! {
    pub(super) struct Store {
        tasks: List<Row>,
        waiting: heap::Heap,
        parked: List<Slot<u64>>,
        parked_index: Map<u64, Slot<u64>>,
    }
}
fn st() -> Store {
    Store::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    ISchedule::abi::contract()
}

fn row(cx: &mut Cx<'_>, id: u64) -> Res<Row> {
    let known = id != 0 && id <= st().tasks.len(cx)?;
    ensure!(known, NoSuchTask { id });
    Ok(st().tasks.of(id - 1))
}

fn read_data(cx: &mut Cx<'_>, row: &Row, bytes: u64) -> Res<Vec<u8>> {
    let words = bytes.div_ceil(32).min(row.data.len(cx)?);
    let mut data = Vec::new();
    for index in 0..words {
        data.extend_from_slice(row.data.of(index).get(cx)?.as_slice());
    }
    data.truncate(bytes as usize);
    Ok(data)
}

fn shown(cx: &mut Cx<'_>, id: u64) -> Res<Task> {
    let row = row(cx, id)?;
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    Ok(Task {
        id,
        target: head.target,
        state: head.stage,
        dueAt: times.due_at,
        plannedAt: times.planned_at,
        refusals: head.refusals,
        refusal: row.refusal.get(cx)?,
        data: read_data(cx, &row, times.bytes)?.into(),
    })
}

/// Plans a call to the calling module.
///
/// Caller: a module. What is planned must be bounded work.
///
/// # Errors
/// - [`NotAModule`]: an account or a contract calls.
/// - [`BadCall`]: shorter than a selector, or longer than 4096 bytes.
fn do_plan(cx: &mut Cx<'_>, due_at: u64, data: &[u8]) -> Res<u64> {
    let target = cx.caller;
    ensure!(crate::is_native(&target), NotAModule { caller: target });
    let bytes = data.len() as u64;
    ensure!((4..=rule::CALL_BYTES_MAX).contains(&bytes), BadCall { length: bytes });
    let (index, row) = st().tasks.push(cx)?;
    let id = exact(index.checked_add(1))?;
    row.head.set(cx, Head { target, stage: Stage::Planned, refusals: 0 })?;
    row.times.set(cx, Times { due_at, planned_at: due_at, bytes })?;
    for part in data.chunks(32) {
        let mut word = B256::ZERO;
        word[..part.len()].copy_from_slice(part);
        row.data.push(cx)?.1.set(cx, word)?;
    }
    st().waiting.push(cx, heap::Turn { due_at, id })?;
    cx.emit(Planned { id, target, dueAt: due_at })?;
    Ok(id)
}

/// Cancels a waiting task. Its turn stays in the heap and is passed over when it comes.
///
/// Caller: the module that planned it.
///
/// # Errors
/// - [`NoSuchTask`], [`NotYours`].
/// - [`NotWaiting`]: it ran, is parked or was cancelled.
fn do_cancel(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let row = row(cx, id)?;
    let head = row.head.get(cx)?;
    ensure!(head.target == cx.caller, NotYours { id, caller: cx.caller });
    let waits = matches!(head.stage, Stage::Planned | Stage::Retrying);
    ensure!(waits, NotWaiting { id, state: head.stage });
    finish(cx, &row, head, Stage::Cancelled)?;
    cx.emit(Cancelled { id, target: head.target })
}

fn finish(cx: &mut Cx<'_>, row: &Row, head: Head, stage: Stage) -> Res<()> {
    row.head.set(cx, Head { stage, ..head })?;
    let times = row.times.get(cx)?;
    row.times.set(cx, Times { due_at: cx.now(), ..times })
}

/// Runs due tasks, earliest first.
///
/// Caller: everybody. `most` is taken as 1 to 64. A cancelled task counts like one that ran.
///
/// # Events
/// [`Ran`] or [`Refused`] for each task.
fn run(cx: &mut Cx<'_>, most: u64) -> Res<runReturn> {
    let mut taken = 0u64;
    while taken < most.clamp(1, rule::RUN_TASKS_MAX) {
        let Some(turn) = st().waiting.first(cx)?.filter(|turn| turn.due_at <= cx.now()) else {
            return Ok(runReturn { taken, more: false });
        };
        st().waiting.pop(cx)?;
        taken = exact(taken.checked_add(1))?;
        take_up(cx, turn.id)?;
    }
    let now = cx.now();
    let more = st().waiting.first(cx)?.is_some_and(|turn| turn.due_at <= now);
    Ok(runReturn { taken, more })
}

fn take_up(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let row = row(cx, id)?;
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    if head.stage == Stage::Cancelled {
        return Ok(());
    }
    // Done before it runs: whatever the task does, it is not found waiting again.
    finish(cx, &row, head, Stage::Done)?;
    let (target, data) = (head.target, read_data(cx, &row, times.bytes)?);
    let Some(entry) = crate::route(&target) else {
        return Err(Fault::Fatal(format!("task {id} of {target}, which is no module")));
    };
    match cx.attempt(|cx| cx.on(target, |cx| entry(cx, &data)))? {
        Ok(_) => cx.emit(Ran { id, target }),
        Err(refusal) => refused(cx, id, &row, head, refusal),
    }
}

fn refused(cx: &mut Cx<'_>, id: u64, row: &Row, head: Head, refusal: Bytes) -> Res<()> {
    let refusals = head.refusals.saturating_add(1);
    row.refusal.set(cx, keccak256(&refusal))?;
    let next_at = match rule::wait_seconds(refusals) {
        Some(wait) => {
            let next_at = exact(cx.now().checked_add(wait))?;
            row.head.set(cx, Head { stage: Stage::Retrying, refusals, ..head })?;
            let times = row.times.get(cx)?;
            row.times.set(cx, Times { due_at: next_at, ..times })?;
            st().waiting.push(cx, heap::Turn { due_at: next_at, id })?;
            next_at
        }
        None => {
            row.head.set(cx, Head { stage: Stage::Parked, refusals, ..head })?;
            let (index, place) = st().parked.push(cx)?;
            place.set(cx, id)?;
            st().parked_index.of(id).set(cx, index)?;
            0
        }
    };
    // The hash is on chain for good; the event carries enough to show the reason.
    let shown = Bytes::copy_from_slice(&refusal[..refusal.len().min(rule::REFUSAL_BYTES_MAX)]);
    cx.emit(Refused { id, target: head.target, refusals, nextAt: next_at, refusal: shown })
}

/// Puts a parked task back for the next run, with all its tries.
///
/// Caller: everybody.
///
/// # Errors
/// - [`NoSuchTask`], [`NotParked`].
fn put_back(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let row = row(cx, id)?;
    let head = row.head.get(cx)?;
    ensure!(head.stage == Stage::Parked, NotParked { id, state: head.stage });
    let (index, len) = (st().parked_index.of(id).get(cx)?, st().parked.len(cx)?);
    let last = st().parked.of(len - 1).get(cx)?;
    st().parked.of(index).set(cx, last)?;
    st().parked_index.of(last).set(cx, index)?;
    st().parked_index.of(id).set(cx, 0)?;
    st().parked.of(len - 1).set(cx, 0)?;
    st().parked.truncate(cx, len - 1)?;
    row.head.set(cx, Head { stage: Stage::Retrying, refusals: 0, ..head })?;
    let (times, due_at) = (row.times.get(cx)?, cx.now());
    row.times.set(cx, Times { due_at, ..times })?;
    st().waiting.push(cx, heap::Turn { due_at, id })?;
    cx.emit(PutBack { id, target: head.target })
}

fn tasks(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<tasksReturn> {
    let len = st().tasks.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| shown(cx, index + 1)).collect::<Res<_>>()?;
    Ok(tasksReturn { items, next })
}

fn due(cx: &mut Cx<'_>, at: u64, limit: u64) -> Res<Vec<Task>> {
    let mut items = Vec::new();
    for turn in st().waiting.earliest(cx, at, limit.clamp(1, PAGE_ITEMS_MAX))? {
        let task = shown(cx, turn.id)?;
        if task.state != Stage::Cancelled {
            items.push(task);
        }
    }
    Ok(items)
}

fn parked(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<parkedReturn> {
    let len = st().parked.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        let id = st().parked.of(index).get(cx)?;
        items.push(shown(cx, id)?);
    }
    Ok(parkedReturn { items, next })
}

dispatch! { ISchedule, cx;
    write planCall(c) => do_plan(cx, c.dueAt, &c.data)?;
    write cancelCall(c) => do_cancel(cx, c.id)?.into();
    write runCall(c) => run(cx, c.most)?;
    write putBackCall(c) => put_back(cx, c.id)?.into();
    view taskCall(c) => shown(cx, c.id)?;
    view tasksCall(c) => tasks(cx, c.cursor, c.limit)?;
    view dueCall(c) => due(cx, c.at, c.limit)?;
    view parkedCall(c) => parked(cx, c.cursor, c.limit)?;
    view nextDueAtCall(_) => st().waiting.first(cx)?.map_or(0, |turn| turn.due_at);
}

/// Plans a call to the module that runs: at `due_at` or later it receives `calldata` from `schedule`.
///
/// # Errors
/// - [`NotAModule`], [`BadCall`].
pub fn plan(cx: &mut Cx<'_>, due_at: u64, calldata: Vec<u8>) -> Res<u64> {
    cx.on(crate::address::schedule, |cx| do_plan(cx, due_at, &calldata))
}

/// Cancels a waiting task of the module that runs.
///
/// # Errors
/// - [`NoSuchTask`], [`NotYours`], [`NotWaiting`].
pub fn cancel(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    cx.on(crate::address::schedule, |cx| do_cancel(cx, id))
}
