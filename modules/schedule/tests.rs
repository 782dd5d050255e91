use alloy_sol_types::SolCall;
use proptest::prelude::*;
use tulou_slots::{Host, ISystem, Memory};

use super::*;
use crate::{address, rules};

const AT: Address = address::schedule;
const KEEPER: Address = Address::repeat_byte(0x4e);
const NOW: u64 = 1_767_196_800;

fn start() -> Memory {
    let mut m = Memory::default();
    m.now = NOW;
    m
}

/// A call that goes through: `rules.bookHash()`.
fn fine() -> Vec<u8> {
    rules::IRules::bookHashCall {}.abi_encode()
}

/// A call that is refused: no such selector.
fn broken() -> Vec<u8> {
    vec![1, 2, 3, 4]
}

fn planned(m: &mut Memory, due_at: u64, data: Vec<u8>) -> u64 {
    m.run(address::rules, KEEPER, |cx| plan(cx, due_at, data)).unwrap()
}

fn ran(m: &mut Memory, most: u64) -> (u64, bool) {
    let answer = m.call(AT, entry, KEEPER, &runCall { most }).unwrap();
    (answer.taken, answer.more)
}

fn task(m: &mut Memory, id: u64) -> Task {
    m.call(AT, entry, KEEPER, &taskCall { id }).unwrap()
}

fn refused<C: SolCall>(m: &mut Memory, caller: Address, call: &C) -> Fault {
    m.call(AT, entry, caller, call).map(|_| ()).unwrap_err()
}

#[test]
fn work_runs_once_at_its_time_and_not_before() {
    // SC-2, SC-3
    let mut m = start();
    let id = planned(&mut m, NOW + 10, fine());
    m.now = NOW + 9;
    assert_eq!((ran(&mut m, 64), task(&mut m, id).state), ((0, false), Stage::Planned));
    m.now = NOW + 10;
    assert_eq!((ran(&mut m, 64), task(&mut m, id).state), ((1, false), Stage::Done));
    assert_eq!(ran(&mut m, 64), (0, false));
    let done = task(&mut m, id);
    assert_eq!((done.data.to_vec(), done.target, done.plannedAt), (fine(), address::rules, NOW + 10));
}

#[test]
fn what_one_run_leaves_the_next_takes_up_in_order() {
    // SC-1, SC-4: 150 tasks, at most 64 a time
    let mut m = start();
    for n in 0..150u64 {
        planned(&mut m, NOW - (n * 37 % 50), fine());
    }
    let due = m.call(AT, entry, KEEPER, &dueCall { at: NOW, limit: 200 }).unwrap();
    let order: Vec<_> = due.iter().map(|task| (task.dueAt, task.id)).collect();
    assert!(order.is_sorted() && order.len() == 150);
    m.logs.clear();
    assert_eq!(ran(&mut m, u64::MAX), (64, true));
    assert_eq!(ran(&mut m, 0), (1, true));
    assert_eq!(ran(&mut m, 64), (64, true));
    assert_eq!(ran(&mut m, 64), (21, false));
    let seen: Vec<u64> = m
        .logs
        .iter()
        .map(|(_, log)| <Ran as alloy_sol_types::SolEvent>::decode_log_data(log).unwrap().id)
        .collect();
    assert_eq!(seen, order.iter().map(|(_, id)| *id).collect::<Vec<_>>());
}

