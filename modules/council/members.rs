//! Who the members are, what they weigh, and how they decide.

use tulou_primitives::{Genesis, Share};

use super::rule::{Part, Thresholds, Unfit};
use super::*;

/// Longest name in bytes.
const NAME_BYTES_MAX: u64 = 100;
/// Most members that are ever numbered: a proposal keeps its votes as bits of one word.
const MEMBERS_MAX: u64 = 255;
/// Shortest and longest voting and delay. Without a delay there would be no time for a veto.
const PERIOD_SECONDS: (u64, u64) = (1, 90 * DAY);

/// The row of a member.
pub(super) fn row(id: u64) -> MemberRow {
    st().members.of(id.saturating_sub(1))
}

/// Weights of all members there ever were, by place; 0 for those that ended.
pub(super) fn weights(cx: &mut Cx<'_>) -> Res<Vec<u32>> {
    let members = st().members;
    (0..members.len(cx)?).map(|index| Ok(members.of(index).seat.get(cx)?.weight)).collect()
}

/// Number of the member for which an account speaks; 0 for none.
pub fn member_of(cx: &mut Cx<'_>, account: Address) -> Res<u64> {
    cx.on(crate::COUNCIL, |cx| st().by_account.of(account).get(cx))
}

/// The account that speaks for a member; zero where the member has none or there is no such member.
pub fn account_of(cx: &mut Cx<'_>, id: u64) -> Res<Address> {
    cx.on(crate::COUNCIL, |cx| Ok(row(id).seat.get(cx)?.account))
}

/// A member whose membership lasts.
fn current(cx: &mut Cx<'_>, id: u64) -> Res<MemberRow> {
    let known = id != 0 && id <= st().members.len(cx)? && row(id).span.get(cx)?.until_at == 0;
    ensure!(known, NoSuchMember { id });
    Ok(row(id))
}

/// Refuses weights with which one member would decide, or too few would.
fn check_weights(cx: &mut Cx<'_>) -> Res<()> {
    let participation = thresholds(&st().shares.get(cx)?).participation;
    rule::fit(&weights(cx)?, participation).map_err(|unfit| {
        let member = |index: usize| index as u64 + 1;
        match unfit {
            Unfit::TooFew { governors } => {
                TooFewGovernors { left: governors, least: rule::GOVERNORS_MIN }.into()
            }
            Unfit::TooHeavy { index, weight, most } => {
                TooHeavy { member: member(index), weight, most }.into()
            }
            Unfit::Alone { index, weight, total } => {
                DecidesAlone { member: member(index), weight, total }.into()
            }
        }
    })
}

/// Whether an account may come to speak for a member: one that is frozen could neither vote nor be freed by
/// its own vote.
fn check_account(cx: &mut Cx<'_>, account: Address) -> Res<()> {
    let frozen = st().frozen.of(account).head.get(cx)?.until_at > cx.now();
    let may = !account.is_zero() && !crate::is_native(&account) && !frozen;
    ensure!(may, BadAccount { account });
    let member = st().by_account.of(account).get(cx)?;
    ensure!(member == 0, AccountTaken { account, member });
    Ok(())
}

/// Takes in a member.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`].
/// - [`BadName`].
/// - [`BadAccount`]: nobody, a module, or frozen.
/// - [`AccountTaken`].
/// - [`TooManyMembers`]: 255 were numbered.
/// - [`TooFewGovernors`], [`TooHeavy`], [`DecidesAlone`]: with it the weights would be no council's.
pub(super) fn add(cx: &mut Cx<'_>, c: &addMemberCall) -> Res<u64> {
    only(cx)?;
    let given = c.name.len() as u64;
    ensure!(
        (1..=NAME_BYTES_MAX).contains(&given),
        BadName { bytesGiven: given, bytesMost: NAME_BYTES_MAX }
    );
    check_account(cx, c.account)?;
    ensure!(st().members.len(cx)? < MEMBERS_MAX, TooManyMembers { most: MEMBERS_MAX });
    settle_all(cx)?;
    let id = write(cx, &c.name, c.account, c.weight)?;
    check_weights(cx)?;
    settle_all(cx)?;
    cx.emit(MemberAdded { id, name: c.name.clone(), account: c.account, weight: c.weight })?;
    Ok(id)
}

