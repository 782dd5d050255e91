//! Bodies outside the ledger that say who stands before them: a reader of cards, a check of faces.
//!
//! They are one more way in and never the only one. What they read or saw never comes here: a statement names
//! an account, a home and a commitment.

use alloy_sol_types::{SolStruct, eip712_domain};

use super::*;

/// Lists an attestor.
///
/// Caller: a passed decision, or the street office. Not the registrar alone: who binds people to homes does
/// not choose who else does. Units: seconds since 1970.
///
/// # Errors
/// - `NotPermitted`.
/// - [`BadMethod`]: it names none.
/// - [`BadKey`]: nobody's, the caller's own, or of an earlier attestor.
/// - [`BadName`], [`BadPage`].
/// - [`BadTerm`]: over, or longer than 366 days.
/// - [`NoDocument`].
/// - [`NotTheOnlyWay`]: a face, while no registrar holds office.
pub(super) fn list(cx: &mut Cx<'_>, listing: &Listing) -> Res<u64> {
    roles::allow::<listAttestorCall>(cx)?;
    let (key, method, until_at) = (listing.key, listing.method, listing.untilAt);
    ensure!(method != Method::None, BadMethod { method: method as u8 });
    let by_attestor = st().by_attestor.of(key);
    let fits = !is_nobody(&key) && key != cx.caller && by_attestor.get(cx)? == 0;
    ensure!(fits, BadKey { key });
    let (name, page) = (&listing.name, &listing.page);
    ensure!(rule::name_fits(name), BadName { length: name.len() as u64 });
    ensure!(rule::page_fits(page), BadPage { length: page.len() as u64 });
    let now = cx.now();
    let latest = exact(now.checked_add(rule::ATTESTOR_SECONDS_MAX))?;
    ensure!(
        rule::term_fits(until_at, now, rule::ATTESTOR_SECONDS_MAX),
        BadTerm { endsAt: until_at, latestEndsAt: latest }
    );
    ensure!(listing.basis != B256::ZERO, NoDocument {});
    not_the_only_way(cx, method)?;
    let (index, row) = st().attestors.push(cx)?;
    let id = exact(index.checked_add(1))?;
    by_attestor.set(cx, id)?;
    row.head.set(cx, AttestorHead { method, since_at: now, until_at, ended_at: 0 })?;
    row.key.set(cx, key)?;
    row.basis.set(cx, listing.basis)?;
    row.name.set(cx, name)?;
    row.page.set(cx, page)?;
    let (name, basis) = (name.clone(), listing.basis);
    cx.emit(AttestorListed { id, method, key, name, untilAt: until_at, basis })?;
    Ok(id)
}

/// Refuses a face while there is nobody to ask for a letter or at the counter. Source: Measures on the security of
/// face recognition, in force 2025-06-01: where another way serves, a face must not be the only one.
fn not_the_only_way(cx: &mut Cx<'_>, method: Method) -> Res<()> {
    let fits = method != Method::Face || roles::is_held(cx, Office::Registrar)?;
    ensure!(fits, NotTheOnlyWay {});
    Ok(())
}

/// An attestor in its term.
fn running(cx: &mut Cx<'_>, id: u64) -> Res<(AttestorRow, AttestorHead)> {
    let known = id != 0 && id <= st().attestors.len(cx)?;
    ensure!(known, NoSuchAttestor { id });
    let row = st().attestors.of(id.wrapping_sub(1));
    let head = row.head.get(cx)?;
    let over_at = if head.ended_at != 0 { head.ended_at } else { head.until_at };
    ensure!(cx.now() < over_at, AttestorOver { id, overAt: over_at });
    Ok((row, head))
}

/// Whether an attestor's statements are taken now.
pub(super) fn works(cx: &mut Cx<'_>, id: u64) -> Res<bool> {
    let answer = cx.attempt(|cx| {
        let (_, head) = running(cx, id)?;
        not_the_only_way(cx, head.method)
    })?;
    Ok(answer.is_ok())
}