#[test]
fn a_refused_task_waits_longer_each_time_is_parked_and_never_in_the_way() {
    // SC-5
    let mut m = start();
    let bad = planned(&mut m, NOW, broken());
    let good = planned(&mut m, NOW, fine());
    assert_eq!(ran(&mut m, 64), (2, false));
    assert_eq!(task(&mut m, good).state, Stage::Done);
    for (n, wait) in [(1u8, 60u64), (2, 240), (3, 960), (4, 3840)] {
        let waiting = task(&mut m, bad);
        assert_eq!((waiting.state, waiting.refusals), (Stage::Retrying, n));
        assert_eq!(waiting.dueAt, m.now + wait);
        m.now += wait - 1;
        assert_eq!(ran(&mut m, 64), (0, false));
        m.now += 1;
        assert_eq!(ran(&mut m, 64), (1, false));
    }
    let parked = m.call(AT, entry, KEEPER, &parkedCall { cursor: 0, limit: 9 }).unwrap();
    assert_eq!((parked.items.len(), parked.items[0].id), (1, bad));
    let reason = ISystem::UnknownSelector { selector: [1, 2, 3, 4].into() };
    let reason = alloy_sol_types::SolError::abi_encode(&reason);
    assert_eq!(parked.items[0].refusal, keccak256(reason));
    m.now += 1_000_000;
    assert_eq!(ran(&mut m, 64), (0, false));
    m.call(AT, entry, KEEPER, &putBackCall { id: bad }).unwrap();
    let parked = m.call(AT, entry, KEEPER, &parkedCall { cursor: 0, limit: 9 }).unwrap();
    assert!(parked.items.is_empty());
    assert_eq!(ran(&mut m, 64), (1, false));
    assert_eq!(task(&mut m, bad).state, Stage::Retrying);
    assert_eq!(rule::wait_seconds(0), None);
    assert_eq!(rule::wait_seconds(u8::MAX), None);
}

#[test]
fn putting_back_one_of_several_keeps_the_others_parked() {
    let mut m = start();
    for _ in 0..3 {
        planned(&mut m, NOW, broken());
    }
    for _ in 0..5 {
        ran(&mut m, 64);
        m.now += 4_000;
    }
    let ids = |m: &mut Memory| {
        let parked = m.call(AT, entry, KEEPER, &parkedCall { cursor: 0, limit: 9 }).unwrap();
        parked.items.iter().map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&mut m), [1, 2, 3]);
    m.call(AT, entry, KEEPER, &putBackCall { id: 1 }).unwrap();
    assert_eq!(ids(&mut m), [3, 2]);
    m.call(AT, entry, KEEPER, &putBackCall { id: 2 }).unwrap();
    m.call(AT, entry, KEEPER, &putBackCall { id: 3 }).unwrap();
    assert!(ids(&mut m).is_empty());
}

#[test]
fn a_task_may_plan_more_and_one_refused_leaves_no_trace() {
    let mut m = start();
    let inner = planCall { dueAt: NOW, data: fine().into() }.abi_encode();
    m.run(AT, KEEPER, |cx| plan(cx, NOW, inner)).unwrap();
    // The inner task is due at once and taken up by the same run.
    assert_eq!(ran(&mut m, 64), (2, false));
    // Its target is the scheduler, which has no such call.
    assert_eq!(task(&mut m, 2).state, Stage::Retrying);
    assert_eq!(task(&mut m, 2).target, AT);
}

#[test]
fn only_its_module_cancels_a_task_and_only_while_it_waits() {
    let mut m = start();
    let id = planned(&mut m, NOW + 5, fine());
    let fault = refused(&mut m, address::rules, &cancelCall { id: 9 });
    assert_eq!(fault.refusal::<NoSuchTask>().unwrap().id, 9);
    let fault = refused(&mut m, KEEPER, &cancelCall { id });
    assert_eq!(fault.refusal::<NotYours>().unwrap().caller, KEEPER);
    m.run(address::rules, KEEPER, |cx| cancel(cx, id)).unwrap();
    let fault = refused(&mut m, address::rules, &cancelCall { id });
    assert_eq!(fault.refusal::<NotWaiting>().unwrap().state, Stage::Cancelled);
    m.now = NOW + 5;
    assert!(m.call(AT, entry, KEEPER, &dueCall { at: NOW + 5, limit: 9 }).unwrap().is_empty());
    assert_eq!((ran(&mut m, 64), task(&mut m, id).state), ((1, false), Stage::Cancelled));
    let fault = refused(&mut m, KEEPER, &putBackCall { id: 9 });
    assert!(fault.refusal::<NoSuchTask>().is_some());
    let fault = refused(&mut m, KEEPER, &putBackCall { id });
    assert_eq!(fault.refusal::<NotParked>().unwrap().state, Stage::Cancelled);
}

