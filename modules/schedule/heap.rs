//! Waiting tasks in storage as a binary heap: the earliest is first, each operation costs a logarithm.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::prelude::*;

packed! {
    /// When it is whose turn. Order: due time, then number.
    pub(super) struct Turn { due_at: u64, id: u64 }
}

impl Turn {
    fn order(self) -> (u64, u64) {
        (self.due_at, self.id)
    }
}

record! {
    /// `Turn[]`, where element n is no later than elements 2n+1 and 2n+2.
    pub(super) struct Heap { turns: List<Slot<Turn>> }
}

impl Heap {
    /// The earliest turn.
    pub(super) fn first(&self, cx: &mut Cx<'_>) -> Res<Option<Turn>> {
        if self.turns.len(cx)? == 0 {
            return Ok(None);
        }
        self.turns.of(0).get(cx).map(Some)
    }

    /// Adds a turn.
    pub(super) fn push(&self, cx: &mut Cx<'_>, turn: Turn) -> Res<()> {
        let (mut index, _) = self.turns.push(cx)?;
        while index > 0 {
            let above = (index - 1) / 2;
            let other = self.turns.of(above).get(cx)?;
            if other.order() <= turn.order() {
                break;
            }
            self.turns.of(index).set(cx, other)?;
            index = above;
        }
        self.turns.of(index).set(cx, turn)
    }

    /// Removes the earliest turn.
    pub(super) fn pop(&self, cx: &mut Cx<'_>) -> Res<()> {
        let Some(len) = self.turns.len(cx)?.checked_sub(1) else { return Ok(()) };
        let last = self.turns.of(len).get(cx)?;
        self.turns.of(len).set(cx, Turn::default())?;
        self.turns.truncate(cx, len)?;
        let mut index = 0;
        while let Some((child, turn)) = self.earlier_child(cx, index, len)? {
            if last.order() <= turn.order() {
                break;
            }
            self.turns.of(index).set(cx, turn)?;
            index = child;
        }
        if len > 0 { self.turns.of(index).set(cx, last) } else { Ok(()) }
    }

    fn earlier_child(&self, cx: &mut Cx<'_>, index: u64, len: u64) -> Res<Option<(u64, Turn)>> {
        let left = 2 * index + 1;
        if left >= len {
            return Ok(None);
        }
        let mut best = (left, self.turns.of(left).get(cx)?);
        if left + 1 < len {
            let right = self.turns.of(left + 1).get(cx)?;
            if right.order() < best.1.order() {
                best = (left + 1, right);
            }
        }
        Ok(Some(best))
    }

    /// Up to `limit` turns due at `at`, earliest first, without touching the heap: only the children
    /// of what is listed are read.
    pub(super) fn earliest(&self, cx: &mut Cx<'_>, at: u64, limit: u64) -> Res<Vec<Turn>> {
        let len = self.turns.len(cx)?;
        let (mut found, mut open) = (Vec::new(), BinaryHeap::new());
        if len > 0 {
            let first = self.turns.of(0).get(cx)?;
            open.push(Reverse((first.order(), 0u64)));
        }
        while let Some(Reverse(((due_at, id), index))) = open.pop() {
            if due_at > at || found.len() as u64 >= limit {
                break;
            }
            found.push(Turn { due_at, id });
            for child in [2 * index + 1, 2 * index + 2] {
                if child < len {
                    open.push(Reverse((self.turns.of(child).get(cx)?.order(), child)));
                }
            }
        }
        Ok(found)
    }
}
