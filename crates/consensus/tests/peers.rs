//! Who may connect, what nodes tell each other, and what an engine says of itself.

mod support;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::Bytes;
use support::{Chain, Committees, Node, committee, config, free_addresses, run, seed, wait_for};
use tulou_consensus::{EngineError, GOSSIP_BYTES_MAX, public_key, start};

fn chain(members: &[u8]) -> Arc<Chain> {
    Arc::new(Chain::new(Committees::from([(0, committee(members))])))
}

/// Waits until `done`; panics after 30 seconds.
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(30), "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_node_that_was_refused_is_let_in_and_shut_out_by_a_new_list_of_peers() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(2);
    let chains = [chain(&[0]), chain(&[0])];
    let mut lone = config(dir.path(), 0, &addresses);
    let everyone = std::mem::take(&mut lone.peers);
    let validator = run(lone, &chains[0]);
    let observer = run(config(dir.path(), 1, &addresses), &chains[1]);
    wait_for(&chains[..1], 20);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(chains[1].height(), 0, "nobody has admitted it");

    validator.set_peers(everyone);
    let target = chains[0].height() + 10;
    wait_for(&chains, target);

    validator.set_peers(Vec::new());
    // What it was sent before may still arrive: it stands still for a second in which the validator goes on.
    let stands = || {
        let before = chains.clone().map(|chain| chain.height());
        thread::sleep(Duration::from_secs(1));
        chains[0].height() > before[0] && chains[1].height() == before[1]
    };
    wait_until("a peer that was removed still follows", stands);
    assert!(chains[0].height() > chains[1].height());
    validator.stop();
    observer.stop();
    chains.iter().for_each(|chain| chain.check());
}

#[test]
fn a_peer_that_moves_is_found_at_its_new_address() {
    let dir = tempfile::tempdir().unwrap();
    let mut addresses = free_addresses(3);
    let moved = addresses.pop().unwrap();
    let chains = [chain(&[0]), chain(&[0])];
    let validator = run(config(dir.path(), 0, &addresses), &chains[0]);
    run(config(dir.path(), 1, &addresses), &chains[1]).stop();

    addresses[1] = moved;
    let mut config = config(dir.path(), 1, &addresses);
    // It knows the old address of nobody: the other side has to come.
    config.peers.iter_mut().for_each(|(_, address)| address.set_port(9));
    let observer = run(config.clone(), &chains[1]);
    validator.set_peers((0..).zip(&addresses).map(|(i, a)| (public_key(seed(i)), *a)).collect());
    let target = chains[0].height() + 10;
    wait_for(&chains, target);
    validator.stop();
    observer.stop();
}

#[test]
fn a_message_reaches_one_node_or_all_and_names_its_sender() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(3);
    let chains: Vec<_> = (0..3).map(|_| chain(&[0, 1, 2])).collect();
    let engines: Vec<_> =
        (0..3u8).map(|i| run(config(dir.path(), i, &addresses), &chains[i as usize])).collect();
    wait_for(&chains, 3);
    let heard = |i: usize| chains[i].heard.lock().unwrap().clone();
    let sender = public_key(seed(0));

    let largest = Bytes::from(vec![7; GOSSIP_BYTES_MAX]);
    assert!(engines[0].gossip(Some(public_key(seed(1))), largest.clone()));
    wait_until("a message to one is lost", || heard(1) == [(sender, largest.clone())]);
    assert!(engines[0].gossip(None, Bytes::from_static(b"to all")));
    wait_until("a message to all is lost", || heard(1).len() == 2 && heard(2).len() == 1);
    assert_eq!(heard(2), [(sender, Bytes::from_static(b"to all"))]);

    assert!(!engines[0].gossip(None, Bytes::from(vec![0; GOSSIP_BYTES_MAX + 1])));
    let refused = (0..10_000).any(|_| !engines[0].gossip(None, Bytes::from_static(b"flood")));
    assert!(refused, "the queue has no end");
    // The flood neither stops the chain nor cuts anyone off.
    let target = chains[0].height() + 20;
    wait_for(&chains, target);
    engines.into_iter().for_each(|engine| engine.stop());
}

#[test]
fn the_status_names_epoch_leader_and_validators_and_whether_we_sign() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(2);
    let chains = [chain(&[0]), chain(&[0])];
    let engines: Vec<_> =
        (0..2u8).map(|i| run(config(dir.path(), i, &addresses), &chains[i as usize])).collect();
    wait_for(&chains, 25);
    let [status, observed] = [engines[0].status(), engines[1].status()];
    assert!(status.epoch >= 2 && status.view >= 1);
    assert_eq!(status.validators, committee(&[0]));
    assert_eq!(status.leader, Some(public_key(seed(0))));
    assert!(status.votes && !observed.votes);
    let metrics = engines[0].metrics();
    assert!(metrics.contains("# TYPE marshal_processed_height gauge"), "{metrics}");
    engines.into_iter().for_each(|engine| engine.stop());
}

#[test]
fn the_leader_of_the_status_is_who_proposes() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(4);
    let members = [0, 1, 2, 3];
    let chains: Vec<_> = (0..4).map(|_| chain(&members)).collect();
    let engines: Vec<_> =
        (0..3u8).map(|i| run(config(dir.path(), i, &addresses), &chains[i as usize])).collect();
    wait_for(&chains[..3], 5);
    // The fourth is down, and only its turns last: whoever is seen leading for long is the fourth.
    let dead = public_key(seed(3));
    let leads = || engines[0].status().leader == Some(dead);
    wait_until("the dead one never leads", || {
        leads() && {
            thread::sleep(Duration::from_millis(200));
            leads()
        }
    });
    engines.into_iter().for_each(|engine| engine.stop());
}

#[test]
fn more_peers_than_there_is_room_for_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(3);
    let mut crowded = config(dir.path(), 0, &addresses);
    crowded.max_peers = 1;
    let refusal = start(crowded, Arc::new(Node(chain(&[0])))).err().unwrap();
    assert!(matches!(refusal, EngineError::Config(_)), "{refusal}");
    assert_eq!(refusal.to_string(), "consensus configuration: 2 peers, max_peers is 1");
}