/// Ends an attestor for good: its contract is over, or its key is in other hands. Whom it bound stays bound.
///
/// Caller: a passed decision, the street office or the registrar.
///
/// # Errors
/// - `NotPermitted`, [`NoSuchAttestor`], [`AttestorOver`], [`BadReason`].
pub(super) fn end(cx: &mut Cx<'_>, id: u64, reason: &str) -> Res<()> {
    roles::allow::<endAttestorCall>(cx)?;
    let (row, head) = running(cx, id)?;
    let length = reason.len() as u64;
    ensure!((1..=rule::REASON_BYTES_MAX).contains(&length), BadReason { length });
    row.head.set(cx, AttestorHead { ended_at: cx.now(), ..head })?;
    let by = cx.caller;
    cx.emit(AttestorEnded { id, by, reason: reason.into() })
}

/// Binds the caller to the owner that an attestor recognised.
///
/// Caller: the statement's account.
///
/// # Errors
/// - [`NoSuchAttestor`], [`AttestorOver`].
/// - [`BadMethod`]: the statement names another method than the attestor is listed for.
/// - [`NotTheOnlyWay`]: a face, while no registrar holds office.
/// - [`StatementOver`].
/// - [`OtherAccount`].
/// - [`AccountFrozen`].
/// - [`BadStatement`]: another key's, another ledger's, changed, or not in its one form (65 bytes, low s).
/// - [`StatementUsed`].
/// - [`NotHolder`]: the owner does not hold the unit, or no longer.
/// - `AccountBound` of the registry: the account acts for an owner already.
/// - [`OwnerBound`]: an account acts for the owner already.
pub(super) fn redeem(cx: &mut Cx<'_>, statement: &Statement, signature: &[u8]) -> Res<()> {
    let (account, now) = (cx.caller, cx.now());
    let (id, unit, owner) = (statement.attestor, statement.unit, statement.owner);
    let (row, head) = running(cx, id)?;
    ensure!(statement.method == head.method as u8, BadMethod { method: statement.method });
    not_the_only_way(cx, head.method)?;
    let (issued_at, expires_at) = (statement.issuedAt, statement.expiresAt);
    ensure!(
        rule::statement_fits(issued_at, expires_at, now),
        StatementOver { issuedAt: issued_at, expiresAt: expires_at, nowAt: now }
    );
    let named = statement.account;
    ensure!(named == account, OtherAccount { account: named, caller: account });
    only_unfrozen(cx, account)?;
    let digest = digest(cx.host.chain_id(), cx.this, statement);
    let signer = signer(cx, &digest, signature)?;
    ensure!(signer == Some(row.key.get(cx)?), BadStatement { attestor: id, account });
    let used = st().statements.of(digest);
    ensure!(!used.get(cx)?, StatementUsed { digest });
    ensure!(registry::holds_unit(cx, unit, owner)?, NotHolder { unit, owner });
    let way = if head.method == Method::Face { Way::Face } else { Way::Card };
    used.set(cx, true)?;
    registry::bind_by(cx, account, owner, (way, id))?;
    // Asked last, so that an account which is bound already hears that first.
    ensure!(registry::accounts_of(cx, owner)? == 1, OwnerBound { owner });
    let count = row.bindings.get(cx)?;
    row.bindings.set(cx, exact(count.checked_add(1))?)?;
    cx.emit(Attested { attestor: id, account, unit, digest })
}

/// What an attestor signs: the EIP-712 digest of a statement on one ledger, for the module at `module`.
pub(crate) fn digest(chain_id: u64, module: Address, statement: &Statement) -> B256 {
    let domain = eip712_domain! {
        name: "Tulou",
        version: "1",
        chain_id: chain_id,
        verifying_contract: module,
    };
    statement.eip712_signing_hash(&domain)
}
