//! Many who listen, and some who pretend to.

use tulou_testing::{Crowd, Ears, wait_until};

use super::{PATIENCE, Server, floods};

/// Clients of the crowd, where the system allows so many open files.
const CROWD: usize = 10_000;

#[test]
fn ten_thousand_people_follow_and_all_hear() {
    let server = Server::start();
    server.serves_a_resident();
    let count = CROWD.min(Crowd::most());
    if count < CROWD {
        println!("this system lets a process have {count} connections only");
    }
    let before = server.rss_mib();
    let crowd = Crowd::gather(server.url(), count, "newHeads", Ears::Open)
        .unwrap_or_else(|e| panic!("{e}"));
    let each = server.rss_mib().saturating_sub(before) * 1024 / count.max(1) as u64;
    println!("{count} followers: {each} KiB of the node's memory each");
    // Everyone has heard that the subscription stands, and then hears of the resident's block.
    assert!(wait_until(PATIENCE, || crowd.heard() >= count).is_some(), "{} heard", crowd.heard());
    let heard = crowd.heard();
    server.serves_a_resident();
    let all = wait_until(PATIENCE, || crowd.heard() >= heard + count);
    assert!(all.is_some(), "{} of {count} heard of the block", crowd.heard() - heard);
    assert_eq!(crowd.open(), count, "somebody was cut off");
    drop(crowd);
    let gone = wait_until(PATIENCE, || server.figure("tulou_connections ") < 10.0);
    assert!(gone.is_some(), "{} connections are still held", server.figure("tulou_connections "));
    server.serves_a_resident();
}

#[test]
fn who_follows_and_never_reads_is_cut_off_and_others_miss_nothing() {
    let server = Server::start();
    server.serves_a_resident();
    let topic = "newPendingTransactions";
    let gather =
        |ears| Crowd::gather(server.url(), 10, topic, ears).unwrap_or_else(|e| panic!("{e}"));
    let (deaf, awake) = (gather(Ears::Shut), gather(Ears::Open));
    assert!(wait_until(PATIENCE, || awake.heard() >= 10).is_some(), "not subscribed");
    // More than the kernel holds for one who does not read: 48 whole transactions of 240 KB in JSON.
    let heavy = floods::heavy_transactions(&server, 48, 120_000);
    let answers = floods::send(&server, &heavy, 8);
    assert_eq!(answers.refused, Vec::<String>::new());
    assert!(wait_until(PATIENCE, || deaf.open() == 0).is_some(), "{} deaf stand", deaf.open());
    assert!(server.figure("tulou_connections_refused_total{reason=\"stalled\"}") >= 10.0);
    let all = wait_until(PATIENCE, || awake.heard() >= 10 + 10 * heavy.len());
    assert!(all.is_some(), "{} of {} messages", awake.heard(), 10 + 10 * heavy.len());
    assert_eq!(awake.open(), 10);
    server.serves_a_resident();
}
