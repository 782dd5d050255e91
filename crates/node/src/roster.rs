//! What the state says about the nodes of the consortium.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use tracing::error;
use tulou_evm::{BlockEnv, CallOutcome, CallRequest};
use tulou_ledger::Version;
use tulou_modules::{
    address,
    council::ICouncil::membersCall,
    council::ICouncil::releaseAtCall,
    validators::IValidators::{Kind, peersCall, setOfCall},
};
use tulou_primitives::{Genesis, NodeKind};

/// Gas of one look into the state: far above what the largest answer takes.
const VIEW_GAS: u64 = 1 << 28;
/// Members that one page of the council's list holds.
const PAGE: u64 = 100;

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

/// The validators of an epoch, in ascending order. Empty where the state does not answer: the engine
/// then stops rather than go on with a guess.
pub(crate) fn validators(state: &Version, genesis: &Genesis, epoch: u64) -> Vec<B256> {
    view(state, genesis, address::validators, &setOfCall { epoch }).unwrap_or_default()
}

/// All nodes that may connect now: those of the founders in the order of the first page, then those
/// that joined.
pub(crate) fn nodes(state: &Version, genesis: &Genesis) -> Vec<RosterNode> {
    let Some(found) = view(state, genesis, address::validators, &peersCall {}) else {
        return Vec::new();
    };
    let names = names(state, genesis);
    let mut nodes: Vec<RosterNode> = found
        .into_iter()
        .map(|node| {
            let named = names.iter().find(|(account, _)| *account == node.member);
            let first = genesis.members.iter().find(|member| member.node == node.key);
            let name = named.map(|(_, name)| name.clone());
            let name = name.or_else(|| first.map(|member| member.name.clone()));
            RosterNode {
                name: name.unwrap_or_else(|| node.member.to_string()),
                account: node.member,
                key: node.key,
                kind: match node.kind {
                    Kind::Validator => NodeKind::Validator,
                    Kind::Archive => NodeKind::Archive,
                    _ => NodeKind::Observer,
                },
                endpoint: node.endpoint,
            }
        })
        .collect();
    let place = |node: &RosterNode| {
        let of = |member: &tulou_primitives::GenesisMember| member.account == node.account;
        genesis.members.iter().position(of).unwrap_or(usize::MAX)
    };
    nodes.sort_by_key(place);
    nodes
}

/// Accounts and names of the members of today.
fn names(state: &Version, genesis: &Genesis) -> Vec<(Address, String)> {
    let call = membersCall { cursor: 0, limit: PAGE };
    let found = view(state, genesis, address::council, &call);
    let members = found.map(|page| page.items).unwrap_or_default();
    members.into_iter().map(|member| (member.account, member.name)).collect()
}

/// Release of the rules in force at a height.
pub(crate) fn release(state: &Version, genesis: &Genesis, height: u64) -> u32 {
    // A ledger whose state does not answer is past every release that this program knows.
    view(state, genesis, address::council, &releaseAtCall { height }).unwrap_or(u32::MAX)
}

/// Asks a module. Nothing where it does not answer, which is a fault and in the log.
fn view<C: SolCall>(
    state: &Version,
    genesis: &Genesis,
    to: Address,
    call: &C,
) -> Option<C::Return> {
    let header = state.header();
    let env = BlockEnv {
        chain_id: genesis.chain_id,
        height: header.number + 1,
        timestamp: header.timestamp,
        gas_limit: genesis.gas_limit,
        beneficiary: Address::ZERO,
        prevrandao: B256::ZERO,
        next_validators: None,
        terms: None,
    };
    let request =
        CallRequest { to: Some(to), input: call.abi_encode().into(), ..Default::default() };
    match tulou_evm::call(state, &env, &request, None, VIEW_GAS, None) {
        Ok(CallOutcome::Success { output, .. }) => C::abi_decode_returns(&output)
            .inspect_err(
                |error| error!(call = C::SIGNATURE, %error, "a module's answer is malformed"),
            )
            .ok(),
        other => {
            error!(call = C::SIGNATURE, ?other, "a module does not answer");
            None
        }
    }
}
