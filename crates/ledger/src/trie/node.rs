//! Nodes, their references and the two kinds of leaf.

use std::{convert::Infallible, sync::Arc};

use alloy_primitives::{B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use tulou_primitives::AccountState;

use super::{
    apply::apply,
    nibble::{DEPTH, nibble, write_path},
    rlp::Buffer,
};
use crate::change::Delta;

/// A shared sub-trie. Holding one keeps the whole version below it.
pub(crate) type Link<V> = Arc<Node<V>>;

/// How a parent names a child: its hash, or the node itself where that is shorter than 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ref {
    len: u8,
    bytes: [u8; 32],
}

impl Ref {
    fn of(encoded: &[u8]) -> Self {
        let mut bytes = [0; 32];
        if encoded.len() < 32 {
            bytes[..encoded.len()].copy_from_slice(encoded);
            Self { len: encoded.len() as u8, bytes }
        } else {
            Self { len: 32, bytes: keccak256(encoded).0 }
        }
    }

    /// Whether the node stands inside its parent.
    pub(super) fn is_inline(&self) -> bool {
        self.len < 32
    }

    fn write(&self, out: &mut Buffer) {
        if self.is_inline() {
            out.raw(&self.bytes[..usize::from(self.len)]);
        } else {
            out.string(&self.bytes);
        }
    }

    fn root(&self) -> B256 {
        if self.is_inline() {
            keccak256(&self.bytes[..usize::from(self.len)])
        } else {
            B256::new(self.bytes)
        }
    }
}

/// A node with its reference, sealed when it is made: nothing is ever hashed twice.
pub(crate) struct Node<V> {
    pub(super) reference: Ref,
    pub(super) body: Body<V>,
}

/// What a node is. Paths are given by whole keys: the node itself knows where its path ends, the
/// walker knows where it begins.
pub(super) enum Body<V> {
    /// One key with its value.
    Leaf { key: B256, value: V },
    /// All keys below agree with `key` up to depth `end`, where `child` (always a branch) stands.
    Extension { key: B256, end: u8, child: Link<V> },
    /// Children by the nibble at this depth: bit `n` of `mask` is set where there is one for `n`.
    Branch { mask: u16, children: Box<[Link<V>]> },
}

/// What a change makes of a leaf.
pub(crate) enum Outcome<V> {
    /// Nothing changed.
    Keep,
    /// The key goes.
    Drop,
    /// The key has this value now.
    Put(V),
}

/// A value at the end of a path.
pub(crate) trait Value: Clone + Send + Sync + 'static {
    /// What a batch carries for one key.
    type Change: Send + Sync;

    /// Writes the value's RLP.
    fn write(&self, out: &mut Buffer);

    /// The leaf after the change.
    fn change(old: Option<&Self>, change: &Self::Change) -> Outcome<Self>;
}

/// A slot that is not zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) U256);

impl Value for Slot {
    type Change = U256;

    fn write(&self, out: &mut Buffer) {
        out.number(&self.0);
    }

    fn change(old: Option<&Self>, change: &U256) -> Outcome<Self> {
        match old {
            Some(old) if old.0 == *change => Outcome::Keep,
            None if change.is_zero() => Outcome::Keep,
            Some(_) if change.is_zero() => Outcome::Drop,
            _ => Outcome::Put(Self(*change)),
        }
    }
}

/// An account with its storage.
#[derive(Clone)]
pub(crate) struct Account {
    nonce: u64,
    balance: U256,
    /// Boxed because most accounts are people, who have neither code nor storage.
    contract: Option<Box<Contract>>,
}

#[derive(Clone)]
struct Contract {
    code_hash: B256,
    storage: Option<Link<Slot>>,
}

impl Account {
    /// Joins an account and its storage.
    pub(crate) fn new(state: &AccountState, storage: Option<Link<Slot>>) -> Self {
        let plain = state.code_hash == KECCAK256_EMPTY && storage.is_none();
        let contract = (!plain).then(|| Box::new(Contract { code_hash: state.code_hash, storage }));
        Self { nonce: state.nonce, balance: state.balance, contract }
    }

    /// The account without its storage.
    pub(crate) fn state(&self) -> AccountState {
        AccountState {
            nonce: self.nonce,
            balance: self.balance,
            code_hash: self.contract.as_ref().map_or(KECCAK256_EMPTY, |c| c.code_hash),
        }
    }

    /// Root node of the storage, `None` where no slot is set.
    pub(crate) fn storage(&self) -> Option<&Link<Slot>> {
        self.contract.as_ref()?.storage.as_ref()
    }
}

impl Value for Account {
    type Change = Delta;

