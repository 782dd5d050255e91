//! What residents and officers read.

use super::{IRoles, IRoles::*, Office, row, rule, st};
use crate::prelude::*;

pub(super) fn shown(cx: &mut Cx<'_>, id: u64) -> Res<Mandate> {
    let row = row(cx, id)?;
    let head = row.head.get(cx)?;
    Ok(Mandate {
        id,
        office: head.office.shown(),
        holder: row.holder.get(cx)?,
        fromAt: head.from_at,
        untilAt: head.until_at,
        revokedAt: head.revoked_at,
        frozenUntil: row.frozen_until.get(cx)?,
        grantedBy: row.granted_by.get(cx)?,
        basis: row.basis.get(cx)?,
        reason: row.reason.get(cx)?,
    })
}

pub(super) fn mandates(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<mandatesReturn> {
    let len = st().mandates.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let items = range.map(|index| shown(cx, index + 1)).collect::<Res<_>>()?;
    Ok(mandatesReturn { items, next })
}

pub(super) fn holders(cx: &mut Cx<'_>, office: u8, cursor: u64, limit: u64) -> Res<holdersReturn> {
    let list = st().by_office.of(Office::from_number(office).unwrap_or_default());
    let len = list.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        let id = list.of(index).get(cx)?;
        items.push(shown(cx, id)?);
    }
    Ok(holdersReturn { items, next })
}

pub(super) fn permits(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<permitsReturn> {
    let len = st().permits.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        let row = st().permits.of(index);
        let key = row.key.get(cx)?;
        items.push(IRoles::Permit {
            id: index + 1,
            module: key.module,
            selector: key.selector.to_be_bytes().into(),
            name: row.name.get(cx)?,
            offices: key.offices,
        });
    }
    Ok(permitsReturn { items, next })
}

/// Where an account stands with an office: the best of its last two mandates.
pub(super) fn standing(cx: &mut Cx<'_>, who: Address, office: Office) -> Res<rule::Standing> {
    let list = st().by_holder.of(who).of(office);
    let (len, now) = (list.len(cx)?, cx.now());
    let mut best = rule::Standing::NONE;
    // Terms do not overlap and at most one has not begun, so nothing older than the last two counts.
    for index in len.saturating_sub(2)..len {
        let id = list.of(index).get(cx)?;
        let row = row(cx, id)?;
        let head = row.head.get(cx)?;
        let term = (head.from_at, head.until_at, head.revoked_at);
        best = best.better(rule::standing(term, row.frozen_until.get(cx)?, now));
    }
    Ok(best)
}

pub(super) fn offices_of(cx: &mut Cx<'_>, account: Address) -> Res<u32> {
    let mut mask = 0;
    for office in rule::ALL {
        if standing(cx, account, office)?.reason == Reason::Office {
            mask |= office.bit();
        }
    }
    Ok(mask)
}

pub(super) fn explain(cx: &mut Cx<'_>, call: &explainCall) -> Res<explainReturn> {
    let selector = u32::from_be_bytes(call.selector.0);
    let needed = st().offices_for.of(call.module).of(selector).get(cx)?;
    let held = offices_of(cx, call.account)?;
    let answer = |allowed, reason, term_at| explainReturn {
        allowed,
        reason,
        needed,
        held,
        termAt: term_at,
    };
    if needed == 0 {
        return Ok(answer(true, Reason::Unrestricted, 0));
    }
    if needed & rule::acting_as(call.account) != 0 {
        let council = call.account == crate::COUNCIL;
        return Ok(answer(true, if council { Reason::Council } else { Reason::Decision }, 0));
    }
    let mut best = rule::Standing::NONE;
    for office in rule::ALL {
        if needed & office.bit() != 0 {
            best = best.better(standing(cx, call.account, office)?);
        }
    }
    Ok(answer(best.reason == Reason::Office, best.reason, best.term_at))
}
