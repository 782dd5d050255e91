#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;
use tulou_primitives::{Genesis, NodeKind, epoch_of, validators_hash};

use crate::council;
use crate::prelude::*;

pub mod rule;
#[cfg(test)]
mod tests;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "validators/IValidators.sol" }
use IValidators::*;

abi_enum!(IValidators::Kind);

/// Most nodes that may connect at once.
const NODES_MAX: u64 = 128;
/// Price of decoding a point of the curve, some thirty microseconds.
const KEY_GAS: u64 = 3_000;

/// Which calls the council makes by proposal.
pub const PERMITS: &[Permit] = &[
    ("admit", admitCall::SELECTOR, &[Office::Council]),
    ("dismiss", dismissCall::SELECTOR, &[Office::Council]),
    ("replaceKey", replaceKeyCall::SELECTOR, &[Office::Council]),
    ("setKind", setKindCall::SELECTOR, &[Office::Council]),
];

packed! {
    /// Whose node it is, by number of the member, what it does and when.
    pub(super) struct Head { member: u64, kind: Kind, from_epoch: u64, until_epoch: u64 }
}
record! {
    pub(super) struct NodeRow { key: Slot<B256>, head: Slot<Head>, endpoint: Text }
}
record! {
    /// The validators from an epoch on, in ascending order.
    pub(super) struct SetRow { from_epoch: Slot<u64>, keys: List<Slot<B256>> }
}
record! {
    pub(super) struct State {
        epoch_length: Slot<u64>,
        nodes: List<NodeRow>,
        ids: Map<B256, Slot<u64>>,
        connected: List<Slot<u64>>,
        sets: List<SetRow>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    IValidators::abi::contract()
}

fn current_epoch(cx: &mut Cx<'_>) -> Res<u64> {
    let length = st().epoch_length.get(cx)?;
    Ok(epoch_of(cx.host.height(), length))
}

/// First epoch that a change made now concerns.
fn effective_epoch(cx: &mut Cx<'_>) -> Res<u64> {
    exact(current_epoch(cx)?.checked_add(rule::CHANGE_DELAY))
}

/// Place of the set of an epoch in the list of sets. Sets are ordered by their first epoch.
fn index_of(cx: &mut Cx<'_>, epoch: u64) -> Res<u64> {
    let sets = st().sets;
    let (mut low, mut high) = (0, sets.len(cx)?.saturating_sub(1));
    while low < high {
        let middle = high - (high - low) / 2;
        if sets.of(middle).from_epoch.get(cx)? <= epoch {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}

fn read_set(cx: &mut Cx<'_>, index: u64) -> Res<Vec<B256>> {
    let keys = st().sets.of(index).keys;
    (0..keys.len(cx)?).map(|place| keys.of(place).get(cx)).collect()
}

/// The validators of an epoch in ascending order, by what is scheduled today.
pub fn set_of(cx: &mut Cx<'_>, epoch: u64) -> Res<Vec<B256>> {
    cx.on(crate::address::validators, |cx| {
        let index = index_of(cx, epoch)?;
        read_set(cx, index)
    })
}

/// The last set that is scheduled.
fn last_set(cx: &mut Cx<'_>) -> Res<Vec<B256>> {
    let last = st().sets.len(cx)?.saturating_sub(1);
    read_set(cx, last)
}

/// Schedules a set of validators: in place of one scheduled in the same epoch, else after it.
///
/// # Errors
/// - [`TooManyValidators`], [`TooFewValidators`].
/// - [`TooManyOfOne`]: a member would hold more of them than may fail together.
fn schedule(cx: &mut Cx<'_>, mut keys: Vec<B256>) -> Res<()> {
    keys.sort_unstable();
    let n = keys.len() as u64;
    let from_epoch = effective_epoch(cx)?;
    ensure!(n <= rule::VALIDATORS_MAX, TooManyValidators { most: rule::VALIDATORS_MAX });
    // Judged by the set of the next epoch, which is fixed: what was scheduled in this epoch is not yet.
    let before = {
        let index = index_of(cx, from_epoch - 1)?;
        st().sets.of(index).keys.len(cx)?
    };
    let least = rule::least(before);
    ensure!(n >= least, TooFewValidators { left: n, least });
    check_shares(cx, &keys)?;
    let sets = st().sets;
    let last = sets.len(cx)?.saturating_sub(1);
    let row = if sets.of(last).from_epoch.get(cx)? == from_epoch {
        sets.of(last)
    } else {
        sets.push(cx)?.1
    };
    row.from_epoch.set(cx, from_epoch)?;
    write_keys(cx, &row.keys, &keys)?;
    let commitment = validators_hash(from_epoch, &keys);
    cx.emit(SetScheduled { fromEpoch: from_epoch, validators: n, commitment })
}

fn write_keys(cx: &mut Cx<'_>, list: &List<Slot<B256>>, keys: &[B256]) -> Res<()> {
    let (before, len) = (list.len(cx)?, keys.len() as u64);
    list.truncate(cx, len)?;
    for (place, key) in (0u64..).zip(keys) {
        list.of(place).set(cx, *key)?;
    }
    for place in len..before {
        list.of(place).set(cx, B256::ZERO)?;
    }
    Ok(())
}

/// Refuses a set in which one member holds more than may fail together.
fn check_shares(cx: &mut Cx<'_>, keys: &[B256]) -> Res<()> {
    let most = rule::most_of_one(keys.len() as u64);
    let mut members = Vec::with_capacity(keys.len());
    for key in keys {
        let id = st().ids.of(*key).get(cx)?;
        members.push(node(id).head.get(cx)?.member);
    }
    members.sort_unstable();
    for same in members.chunk_by(|a, b| a == b) {
        let held = same.len() as u64;
        if held > most {
            let member = council::account_of(cx, same[0])?;
            return Err(TooManyOfOne { member, held, most }.into());
        }
    }
    Ok(())
}

fn node(id: u64) -> NodeRow {
    st().nodes.of(id.saturating_sub(1))
}

/// A node that is not dismissed.
fn existing(cx: &mut Cx<'_>, key: B256) -> Res<(u64, NodeRow, Head)> {
    let id = st().ids.of(key).get(cx)?;
    ensure!(id != 0, NoSuchNode { key });
    let row = node(id);
    let head = row.head.get(cx)?;
    ensure!(head.until_epoch == 0, NodeGone { key, untilEpoch: head.until_epoch });
    Ok((id, row, head))
}

fn check_key(cx: &mut Cx<'_>, key: B256) -> Res<()> {
    cx.host.charge(KEY_GAS)?;
    ensure!(rule::is_key(key), BadKey { key });
    ensure!(st().ids.of(key).get(cx)? == 0, KeyUsed { key });
    Ok(())
}

fn check_endpoint(endpoint: &str, kind: Kind) -> Res<()> {
    let fits = rule::is_endpoint(endpoint) || (endpoint.is_empty() && kind != Kind::Validator);
    ensure!(fits, BadEndpoint { endpoint: endpoint.chars().take(300).collect() });
    Ok(())
}

/// Writes a node down.
fn write(cx: &mut Cx<'_>, key: B256, head: Head, endpoint: &str) -> Res<()> {
    let (index, row) = st().nodes.push(cx)?;
    let id = exact(index.checked_add(1))?;
    row.key.set(cx, key)?;
    row.head.set(cx, head)?;
    row.endpoint.set(cx, endpoint)?;
    st().ids.of(key).set(cx, id)?;
    st().connected.push(cx)?.1.set(cx, id)
}

/// Makes room among the nodes that may connect: those that are none any more leave.
///
/// # Errors
/// - [`TooManyNodes`].
fn make_room(cx: &mut Cx<'_>) -> Res<()> {
    let (connected, epoch) = (st().connected, current_epoch(cx)?);
    let mut len = connected.len(cx)?;
    for index in (0..len).rev() {
        let id = connected.of(index).get(cx)?;
        let until = node(id).head.get(cx)?.until_epoch;
        if until != 0 && until <= epoch {
            len -= 1;
            let last = connected.of(len).get(cx)?;
            connected.of(index).set(cx, last)?;
            connected.of(len).set(cx, 0)?;
        }
    }
    connected.truncate(cx, len)?;
    ensure!(len < NODES_MAX, TooManyNodes { most: NODES_MAX });
    Ok(())
}

/// First epoch in which a node is of a kind that is decided now: voting waits, following does not.
fn from_epoch(cx: &mut Cx<'_>, kind: Kind) -> Res<u64> {
    if kind == Kind::Validator { effective_epoch(cx) } else { current_epoch(cx) }
}

/// Admits a node of a member.
///
/// Caller: the council.
///
/// # Errors
/// - `OnlyCouncil`.
/// - [`BadKey`], [`KeyUsed`].
/// - [`NotAMember`]: the account speaks for none.
/// - [`BadKind`], [`BadEndpoint`].
/// - [`TooManyNodes`], and of a validator [`TooManyValidators`], [`TooFewValidators`], [`TooManyOfOne`].
fn admit(cx: &mut Cx<'_>, c: &admitCall) -> Res<()> {
    council::only(cx)?;
    check_key(cx, c.key)?;
    let member = council::member_of(cx, c.member)?;
    ensure!(member != 0, NotAMember { account: c.member });
    ensure!(c.kind != Kind::None, BadKind { kind: c.kind });
    check_endpoint(&c.endpoint, c.kind)?;
    make_room(cx)?;
    let from_epoch = from_epoch(cx, c.kind)?;
    write(cx, c.key, Head { member, kind: c.kind, from_epoch, until_epoch: 0 }, &c.endpoint)?;
    if c.kind == Kind::Validator {
        let mut keys = last_set(cx)?;
        keys.push(c.key);
        schedule(cx, keys)?;
    }
    cx.emit(NodeAdmitted {
        key: c.key,
        member: c.member,
        kind: c.kind,
        endpoint: c.endpoint.clone(),
        fromEpoch: from_epoch,
    })
}

/// Dismisses a node.
///
/// Caller: the council.
///
/// # Errors
/// - `OnlyCouncil`.
/// - [`NoSuchNode`], [`NodeGone`].
/// - [`TooFewValidators`], [`TooManyOfOne`]: without it the set would be none.
fn dismiss(cx: &mut Cx<'_>, key: B256) -> Res<()> {
    council::only(cx)?;
    let (_, row, head) = existing(cx, key)?;
    let until_epoch = leave(cx, key, head)?;
    row.head.set(cx, Head { until_epoch, ..head })?;
    if head.kind == Kind::Validator {
        let keys = last_set(cx)?.into_iter().filter(|other| *other != key).collect();
        schedule(cx, keys)?;
    }
    cx.emit(NodeDismissed { key, untilEpoch: until_epoch })
}

/// First epoch in which a node that leaves now is none any more. One that voted, or still will in the
/// sets that are fixed, stays until those are over.
fn leave(cx: &mut Cx<'_>, key: B256, head: Head) -> Res<u64> {
    let until = effective_epoch(cx)?;
    let bound = head.kind == Kind::Validator
        || set_of(cx, until - 1)?.contains(&key)
        || set_of(cx, until - 2)?.contains(&key);
    // 0 would say that it stays.
    if bound { Ok(until) } else { Ok(current_epoch(cx)?.max(1)) }
}

/// Gives a node another key: the old one is used up, the new one takes its place.
///
/// Caller: the council.
///
/// # Errors
/// - `OnlyCouncil`.
/// - [`NoSuchNode`], [`NodeGone`]: of the old key.
/// - [`BadKey`], [`KeyUsed`]: of the new one.
/// - [`TooManyNodes`].
fn replace_key(cx: &mut Cx<'_>, old: B256, new: B256) -> Res<()> {
    council::only(cx)?;
    let (_, row, head) = existing(cx, old)?;
    check_key(cx, new)?;
    make_room(cx)?;
    let endpoint = row.endpoint.get(cx)?;
    let until_epoch = leave(cx, old, head)?;
    let from_epoch = from_epoch(cx, head.kind)?;
    row.head.set(cx, Head { until_epoch, ..head })?;
    write(cx, new, Head { from_epoch, until_epoch: 0, ..head }, &endpoint)?;
    if head.kind == Kind::Validator {
        let mut keys: Vec<B256> = last_set(cx)?.into_iter().filter(|key| *key != old).collect();
        keys.push(new);
        schedule(cx, keys)?;
    }
    cx.emit(KeyReplaced { oldKey: old, newKey: new, fromEpoch: from_epoch })
}

/// Makes a node a validator, an observer or an archive.
///
/// Caller: the council.
///
/// # Errors
/// - `OnlyCouncil`.
/// - [`NoSuchNode`], [`NodeGone`].
/// - [`BadKind`]: none, or the one it has.
/// - [`BadEndpoint`]: a validator needs one.
/// - [`TooManyValidators`], [`TooFewValidators`], [`TooManyOfOne`].
fn set_kind(cx: &mut Cx<'_>, key: B256, kind: Kind) -> Res<()> {
    council::only(cx)?;
    let (_, row, head) = existing(cx, key)?;
    ensure!(kind != Kind::None && kind != head.kind, BadKind { kind });
    let endpoint = row.endpoint.get(cx)?;
    check_endpoint(&endpoint, kind)?;
    let votes = [head.kind, kind].contains(&Kind::Validator);
    let from_epoch = if votes { effective_epoch(cx)? } else { current_epoch(cx)? };
    row.head.set(cx, Head { kind, from_epoch, ..head })?;
    if votes {
        let mut keys: Vec<B256> = last_set(cx)?.into_iter().filter(|other| *other != key).collect();
        if kind == Kind::Validator {
            keys.push(key);
        }
        schedule(cx, keys)?;
    }
    cx.emit(KindSet { key, kind, fromEpoch: from_epoch })
}

/// Says where a node is reached.
///
/// Caller: the member whose node it is.
///
/// # Errors
/// - [`NoSuchNode`], [`NodeGone`].
/// - [`NotYourNode`]: the caller speaks for another member, or for none.
/// - [`BadEndpoint`].
fn move_to(cx: &mut Cx<'_>, key: B256, endpoint: &str) -> Res<()> {
    let (_, row, head) = existing(cx, key)?;
    let caller = cx.caller;
    let member = council::member_of(cx, caller)?;
    ensure!(member != 0 && member == head.member, NotYourNode { key, caller });
    check_endpoint(endpoint, head.kind)?;
    row.endpoint.set(cx, endpoint)?;
    cx.emit(NodeMoved { key, endpoint: endpoint.into() })
}

fn shown(cx: &mut Cx<'_>, id: u64) -> Res<Node> {
    let row = node(id);
    let head = row.head.get(cx)?;
    Ok(Node {
        key: row.key.get(cx)?,
        member: council::account_of(cx, head.member)?,
        kind: head.kind,
        endpoint: row.endpoint.get(cx)?,
        fromEpoch: head.from_epoch,
        untilEpoch: head.until_epoch,
    })
}

/// All nodes that may connect in the epoch of this block: validators of the sets that are fixed or
/// scheduled, observers and archives.
pub fn peers(cx: &mut Cx<'_>) -> Res<Vec<Node>> {
    cx.on(crate::address::validators, |cx| {
        let (connected, epoch) = (st().connected, current_epoch(cx)?);
        let mut items = Vec::new();
        for index in 0..connected.len(cx)? {
            let id = connected.of(index).get(cx)?;
            let node = shown(cx, id)?;
            if node.untilEpoch == 0 || epoch < node.untilEpoch {
                items.push(node);
            }
        }
        Ok(items)
    })
}

fn nodes(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<nodesReturn> {
    let (range, next) = page(cursor, limit, st().nodes.len(cx)?);
    let items = range.map(|index| shown(cx, index + 1)).collect::<Res<_>>()?;
    Ok(nodesReturn { items, next })
}

fn epoch(cx: &mut Cx<'_>) -> Res<epochReturn> {
    let current = current_epoch(cx)?;
    let following = {
        let index = index_of(cx, current)?;
        exact(index.checked_add(1))?
    };
    let scheduled = following < st().sets.len(cx)?;
    let next = if scheduled { st().sets.of(following).from_epoch.get(cx)? } else { 0 };
    Ok(epochReturn { current, length: st().epoch_length.get(cx)?, nextChangeEpoch: next })
}

dispatch! { IValidators, cx;
    write admitCall(c) => admit(cx, &c)?.into();
    write dismissCall(c) => dismiss(cx, c.key)?.into();
    write replaceKeyCall(c) => replace_key(cx, c.oldKey, c.newKey)?.into();
    write setKindCall(c) => set_kind(cx, c.key, c.kind)?.into();
    write moveToCall(c) => move_to(cx, c.key, &c.endpoint)?.into();
    view setOfCall(c) => set_of(cx, c.epoch)?;
    view peersCall(_) => peers(cx)?;
    view nodesCall(c) => nodes(cx, c.cursor, c.limit)?;
    view epochCall(_) => epoch(cx)?;
}

/// Writes the nodes and the set of the first epoch before the first block. Runs as this module, after
/// the council's genesis.
///
/// # Errors
/// - `Fault::Fatal`, in words: an epoch of no heights; no validator, or more than 64; more than 128
///   nodes; a key that cannot sign, or used twice; an endpoint that is none.
pub fn genesis(cx: &mut Cx<'_>, genesis: &Genesis) -> Res<()> {
    let bad = |reason: String| Fault::Fatal(format!("genesis: {reason}"));
    if genesis.epoch_length == 0 {
        return Err(bad("an epoch has at least one height".into()));
    }
    if genesis.members.len() as u64 > NODES_MAX {
        return Err(bad(format!("more than {NODES_MAX} nodes")));
    }
    st().epoch_length.set(cx, genesis.epoch_length)?;
    for (member, m) in (1u64..).zip(&genesis.members) {
        let (key, name) = (m.node, &m.name);
        if !rule::is_key(key) {
            return Err(bad(format!("{key} of {name} is no ed25519 key")));
        }
        if st().ids.of(key).get(cx)? != 0 {
            return Err(bad(format!("{key} of {name} is the key of another node, too")));
        }
        if !m.address.is_empty() && !rule::is_endpoint(&m.address) {
            return Err(bad(format!("{:?} of {name} is not host:port", m.address)));
        }
        let kind = match m.kind {
            NodeKind::Validator => Kind::Validator,
            NodeKind::Observer => Kind::Observer,
            NodeKind::Archive => Kind::Archive,
        };
        write(cx, key, Head { member, kind, from_epoch: 0, until_epoch: 0 }, &m.address)?;
    }
    let mut keys = genesis.validators();
    keys.sort_unstable();
    if keys.is_empty() {
        return Err(bad("no member is a validator".into()));
    }
    if keys.len() as u64 > rule::VALIDATORS_MAX {
        return Err(bad(format!("more than {} validators", rule::VALIDATORS_MAX)));
    }
    let row = st().sets.push(cx)?.1;
    write_keys(cx, &row.keys, &keys)
}
