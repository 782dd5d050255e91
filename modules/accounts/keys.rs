//! Device keys: given, ended; and the freeze by one's own keys.

use super::*;

/// Whether a key acts for an account at `now`.
pub(super) fn is_living(head: &KeyHead, now: u64) -> bool {
    head.since_at != 0 && head.over_at == 0 && now < head.expires_at
}

/// Lets a device key act for the caller.
///
/// Caller: the account. Units: seconds since 1970, fen.
///
/// # Errors
/// - [`AccountFrozen`].
/// - [`BadKey`]: nobody, a module, or the account's root key.
/// - [`BadSuite`]: no suite is named.
/// - [`KeyKnown`]: it is or was a key of the account.
/// - [`BadTerm`]: over, or longer than 366 days.
/// - [`BadLimit`]: a limit without a period of an hour to 366 days, or a period without a limit.
/// - [`BadScope`]: none or more than 16 entries.
/// - [`NeverForKeys`]: an entry that needs the root key.
/// - [`TooManyKeys`].
pub(super) fn authorise(cx: &mut Cx<'_>, grant: &Grant) -> Res<()> {
    let (account, now, key) = (cx.caller, cx.now(), grant.key);
    only_unfrozen(cx, account)?;
    check_key(cx, account, key, grant.suite)?;
    let latest = exact(now.checked_add(rule::KEY_SECONDS_MAX))?;
    ensure!(
        rule::term_fits(grant.expiresAt, now, rule::KEY_SECONDS_MAX),
        BadTerm { endsAt: grant.expiresAt, latestEndsAt: latest }
    );
    let (limit, period) = (grant.limitFen, grant.periodSeconds);
    let periodic = (rule::PERIOD_SECONDS_MIN..=rule::KEY_SECONDS_MAX).contains(&period);
    let fits = if limit == 0 { period == 0 } else { periodic };
    ensure!(fits, BadLimit { limitFen: limit, periodSeconds: period });
    let given = grant.scope.len() as u64;
    ensure!((1..=rule::SCOPE_MAX).contains(&given), BadScope { given, most: rule::SCOPE_MAX });
    for entry in &grant.scope {
        let (target, selector) = (entry.target, entry.selector.0);
        let never = target == account || act::is_never(&target, Some(selector));
        ensure!(!never, NeverForKeys { target, selector: entry.selector });
    }
    let place = st().accounts.of(account);
    let most = rule::KEYS_MAX;
    ensure!(place.keys.len(cx)? < most, TooManyKeys { most });
    let row = place.known.of(key);
    let suite = grant.suite;
    row.head.set(cx, KeyHead { suite, since_at: now, expires_at: grant.expiresAt, over_at: 0 })?;
    row.allowance.set(cx, Allowance { limit: Fen(limit), period, ..Default::default() })?;
    row.label.set(cx, grant.label)?;
    for entry in &grant.scope {
        let selector = u32::from_be_bytes(entry.selector.0);
        row.scope.push(cx)?.1.set(cx, ScopeWord { target: entry.target, selector })?;
    }
    place.keys.push(cx)?.1.set(cx, key)?;
    let (expires_at, limit_fen) = (grant.expiresAt, limit);
    cx.emit(KeyAuthorised {
        account,
        key,
        suite,
        expiresAt: expires_at,
        limitFen: limit_fen,
        periodSeconds: period,
    })
}

/// Refuses what cannot become a key of an account: as a device key, or as its next root key.
///
/// # Errors
/// - [`BadKey`], [`BadSuite`], [`KeyKnown`], in this order.
pub(super) fn check_key(cx: &mut Cx<'_>, account: Address, key: Address, suite: Suite) -> Res<()> {
    let root = standing(cx, account)?.root;
    ensure!(!is_nobody(&key) && key != root, BadKey { key });
    ensure!(suite != Suite::None, BadSuite { key, suite });
    let head = st().accounts.of(account).known.of(key).head.get(cx)?;
    let known = head.since_at != 0 || head.over_at != 0;
    ensure!(!known, KeyKnown { account, key });
    Ok(())
}