fn write(cx: &mut Cx<'_>, name: &str, account: Address, weight: u32) -> Res<u64> {
    let (index, row) = st().members.push(cx)?;
    let id = exact(index.checked_add(1))?;
    row.seat.set(cx, Seat { account, weight })?;
    row.span.set(cx, Span { since_at: cx.now(), until_at: 0 })?;
    row.name.set(cx, name)?;
    if !account.is_zero() {
        st().by_account.of(account).set(cx, id)?;
    }
    Ok(id)
}

/// Ends a membership: its votes on what is not yet executed no longer count.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`], [`NoSuchMember`].
/// - [`TooFewGovernors`], [`TooHeavy`], [`DecidesAlone`]: without it the weights would be no council's.
pub(super) fn end(cx: &mut Cx<'_>, id: u64) -> Res<()> {
    only(cx)?;
    let row = current(cx, id)?;
    settle_all(cx)?;
    let (seat, span) = (row.seat.get(cx)?, row.span.get(cx)?);
    row.seat.set(cx, Seat { weight: 0, ..seat })?;
    row.span.set(cx, Span { until_at: cx.now(), ..span })?;
    st().by_account.of(seat.account).set(cx, 0)?;
    check_weights(cx)?;
    settle_all(cx)?;
    cx.emit(MemberEnded { id })
}

/// Changes a member's weight.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`], [`NoSuchMember`].
/// - [`TooFewGovernors`], [`TooHeavy`], [`DecidesAlone`]: the weights would be no council's.
pub(super) fn set_weight(cx: &mut Cx<'_>, id: u64, weight: u32) -> Res<()> {
    only(cx)?;
    let row = current(cx, id)?;
    settle_all(cx)?;
    let seat = row.seat.get(cx)?;
    row.seat.set(cx, Seat { weight, ..seat })?;
    check_weights(cx)?;
    settle_all(cx)?;
    cx.emit(WeightSet { id, weight })
}

/// Lets another account speak for a member, whose key is lost or replaced. Its votes stay.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`], [`NoSuchMember`].
/// - [`BadAccount`]: nobody, a module, or frozen.
/// - [`AccountTaken`].
pub(super) fn set_account(cx: &mut Cx<'_>, id: u64, account: Address) -> Res<()> {
    only(cx)?;
    let row = current(cx, id)?;
    check_account(cx, account)?;
    let seat = row.seat.get(cx)?;
    st().by_account.of(seat.account).set(cx, 0)?;
    st().by_account.of(account).set(cx, id)?;
    row.seat.set(cx, Seat { account, ..seat })?;
    cx.emit(AccountSet { id, account })
}

/// The three thresholds as stored.
pub(super) fn thresholds(shares: &Shares) -> Thresholds {
    let part = |num, den| Part { num, den };
    Thresholds {
        participation: part(shares.participation_num, shares.participation_den),
        majority: part(shares.majority_num, shares.majority_den),
        veto: part(shares.veto_num, shares.veto_den),
    }
}

/// How the council decides.
pub(super) fn rules(cx: &mut Cx<'_>) -> Res<ICouncil::Rules> {
    let (shares, periods) = (st().shares.get(cx)?, st().periods.get(cx)?);
    Ok(ICouncil::Rules {
        participationNum: shares.participation_num,
        participationDen: shares.participation_den,
        majorityNum: shares.majority_num,
        majorityDen: shares.majority_den,
        vetoNum: shares.veto_num,
        vetoDen: shares.veto_den,
        votingSeconds: periods.voting,
        delaySeconds: periods.delay,
    })
}

