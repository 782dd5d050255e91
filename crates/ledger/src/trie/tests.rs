use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount, proof::verify_proof as verify,
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tulou_primitives::AccountState;

use super::*;
use crate::change::{Delta, Deltas, Leaf, decode_undo, diff, encode_undo};

type Slots = BTreeMap<B256, U256>;
type Model = BTreeMap<B256, (AccountState, Slots)>;

/// Keys that share up to 10 bytes with others: deep forks and long extensions.
fn account_key(n: u8) -> B256 {
    let mut key = keccak256([n]);
    let shared = [0, 1, 4, 10][usize::from(n) % 4];
    key[..shared].fill(0x77);
    key
}

/// Keys that share up to 31 bytes, so that nodes get shorter than 32 bytes and stand in their parents.
fn slot_key(n: u8) -> B256 {
    let mut key = keccak256([n, 1]);
    let shared = [0, 2, 30, 31][usize::from(n) % 4];
    key[..shared].fill(0x31);
    key
}

fn storage_root(slots: &Slots) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in slots {
        builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(value));
    }
    builder.root()
}

fn account_rlp(state: &AccountState, slots: &Slots) -> Vec<u8> {
    let root = storage_root(slots);
    alloy_rlp::encode(TrieAccount::new(state.nonce, state.balance, root, state.code_hash))
}

fn state_root(model: &Model) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, (state, slots)) in model {
        builder.add_leaf(Nibbles::unpack(key), &account_rlp(state, slots));
    }
    builder.root()
}

fn change(model: &mut Model, deltas: &Deltas) {
    for (key, delta) in deltas {
        let Some(state) = delta.state else {
            model.remove(key);
            continue;
        };
        let entry = model.entry(*key).or_default();
        entry.0 = state;
        if delta.wipe {
            entry.1.clear();
        }
        entry.1.extend(delta.storage.iter().copied());
        entry.1.retain(|_, value| !value.is_zero());
    }
}

/// What is on disk, from the records that [`diff`] says to write.
fn write(flat: &mut Model, leaves: &[Leaf]) {
    for leaf in leaves {
        match leaf {
            Leaf::Account(key, None) => {
                flat.remove(key);
            }
            Leaf::Account(key, Some(state)) => flat.entry(*key).or_default().0 = *state,
            Leaf::Slot(owner, slot, value) => {
                // The slots of an account that goes are named one by one.
                if let Some((_, slots)) = flat.get_mut(owner) {
                    slots.insert(*slot, *value);
                    slots.retain(|_, value| !value.is_zero());
                }
            }
        }
    }
}

fn check_proofs(state: Option<&Link<Account>>, model: &Model) {
    let root = root_hash(state);
    for n in 0..40 {
        let key = account_key(n);
        let value = model.get(&key);
        let leaf = value.map(|(state, slots)| account_rlp(state, slots));
        let proof = prove(state, &key);
        verify(root, Nibbles::unpack(key), leaf, &proof).unwrap();
        assert_eq!(get(state, &key).map(Account::state), value.map(|(state, _)| *state));
        let Some((_, slots)) = value else { continue };
        let storage = get(state, &key).and_then(Account::storage);
        for n in 0..24 {
            let slot = slot_key(n);
            let leaf = slots.get(&slot).map(alloy_rlp::encode);
            let proof = prove(storage, &slot);
            verify(root_hash(storage), Nibbles::unpack(slot), leaf, &proof).unwrap();
        }
    }
}

fn arb_delta() -> impl Strategy<Value = Delta> {
    let slots = prop::collection::btree_map(0u8..24, 0u8..4, 0..8);
    (0u8..10, 0u64..3, slots).prop_map(|(kind, nonce, slots)| {
        if kind < 2 {
            return Delta::default();
        }
        let code_hash = if kind < 5 { KECCAK256_EMPTY } else { B256::repeat_byte(kind) };
        let state = AccountState { nonce: nonce + 1, balance: U256::from(nonce), code_hash };
        let storage: BTreeMap<_, _> =
            slots.into_iter().map(|(n, value)| (slot_key(n), U256::from(value))).collect();
        let storage = if kind < 4 { Vec::new() } else { storage.into_iter().collect() };
        Delta { wipe: kind == 9, state: Some(state), storage }
    })
}

