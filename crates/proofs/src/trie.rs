//! The walk from a root to a value in a Merkle-Patricia trie.
//!
//! Nodes are decoded by the library that also builds tries elsewhere; the walk is ours, because the
//! library's own stops the program on a hostile path that is longer than a key.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles,
    nodes::{RlpNode, TrieNode},
};

use crate::PathError;

/// Most nodes of a path: one for each nibble of a key and one more.
const NODES_MAX: usize = 65;
/// Most bytes of a path. A receipt with all its events is one node.
const BYTES_MAX: usize = 4 << 20;
/// Longest key in bytes.
const KEY_MAX: usize = 32;

/// Where one node leads.
enum Next {
    Hash(B256),
    Inside(TrieNode),
    Value(Vec<u8>),
    Nothing,
}

/// The value at `key` in the trie with this root, `None` where the path shows that there is none. Nodes
/// come root first; those of less than 32 bytes stand inside their parents.
///
/// # Errors
/// [`PathError`], at the first node that does not fit.
pub fn trie_value(root: B256, key: &[u8], nodes: &[Bytes]) -> Result<Option<Vec<u8>>, PathError> {
    let bytes: usize = nodes.iter().map(|node| node.len()).sum();
    if nodes.len() > NODES_MAX || bytes > BYTES_MAX || key.len() > KEY_MAX {
        return Err(PathError::TooLong);
    }
    if root == EMPTY_ROOT_HASH {
        let is_empty = nodes.iter().all(|node| node[..] == [alloy_rlp::EMPTY_STRING_CODE]);
        return if is_empty && nodes.len() <= 1 { Ok(None) } else { Err(PathError::Surplus) };
    }
    let path = Nibbles::unpack(key);
    let (mut wanted, mut at) = (root, 0);
    for (index, bytes) in nodes.iter().enumerate() {
        if keccak256(bytes) != wanted {
            return Err(PathError::Mismatch(index));
        }
        let mut node = decode(bytes).ok_or(PathError::Malformed(index))?;
        let value = loop {
            match step(node, &path, &mut at).ok_or(PathError::Malformed(index))? {
                Next::Inside(inner) => node = inner,
                Next::Value(value) => break Some(Some(value)),
                Next::Nothing => break Some(None),
                Next::Hash(hash) => {
                    wanted = hash;
                    break None;
                }
            }
        };
        if let Some(value) = value {
            let is_last = index + 1 == nodes.len();
            return if is_last { Ok(value) } else { Err(PathError::Surplus) };
        }
    }
    Err(PathError::Short(nodes.len()))
}

fn decode(bytes: &[u8]) -> Option<TrieNode> {
    let mut rest = bytes;
    let node = <TrieNode as alloy_rlp::Decodable>::decode(&mut rest).ok()?;
    rest.is_empty().then_some(node)
}

/// One node further. `None` where the node can be in no trie.
fn step(node: TrieNode, path: &Nibbles, at: &mut usize) -> Option<Next> {
    match node {
        TrieNode::EmptyRoot => None,
        TrieNode::Branch(branch) => {
            let Some(nibble) = path.get(*at) else { return Some(Next::Nothing) };
            *at += 1;
            if !branch.state_mask.is_bit_set(nibble) {
                return Some(Next::Nothing);
            }
            let before = branch.state_mask.get() & ((1u16 << nibble) - 1);
            child(branch.stack.get(before.count_ones() as usize)?)
        }
        TrieNode::Extension(extension) => {
            if extension.key.is_empty() {
                return None;
            }
            if !path.slice(*at..).starts_with(&extension.key) {
                return Some(Next::Nothing);
            }
            *at += extension.key.len();
            child(&extension.child)
        }
        TrieNode::Leaf(leaf) => Some(if path.slice(*at..) == leaf.key {
            Next::Value(leaf.value)
        } else {
            Next::Nothing
        }),
    }
}

fn child(node: &RlpNode) -> Option<Next> {
    match node.as_hash() {
        Some(hash) => Some(Next::Hash(hash)),
        None if node.len() < 32 => decode(node).map(Next::Inside),
        None => None,
    }
}