/// Changes how the council decides.
///
/// Caller: the council.
///
/// # Errors
/// - [`OnlyCouncil`].
/// - [`BadShare`]: participation, majority or veto, in this order, is 0 or above 1.
/// - [`BadTime`]: voting or delay, in this order, is under a second or over 90 days.
/// - [`DecidesAlone`]: a member would reach the participation alone.
pub(super) fn set_rules(cx: &mut Cx<'_>, rules: &ICouncil::Rules) -> Res<()> {
    only(cx)?;
    check_rules(rules)?;
    settle_all(cx)?;
    write_rules(cx, rules)?;
    check_weights(cx)?;
    settle_all(cx)?;
    cx.emit(RulesSet { rules: rules.clone() })
}

fn check_rules(r: &ICouncil::Rules) -> Res<()> {
    for (num, den) in [
        (r.participationNum, r.participationDen),
        (r.majorityNum, r.majorityDen),
        (r.vetoNum, r.vetoDen),
    ] {
        ensure!(Part { num, den }.is_share(), BadShare { num, den });
    }
    let (least, most) = PERIOD_SECONDS;
    for given in [r.votingSeconds, r.delaySeconds] {
        ensure!((least..=most).contains(&given), BadTime { given, least, most });
    }
    Ok(())
}

fn write_rules(cx: &mut Cx<'_>, r: &ICouncil::Rules) -> Res<()> {
    st().shares.set(cx, Shares {
        participation_num: r.participationNum,
        participation_den: r.participationDen,
        majority_num: r.majorityNum,
        majority_den: r.majorityDen,
        veto_num: r.vetoNum,
        veto_den: r.vetoDen,
    })?;
    st().periods.set(cx, Periods { voting: r.votingSeconds, delay: r.delaySeconds })
}

/// Writes members, rules, parameters and the first release before the first block. Runs as this module.
/// A ledger whose members all have weight 0 has no council: its own calls are refused to everybody, and
/// everybody may create contracts.
///
/// # Errors
/// - `Fault::Fatal`, in words: more than 255 members; a member without a name, or with an account that
///   is none or another member's; one or two governors; a member that decides alone; a threshold of 0 or
///   above 1; a time that is too short or too long.
pub fn genesis(cx: &mut Cx<'_>, genesis: &Genesis) -> Res<()> {
    let bad = |reason: String| Fault::Fatal(format!("genesis: {reason}"));
    if genesis.members.len() as u64 > MEMBERS_MAX {
        return Err(bad(format!("more than {MEMBERS_MAX} members")));
    }
    let governed = genesis.members.iter().any(|member| member.weight > 0);
    for member in &genesis.members {
        let (name, account) = (&member.name, member.account);
        if !(1..=NAME_BYTES_MAX).contains(&(name.len() as u64)) {
            let length = name.len();
            return Err(bad(format!("the member name {name:?} has {length} bytes, not 1 to 100")));
        }
        if crate::is_native(&account) || (account.is_zero() && member.weight > 0) {
            return Err(bad(format!("{account} cannot be the account of {name}")));
        }
        if !account.is_zero() && st().by_account.of(account).get(cx)? != 0 {
            return Err(bad(format!("{account} is the account of {name} and of another member")));
        }
        write(cx, name, account, member.weight)?;
    }
    let rules = first_rules(genesis);
    write_rules(cx, &rules)?;
    if governed {
        check_rules(&rules).map_err(|fault| {
            let share = fault.refusal::<BadShare>().is_some();
            let what = if share { "a threshold" } else { "a time" };
            bad(format!("{what} of the council cannot be: {:?}", genesis.council))
        })?;
        let participation = part(genesis.council.participation);
        let weights = weights(cx)?;
        rule::fit(&weights, participation).map_err(|unfit| bad(unfit.to_string()))?;
    }
    settings::genesis(cx, genesis, governed)
}

fn part(share: Share) -> Part {
    Part { num: share.num, den: share.den }
}

fn first_rules(genesis: &Genesis) -> ICouncil::Rules {
    let council = &genesis.council;
    ICouncil::Rules {
        participationNum: council.participation.num,
        participationDen: council.participation.den,
        majorityNum: council.majority.num,
        majorityDen: council.majority.den,
        vetoNum: council.veto.num,
        vetoDen: council.veto.den,
        votingSeconds: council.voting_s,
        delaySeconds: council.delay_s,
    }
}