fn arb_batch() -> impl Strategy<Value = Deltas> {
    prop::collection::btree_map(0u8..32, arb_delta(), 0..20).prop_map(|batch| {
        let batch: BTreeMap<_, _> =
            batch.into_iter().map(|(n, delta)| (account_key(n), delta)).collect();
        batch.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rounds_of_changes_agree_with_hash_builder(
        rounds in prop::collection::vec((arb_batch(), arb_batch()), 1..12)
    ) {
        let mut model = Model::new();
        let mut flat = Model::new();
        let mut state: Option<Link<Account>> = None;
        for (batch, rival) in rounds {
            let before = root_hash(state.as_ref());
            let (leaves, undo) = diff(state.as_ref(), &batch);
            let rival = apply(state.as_ref(), &rival, 0);
            let child = apply(state.as_ref(), &batch, 0);
            prop_assert_eq!(before, state_root(&model), "the parent stays");
            drop(rival);

            change(&mut model, &batch);
            prop_assert_eq!(root_hash(child.as_ref()), state_root(&model));
            check_proofs(child.as_ref(), &model);
            write(&mut flat, &leaves);
            prop_assert_eq!(&flat, &model);

            let undo = decode_undo(&encode_undo(&undo)).unwrap();
            let back = apply(child.as_ref(), &undo, 0);
            prop_assert_eq!(root_hash(back.as_ref()), before, "undo leads back");

            let again = apply(child.as_ref(), &settled(&batch), 0);
            prop_assert_eq!(again.as_ref().map(Arc::as_ptr), child.as_ref().map(Arc::as_ptr));
            state = child;
        }
    }

    #[test]
    fn a_batch_in_pieces_gives_the_same_root(batch in arb_batch(), pieces in 1usize..6) {
        let whole = apply::<Account>(None, &batch, 0);
        let state = batch.chunks(pieces).fold(None, |state: Option<Link<Account>>, piece| {
            apply(state.as_ref(), piece, 0)
        });
        prop_assert_eq!(root_hash(whole.as_ref()), root_hash(state.as_ref()));
    }
}

/// The same batch without wipes, whose second time is no change.
fn settled(batch: &Deltas) -> Deltas {
    let keep = |(key, delta): &(B256, Delta)| (*key, Delta { wipe: false, ..delta.clone() });
    batch.iter().map(keep).collect()
}

fn person(nonce: u64) -> Delta {
    let balance = U256::from(nonce) << 60;
    Delta {
        state: Some(AccountState { nonce, balance, ..Default::default() }),
        ..Default::default()
    }
}

#[test]
fn threads_and_no_threads_agree() {
    let mut rng = StdRng::seed_from_u64(1);
    let keys: Vec<B256> = (0..5_000).map(|_| B256::new(rng.random())).collect();
    let mut rounds: Vec<Deltas> = vec![keys.iter().map(|key| (*key, person(1))).collect()];
    for nonce in 2..6 {
        let round = keys.iter().filter(|_| rng.random_bool(0.2));
        let mut round: Deltas = round
            .map(|key| (*key, if nonce == 4 { Delta::default() } else { person(nonce) }))
            .collect();
        let slots = (0..500).map(|n| (keccak256([n as u8, (n >> 8) as u8]), U256::from(n + nonce)));
        let mut contract = person(nonce);
        contract.storage = slots.collect();
        contract.storage.sort_unstable();
        round.push((B256::ZERO, contract));
        rounds.push(round);
    }
    let mut model = Model::new();
    let (mut one, mut many): (Option<Link<Account>>, Option<Link<Account>>) = (None, None);
    for mut round in rounds {
        round.sort_unstable_by_key(|(key, _)| *key);
        one = apply(one.as_ref(), &round, 0);
        many = in_pool(round.len(), || apply(many.as_ref(), &round, 0));
        change(&mut model, &round);
        assert_eq!(root_hash(one.as_ref()), state_root(&model));
        assert_eq!(root_hash(one.as_ref()), root_hash(many.as_ref()));
    }
    let mut count = 0;
    walk(many.as_ref(), &mut |_, _| count += 1);
    assert_eq!(count, model.len());
}

#[test]
fn the_smallest_tries() {
    let key = account_key(1);
    assert_eq!(root_hash::<Account>(None), EMPTY_ROOT_HASH);
    assert!(prove::<Account>(None, &key).is_empty());
    assert!(apply::<Account>(None, &[(key, Delta::default())], 0).is_none());

    let one = apply::<Account>(None, &[(key, person(1))], 0);
    assert!(apply(one.as_ref(), &[(key, Delta::default())], 0).is_none());
    assert_eq!(prove(one.as_ref(), &key).len(), 1);

    // A slot set and cleared leaves no empty storage behind.
    let slot = |value| Delta { storage: vec![(slot_key(2), U256::from(value))], ..person(1) };
    let set = apply(one.as_ref(), &[(key, slot(5))], 0);
    assert_ne!(root_hash(set.as_ref()), root_hash(one.as_ref()));
    let cleared = apply(set.as_ref(), &[(key, slot(0))], 0);
    assert_eq!(root_hash(cleared.as_ref()), root_hash(one.as_ref()));
    assert!(get(cleared.as_ref(), &key).unwrap().storage().is_none());
}

#[test]
fn short_nodes_stand_inside_their_parents() {
    // Two slots whose keys differ in the last nibble only: a branch of two tiny leaves.
    let storage = [0x10, 0x11].map(|last| {
        let mut key = B256::repeat_byte(0x31);
        key[31] = last;
        (key, U256::from(last))
    });
    let delta = Delta { storage: storage.to_vec(), ..person(1) };
    let state = apply::<Account>(None, &[(account_key(1), delta)], 0);
    let account = get(state.as_ref(), &account_key(1)).unwrap();
    let proof = prove(account.storage(), &storage[0].0);
    assert_eq!(proof.len(), 1, "the extension holds the branch, the branch its leaves");
    let root = storage_root(&storage.into());
    assert_eq!(root_hash(account.storage()), root);
    let leaf = Some(alloy_rlp::encode(storage[0].1));
    verify(root, Nibbles::unpack(storage[0].0), leaf, &proof).unwrap();
}

#[test]
fn dropping_versions_frees_them_in_any_order() {
    let base = apply::<Account>(None, &[(account_key(1), person(1))], 0).unwrap();
    let child = apply(Some(&base), &[(account_key(2), person(1))], 0).unwrap();
    let grandchild = apply(Some(&child), &[(account_key(6), person(2))], 0).unwrap();
    let watched = [&base, &child, &grandchild].map(Arc::downgrade);
    drop(child);
    assert!(get(Some(&grandchild), &account_key(2)).is_some());
    drop(base);
    drop(grandchild);
    assert!(watched.iter().all(|node| node.strong_count() == 0));
}
