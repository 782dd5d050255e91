use tulou_modules::validators::IValidators;

use super::*;
use crate::people::key;

ops! { "council": {
    "propose" => propose,
    "vote" => vote,
    "veto" => veto,
    "execute" => execute,
    "withdraw" => withdraw,
    "addMember" => add_member,
    "endMember" => end_member,
    "setWeight" => set_weight,
    "setAccount" => set_account,
    "setRules" => set_rules,
    "setParameter" => set_parameter,
    "scheduleRelease" => schedule_release,
    "freezeAccount" => freeze_account,
    "unfreezeAccount" => unfreeze_account,
    "allowDeployer" => allow_deployer,
} }

const AT: Address = address::council;

/// Any call of any module: permitted to the council or not.
fn propose(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let call = match g.source.byte() % 4 {
        0 => ICouncil::setWeightCall { id: 5, weight: 2 }.abi_encode(),
        1 => ICouncil::voteCall { id: 1, inFavour: true }.abi_encode(),
        2 => IValidators::dismissCall { key: key(g.source.below(6)) }.abi_encode(),
        _ => g.source.raw(20).to_vec(),
    };
    let target = g.source.pick(&[AT, AT, address::validators, address::funds, STRANGER]);
    let (title, text_hash) = (g.text(200), g.hash());
    let call = ICouncil::proposeCall { target, call: call.into(), title, textHash: text_hash };
    one(g.by(&MEMBERS[..5]), AT, &call)
}

/// A proposal, rather a young one.
fn proposal(g: &mut Gen<'_, '_>) -> u64 {
    let count = g.proposals();
    g.source.id(count)
}

fn vote(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (id, in_favour) = (proposal(g), !g.source.one_in(4));
    one(g.by(&MEMBERS), AT, &ICouncil::voteCall { id, inFavour: in_favour })
}

fn veto(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (id, reason) = (proposal(g), g.text(512));
    one(g.by(&MEMBERS[..5]), AT, &ICouncil::vetoCall { id, reason })
}

fn execute(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let id = proposal(g);
    one(g.anybody(), AT, &ICouncil::executeCall { id })
}

/// By the member that proposed it, as a rule, and while it is voted on.
fn withdraw(g: &mut Gen<'_, '_>) -> Vec<Move> {
    if g.source.one_in(3) {
        let id = proposal(g);
        return one(g.by(&MEMBERS[..5]), AT, &ICouncil::withdrawCall { id });
    }
    let id = g.proposals() + 1;
    let call = ICouncil::allowDeployerCall { account: STRANGER, allowed: true }.abi_encode().into();
    let (title, text_hash) = (g.text(200), g.hash());
    let call = ICouncil::proposeCall { target: AT, call, title, textHash: text_hash };
    let mut moves = one(MEMBERS[1], AT, &call);
    moves.extend(one(g.by(&[MEMBERS[1]]), AT, &ICouncil::withdrawCall { id }));
    moves
}

/// Number of a member, rather one that there is.
fn member(g: &mut Gen<'_, '_>) -> u64 {
    let all = g.see(AT, &ICouncil::membersCall { cursor: 0, limit: 200 }).items.len() as u64;
    g.source.id(all)
}

fn weight(g: &mut Gen<'_, '_>) -> u32 {
    g.source.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 30, u32::MAX])
}

/// Any account, and as a rule one that speaks for no member.
fn speaker(g: &mut Gen<'_, '_>) -> Address {
    if g.source.one_in(6) {
        g.any_address()
    } else {
        Address::repeat_byte(0x20 + g.source.byte() % 6)
    }
}

fn add_member(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (name, account, weight) = (g.text(100), speaker(g), weight(g));
    g.governed(AT, &ICouncil::addMemberCall { name, account, weight })
}

fn end_member(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let id = member(g);
    g.governed(AT, &ICouncil::endMemberCall { id })
}