/// Ends a device key for good.
///
/// Caller: the account, or the key itself: a device that is given away signs itself off.
///
/// # Errors
/// - [`NotYours`].
/// - [`NoSuchKey`]: none of the account's device keys, or ended before.
pub(super) fn revoke(cx: &mut Cx<'_>, account: Address, key: Address) -> Res<()> {
    let caller = cx.caller;
    ensure!(caller == account || caller == key, NotYours { account, caller });
    let list = st().accounts.of(account).keys;
    let len = list.len(cx)?;
    for index in 0..len {
        if list.of(index).get(cx)? == key {
            // The last one takes its place.
            let last = list.of(len - 1).get(cx)?;
            list.of(index).set(cx, last)?;
            list.of(len - 1).set(cx, Address::ZERO)?;
            list.truncate(cx, len - 1)?;
            return end(cx, account, key);
        }
    }
    Err(NoSuchKey { account, key }.into())
}

fn end(cx: &mut Cx<'_>, account: Address, key: Address) -> Res<()> {
    let place = st().accounts.of(account).known.of(key).head;
    let (head, now) = (place.get(cx)?, cx.now());
    place.set(cx, KeyHead { over_at: now, ..head })?;
    cx.emit(KeyRevoked { account, key })
}

/// Ends all device keys of an account.
pub(super) fn revoke_all(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    let list = st().accounts.of(account).keys;
    for index in 0..list.len(cx)? {
        let key = list.of(index).get(cx)?;
        list.of(index).set(cx, Address::ZERO)?;
        end(cx, account, key)?;
    }
    list.truncate(cx, 0)
}

/// Refuses everybody but an account and its living keys.
///
/// # Errors
/// - [`NotYours`].
pub(super) fn only_own(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    let caller = cx.caller;
    let head = st().accounts.of(account).known.of(caller).head.get(cx)?;
    let own = caller == account || is_living(&head, cx.now());
    ensure!(own, NotYours { account, caller });
    Ok(())
}

/// Freezes an account at once, or changes the end of its freeze.
///
/// Caller: the account, or a living key of it.
///
/// # Errors
/// - [`NotYours`], [`NoCode`].
/// - [`BadTerm`]: over already, longer than 30 days, or sooner than the freeze that there is.
pub(super) fn freeze(cx: &mut Cx<'_>, c: &freezeCall) -> Res<()> {
    only_own(cx, c.account)?;
    ensure!(c.code != FreezeCode::None, NoCode {});
    let now = cx.now();
    let latest = exact(now.checked_add(rule::FREEZE_SECONDS_MAX))?;
    // A key that is lost must not shorten what another key set.
    let earliest = standing(cx, c.account)?.frozen_until;
    let fits = rule::term_fits(c.untilAt, now, rule::FREEZE_SECONDS_MAX) && c.untilAt >= earliest;
    ensure!(fits, BadTerm { endsAt: c.untilAt, latestEndsAt: latest });
    write_freeze(cx, c.account, c.untilAt, c.code)
}

pub(super) fn write_freeze(
    cx: &mut Cx<'_>,
    account: Address,
    until_at: u64,
    code: FreezeCode,
) -> Res<()> {
    let old = standing(cx, account)?;
    set_standing(cx, account, Standing { frozen_until: until_at, code, ..old })?;
    let gate = st().gate.get(cx)?;
    if until_at > gate.frozen_until {
        st().gate.set(cx, Gate { frozen_until: until_at, ..gate })?;
    }
    let by = cx.caller;
    cx.emit(Frozen { account, untilAt: until_at, code, by })
}

/// Lifts the caller's freeze.
///
/// Caller: the account.
///
/// # Errors
/// - [`NotFrozen`].
pub(super) fn unfreeze(cx: &mut Cx<'_>) -> Res<()> {
    let (account, now) = (cx.caller, cx.now());
    let old = standing(cx, account)?;
    ensure!(now < old.frozen_until, NotFrozen { account });
    set_standing(cx, account, Standing { frozen_until: 0, code: FreezeCode::None, ..old })?;
    cx.emit(Unfrozen { account })
}
