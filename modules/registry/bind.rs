//! Which account acts for which owner, and by which way it came to.

use super::*;

packed! {
    /// How an account came to act for its owner.
    pub(super) struct Binding { way: Way, source: u64, at: u64 }
}
packed! {
    /// Bindings ever made by each way.
    pub(super) struct Ways { counter: u64, letter: u64, card: u64, face: u64 }
}

/// Owner an account acts for; zero for none.
pub fn owner_of(cx: &mut Cx<'_>, account: Address) -> Res<B256> {
    cx.on(address::registry, |cx| st().accounts.of(account).get(cx))
}

/// How many accounts act for an owner now.
pub fn accounts_of(cx: &mut Cx<'_>, owner: B256) -> Res<u64> {
    cx.on(address::registry, |cx| Ok(st().owners.of(owner).head.get(cx)?.accounts))
}

/// Lets an account act for an owner, by a letter or by an attestor; `source` is its number. Caller: `accounts`.
///
/// # Errors
/// - `NotPermitted`: another caller.
/// - [`UnknownOwner`], [`AccountBound`].
pub fn bind_by(
    cx: &mut Cx<'_>,
    account: Address,
    owner: B256,
    (way, source): (Way, u64),
) -> Res<()> {
    cx.on(address::registry, |cx| {
        if cx.caller != crate::ACCOUNTS {
            roles::allow::<bindCall>(cx)?;
        }
        bind_one(cx, account, owner, (way, source))
    })
}

pub(super) fn bind(cx: &mut Cx<'_>, accounts: &[Address], owners: &[B256]) -> Res<()> {
    roles::allow::<bindCall>(cx)?;
    batch(accounts.len().max(owners.len()), BINDINGS_MOST)?;
    ensure!(
        accounts.len() == owners.len(),
        BadBatch { given: owners.len() as u64, most: accounts.len() as u64 }
    );
    for (&account, &owner) in accounts.iter().zip(owners) {
        bind_one(cx, account, owner, (Way::Counter, 0))?;
    }
    Ok(())
}

fn bind_one(
    cx: &mut Cx<'_>,
    account: Address,
    owner: B256,
    (way, source): (Way, u64),
) -> Res<()> {
    let head = st().owners.of(owner).head;
    let old = head.get(cx)?;
    ensure!(old.known, UnknownOwner { owner });
    let place = st().accounts.of(account);
    let bound = place.get(cx)?;
    ensure!(bound == B256::ZERO, AccountBound { account, owner: bound });
    place.set(cx, owner)?;
    head.set(cx, OwnerHead { accounts: exact(old.accounts.checked_add(1))?, ..old })?;
    let at = cx.now();
    st().bindings.of(account).set(cx, Binding { way, source, at })?;
    let mut ways = st().ways.get(cx)?;
    let count = match way {
        Way::Letter => &mut ways.letter,
        Way::Card => &mut ways.card,
        Way::Face => &mut ways.face,
        _ => &mut ways.counter,
    };
    *count = exact(count.checked_add(1))?;
    st().ways.set(cx, ways)?;
    cx.emit(AccountAdded { account, owner, way, source })
}

pub(super) fn unbind(cx: &mut Cx<'_>, account: Address, reason: B256) -> Res<()> {
    roles::allow::<unbindCall>(cx)?;
    let place = st().accounts.of(account);
    let owner = place.get(cx)?;
    ensure!(owner != B256::ZERO, NotBound { account });
    place.set(cx, B256::ZERO)?;
    let head = st().owners.of(owner).head;
    let old = head.get(cx)?;
    head.set(cx, OwnerHead { accounts: exact(old.accounts.checked_sub(1))?, ..old })?;
    st().bindings.of(account).set(cx, Binding { way: Way::None, source: 0, at: 0 })?;
    cx.emit(AccountRemoved { account, owner, reasonHash: reason })
}

/// By which way an account came to act for its owner.
pub(super) fn binding_of(cx: &mut Cx<'_>, account: Address) -> Res<bindingOfReturn> {
    let Binding { way, source, at } = st().bindings.of(account).get(cx)?;
    Ok(bindingOfReturn { way, source, boundAt: at })
}

/// How many bindings were ever made by each way.
pub(super) fn bindings(cx: &mut Cx<'_>) -> Res<bindingsReturn> {
    let Ways { counter, letter, card, face } = st().ways.get(cx)?;
    Ok(bindingsReturn { counter, letter, card, face })
}