fn set_weight(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (id, weight) = (member(g), weight(g));
    g.governed(AT, &ICouncil::setWeightCall { id, weight })
}

/// At times an account that was frozen just before shall speak for a member.
fn set_account(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (id, account) = (member(g), speaker(g));
    let call = ICouncil::setAccountCall { id, account };
    if !g.source.one_in(4) {
        return g.governed(AT, &call);
    }
    let (until, reason, next) = (g.now() + 40 * DAY, "lost".to_owned(), g.proposals() + 1);
    let freeze = ICouncil::freezeAccountCall { account, untilAt: until, code: 1, reason };
    let mut moves = g.governed_as(next, AT, &freeze);
    moves.extend(g.governed_as(next + 1, AT, &call));
    moves
}

fn set_rules(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let shares = [(2, 3), (1, 2), (1, 3), (3, 4), (1, 1), (0, 1), (4, 3), (1, 9)];
    let [participation, majority, veto] = [(); 3].map(|()| g.source.pick(&shares));
    let times = [3 * DAY, DAY, 7 * DAY, 1, 0, 90 * DAY + 1];
    let rules = ICouncil::Rules {
        participationNum: participation.0,
        participationDen: participation.1,
        majorityNum: majority.0,
        majorityDen: majority.1,
        vetoNum: veto.0,
        vetoDen: veto.1,
        votingSeconds: g.source.pick(&times),
        delaySeconds: g.source.pick(&times),
    };
    g.governed(AT, &ICouncil::setRulesCall { rules })
}

fn set_parameter(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let bounds: [(&str, u64, u64); 7] = [
        ("freeze.days", 1, 180),
        ("deploy.open", 0, 1),
        ("block.gas_limit", 1 << 24, 1_000_000_000),
        ("release.notice_heights", 10, 1_000_000),
        ("proposal.open_days", 1, 180),
        ("suites", 1, 7),
        ("nothing", 0, 9),
    ];
    let (name, least, most) = g.source.pick(&bounds);
    let value = g.source.pick(&[least, most, least + 1, most + 1, least.saturating_sub(1)]);
    g.governed(AT, &ICouncil::setParameterCall { name: name.into(), value })
}

fn schedule_release(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let all = g.see(AT, &ICouncil::releasesCall { cursor: 0, limit: 200 }).items;
    let last = all.last().map_or(1, |row| row.release);
    let release = last + g.source.pick(&[1, 1, 0, 2]);
    let height = g.memory.height + g.source.pick(&[130, 100, 500, 60, 12, 3]);
    g.governed(AT, &ICouncil::scheduleReleaseCall { release, height })
}

fn freeze_account(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let account = if g.source.one_in(3) { speaker(g) } else { g.any_address() };
    let now = g.now();
    let until = now + g.source.pick(&[30, 40, 60, 20, 20, 94, 3]) * DAY;
    let code = g.source.pick(&[1, 2, 3, 4, 1, 2, 0, 5]);
    let reason = g.text(512);
    g.governed(AT, &ICouncil::freezeAccountCall { account, untilAt: until, code, reason })
}

/// One of the frozen accounts; where there is none among those that makers name, one is frozen.
fn unfreeze_account(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let mut known = everybody();
    known.extend((0..6).map(|n| Address::repeat_byte(0x20 + n)));
    let mut frozen = Vec::new();
    for account in known {
        if view(g.memory, AT, &ICouncil::frozenCall { account }).is_ok_and(|found| found.holds) {
            frozen.push(account);
        }
    }
    if frozen.is_empty() && !g.source.one_in(6) {
        return freeze_account(g);
    }
    let account = if frozen.is_empty() { g.anybody() } else { g.source.pick(&frozen) };
    let reason = g.text(512);
    g.governed(AT, &ICouncil::unfreezeAccountCall { account, reason })
}

fn allow_deployer(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (account, allowed) = (g.any_address(), g.source.one_in(2));
    g.governed(AT, &ICouncil::allowDeployerCall { account, allowed })
}
