#![doc = include_str!("README.md")]

use alloy_json_abi::JsonAbi;
use alloy_sol_types::SolCall;

use crate::council;
use crate::prelude::*;

mod edition;
pub mod pack;
mod rule;
#[cfg(test)]
mod tests;

pub use edition::genesis;
pub use pack::{Pack, PackError, standard_pack};
pub use rule::Ratio;

alloy_sol_types::sol! { #[sol(abi, all_derives)] "rules/IRules.sol" }
use IRules::*;

abi_enum!(IRules::Layer, IRules::Bound, IRules::Unit);

/// No call of this module is open to an office: by-laws change by passed decisions alone, and the law
/// comes in by the council.
pub const PERMITS: &[Permit] = &[("adoptPack", adoptPackCall::SELECTOR, &[Office::Council])];

/// Values kept per key and layer.
const VERSIONS_MAX: u64 = 64;

packed! {
    /// Number and dates of one value; fills one word.
    pub(super) struct Value { num: u64, den: u64, from_at: u64, until_at: u64 }
}
packed! {
    /// How the number reads and what lower layers may do with it.
    pub(super) struct Kind { unit: Unit, bound: Bound }
}
record! {
    pub(super) struct Entry {
        value: Slot<Value>,
        kind: Slot<Kind>,
        basis: Slot<B256>,
        source: Text,
        article: Text,
    }
}
record! {
    pub(super) struct EditionRow {
        layer: Slot<Layer>,
        made_at: Slot<u64>,
        source: Slot<B256>,
        book_hash: Slot<B256>,
        name: Text,
    }
}
record! {
    pub(super) struct State {
        book_hash: Slot<B256>,
        keys: List<Text>,
        ids: Map<B256, Slot<u64>>,
        values: Map<u64, Map<Layer, List<Entry>>>,
        editions: List<EditionRow>,
    }
}
fn st() -> State {
    State::at(U256::ZERO)
}

/// The interface.
pub fn abi() -> JsonAbi {
    IRules::abi::contract()
}

/// Layers, most specific first.
const LAYERS: [Layer; 3] = [Layer::ByLaws, Layer::City, Layer::National];

fn entries(id: u64, layer: Layer) -> List<Entry> {
    st().values.of(id).of(layer)
}

fn id_of(cx: &mut Cx<'_>, key: &str) -> Res<u64> {
    let id = st().ids.of(keccak256(key)).get(cx)?;
    ensure!(id != 0, NoSuchRule { key: key.into() });
    Ok(id)
}

/// The value of one layer at a time: the newest one that covers it.
fn in_layer(cx: &mut Cx<'_>, id: u64, layer: Layer, at: u64) -> Res<Option<Entry>> {
    let list = entries(id, layer);
    for index in (0..list.len(cx)?).rev() {
        let value = list.of(index).value.get(cx)?;
        if value.from_at <= at && (value.until_at == 0 || at < value.until_at) {
            return Ok(Some(list.of(index)));
        }
    }
    Ok(None)
}

/// The times at which the value of some layers may become another: `from` itself, and what is set to
/// begin after it. Two layers that agree at each of them agree for ever.
fn turns(cx: &mut Cx<'_>, id: u64, layers: &[Layer], from: u64) -> Res<Vec<u64>> {
    let mut times = vec![from];
    for layer in layers {
        let list = entries(id, *layer);
        for index in 0..list.len(cx)? {
            let value = list.of(index).value.get(cx)?;
            // Where a value ends, a wider one is in force again.
            times.extend([value.from_at, value.until_at].into_iter().filter(|at| *at > from));
        }
    }
    Ok(times)
}

fn find(cx: &mut Cx<'_>, id: u64, layers: &[Layer], at: u64) -> Res<Option<(Layer, Entry)>> {
    for layer in layers {
        if let Some(entry) = in_layer(cx, id, *layer, at)? {
            return Ok(Some((*layer, entry)));
        }
    }
    Ok(None)
}

fn shown(cx: &mut Cx<'_>, id: u64, layer: Layer, entry: &Entry) -> Res<Rule> {
    let (value, kind) = (entry.value.get(cx)?, entry.kind.get(cx)?);
    Ok(Rule {
        id,
        key: st().keys.of(id - 1).get(cx)?,
        layer,
        unit: kind.unit,
        bound: kind.bound,
        num: value.num,
        den: value.den,
        fromAt: value.from_at,
        untilAt: value.until_at,
        source: entry.source.get(cx)?,
        article: entry.article.get(cx)?,
        basis: entry.basis.get(cx)?,
    })
}

/// Sets the by-laws' value of a key from a time on.
///
/// Caller: a passed decision. Source: Civil Code art. 278(1) items 1 and 2. Units: seconds since 1970;
/// a time before this block is taken as this block's.
///
/// # Errors
/// - [`OnlyByDecision`]: anybody else calls.
/// - [`NoSuchRule`]: no law in force at that time has the key.
/// - [`BadValue`]: not a value of the key's unit.
/// - [`NotForByLaws`], [`TooLoose`]: the law in force at that time, or law that is set to begin later, does
///   not allow it.
/// - [`TooManyVersions`]: 64 values were set already.
fn tighten(cx: &mut Cx<'_>, call: &tightenCall) -> Res<()> {
    ensure!(cx.caller == crate::DECISIONS, OnlyByDecision { caller: cx.caller });
    let from_at = call.fromAt.max(cx.now());
    let (key, id) = (call.key.as_str(), id_of(cx, &call.key)?);
    const LAW: [Layer; 2] = [Layer::City, Layer::National];
    let law = find(cx, id, &LAW, from_at)?;
    let Some((_, law)) = law else { return Err(NoSuchRule { key: key.into() }.into()) };
    let kind = law.kind.get(cx)?;
    let asked = Ratio { num: call.num, den: call.den };
    for at in turns(cx, id, &LAW, from_at)? {
        if let Some((_, law)) = find(cx, id, &LAW, at)? {
            let (limit, kind) = (law.value.get(cx)?, law.kind.get(cx)?);
            let limit = Ratio { num: limit.num, den: limit.den };
            rule::check_value(key, kind.unit, asked)?;
            rule::check_by_laws(key, kind.bound, asked, limit)?;
        }
    }
    let list = entries(id, Layer::ByLaws);
    ensure!(
        list.len(cx)? < VERSIONS_MAX,
        TooManyVersions { key: key.into(), most: VERSIONS_MAX }
    );
    let entry = list.push(cx)?.1;
    let (num, den) = (asked.num, asked.den);
    entry.value.set(cx, Value { num, den, from_at, until_at: 0 })?;
    entry.kind.set(cx, kind)?;
    entry.basis.set(cx, call.basis)?;
    entry.source.set(cx, "by-laws")?;
    let change = (key.to_owned(), num, den, from_at, call.basis);
    let change = keccak256(alloy_sol_types::SolValue::abi_encode(&change));
    let (edition, _) = edition::record(cx, Layer::ByLaws, key, call.basis, change)?;
    let (key, basis) = (call.key.clone(), call.basis);
    cx.emit(RuleTightened { edition, key, num, den, fromAt: from_at, basis })
}

fn rules(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<rulesReturn> {
    let len = st().keys.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let (mut items, at) = (Vec::new(), cx.now());
    for index in range {
        let id = index + 1;
        if let Some((layer, entry)) = find(cx, id, &LAYERS, at)? {
            items.push(shown(cx, id, layer, &entry)?);
        }
    }
    Ok(rulesReturn { items, next })
}

fn rule_at(cx: &mut Cx<'_>, key: &str, at: u64) -> Res<Rule> {
    let id = id_of(cx, key)?;
    match find(cx, id, &LAYERS, at)? {
        Some((layer, entry)) => shown(cx, id, layer, &entry),
        None => Err(NoSuchRule { key: key.into() }.into()),
    }
}

fn history(cx: &mut Cx<'_>, key: &str, cursor: u64, limit: u64) -> Res<historyReturn> {
    let id = id_of(cx, key)?;
    let mut places = Vec::new();
    for layer in LAYERS.into_iter().rev() {
        let list = entries(id, layer);
        places.extend((0..list.len(cx)?).map(|index| (layer, list.of(index))));
    }
    let (range, next) = page(cursor, limit, places.len() as u64);
    let mut items = Vec::new();
    for (layer, entry) in &places[range.start as usize..range.end as usize] {
        items.push(shown(cx, id, *layer, entry)?);
    }
    Ok(historyReturn { items, next })
}

fn editions(cx: &mut Cx<'_>, cursor: u64, limit: u64) -> Res<editionsReturn> {
    let len = st().editions.len(cx)?;
    let (range, next) = page(cursor, limit, len);
    let mut items = Vec::new();
    for index in range {
        let row = st().editions.of(index);
        items.push(Edition {
            id: index + 1,
            layer: row.layer.get(cx)?,
            name: row.name.get(cx)?,
            source: row.source.get(cx)?,
            bookHash: row.book_hash.get(cx)?,
            madeAt: row.made_at.get(cx)?,
        });
    }
    Ok(editionsReturn { items, next })
}

dispatch! { IRules, cx;
    write tightenCall(c) => tighten(cx, &c)?.into();
    write adoptPackCall(c) => edition::adopt(cx, &c.name, c.hash)?.into();
    view rulesCall(c) => rules(cx, c.cursor, c.limit)?;
    view ruleCall(c) => { let now = cx.now(); rule_at(cx, &c.key, now)? };
    view ruleAtCall(c) => rule_at(cx, &c.key, c.at)?;
    view historyCall(c) => history(cx, &c.key, c.cursor, c.limit)?;
    view editionsCall(c) => editions(cx, c.cursor, c.limit)?;
    view bookHashCall(_) => st().book_hash.get(cx)?;
}

/// What another module reads: the value and unit in force now, `None` where no layer has one.
fn in_force(cx: &mut Cx<'_>, key: &str) -> Res<Option<(Value, Kind)>> {
    cx.on(crate::address::rules, |cx| {
        let (id, now) = (st().ids.of(keccak256(key)).get(cx)?, cx.now());
        if id == 0 {
            return Ok(None);
        }
        match find(cx, id, &LAYERS, now)? {
            Some((_, entry)) => Ok(Some((entry.value.get(cx)?, entry.kind.get(cx)?))),
            None => Ok(None),
        }
    })
}

/// The share in force now.
///
/// # Errors
/// - [`NoSuchRule`]: no layer has a value.
/// - [`WrongUnit`]: the value is no share.
pub fn ratio(cx: &mut Cx<'_>, key: &str) -> Res<Ratio> {
    let found = in_force(cx, key)?;
    let Some((value, kind)) = found else { return Err(NoSuchRule { key: key.into() }.into()) };
    ensure!(rule::is_share(kind.unit), WrongUnit { key: key.into(), unit: kind.unit });
    Ok(Ratio { num: value.num, den: value.den })
}

/// The number in force now: days, hours, months, years, a count, fen, or a flag as 0 or 1.
///
/// # Errors
/// - [`NoSuchRule`]: no layer has a value.
/// - [`WrongUnit`]: the value is a share.
pub fn number(cx: &mut Cx<'_>, key: &str) -> Res<u64> {
    number_or(cx, key, None)?.ok_or_else(|| NoSuchRule { key: key.into() }.into())
}

/// The number in force now, or `default` where no layer has one.
///
/// # Errors
/// - [`WrongUnit`]: the value is a share.
pub fn number_or(cx: &mut Cx<'_>, key: &str, default: Option<u64>) -> Res<Option<u64>> {
    let Some((value, kind)) = in_force(cx, key)? else { return Ok(default) };
    ensure!(!rule::is_share(kind.unit), WrongUnit { key: key.into(), unit: kind.unit });
    Ok(Some(value.num))
}

/// Hash of the whole book as it stands.
pub fn pack_hash(cx: &mut Cx<'_>) -> Res<B256> {
    cx.on(crate::address::rules, |cx| st().book_hash.get(cx))
}
