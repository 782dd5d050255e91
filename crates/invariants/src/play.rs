//! Plays a sequence out: each step, what came of it, and what must hold afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::{Panic, SolError};
use tulou_modules::{COUNCIL, council::ICouncil};
use tulou_slots::{Cx, Fault, ISystem, Logged, Memory, Res};

use crate::{
    calls::{self, Call, Gen, Move},
    checks::{Checks, accounts},
    names,
    source::Source,
    world::{founded, view},
};

/// An invariant that does not hold, or a call that ends as none may.
#[derive(Debug)]
pub struct Broken {
    /// Its number in the README of the module, or in capitals what every call must keep.
    pub rule: &'static str,
    /// What was found.
    pub why: String,
    /// The calls that led there: who, what, what came of it.
    pub trace: Vec<String>,
}

impl Broken {
    pub(crate) fn new(rule: &'static str, why: String) -> Self {
        Self { rule, why, trace: Vec::new() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "  {line}")?;
        }
        write!(f, "{}: {}", self.rule, self.why)
    }
}

/// Result of a check.
pub(crate) type Kept = Result<(), Broken>;

/// Ends a check unless the condition holds.
macro_rules! keep {
    ($rule:literal, $cond:expr, $($why:tt)+) => {
        if !$cond {
            return Err($crate::play::Broken::new($rule, format!($($why)+)));
        }
    };
}
pub(crate) use keep;

/// What a step changed.
pub(crate) struct Seen<'s> {
    /// The call, where the step was one; it was accepted.
    pub(crate) call: Option<&'s Call>,
    /// The world before it, at the same second; empty where time passed.
    pub(crate) before: &'s mut Memory,
    /// The world after it.
    pub(crate) after: &'s mut Memory,
    /// Its events.
    pub(crate) logs: &'s [Logged],
    /// Modules and assets of which a slot changed.
    pub(crate) touched: &'s BTreeSet<Address>,
}

impl Seen<'_> {
    /// Who called; nobody where time passed.
    pub(crate) fn caller(&self) -> Address {
        self.call.map_or(Address::ZERO, |call| call.from)
    }

    /// Whether a slot of a module changed.
    pub(crate) fn concerns(&self, module: Address) -> bool {
        self.touched.contains(&module)
    }
}

/// How often a call was accepted and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Done.
    pub accepted: u64,
    /// Refused.
    pub refused: u64,
}

/// What a sequence came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By module and call.
    pub calls: BTreeMap<(&'static str, String), Count>,
    /// Calls that were refused inside of one that was accepted: by proposals, motions and tasks.
    pub inner_refusals: u64,
}

impl Report {
    /// Adds another sequence's counts.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.calls {
            let sum = self.calls.entry(name.clone()).or_default();
            sum.accepted += count.accepted;
            sum.refused += count.refused;
        }
        self.inner_refusals += other.inner_refusals;
    }
}

/// Most steps of a sequence, so that a long input does not become a slow one.
const STEPS_MAX: usize = 600;

struct Play {
    memory: Memory,
    checks: Checks,
    report: Report,
    done: Vec<(Move, Res<Bytes>)>,
    logs: Vec<Logged>,
    extreme: bool,
}

/// Plays the sequence that these bytes stand for in a founded world, checks every invariant after every
/// step, and plays the same steps once more to see that they come to the same.
///
/// # Errors
/// The first invariant that does not hold, with the calls that led there.
pub fn play(bytes: &[u8]) -> Result<Report, Broken> {
    let mut source = Source::new(bytes);
    let number = usize::from(source.byte());
    let mut memory = founded(number);
    let checks = Checks::begin(&mut memory)?;
    let mut play = Play {
        memory,
        checks,
        report: Report::default(),
        done: Vec::new(),
        logs: Vec::new(),
        extreme: false,
    };
    let result = play.all(&mut source).and_then(|()| play.again(number));
    result.map(|()| play.report.clone()).map_err(|broken| play.explained(broken))
}

impl Play {
    fn all(&mut self, source: &mut Source<'_>) -> Kept {
        let ops = calls::all();
        while !source.is_empty() && self.done.len() < STEPS_MAX {
            let moves = Gen { source, memory: &mut self.memory }.next(&ops);
            self.extreme |= source.extreme;
            for step in moves {
                self.step(step)?;
            }
        }
        self.checks.finish(&mut self.memory)
    }

    fn step(&mut self, step: Move) -> Kept {
        match &step {
            Move::Wait { seconds, blocks } => {
                self.memory.now = self.memory.now.saturating_add(*seconds);
                self.memory.height = self.memory.height.saturating_add(*blocks);
                self.done.push((step, Ok(Bytes::new())));
                let mut before = Memory::default();
                let (after, touched) = (&mut self.memory, &BTreeSet::new());
                let seen = Seen { call: None, before: &mut before, after, logs: &[], touched };
                self.checks.after(seen)
            }
            Move::Call(call) if !self.is_sent(call) => Ok(()),
            Move::Call(call) => self.call(call.clone()),
        }
    }

