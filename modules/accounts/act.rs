//! Whether a key may sign for an account, and what a call spends.

use super::*;

/// One call of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who is called; `None` creates a contract.
    pub to: Option<Address>,
    /// Native value in wei.
    pub value: U256,
    /// Calldata.
    pub input: &'a [u8],
}

/// Where a call goes, for the tables below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// A module.
    At(Address),
    /// Any asset of `money`.
    Asset,
}

impl Face {
    fn matches(self, to: &Address) -> bool {
        match self {
            Self::At(module) => module == *to,
            Self::Asset => money::is_asset(to),
        }
    }
}

/// What moves the account's money: the call, and which argument is the amount in fen, counted from 0.
/// Amounts are words of their own in all of them, before any argument of variable length.
pub(super) const SPENDS: &[(Face, [u8; 4], usize)] = &[
    (Face::Asset, money::IToken::transferCall::SELECTOR, 1),
    (Face::Asset, money::IToken::approveCall::SELECTOR, 1),
    (Face::Asset, money::IToken::transferFromCall::SELECTOR, 2),
    (Face::Asset, money::IToken::transferWithMemoCall::SELECTOR, 1),
    (Face::At(address::money), money::IMoney::holdCall::SELECTOR, 2),
    (Face::At(address::money), money::IMoney::captureCall::SELECTOR, 2),
];

/// What needs the root key whatever a scope says; `None` stands for every call of the module. Calls that an
/// office restricts need it too.
pub(super) const NEVER: &[(Address, Option<[u8; 4]>)] = &[
    (address::accounts, None),
    (crate::COUNCIL, None),
    (address::roles, None),
    (crate::address::validators, None),
    (crate::address::rules, None),
    (address::decisions, Some(decisions::IDecisions::castCall::SELECTOR)),
    (address::decisions, Some(decisions::IDecisions::castForCall::SELECTOR)),
];

/// What every living key may do whatever its scope says, because it can only stop harm.
pub(super) const ALWAYS: &[[u8; 4]] = &[vetoRecoveryCall::SELECTOR, freezeCall::SELECTOR];

/// Whether a call is never a device key's. A zero selector in a scope stands for all calls of the target.
pub(super) fn is_never(to: &Address, selector: Option<[u8; 4]>) -> bool {
    let listed =
        NEVER.iter().any(|(at, call)| at == to && call.is_none_or(|call| Some(call) == selector));
    let restricted = crate::ALL.iter().filter(|module| module.address == *to).any(|module| {
        module.permits.iter().any(|(_, permitted, _)| Some(*permitted) == selector)
    });
    listed || restricted
}

/// What a call takes from the account's money in fen. An amount that is not there, because the calldata is
/// too short, is none: the call itself will be refused.
pub(super) fn spent(to: &Address, input: &[u8]) -> U256 {
    let Some((selector, arguments)) = input.split_at_checked(4) else { return U256::ZERO };
    let row = SPENDS.iter().find(|(face, call, _)| face.matches(to) && call == selector);
    let word = row.and_then(|(_, _, index)| arguments.chunks_exact(32).nth(*index));
    word.map_or(U256::ZERO, U256::from_be_slice)
}

/// What a key may do: everything, or what its scope and limit allow.
pub(super) enum Power {
    /// The root key of an account that is not frozen.
    Whole,
    /// The root key of a frozen account.
    Accounts,
    /// A device key.
    Scoped(KeyRow),
}

