use alloy_primitives::B256;
use tulou_ledger::LedgerConfig;
use tulou_primitives::{Genesis, GenesisMember};

use super::*;

fn status(ledger: &Ledger) -> Status {
    let head = ledger.head();
    Status {
        protocol: PROTOCOL,
        program: "tulou/test".into(),
        release: RELEASE,
        height: head.height,
        hash: head.hash,
        clock_ms: 10_000,
    }
}

fn ledger(dir: &std::path::Path) -> Ledger {
    let genesis = Genesis {
        chain_id: 1,
        gas_limit: 1_000_000,
        epoch_length: 10,
        heartbeat_ms: 100,
        release: 1,
        members: vec![GenesisMember::lone(tulou_consensus::public_key([1; 32]))],
        packs: vec!["cn".into()],
        ..Default::default()
    };
    let changes = tulou_evm::genesis_changes(&genesis).unwrap();
    let block = tulou_evm::genesis_block(&genesis, Ledger::genesis_root(&changes));
    Ledger::open(dir, &block, changes, LedgerConfig::default()).unwrap()
}

#[test]
fn another_block_at_a_known_height_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let (peers, key) = (Peers::default(), B256::repeat_byte(1));
    let good = status(&ledger);
    assert_eq!(peers.heard(key, good.clone(), 9_500, &ledger, 1), None);
    let seen = peers.get(&key).unwrap();
    assert!(seen.is_here() && !seen.differs);
    assert_eq!((seen.clock_offset_ms, seen.heard_ms), (500, 9_500));
    let other = Status { hash: B256::repeat_byte(9), ..good.clone() };
    peers.heard(key, other.clone(), 9_500, &ledger, 1);
    assert!(peers.get(&key).unwrap().differs);
    // Of a height that we do not know nothing can be said.
    let ahead = Status { height: 7, ..other };
    peers.heard(key, ahead, 9_500, &ledger, 1);
    assert!(!peers.get(&key).unwrap().differs);
    peers.keep(|kept| *kept != key);
    assert!(peers.get(&key).is_none());
}

#[test]
fn other_protocols_and_old_releases_are_refused_in_words_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let peers = Peers::default();
    let (one, two, three) = (B256::repeat_byte(1), B256::repeat_byte(2), B256::repeat_byte(3));
    let other = Status { protocol: PROTOCOL + 1, ..status(&ledger) };
    let reason = peers.heard(one, other.clone(), 0, &ledger, 1).unwrap();
    assert!(reason.contains("speaks protocol 2") && reason.contains("install the same"), "{reason}");
    assert!(peers.is_refused(&one));
    assert_eq!(peers.heard(one, other, 0, &ledger, 1), None, "said once");
    let reason = peers.heard(two, status(&ledger), 0, &ledger, RELEASE + 1).unwrap();
    assert!(reason.contains("the ledger is at 2") && reason.contains("upgrade"), "{reason}");
    // A newer program than the ledger needs is welcome.
    let newer = Status { release: RELEASE + 5, ..status(&ledger) };
    assert_eq!(peers.heard(three, newer, 0, &ledger, RELEASE), None);
    assert!(!peers.is_refused(&three));
}
