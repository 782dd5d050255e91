//! Senders of transactions that came in a block first. Under load a block overtakes the gossip that
//! brings its transactions, and to recover a sender twice would double a node's greatest cost.

use std::collections::{HashMap, VecDeque};

use alloy_primitives::{Address, B256};

/// Transactions remembered: six full blocks.
const MOST: usize = 65_536;

/// The newest senders by transaction hash.
#[derive(Debug, Default)]
pub(crate) struct Senders {
    by_hash: HashMap<B256, Address>,
    order: VecDeque<B256>,
}

impl Senders {
    pub(crate) fn get(&self, hash: &B256) -> Option<Address> {
        self.by_hash.get(hash).copied()
    }

    pub(crate) fn put(&mut self, hash: B256, sender: Address) {
        if self.by_hash.insert(hash, sender).is_some() {
            return;
        }
        self.order.push_back(hash);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_hash.remove(&oldest);
        }
    }
}
