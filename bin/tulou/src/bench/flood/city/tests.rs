use std::collections::BTreeSet;

use super::*;

/// A thousand events are the mix, and no kind comes in a heap.
#[test]
fn a_thousand_events_are_the_mix() {
    let events = sequence(2_000);
    for (event, share, _) in MIX {
        for thousand in events.chunks(1_000) {
            let found = thousand.iter().filter(|other| **other == event).count() as u64;
            assert_eq!(found, share, "{event:?}");
        }
        let places: Vec<usize> = (0..events.len()).filter(|&i| events[i] == event).collect();
        let gap = places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0) as u64;
        assert!(gap <= 2 * 1_000 / share + 2, "{event:?} is away for {gap} events");
    }
}

/// However many owners there are, each votes once on each motion of the community, and on no other.
#[test]
fn each_owner_votes_once_on_each_motion_of_the_community() -> Result<(), Failure> {
    for homes in [1, 7, 999, 1_000, 1_001, 2_350] {
        let voters = Voters { owners: vec![Key::test(0)?; homes], rounds: 2 };
        let ballots: BTreeSet<(usize, u64)> =
            (0..homes as u64 * 2).map(|index| voters.ballot(index)).collect();
        assert_eq!(ballots.len(), homes * 2, "{homes} owners");
        for (voter, motion) in ballots {
            assert!(voter < homes && motion <= voters.motions(), "{homes} owners");
            let house = (motion - FIRST_MOTION) % voters.communities();
            assert_eq!(voter as u64 / HOUSEHOLDS, house, "{homes} owners");
        }
    }
    Ok(())
}
