//! Changes by hashed key: what the trie applies, what the disk writes and what undoes a block.

use alloy_primitives::{B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use tulou_primitives::{AccountState, ChangeSet};

use crate::trie::{Account, Link, get, walk};

/// What happens to one account: [`tulou_primitives::AccountChange`] with hashed, sorted slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// All old storage goes first.
    pub(crate) wipe: bool,
    /// The account afterwards; `None` removes it with its storage. Never empty (EIP-161) on a ledger that
    /// does not keep empty accounts.
    pub(crate) state: Option<AccountState>,
    /// Slots by hashed key, sorted; zero removes.
    pub(crate) storage: Vec<(B256, U256)>,
}

/// Changes of a block by hashed address, sorted.
pub(crate) type Deltas = Vec<(B256, Delta)>;

/// Hashes and sorts the keys of a change set. Empty accounts are none (EIP-161), unless they are kept.
pub(crate) fn hash_keys(changes: &ChangeSet, keep_empty: bool) -> Deltas {
    let mut deltas: Deltas = changes
        .accounts
        .iter()
        .map(|(address, change)| {
            let state = change.state.filter(|state| keep_empty || !state.is_empty());
            let mut storage: Vec<_> = change
                .storage
                .iter()
                .filter(|_| state.is_some())
                .map(|(slot, value)| (hash_slot(slot), *value))
                .collect();
            storage.sort_unstable_by_key(|(key, _)| *key);
            (keccak256(address), Delta { wipe: change.wipe, state, storage })
        })
        .collect();
    deltas.sort_unstable_by_key(|(key, _)| *key);
    deltas
}

/// Key of a slot in a storage trie.
pub(crate) fn hash_slot(slot: &U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

/// About the number of leaves that change: what decides whether threads are worth it.
pub(crate) fn weight(deltas: &[(B256, Delta)]) -> usize {
    deltas.iter().map(|(_, delta)| 1 + delta.storage.len()).sum()
}

/// One record of the flat state that differs after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// An account without its storage; `None` where it went.
    Account(B256, Option<AccountState>),
    /// A slot of an account; zero where it went.
    Slot(B256, B256, U256),
}

/// What `deltas` really change on `parent`: the records to write, and the deltas that lead back.
pub(crate) fn diff(
    parent: Option<&Link<Account>>,
    deltas: &[(B256, Delta)],
) -> (Vec<Leaf>, Deltas) {
    let mut leaves = Vec::with_capacity(weight(deltas));
    let mut undo = Vec::with_capacity(deltas.len());
    for (key, delta) in deltas {
        let old = get(parent, key);
        let before = old.map(Account::state);
        let count = leaves.len();
        if before != delta.state {
            leaves.push(Leaf::Account(*key, delta.state));
        }
        let back = diff_storage(key, old, delta, &mut leaves);
        if leaves.len() > count {
            undo.push((*key, Delta { wipe: false, state: before, storage: back }));
        }
    }
    (leaves, undo)
}

/// Appends the slots that differ and returns their old values, sorted.
fn diff_storage(
    key: &B256,
    old: Option<&Account>,
    delta: &Delta,
    leaves: &mut Vec<Leaf>,
) -> Vec<(B256, U256)> {
    let storage = old.and_then(Account::storage);
    let mut back = Vec::new();
    if delta.wipe || delta.state.is_none() {
        walk(storage, &mut |slot, value| {
            if delta.storage.binary_search_by_key(slot, |(key, _)| *key).is_err() {
                leaves.push(Leaf::Slot(*key, *slot, U256::ZERO));
                back.push((*slot, value.0));
            }
        });
    }
    for (slot, value) in &delta.storage {
        let before = get(storage, slot).map_or(U256::ZERO, |value| value.0);
        if before != *value {
            leaves.push(Leaf::Slot(*key, *slot, *value));
            back.push((*slot, before));
        }
    }
    back.sort_unstable_by_key(|(slot, _)| *slot);
    back
}

/// [`AccountState`] on disk: two items for a person, three for a contract.
#[derive(RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
struct AccountRecord {
    nonce: u64,
    balance: U256,
    code_hash: Option<B256>,
}

/// Bytes of an account in the store.
pub(crate) fn encode_account(state: &AccountState) -> Vec<u8> {
    let code_hash = Some(state.code_hash).filter(|hash| *hash != KECCAK256_EMPTY);
    alloy_rlp::encode(AccountRecord { nonce: state.nonce, balance: state.balance, code_hash })
}

/// What [`encode_account`] wrote.
pub(crate) fn decode_account(mut bytes: &[u8]) -> alloy_rlp::Result<AccountState> {
    let record = AccountRecord::decode(&mut bytes)?;
    Ok(AccountState {
        nonce: record.nonce,
        balance: record.balance,
        code_hash: record.code_hash.unwrap_or(KECCAK256_EMPTY),
    })
}

#[derive(RlpEncodable, RlpDecodable)]
struct SlotRecord {
    key: B256,
    value: U256,
}

#[derive(RlpEncodable, RlpDecodable)]
struct DeltaRecord {
    key: B256,
    /// Empty where there was no account.
    state: alloy_primitives::Bytes,
    storage: Vec<SlotRecord>,
}

/// Bytes of an undo record. `wipe` is not kept: the way back never needs it.
pub(crate) fn encode_undo(undo: &[(B256, Delta)]) -> Vec<u8> {
    let records: Vec<_> = undo
        .iter()
        .map(|(key, delta)| DeltaRecord {
            key: *key,
            state: delta.state.as_ref().map(encode_account).unwrap_or_default().into(),
            storage: delta
                .storage
                .iter()
                .map(|(key, value)| SlotRecord { key: *key, value: *value })
                .collect(),
        })
        .collect();
    let mut out = Vec::with_capacity(records.length());
    records.encode(&mut out);
    out
}

/// What [`encode_undo`] wrote.
pub(crate) fn decode_undo(mut bytes: &[u8]) -> alloy_rlp::Result<Deltas> {
    Vec::<DeltaRecord>::decode(&mut bytes)?
        .into_iter()
        .map(|record| {
            let state = match record.state.as_ref() {
                [] => None,
                bytes => Some(decode_account(bytes)?),
            };
            let storage = record.storage.into_iter().map(|slot| (slot.key, slot.value)).collect();
            Ok((record.key, Delta { wipe: false, state, storage }))
        })
        .collect()
}
