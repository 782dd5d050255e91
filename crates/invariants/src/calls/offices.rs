use tulou_modules::{
    documents::IDocuments::{self, Kind},
    roles::IRoles::{self, Office},
};

use super::*;
use crate::people::{AUDITOR, BANK, CHAIR, MANAGER, REGISTRAR, STREET, TREASURER, paper};

ops! {
    "roles": {
        "grant" => grant,
        "revoke" => revoke,
        "freeze" => freeze,
        "unfreeze" => unfreeze,
        "resign" => resign,
    }
    "documents": {
        "register" => register,
        "supersede" => supersede,
    }
}

const AT: Address = address::roles;
const FILERS: [Address; 6] = [MANAGER, MANAGER, AUDITOR, CHAIR, TREASURER, BANK];

fn office(g: &mut Gen<'_, '_>) -> Office {
    Office::try_from(g.source.byte() % 12).unwrap_or(Office::None)
}

/// By the owners, the council or the street office, each mostly what it may give.
fn grant(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (now, holder, basis) = (g.now(), g.any_address(), g.hash());
    let (from_at, until_at) =
        (g.source.time(&[now, now + 5 * DAY]), g.source.time(&[now + 300 * DAY, 0, now]));
    let mut call =
        IRoles::grantCall { office: office(g), holder, fromAt: from_at, untilAt: until_at, basis };
    match g.source.byte() % 6 {
        4 | 5 => again(g),
        0 => {
            call.office =
                g.source.pick(&[Office::Chair, Office::Member, Office::Treasurer, Office::Manager]);
            call.untilAt = now + 300 * DAY;
            g.decided(AT, &call)
        }
        1 => {
            call.office = g.source.pick(&[
                Office::StreetOffice,
                Office::Bank,
                Office::Auditor,
                Office::Member,
            ]);
            g.governed(AT, &call)
        }
        2 => one(g.by(&[STREET]), AT, &call),
        _ => {
            call.office = g.source.pick(&[Office::Registrar, Office::Auditor, Office::Counter]);
            one(g.by(&[STREET]), AT, &call)
        }
    }
}

/// The same office to the same holder, from the end of its term on, twice: of what is planned for later
/// one may be revoked in between.
fn again(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (now, holder, basis) = (g.now(), g.source.pick(&OWNERS), g.hash());
    let office = g.source.pick(&[Office::Auditor, Office::Counter]);
    let count = g.see(AT, &IRoles::mandatesCall { cursor: 0, limit: 200 }).items.len() as u64;
    let mut moves = Vec::new();
    let mut next = count;
    for (from, until) in [(now, now + 50 * DAY), (now + 50 * DAY, now + 90 * DAY)] {
        let call = IRoles::grantCall { office, holder, fromAt: from, untilAt: until, basis };
        moves.extend(one(STREET, AT, &call));
        next += 1;
    }
    if !g.source.one_in(3) {
        moves.extend(one(STREET, AT, &IRoles::revokeCall { id: next, reason: "no".into() }));
    }
    let from = now + g.source.pick(&[0, 20, 50, 90]) * DAY;
    let call = IRoles::grantCall { office, holder, fromAt: from, untilAt: 0, basis };
    moves.extend(one(STREET, AT, &call));
    moves
}

/// Number of a mandate, rather of an office that the street office gives.
fn mandate(g: &mut Gen<'_, '_>) -> (u64, Address) {
    let mut all = g.see(AT, &IRoles::mandatesCall { cursor: 0, limit: 200 }).items;
    if !g.source.one_in(4) {
        // The offices of the founding are kept more often than not: without them little can happen.
        all.retain(|mandate| mandate.id > 16 || mandate.office == Office::Counter);
    }
    let Some(found) = all.get(g.source.below(all.len().max(1))) else { return (1, CHAIR) };
    (found.id, found.holder)
}

fn revoke(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((id, _), reason) = (mandate(g), g.text(512));
    let call = IRoles::revokeCall { id, reason };
    match g.source.byte() % 4 {
        0 => g.governed(AT, &call),
        _ => one(g.by(&[STREET]), AT, &call),
    }
}

fn freeze(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((id, _), reason, now) = (mandate(g), g.text(512), g.now());
    let until_at = g.source.time(&[now + 2 * DAY, now + 90 * DAY, now]);
    let call = IRoles::freezeCall { id, untilAt: until_at, reason };
    match g.source.byte() % 6 {
        0 => g.governed(AT, &call),
        _ => one(g.by(&[STREET]), AT, &call),
    }
}

/// A mandate that is frozen, where one is.
fn unfreeze(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (now, reason) = (g.now(), g.text(512));
    let all = g.see(AT, &IRoles::mandatesCall { cursor: 0, limit: 200 }).items;
    let frozen = all.iter().find(|mandate| mandate.frozenUntil > now);
    let id = frozen.map_or(1, |mandate| mandate.id);
    let call = IRoles::unfreezeCall { id, reason };
    match g.source.byte() % 6 {
        0 => g.decided(AT, &call),
        _ => one(g.by(&[STREET]), AT, &call),
    }
}

fn resign(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (id, holder) = mandate(g);
    one(g.by(&[holder]), AT, &IRoles::resignCall { id })
}

fn fresh_paper(g: &mut Gen<'_, '_>) -> B256 {
    if g.source.one_in(16) { B256::ZERO } else { paper(g.source.below(60)) }
}

fn retention(g: &mut Gen<'_, '_>) -> u64 {
    let now = g.now();
    g.source.time(&[now + 400 * DAY, now + 400 * DAY, now])
}

fn register(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let kind = g.source.pick(&[
        Kind::Invoice,
        Kind::Invoice,
        Kind::Quote,
        Kind::PriceReport,
        Kind::Erasure,
        Kind::None,
    ]);
    let (hash, custodian, retain_until) = (fresh_paper(g), g.any_address(), retention(g));
    let title = g.text(200);
    let call = IDocuments::registerCall { hash, kind, custodian, retainUntil: retain_until, title };
    one(g.by(&FILERS), address::documents, &call)
}

fn supersede(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let all = g.see(address::documents, &IDocuments::documentsCall { cursor: 0, limit: 200 }).items;
    let known: Vec<B256> = all.iter().map(|document| document.hash).collect();
    let old = if g.source.one_in(8) { g.hash() } else { g.source.pick(&known) };
    let hash = fresh_paper(g);
    let found = view(g.memory, address::documents, &IDocuments::documentCall { hash: old });
    let by = found.map_or(MANAGER, |document| document.registeredBy);
    let (retain_until, title) = (retention(g), g.text(200));
    let call = IDocuments::supersedeCall { old, hash, retainUntil: retain_until, title };
    one(g.by(&[by, REGISTRAR]), address::documents, &call)
}