#[test]
fn only_modules_plan_and_only_whole_calls() {
    let mut m = start();
    let call = |len: usize| planCall { dueAt: 0, data: vec![0; len].into() };
    let fault = refused(&mut m, KEEPER, &call(3));
    assert_eq!(fault.refusal::<NotAModule>().unwrap().caller, KEEPER);
    for (len, fits) in [(3, false), (4, true), (33, true), (4096, true), (4097, false)] {
        let done = m.call(AT, entry, address::rules, &call(len));
        assert_eq!(done.is_ok(), fits, "{len}");
        if let Err(fault) = done {
            assert_eq!(fault.refusal::<BadCall>().unwrap().length, len as u64);
        }
    }
    let all = m.call(AT, entry, KEEPER, &tasksCall { cursor: 0, limit: 9 }).unwrap();
    let lens: Vec<_> = all.items.iter().map(|task| task.data.len()).collect();
    assert_eq!((lens, all.next), (vec![4, 33, 4096], 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// SC-1 to SC-4 against a sorted set: whatever is planned, cancelled and run, in any order.
    #[test]
    fn the_heap_is_a_sorted_set(steps in prop::collection::vec((0u8..4, 0u64..40), 1..80)) {
        let mut m = start();
        let mut model = std::collections::BTreeSet::new();
        for (kind, n) in steps {
            match kind {
                0 | 1 => {
                    let id = planned(&mut m, NOW + n, fine());
                    model.insert((NOW + n, id));
                }
                2 => {
                    m.now += n / 4;
                    let due = model.range(..(m.now + 1, 0)).count() as u64;
                    let (taken, _) = ran(&mut m, 3);
                    prop_assert_eq!(taken, due.min(3));
                    for _ in 0..taken {
                        let (_, id) = model.pop_first().unwrap();
                        prop_assert_eq!(task(&mut m, id).state, Stage::Done);
                    }
                }
                _ => {
                    let first = m.call(AT, entry, KEEPER, &nextDueAtCall {}).unwrap();
                    prop_assert_eq!(first, model.first().map_or(0, |turn| turn.0));
                }
            }
            let due = m.call(AT, entry, KEEPER, &dueCall { at: u64::MAX, limit: 200 }).unwrap();
            let listed: Vec<_> = due.iter().map(|task| (task.dueAt, task.id)).collect();
            prop_assert_eq!(listed, model.iter().copied().collect::<Vec<_>>());
        }
    }
}

/// Counts what an operation reads and writes.
struct Counted(Memory, u64);

impl Host for Counted {
    fn sload(&mut self, at: Address, slot: U256) -> Res<U256> {
        self.1 += 1;
        self.0.sload(at, slot)
    }
    fn sstore(&mut self, at: Address, slot: U256, value: U256) -> Res<()> {
        self.1 += 1;
        self.0.sstore(at, slot, value)
    }
    fn log(&mut self, at: Address, data: alloy_primitives::LogData) -> Res<()> {
        self.0.log(at, data)
    }
    fn charge(&mut self, gas: u64) -> Res<()> {
        self.0.charge(gas)
    }
    fn mark(&mut self, at: Address) -> Res<()> {
        self.0.mark(at)
    }
    fn checkpoint(&mut self) {
        self.0.checkpoint();
    }
    fn end_checkpoint(&mut self, keep: bool) {
        self.0.end_checkpoint(keep);
    }
    fn now(&self) -> u64 {
        self.0.now()
    }
    fn height(&self) -> u64 {
        self.0.height()
    }
    fn chain_id(&self) -> u64 {
        self.0.chain_id()
    }
}

#[test]
fn with_a_thousand_tasks_waiting_an_operation_touches_few_slots() {
    // SC-6: 1023 waiting tasks are ten levels; each level costs two reads and a write.
    let mut host = Counted(start(), 0);
    let cost = |host: &mut Counted, call: Vec<u8>| {
        let before = host.1;
        let mut cx = Cx { host, this: AT, caller: address::rules, is_static: false };
        entry(&mut cx, &call).unwrap();
        host.1 - before
    };
    for n in 0..1023u64 {
        let call = planCall { dueAt: NOW + 2000 - n, data: fine().into() }.abi_encode();
        let touched = cost(&mut host, call);
        assert!(touched <= 12 + 2 * 10, "planning task {n} touched {touched} slots");
    }
    host.0.now = NOW + 2000;
    let touched = cost(&mut host, runCall { most: 1 }.abi_encode());
    assert!(touched <= 24 + 3 * 10, "running one task touched {touched} slots");
}