/// Whether a key may sign these calls for an account at `now` (seconds since 1970), all together. Writes
/// nothing: it is the question at the door of a node. Answers what a device key spends by it in fen, 0 for
/// the root key.
///
/// # Errors
/// - [`RootMoved`]: the account's own key, after a recovery.
/// - [`NoSuchKey`], [`KeyOver`].
/// - [`BadSuite`]: the key signs in another way than it was authorised for.
/// - [`AccountFrozen`].
/// - [`NeverForKeys`]: a ballot, an act of an office or the council, a change of keys, a creation.
/// - [`OutOfScope`]: not in the scope, or with native value.
/// - [`OverLimit`].
pub fn may_act(
    cx: &mut Cx<'_>,
    account: Address,
    (key, suite): (Address, Suite),
    acts: &[Act<'_>],
    now: u64,
) -> Res<Fen> {
    cx.on(address::accounts, |cx| {
        let power = power(cx, account, (key, Some(suite)), now)?;
        let mut asked = U256::ZERO;
        for act in acts {
            let selector = act.input.first_chunk::<4>().copied();
            check(cx, account, key, &power, (act.to, selector, act.value), now)?;
            let to = act.to.unwrap_or_default();
            asked = asked.saturating_add(spent(&to, act.input));
        }
        match power {
            Power::Scoped(row) => within_limit(cx, (account, key), &row, asked, now),
            _ => Ok(Fen::default()),
        }
    })
}

/// The call that goes before those of a transaction that a key signed for an account: in the block it asks
/// again whether the key lives, and counts what it spends, nothing for the root key. `None` where every
/// call can only stop harm.
pub fn counting(key: Address, acts: &[Act<'_>]) -> Option<Vec<u8>> {
    let stops_harm = |act: &Act<'_>| {
        let call = act.input.first_chunk::<4>();
        act.to == Some(address::accounts) && call.is_some_and(|call| ALWAYS.contains(call))
    };
    if acts.iter().all(stops_harm) {
        return None;
    }
    let amounts = acts.iter().map(|act| spent(&act.to.unwrap_or_default(), act.input));
    let amount = amounts.fold(U256::ZERO, U256::saturating_add);
    Some(useKeyCall { key, amountFen: amount }.abi_encode())
}

/// Counts what a key of the caller spends; what the root key does is not counted.
///
/// Caller: the account. The ledger itself makes this call before those that the key signed; made by
/// anybody else it only uses up a limit of one's own.
///
/// # Errors
/// - [`NoSuchKey`], [`KeyOver`], [`AccountFrozen`], [`OverLimit`].
pub(super) fn use_key(cx: &mut Cx<'_>, key: Address, amount: U256) -> Res<()> {
    let (account, now) = (cx.caller, cx.now());
    if key == standing(cx, account)?.root {
        return Ok(());
    }
    let row = st().accounts.of(account).known.of(key);
    living(cx, account, key, &row, now)?;
    only_unfrozen(cx, account)?;
    let amount = within_limit(cx, (account, key), &row, amount, now)?;
    if amount == Fen::default() {
        return Ok(());
    }
    let (head, old) = (row.head.get(cx)?, row.allowance.get(cx)?);
    let (window, _) = rule::window(head.since_at, old.period, now);
    let before = if window == old.window { old.spent } else { Fen::default() };
    let spent = exact(before.checked_add(amount))?;
    row.allowance.set(cx, Allowance { spent, window, ..old })
}

/// The suite of a device key that lives.
fn living(
    cx: &mut Cx<'_>,
    account: Address,
    key: Address,
    row: &KeyRow,
    now: u64,
) -> Res<Suite> {
    let head = row.head.get(cx)?;
    ensure!(head.since_at != 0 || head.over_at != 0, NoSuchKey { account, key });
    let over_at = if head.over_at != 0 { head.over_at } else { head.expires_at };
    ensure!(keys::is_living(&head, now), KeyOver { account, key, overAt: over_at });
    Ok(head.suite)
}

/// What a key may do for an account; with a suite, also whether it signs as it was authorised to.
pub(super) fn power(
    cx: &mut Cx<'_>,
    account: Address,
    (key, suite): (Address, Option<Suite>),
    now: u64,
) -> Res<Power> {
    let Standing { root, suite: root_suite, frozen_until, .. } = standing(cx, account)?;
    let same = |own: Suite| own == Suite::None || suite.is_none_or(|suite| suite == own);
    if key == root {
        ensure!(same(root_suite), BadSuite { key, suite: root_suite });
        return Ok(if now < frozen_until { Power::Accounts } else { Power::Whole });
    }
    ensure!(key != account, RootMoved { account, root });
    let row = st().accounts.of(account).known.of(key);
    let own = living(cx, account, key, &row, now)?;
    ensure!(same(own), BadSuite { key, suite: own });
    Ok(Power::Scoped(row))
}

/// Whether a key of this power may make one call, limits aside.
pub(super) fn check(
    cx: &mut Cx<'_>,
    account: Address,
    key: Address,
    power: &Power,
    (to, selector, value): (Option<Address>, Option<[u8; 4]>, U256),
    now: u64,
) -> Res<()> {
    let row = match power {
        Power::Whole => return Ok(()),
        Power::Accounts if to == Some(address::accounts) => return Ok(()),
        Power::Accounts => return Err(frozen(cx, account)?),
        Power::Scoped(row) => row,
    };
    let target = to.unwrap_or_default();
    let shown = selector.unwrap_or_default().into();
    let stops_harm = selector.is_some_and(|call| ALWAYS.contains(&call));
    if target == address::accounts && stops_harm && value.is_zero() {
        return Ok(());
    }
    if now < standing(cx, account)?.frozen_until {
        return Err(frozen(cx, account)?);
    }
    // What the account delegated to (EIP-7702) may do anything in its name.
    let never = to.is_none() || target == account || is_never(&target, selector);
    ensure!(!never, NeverForKeys { target, selector: shown });
    let mut listed = false;
    for index in 0..row.scope.len(cx)? {
        let entry = row.scope.of(index).get(cx)?;
        let named = selector.map(u32::from_be_bytes) == Some(entry.selector);
        listed |= entry.target == target && (entry.selector == 0 || named);
    }
    ensure!(listed && value.is_zero(), OutOfScope { account, key, target, selector: shown });
    Ok(())
}

fn frozen(cx: &mut Cx<'_>, account: Address) -> Res<Fault> {
    let until_at = standing(cx, account)?.frozen_until;
    Ok(AccountFrozen { account, untilAt: until_at }.into())
}

/// What a key has left in the period of `now`, and the first second of the next one.
pub(super) fn rest(cx: &mut Cx<'_>, row: &KeyRow, now: u64) -> Res<(u64, u64)> {
    let (head, allowance) = (row.head.get(cx)?, row.allowance.get(cx)?);
    if allowance.period == 0 {
        return Ok((0, 0));
    }
    let (window, next) = rule::window(head.since_at, allowance.period, now);
    let spent = if window == allowance.window { allowance.spent.0 } else { 0 };
    Ok((allowance.limit.0.saturating_sub(spent), next))
}

/// The amount, where the key has as much left.
pub(super) fn within_limit(
    cx: &mut Cx<'_>,
    (account, key): (Address, Address),
    row: &KeyRow,
    asked: U256,
    now: u64,
) -> Res<Fen> {
    let (left, resets_at) = rest(cx, row, now)?;
    let (asked_fen, rest_fen) = (asked, left);
    ensure!(
        asked <= U256::from(left),
        OverLimit {
            account,
            key,
            askedFen: asked_fen,
            restFen: rest_fen,
            resetsAt: resets_at
        }
    );
    Ok(Fen(asked.saturating_to()))
}
