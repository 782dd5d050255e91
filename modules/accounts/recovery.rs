//! Guardians, and how an account comes to a new root key.

use super::*;

/// Names the caller's guardians.
///
/// Caller: the account.
///
/// # Errors
/// - [`AccountFrozen`], [`RecoveryOpen`]: who took the account must not send the guardians away.
/// - [`BadGuardians`]: one, more than three, the same twice, the account itself, a module, an office that
///   may not be one, or an account and an office in one.
pub(super) fn set_guardians(cx: &mut Cx<'_>, guardians: &[Guardian]) -> Res<()> {
    let account = cx.caller;
    only_unfrozen(cx, account)?;
    only_closed(cx, account)?;
    let mut seats: Vec<Seat> = Vec::new();
    for guardian in guardians {
        let office = Office::from_number(guardian.office).unwrap_or_default();
        let seat = Seat { account: guardian.account, office };
        let fits = if guardian.office == 0 {
            !is_nobody(&seat.account) && seat.account != account
        } else {
            seat.account.is_zero() && rule::GUARDIAN_OFFICES.contains(&office)
        };
        ensure!(fits && !seats.contains(&seat), BadGuardians {});
        seats.push(seat);
    }
    ensure!(seats.len() != 1 && seats.len() <= rule::GUARDIANS_MAX, BadGuardians {});
    forget_asks(cx, account)?;
    let list = st().accounts.of(account).guardians;
    for index in 0..list.len(cx)? {
        list.of(index).set(cx, Seat::default())?;
    }
    list.truncate(cx, 0)?;
    for seat in &seats {
        list.push(cx)?.1.set(cx, *seat)?;
    }
    cx.emit(GuardiansSet { account, count: seats.len() as u64 })
}

/// The recovery of an account that is open at this second.
pub(super) fn current(cx: &mut Cx<'_>, account: Address) -> Res<Option<u64>> {
    let id = st().accounts.of(account).recovery.get(cx)?;
    if id == 0 {
        return Ok(None);
    }
    let row = existing(cx, id)?;
    Ok((stage(cx, &row)? == Stage::Open).then_some(id))
}

fn only_closed(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    if let Some(id) = current(cx, account)? {
        return Err(RecoveryOpen { account, id }.into());
    }
    Ok(())
}

fn existing(cx: &mut Cx<'_>, id: u64) -> Res<RecoveryRow> {
    let known = id != 0 && id <= st().recoveries.len(cx)?;
    ensure!(known, NoSuchRecovery { id });
    Ok(st().recoveries.of(id.wrapping_sub(1)))
}

/// The stage of now: nobody writes down that a recovery lapsed.
pub(super) fn stage(cx: &mut Cx<'_>, row: &RecoveryRow) -> Res<Stage> {
    let stage = row.head.get(cx)?.stage;
    let lapsed = stage == Stage::Open && cx.now() >= row.times.get(cx)?.lapses_at;
    Ok(if lapsed { Stage::Lapsed } else { stage })
}

fn forget_asks(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    for seat in 0..rule::GUARDIANS_MAX as u64 {
        let row = st().accounts.of(account).asks.of(seat);
        row.head.set(cx, AskHead::default())?;
        row.by.set(cx, Address::ZERO)?;
        row.freeze.set(cx, FreezeAsk::default())?;
    }
    Ok(())
}

/// The seat that the caller fills: a seat of their own before one of an office.
fn seat_of_caller(cx: &mut Cx<'_>, account: Address) -> Res<u64> {
    let (list, caller) = (st().accounts.of(account).guardians, cx.caller);
    let len = list.len(cx)?;
    for by_office in [false, true] {
        for index in 0..len {
            let seat = list.of(index).get(cx)?;
            let fills = if by_office {
                seat.account.is_zero() && roles::holds(cx, caller, seat.office)?
            } else {
                seat.account == caller
            };
            if fills {
                return Ok(index);
            }
        }
    }
    Err(NotGuardian { account, caller }.into())
}

