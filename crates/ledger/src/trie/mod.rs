//! A persistent Merkle-Patricia trie over 32-byte keys. It knows nothing of blocks or disks.
//!
//! Nodes are shared and never change; a batch copies the nodes on the changed paths and seals each with
//! its reference, so a version of the whole state is one pointer, and dropping the pointer frees what
//! no other version uses. The storage of an account hangs inside its leaf.

mod apply;
mod nibble;
mod node;
mod proof;
mod rlp;
mod stream;

pub(crate) use apply::{apply, in_pool};
pub(crate) use node::{Account, Link, get, root_hash, try_walk, walk};
pub(crate) use proof::prove;
pub(crate) use stream::RootOfLeaves;

#[cfg(test)]
mod tests;
