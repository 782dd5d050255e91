//! VA-1 to VA-7: the sets of epochs as they were first fixed, and who may change them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use tulou_modules::{
    address,
    council::ICouncil,
    validators::IValidators::{self, Kind, Node},
};
use tulou_slots::Memory;

use super::{all_of, ask, events};
use crate::{
    people::{EPOCH, POINTS},
    play::{Broken, Kept, Seen, keep},
};

const AT: Address = address::validators;

#[derive(Debug, Default)]
pub(super) struct Model {
    /// Sets that are fixed, by epoch.
    sets: BTreeMap<u64, Vec<B256>>,
    endpoints: BTreeMap<B256, String>,
    epoch: u64,
}

fn set(memory: &mut Memory, epoch: u64) -> Result<Vec<B256>, Broken> {
    ask(memory, AT, &IValidators::setOfCall { epoch })
}

fn nodes(memory: &mut Memory) -> Result<Vec<Node>, Broken> {
    all_of!(memory, AT, IValidators::nodesCall {})
}

impl Model {
    pub(super) fn begin(memory: &mut Memory) -> Result<Self, Broken> {
        let mut model = Self::default();
        model.check(memory)?;
        Ok(model)
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        if seen.concerns(AT) {
            let executed = !events::<ICouncil::Executed>(seen.logs).is_empty();
            let epoch = seen.after.height / EPOCH + 2;
            let same = set(seen.before, epoch)? == set(seen.after, epoch)?;
            keep!("VA-7", executed || same, "{} changed a set", seen.caller());
            self.only_the_member_moves(seen, executed)?;
        }
        let executed = !events::<ICouncil::Executed>(seen.logs).is_empty();
        if seen.concerns(AT) || executed || self.epoch != seen.after.height / EPOCH {
            self.check(seen.after)?;
        }
        Ok(())
    }

    fn only_the_member_moves(&self, seen: &mut Seen<'_>, executed: bool) -> Kept {
        for node in nodes(seen.after)? {
            let before = self.endpoints.get(&node.key);
            let moved = before.is_some_and(|before| *before != node.endpoint);
            let own = seen.caller() == node.member && !executed;
            keep!("VA-7", !moved || own, "{} moved a node of {}", seen.caller(), node.member);
        }
        Ok(())
    }

    fn check(&mut self, memory: &mut Memory) -> Kept {
        let epoch = ask(memory, AT, &IValidators::epochCall {})?.current;
        keep!("VA-1", epoch == memory.height / EPOCH, "epoch {epoch} at {}", memory.height);
        self.epoch = epoch;
        let all = nodes(memory)?;
        let mut keys = BTreeSet::new();
        for node in &all {
            let known = POINTS.iter().any(|byte| B256::repeat_byte(*byte) == node.key);
            keep!("VA-4", known, "{} is no key that can sign", node.key);
            keep!("VA-4", keys.insert(node.key), "{} is used twice", node.key);
        }
        self.endpoints = all.iter().map(|node| (node.key, node.endpoint.clone())).collect();
        for number in epoch.saturating_sub(2)..=epoch + 2 {
            let shown = set(memory, number)?;
            if let Some(fixed) = self.sets.get(&number) {
                let rule = number >= epoch;
                keep!("VA-1", !rule || shown == *fixed, "the fixed set of epoch {number} changed");
                keep!("VA-5", shown == *fixed, "the set of epoch {number} is told otherwise now");
            }
            set_fits(number, &shown, &all)?;
            let before = if number == 0 { Vec::new() } else { set(memory, number - 1)? };
            let fell = before.len() >= 4 && shown.len() < 4;
            keep!("VA-2", !fell, "epoch {number} has {} validators", shown.len());
            // A set keeps to its rule from the first time that it is fixed.
            if number <= epoch + 1 {
                self.sets.insert(number, shown);
            }
        }
        for (number, fixed) in &self.sets {
            keep!("VA-5", set(memory, *number)? == *fixed, "the set of epoch {number} changed");
        }
        let peers = ask(memory, AT, &IValidators::peersCall {})?;
        let peers: BTreeSet<B256> = peers.iter().map(|node| node.key).collect();
        for number in epoch..=epoch + 2 {
            let all_in = set(memory, number)?.iter().all(|key| peers.contains(key));
            keep!("VA-6", all_in, "a validator of epoch {number} may not connect in {epoch}");
        }
        Ok(())
    }
}

/// Not empty, not above 64, in order, of nodes, and no member with more than may fail together.
fn set_fits(epoch: u64, keys: &[B256], nodes: &[Node]) -> Kept {
    keep!("VA-2", (1..=64).contains(&keys.len()), "epoch {epoch} has {} validators", keys.len());
    keep!("VA-2", keys.windows(2).all(|pair| pair[0] < pair[1]), "epoch {epoch} is out of order");
    let mut by_member: BTreeMap<Address, usize> = BTreeMap::new();
    for key in keys {
        let node = nodes.iter().find(|node| node.key == *key);
        let votes = node.is_some_and(|node| node.kind != Kind::None);
        keep!("VA-4", votes, "{key} of epoch {epoch} is no node");
        if let Some(node) = node {
            *by_member.entry(node.member).or_default() += 1;
        }
    }
    let most = if keys.len() >= 4 { (keys.len() - 1) / 3 } else { keys.len() };
    for (member, held) in by_member {
        keep!("VA-3", held <= most, "{member} has {held} validators in epoch {epoch}, most {most}");
    }
    Ok(())
}