/// Asks for a new root key. The second guardian who asks for the same key within 7 days of the first opens
/// the recovery; one person who fills two seats counts once.
///
/// Caller: a guardian. Answers the number of the recovery, 0 where one guardian more must ask.
///
/// # Errors
/// - [`NotGuardian`], [`RecoveryOpen`].
/// - [`BadKey`], [`BadSuite`], [`KeyKnown`]: not a key to come.
pub(super) fn ask(cx: &mut Cx<'_>, c: &askRecoveryCall) -> Res<u64> {
    let (account, caller, now) = (c.account, cx.caller, cx.now());
    let seat = seat_of_caller(cx, account)?;
    only_closed(cx, account)?;
    keys::check_key(cx, account, c.key, c.suite)?;
    let asks = st().accounts.of(account).asks;
    let mine = asks.of(seat);
    mine.head.set(cx, AskHead { key: c.key, suite: c.suite, at: now })?;
    mine.by.set(cx, caller)?;
    cx.emit(RecoveryAsked { account, key: c.key, by: caller })?;
    for other in (0..rule::GUARDIANS_MAX as u64).filter(|other| *other != seat) {
        let (head, by) = (asks.of(other).head.get(cx)?, asks.of(other).by.get(cx)?);
        let same = (head.key, head.suite) == (c.key, c.suite);
        if same && by != caller && rule::is_fresh(head.at, rule::ASK_SECONDS, now) {
            let people = (by, caller, B256::ZERO);
            return open(cx, (account, c.key, c.suite), rule::WAIT_SECONDS, people);
        }
    }
    Ok(0)
}

/// Opens a recovery by a document that the registrar saw.
///
/// Caller: registrar.
///
/// # Errors
/// - `NotPermitted`.
/// - [`NoDocument`]: a hash of zero.
/// - [`NotResident`]: the account acts for no owner. Accounts of members, banks and offices alone are not
///   the registrar's to give away.
/// - [`RecoveryOpen`], [`BadKey`], [`BadSuite`], [`KeyKnown`].
pub(super) fn open_by_document(cx: &mut Cx<'_>, c: &openRecoveryCall) -> Res<u64> {
    roles::allow::<openRecoveryCall>(cx)?;
    ensure!(!c.document.is_zero(), NoDocument {});
    let account = c.account;
    let owner = registry::owner_of(cx, account)?;
    ensure!(!owner.is_zero() && !is_nobody(&account), NotResident { account });
    only_closed(cx, account)?;
    keys::check_key(cx, account, c.key, c.suite)?;
    let people = (cx.caller, Address::ZERO, c.document);
    open(cx, (account, c.key, c.suite), rule::WAIT_REGISTRAR_SECONDS, people)
}

fn open(
    cx: &mut Cx<'_>,
    (account, key, suite): (Address, Address, Suite),
    wait: u64,
    (first, second, document): (Address, Address, B256),
) -> Res<u64> {
    let opened_at = cx.now();
    let ready_at = exact(opened_at.checked_add(wait))?;
    let lapses_at = exact(ready_at.checked_add(rule::FINISH_SECONDS))?;
    let (index, row) = st().recoveries.push(cx)?;
    let id = exact(index.checked_add(1))?;
    row.head.set(cx, RecoveryHead { key, suite, stage: Stage::Open })?;
    row.times.set(cx, RecoveryTimes { opened_at, ready_at, lapses_at, ended_at: 0 })?;
    row.account.set(cx, account)?;
    row.first.set(cx, first)?;
    row.second.set(cx, second)?;
    row.document.set(cx, document)?;
    st().accounts.of(account).recovery.set(cx, id)?;
    cx.emit(RecoveryOpened {
        id,
        account,
        key,
        readyAt: ready_at,
        lapsesAt: lapses_at,
        document,
    })?;
    Ok(id)
}

