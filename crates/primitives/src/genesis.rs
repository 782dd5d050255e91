//! The first page of a ledger: who keeps it, who holds which office, which accounts exist.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde::{Deserialize, Serialize};

/// An account that exists from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenesisAccount {
    /// Native balance in wei.
    pub balance: U256,
    /// Transactions already sent.
    pub nonce: u64,
    /// Contract code.
    pub code: Bytes,
    /// Slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}

/// A person or body that holds an office from the first block on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeHolder {
    /// Name of the office as `IRoles.sol` spells it, e.g. `registrar`.
    pub office: String,
    /// The holder's account.
    pub account: Address,
    /// Last second of the term; 0 has no end.
    pub until: u64,
}

/// What a member's node does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Votes on blocks.
    #[default]
    Validator,
    /// Follows, checks and serves, without a vote.
    Observer,
    /// An observer that keeps every block for ever.
    Archive,
}

/// A member organisation of the consortium and its node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisMember {
    /// Name in the estate's language, e.g. `业主委员会`.
    pub name: String,
    /// Account that speaks for the member in the council.
    pub account: Address,
    /// Its votes in the council; 0 does not govern.
    pub weight: u32,
    /// ed25519 key of its node: votes on blocks and authenticates connections.
    pub node: B256,
    /// What the node does.
    pub kind: NodeKind,
    /// `host:port` at which the other nodes reach it; empty for a lone validator.
    pub address: String,
}

impl GenesisMember {
    /// The one validator of a ledger that nobody shares: no council, nothing to reach.
    pub fn lone(node: B256) -> Self {
        Self {
            name: "dev".into(),
            account: Address::ZERO,
            weight: 0,
            node,
            kind: NodeKind::Validator,
            address: String::new(),
        }
    }
}

/// A share that a sum must reach: `num / den` or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Parts.
    pub num: u32,
    /// Of this many.
    pub den: u32,
}

/// How the council decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouncilRules {
    /// Share of all weight that must take part.
    pub participation: Share,
    /// Share of the participating weight that must agree.
    pub majority: Share,
    /// Seconds in which members vote.
    pub voting_s: u64,
    /// Seconds between a passed vote and its effect, in which a veto is possible.
    pub delay_s: u64,
    /// Share of all weight whose veto within the delay stops a passed proposal.
    pub veto: Share,
}

impl Default for CouncilRules {
    fn default() -> Self {
        Self {
            participation: Share { num: 2, den: 3 },
            majority: Share { num: 2, den: 3 },
            voting_s: 7 * 86_400,
            delay_s: 2 * 86_400,
            veto: Share { num: 1, den: 3 },
        }
    }
}

/// Everything that is fixed before the first block. Two nodes with equal values have equal genesis
/// hashes. The default is empty and no ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Gas a block may use.
    pub gas_limit: u64,
    /// Heights in one epoch of the validator set.
    pub epoch_length: u64,
    /// How long an idle leader waits before it proposes an empty block.
    pub heartbeat_ms: u64,
    /// Name of the estate or of whatever the ledger is for.
    pub estate: String,
    /// Release of the rules in force from the first block on.
    pub release: u32,
    /// Member organisations with their nodes, in the order in which they are always shown.
    pub members: Vec<GenesisMember>,
    /// How the members decide. Without effect where no member has weight.
    pub council: CouncilRules,
    /// Names of the rule packs in force, broadest first, e.g. `cn`, `cn-hangzhou`.
    pub packs: Vec<String>,
    /// First holders of offices.
    pub offices: Vec<OfficeHolder>,
    /// First accounts.
    pub accounts: BTreeMap<Address, GenesisAccount>,
    /// So many accounts more, the first of [`filler_account`], each with 1 wei: a state of some size for
    /// measurements. 0 in every real ledger.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub filler: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Account number `index` of those that [`Genesis::filler`] counts. Nobody has its key.
pub fn filler_account(index: u64) -> Address {
    let mut text = *b"tulou filler \0\0\0\0\0\0\0\0";
    text[13..].copy_from_slice(&index.to_be_bytes());
    Address::from_word(keccak256(text))
}

impl Genesis {
    /// ed25519 keys of the first validators, in the order of the members.
    pub fn validators(&self) -> Vec<B256> {
        let votes = |member: &&GenesisMember| member.kind == NodeKind::Validator;
        self.members.iter().filter(votes).map(|member| member.node).collect()
    }
}
