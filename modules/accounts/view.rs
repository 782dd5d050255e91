//! What a person and the transaction layer read.

use super::*;

pub(super) fn account(cx: &mut Cx<'_>, of: Address) -> Res<Account> {
    let row = st().accounts.of(of);
    let standing = standing(cx, of)?;
    let mut guardians = Vec::new();
    for index in 0..row.guardians.len(cx)? {
        let seat = row.guardians.of(index).get(cx)?;
        guardians.push(Guardian { account: seat.account, office: seat.office as u8 });
    }
    Ok(Account {
        root: standing.root,
        rootSuite: standing.suite,
        frozenUntil: standing.frozen_until,
        freezeCode: standing.code,
        recovery: row.recovery.get(cx)?,
        helper: row.helper.get(cx)?,
        guardians,
    })
}

pub(super) fn key(cx: &mut Cx<'_>, of: Address, key: Address) -> Res<Key> {
    let row = st().accounts.of(of).known.of(key);
    let (head, allowance) = (row.head.get(cx)?, row.allowance.get(cx)?);
    ensure!(head.since_at != 0, NoSuchKey { account: of, key });
    let mut scope = Vec::new();
    for index in 0..row.scope.len(cx)? {
        let entry = row.scope.of(index).get(cx)?;
        scope.push(Scope { target: entry.target, selector: entry.selector.to_be_bytes().into() });
    }
    let now = cx.now();
    let (rest, resets_at) = act::rest(cx, &row, now)?;
    Ok(Key {
        grant: Grant {
            key,
            suite: head.suite,
            label: row.label.get(cx)?,
            expiresAt: head.expires_at,
            limitFen: allowance.limit.0,
            periodSeconds: allowance.period,
            scope,
        },
        sinceAt: head.since_at,
        revokedAt: head.over_at,
        spentFen: allowance.limit.0.saturating_sub(rest),
        resetsAt: resets_at,
    })
}

pub(super) fn keys(cx: &mut Cx<'_>, of: Address) -> Res<Vec<Key>> {
    let list = st().accounts.of(of).keys;
    let mut items = Vec::new();
    for index in 0..list.len(cx)? {
        let id = list.of(index).get(cx)?;
        items.push(key(cx, of, id)?);
    }
    Ok(items)
}

pub(super) fn may_act(cx: &mut Cx<'_>, c: &mayActCall) -> Res<mayActReturn> {
    let (of, key, now) = (c.ofAccount, c.ofKey, cx.now());
    let to = Some(c.target);
    let selector = (!c.selector.is_zero()).then_some(c.selector.0);
    let answer = cx.attempt(|cx| {
        let power = act::power(cx, of, (key, None), now)?;
        act::check(cx, of, key, &power, (to, selector, U256::ZERO), now)?;
        if let act::Power::Scoped(row) = power {
            act::within_limit(cx, (of, key), &row, U256::from(c.amountFen), now)?;
        }
        Ok(())
    })?;
    let row = st().accounts.of(of).known.of(key);
    let (rest, resets_at) = act::rest(cx, &row, now)?;
    let refusal = answer.as_ref().err().map(|data| crate::action::first_four(data));
    Ok(mayActReturn {
        allowed: answer.is_ok(),
        refusal: refusal.unwrap_or_default().into(),
        restFen: rest,
        resetsAt: resets_at,
    })
}

fn recovery(cx: &mut Cx<'_>, id: u64) -> Res<Recovery> {
    let row = st().recoveries.of(id.saturating_sub(1));
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    Ok(Recovery {
        id,
        account: row.account.get(cx)?,
        key: head.key,
        suite: head.suite,
        stage: recovery::stage(cx, &row)?,
        openedAt: times.opened_at,
        readyAt: times.ready_at,
        lapsesAt: times.lapses_at,
        endedAt: times.ended_at,
        first: row.first.get(cx)?,
        second: row.second.get(cx)?,
        document: row.document.get(cx)?,
    })
}

pub(super) fn recoveries(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<recoveriesReturn> {
    let len = st().recoveries.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| recovery(cx, index.saturating_add(1))).collect::<Res<_>>()?;
    Ok(recoveriesReturn { items, next })
}

/// A row of zeros where none is open.
pub(super) fn open_recovery_of(cx: &mut Cx<'_>, of: Address) -> Res<Recovery> {
    match recovery::current(cx, of)? {
        Some(id) => recovery(cx, id),
        None => Ok(Recovery {
            id: 0,
            account: Address::ZERO,
            key: Address::ZERO,
            suite: Suite::None,
            stage: Stage::None,
            openedAt: 0,
            readyAt: 0,
            lapsesAt: 0,
            endedAt: 0,
            first: Address::ZERO,
            second: Address::ZERO,
            document: B256::ZERO,
        }),
    }
}

fn invitation(cx: &mut Cx<'_>, id: u64) -> Res<Invitation> {
    let row = st().letters.of(id.saturating_sub(1));
    let head = row.head.get(cx)?;
    let letter = Letter {
        unit: head.unit,
        owner: row.owner.get(cx)?,
        key: row.key.get(cx)?,
        expiresAt: head.expires_at,
    };
    Ok(Invitation {
        id,
        letter,
        issuedAt: head.issued_at,
        stage: invite::stage(&head, cx.now()),
        account: row.account.get(cx)?,
    })
}

pub(super) fn invitations(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<invitationsReturn> {
    let len = st().letters.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| invitation(cx, index.saturating_add(1))).collect::<Res<_>>()?;
    Ok(invitationsReturn { items, next })
}

/// A row of zeros where no letter has this key.
pub(super) fn invitation_of(cx: &mut Cx<'_>, key: Address) -> Res<Invitation> {
    match st().by_key.of(key).get(cx)? {
        0 => Ok(Invitation {
            id: 0,
            letter: Letter { unit: 0, owner: B256::ZERO, key: Address::ZERO, expiresAt: 0 },
            issuedAt: 0,
            stage: InvitationStage::None,
            account: Address::ZERO,
        }),
        id => invitation(cx, id),
    }
}

fn attestor(cx: &mut Cx<'_>, id: u64) -> Res<Attestor> {
    let row = st().attestors.of(id.saturating_sub(1));
    let head = row.head.get(cx)?;
    let listing = Listing {
        key: row.key.get(cx)?,
        method: head.method,
        name: row.name.get(cx)?,
        page: row.page.get(cx)?,
        untilAt: head.until_at,
        basis: row.basis.get(cx)?,
    };
    Ok(Attestor {
        id,
        listing,
        sinceAt: head.since_at,
        endedAt: head.ended_at,
        bindings: row.bindings.get(cx)?,
        works: attest::works(cx, id)?,
    })
}

pub(super) fn attestors(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<attestorsReturn> {
    let len = st().attestors.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| attestor(cx, index.saturating_add(1))).collect::<Res<_>>()?;
    Ok(attestorsReturn { items, next })
}
