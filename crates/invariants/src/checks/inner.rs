//! Calls inside of a call: a refused one leaves nothing behind (CO-6, D-6, SC-5).

use std::collections::BTreeSet;

use alloy_primitives::Address;
use tulou_modules::{
    COUNCIL, DECISIONS, address, council::ICouncil, decisions::IDecisions, schedule::ISchedule,
};
use tulou_slots::Logged;

use super::{answer, events};
use crate::play::{Kept, Seen, keep};

/// Under whose name a call was made inside of this one: the council's or the owners'.
pub(super) fn actor(logs: &[Logged]) -> Option<Address> {
    if !events::<ICouncil::Executed>(logs).is_empty() {
        return Some(COUNCIL);
    }
    (!events::<IDecisions::ActionDone>(logs).is_empty()).then_some(DECISIONS)
}

pub(super) fn after(seen: &mut Seen<'_>) -> Kept {
    let executed = events::<ICouncil::ExecutionRefused>(seen.logs);
    if !executed.is_empty() {
        let own = BTreeSet::from([COUNCIL]);
        let only = seen.touched.is_subset(&own);
        keep!("CO-6", only, "a refused proposal left something in {:?}", seen.touched);
        keep!(
            "CO-6",
            seen.logs.iter().all(|log| log.0 == COUNCIL),
            "a refused proposal left events"
        );
        keep!("CO-6", seen.logs.len() == 1, "a refused proposal left events of the council");
        return council_is_the_same(seen);
    }
    let ran = !events::<ISchedule::Ran>(seen.logs).is_empty();
    let refused = !events::<ISchedule::Refused>(seen.logs).is_empty();
    if refused && !ran {
        let own = BTreeSet::from([address::schedule]);
        let only = seen.touched.is_subset(&own);
        keep!("SC-5", only, "refused tasks left something in {:?}", seen.touched);
        keep!(
            "SC-5",
            seen.logs.iter().all(|log| log.0 == address::schedule),
            "refused tasks left events"
        );
    }
    let acted = !events::<IDecisions::ActionRefused>(seen.logs).is_empty();
    let done = !events::<IDecisions::ActionDone>(seen.logs).is_empty();
    if acted && !done {
        // Closing works on the motion, on the roll where it opens it, and on the schedule.
        let own = BTreeSet::from([DECISIONS, address::registry, address::schedule]);
        let only = seen.touched.is_subset(&own);
        keep!("D-6", only, "a refused action left something in {:?}", seen.touched);
        keep!(
            "D-6",
            seen.logs.iter().all(|log| own.contains(&log.0)),
            "a refused action left events"
        );
    }
    Ok(())
}

fn council_is_the_same(seen: &mut Seen<'_>) -> Kept {
    macro_rules! same {
        ($($call:expr),* $(,)?) => { $(
            let before = answer(seen.before, COUNCIL, &$call)?;
            let after = answer(seen.after, COUNCIL, &$call)?;
            keep!("CO-6", before == after, "a refused proposal changed {}", stringify!($call));
        )* };
    }
    same!(
        ICouncil::membersCall { cursor: 0, limit: 200 },
        ICouncil::rulesCall {},
        ICouncil::parametersCall {},
        ICouncil::releasesCall { cursor: 0, limit: 200 },
    );
    Ok(())
}
