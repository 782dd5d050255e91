//! The root of leaves that come in order and are not kept. It is computed by a library, so that it also
//! checks the trie that is kept in memory.

use alloy_primitives::{B256, U256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount};
use tulou_primitives::AccountState;

/// Adds leaves up: accounts in ascending order, each followed by its slots in ascending order. Another
/// order panics.
#[derive(Default)]
pub(crate) struct RootOfLeaves {
    accounts: HashBuilder,
    storage: HashBuilder,
    has_storage: bool,
    open: Option<(B256, AccountState)>,
}

impl RootOfLeaves {
    pub(crate) fn account(&mut self, key: B256, state: AccountState) {
        self.close();
        self.open = Some((key, state));
    }

    /// Adds a slot to the account that came last.
    pub(crate) fn slot(&mut self, slot: B256, value: U256) {
        self.storage.add_leaf(Nibbles::unpack(slot), &alloy_rlp::encode(value));
        self.has_storage = true;
    }

    /// Adds the account whose slots have all come.
    fn close(&mut self) {
        let Some((key, state)) = self.open.take() else { return };
        let root = if self.has_storage { self.storage.root() } else { EMPTY_ROOT_HASH };
        self.storage = HashBuilder::default();
        self.has_storage = false;
        let leaf = TrieAccount::new(state.nonce, state.balance, root, state.code_hash);
        self.accounts.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(leaf));
    }

    pub(crate) fn root(mut self) -> B256 {
        self.close();
        self.accounts.root()
    }
}
