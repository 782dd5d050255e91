//! Blocks from other validators.

mod support;

use std::sync::Arc;

use alloy_primitives::B256;
use support::genesis;
use tulou_consensus::{BlockError, EngineError, decode_block, start};
use tulou_primitives::{Block, Header};

const LIMIT: usize = 1 << 20;

#[test]
fn a_block_of_its_header_is_taken() {
    let block = genesis();
    let decoded = decode_block(&block.encode(), LIMIT).unwrap();
    assert_eq!(decoded.hash(), block.hash());
}

#[test]
fn a_body_of_another_header_is_refused() {
    let header = Header { transactions_root: B256::repeat_byte(1), ..Header::default() };
    let block = Block::new(header, Vec::new());
    let refused = decode_block(&block.encode(), LIMIT);
    assert!(matches!(refused, Err(BlockError::Transactions)));
}

#[test]
fn size_comes_before_form() {
    let garbage = [0xff; 32];
    let refused = decode_block(&garbage, 31);
    assert!(matches!(refused, Err(BlockError::TooLarge { size: 32, limit: 31 })));
    assert!(matches!(decode_block(&garbage, 32), Err(BlockError::Decode(_))));
}

#[test]
fn a_genesis_block_that_cannot_be_stored_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let addresses = support::free_addresses(1);
    let mut config = support::config(dir.path(), 0, &addresses);
    config.max_block_bytes = 100;
    let chain = Arc::new(support::Chain::new(support::Committees::new()));
    let refused = start(config, Arc::new(support::Node(chain)));
    assert!(matches!(refused, Err(EngineError::Config(_))));
}
