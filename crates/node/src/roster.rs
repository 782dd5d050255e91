//! What the state says about the nodes of the consortium.

use alloy_primitives::{Address, B256};
use tulou_primitives::{Genesis, NodeKind, StateReader};

/// A node that may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RosterNode {
    pub(crate) name: String,
    pub(crate) account: Address,
    pub(crate) key: B256,
    pub(crate) kind: NodeKind,
    /// `host:port`.
    pub(crate) endpoint: String,
}

/// The validators of an epoch, in ascending order.
pub(crate) fn validators(_state: &dyn StateReader, genesis: &Genesis, _epoch: u64) -> Vec<B256> {
    let mut keys = genesis.validators();
    keys.sort_unstable();
    keys
}

/// All nodes that may connect now, in the order in which members are shown.
pub(crate) fn nodes(_state: &dyn StateReader, genesis: &Genesis) -> Vec<RosterNode> {
    let node = |member: &tulou_primitives::GenesisMember| RosterNode {
        name: member.name.clone(),
        account: member.account,
        key: member.node,
        kind: member.kind,
        endpoint: member.address.clone(),
    };
    genesis.members.iter().map(node).collect()
}

/// Release of the rules in force at a height.
pub(crate) fn release(_state: &dyn StateReader, genesis: &Genesis, _height: u64) -> u32 {
    genesis.release
}
