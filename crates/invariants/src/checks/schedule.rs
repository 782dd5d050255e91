//! SC-1 to SC-5: every task waits, is parked, done or cancelled; it runs once, in time and in order.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tulou_modules::{
    address,
    schedule::ISchedule::{self, State, Task},
};
use tulou_slots::Memory;

use super::{all_of, ask, event};
use crate::play::{Broken, Kept, Seen, keep};

const AT: Address = address::schedule;

#[derive(Debug, Default)]
pub(super) struct Model {
    tasks: BTreeMap<u64, Task>,
    ran: BTreeSet<u64>,
}

fn tasks(memory: &mut Memory) -> Result<BTreeMap<u64, Task>, Broken> {
    let all = all_of!(memory, AT, ISchedule::tasksCall {})?;
    Ok(all.into_iter().map(|task| (task.id, task)).collect())
}

fn waits(task: &Task) -> bool {
    matches!(task.state, State::Planned | State::Retrying)
}

impl Model {
    pub(super) fn begin(memory: &mut Memory) -> Result<Self, Broken> {
        Ok(Self { tasks: tasks(memory)?, ran: BTreeSet::new() })
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        if !seen.concerns(AT) {
            return Ok(());
        }
        self.runs(seen)?;
        let after = tasks(seen.after)?;
        for (id, old) in &self.tasks {
            let new = after.get(id);
            let whole = new.is_some_and(|new| {
                new.target == old.target && new.data == old.data && new.plannedAt == old.plannedAt
            });
            keep!("SC-1", whole, "task {id} is lost or another");
            let ended = matches!(old.state, State::Done | State::Cancelled);
            let same = new.is_some_and(|new| new.state == old.state);
            keep!("SC-2", !ended || same, "task {id} was {:?} and is {new:?}", old.state);
        }
        self.tasks = after;
        self.lists(seen.after)
    }

    /// What ran: no task before its time, none twice, all in order.
    fn runs(&mut self, seen: &mut Seen<'_>) -> Kept {
        let now = seen.after.now;
        let mut last = (0, 0);
        for log in seen.logs {
            let ran = event::<ISchedule::Ran>(log, AT).map(|event| event.id);
            let refused = event::<ISchedule::Refused>(log, AT).map(|event| event.id);
            let Some(id) = ran.or(refused) else { continue };
            let Some(task) = self.tasks.get(&id) else {
                // Planned by a task of the same run.
                continue;
            };
            keep!("SC-3", task.dueAt <= now, "task {id} of {} ran at {now}", task.dueAt);
            keep!("SC-1", waits(task), "task {id} ran and was {:?}", task.state);
            keep!(
                "SC-4",
                last < (task.dueAt, id),
                "task {id} of {} ran after {last:?}",
                task.dueAt
            );
            last = (task.dueAt, id);
            let first = ran.is_none() || self.ran.insert(id);
            keep!("SC-2", first, "task {id} ran twice");
        }
        Ok(())
    }

    fn lists(&self, memory: &mut Memory) -> Kept {
        let waiting: BTreeSet<u64> =
            self.tasks.values().filter(|task| waits(task)).map(|task| task.id).collect();
        let due = ask(memory, AT, &ISchedule::dueCall { at: u64::MAX, limit: 200 })?;
        let listed: BTreeSet<u64> = due.iter().map(|task| task.id).collect();
        keep!("SC-1", listed.is_subset(&waiting), "a task is due that does not wait");
        // A page of the list has 200 turns, those of cancelled tasks among them.
        let cancelled = self.tasks.values().filter(|task| task.state == State::Cancelled).count();
        let short = waiting.len() + cancelled < 200;
        keep!("SC-1", !short || listed == waiting, "a waiting task is not listed as due");
        let order =
            due.windows(2).all(|pair| (pair[0].dueAt, pair[0].id) < (pair[1].dueAt, pair[1].id));
        keep!("SC-4", order, "due tasks are listed out of order");
        let parked: BTreeSet<u64> =
            all_of!(memory, AT, ISchedule::parkedCall {})?.iter().map(|task| task.id).collect();
        let expected: BTreeSet<u64> = self
            .tasks
            .values()
            .filter(|task| task.state == State::Parked)
            .map(|task| task.id)
            .collect();
        keep!("SC-1", parked == expected, "parked are {expected:?}, listed {parked:?}");
        for task in self.tasks.values() {
            keep!(
                "SC-5",
                task.refusals <= 5,
                "task {} was refused {} times",
                task.id,
                task.refusals
            );
        }
        Ok(())
    }
}
