//! Proposes good transactions with the root of another state, and finds every block good.

use alloy_primitives::keccak256;
use tulou_primitives::{Block, Header};

use super::Mischief;

/// See above.
pub(crate) struct WrongStateRoot;

impl Mischief for WrongStateRoot {
    fn propose(&self, _parent: &Block, honest: Block) -> Block {
        let state_root = keccak256(honest.header().state_root);
        Block::new(Header { state_root, ..honest.header().clone() }, Vec::new())
    }

    fn verdict(&self, _block: &Block, _honest: bool) -> bool {
        true
    }
}
