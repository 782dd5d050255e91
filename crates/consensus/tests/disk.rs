//! A lost journal of votes, a snapshot to start from, and blocks that need not be kept.

mod support;

use std::{
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use support::{
    Chain, Committees, Node, committee, config, free_addresses, genesis, run, wait_for,
    wait_long_for,
};
use tulou_consensus::{EngineConfig, EngineError, EngineFloor, start, verify_archive};

fn chain(committees: &Committees, epoch_length: u64, pace_ms: u64) -> Chain {
    let mut chain = Chain::new(committees.clone());
    chain.epoch_length = epoch_length;
    chain.pace = Duration::from_millis(pace_ms);
    chain
}

fn long_epochs(mut config: EngineConfig, epoch_length: u64) -> EngineConfig {
    config.epoch_length = epoch_length;
    config
}

#[test]
fn a_validator_that_lost_its_votes_signs_nothing_until_the_next_epoch() {
    const LENGTH: u64 = 60;
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(4);
    let committees = Committees::from([(0, committee(&[0, 1, 2, 3]))]);
    let new = || Arc::new(chain(&committees, LENGTH, 60));
    let mut chains: Vec<_> = (0..4).map(|_| new()).collect();
    let configs: Vec<_> =
        (0..4).map(|i| long_epochs(config(dir.path(), i, &addresses), LENGTH)).collect();
    let mut engines: Vec<_> =
        configs.iter().zip(&chains).map(|(config, chain)| run(config.clone(), chain)).collect();
    wait_for(&chains, 6);

    engines.pop().unwrap().stop();
    fs::remove_dir_all(&configs[3].dir).unwrap();
    chains[3] = new();
    let lost_at = chains.iter().map(|chain| chain.height()).max().unwrap() + 1;
    let mut observing = configs[3].clone();
    observing.vote_after = Some(genesis().header().timestamp + lost_at);
    engines.push(run(observing, &chains[3]));
    let back_at = chains[0].height() + 3;
    wait_for(&chains, back_at);
    assert!(back_at < LENGTH - 5, "too late in the epoch to see anything");
    let status = engines[3].status();
    assert_eq!((status.epoch, status.votes), (0, false));

    // Its turns are lost until then, and each of them costs two seconds.
    wait_long_for(&chains, LENGTH + 25, Duration::from_secs(120));
    assert!(engines[3].status().votes);
    engines.into_iter().for_each(|engine| engine.stop());
    for chain in &chains {
        chain.check();
        assert!((lost_at + 1..LENGTH).all(|height| !chain.signed(height, 3)));
    }
    assert!((LENGTH..LENGTH + 25).any(|height| chains[0].signed(height, 3)));
}

#[test]
fn a_node_starts_from_a_snapshot_and_signs_when_its_turn_comes() {
    const LENGTH: u64 = 200;
    const FLOOR: u64 = 204;
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(2);
    // From epoch 3 nothing is final without the one that joins.
    let committees = Committees::from([(0, committee(&[0])), (3, committee(&[0, 1]))]);
    let old = Arc::new(chain(&committees, LENGTH, 0));
    let first = run(long_epochs(config(dir.path(), 0, &addresses), LENGTH), &old);
    wait_for(std::slice::from_ref(&old), FLOOR + 1);

    let (block, finality) = old.get(FLOOR);
    let late = Arc::new(chain(&committees, LENGTH, 0));
    late.finals.lock().unwrap().insert(FLOOR, (block.clone(), finality.clone()));
    let plain = long_epochs(config(dir.path(), 1, &addresses), LENGTH);
    let mut joining = plain.clone();
    let epoch_parent = old.get(LENGTH - 1).0.hash();
    joining.floor = Some(EngineFloor { block, certificate: finality.encoded, epoch_parent });
    let second = run(joining, &late);
    wait_for(std::slice::from_ref(&late), FLOOR + 3);
    second.stop();

    // The folder remembers what the snapshot told.
    let second = run(plain, &late);
    let both = [old, late];
    wait_for(&both, 3 * LENGTH + 10);
    first.stop();
    second.stop();
    let [old, late] = both;
    late.check();
    assert!(late.delivered.lock().unwrap().iter().all(|height| *height > FLOOR));
    assert!(old.signed(3 * LENGTH + 5, 1));
    assert_eq!(late.get(3 * LENGTH + 5).0.hash(), old.get(3 * LENGTH + 5).0.hash());
}

#[test]
fn a_snapshot_that_proves_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(2);
    let committees = Committees::from([(0, committee(&[0]))]);
    let old = Arc::new(chain(&committees, 10, 0));
    let engine = run(config(dir.path(), 0, &addresses), &old);
    wait_for(std::slice::from_ref(&old), 13);
    engine.stop();
    let (block, finality) = old.get(12);
    let good =
        EngineFloor { block, certificate: finality.encoded, epoch_parent: old.get(9).0.hash() };
    let refusal = |floor: EngineFloor, held: u64| {
        let late = chain(&committees, 10, 0);
        late.finals.lock().unwrap().insert(held, old.get(held));
        let mut config = config(dir.path(), 1, &addresses);
        config.floor = Some(floor);
        match start(config, Arc::new(Node(Arc::new(late)))) {
            Err(EngineError::Floor { reason, .. }) => reason,
            other => panic!("not refused: {:?}", other.err()),
        }
    };
    let mut other_block = good.clone();
    other_block.block = old.get(11).0;
    assert_eq!(refusal(other_block, 12), "the certificate is of another block");

    let mut forged = good.clone();
    let mut bytes = forged.certificate.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    forged.certificate = bytes.into();
    assert_eq!(refusal(forged, 12), "the signature of signer 0 is wrong");

    let mut cut = good.clone();
    cut.certificate = cut.certificate.slice(..40);
    assert_eq!(refusal(cut, 12), "the certificate is cut off");

    assert_eq!(refusal(good, 11), "the node's state is that of height 11");
}