    /// Whether a call reaches native code at all. Nobody has the key of a module, of one of its
    /// sub-accounts, or of nobody; a frozen account sends nothing, and one that its owner froze only calls
    /// about its keys; an asset that was not created is an
    /// empty account.
    fn is_sent(&mut self, call: &Call) -> bool {
        let frozen = ICouncil::frozenCall { account: call.from };
        let frozen = view(&mut self.memory, COUNCIL, &frozen).is_ok_and(|found| found.holds);
        let may_call = accounts::may_call(&mut self.memory, call.from, call.to);
        is_account(call.from) && !frozen && may_call && self.memory.marked.contains(&call.to)
    }

    fn call(&mut self, call: Call) -> Kept {
        let mut before = self.memory.clone();
        let answer = run(&mut self.memory, &call, false);
        self.count(&call, answer.is_ok());
        self.done.push((Move::Call(call.clone()), answer.clone()));
        if let Err(fault) = answer {
            // Whatever it wrote is thrown away whole; the second time the machine itself undoes it.
            self.memory = before;
            return self.refused(&fault);
        }
        let logs = std::mem::take(&mut self.memory.logs);
        self.logs.extend_from_slice(&logs);
        self.accepted(&call, &mut before, &logs)
    }

    fn accepted(&mut self, call: &Call, before: &mut Memory, logs: &[Logged]) -> Kept {
        let as_static = run(before, call, true);
        let touched = differing(before, &self.memory);
        if names::reads(call) {
            let same = touched.is_empty() && logs.is_empty();
            keep!("VIEW", same, "a call that only reads wrote");
            keep!(
                "VIEW",
                as_static.is_ok(),
                "a call that only reads is refused where none may write"
            );
            return Ok(());
        }
        let refused = ISystem::StaticCall {}.abi_encode();
        let is_refused = as_static == Err(Fault::Revert(refused.into()));
        keep!(
            "STATIC",
            is_refused,
            "a writing call is not refused where none may write: {as_static:?}"
        );
        for (call, done) in crate::inner::calls(&mut self.memory, logs) {
            self.report.inner_refusals += u64::from(!done);
            self.count(&call, done);
        }
        let after = &mut self.memory;
        let seen = Seen { call: Some(call), before, after, logs, touched: &touched };
        self.checks.after(seen)
    }

    /// A refusal is typed: no fault of the machine, and no overflow where all numbers are small.
    fn refused(&self, fault: &Fault) -> Kept {
        let Fault::Revert(data) = fault else {
            return Err(Broken::new("FAULT", format!("{fault:?}")));
        };
        let overflow = Panic::abi_decode(data).is_ok();
        keep!("PANIC", !overflow || self.extreme, "an overflow although no number is large");
        Ok(())
    }

    fn count(&mut self, call: &Call, accepted: bool) {
        let Some(name) = names::of(call) else { return };
        let count = self.report.calls.entry(name).or_default();
        if accepted {
            count.accepted += 1;
        } else {
            count.refused += 1;
        }
    }

    /// The same steps come to the same answers, state and events, where the machine undoes what a refused
    /// call wrote: it leaves not one byte behind.
    fn again(&mut self, number: usize) -> Kept {
        let mut memory = founded(number);
        memory.logs.clear();
        for (step, answer) in &self.done {
            match step {
                Move::Wait { seconds, blocks } => {
                    memory.now = memory.now.saturating_add(*seconds);
                    memory.height = memory.height.saturating_add(*blocks);
                }
                Move::Call(call) => {
                    let entry = tulou_modules::route(&call.to).expect("it was called before");
                    let other = memory.run(call.to, call.from, |cx| entry(cx, &call.input));
                    keep!("SAME", other == *answer, "{other:?} the second time, first {answer:?}");
                }
            }
        }
        keep!("SAME", memory.slots == self.memory.slots, "another state the second time");
        keep!("SAME", memory.marked == self.memory.marked, "other assets the second time");
        keep!("SAME", memory.logs == self.logs, "other events the second time");
        Ok(())
    }

    fn explained(&self, broken: Broken) -> Broken {
        let trace = self.done.iter().map(|(step, answer)| names::line(step, answer)).collect();
        Broken { trace, ..broken }
    }
}

fn is_account(at: Address) -> bool {
    let sub_account = at[..2] == tulou_modules::money::sub_account(Address::ZERO, 0)[..2];
    !at.is_zero() && !tulou_modules::is_native(&at) && !sub_account
}

/// Makes a call and undoes nothing.
fn run(memory: &mut Memory, call: &Call, is_static: bool) -> Res<Bytes> {
    let Some(entry) = tulou_modules::route(&call.to) else { return Ok(Bytes::new()) };
    let (this, caller) = (call.to, call.from);
    entry(&mut Cx { host: memory, this, caller, is_static }, &call.input)
}

/// Addresses of which a slot differs.
pub(crate) fn differing(a: &Memory, b: &Memory) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    let (mut left, mut right) = (a.slots.iter().peekable(), b.slots.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (None, None) => return found,
            (Some((key, _)), None) => {
                found.insert(key.0);
                left.next();
            }
            (None, Some((key, _))) => {
                found.insert(key.0);
                right.next();
            }
            (Some((one, old)), Some((other, new))) => match one.cmp(other) {
                std::cmp::Ordering::Less => {
                    found.insert(one.0);
                    left.next();
                }
                std::cmp::Ordering::Greater => {
                    found.insert(other.0);
                    right.next();
                }
                std::cmp::Ordering::Equal => {
                    if old != new {
                        found.insert(one.0);
                    }
                    left.next();
                    right.next();
                }
            },
        }
    }
}
