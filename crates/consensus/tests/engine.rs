//! Whole engines on the loopback interface.

mod support;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use support::{Chain, Committees, Node, committee, config, free_addresses, run, seed, wait_for};
use tulou_consensus::{EngineError, public_key, start};

fn chain(members: &[u8]) -> Arc<Chain> {
    Arc::new(Chain::new(Committees::from([(0, committee(members))])))
}

#[test]
fn a_lone_validator_finalizes_and_continues_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(1);
    let chain = chain(&[0]);
    let engine = run(config(dir.path(), 0, &addresses), &chain);
    wait_for(std::slice::from_ref(&chain), 30);
    assert!(engine.is_running());
    engine.stop();
    let before = chain.height();

    let engine = run(config(dir.path(), 0, &addresses), &chain);
    wait_for(std::slice::from_ref(&chain), before + 15);
    engine.stop();
    chain.check();
    // Only the block that was being voted on at the stop may owe its certificate to a later one.
    for (height, (block, finality)) in chain.finals.lock().unwrap().iter() {
        let around_stop = (before..=before + 2).contains(height);
        assert!(
            around_stop || finality.digest == block.hash(),
            "block {height} has no certificate"
        );
    }
}

#[test]
fn a_refused_block_stops_the_engine_and_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(1);
    let mut refusing = Chain::new(Committees::from([(0, committee(&[0]))]));
    refusing.refuse = Some(5);
    let refusing = Arc::new(refusing);
    let engine = run(config(dir.path(), 0, &addresses), &refusing);
    let since = Instant::now();
    while engine.is_running() && since.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(engine.failure(), Some("the disk is full"));
    engine.stop();
    assert_eq!(refusing.height(), 4);

    let healed = chain(&[0]);
    *healed.finals.lock().unwrap() = refusing.finals.lock().unwrap().clone();
    let engine = run(config(dir.path(), 0, &addresses), &healed);
    wait_for(std::slice::from_ref(&healed), 25);
    engine.stop();
    assert!(healed.delivered.lock().unwrap().contains(&5));
    healed.check();
}

#[test]
fn a_node_that_lost_its_state_gets_every_block_again() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(1);
    let before = chain(&[0]);
    let engine = run(config(dir.path(), 0, &addresses), &before);
    wait_for(std::slice::from_ref(&before), 25);
    engine.stop();

    let after = chain(&[0]);
    let engine = run(config(dir.path(), 0, &addresses), &after);
    wait_for(std::slice::from_ref(&after), 35);
    engine.stop();
    after.check();
    assert_eq!(after.get(25).0.hash(), before.get(25).0.hash());
}

#[test]
fn a_held_proposal_keeps_its_view_and_a_declined_one_loses_it() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(1);
    let mut declining = Chain::new(Committees::from([(0, committee(&[0]))]));
    declining.pace = Duration::from_millis(400);
    declining.decline = true.into();
    let declining = Arc::new(declining);
    let engine = run(config(dir.path(), 0, &addresses), &declining);
    wait_for(std::slice::from_ref(&declining), 4);
    engine.stop();
    let views: Vec<_> = (1..=4).map(|height| declining.get(height).1.view).collect();
    assert_eq!(views, [2, 3, 4, 5], "the first view had no block, holding costs none");
}

#[test]
fn two_of_four_decide_nothing_and_a_third_revives_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(4);
    let chains: Vec<_> = (0..3).map(|_| chain(&[0, 1, 2, 3])).collect();
    let mut engines: Vec<_> =
        (0..2u8).map(|i| run(config(dir.path(), i, &addresses), &chains[i as usize])).collect();
    thread::sleep(Duration::from_secs(3));
    assert_eq!((chains[0].height(), chains[1].height()), (0, 0));

    engines.push(run(config(dir.path(), 2, &addresses), &chains[2]));
    wait_for(&chains, 12);
    engines.into_iter().for_each(|engine| engine.stop());
    chains.iter().for_each(|chain| chain.check());
}

#[test]
fn four_validators_agree_across_epochs_and_one_may_stop() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(4);
    let chains: Vec<_> = (0..4).map(|_| chain(&[0, 1, 2, 3])).collect();
    let mut engines: Vec<_> =
        (0..4u8).map(|i| run(config(dir.path(), i, &addresses), &chains[i as usize])).collect();
    wait_for(&chains, 25);

    engines.pop().unwrap().stop();
    let stopped_at = chains[3].height();
    // More than two epochs, so that it has to find its way through hand-overs it missed.
    wait_for(&chains[..3], stopped_at + 25);

    engines.push(run(config(dir.path(), 3, &addresses), &chains[3]));
    let target = chains[0].height() + 5;
    wait_for(&chains, target);
    engines.into_iter().for_each(|engine| engine.stop());

    for chain in &chains {
        chain.check();
        for height in 1..=target {
            assert_eq!(chain.get(height).0.hash(), chains[0].get(height).0.hash());
        }
    }
}

#[test]
fn the_committee_changes_between_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(4);
    let committees = Committees::from([
        (0, committee(&[0])),
        (1, committee(&[0, 1, 2, 3])),
        (3, committee(&[1, 2, 3])),
    ]);
    let chains: Vec<_> = (0..4).map(|_| Arc::new(Chain::new(committees.clone()))).collect();
    let engines: Vec<_> =
        (0..4u8).map(|i| run(config(dir.path(), i, &addresses), &chains[i as usize])).collect();
    wait_for(&chains, 45);
    engines.into_iter().for_each(|engine| engine.stop());
    for chain in &chains {
        chain.check();
        assert_eq!(chain.get(45).0.hash(), chains[0].get(45).0.hash());
    }
}

#[test]
fn a_wrong_configuration_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(1);
    let good = config(dir.path(), 0, &addresses);
    let refusal = |config| {
        start(config, Arc::new(Node(chain(&[0])))).err().expect("the configuration is refused")
    };

    let mut short = good.clone();
    short.epoch_length = 1;
    assert!(matches!(refusal(short), EngineError::Config(_)));

    let mut huge = good.clone();
    huge.max_block_bytes = usize::MAX;
    assert!(matches!(refusal(huge), EngineError::Config(_)));

    let mut twice = good.clone();
    twice.peers = vec![(public_key(seed(1)), addresses[0]); 2];
    assert!(matches!(refusal(twice), EngineError::Config(_)));

    let mut other = good.clone();
    other.genesis_hash = alloy_primitives::B256::ZERO;
    assert!(matches!(refusal(other), EngineError::Genesis { .. }));

    let _taken = std::net::TcpListener::bind(addresses[0]).unwrap();
    assert!(matches!(refusal(good), EngineError::Listen { .. }));
}