/// Bytes of all files below `dir`.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.metadata().unwrap() {
            meta if meta.is_dir() => size(&entry.path()),
            meta => meta.len(),
        })
        .sum()
}

#[test]
fn a_node_that_keeps_a_window_stops_growing_and_may_keep_all_again() {
    const LENGTH: u64 = 260;
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(1);
    let lone = Arc::new(chain(&Committees::from([(0, committee(&[0]))]), LENGTH, 0));
    let all = long_epochs(config(dir.path(), 0, &addresses), LENGTH);
    let mut window = all.clone();
    window.keep_blocks = Some(20);
    let at = |height: u64| {
        let since = Instant::now();
        while lone.height() < height {
            assert!(since.elapsed() < Duration::from_secs(60), "stuck at {}", lone.height());
            thread::sleep(Duration::from_millis(5));
        }
        size(&window.dir)
    };
    let engine = run(window.clone(), &lone);
    let early = at(2 * LENGTH + 100);
    let later = at(4 * LENGTH + 100);
    assert!(later < early + early / 10, "it grew from {early} to {later} bytes");
    engine.stop();

    // It restarts, and what it has kept goes along when it changes its part in both directions.
    let mut height = lone.height();
    for config in [&window, &all, &window] {
        let engine = run(config.clone(), &lone);
        height += 30;
        at(height);
        engine.stop();
        height = lone.height();
    }
    lone.check();
}

/// Turns one bit of the largest file below `dir`, in its middle.
fn alter(dir: &Path) {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let path = files.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
}

#[test]
fn an_altered_block_is_found_by_the_check_and_by_the_engine_itself() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = free_addresses(1);
    let lone = Arc::new(chain(&Committees::from([(0, committee(&[0]))]), 40, 0));
    let config = long_epochs(config(dir.path(), 0, &addresses), 40);
    let engine = run(config.clone(), &lone);
    wait_for(std::slice::from_ref(&lone), 200);
    assert_eq!(engine.damage(), None);
    engine.stop();

    let hash = |height| {
        let finals = lone.finals.lock().unwrap();
        finals.get(&height).map(|(block, _)| block.hash())
    };
    let whole = verify_archive(&config.dir, config.max_block_bytes, &hash);
    assert_eq!(whole.damage, Vec::<String>::new());
    assert!(whole.blocks >= 200 && whole.certificates >= 190, "{whole:?}");
    // A sound archive of another chain.
    let foreign = verify_archive(&config.dir, config.max_block_bytes, &|height| {
        (height == 9).then(|| genesis().hash())
    });
    assert_eq!(foreign.damage.len(), 2, "block and certificate: {:?}", foreign.damage);

    alter(&config.dir.join("chain-blocks-values"));
    let altered = verify_archive(&config.dir, config.max_block_bytes, &hash);
    assert_eq!((altered.damage.len(), altered.blocks), (1, whole.blocks - 1), "{altered:?}");
    let engine = run(config, &lone);
    let since = Instant::now();
    while engine.damage().is_none() || engine.is_running() {
        assert!(since.elapsed() < Duration::from_secs(60), "nobody notices");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(engine.failure(), engine.damage());
    engine.stop();
}
