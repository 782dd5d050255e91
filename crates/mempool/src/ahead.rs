//! Where accounts will stand once the blocks are final that are not yet.

use std::collections::HashMap;

use alloy_consensus::Transaction;
use alloy_primitives::Address;
use tulou_primitives::Block;

/// The next nonces of the senders in blocks that were executed and are not final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead(HashMap<Address, u64>);

impl Ahead {
    /// Counts the transactions of a block in. The order of the blocks does not matter.
    pub fn add(&mut self, block: &Block) {
        for tx in block.transactions() {
            if let Ok(sender) = tx.sender() {
                let next = self.0.entry(sender).or_default();
                *next = (*next).max(tx.envelope().nonce().saturating_add(1));
            }
        }
    }

    /// The lowest nonce that these blocks leave to an account, 0 where it sends nothing in them.
    pub(crate) fn next(&self, sender: &Address) -> u64 {
        self.0.get(sender).copied().unwrap_or(0)
    }
}
