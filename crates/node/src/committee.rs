//! Who signs the blocks of an epoch. The set of an epoch is decided by the state before the epoch
//! begins and never changes after that.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use parking_lot::Mutex;
use tulou_ledger::{Ledger, Version};
use tulou_primitives::{Genesis, epoch_of};
use tulou_rpc::FinalitySource;

use crate::roster;

/// Sets kept in memory; older ones are read from the state again.
const SETS: usize = 64;

/// Knows the validators of every epoch up to the next one.
pub(crate) struct Committee {
    genesis: Arc<Genesis>,
    genesis_hash: B256,
    ledger: Ledger,
    sets: Mutex<BTreeMap<u64, Vec<B256>>>,
}

impl Committee {
    pub(crate) fn new(genesis: Arc<Genesis>, genesis_hash: B256, ledger: Ledger) -> Self {
        Self { genesis, genesis_hash, ledger, sets: Mutex::default() }
    }

    /// The validators of an epoch by a state that has decided it, in ascending order.
    pub(crate) fn of_state(&self, state: &Version, epoch: u64) -> Vec<B256> {
        roster::validators(state, &self.genesis, epoch)
    }

    /// The validators of an epoch in ascending order: the order in which certificates count them.
    pub(crate) fn sorted(&self, epoch: u64) -> Vec<B256> {
        if let Some(set) = self.sets.lock().get(&epoch) {
            return set.clone();
        }
        let version = self.ledger.latest();
        let current = epoch_of(version.height(), self.genesis.epoch_length);
        let set = self.of_state(&version, epoch);
        // What is further ahead may still change.
        if epoch <= current + 1 {
            let mut sets = self.sets.lock();
            if sets.len() >= SETS {
                sets.pop_first();
            }
            sets.insert(epoch, set.clone());
        }
        set
    }
}

impl FinalitySource for Committee {
    fn namespace(&self) -> Vec<u8> {
        tulou_consensus::namespace(self.genesis.chain_id, self.genesis_hash)
    }

    fn validators(&self, height: u64) -> Vec<B256> {
        self.sorted(epoch_of(height, self.genesis.epoch_length))
    }

    fn epoch_length(&self) -> u64 {
        self.genesis.epoch_length
    }
}
