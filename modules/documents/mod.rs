#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::{
    prelude::*,
    roles::{self, Office},
};

#[cfg(test)]
mod tests;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "documents/IDocuments.sol" }
use IDocuments::*;

abi_enum!(IDocuments::Kind);

/// Longest title in bytes.
const TITLE_BYTES_MAX: u64 = 200;

/// Offices that put documents on file.
const FILERS: &[Office] = &[
    Office::Chair,
    Office::Member,
    Office::Treasurer,
    Office::Manager,
    Office::Registrar,
    Office::Auditor,
    Office::StreetOffice,
    Office::HousingBureau,
    Office::Bank,
    Office::Counter,
    Office::Decision,
];

/// Restricted calls.
pub const PERMITS: &[roles::Permit] = &[
    ("register", registerCall::SELECTOR, FILERS),
    ("supersede", supersedeCall::SELECTOR, FILERS),
];

packed! {
    pub(super) struct Head { kind: Kind, registered_at: u64, retain_until: u64 }
}
packed! {
    pub(super) struct Links { supersedes: u64, superseded_by: u64 }
}
record! {
    pub(super) struct Row {
        hash: Slot<B256>,
        head: Slot<Head>,
        custodian: Slot<Address>,
        registered_by: Slot<Address>,
        links: Slot<Links>,
        title: Text,
    }
}
record! {
    pub(super) struct State {
        documents: List<Row>,
        ids: Map<B256, Slot<u64>>,
        by_kind: Map<Kind, List<Slot<u64>>>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    IDocuments::abi::contract()
}

fn shown(cx: &mut Cx<'_>, id: u64) -> Res<Document> {
    let row = st().documents.of(exact(id.checked_sub(1))?);
    let (head, links) = (row.head.get(cx)?, row.links.get(cx)?);
    Ok(Document {
        id,
        hash: row.hash.get(cx)?,
        kind: head.kind,
        custodian: row.custodian.get(cx)?,
        retainUntil: head.retain_until,
        registeredAt: head.registered_at,
        registeredBy: row.registered_by.get(cx)?,
        supersedes: links.supersedes,
        supersededBy: links.superseded_by,
        title: row.title.get(cx)?,
    })
}

fn id_of(cx: &mut Cx<'_>, hash: B256) -> Res<u64> {
    let id = st().ids.of(hash).get(cx)?;
    ensure!(id != 0, UnknownDocument { hash });
    Ok(id)
}

/// Puts a document on file.
///
/// Caller: an officer. Units: seconds since 1970.
///
/// # Errors
/// - `NotPermitted`: the caller is no officer.
/// - [`NoKind`], [`NoCustodian`].
/// - [`NoHash`], [`AlreadyKnown`], [`BadRetention`], [`BadTitle`].
fn register(cx: &mut Cx<'_>, call: &registerCall) -> Res<u64> {
    roles::allow::<registerCall>(cx)?;
    ensure!(call.kind != Kind::None, NoKind {});
    ensure!(!call.custodian.is_zero(), NoCustodian {});
    let (kind, custodian) = (call.kind, call.custodian);
    file(cx, call.hash, (kind, custodian, 0), call.retainUntil, &call.title)
}

/// Puts the successor of a document on file, of the same kind and with the same custodian.
///
/// Caller: the officer who put the old one on file, or its custodian, in office.
///
/// # Errors
/// - `NotPermitted`: the caller is no officer.
/// - [`UnknownDocument`]: the old one is not on file.
/// - [`NotYours`]: the caller neither put it on file nor keeps it.
/// - [`ErasureStands`]: it is the entry of an erasure.
/// - [`AlreadySuperseded`].
/// - [`NoHash`], [`AlreadyKnown`], [`BadRetention`], [`BadTitle`].
fn supersede(cx: &mut Cx<'_>, call: &supersedeCall) -> Res<u64> {
    roles::allow::<supersedeCall>(cx)?;
    let (hash, old_id) = (call.old, id_of(cx, call.old)?);
    let old = shown(cx, old_id)?;
    let caller = cx.caller;
    ensure!(caller == old.registeredBy || caller == old.custodian, NotYours { hash, caller });
    ensure!(old.kind != Kind::Erasure, ErasureStands { hash });
    let superseded_by = old.supersededBy;
    ensure!(superseded_by == 0, AlreadySuperseded { hash, supersededBy: superseded_by });
    let origin = (old.kind, old.custodian, old_id);
    let id = file(cx, call.hash, origin, call.retainUntil, &call.title)?;
    let links = Links { supersedes: old.supersedes, superseded_by: id };
    st().documents.of(exact(old_id.checked_sub(1))?).links.set(cx, links)?;
    cx.emit(Superseded { id: old_id, supersededBy: id })?;
    Ok(id)
}

fn file(
    cx: &mut Cx<'_>,
    hash: B256,
    (kind, custodian, supersedes): (Kind, Address, u64),
    retain_until: u64,
    title: &str,
) -> Res<u64> {
    ensure!(!hash.is_zero(), NoHash {});
    let known = st().ids.of(hash).get(cx)?;
    ensure!(known == 0, AlreadyKnown { hash, id: known });
    let (now_at, length) = (cx.now(), title.len() as u64);
    ensure!(retain_until > now_at, BadRetention { retainUntil: retain_until, nowAt: now_at });
    ensure!((1..=TITLE_BYTES_MAX).contains(&length), BadTitle { length });
    let (index, row) = st().documents.push(cx)?;
    let id = exact(index.checked_add(1))?;
    row.hash.set(cx, hash)?;
    row.head.set(cx, Head { kind, registered_at: now_at, retain_until })?;
    row.custodian.set(cx, custodian)?;
    row.registered_by.set(cx, cx.caller)?;
    row.links.set(cx, Links { supersedes, superseded_by: 0 })?;
    row.title.set(cx, title)?;
    st().ids.of(hash).set(cx, id)?;
    st().by_kind.of(kind).push(cx)?.1.set(cx, id)?;
    let title = title.to_owned();
    cx.emit(Registered { id, hash, kind, custodian, retainUntil: retain_until, title })?;
    Ok(id)
}

fn documents(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<documentsReturn> {
    let len = st().documents.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| shown(cx, index + 1)).collect::<Res<_>>()?;
    Ok(documentsReturn { items, next })
}

fn documents_of(cx: &mut Cx<'_>, kind: Kind, cursor: u64, limit: u64) -> Res<documentsOfReturn> {
    let list = st().by_kind.of(kind);
    let len = list.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        let id = list.of(index).get(cx)?;
        items.push(shown(cx, id)?);
    }
    Ok(documentsOfReturn { items, next })
}

dispatch! { IDocuments, cx;
    write registerCall(c) => register(cx, &c)?;
    write supersedeCall(c) => supersede(cx, &c)?;
    view documentCall(c) => { let id = id_of(cx, c.hash)?; shown(cx, id)? };
    view isKnownCall(c) => st().ids.of(c.hash).get(cx)? != 0;
    view documentsCall(c) => documents(cx, c.cursor, c.limit)?;
    view documentsOfCall(c) => documents_of(cx, c.kind, c.cursor, c.limit)?;
}

/// Refuses unless a document with this hash is on file.
///
/// # Errors
/// - [`UnknownDocument`].
pub fn require_known(cx: &mut Cx<'_>, hash: B256) -> Res<()> {
    cx.on(crate::address::documents, |cx| id_of(cx, hash).map(|_| ()))
}
