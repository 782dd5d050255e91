//! What a node knows of the consortium: its members, who leads, what stands still.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use tulou_primitives::{NodeKind, epoch_of};

use crate::node::Node;

/// Version of the formats and exchanges between nodes that this program speaks.
pub const PROTOCOL: u32 = 1;

/// The rest of the node, as the server sees it. Every method is called often, from any thread, and
/// must answer at once.
pub trait Watch: Send + Sync {
    /// The consortium as this node sees it now.
    fn consortium(&self) -> Consortium;

    /// The engine's own metrics in Prometheus text.
    fn metrics(&self) -> String {
        String::new()
    }

    /// Why this node must not serve its data, in words: damaged data, a full disk. While there is a
    /// reason, every read and write but the node's own state is refused with it.
    fn refusal(&self) -> Option<String> {
        None
    }

    /// Bytes that the ledger's folder may take before the node gives an alarm; `None` has no budget.
    fn disk_budget_bytes(&self) -> Option<u64> {
        None
    }
}

/// A ledger's identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerId {
    /// Name of the estate, or of whatever the ledger is for.
    pub name: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of the first block.
    pub genesis: B256,
}

/// Whether a member's node keeps the same book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// It has the same block at its height, near the head.
    Agrees,
    /// It is connected, but its head is further back than one heartbeat explains.
    Behind,
    /// It is not connected.
    #[default]
    Stopped,
    /// It shows another block at a height that is final here.
    Differs,
}

/// A member organisation's node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Name of the member organisation.
    pub name: String,
    /// Account that speaks for the member in the council.
    pub account: Address,
    /// ed25519 key of the node.
    pub key: B256,
    /// What the node does.
    pub kind: NodeKind,
    /// `host:port` at which other nodes reach it; empty for a lone validator.
    pub endpoint: String,
    /// Whether it is a validator of the current epoch.
    pub in_set: bool,
    /// Whether this node has a connection to it. True for this node itself.
    pub connected: bool,
    /// Milliseconds since 1970 at which it was last heard.
    pub last_seen_ms: Option<u64>,
    /// Its newest final block, as it says.
    pub height: Option<u64>,
    /// Hash of that block.
    pub hash: Option<B256>,
    /// Program and version it runs.
    pub program: Option<String>,
    /// Newest release of the rules it knows.
    pub release: Option<u32>,
    /// Its clock less ours, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Of the last `of_last` blocks, how many certificates carry its signature here. A certificate
    /// needs no more than a quorum: a good validator may be missing from many.
    pub signed_last: u64,
    /// Blocks looked at.
    pub of_last: u64,
    /// Newest height whose certificate carries its signature.
    pub last_signed_height: Option<u64>,
    /// Whether it keeps the same book.
    pub state: MemberState,
}

/// Why no block becomes final.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stalled {
    /// Milliseconds since 1970 of the last final block.
    pub since_ms: u64,
    /// Validators that are not there.
    pub missing: Vec<B256>,
    /// Validators that must sign.
    pub needed: u32,
    /// Validators that are there.
    pub have: u32,
    /// In words.
    pub reason: String,
}

/// The consortium as one node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consortium {
    /// Which ledger.
    pub ledger: LedgerId,
    /// ed25519 key of this node; `None` where it has none.
    pub me: Option<B256>,
    /// Program and version of this node, e.g. `tulou/0.1.0`.
    pub program: String,
    /// Release of the rules in force at the head.
    pub release: u32,
    /// Version of the exchanges between nodes.
    pub protocol: u32,
    /// Newest final block.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time in seconds since 1970.
    pub timestamp: u64,
    /// Milliseconds since 1970 at which it became final here; `None` if that was before this start.
    pub final_at_ms: Option<u64>,
    /// Epoch of the next block.
    pub epoch: u64,
    /// Heights in an epoch.
    pub epoch_length: u64,
    /// View of consensus within the epoch.
    pub view: u64,
    /// Key of the validator that proposes in this view.
    pub leader: Option<B256>,
    /// Validators that must sign a block.
    pub quorum: u32,
    /// Whether this node signs in this epoch.
    pub voting: bool,
    /// `"next epoch"` while a validator only watches because its last votes are not known.
    pub observing_until: Option<String>,
    /// Whether this node takes no transactions.
    pub read_only: bool,
    /// Members with their nodes, in the order in which they are always shown.
    pub members: Vec<Member>,
    /// Why no block becomes final; `None` while all is well.
    pub stalled: Option<Stalled>,
}

/// Signatures that make a block final among `validators`.
pub fn quorum(validators: usize) -> u32 {
    let faulty = validators.saturating_sub(1) / 3;
    u32::try_from(validators - faulty).unwrap_or(u32::MAX)
}

/// The consortium as the node reports it, or as much of it as the ledger alone can tell.
pub(crate) fn consortium(node: &Node) -> Consortium {
    let mut seen = match &node.watch {
        Some(watch) => watch.consortium(),
        None => from_ledger(node),
    };
    seen.read_only = node.config.read_only;
    seen
}

/// Other members' nodes that are connected.
pub(crate) fn peers(node: &Node) -> u64 {
    let seen = consortium(node);
    let others = seen.members.iter().filter(|member| Some(member.key) != seen.me);
    u64::try_from(others.filter(|member| member.connected).count()).unwrap_or(u64::MAX)
}

/// Knows nobody's connections: others count as stopped.
fn from_ledger(node: &Node) -> Consortium {
    let head = node.ledger.head();
    let genesis = &node.genesis;
    let next = head.height + 1;
    let set = node.finality.validators(next);
    let alone = match set.as_slice() {
        [me] => Some(*me),
        _ => None,
    };
    let members = genesis.members.iter().map(|member| {
        let me = alone == Some(member.node);
        Member {
            name: member.name.clone(),
            account: member.account,
            key: member.node,
            kind: member.kind,
            endpoint: member.address.clone(),
            in_set: set.contains(&member.node),
            connected: me,
            height: me.then_some(head.height),
            hash: me.then_some(head.hash),
            program: me.then(|| crate::PROGRAM.to_owned()),
            release: me.then_some(genesis.release),
            clock_offset_ms: me.then_some(0),
            state: if me { MemberState::Agrees } else { MemberState::Stopped },
            ..Member::default()
        }
    });
    Consortium {
        ledger: LedgerId {
            name: genesis.estate.clone(),
            chain_id: node.chain_id,
            genesis: node.genesis_hash(),
        },
        me: alone,
        program: crate::PROGRAM.to_owned(),
        release: genesis.release,
        protocol: PROTOCOL,
        height: head.height,
        hash: head.hash,
        timestamp: head.timestamp,
        final_at_ms: node.pulse().final_at_ms(),
        epoch: epoch_of(next, genesis.epoch_length),
        epoch_length: genesis.epoch_length,
        view: 0,
        leader: alone,
        quorum: quorum(set.len()),
        voting: alone.is_some(),
        members: members.collect(),
        ..Consortium::default()
    }
}
