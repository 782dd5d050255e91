use super::*;

/// What others send is neither counted nor does a block of theirs end the search for ours.
#[test]
fn only_our_own_transactions_count() {
    let hash = B256::with_last_byte;
    let ours = HashSet::from([hash(1), hash(2)]);
    let mut seen = Seen { hashes: Vec::new(), last: 4 };
    assert_eq!(seen.take(5, &[hash(9)], &ours), 0);
    assert_eq!((seen.hashes.len(), seen.last), (0, 4));
    assert_eq!(seen.take(6, &[hash(9), hash(2), hash(1)], &ours), 2);
    assert_eq!(seen.take(7, &[hash(8)], &ours), 0);
    let hashes: Vec<B256> = seen.hashes.iter().map(|(hash, _)| *hash).collect();
    assert_eq!((hashes, seen.last), (vec![hash(2), hash(1)], 6));
}
