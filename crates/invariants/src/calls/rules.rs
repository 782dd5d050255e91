use alloy_primitives::keccak256;
use tulou_modules::rules::{IRules, standard_pack};

use super::*;

ops! { "rules": {
    "tighten" => tighten,
    "adoptPack" => adopt_pack,
} }

const AT: Address = address::rules;

/// A value of the by-laws at the law's limit, stricter or looser.
fn tighten(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let keys = [
        "vote.participation.area",
        "vote.consent.ordinary.heads",
        "vote.notice_days",
        "vote.notice_days",
        "vote.roll_post_days",
        "committee.term_years_max",
        "vote.late_quorum_hours",
        "spend.manager_max",
        "spend.payee_cooldown_hours",
        "committee.seats_min",
        "fee.limitation_years",
        "nothing",
    ];
    let key = g.source.pick(&keys).to_owned();
    let law = view(g.memory, AT, &IRules::ruleCall { key: key.clone() });
    let (num, den) = law.map_or((1, 1), |law| (law.num, law.den));
    let is_share = den != 1;
    let (num, den) = match g.source.byte() % 7 {
        6 if !is_share => (num / 2, den),
        0 => (num, den),
        1 | 2 => (num.saturating_add(1), den + u64::from(is_share)),
        3 => (num.saturating_sub(1), den),
        4 => (num.saturating_mul(2), den.saturating_mul(2)),
        _ => (g.source.byte().into(), g.source.byte().into()),
    };
    let now = g.now();
    let (from_at, basis) = (g.source.time(&[0, now + 60 * DAY]), g.hash());
    g.decided(AT, &IRules::tightenCall { key, num, den, fromAt: from_at, basis })
}

fn adopt_pack(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let name = g.source.pick(&["cn-hangzhou", "cn-hangzhou", "cn-hangzhou", "cn", "nothing"]);
    let mut hash = standard_pack(name).map_or(B256::ZERO, keccak256);
    if g.source.one_in(8) {
        hash = g.hash();
    }
    g.governed(AT, &IRules::adoptPackCall { name: name.into(), hash })
}
