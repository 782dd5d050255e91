//! Certificates: what proves finality, what does not, and what is no certificate at all.

mod support;

use std::sync::{Arc, OnceLock};

use alloy_primitives::B256;
use proptest::prelude::*;
use support::{Chain, Committees, chain_namespace, config, free_addresses, genesis, run, seed};
use tulou_consensus::{
    Finality, FinalityDecodeError, FinalityError, namespace, public_key, quorum,
};

/// A certificate made by real validators, and their keys.
fn sample() -> &'static (Finality, Vec<B256>) {
    static SAMPLE: OnceLock<(Finality, Vec<B256>)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let addresses = free_addresses(4);
        let validators: Vec<_> = (0..4).map(|i| public_key(seed(i))).collect();
        let committees = Committees::from([(0, validators.clone())]);
        let chains: Vec<_> = (0..4).map(|_| Arc::new(Chain::new(committees.clone()))).collect();
        let engines: Vec<_> =
            (0..4u8).map(|i| run(config(dir.path(), i, &addresses), &chains[i as usize])).collect();
        support::wait_for(&chains[..1], 3);
        engines.into_iter().for_each(|engine| engine.stop());
        (chains[0].get(3).1, validators)
    })
}

#[test]
fn a_certificate_proves_its_block_and_nothing_else() {
    let (good, validators) = sample();
    let space = chain_namespace();
    assert_eq!(good.verify(&space, validators), Ok(()));
    assert!(good.signers.len() >= 3);

    let mut backwards = validators.clone();
    backwards.reverse();
    assert_eq!(good.verify(&space, &backwards), Ok(()), "the order of the keys does not matter");

    let first = good.signers[0];
    let wrong = Err(FinalityError::BadSignature(first));
    assert_eq!(good.verify(&namespace(1, genesis().hash()), validators), wrong, "another chain id");
    assert_eq!(good.verify(&namespace(7755, B256::ZERO), validators), wrong, "another genesis");

    let mut other = good.clone();
    other.digest = B256::repeat_byte(7);
    assert_eq!(other.verify(&space, validators), wrong);
    let mut other = good.clone();
    other.view += 1;
    assert_eq!(other.verify(&space, validators), wrong);
    let mut other = good.clone();
    other.signatures[0][40] ^= 1;
    assert_eq!(other.verify(&space, validators), wrong);
}

#[test]
fn signers_are_counted_once_and_must_be_a_quorum() {
    let (good, validators) = sample();
    let space = chain_namespace();

    let mut few = good.clone();
    few.signers.truncate(2);
    few.signatures.truncate(2);
    let expected = FinalityError::NoQuorum { signatures: 2, quorum: 3 };
    assert_eq!(few.verify(&space, validators), Err(expected));

    let mut twice = good.clone();
    twice.signers[1] = twice.signers[0];
    twice.signatures[1] = twice.signatures[0];
    let expected = FinalityError::RepeatedSigner(good.signers[0]);
    assert_eq!(twice.verify(&space, validators), Err(expected));

    let mut stranger = good.clone();
    stranger.signers[2] = 4;
    assert_eq!(stranger.verify(&space, validators), Err(FinalityError::UnknownSigner(4)));

    let mut uneven = good.clone();
    uneven.signatures.pop();
    assert!(matches!(uneven.verify(&space, validators), Err(FinalityError::Count { .. })));

    assert_eq!(good.verify(&space, &[]), Err(FinalityError::Committee));
    let same = [validators.as_slice(), &validators[..1]].concat();
    assert_eq!(good.verify(&space, &same), Err(FinalityError::Committee));
}

#[test]
fn a_quorum_is_more_than_two_thirds() {
    let expected = [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7), (20, 14)];
    for (n, needed) in expected {
        assert_eq!(quorum(n), needed, "{n} validators");
    }
    assert_eq!(quorum(0), 0);
}

#[test]
fn the_namespace_names_chain_and_genesis() {
    let space = namespace(0x0102, B256::repeat_byte(0xab));
    assert_eq!(space.len(), 5 + 8 + 32);
    assert_eq!(&space[..13], b"TULOU\0\0\0\0\0\0\x01\x02");
    assert_eq!(&space[13..], [0xab; 32]);
}

#[test]
fn a_certificate_has_one_encoding() {
    let (good, _) = sample();
    let bytes = good.encoded.to_vec();
    assert_eq!(Finality::decode(&bytes).as_ref(), Ok(good));
    for cut in 0..bytes.len() {
        assert!(Finality::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Finality::decode(&longer), Err(FinalityDecodeError::Trailing(1)));

    // Epoch 0 in two bytes instead of one.
    let padded = [&[0x80, 0x00], &bytes[1..]].concat();
    assert_eq!(Finality::decode(&padded), Err(FinalityDecodeError::Varint));
    // A bit beyond the committee of four: epoch, view, parent view, digest, length come before.
    let bitmap = bytes.len() - good.signatures.len() * 64 - 2;
    let mut beyond = bytes.clone();
    beyond[bitmap] |= 0x10;
    assert_eq!(Finality::decode(&beyond), Err(FinalityDecodeError::Signers));
    let mut huge = bytes.clone();
    huge[bitmap - 8] = 0xff;
    assert_eq!(Finality::decode(&huge), Err(FinalityDecodeError::Signers));
    let mut fewer = bytes;
    fewer[bitmap + 1] -= 1;
    assert!(matches!(Finality::decode(&fewer), Err(FinalityDecodeError::Count { .. })));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(finality) = Finality::decode(&bytes) {
            prop_assert_eq!(&finality.encoded[..], &bytes[..]);
        }
    }

    #[test]
    fn what_decodes_is_the_only_encoding(
        epoch in any::<u64>(),
        view in any::<u64>(),
        parent in any::<u64>(),
        bits in any::<u16>(),
        fill in any::<u8>(),
    ) {
        let mut bytes = Vec::new();
        for mut number in [epoch, view, parent] {
            while number >= 0x80 {
                bytes.push(number as u8 | 0x80);
                number >>= 7;
            }
            bytes.push(number as u8);
        }
        bytes.extend([fill; 32]);
        bytes.extend(16u64.to_be_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.push(bits.count_ones() as u8);
        bytes.resize(bytes.len() + bits.count_ones() as usize * 64, fill);
        let finality = Finality::decode(&bytes).unwrap();
        prop_assert_eq!((finality.epoch, finality.view, finality.parent_view), (epoch, view, parent));
        let expected: Vec<u32> = (0..16).filter(|place| bits >> place & 1 == 1).collect();
        prop_assert_eq!(finality.signers, expected);
    }
}
