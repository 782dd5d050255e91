//! The app itself: what a node sends to phones is what it says it sends, and what the others send.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use alloy_primitives::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tulou_client::{ClientError, Rpc};

use crate::output::{Failure, Outcome, say};

/// Where a node tells what its app consists of.
const MANIFEST: &str = "/api/v1/node/web";

/// Files of an app: path and SHA-256 in hexadecimal.
type Files = BTreeMap<String, String>;

/// What was found at one node.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Every file is what the manifest says; the digest of all of them.
    Whole(String),
    /// These paths are not.
    Changed(Vec<String>),
    /// It tells nothing, or nothing that can be read.
    Untold(String),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(digest) => write!(f, "{digest}"),
            Self::Changed(paths) => write!(f, "CHANGED: {}", paths.join(", ")),
            Self::Untold(why) => write!(f, "not known: {why}"),
        }
    }
}

/// Fetches the app of every node and says what was found. The inner result is the verdict.
///
/// # Errors
/// A folder that cannot be read, or a terminal that cannot be written to.
pub(super) fn check(nodes: &[Rpc], own: Option<&Path>) -> Result<Outcome, Failure> {
    let own = own.map(build).transpose()?;
    if let Some(files) = &own {
        say(&format!("app          {} (the folder's)", digest(files)))?;
    }
    let mut digests = BTreeMap::<String, Vec<&str>>::new();
    let mut changed = Vec::new();
    for node in nodes {
        let found = look(|path| node.file(path));
        say(&format!("app          {found} ({})", node.url()))?;
        match found {
            Found::Whole(digest) => digests.entry(digest).or_default().push(node.url()),
            Found::Changed(_) => changed.push(node.url()),
            Found::Untold(_) => {}
        }
    }
    if !changed.is_empty() {
        return Ok(Err(Failure::hint(
            format_args!("the app was changed at {}", changed.join(", ")),
            "do not open it there; keep this output and show it to the member whose node it is: a proxy or the \
             program may have been tampered with",
        )));
    }
    if let Some(own) = own.map(|files| digest(&files))
        && let Some((_, urls)) = digests.iter().find(|(digest, _)| **digest != own)
    {
        return Ok(Err(Failure::hint(
            format_args!("the app at {} is not the one in the folder", urls.join(", ")),
            "build the release that the node runs (web3_clientVersion says which) and compare again",
        )));
    }
    if digests.len() > 1 {
        say(
            "app          the nodes' differ: they run different releases, or one was changed; compare with a \
             build of your own by --web",
        )?;
    }
    Ok(Ok(()))
}

/// Fetches a node's manifest and every file in it.
fn look(fetch: impl Fn(&str) -> Result<Vec<u8>, ClientError>) -> Found {
    let told = match fetch(MANIFEST) {
        Ok(told) => told,
        Err(error) => return Found::Untold(error.to_string()),
    };
    let told: Value = match serde_json::from_slice(&told) {
        Ok(told) => told,
        Err(error) => return Found::Untold(error.to_string()),
    };
    let digits = |value: &Value| Some(value.as_str()?.strip_prefix("0x")?.to_owned());
    let file = |file: &Value| Some((file["path"].as_str()?.to_owned(), digits(&file["sha256"])?));
    let rows = told["files"].as_array().map(Vec::as_slice).unwrap_or_default();
    let files: Option<Files> = rows.iter().map(file).collect();
    let Some(files) = files.filter(|files| files.contains_key("index.html")) else {
        return Found::Untold("its list of files cannot be read".into());
    };
    let differs = |(path, wanted): &(&String, &String)| {
        // The first page is what a phone asks for.
        let at = if path.as_str() == "index.html" { "/".to_owned() } else { format!("/{path}") };
        !fetch(&at).is_ok_and(|bytes| sha256(&bytes) == **wanted)
    };
    let mut changed: Vec<_> = files.iter().filter(differs).map(|(path, _)| path.clone()).collect();
    let digest = digest(&files);
    if digits(&told["digest"]).is_none_or(|told| told != digest) {
        changed.push("the digest of the list".into());
    }
    if changed.is_empty() { Found::Whole(digest) } else { Found::Changed(changed) }
}

/// What `sha256sum` prints of the files, ascending by path, hashed once more.
fn digest(files: &Files) -> String {
    let lines: String = files.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    sha256(lines.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The files of a build, without their compressed twins.
fn build(folder: &Path) -> Result<Files, Failure> {
    let mut files = Files::new();
    let mut open = vec![folder.to_owned()];
    while let Some(here) = open.pop() {
        let entries = fs::read_dir(&here).map_err(|error| {
            Failure::hint(format_args!("{}: {error}", here.display()), "`make web` builds web/dist")
        })?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let twin = path.extension().is_some_and(|end| end == "br" || end == "gz")
                && path.with_extension("").is_file();
            let name = path.strip_prefix(folder).ok().and_then(Path::to_str);
            if let Some(name) = name.filter(|_| !twin) {
                files.insert(name.to_owned(), sha256(&fs::read(&path)?));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
