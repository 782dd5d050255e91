//! The engine on a simulated runtime, network and disk. A seed decides everything that happens, down
//! to the order in which tasks run, so a failing run can be played again.
//!
//! `TULOU_SIM_SEEDS` sets how many runs there are in all, `TULOU_SIM_SEED` plays one of them.

mod ballot;
mod dice;
mod ledger;
mod liars;
mod plan;
mod properties;
mod tap;
mod world;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    time::{Duration, Instant},
};

use liars::Kind;
use plan::{Plan, Story};
use world::{STORIES, play};

/// Runs of all families together.
const SEEDS: u64 = 330;

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Plays one family with its share of the seeds.
fn tell(story: Story) {
    let (_, test) = *STORIES.iter().find(|(told, _)| *told == story).expect("it has a test");
    let seeds = match number("TULOU_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let all = number("TULOU_SIM_SEEDS").unwrap_or(SEEDS);
            0..all.div_ceil(STORIES.len() as u64)
        }
    };
    let (began, count) = (Instant::now(), seeds.end - seeds.start);
    let mut slowest = Duration::ZERO;
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| play(&Plan::new(story, seed))));
        match outcome.unwrap_or_else(|_| Err("it panicked".into())) {
            Ok(report) => slowest = slowest.max(report.recovered),
            Err(why) => panic!(
                "seed {seed}: {why}\nplay it again: TULOU_SIM_SEED={seed} cargo nextest run \
                 --workspace --test simulation -E 'test(={test})'"
            ),
        }
    }
    let took = began.elapsed();
    println!("{count} runs in {took:.1?}, slowest recovery {slowest:.1?} of virtual time");
}

#[test]
fn the_chain_goes_on_after_partitions() {
    tell(Story::Partitions);
}

#[test]
fn the_chain_goes_on_after_crashes() {
    tell(Story::Crashes);
}

#[test]
fn a_member_that_slept_for_epochs_catches_up() {
    tell(Story::Sleeper);
}

#[test]
fn bad_disks_stop_members_and_forge_nothing() {
    tell(Story::BadDisks);
}

#[test]
fn who_lost_its_votes_never_contradicts_them() {
    tell(Story::LostVotes);
}

#[test]
fn a_member_goes_on_from_a_snapshot() {
    tell(Story::Snapshot);
}

#[test]
fn windows_of_blocks_lose_nothing_that_counts() {
    tell(Story::Windows);
}

#[test]
fn validators_change_from_epoch_to_epoch() {
    tell(Story::Sets);
}

#[test]
fn votes_of_a_removed_validator_count_for_nothing() {
    tell(Story::Liar(Kind::RemovedVoter));
}

#[test]
fn an_equivocator_splits_nothing() {
    tell(Story::Liar(Kind::Equivocator));
}

#[test]
fn an_invalid_proposer_gets_nothing_through() {
    tell(Story::Liar(Kind::InvalidProposer));
}

#[test]
fn a_wrong_state_root_never_becomes_final() {
    tell(Story::Liar(Kind::WrongStateRoot));
}

#[test]
fn a_withholder_of_blocks_only_loses_its_turns() {
    tell(Story::Liar(Kind::BlockWithholder));
}

#[test]
fn a_withholder_of_votes_stops_nobody() {
    tell(Story::Liar(Kind::VoteWithholder));
}

#[test]
fn votes_of_old_epochs_count_for_nothing() {
    tell(Story::Liar(Kind::OldEpochReplayer));
}

#[test]
fn a_censor_delays_but_does_not_prevent() {
    tell(Story::Liar(Kind::Censor));
}

#[test]
fn a_seed_decides_everything() {
    for (story, seed) in [
        (Story::Partitions, 7),
        (Story::Crashes, 8),
        (Story::BadDisks, 9),
        (Story::Liar(Kind::Equivocator), 10),
    ] {
        let again = || play(&Plan::new(story, seed)).unwrap();
        let first = again();
        assert_eq!(first, again(), "{story:?} {seed}");
        assert_ne!(first.audit, play(&Plan::new(story, seed + 1)).unwrap().audit);
    }
}

/// The watchdog is awake: a fork is found.
#[test]
fn a_fork_is_found() {
    let plan = Plan::new(Story::Partitions, 1);
    let ledgers = Mutex::default();
    world::play_and_keep(&plan, &ledgers).unwrap();
    let mut ledgers = ledgers.lock().unwrap();
    properties::check(&ledgers.iter().collect::<Vec<_>>(), &plan.sets).unwrap();

    let forged = ledger::child(&ledgers[1].block(4), &[77]);
    ledgers[1].finals.get_mut(&5).unwrap().0 = forged;
    let verdict = properties::check(&ledgers.iter().collect::<Vec<_>>(), &plan.sets);
    assert!(verdict.is_err(), "a forged block passes");
}
