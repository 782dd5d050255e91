//! Calls inside of a call: what proposals, motions and tasks make of their own.

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use tulou_modules::{address, council::ICouncil, decisions::IDecisions, schedule::ISchedule};
use tulou_slots::{Logged, Memory};

use crate::{calls::Call, checks::events, world::view};

/// The calls that these events tell of, and whether each was done or refused.
pub(crate) fn calls(memory: &mut Memory, logs: &[Logged]) -> Vec<(Call, bool)> {
    let mut found = Vec::new();
    let done = events::<ICouncil::Executed>(logs).into_iter().map(|event| (event.id, true));
    let refused =
        events::<ICouncil::ExecutionRefused>(logs).into_iter().map(|event| (event.id, false));
    for (id, is_done) in done.chain(refused) {
        if let Ok(proposal) = view(memory, address::council, &ICouncil::proposalCall { id }) {
            let (from, to, input) = (address::council, proposal.target, proposal.call);
            found.push((Call { from, to, input }, is_done));
        }
    }
    let done = events::<IDecisions::ActionDone>(logs).into_iter().map(|event| (event.motion, true));
    let refused =
        events::<IDecisions::ActionRefused>(logs).into_iter().map(|event| (event.motion, false));
    for (id, is_done) in done.chain(refused) {
        if let Ok(motion) = view(memory, address::decisions, &IDecisions::motionCall { id }) {
            let (from, to, input) = (address::decisions, motion.target, motion.action);
            found.push((Call { from, to, input }, is_done));
        }
    }
    let done = events::<ISchedule::Ran>(logs).into_iter().map(|event| (event.id, true));
    let refused = events::<ISchedule::Refused>(logs).into_iter().map(|event| (event.id, false));
    for (id, is_done) in done.chain(refused) {
        if let Ok(task) = view(memory, address::schedule, &ISchedule::taskCall { id }) {
            found.push((
                Call { from: address::schedule, to: task.target, input: task.data },
                is_done,
            ));
        }
    }
    found.extend(scheduled(logs));
    found
}

/// Modules plan and cancel tasks without an ABI call between them.
fn scheduled(logs: &[Logged]) -> impl Iterator<Item = (Call, bool)> {
    let planned = events::<ISchedule::Planned>(logs).len();
    let cancelled = events::<ISchedule::Cancelled>(logs).len();
    let call = |selector: [u8; 4]| {
        let input = Bytes::copy_from_slice(&selector);
        (Call { from: address::decisions, to: address::schedule, input }, true)
    };
    std::iter::repeat_n(call(ISchedule::planCall::SELECTOR), planned)
        .chain(std::iter::repeat_n(call(ISchedule::cancelCall::SELECTOR), cancelled))
}
