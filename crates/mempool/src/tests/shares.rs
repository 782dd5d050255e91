//! Whose turn it is, and how much room there is for whom.

use super::*;

#[test]
fn whoever_floods_the_pool_keeps_nobody_from_a_vote() {
    let (pool, _) = pool(MempoolConfig { txs: 16, few: 2, ..config() });
    let full = |waiting| Err(Refused::PoolFull { waiting });
    // Two accounts with more than a few take three quarters, and not one place more.
    for nonce in 0..6 {
        pool.submit(send(nonce, 1)).unwrap();
        pool.submit(send(nonce, 2)).unwrap();
    }
    assert_eq!(pool.submit(send(6, 1)), full(12));
    // A call to a module makes no difference to them.
    assert_eq!(pool.submit(call(6, 1)), full(12));
    // Others go on with whatever they like, up to seven eighths.
    pool.submit(send(0, 3)).unwrap();
    pool.submit(send(0, 4)).unwrap();
    assert_eq!(pool.submit(send(0, 5)), full(14));
    // And with the ledger's own business to the end.
    pool.submit(call(0, 5)).unwrap();
    pool.submit(call(0, 6)).unwrap();
    assert_eq!(pool.submit(call(0, 7)), full(16));
    pool.verify();
}

#[test]
fn few_is_counted_before_the_transaction_that_comes() {
    // Six of eight places are taken: one with two waiting is the last of those who send few.
    let (lone, _) = pool(MempoolConfig { txs: 8, few: 2, ..config() });
    for nonce in 0..3 {
        lone.submit(send(nonce, 1)).unwrap();
    }
    for by in 2..=4 {
        lone.submit(send(0, by)).unwrap();
    }
    assert_eq!(lone.submit(send(3, 1)), Err(Refused::PoolFull { waiting: 6 }));
    lone.submit(send(1, 2)).unwrap();
    assert_eq!(lone.submit(send(2, 2)), Err(Refused::PoolFull { waiting: 7 }));
    lone.submit(call(2, 2)).unwrap();
    lone.verify();
}

#[test]
fn a_vote_does_not_stand_behind_a_flood() {
    let (pool, world) = pool(MempoolConfig { few: 2, ..config() });
    let order = |pool: &Mempool| -> Vec<u8> {
        let known: Vec<_> = (1..9).map(|by| (key(by).address(), by)).collect();
        let by = |sender| known.iter().find(|(account, _)| *account == sender).unwrap().1;
        nonces(pool).into_iter().map(|(sender, _)| by(sender)).collect()
    };
    for by in 1..=3 {
        pool.submit(send(0, by)).unwrap();
    }
    // Three of the everyday go before one of the flood, each lane in the order of arrival.
    for by in 4..=8 {
        pool.submit(call(0, by)).unwrap();
    }
    assert_eq!(order(&pool), [4, 5, 6, 1, 7, 8, 2, 3]);
    // With three waiting an account is no longer one that sends few; it keeps its place in time.
    pool.submit(call(1, 4)).unwrap();
    assert_eq!(order(&pool)[..4], [4, 5, 6, 1]);
    pool.submit(call(2, 4)).unwrap();
    assert_eq!(order(&pool)[..8], [5, 6, 7, 1, 8, 2, 3, 4]);
    pool.verify();
    // Whoever was served goes to the back, of the lane where what comes next belongs.
    for by in [4, 5] {
        world.set(key(by).address(), 1, 0);
    }
    pool.on_final(&block(1, &[call(0, 4), call(0, 5)]));
    pool.submit(call(1, 5)).unwrap();
    assert_eq!(order(&pool)[..7], [6, 7, 8, 1, 4, 5, 2]);
    pool.verify();
}

#[test]
fn what_would_wait_too_long_is_refused_but_not_a_vote() {
    let limits = MempoolConfig { wait_ms: 2_000, always: 2, ..config() };
    assert_eq!(limits.timely(None), usize::MAX);
    assert_eq!(limits.timely(Some(0.5)), 2);
    assert_eq!(limits.timely(Some(1.5)), 3);
    let (pool, _) = pool(MempoolConfig { wait_ms: 0, ..limits });
    // Nothing is known of the rate: all of the pool is open.
    for by in 1..=4 {
        pool.submit(send(0, by)).unwrap();
    }
    pool.on_final(&block(1, &[send(0, 1)]));
    pool.submit(send(0, 5)).unwrap();
    // The second block tells a rate, and three wait where two may.
    pool.on_final(&block(2, &[send(0, 2)]));
    let full = |waiting| Err(Refused::PoolFull { waiting });
    assert_eq!(pool.submit(send(0, 6)), full(3));
    // What waits for an earlier nonce keeps nobody waiting.
    pool.submit(call(0, 6)).unwrap();
    pool.on_final(&block(3, &[send(0, 3), send(0, 4), send(0, 5)]));
    pool.submit(send(0, 7)).unwrap();
    assert_eq!(pool.submit(send(0, 8)), full(2));
    pool.verify();
}

#[test]
fn the_pace_is_that_of_the_last_seconds_with_work() {
    use std::time::{Duration, Instant};
    let (mut pace, begun) = (crate::pace::Pace::default(), Instant::now());
    let at = |ms| begun + Duration::from_millis(ms);
    assert_eq!(pace.per_s(), None);
    // A first block after nothing tells nothing: how long it was waited for is not known.
    pace.took(1_000, at(0), true);
    assert_eq!(pace.per_s(), None);
    pace.took(100, at(100), true);
    assert!((pace.per_s().unwrap() - 1_000.0).abs() < 1e-6);
    pace.took(100, at(200), false);
    let busy = pace.per_s().unwrap();
    // An hour in which nothing waits changes nothing.
    pace.took(5, at(3_600_000), true);
    assert_eq!(pace.per_s(), Some(busy));
    // Ten seconds at half the rate count for nearly everything.
    for block in 1..=100 {
        pace.took(50, at(3_600_000 + block * 100), true);
    }
    assert!((pace.per_s().unwrap() - 500.0).abs() < 1.0);
}
