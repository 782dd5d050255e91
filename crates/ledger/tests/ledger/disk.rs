use alloy_primitives::{B256, Bytes, U256, keccak256};
use tulou_ledger::{Ledger, LedgerConfig, LedgerError, LogQuery, TxPlace};
use tulou_primitives::{Block, ChangeSet, Header};

use crate::chain::{contract, extend, genesis, grow, open};

#[test]
fn blocks_receipts_and_places_are_found_before_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = Vec::new();
    {
        let ledger = open(dir.path());
        for _ in 0..40 {
            let block = grow(&ledger, ledger.head().hash, 0);
            let receipts = ledger.held(block.hash()).unwrap().receipts.clone();
            ledger.finalize(block.hash()).unwrap();
            written.push((block, receipts));
        }
        ledger.put_finality(3, Bytes::from("certificate")).unwrap();
        check(&ledger, &written);
    }
    let ledger = open(dir.path());
    check(&ledger, &written);
    assert_eq!(ledger.head().height, 40);
    extend(&ledger, 1);
}

fn check(
    ledger: &Ledger,
    written: &[(Block, std::sync::Arc<Vec<tulou_primitives::ReceiptEnvelope>>)],
) {
    for (block, receipts) in written {
        let height = block.height();
        assert_eq!(ledger.header(height).unwrap().as_ref(), Some(block.header()));
        let found = ledger.block_by_hash(block.hash()).unwrap().unwrap();
        assert_eq!(found.encode(), block.encode());
        assert_eq!(ledger.receipts(height).unwrap().as_ref(), Some(receipts.as_ref()));
        for (index, tx) in (0..).zip(block.transactions()) {
            let place = ledger.transaction(tx.hash()).unwrap();
            assert_eq!(place, Some(TxPlace { height, index }));
        }
    }
    assert_eq!(ledger.finality(3).unwrap(), Some(Bytes::from("certificate")));
    assert_eq!(ledger.finality(4).unwrap(), None);
    assert!(ledger.block(1_000).unwrap().is_none());
    assert!(ledger.receipts(1_000).unwrap().is_none());
    assert!(ledger.transaction(B256::ZERO).unwrap().is_none());
}

#[test]
fn events_are_found_by_height_address_and_topic() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    extend(&ledger, 30);
    let heights = |query: LogQuery| -> Vec<u64> {
        ledger.logs(&query, 100).unwrap().iter().map(|event| event.height).collect()
    };
    let all = LogQuery { from: 0, to: u64::MAX, ..Default::default() };
    assert_eq!(heights(all.clone()), (1..=30).collect::<Vec<_>>());
    assert!(heights(LogQuery { from: 9, to: 7, ..all.clone() }).is_empty());

    let by_address = LogQuery { addresses: vec![contract(2)], ..all.clone() };
    assert_eq!(heights(by_address.clone()), [2, 7, 12, 17, 22, 27]);
    let topic = |n: u64| B256::from(U256::from(n));
    let by_topic = LogQuery { topics: vec![vec![], vec![topic(7), topic(8)]], ..all.clone() };
    assert_eq!(heights(by_topic.clone()), [7, 8]);
    assert_eq!(heights(LogQuery { addresses: vec![contract(2)], ..by_topic }), [7]);
    let too_long = LogQuery { topics: vec![vec![], vec![], vec![topic(7)]], ..all.clone() };
    assert!(heights(too_long).is_empty());

    let event = &ledger.logs(&by_address, 100).unwrap()[0];
    let block = ledger.block(2).unwrap().unwrap();
    assert_eq!(event.block_hash, block.hash());
    assert_eq!((event.tx_index, event.log_index), (1, 0));
    assert_eq!(event.tx_hash, block.transactions()[1].hash());
    assert_eq!(event.timestamp, block.header().timestamp);
    assert_eq!(event.log.topics()[0], keccak256("Paid(uint256)"));
    assert!(matches!(ledger.logs(&all, 29), Err(LedgerError::TooManyEvents { limit: 29 })));
}

#[test]
fn a_folder_belongs_to_one_genesis_and_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let (block, changes) = genesis();
    let config = LedgerConfig::default();
    let again = Ledger::open(dir.path(), &block, changes.clone(), config);
    assert!(matches!(again, Err(LedgerError::InUse(_))));
    drop(ledger);

    let mut header = block.header().clone();
    header.timestamp += 1;
    let other = Block::new(header, vec![]);
    let opened = Ledger::open(dir.path(), &other, changes, config);
    assert!(matches!(opened, Err(LedgerError::OtherGenesis { .. })));
}

#[test]
fn a_genesis_block_carries_the_root_of_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let header = Header { state_root: B256::repeat_byte(1), ..Default::default() };
    let block = Block::new(header, vec![]);
    let opened = Ledger::open(dir.path(), &block, ChangeSet::default(), LedgerConfig::default());
    assert!(matches!(opened, Err(LedgerError::RootMismatch { height: 0, .. })));
}

/// Changes one record behind the ledger's back.
fn tamper(dir: &std::path::Path, table: u8, change: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let database = fjall::Database::builder(dir.join("store")).open().unwrap();
    let keyspace = database.keyspace("ledger", Default::default).unwrap();
    let (key, value) = keyspace.prefix([table]).next_back().unwrap().into_inner().unwrap();
    match change(&value) {
        Some(value) => keyspace.insert(key, value).unwrap(),
        None => keyspace.remove(key).unwrap(),
    }
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

#[test]
fn damage_is_named_and_never_served() {
    let flip = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        Some(bytes)
    };
    let cut = |bytes: &[u8]| Some(bytes[..bytes.len() - 1].to_vec());
    let gone = |_: &[u8]| None;
    type Change<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;
    let cases: [(u8, Change<'_>, &str); 9] = [
        (b'a', &flip, "has root"),
        (b'a', &gone, "has root"),
        (b'a', &cut, "account"),
        (b's', &flip, "has root"),
        (b's', &gone, "has root"),
        (b'u', &gone, ""),
        (b'h', &gone, "header 10 in the store is damaged"),
        (b'h', &cut, "header 10 in the store is damaged"),
        (b'v', &flip, "format 3"),
    ];
    for (table, change, message) in cases {
        let dir = tempfile::tempdir().unwrap();
        extend(&open(dir.path()), 10);
        tamper(dir.path(), table, change);
        let (block, changes) = genesis();
        let opened = Ledger::open(dir.path(), &block, changes, LedgerConfig::default());
        match opened.err().map(|error| error.to_string()) {
            // Without an undo record there is less history, and nothing else is lost.
            None => assert_eq!(table, b'u'),
            Some(error) => assert!(error.contains(message), "{error}"),
        }
    }
}
