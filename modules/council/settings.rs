//! What the council sets for the ledger itself: parameters, releases, frozen accounts, who may deploy.

use tulou_primitives::{Genesis, Suite};

use super::*;

/// A parameter: its name and its bounds.
type Bounds = (&'static str, u64, u64);

/// Gas of one block: never less than one transaction may ask for.
const GAS_LIMIT: Bounds = ("block.gas_limit", 1 << 24, 1_000_000_000);
/// Whether every account may create contracts.
const DEPLOY_OPEN: Bounds = ("deploy.open", 0, 1);
/// Longest freeze of an account in days.
const FREEZE_DAYS: Bounds = ("freeze.days", 1, 180);
/// Heights between scheduling a release and its first height, at least.
const RELEASE_NOTICE: Bounds = ("release.notice_heights", 10, 1_000_000);
/// Days in which a carried proposal may be executed after its delay.
const OPEN_DAYS: Bounds = ("proposal.open_days", 1, 180);

/// Kinds of keys that may sign transactions: the sum of 1 secp256k1, 2 P-256, 4 SM2. Never none.
const SUITES: Bounds = ("suites", 1, Suite::ALL_BITS as u64);

const PARAMETERS: [Bounds; 6] =
    [GAS_LIMIT, DEPLOY_OPEN, FREEZE_DAYS, RELEASE_NOTICE, OPEN_DAYS, SUITES];

/// Codes of reasons for which an account is frozen, as in `ICouncil.Freeze`.
const FREEZE_CODES: core::ops::RangeInclusive<u16> = 1..=4;

fn bounds(name: &str) -> Res<Bounds> {
    let found = PARAMETERS.into_iter().find(|(known, ..)| *known == name);
    found.ok_or_else(|| NoSuchParameter { name: name.into() }.into())
}

fn value(gate: &Gate, limits: &Limits, name: &str) -> u64 {
    match name {
        n if n == GAS_LIMIT.0 => gate.gas_limit,
        n if n == DEPLOY_OPEN.0 => u64::from(!gate.deploy_closed),
        n if n == FREEZE_DAYS.0 => limits.freeze_days.into(),
        n if n == RELEASE_NOTICE.0 => limits.release_notice.into(),
        n if n == SUITES.0 => (Suite::ALL_BITS & !gate.suites_closed).into(),
        _ => limits.open_days.into(),
    }
}

/// One parameter with its bounds.
///
/// # Errors
/// - [`NoSuchParameter`].
pub(super) fn parameter(cx: &mut Cx<'_>, name: &str) -> Res<Parameter> {
    let (_, least, most) = bounds(name)?;
    let (gate, limits) = (st().gate.get(cx)?, st().limits.get(cx)?);
    Ok(Parameter { name: name.into(), value: value(&gate, &limits, name), least, most })
}

/// All parameters.
pub(super) fn parameters(cx: &mut Cx<'_>) -> Res<Vec<Parameter>> {
    PARAMETERS.into_iter().map(|(name, ..)| parameter(cx, name)).collect()
}

/// Sets a parameter. Counts from the next block on.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`], [`NoSuchParameter`].
/// - [`OutOfBounds`].
pub(super) fn set_parameter(cx: &mut Cx<'_>, name: &str, value: u64) -> Res<()> {
    only(cx)?;
    let (_, least, most) = bounds(name)?;
    let fits = (least..=most).contains(&value);
    ensure!(fits, OutOfBounds { name: name.into(), value, least, most });
    let (mut gate, mut limits) = (st().gate.get(cx)?, st().limits.get(cx)?);
    // The bounds of all but the gas limit lie far within 32 bits.
    let small = exact(u32::try_from(value).ok())?;
    match name {
        n if n == GAS_LIMIT.0 => gate.gas_limit = value,
        n if n == DEPLOY_OPEN.0 => gate.deploy_closed = value == 0,
        n if n == FREEZE_DAYS.0 => limits.freeze_days = small,
        n if n == RELEASE_NOTICE.0 => limits.release_notice = small,
        // Kept as what is closed: a ledger that never asked accepts every kind.
        n if n == SUITES.0 => gate.suites_closed = Suite::ALL_BITS & !small.to_le_bytes()[0],
        _ => limits.open_days = small,
    }
    st().gate.set(cx, gate)?;
    st().limits.set(cx, limits)?;
    cx.emit(ParameterSet { name: name.into(), value })
}

/// Schedules a release, or moves the last one where its height has not come.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`].
/// - [`BadRelease`]: number or height does not rise.
/// - [`ReleaseTooSoon`]: fewer than `release.notice_heights` ahead.
pub(super) fn schedule_release(cx: &mut Cx<'_>, release: u32, height: u64) -> Res<()> {
    only(cx)?;
    let (releases, now) = (st().releases, cx.host.height());
    let len = releases.len(cx)?;
    let last = releases.of(len.saturating_sub(1)).get(cx)?;
    let moves = len > 1 && release == last.release && last.height > now;
    let before = if moves { releases.of(len - 2).get(cx)? } else { last };
    ensure!(
        release > before.release && height > before.height,
        BadRelease {
            release,
            height,
            lastRelease: before.release,
            lastHeight: before.height,
        }
    );
    let notice = st().limits.get(cx)?.release_notice.into();
    let earliest = exact(now.checked_add(notice))?;
    ensure!(height >= earliest, ReleaseTooSoon { height, earliest });
    let row = if moves { releases.of(len - 1) } else { releases.push(cx)?.1 };
    row.set(cx, ReleaseRow { release, height })?;
    cx.emit(ReleaseScheduled { release, height })
}

/// The release in force at a height, by what is scheduled today.
pub fn release_at(cx: &mut Cx<'_>, height: u64) -> Res<u32> {
    cx.on(crate::COUNCIL, |cx| {
        let releases = st().releases;
        for index in (0..releases.len(cx)?).rev() {
            let row = releases.of(index).get(cx)?;
            if row.height <= height {
                return Ok(row.release);
            }
        }
        Ok(0)
    })
}

/// All releases in the order of their heights: number and first height.
pub fn all_releases(cx: &mut Cx<'_>) -> Res<Vec<(u32, u64)>> {
    cx.on(crate::COUNCIL, |cx| {
        let releases = st().releases;
        let mut all = Vec::new();
        for index in 0..releases.len(cx)? {
            let row = releases.of(index).get(cx)?;
            all.push((row.release, row.height));
        }
        Ok(all)
    })
}

/// The release in force in this block.
pub fn release(cx: &mut Cx<'_>) -> Res<u32> {
    let height = cx.host.height();
    release_at(cx, height)
}

/// Freezes an account from the next block until a time, or changes the freeze that it has.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`].
/// - [`CannotFreeze`]: nobody, a module, or an account that speaks for a member: the council does not
///   silence its own.
/// - [`NoSuchCode`], [`BadReason`].
/// - [`BadFreeze`]: over already, or longer than `freeze.days`.
pub(super) fn freeze(cx: &mut Cx<'_>, c: &freezeAccountCall) -> Res<()> {
    only(cx)?;
    let (account, now) = (c.account, cx.now());
    let speaks = st().by_account.of(account).get(cx)? != 0;
    let may = !account.is_zero() && !crate::is_native(&account) && !speaks;
    ensure!(may, CannotFreeze { account });
    ensure!(FREEZE_CODES.contains(&c.code), NoSuchCode { code: c.code });
    check_reason(&c.reason)?;
    let days = u64::from(st().limits.get(cx)?.freeze_days);
    let latest = exact(now.checked_add(days * DAY))?;
    let fits = c.untilAt > now && c.untilAt <= latest;
    ensure!(fits, BadFreeze { untilAt: c.untilAt, latestUntilAt: latest });
    let row = st().frozen.of(account);
    if row.head.get(cx)?.until_at == 0 {
        count_freezes(cx, |count| count.checked_add(1))?;
    }
    row.head.set(cx, FreezeHead { until_at: c.untilAt, from_at: now, code: c.code })?;
    row.reason.set(cx, &c.reason)?;
    let (code, reason) = (c.code, c.reason.clone());
    cx.emit(AccountFrozen { account, untilAt: c.untilAt, code, reason })
}

/// Keeps the number of freezes that were not lifted, so that a ledger without any asks no further.
fn count_freezes(cx: &mut Cx<'_>, change: impl FnOnce(u32) -> Option<u32>) -> Res<()> {
    let gate = st().gate.get(cx)?;
    let freezes = exact(change(gate.freezes))?;
    st().gate.set(cx, Gate { freezes, ..gate })
}

/// Lifts a freeze early.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`].
/// - [`NotFrozen`]: not now.
/// - [`BadReason`].
pub(super) fn unfreeze(cx: &mut Cx<'_>, account: Address, reason: &str) -> Res<()> {
    only(cx)?;
    let row = st().frozen.of(account);
    let head = row.head.get(cx)?;
    ensure!(head.until_at > cx.now(), NotFrozen { account });
    check_reason(reason)?;
    row.head.set(cx, FreezeHead { until_at: 0, ..head })?;
    row.reason.set(cx, reason)?;
    count_freezes(cx, |count| count.checked_sub(1))?;
    cx.emit(AccountUnfrozen { account, reason: reason.into() })
}

/// The last freeze of an account; all zero where there was none.
pub fn freeze_of(cx: &mut Cx<'_>, account: Address) -> Res<FreezeHead> {
    cx.on(crate::COUNCIL, |cx| st().frozen.of(account).head.get(cx))
}

/// Lets an account create contracts, or no longer.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`].
/// - [`BadAccount`]: nobody, or a module.
pub(super) fn allow_deployer(cx: &mut Cx<'_>, account: Address, allowed: bool) -> Res<()> {
    only(cx)?;
    ensure!(!account.is_zero() && !crate::is_native(&account), BadAccount { account });
    st().deployers.of(account).set(cx, allowed)?;
    cx.emit(DeployerSet { account, allowed })
}

/// Whether the council allowed this account to create contracts.
pub fn is_deployer(cx: &mut Cx<'_>, account: Address) -> Res<bool> {
    cx.on(crate::COUNCIL, |cx| st().deployers.of(account).get(cx))
}

/// Whether an account may create contracts.
pub(super) fn may_deploy(cx: &mut Cx<'_>, account: Address) -> Res<bool> {
    Ok(!st().gate.get(cx)?.deploy_closed || is_deployer(cx, account)?)
}

/// Writes the first parameters and the first release.
pub(super) fn genesis(cx: &mut Cx<'_>, genesis: &Genesis, governed: bool) -> Res<()> {
    st().gate.set(cx, Gate {
        gas_limit: genesis.gas_limit,
        freezes: 0,
        deploy_closed: governed,
        suites_closed: 0,
    })?;
    st().limits.set(cx, Limits { freeze_days: 90, release_notice: 100, open_days: 30 })?;
    let first = ReleaseRow { release: genesis.release, height: 0 };
    st().releases.push(cx)?.1.set(cx, first)
}
