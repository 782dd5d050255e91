//! Reading the whole state.

use std::ops::ControlFlow;

use alloy_primitives::{B256, U256};
use alloy_rlp::Decodable;
use fjall::{Readable, Snapshot};
use tulou_primitives::AccountState;

use super::{
    HeadRecord, Store,
    keys::{self, hash_in},
};
use crate::{
    change::{Delta, Deltas, Leaf, decode_account},
    error::LedgerError,
    trie::{Account, Link, apply, in_pool},
};

/// Leaves that are read before they are built into the trie.
const CHUNK: usize = 1 << 16;

/// All leaves as of one moment, whatever is written meanwhile. While it lives, the disk keeps what it
/// shows.
pub(crate) struct Leaves<'a> {
    store: &'a Store,
    view: Snapshot,
}

impl Store {
    pub(crate) fn leaves(&self) -> Leaves<'_> {
        Leaves { store: self, view: self.database.snapshot() }
    }

    /// Builds the trie from the leaves of the last block.
    pub(crate) fn load_state(&self) -> Result<Option<Link<Account>>, LedgerError> {
        let mut loader = Loader::default();
        let _all = self.leaves().walk(&mut |leaf| {
            match leaf {
                Leaf::Account(key, Some(state)) => loader.account(key, state),
                Leaf::Account(_, None) => {}
                Leaf::Slot(_, slot, value) => loader.slot(slot, value),
            }
            ControlFlow::<()>::Continue(())
        })?;
        Ok(loader.finish())
    }
}

impl Leaves<'_> {
    /// The block after which the leaves stand.
    pub(crate) fn head(&self) -> Result<HeadRecord, LedgerError> {
        let bytes = self.view.get(&self.store.keyspace, [keys::HEAD])?;
        let bytes = bytes.ok_or_else(|| LedgerError::damaged("the head", "missing"))?;
        HeadRecord::decode(&mut bytes.as_ref())
            .map_err(|error| LedgerError::damaged("the head", error))
    }

    /// Visits all leaves in the order of keys, each account before its slots, until told to stop.
    pub(crate) fn walk<B>(
        &self,
        visit: &mut impl FnMut(Leaf) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, LedgerError> {
        let mut slots = self.view.prefix(&self.store.keyspace, [keys::SLOT]);
        let mut slot = next_slot(&mut slots)?;
        for item in self.view.prefix(&self.store.keyspace, [keys::ACCOUNT]) {
            let (key, value) = item.into_inner()?;
            let owner = hash_in(&key, 1)?;
            let account = decode_account(&value)
                .map_err(|error| LedgerError::damaged(format!("account {owner}"), error))?;
            if let ControlFlow::Break(why) = visit(Leaf::Account(owner, Some(account))) {
                return Ok(ControlFlow::Break(why));
            }
            while let Some((_, key, value)) = slot.filter(|(of, ..)| *of == owner) {
                if let ControlFlow::Break(why) = visit(Leaf::Slot(owner, key, value)) {
                    return Ok(ControlFlow::Break(why));
                }
                slot = next_slot(&mut slots)?;
            }
        }
        match slot {
            None => Ok(ControlFlow::Continue(())),
            Some((owner, ..)) => {
                Err(LedgerError::damaged(format!("storage of {owner}"), "it has no account"))
            }
        }
    }
}

/// Collects leaves in the order of keys and adds them to the trie a chunk at a time.
#[derive(Default)]
struct Loader {
    state: Option<Link<Account>>,
    chunk: Deltas,
    leaves: usize,
}

impl Loader {
    fn account(&mut self, key: B256, state: AccountState) {
        if self.leaves >= CHUNK {
            self.build();
        }
        self.chunk.push((key, Delta { state: Some(state), ..Default::default() }));
        self.leaves += 1;
    }

    /// Adds a slot to the account that came last.
    fn slot(&mut self, slot: B256, value: U256) {
        if self.leaves >= CHUNK
            && let Some((owner, state)) = self.last()
        {
            self.account(owner, state);
        }
        if let Some((_, delta)) = self.chunk.last_mut() {
            delta.storage.push((slot, value));
            self.leaves += 1;
        }
    }

    /// The trie of all that was added.
    fn finish(mut self) -> Option<Link<Account>> {
        self.build();
        self.state
    }

    /// The account that came last.
    fn last(&self) -> Option<(B256, AccountState)> {
        let (key, delta) = self.chunk.last()?;
        Some((*key, delta.state?))
    }

    fn build(&mut self) {
        self.state = in_pool(self.leaves, || apply(self.state.as_ref(), &self.chunk, 0));
        self.chunk.clear();
        self.leaves = 0;
    }
}

/// Owner, key and value of the next slot.
fn next_slot(slots: &mut fjall::Iter) -> Result<Option<(B256, B256, U256)>, LedgerError> {
    let Some(item) = slots.next() else { return Ok(None) };
    let (key, value) = item.into_inner()?;
    let value = U256::try_from_be_slice(&value)
        .ok_or_else(|| LedgerError::damaged("a slot", "longer than 32 bytes"))?;
    Ok(Some((hash_in(&key, 1)?, hash_in(&key, 33)?, value)))
}
