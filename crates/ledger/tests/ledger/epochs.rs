use alloy_primitives::keccak256;
use tulou_primitives::validators_hash;

use crate::chain::{EPOCH, certificate, certify, extend, grow, open, validators};

#[test]
fn the_ends_of_epochs_link_set_to_set() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    certify(&ledger, EPOCH - 2);
    assert_eq!(ledger.epoch_end(0).unwrap(), None);
    certify(&ledger, 2 * EPOCH);
    drop(ledger);
    for _ in 0..2 {
        let ledger = open(dir.path());
        for epoch in 0..2 {
            let end = ledger.epoch_end(epoch).unwrap().unwrap();
            let height = (epoch + 1) * EPOCH - 1;
            assert_eq!((end.epoch, end.header.number), (epoch, height));
            let hash = end.header.hash_slow();
            assert_eq!(end.certificate, Some(certificate(hash, height)));
            assert!(end.links.is_empty());
            assert_eq!(end.next_validators.len(), 4);
            let commitment = validators_hash(epoch + 1, &end.next_validators);
            assert_eq!(end.header.extra_data.as_ref(), commitment.as_slice());
            assert!(end.next_validators.is_sorted());
        }
        assert_eq!(ledger.epoch_end(3).unwrap(), None);
        assert_eq!(ledger.epoch_end(u64::MAX).unwrap(), None);
        assert_eq!(ledger.epoch_validators(9).unwrap(), None);
    }
}

#[test]
fn an_end_without_a_certificate_of_its_own_is_linked_to_the_block_that_has_one() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    certify(&ledger, EPOCH - 2);
    // The end and the block after it become final by the certificate of the second block above.
    let end = grow(&ledger, ledger.head().hash, 0);
    let one = grow(&ledger, end.hash(), 0);
    let two = grow(&ledger, one.hash(), 0);
    let proof = certificate(two.hash(), two.height());
    ledger.put_finality(end.height(), proof.clone()).unwrap();
    ledger.finalize(end.hash()).unwrap();
    let found = ledger.epoch_end(0).unwrap().unwrap();
    assert_eq!((found.certificate, found.links.len()), (None, 0), "what it names is not here yet");
    assert!(found.next_validators.is_empty());
    for block in [&one, &two] {
        ledger.put_finality(block.height(), proof.clone()).unwrap();
        ledger.finalize(block.hash()).unwrap();
    }
    let found = ledger.epoch_end(0).unwrap().unwrap();
    assert_eq!(found.certificate, Some(proof));
    assert_eq!(found.links, [one.header().clone(), two.header().clone()]);
    // One of its own, learnt later, is better.
    let own = certificate(end.hash(), end.height());
    ledger.put_finality(end.height(), own.clone()).unwrap();
    let found = ledger.epoch_end(0).unwrap().unwrap();
    assert_eq!((found.certificate, found.links.len()), (Some(own), 0));
    ledger.put_epoch_validators(1, &validators(1)).unwrap();
    assert_eq!(ledger.epoch_end(0).unwrap().unwrap().next_validators.len(), 4);
}

#[test]
fn a_floor_is_a_block_with_a_certificate_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    assert!(ledger.floor().unwrap().is_none());
    certify(&ledger, 3);
    let floor = ledger.floor().unwrap().unwrap();
    assert_eq!(floor.block.hash(), ledger.head().hash);
    assert_eq!(floor.epoch_parent, ledger.genesis().hash());
    extend(&ledger, 1);
    assert!(ledger.floor().unwrap().is_none());
    // The end of the first epoch belongs to the first epoch.
    certify(&ledger, EPOCH - 5);
    assert_eq!(ledger.head().height, EPOCH - 1);
    assert_eq!(ledger.floor().unwrap().unwrap().epoch_parent, ledger.genesis().hash());
    let end = ledger.head().hash;
    certify(&ledger, 1);
    let floor = ledger.floor().unwrap().unwrap();
    assert_eq!(floor.epoch_parent, end);
    let header = alloy_rlp::encode(ledger.header(EPOCH - 1).unwrap().unwrap());
    assert_eq!(keccak256(header), end);
}
