//! What the modules' interface files say of their calls and errors, for people.

use std::collections::HashMap;

/// The interface files: module name and text.
const INTERFACES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/interfaces.rs"));

/// What the interfaces say beyond their ABIs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    /// Plain words by module, kind (`function`, `error`, `event`, `struct`...) and name.
    words: HashMap<(String, String, String), String>,
    /// Names of structs by module and fields: the ABIs do not tell them.
    structs: HashMap<(String, Vec<String>), String>,
}

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
        let mut open: Option<(String, Vec<String>)> = None;
        for line in text.lines() {
            let line = line.trim();
            let comment = ["///", "/**", "*/", "*"].iter().find_map(|mark| line.strip_prefix(mark));
            let Some(comment) = comment else {
                self.declare(module, line, &words);
                self.follow_struct(module, line, &mut open);
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
            self.words.insert((module.into(), kind.into(), name.into()), words.join(" "));
        }
    }

    /// Collects the fields of the struct that is open, or opens one.
    fn follow_struct(
        &mut self,
        module: &str,
        line: &str,
        open: &mut Option<(String, Vec<String>)>,
    ) {
        let mut rest = line;
        if let Some((name, body)) = line.strip_prefix("struct ").and_then(|l| l.split_once('{')) {
            *open = Some((name.trim().to_owned(), Vec::new()));
            rest = body;
        }
        let Some((_, fields)) = open else { return };
        let (body, ended) = match rest.split_once('}') {
            Some((body, _)) => (body, true),
            None => (rest, false),
        };
        let named = body.split(';').filter_map(|field| field.split_whitespace().nth(1));
        fields.extend(named.map(str::to_owned));
        if ended && let Some((name, fields)) = open.take() {
            self.structs.insert((module.to_owned(), fields), name);
        }
    }

    /// Name of the struct with these fields.
    pub(crate) fn struct_name(&self, module: &str, fields: Vec<String>) -> Option<&str> {
        self.structs.get(&(module.to_owned(), fields)).map(String::as_str)
    }

    /// What is said of one declaration.
    pub(crate) fn get(&self, module: &str, kind: &str, name: &str) -> Option<&str> {
        self.words.get(&(module.into(), kind.into(), name.into())).map(String::as_str)
    }
}
