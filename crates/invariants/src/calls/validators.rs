use tulou_modules::validators::IValidators::{self, Kind};

use super::*;
use crate::people::{POINTS, key};

ops! { "validators": {
    "admit" => admit,
    "dismiss" => dismiss,
    "replaceKey" => replace_key,
    "setKind" => set_kind,
    "moveTo" => move_to,
} }

const AT: Address = address::validators;

/// A key that no node has, as a rule.
fn fresh(g: &mut Gen<'_, '_>) -> B256 {
    let known = nodes(g).len();
    let number = if g.source.one_in(8) { g.source.below(POINTS.len() + 1) } else { known };
    key(number)
}

fn nodes(g: &mut Gen<'_, '_>) -> Vec<IValidators::Node> {
    g.see(AT, &IValidators::nodesCall { cursor: 0, limit: 200 }).items
}

/// A node, rather one that is still there.
fn node(g: &mut Gen<'_, '_>) -> (B256, Address) {
    let mut all = nodes(g);
    if !g.source.one_in(8) {
        all.retain(|node| node.untilEpoch == 0);
    }
    let Some(node) = all.get(g.source.below(all.len().max(1))) else { return (key(0), STRANGER) };
    (node.key, node.member)
}

fn kind(g: &mut Gen<'_, '_>) -> Kind {
    g.source.pick(&[Kind::Validator, Kind::Validator, Kind::Observer, Kind::Archive, Kind::None])
}

fn endpoint(g: &mut Gen<'_, '_>) -> String {
    g.source.pick(&["10.0.0.9:9000", "node.example:443", "[fe80::1]:9", "", "nowhere"]).to_owned()
}

fn admit(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (key, member, kind, endpoint) = (fresh(g), g.by(&MEMBERS), kind(g), endpoint(g));
    g.governed(AT, &IValidators::admitCall { key, member, kind, endpoint })
}

fn dismiss(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let (key, _) = node(g);
    g.governed(AT, &IValidators::dismissCall { key })
}

fn replace_key(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((old, _), new) = (node(g), fresh(g));
    g.governed(AT, &IValidators::replaceKeyCall { oldKey: old, newKey: new })
}

fn set_kind(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((key, _), kind) = (node(g), kind(g));
    g.governed(AT, &IValidators::setKindCall { key, kind })
}

fn move_to(g: &mut Gen<'_, '_>) -> Vec<Move> {
    let ((key, member), endpoint) = (node(g), endpoint(g));
    one(g.by(&[member]), AT, &IValidators::moveToCall { key, endpoint })
}