    fn write(&self, out: &mut Buffer) {
        let mut list = Buffer::new();
        list.number(&U256::from(self.nonce));
        list.number(&self.balance);
        list.string(root_hash(self.storage()).as_slice());
        list.string(self.state().code_hash.as_slice());
        list.wrap();
        out.raw(list.as_slice());
    }

    fn change(old: Option<&Self>, delta: &Delta) -> Outcome<Self> {
        let Some(state) = &delta.state else {
            return if old.is_some() { Outcome::Drop } else { Outcome::Keep };
        };
        let before = old.and_then(Self::storage);
        let kept = if delta.wipe { None } else { before };
        let storage = apply(kept, &delta.storage, 0);
        let same = match (before, &storage) {
            (None, None) => true,
            (Some(a), Some(b)) => a.reference == b.reference,
            _ => false,
        };
        if same && old.is_some_and(|old| old.state() == *state) {
            return Outcome::Keep;
        }
        Outcome::Put(Self::new(state, storage))
    }
}

impl<V: Value> Body<V> {
    /// Writes the node's RLP as it stands when its path begins at `depth`.
    pub(super) fn write(&self, depth: usize, out: &mut Buffer) {
        match self {
            Self::Leaf { key, value } => {
                write_path(out, key, depth, DEPTH, true);
                let mut inner = Buffer::new();
                value.write(&mut inner);
                out.string(inner.as_slice());
            }
            Self::Extension { key, end, child } => {
                write_path(out, key, depth, usize::from(*end), false);
                child.reference.write(out);
            }
            Self::Branch { mask, children } => {
                let mut next = children.iter();
                for n in 0..16 {
                    match (mask >> n & 1 == 1).then(|| next.next()).flatten() {
                        Some(child) => child.reference.write(out),
                        None => out.string(&[]),
                    }
                }
                out.string(&[]);
            }
        }
        out.wrap();
    }

    /// Hashes the node where it stands and shares it.
    pub(super) fn seal(self, depth: usize) -> Link<V> {
        let mut out = Buffer::new();
        self.write(depth, &mut out);
        Arc::new(Node { reference: Ref::of(out.as_slice()), body: self })
    }
}

impl<V> Node<V> {
    /// A key below this node.
    pub(super) fn any_key(&self) -> &B256 {
        let mut node = self;
        loop {
            match &node.body {
                Body::Leaf { key, .. } | Body::Extension { key, .. } => return key,
                Body::Branch { children, .. } => node = &children[0],
            }
        }
    }

    /// The child of a branch for the nibble of `key` at `depth`.
    pub(super) fn child(mask: u16, children: &[Link<V>], n: usize) -> Option<&Link<V>> {
        let bit = 1u16 << n;
        (mask & bit != 0).then(|| &children[(mask & (bit - 1)).count_ones() as usize])
    }
}

/// The value of `key`, if it is there.
pub(crate) fn get<'a, V>(root: Option<&'a Link<V>>, key: &B256) -> Option<&'a V> {
    let mut node = root?;
    let mut depth = 0;
    loop {
        match &node.body {
            Body::Leaf { key: here, value } => return (here == key).then_some(value),
            Body::Extension { end, child, .. } => {
                // A wrong turn is found at the leaf, which knows its whole key.
                depth = usize::from(*end);
                node = child;
            }
            Body::Branch { mask, children } => {
                node = Node::child(*mask, children, nibble(key, depth))?;
                depth += 1;
            }
        }
    }
}

/// Calls `visit` for every leaf in the order of keys, until one fails.
pub(crate) fn try_walk<V, E>(
    root: Option<&Link<V>>,
    visit: &mut impl FnMut(&B256, &V) -> Result<(), E>,
) -> Result<(), E> {
    let Some(node) = root else { return Ok(()) };
    match &node.body {
        Body::Leaf { key, value } => visit(key, value),
        Body::Extension { child, .. } => try_walk(Some(child), visit),
        Body::Branch { children, .. } => {
            children.iter().try_for_each(|child| try_walk(Some(child), visit))
        }
    }
}

/// Calls `visit` for every leaf in the order of keys.
pub(crate) fn walk<V>(root: Option<&Link<V>>, visit: &mut impl FnMut(&B256, &V)) {
    let Ok(()) = try_walk(root, &mut |key, value| {
        visit(key, value);
        Ok::<_, Infallible>(())
    });
}

/// keccak256 of the root node: what a header or an account carries.
pub(crate) fn root_hash<V>(root: Option<&Link<V>>) -> B256 {
    root.map_or(EMPTY_ROOT_HASH, |node| node.reference.root())
}
