//! The ways in which a program could have written a word down.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use alloy_primitives::hex;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::output::Failure;

/// Below so many bytes chance writes a word somewhere into a large file: it counts only between delimiters.
const SHORT: usize = 6;
/// Fewer bytes than this are looked for nowhere.
const LEAST: usize = 4;

/// A word that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// Where in the bytes.
    pub(crate) at: usize,
    /// Number of the word, from 0.
    pub(crate) word: usize,
    /// How it was written.
    pub(crate) how: &'static str,
}

/// All ways to write all words.
pub(crate) struct Needles {
    automaton: AhoCorasick,
    ways: Vec<(usize, &'static str, usize)>,
}

impl Needles {
    /// Of words of at least two characters.
    pub(crate) fn new(words: &[String]) -> Result<Self, Failure> {
        let mut patterns: BTreeMap<Vec<u8>, (usize, &'static str)> = BTreeMap::new();
        for (number, word) in words.iter().enumerate() {
            if word.chars().count() < 2 {
                let what = format!("word {} is shorter than two characters", number + 1);
                return Err(Failure(what));
            }
            for text in spellings(word) {
                for (how, bytes) in ways(&text) {
                    if bytes.len() >= LEAST {
                        patterns.entry(bytes).or_insert((number, how));
                    }
                }
            }
            for (how, bytes) in numbers(word) {
                patterns.entry(bytes).or_insert((number, how));
            }
        }
        let automaton = AhoCorasick::new(patterns.keys())?;
        let ways = patterns.iter().map(|(bytes, (word, how))| (*word, *how, bytes.len())).collect();
        Ok(Self { automaton, ways })
    }

    /// Bytes of the longest way and its delimiters: pieces of a file overlap by so much.
    pub(crate) fn reach(&self) -> usize {
        self.ways.iter().map(|(.., length)| *length).max().unwrap_or(0) + 4
    }

    /// Every place in `bytes` where a word stands.
    pub(crate) fn find<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        let found = self.automaton.find_overlapping_iter(bytes);
        found.filter_map(move |found| {
            let (word, how, length) = self.ways[found.pattern().as_usize()];
            let (before, after) = (&bytes[..found.start()], &bytes[found.end()..]);
            let counts = length >= SHORT || stands_alone(how, before, after);
            counts.then_some(Hit { at: found.start(), word, how })
        })
    }
}

/// Whether delimiters stand on both sides, or nothing.
fn stands_alone(how: &str, before: &[u8], after: &[u8]) -> bool {
    let is_delimiter = |byte: u8| !byte.is_ascii_alphanumeric() && byte < 0x80;
    let is_edge = |unit: Option<&[u8]>| match (how, unit) {
        (_, None) => true,
        ("UTF-16LE", Some([low, high])) => *high == 0 && is_delimiter(*low),
        ("UTF-16BE", Some([high, low])) => *high == 0 && is_delimiter(*low),
        (_, Some(unit)) => unit.iter().all(|byte| is_delimiter(*byte)),
    };
    let width = if how.starts_with("UTF-16") { 2 } else { 1 };
    let last = before.len().checked_sub(width).map(|from| &before[from..]);
    is_edge(last) && is_edge(after.get(..width))
}

/// The word, and a phone or a plate as people separate it.
fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    let characters: Vec<char> = word.chars().collect();
    let split = |places: &[usize], by: &str| {
        let mut text = String::new();
        for (i, character) in characters.iter().enumerate() {
            if places.contains(&i) {
                text.push_str(by);
            }
            text.push(*character);
        }
        text
    };
    if characters.len() == 11 && characters.iter().all(char::is_ascii_digit) {
        all.extend(["-", " ", ".", "\u{a0}"].map(|by| split(&[3, 7], by)));
        all.extend(["-", " "].map(|by| split(&[3], by)));
    }
    let is_plate = matches!(characters.as_slice(), [province, office, rest @ ..]
        if !province.is_ascii() && office.is_ascii_uppercase()
            && (5..=6).contains(&rest.len()) && rest.iter().all(char::is_ascii_alphanumeric));
    if is_plate {
        all.extend(["·", "•", ".", "-", " "].map(|by| split(&[2], by)));
        // The part that tells it from others in the same town.
        all.push(characters[1..].iter().collect());
    }
    all
}

/// A text in every encoding.
fn ways(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf8 = text.as_bytes();
    let (gbk, _, unmapped) = encoding_rs::GBK.encode(text);
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut all = vec![
        ("UTF-8", utf8.to_vec()),
        ("UTF-16LE", units.iter().flat_map(|unit| unit.to_le_bytes()).collect()),
        ("UTF-16BE", units.iter().flat_map(|unit| unit.to_be_bytes()).collect()),
        ("hexadecimal", hex::encode(utf8).into_bytes()),
        ("hexadecimal", hex::encode_upper(utf8).into_bytes()),
        ("hexadecimal of UTF-16", hex::encode(utf16_be(&units)).into_bytes()),
        ("JSON escapes", escaped(&units, |unit| format!("{unit:04x}"))),
        ("JSON escapes", escaped(&units, |unit| format!("{unit:04X}"))),
    ];
    if !unmapped {
        all.push(("hexadecimal of GBK", hex::encode(&gbk).into_bytes()));
        all.push(("GBK", gbk.into_owned()));
    }
    if !text.is_ascii() {
        let percent: String = utf8.iter().map(|byte| format!("%{byte:02X}")).collect();
        all.push(("percent escapes", percent.to_lowercase().into_bytes()));
        all.push(("percent escapes", percent.into_bytes()));
    }
    for skipped in 0..3 {
        let inner = base64_inner(utf8, skipped);
        if inner.len() >= SHORT {
            let url = inner.replace('+', "-").replace('/', "_");
            all.push(("base64", url.into_bytes()));
            all.push(("base64", inner.into_bytes()));
        }
    }
    all
}

fn utf16_be(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

fn escaped(units: &[u16], digits: impl Fn(u16) -> String) -> Vec<u8> {
    units.iter().map(|unit| format!("\\u{}", digits(*unit))).collect::<String>().into_bytes()
}

/// The digits of base64 that a text gives whatever stands around it, `skipped` bytes after a group's start.
fn base64_inner(text: &[u8], skipped: usize) -> String {
    let digits = STANDARD_NO_PAD.encode([&[0; 2][..skipped], text].concat());
    let from = (skipped * 8).div_ceil(6);
    let to = (skipped + text.len()) * 8 / 6;
    digits.get(from..to).unwrap_or_default().to_owned()
}

/// A telephone number as a number: in a word of the EVM, in RLP, in packed decimals.
fn numbers(word: &str) -> Vec<(&'static str, Vec<u8>)> {
    let is_number = word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    let Some(number) = word.parse::<u64>().ok().filter(|_| is_number) else { return Vec::new() };
    let bytes = number.to_be_bytes();
    let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(0)..];
    let little: Vec<u8> = bytes.iter().rev().copied().chain([0; 3]).collect();
    let prefix = 0x80 | u8::try_from(bytes.len()).unwrap_or_default();
    let mut all = vec![
        ("a number", [&[0; 3][..], bytes].concat()),
        ("a number", little),
        ("a number in RLP", [&[prefix][..], bytes].concat()),
    ];
    for digits in [format!("0{word}"), format!("{word}f"), word.to_owned()] {
        if let Ok(packed) = hex::decode(digits) {
            all.push(("packed decimals", packed));
        }
    }
    all
}
