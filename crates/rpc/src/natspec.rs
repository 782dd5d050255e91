//! What the modules' interface files say of their calls and errors, for people; and who may see what, as
//! `@custom:visibility` says.

use std::collections::HashMap;

use crate::sight::{Tag, Visibility};

/// The interface files: module name and text.
const INTERFACES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/interfaces.rs"));

/// What the interfaces say beyond their ABIs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    /// Plain words by module, kind (`function`, `error`, `event`, `struct`...) and name.
    words: HashMap<(String, String, String), String>,
    /// Names of structs by module and fields: the ABIs do not tell them.
    structs: HashMap<(String, Vec<String>), String>,
    /// Tags of functions and events by module, kind and name.
    tags: HashMap<(String, String, String), Tag>,
    /// Classes of the fields of structs, by module and fields.
    fields: HashMap<(String, Vec<String>), Vec<Visibility>>,
}

/// A struct that is being read: its name, and its fields with their classes.
type Open = (String, Vec<(String, Visibility)>);

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
    /// only `@notice` and `@custom:visibility` count.
    pub(crate) fn read(&mut self, module: &str, text: &str) {
        let mut words = Vec::new();
        let mut keep = true;
        let mut open: Option<Open> = None;
        let mut tag = None;
        for line in text.lines() {
            let line = line.trim();
            let comment = ["///", "/**", "*/", "*"].iter().find_map(|mark| line.strip_prefix(mark));
            let Some(comment) = comment else {
                self.declare(module, line, &words, tag);
                self.follow_struct(module, line, &mut open, tag);
                words.clear();
                (keep, tag) = (true, None);
                continue;
            };
            let comment = comment.trim_end_matches("*/").trim();
            match comment.strip_prefix('@') {
                Some(tagged) => {
                    let notice = tagged.strip_prefix("notice ");
                    keep = notice.is_some();
                    let said = tagged.strip_prefix("custom:visibility ");
                    tag = said.and_then(|word| Tag::read(word.trim())).or(tag);
                    words.extend(notice.map(str::trim).map(String::from));
                }
                None if keep && !comment.is_empty() => words.push(comment.to_owned()),
                None => {}
            }
        }
    }

    fn declare(&mut self, module: &str, line: &str, words: &[String], tag: Option<Tag>) {
        let mut parts = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (Some(kind), Some(name)) = (parts.next(), parts.next()) else { return };
        if ["function", "event"].contains(&kind) {
            let key = (module.to_owned(), kind.to_owned(), name.to_owned());
            // Two of one name, as overloads have: the stricter word holds for both.
            let tag = tag.into_iter().chain(self.tags.get(&key).copied()).max();
            tag.and_then(|tag| self.tags.insert(key, tag));
        }
        let known = ["function", "error", "event", "struct", "enum", "interface"].contains(&kind);
        if known && !name.is_empty() && !words.is_empty() {
            self.words.insert((module.into(), kind.into(), name.into()), words.join(" "));
        }
    }

    /// Collects the fields of the struct that is open, or opens one. A field without a word is for members.
    fn follow_struct(
        &mut self,
        module: &str,
        line: &str,
        open: &mut Option<Open>,
        tag: Option<Tag>,
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
        let class = tag.map_or(Visibility::Scope, Tag::class);
        let named = body.split(';').filter_map(|field| field.split_whitespace().nth(1));
        fields.extend(named.map(|name| (name.to_owned(), class)));
        if ended && let Some((name, fields)) = open.take() {
            let (names, classes): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
            let key = (module.to_owned(), names);
            // Two structs with the same fields cannot be told apart: the stricter word holds for both.
            let before = self.fields.remove(&key);
            let strictest = |(n, class): (usize, Visibility)| match &before {
                Some(before) => class.max(before[n]),
                None => class,
            };
            let classes = classes.into_iter().enumerate().map(strictest).collect();
            self.fields.insert(key.clone(), classes);
            self.structs.insert(key, name);
        }
    }

    /// What is tagged at a function or an event.
    pub(crate) fn tag(&self, module: &str, kind: &str, name: &str) -> Option<Tag> {
        self.tags.get(&(module.into(), kind.into(), name.into())).copied()
    }

    /// Classes of the fields of the struct with these fields.
    pub(crate) fn classes(&self, module: &str, fields: Vec<String>) -> Option<&[Visibility]> {
        self.fields.get(&(module.to_owned(), fields)).map(Vec::as_slice)
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
