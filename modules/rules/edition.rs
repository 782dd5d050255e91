//! Editions: how packs get into the book, at genesis and afterwards.

use super::*;

/// Gas for each byte of a pack that is read.
const BYTE_GAS: u64 = 50;

/// Writes down a change of the book and returns its number and the book's new hash.
pub(super) fn record(
    cx: &mut Cx<'_>,
    layer: Layer,
    name: &str,
    source: B256,
    change: B256,
) -> Res<(u64, B256)> {
    let book_hash = rule::next_book_hash(st().book_hash.get(cx)?, layer as u8, change);
    st().book_hash.set(cx, book_hash)?;
    let (index, row) = st().editions.push(cx)?;
    row.layer.set(cx, layer)?;
    row.made_at.set(cx, cx.now())?;
    row.source.set(cx, source)?;
    row.book_hash.set(cx, book_hash)?;
    row.name.set(cx, name)?;
    Ok((index + 1, book_hash))
}

/// Loads packs, broadest first, before the first block. Runs as this module.
///
/// # Errors
/// - `Fault::Fatal`: a pack loosens a broader one, or has more values of a key than are kept.
pub fn genesis(cx: &mut Cx<'_>, packs: &[Pack]) -> Res<()> {
    for pack in packs {
        for row in &pack.rules {
            load(cx, pack, row)?.map_err(|misfit| Fault::Fatal(misfit.to_string()))?;
        }
        finish(cx, pack)?;
    }
    Ok(())
}

fn finish(cx: &mut Cx<'_>, pack: &Pack) -> Res<()> {
    let (layer, name, source) = (pack.layer, pack.name.clone(), pack.hash);
    let (edition, book_hash) = record(cx, layer, &name, source, source)?;
    cx.emit(PackLoaded { edition, layer, name, source, bookHash: book_hash })
}

/// Adds an edition of the law that comes with the program.
///
/// Caller: the council. All programs must know the same packs, so a pack counts from a release on.
///
/// # Errors
/// - `OnlyCouncil`.
/// - [`NoSuchPack`]: not known, or not at the release in force.
/// - [`OtherPack`]: the members agreed to other bytes than the program has.
/// - [`PackDoesNotFit`]: it changes nothing; a value is looser than a broader layer allows; by-laws or
///   an ordinance in force are looser than it allows; more values than are kept.
pub(super) fn adopt(cx: &mut Cx<'_>, name: &str, hash: B256) -> Res<()> {
    council::only(cx)?;
    let release = council::release(cx)?;
    let Some(text) = pack::standard_pack_at(name, release) else {
        return Err(NoSuchPack { name: name.into() }.into());
    };
    let known = keccak256(text);
    ensure!(known == hash, OtherPack { name: name.into(), known });
    cx.host.charge(BYTE_GAS.saturating_mul(text.len() as u64))?;
    let misfit = |reason: String| PackDoesNotFit { name: name.into(), reason };
    let pack = pack::parse(&format!("packs/{name}.toml"), text);
    let pack = pack.map_err(|error| misfit(error.to_string()))?;
    let mut changed = false;
    for row in &pack.rules {
        let Some(row) = ahead(cx, &pack, row)? else { continue };
        changed = true;
        load(cx, &pack, &row)?.map_err(|error| misfit(error.to_string()))?;
    }
    ensure!(changed, misfit("it changes nothing".into()));
    finish(cx, &pack)
}

/// What a row changes from now on; `None` where the book says so already, or it is over.
fn ahead(cx: &mut Cx<'_>, pack: &Pack, row: &pack::Row) -> Res<Option<pack::Row>> {
    let from_at = row.from_at.max(cx.now());
    if row.until_at != 0 && row.until_at <= from_at {
        return Ok(None);
    }
    let id = st().ids.of(keccak256(&row.key)).get(cx)?;
    if id != 0
        && let Some(entry) = in_layer(cx, id, pack.layer, from_at)?
    {
        let (value, kind) = (entry.value.get(cx)?, entry.kind.get(cx)?);
        let same = (value.num, value.den, value.until_at)
            == (row.value.num, row.value.den, row.until_at)
            && kind == (Kind { unit: row.unit, bound: row.bound })
            && entry.source.get(cx)? == row.source
            && entry.article.get(cx)? == row.article;
        if same {
            return Ok(None);
        }
    }
    let mut row = row.clone();
    row.from_at = from_at;
    Ok(Some(row))
}

