//! Packs: the law of a place as a file.
//!
//! A pack is read whole or not at all: an error names file, line, column and reason.

use core::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::{IRules::*, Ratio, rule};
use crate::prelude::*;

/// Why a pack is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.reason)
    }
}

impl core::error::Error for PackError {}

/// A pack that was read.
#[derive(Clone, Debug)]
pub struct Pack {
    /// Short name, e.g. `cn-hangzhou`.
    pub name: String,
    /// National or city.
    pub layer: Layer,
    /// keccak256 of the file's bytes.
    pub hash: B256,
    /// The values in the order of the file.
    pub rules: Vec<Row>,
    file: String,
}

/// One value of a pack.
#[derive(Clone, Debug)]
pub struct Row {
    /// Dotted name.
    pub key: String,
    /// A share, or a number with den = 1.
    pub value: Ratio,
    /// What it counts.
    pub unit: Unit,
    /// What lower layers may do with it.
    pub bound: Bound,
    /// Law or ordinance.
    pub source: String,
    /// Article and paragraph.
    pub article: String,
    /// First second in force.
    pub from_at: u64,
    /// First second no longer in force; 0 has no end.
    pub until_at: u64,
    line: usize,
    column: usize,
}

impl Pack {
    /// An error at the place where a row begins.
    pub(super) fn error_at(&self, row: &Row, reason: String) -> PackError {
        let (line, column) = (row.line, row.column);
        PackError { file: self.file.clone(), line, column, reason }
    }
}

/// The packs that come with the program: name, release from which a ledger may adopt it, text. An edition
/// has a name of its own and never changes: its hash is what the members agree to.
const STANDARD: &[(&str, u32, &str)] = &[
    ("cn", 1, include_str!("../../packs/cn.toml")),
    ("cn-hangzhou", 1, include_str!("../../packs/cn-hangzhou.toml")),
];

/// The text of a pack that comes with the program.
pub fn standard_pack(name: &str) -> Option<&'static str> {
    standard_pack_at(name, u32::MAX)
}

