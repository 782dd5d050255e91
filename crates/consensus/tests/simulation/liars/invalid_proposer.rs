//! Proposes blocks that break a rule, and finds every block good.

use tulou_primitives::{Block, Header};

use super::Mischief;
use crate::ledger::{child, transactions};

/// See above.
pub(crate) struct InvalidProposer;

impl Mischief for InvalidProposer {
    fn propose(&self, parent: &Block, honest: Block) -> Block {
        match honest.height() % 3 {
            0 => {
                let timestamp = parent.header().timestamp;
                Block::new(Header { timestamp, ..honest.header().clone() }, Vec::new())
            }
            1 => {
                let twice = [transactions(&honest), vec![9_000, 9_000]].concat();
                child(parent, &twice)
            }
            _ => {
                let extra_data = vec![1, 2, 3].into();
                Block::new(Header { extra_data, ..honest.header().clone() }, Vec::new())
            }
        }
    }

    fn verdict(&self, _block: &Block, _honest: bool) -> bool {
        true
    }
}
