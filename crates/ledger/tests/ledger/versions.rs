use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, proof::verify_proof};
use tulou_ledger::{AccountProof, LedgerConfig, LedgerError, Version};
use tulou_primitives::StateReader;

use crate::chain::{changes, code, contract, extend, genesis, grow, open, person};

/// Checks a proof as a stranger would: with the root and a library.
fn verify(root: B256, proof: &AccountProof) {
    let leaf = proof.state.map(|state| {
        let root = proof.storage_root;
        alloy_rlp::encode(TrieAccount::new(state.nonce, state.balance, root, state.code_hash))
    });
    let key = Nibbles::unpack(keccak256(proof.address));
    verify_proof(root, key, leaf, &proof.account_proof).unwrap();
    for slot in &proof.storage {
        let key = Nibbles::unpack(keccak256(slot.key.to_be_bytes::<32>()));
        let leaf = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        verify_proof(proof.storage_root, key, leaf, &slot.proof).unwrap();
    }
}

pub(crate) fn check(version: &Version) {
    assert_eq!(version.root(), version.header().state_root);
    let slots: Vec<_> = (0..30).map(U256::from).collect();
    for address in (0..20).map(person).chain((0..5).map(contract)).chain([Address::ZERO]) {
        let proof = version.proof(address, &slots);
        verify(version.root(), &proof);
        assert_eq!(proof.state, version.account(address).unwrap());
        for slot in &proof.storage {
            assert_eq!(slot.value, version.storage(address, slot.key).unwrap());
        }
    }
}

#[test]
fn rivals_stand_on_one_parent_and_only_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let base = ledger.latest();
    let [left, right] = [1, 2].map(|seed| grow(&ledger, base.block_hash(), seed));
    let left_child = grow(&ledger, left.hash(), 3);
    let right_child = grow(&ledger, right.hash(), 4);
    let grandchild = grow(&ledger, right_child.hash(), 5);
    for hash in [left.hash(), right.hash(), left_child.hash(), grandchild.hash()] {
        check(&ledger.version(hash).unwrap());
    }
    check(&base);

    let mut heads = ledger.subscribe();
    let kept = ledger.version(left_child.hash()).unwrap();
    let head = ledger.finalize(right.hash()).unwrap();
    assert_eq!((head.height, head.hash), (1, right.hash()));
    assert_eq!(*heads.borrow_and_update(), head);
    assert!(!ledger.is_held(left.hash()) && !ledger.is_held(left_child.hash()));
    assert!(ledger.is_held(right_child.hash()) && ledger.is_held(grandchild.hash()));
    check(&kept);

    ledger.finalize(right_child.hash()).unwrap();
    ledger.finalize(grandchild.hash()).unwrap();
    assert_eq!(ledger.head().height, 3);
    assert_eq!(ledger.version_at(0).unwrap().root(), base.root());
}

#[test]
fn finalize_refuses_in_order_and_repeats_without_harm() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let genesis = ledger.head();
    let first = grow(&ledger, genesis.hash, 0);
    let second = grow(&ledger, first.hash(), 0);
    assert!(matches!(ledger.finalize(B256::ZERO), Err(LedgerError::UnknownBlock(B256::ZERO))));
    assert!(matches!(ledger.finalize(second.hash()), Err(LedgerError::NotNext { .. })));
    assert_eq!(ledger.head(), genesis);

    // A header that carries another root than its execution gave is caught before the disk.
    let speculation = ledger.propose_root(genesis.hash, &changes(1, 9)).unwrap();
    let mut header = first.header().clone();
    header.extra_data = "other".into();
    let wrong = tulou_primitives::Block::new(header, vec![]);
    ledger.hold(wrong.clone(), vec![], speculation);
    assert!(matches!(ledger.finalize(wrong.hash()), Err(LedgerError::RootMismatch { .. })));

    ledger.finalize(first.hash()).unwrap();
    let head = ledger.finalize(second.hash()).unwrap();
    assert_eq!(ledger.finalize(first.hash()).unwrap(), head);
    assert_eq!(ledger.finalize(genesis.hash).unwrap(), head);
    assert!(ledger.propose_root(B256::ZERO, &changes(1, 0)).is_err());
}

