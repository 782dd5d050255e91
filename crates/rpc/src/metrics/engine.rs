//! The engines' own metrics, several ledgers' in one text.
//!
//! Each engine writes its metrics as if it were alone in the process. Here each sample gets the label
//! of its ledger, and families of one name are written once.

use std::{collections::BTreeMap, fmt::Write};

/// Prefix of names that do not carry the program's own.
const PREFIX: &str = "tulou_engine_";
/// Prefix of the program's names.
const OURS: &str = "tulou_";

#[derive(Default)]
struct FamilyText {
    /// Lines that describe it, from whoever wrote them first.
    about: Vec<String>,
    samples: Vec<String>,
}

/// Merges the metrics of several ledgers: name and text of each.
pub(super) fn merge(texts: &[(&str, String)]) -> String {
    let mut families: BTreeMap<String, FamilyText> = BTreeMap::new();
    for (ledger, text) in texts {
        // A sample belongs to the family that was described last if its name begins with that one's.
        let mut current = String::new();
        let mut fresh = false;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(about) = line.strip_prefix("# ") {
                let mut words = about.splitn(3, ' ');
                let (Some(kind), Some(name)) = (words.next(), words.next()) else { continue };
                let rest = words.next().unwrap_or_default();
                if current != name {
                    name.clone_into(&mut current);
                    fresh = !families.contains_key(name);
                }
                if fresh {
                    let family = families.entry(name.to_owned()).or_default();
                    family.about.push(format!("# {kind} {} {rest}", full(name)));
                }
                continue;
            }
            let end = line.find(['{', ' ']).unwrap_or(line.len());
            let name = &line[..end];
            if current.is_empty() || !name.starts_with(current.as_str()) {
                name.clone_into(&mut current);
            }
            let family = families.entry(current.clone()).or_default();
            family.samples.push(labelled(name, &line[end..], ledger));
        }
    }
    let mut out = String::new();
    for family in families.into_values() {
        for line in family.about.into_iter().chain(family.samples) {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

fn full(name: &str) -> String {
    if name.starts_with(OURS) { name.to_owned() } else { format!("{PREFIX}{name}") }
}

fn labelled(name: &str, rest: &str, ledger: &str) -> String {
    let name = full(name);
    let ledger = ledger.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    match rest.strip_prefix('{') {
        Some(more) if more.starts_with('}') => {
            format!("{name}{{ledger=\"{ledger}\"{more}")
        }
        Some(more) => format!("{name}{{ledger=\"{ledger}\",{more}"),
        None => format!("{name}{{ledger=\"{ledger}\"}}{rest}"),
    }
}
