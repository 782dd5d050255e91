//! Letters that bind an account to an owner.

use super::*;

/// What a letter's key signs begins with.
const DOMAIN: &[u8] = b"tulou/invitation/v1";

/// Issues letters.
///
/// Caller: registrar. Units: seconds since 1970.
///
/// # Errors
/// - `NotPermitted`.
/// - [`BadBatch`]: none, or more than 40.
/// - [`BadKey`]: a one-time key that is nobody's, or of an earlier letter.
/// - [`BadTerm`]: over, or longer than 90 days.
/// - [`NotHolder`]: the owner does not hold the unit.
pub(super) fn invite(cx: &mut Cx<'_>, letters: &[Letter]) -> Res<u64> {
    roles::allow::<inviteCall>(cx)?;
    let (given, most) = (letters.len() as u64, rule::LETTERS_MAX);
    ensure!(given != 0 && given <= most, BadBatch { given, most });
    let first = exact(st().letters.len(cx)?.checked_add(1))?;
    let now = cx.now();
    let latest = exact(now.checked_add(rule::LETTER_SECONDS_MAX))?;
    for letter in letters {
        let (key, unit, owner, expires_at) =
            (letter.key, letter.unit, letter.owner, letter.expiresAt);
        let by_key = st().by_key.of(key);
        ensure!(!is_nobody(&key) && by_key.get(cx)? == 0, BadKey { key });
        ensure!(
            rule::term_fits(expires_at, now, rule::LETTER_SECONDS_MAX),
            BadTerm { endsAt: expires_at, latestEndsAt: latest }
        );
        ensure!(registry::holds_unit(cx, unit, owner)?, NotHolder { unit, owner });
        let (index, row) = st().letters.push(cx)?;
        let id = exact(index.checked_add(1))?;
        by_key.set(cx, id)?;
        let stage = InvitationStage::Open;
        row.head.set(cx, LetterHead { unit, issued_at: now, expires_at, stage })?;
        row.key.set(cx, key)?;
        row.owner.set(cx, owner)?;
        cx.emit(Invited { id, unit, owner, expiresAt: expires_at })?;
    }
    Ok(first)
}

/// A letter that still works.
fn open(cx: &mut Cx<'_>, id: u64) -> Res<(LetterRow, LetterHead)> {
    let known = id != 0 && id <= st().letters.len(cx)?;
    ensure!(known, NoSuchInvitation { id });
    let row = st().letters.of(id.wrapping_sub(1));
    let head = row.head.get(cx)?;
    let stage = stage(&head, cx.now());
    ensure!(stage == InvitationStage::Open, InvitationOver { id, stage });
    Ok((row, head))
}

/// The stage of now: nobody writes down that a letter expired.
pub(super) fn stage(head: &LetterHead, now: u64) -> InvitationStage {
    let expired = head.stage == InvitationStage::Open && now >= head.expires_at;
    if expired { InvitationStage::Expired } else { head.stage }
}

/// Makes a letter void: it was lost, or the home was sold.
///
/// Caller: registrar.
///
/// # Errors
/// - `NotPermitted`, [`NoSuchInvitation`], [`InvitationOver`].
pub(super) fn revoke(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    roles::allow::<revokeInvitationCall>(cx)?;
    let (row, head) = open(cx, id)?;
    row.head.set(cx, LetterHead { stage: InvitationStage::Revoked, ..head })?;
    cx.emit(InvitationRevoked { id })
}

/// Binds the caller to the letter's owner.
///
/// Caller: the account that the letter's key signed.
///
/// # Errors
/// - [`NoSuchInvitation`], [`InvitationOver`].
/// - [`AccountFrozen`].
/// - [`BadProof`]: another key's, over another account, or not in its one form (65 bytes, low s).
/// - [`NotHolder`]: the owner sold the unit meanwhile.
/// - `AccountBound` of the registry: the account acts for an owner already.
pub(super) fn redeem(cx: &mut Cx<'_>, id: u64, signature: &[u8]) -> Res<()> {
    let account = cx.caller;
    let (row, head) = open(cx, id)?;
    only_unfrozen(cx, account)?;
    let hash = proof_hash(cx.host.chain_id(), id, account);
    let signer = signer(cx, &hash, signature)?;
    ensure!(signer == Some(row.key.get(cx)?), BadProof { id, account });
    let (unit, owner) = (head.unit, row.owner.get(cx)?);
    ensure!(registry::holds_unit(cx, unit, owner)?, NotHolder { unit, owner });
    row.head.set(cx, LetterHead { stage: InvitationStage::Used, ..head })?;
    row.account.set(cx, account)?;
    registry::bind_by(cx, account, owner, (Way::Letter, id))?;
    cx.emit(InvitationUsed { id, account })
}

/// What a letter's key signs: this letter, on this ledger, for this account.
pub(super) fn proof_hash(chain_id: u64, id: u64, account: Address) -> B256 {
    keccak256([DOMAIN, &chain_id.to_be_bytes(), &id.to_be_bytes(), account.as_slice()].concat())
}