/// Adds one value, or says why it does not fit.
fn load(cx: &mut Cx<'_>, pack: &Pack, row: &pack::Row) -> Res<Result<(), PackError>> {
    let bad = |reason: String| Ok(Err(pack.error_at(row, reason)));
    let hash = keccak256(&row.key);
    let mut id = st().ids.of(hash).get(cx)?;
    if id == 0 {
        let (index, place) = st().keys.push(cx)?;
        place.set(cx, &row.key)?;
        id = exact(index.checked_add(1))?;
        st().ids.of(hash).set(cx, id)?;
    }
    if pack.layer == Layer::City
        && let Some(reason) = against_national(cx, id, row)?
    {
        return bad(reason);
    }
    if let Some(layer) = looser_below(cx, id, pack.layer, row)? {
        return bad(format!("{layer:?} in force would be looser than this allows"));
    }
    let list = entries(id, pack.layer);
    if list.len(cx)? >= VERSIONS_MAX {
        return bad(format!("more than {VERSIONS_MAX} values"));
    }
    let entry = list.push(cx)?.1;
    let Ratio { num, den } = row.value;
    let (from_at, until_at) = (row.from_at, row.until_at);
    entry.value.set(cx, Value { num, den, from_at, until_at })?;
    entry.kind.set(cx, Kind { unit: row.unit, bound: row.bound })?;
    entry.source.set(cx, &row.source)?;
    entry.article.set(cx, &row.article)?;
    Ok(Ok(()))
}

/// Why a city's value does not stand beside national law, now or law that is set to begin while it lasts.
fn against_national(cx: &mut Cx<'_>, id: u64, row: &pack::Row) -> Res<Option<String>> {
    for at in turns(cx, id, &[Layer::National], row.from_at)? {
        let lasts = row.until_at == 0 || at < row.until_at;
        let Some(law) = in_layer(cx, id, Layer::National, at)?.filter(|_| lasts) else { continue };
        let (limit, kind) = (law.value.get(cx)?, law.kind.get(cx)?);
        let limit = Ratio { num: limit.num, den: limit.den };
        if kind.unit != row.unit {
            return Ok(Some("another unit than national law".into()));
        }
        if !rule::law_may(kind.bound, row.value, limit) {
            return Ok(Some(format!("looser than national law allows ({limit})")));
        }
    }
    Ok(None)
}

/// A narrower layer with a value that a new value would not allow, in force when the new one begins or
/// set to begin while it lasts: the law is not adopted over it, so that by-laws never loosen the law; the
/// owners bring them into line first.
fn looser_below(
    cx: &mut Cx<'_>,
    id: u64,
    layer: Layer,
    row: &pack::Row,
) -> Res<Option<Layer>> {
    for narrower in LAYERS.into_iter().take_while(|other| *other != layer) {
        for at in turns(cx, id, &[narrower], row.from_at)? {
            let lasts = row.until_at == 0 || at < row.until_at;
            let Some(entry) = in_layer(cx, id, narrower, at)?.filter(|_| lasts) else { continue };
            let (value, kind) = (entry.value.get(cx)?, entry.kind.get(cx)?);
            let value = Ratio { num: value.num, den: value.den };
            let closed = narrower == Layer::ByLaws
                && matches!(row.bound, Bound::Fixed | Bound::Local);
            if closed || kind.unit != row.unit || !rule::law_may(row.bound, value, row.value) {
                return Ok(Some(narrower));
            }
        }
    }
    Ok(None)
}