#[test]
fn hashes_and_code_are_read_along_the_branch() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    extend(&ledger, 5);
    let mut hashes: Vec<_> =
        (0..=5).map(|height| ledger.block(height).unwrap().unwrap().hash()).collect();
    for seed in 1..4 {
        let parent = hashes[hashes.len() - 1];
        hashes.push(grow(&ledger, parent, seed).hash());
    }
    let tip = ledger.version(hashes[8]).unwrap();
    for (height, hash) in (0..).zip(&hashes) {
        assert_eq!(StateReader::block_hash(&tip, height).unwrap(), *hash);
        assert_eq!(tip.code(keccak256(code(height % 7))).unwrap(), code(height % 7));
    }
    assert_eq!(StateReader::block_hash(&tip, 9).unwrap(), B256::ZERO);
    assert!(tip.code(B256::repeat_byte(1)).is_err());
    assert!(tip.code(alloy_primitives::KECCAK256_EMPTY).unwrap().is_empty());
}

#[test]
fn the_last_versions_stay_and_come_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (block, state) = genesis();
    let config = LedgerConfig { retained_versions: 8, ..Default::default() };
    let open = || tulou_ledger::Ledger::open(dir.path(), &block, state.clone(), config).unwrap();
    let ledger = open();
    extend(&ledger, 20);
    let roots = |ledger: &tulou_ledger::Ledger| -> Vec<_> {
        (0..=21).map(|height| ledger.version_at(height).map(|version| version.root())).collect()
    };
    let before = roots(&ledger);
    assert_eq!(before.iter().flatten().count(), 8);
    assert!(before[12].is_none() && before[13].is_some() && before[20].is_some());
    check(&ledger.version_at(13).unwrap());
    drop(ledger);

    let ledger = open();
    assert_eq!(roots(&ledger), before);
    (13..=20).for_each(|height| check(&ledger.version_at(height).unwrap()));
}

#[test]
fn too_many_candidates_let_the_oldest_go() {
    let dir = tempfile::tempdir().unwrap();
    let (block, state) = genesis();
    let config = LedgerConfig { max_candidates: 3, ..Default::default() };
    let ledger = tulou_ledger::Ledger::open(dir.path(), &block, state, config).unwrap();
    let blocks: Vec<_> = (1..6).map(|seed| grow(&ledger, block.hash(), seed)).collect();
    let held: Vec<_> = blocks.iter().map(|block| ledger.is_held(block.hash())).collect();
    assert_eq!(held, [false, false, true, true, true]);
    grow(&ledger, block.hash(), 5);
    assert!(ledger.is_held(blocks[2].hash()), "holding twice pushes nobody out");
}

#[test]
fn an_account_without_storage_has_the_empty_root() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let proof = ledger.latest().proof(person(1), &[U256::ZERO]);
    assert_eq!(proof.storage_root, EMPTY_ROOT_HASH);
    assert!(proof.storage[0].proof.is_empty());
}

#[test]
fn people_read_and_prove_while_blocks_become_final() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let head = ledger.head();
                    let version = ledger.version(head.hash).expect("a head can be read at once");
                    assert_eq!(version.root(), head.state_root);
                    verify(version.root(), &version.proof(person(head.height), &[]));
                    assert!(ledger.block(head.height).unwrap().is_some());
                }
            });
        }
        extend(&ledger, 60);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_dropped_ledger_can_be_opened_at_once() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..30 {
        let ledger = open(dir.path());
        let head = ledger.head().hash;
        let rivals = [1, 2, 3].map(|seed| grow(&ledger, head, seed).hash());
        // The losers go to be freed just before the end.
        assert_eq!(ledger.finalize(rivals[0]).unwrap().height, round);
    }
}