/// Ends the open recovery of an account, and what its guardians asked for.
///
/// Caller: the account, or a living key of it; also while it is frozen, and also after the waiting period
/// as long as nobody finished.
///
/// # Errors
/// - [`NotYours`].
/// - [`NoSuchRecovery`]: none is open.
pub(super) fn veto(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    keys::only_own(cx, account)?;
    let Some(id) = current(cx, account)? else { return Err(NoSuchRecovery { id: 0 }.into()) };
    close(cx, id, Stage::Vetoed)?;
    forget_asks(cx, account)?;
    let by = cx.caller;
    cx.emit(RecoveryVetoed { id, account, by })
}

fn close(cx: &mut Cx<'_>, id: u64, stage: Stage) -> Res<()> {
    let (row, now) = (existing(cx, id)?, cx.now());
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    row.head.set(cx, RecoveryHead { stage, ..head })?;
    row.times.set(cx, RecoveryTimes { ended_at: now, ..times })
}

/// Gives an account its new root key: every key of before ends, and so does a freeze.
///
/// Caller: anyone.
///
/// # Errors
/// - [`NoSuchRecovery`].
/// - [`RecoveryOver`]: done, vetoed or lapsed.
/// - [`TooEarly`]: the waiting period is not over.
/// - [`KeyKnown`]: the account made the key one of its own meanwhile.
pub(super) fn finish(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    let row = existing(cx, id)?;
    let stage = stage(cx, &row)?;
    ensure!(stage == Stage::Open, RecoveryOver { id, stage });
    let (head, times) = (row.head.get(cx)?, row.times.get(cx)?);
    ensure!(cx.now() >= times.ready_at, TooEarly { id, readyAt: times.ready_at });
    let account = row.account.get(cx)?;
    keys::check_key(cx, account, head.key, head.suite)?;
    close(cx, id, Stage::Done)?;
    keys::revoke_all(cx, account)?;
    forget_asks(cx, account)?;
    let old_root = standing(cx, account)?.root;
    let lost = st().accounts.of(account).known.of(old_root).head;
    let now = cx.now();
    lost.set(cx, KeyHead { over_at: now, ..Default::default() })?;
    if old_root == account {
        let gate = st().gate.get(cx)?;
        st().gate.set(cx, Gate { moved: exact(gate.moved.checked_add(1))?, ..gate })?;
    }
    let (root, suite) = (head.key, head.suite);
    set_standing(cx, account, Standing { root, suite, frozen_until: 0, code: FreezeCode::None })?;
    cx.emit(RecoveryDone { id, account, oldRoot: old_root, newRoot: root })
}

/// Asks for a freeze. The second guardian who asks within 7 days of the first freezes the account for 14
/// days, or as long as it is frozen already where that is longer.
///
/// Caller: a guardian.
///
/// # Errors
/// - [`NotGuardian`], [`NoCode`].
pub(super) fn ask_freeze(cx: &mut Cx<'_>, c: &askFreezeCall) -> Res<()> {
    let (account, by, at) = (c.account, cx.caller, cx.now());
    let seat = seat_of_caller(cx, account)?;
    ensure!(c.code != FreezeCode::None, NoCode {});
    let asks = st().accounts.of(account).asks;
    asks.of(seat).freeze.set(cx, FreezeAsk { by, at })?;
    cx.emit(FreezeAsked { account, by, code: c.code })?;
    for other in (0..rule::GUARDIANS_MAX as u64).filter(|other| *other != seat) {
        let ask = asks.of(other).freeze.get(cx)?;
        if ask.by != by && rule::is_fresh(ask.at, rule::ASK_SECONDS, at) {
            // Asked and done: another freeze needs two again.
            for seat in [seat, other] {
                asks.of(seat).freeze.set(cx, FreezeAsk::default())?;
            }
            let until_at = exact(at.checked_add(rule::FREEZE_GUARDIANS_SECONDS))?;
            let until_at = until_at.max(standing(cx, account)?.frozen_until);
            return keys::write_freeze(cx, account, until_at, c.code);
        }
    }
    Ok(())
}
