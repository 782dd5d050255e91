//! The walk through a trie against the library's own, and against paths made to deceive.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{
    HashBuilder, Nibbles, TrieMask,
    nodes::{BranchNode, ExtensionNode, LeafNode, RlpNode, TrieNode},
    proof::{ProofRetainer, verify_proof},
};
use proptest::prelude::*;
use tulou_proofs::{PathError, trie_value};

type Leaves = BTreeMap<[u8; 4], Vec<u8>>;

/// Root of a trie and the path to one key.
fn built(leaves: &Leaves, key: &[u8]) -> (B256, Vec<Bytes>) {
    let retainer = ProofRetainer::new(vec![Nibbles::unpack(key)]);
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    leaves.iter().for_each(|(key, value)| builder.add_leaf(Nibbles::unpack(key), value));
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    (root, nodes.into_iter().map(|(_, node)| node).collect())
}

proptest! {
    #[test]
    fn finds_what_the_library_finds(
        // Few different nibbles, so that paths share much; values long enough that no root is inline.
        keys in prop::collection::btree_set(prop::array::uniform4(prop::sample::select(vec![0u8, 1, 16, 17, 0xff])), 1..40),
        other in prop::array::uniform4(prop::sample::select(vec![0u8, 1, 16, 17, 0xff])),
    ) {
        let value = |key: &[u8; 4]| [&key[..], &[7; 33]].concat();
        let leaves: Leaves = keys.iter().map(|key| (*key, value(key))).collect();
        let first = *leaves.keys().next().unwrap();
        for key in [first, other] {
            let (root, nodes) = built(&leaves, &key);
            let found = trie_value(root, &key, &nodes).unwrap();
            prop_assert_eq!(&found, &leaves.get(&key).cloned());
            prop_assert!(verify_proof(root, Nibbles::unpack(key), found, &nodes).is_ok());
            for cut in 0..nodes.len() {
                prop_assert_eq!(trie_value(root, &key, &nodes[..cut]), Err(PathError::Short(cut)));
            }
            let more = [nodes.clone(), vec![nodes[0].clone()]].concat();
            prop_assert_eq!(trie_value(root, &key, &more), Err(PathError::Surplus));
        }
    }

    #[test]
    fn arbitrary_nodes_never_stop_the_program(
        nodes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..4),
        key in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let nodes: Vec<Bytes> = nodes.into_iter().map(Bytes::from).collect();
        let _ = trie_value(keccak256(&nodes[0]), &key, &nodes);
    }
}

fn bytes(node: &TrieNode) -> Bytes {
    let mut out = Vec::new();
    node.encode(&mut out);
    out.into()
}

#[test]
fn a_path_longer_than_any_key_is_no_path() {
    let key = B256::repeat_byte(0x11);
    let whole = Nibbles::unpack(key);
    let leaf = bytes(&TrieNode::Leaf(LeafNode::new(whole, vec![1; 40])));
    let under = |child: &Bytes| {
        let (stack, mask) = (vec![RlpNode::word_rlp(&keccak256(child))], TrieMask::new(1 << 1));
        bytes(&TrieNode::Branch(BranchNode::new(stack, mask)))
    };
    let branch = under(&leaf);
    let nodes = [branch.clone(), leaf.clone()];
    assert_eq!(trie_value(keccak256(&branch), key.as_slice(), &nodes), Ok(None));
    let long = RlpNode::word_rlp(&keccak256(&leaf));
    let extension = bytes(&TrieNode::Extension(ExtensionNode::new(whole, long)));
    let branch = under(&extension);
    let nodes = [branch.clone(), extension];
    assert_eq!(trie_value(keccak256(&branch), key.as_slice(), &nodes), Ok(None));
    // Branches for ever: more than a key has nibbles.
    let mut chain = vec![leaf];
    for _ in 0..70 {
        chain.insert(0, under(&chain[0]));
    }
    assert_eq!(trie_value(keccak256(&chain[0]), key.as_slice(), &chain), Err(PathError::TooLong));
    let nodes = chain[chain.len() - 65..].to_vec();
    let deep = trie_value(keccak256(&nodes[0]), key.as_slice(), &nodes);
    assert!(matches!(deep, Ok(None) | Err(_)), "{deep:?}");
}

#[test]
fn an_empty_trie_shows_that_nothing_is_there() {
    let root = alloy_trie::EMPTY_ROOT_HASH;
    assert_eq!(trie_value(root, &[1], &[]), Ok(None));
    assert_eq!(trie_value(root, &[1], &[Bytes::from(vec![0x80])]), Ok(None));
    assert_eq!(trie_value(root, &[1], &[Bytes::from(vec![0xc0])]), Err(PathError::Surplus));
    assert_eq!(trie_value(B256::ZERO, &[1], &[]), Err(PathError::Short(0)));
}
