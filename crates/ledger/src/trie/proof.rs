//! Merkle proofs in the form of EIP-1186.

use alloy_primitives::{B256, Bytes};

use super::{
    nibble::{fork, nibble},
    node::{Body, Link, Node, Value},
    rlp::Buffer,
};

/// RLP of the nodes from the root towards `key`, as far as there are any: it proves the value, or that
/// there is none. Nodes shorter than 32 bytes stand inside their parents. Empty for an empty trie.
pub(crate) fn prove<V: Value>(root: Option<&Link<V>>, key: &B256) -> Vec<Bytes> {
    let mut nodes = Vec::new();
    let mut next = root;
    let mut depth = 0;
    while let Some(node) = next {
        if depth == 0 || !node.reference.is_inline() {
            let mut out = Buffer::new();
            node.body.write(depth, &mut out);
            nodes.push(Bytes::copy_from_slice(out.as_slice()));
        }
        next = match &node.body {
            Body::Leaf { .. } => None,
            Body::Extension { key: here, end, child } => {
                depth = usize::from(*end);
                (fork(here, key) >= depth).then_some(child)
            }
            Body::Branch { mask, children } => {
                let child = Node::child(*mask, children, nibble(key, depth));
                depth += 1;
                child
            }
        };
    }
    nodes
}
