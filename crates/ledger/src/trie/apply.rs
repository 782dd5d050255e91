//! A sorted batch of changes on a trie: the old one stays, the new one shares all that is equal.

use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

use alloy_primitives::B256;
use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IntoParallelRefIterator, ParallelIterator},
};

use super::{
    nibble::{fork, nibble},
    node::{Body, Link, Node, Outcome, Value},
};

/// Changes below one branch from which its children are worked on by several threads.
pub(crate) const SPLIT: usize = 64;

/// Own threads, so that a task that waits here never starves the engine's pool. `None` on one core.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    if threads < 2 {
        return None;
    }
    ThreadPoolBuilder::new().num_threads(threads).thread_name(|n| format!("trie-{n}")).build().ok()
});

/// Runs `work` where [`apply`] may split it. `weight` is about the number of leaves that change.
pub(crate) fn in_pool<R: Send>(weight: usize, work: impl FnOnce() -> R + Send) -> R {
    match &*POOL {
        Some(pool) if weight >= SPLIT => pool.install(work),
        _ => work(),
    }
}

/// The sub-trie at `depth` after `changes`, which are sorted, without equal keys, and agree with each
/// other and with the sub-trie on all nibbles before `depth`. Returns the same pointer where nothing
/// changed.
pub(crate) fn apply<V: Value>(
    node: Option<&Link<V>>,
    changes: &[(B256, V::Change)],
    depth: usize,
) -> Option<Link<V>> {
    debug_assert!(depth > 0 || changes.is_sorted_by(|a, b| a.0 < b.0), "unsorted or equal keys");
    let ([first, ..], [.., last]) = (changes, changes) else { return node.cloned() };
    let Some(node) = node else {
        return match changes {
            [(key, change)] => put(None, key, change, depth),
            _ => {
                let at = fork(&first.0, &last.0);
                branch(None, [None; 16], changes, at).map(|new| lift(new, at, depth))
            }
        };
    };
    match &node.body {
        Body::Branch { mask, children } => {
            let old = std::array::from_fn(|n| Node::child(*mask, children, n));
            branch(Some(node), old, changes, depth)
        }
        Body::Leaf { key, .. } => {
            // Of sorted keys, the first or the last shares least with any given key.
            let at = fork(key, &first.0).min(fork(key, &last.0));
            if let [(same, change)] = changes
                && same == key
            {
                return put(Some(node), key, change, depth);
            }
            split(node, lift(node.clone(), depth, at + 1), key, changes, at, depth)
        }
        Body::Extension { key, end, child } => {
            let end = usize::from(*end);
            let at = fork(key, &first.0).min(fork(key, &last.0));
            if at < end {
                let rest = if at + 1 == end { child.clone() } else { reseal(node, at + 1) };
                return split(node, rest, key, changes, at, depth);
            }
            let new = apply(Some(child), changes, end)?;
            if Arc::ptr_eq(&new, child) {
                return Some(node.clone());
            }
            Some(lift(new, end, depth))
        }
    }
}

/// One change on an empty place or on the leaf of the same key.
fn put<V: Value>(
    leaf: Option<&Link<V>>,
    key: &B256,
    change: &V::Change,
    depth: usize,
) -> Option<Link<V>> {
    let old = leaf.and_then(|leaf| match &leaf.body {
        Body::Leaf { value, .. } => Some(value),
        _ => None,
    });
    match V::change(old, change) {
        Outcome::Keep => leaf.cloned(),
        Outcome::Drop => None,
        Outcome::Put(value) => Some(Body::Leaf { key: *key, value }.seal(depth)),
    }
}

/// Opens the compressed path of `node` at depth `at`, where a changed key leaves it. `rest` is what
/// remains of the node below that.
fn split<V: Value>(
    node: &Link<V>,
    rest: Link<V>,
    key: &B256,
    changes: &[(B256, V::Change)],
    at: usize,
    depth: usize,
) -> Option<Link<V>> {
    let mut old = [None; 16];
    old[nibble(key, at)] = Some(&rest);
    let new = lift(branch(None, old, changes, at)?, at, depth);
    // Deleting what was not there opens a path and closes it again.
    Some(if new.reference == node.reference { node.clone() } else { new })
}

/// Changes below a branch at `depth`. `whole` is the branch if it exists already.
fn branch<V: Value>(
    whole: Option<&Link<V>>,
    old: [Option<&Link<V>>; 16],
    changes: &[(B256, V::Change)],
    depth: usize,
) -> Option<Link<V>> {
    let groups = groups(changes, depth);
    let one = |(n, range): &(usize, Range<usize>)| {
        (*n, apply(old[*n], &changes[range.clone()], depth + 1))
    };
    let mut new: [Option<Link<V>>; 16] = [const { None }; 16];
    let mut touched = 0u16;
    let mut changed = false;
    let mut note = |(n, child): (usize, Option<Link<V>>)| {
        touched |= 1 << n;
        changed |= child.as_ref().map(Arc::as_ptr) != old[n].map(Arc::as_ptr);
        new[n] = child;
    };
    let pooled = rayon::current_thread_index().is_some();
    if pooled && changes.len() >= SPLIT && groups.len() > 1 {
        groups.par_iter().map(one).collect::<Vec<_>>().into_iter().for_each(&mut note);
    } else {
        groups.iter().map(one).for_each(&mut note);
    }
    if let (false, Some(whole)) = (changed, whole) {
        return Some(whole.clone());
    }
    for n in 0..16 {
        if touched >> n & 1 == 0 {
            new[n] = old[n].cloned();
        }
    }
    close(new, depth)
}

/// The changes of each nibble at `depth`, in order.
fn groups<C>(changes: &[(B256, C)], depth: usize) -> Vec<(usize, Range<usize>)> {
    let mut groups = Vec::with_capacity(changes.len().min(16));
    let mut start = 0;
    while start < changes.len() {
        let n = nibble(&changes[start].0, depth);
        let len = changes[start..].partition_point(|(key, _)| nibble(key, depth) == n);
        groups.push((n, start..start + len));
        start += len;
    }
    groups
}

/// Makes the node that sixteen places call for: none, the only child with a longer path, or a branch.
fn close<V: Value>(places: [Option<Link<V>>; 16], depth: usize) -> Option<Link<V>> {
    let mask = (0..16).fold(0u16, |mask, n| mask | u16::from(places[n].is_some()) << n);
    let mut children = places.into_iter().flatten();
    match mask.count_ones() {
        0 => None,
        1 => children.next().map(|only| lift(only, depth + 1, depth)),
        _ => Some(Body::Branch { mask, children: children.collect() }.seal(depth)),
    }
}

/// Moves the beginning of a node's path from one depth to another.
fn lift<V: Value>(node: Link<V>, from: usize, to: usize) -> Link<V> {
    if from == to {
        return node;
    }
    match &node.body {
        Body::Branch { .. } => {
            let key = *node.any_key();
            Body::Extension { key, end: from as u8, child: node }.seal(to)
        }
        _ => reseal(&node, to),
    }
}

/// The same leaf or extension with its path beginning at `depth`.
fn reseal<V: Value>(node: &Link<V>, depth: usize) -> Link<V> {
    match &node.body {
        Body::Leaf { key, value } => Body::Leaf { key: *key, value: value.clone() }.seal(depth),
        Body::Extension { key, end, child } => {
            Body::Extension { key: *key, end: *end, child: child.clone() }.seal(depth)
        }
        Body::Branch { .. } => node.clone(),
    }
}
