//! What the modules' interface files say of their calls and errors, for people.

use std::collections::HashMap;

/// The interface files: module name and text.
const INTERFACES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/interfaces.rs"));

/// Plain words by module, kind (`function`, `error`, `event`, `struct`) and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices(HashMap<(String, String, String), String>);

impl Notices {
    /// Reads all interfaces.
    pub(crate) fn of_modules() -> Self {
        let mut all = Self::default();
        for (module, text) in INTERFACES {
            all.read(module, text);
        }
        all
    }

    /// Collects the `///` and `/** */` comments that stand before a declaration. Of tagged comments
    /// only `@notice` counts.
    pub(crate) fn read(&mut self, module: &str, text: &str) {
        let mut words = Vec::new();
        let mut keep = true;
        for line in text.lines() {
            let line = line.trim();
            let comment = ["///", "/**", "*/", "*"].iter().find_map(|mark| line.strip_prefix(mark));
            let Some(comment) = comment else {
                self.declare(module, line, &words);
                words.clear();
                keep = true;
                continue;
            };
            let comment = comment.trim_end_matches("*/").trim();
            match comment.strip_prefix('@') {
                Some(tagged) => {
                    let notice = tagged.strip_prefix("notice ");
                    keep = notice.is_some();
                    words.extend(notice.map(str::trim).map(String::from));
                }
                None if keep && !comment.is_empty() => words.push(comment.to_owned()),
                None => {}
            }
        }
    }

    fn declare(&mut self, module: &str, line: &str, words: &[String]) {
        let mut parts = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (Some(kind), Some(name)) = (parts.next(), parts.next()) else { return };
        let known = ["function", "error", "event", "struct", "enum", "interface"].contains(&kind);
        if known && !name.is_empty() && !words.is_empty() {
            self.0.insert((module.into(), kind.into(), name.into()), words.join(" "));
        }
    }

    /// What is said of one declaration.
    pub(crate) fn get(&self, module: &str, kind: &str, name: &str) -> Option<&str> {
        self.0.get(&(module.into(), kind.into(), name.into())).map(String::as_str)
    }
}