/// The text of a pack that comes with the program and may be adopted at a release.
pub(super) fn standard_pack_at(name: &str, release: u32) -> Option<&'static str> {
    let known = STANDARD.iter().find(|(known, since, _)| *known == name && *since <= release);
    known.map(|(.., text)| *text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPack {
    pack: RawHead,
    rule: Vec<Spanned<RawRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHead {
    name: Spanned<String>,
    layer: Spanned<String>,
    #[serde(rename = "title")]
    _title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    key: Spanned<String>,
    value: Spanned<RawValue>,
    unit: Spanned<String>,
    source: Spanned<String>,
    article: String,
    effective_from: Spanned<toml::value::Datetime>,
    effective_to: Option<Spanned<toml::value::Datetime>>,
    bound: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawValue {
    Number(u64),
    Flag(bool),
    Share(String),
}

/// Reads a pack.
///
/// # Errors
/// - [`PackError`]: not TOML; an unknown or missing field; a value that its unit does not take; a
///   date that is none; a key that appears twice with overlapping dates; no value at all.
pub fn parse(file: &str, text: &str) -> Result<Pack, PackError> {
    let at = |offset: usize, reason: String| {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        PackError {
            file: file.into(),
            line: before.matches('\n').count().saturating_add(1),
            column: before[line_start..].chars().count().saturating_add(1),
            reason,
        }
    };
    let raw: RawPack = toml::from_str(text).map_err(|error| {
        at(error.span().map_or(0, |span| span.start), error.message().replace('\n', " "))
    })?;
    let layer = match raw.pack.layer.get_ref().as_str() {
        "national" => Layer::National,
        "city" => Layer::City,
        other => {
            let reason = format!("layer {other:?} is neither \"national\" nor \"city\"");
            return Err(at(raw.pack.layer.span().start, reason));
        }
    };
    if !is_name(raw.pack.name.get_ref()) {
        return Err(at(raw.pack.name.span().start, "name is not lower-case ASCII".into()));
    }
    if raw.rule.is_empty() {
        return Err(at(0, "no rule in this pack".into()));
    }
    let mut rules: Vec<Row> = Vec::new();
    for spanned in raw.rule {
        let start = spanned.span().start;
        let row = read_row(spanned.into_inner(), start, &at)?;
        if let Some(twin) = rules.iter().find(|other| overlaps(other, &row)) {
            let reason = format!("{:?} has another value at the same time", row.key);
            let reason = format!("{reason} (line {})", twin.line);
            return Err(PackError { line: row.line, column: row.column, reason, file: file.into() });
        }
        rules.push(row);
    }
    let (name, hash) = (raw.pack.name.into_inner(), keccak256(text));
    Ok(Pack { name, layer, hash, rules, file: file.into() })
}

fn overlaps(a: &Row, b: &Row) -> bool {
    let ends_before = |x: &Row, y: &Row| x.until_at != 0 && x.until_at <= y.from_at;
    a.key == b.key && !ends_before(a, b) && !ends_before(b, a)
}

fn read_row(
    raw: RawRow,
    start: usize,
    at: &impl Fn(usize, String) -> PackError,
) -> Result<Row, PackError> {
    let key_at = raw.key.span().start;
    if !is_name(raw.key.get_ref()) {
        return Err(at(key_at, "key is not lower-case ASCII words with dots".into()));
    }
    let unit = unit(raw.unit.get_ref()).ok_or_else(|| {
        at(raw.unit.span().start, format!("unknown unit {:?}", raw.unit.get_ref()))
    })?;
    let bound = bound(raw.bound.get_ref()).ok_or_else(|| {
        at(raw.bound.span().start, format!("unknown bound {:?}", raw.bound.get_ref()))
    })?;
    let value = read_value(raw.value.get_ref())
        .filter(|value| rule::is_value(unit, *value))
        .ok_or_else(|| {
            let reason = format!("not a value in {}", raw.unit.get_ref());
            at(raw.value.span().start, reason)
        })?;
    if raw.source.get_ref().trim().is_empty() {
        return Err(at(raw.source.span().start, "a rule without a source".into()));
    }
    let date = |spanned: &Spanned<toml::value::Datetime>| {
        seconds(spanned.get_ref())
            .ok_or_else(|| at(spanned.span().start, "not a plain date from 1970 on".into()))
    };
    let from_at = date(&raw.effective_from)?;
    let until_at = match &raw.effective_to {
        Some(spanned) => {
            let until = date(spanned)?;
            if until <= from_at {
                return Err(at(spanned.span().start, "ends before it begins".into()));
            }
            until
        }
        None => 0,
    };
    let place = at(start, String::new());
    Ok(Row {
        key: raw.key.into_inner(),
        value,
        unit,
        bound,
        source: raw.source.into_inner(),
        article: raw.article,
        from_at,
        until_at,
        line: place.line,
        column: place.column,
    })
}

fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
    };
    name.len() <= 64 && name.split('.').all(part)
}

fn unit(name: &str) -> Option<Unit> {
    Some(match name {
        "at_least" => Unit::AtLeast,
        "more_than" => Unit::MoreThan,
        "days" => Unit::Days,
        "hours" => Unit::Hours,
        "months" => Unit::Months,
        "years" => Unit::Years,
        "count" => Unit::Count,
        "fen" => Unit::Fen,
        "flag" => Unit::Flag,
        _ => return None,
    })
}

fn bound(name: &str) -> Option<Bound> {
    Some(match name {
        "none" => Bound::None,
        "floor" => Bound::Floor,
        "ceiling" => Bound::Ceiling,
        "fixed" => Bound::Fixed,
        "local" => Bound::Local,
        _ => return None,
    })
}

fn read_value(raw: &RawValue) -> Option<Ratio> {
    match raw {
        RawValue::Number(num) => Some(Ratio { num: *num, den: 1 }),
        RawValue::Flag(flag) => Some(Ratio { num: u64::from(*flag), den: 1 }),
        RawValue::Share(text) => {
            let (num, den) = text.split_once('/')?;
            Some(Ratio { num: digits(num)?, den: digits(den)? })
        }
    }
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// First second of a date in the community's time zone, Asia/Shanghai (UTC+8, no summer time since
/// 1991). `None` for anything but a plain date that exists, from 1970-01-02 on.
fn seconds(date: &toml::value::Datetime) -> Option<u64> {
    const DAY: u64 = 86_400;
    const OFFSET: u64 = 8 * 3_600;
    if date.time.is_some() || date.offset.is_some() {
        return None;
    }
    let date = date.date?;
    let (year, month, day) = (u64::from(date.year), u64::from(date.month), u64::from(date.day));
    if year < 1970 {
        return None;
    }
    // Days since 1970-01-01 by counting years from March, so that the leap day comes last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = (365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day).checked_sub(719_469)?;
    days.checked_mul(DAY)?.checked_sub(OFFSET)
}
