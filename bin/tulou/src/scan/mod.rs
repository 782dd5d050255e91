//! `tulou scan`: whether words stand anywhere in what a node keeps. What is personal must not.

mod needles;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use alloy_primitives::hex;
use clap::Args;
use serde_json::json;
use tulou_node::{NodeFolder, SETTINGS, Settings, each_entry, ledger_dir};

use self::needles::Needles;
use crate::output::{Failure, Outcome, say};

/// Bytes of a file that are looked at together.
const PIECE: usize = 8 << 20;
/// First bytes of what zstd compressed.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Findings that are printed.
const SHOWN: usize = 200;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Words, one a line: names, phones, plates.
    #[arg(long)]
    words: PathBuf,
    /// Folder of a node, which must not run: every file below it, and every entry of its ledgers as it was before
    /// it was compressed.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Other files and folders: snapshots, backups, logs, vaults.
    #[arg(long, num_args = 1..)]
    also: Vec<PathBuf>,
}

/// What was looked at and what was found.
#[derive(Default)]
struct Findings {
    files: u64,
    bytes: u64,
    entries: u64,
    found: BTreeSet<(String, usize, usize, &'static str)>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let needles = Needles::new(&words(&options.words)?)?;
    if options.dir.is_none() && options.also.is_empty() {
        return Err(Failure::hint("name where to look: --dir or --also", "nothing was looked at"));
    }
    let mut findings = Findings::default();
    if let Some(dir) = &options.dir {
        // Before its files: opening a ledger completes what a power cut has left half written.
        for folder in ledgers(dir)? {
            scan_ledger(&needles, &folder, &mut findings)?;
        }
        scan_path(&needles, dir, &mut findings)?;
    }
    for path in &options.also {
        scan_path(&needles, path, &mut findings)?;
    }
    for (place, at, word, how) in findings.found.iter().take(SHOWN) {
        // The word itself is not printed again.
        let line = json!({ "place": place, "at": at, "word": word + 1, "written": how });
        say(&line.to_string())?;
    }
    let (files, entries) = (findings.files, findings.entries);
    let summary = json!({
        "files": files, "bytes": findings.bytes, "ledger_entries": entries,
        "found": findings.found.len(),
    });
    say(&summary.to_string())?;
    match findings.found.is_empty() {
        true => Ok(()),
        false => Err(Failure::hint(
            format!("words stand in {} places", findings.found.len()),
            "what is on the ledger stays there: docs/guides/leak.md",
        )),
    }
}

fn words(file: &Path) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(file).map_err(|e| Failure(format!("{}: {e}", file.display())))?;
    let words = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let words: Vec<String> = words.map(str::to_owned).collect();
    if words.is_empty() {
        return Err(Failure(format!("{} has no words", file.display())));
    }
    Ok(words)
}

/// Folders of the ledgers of a node, or of `tulou dev`.
fn ledgers(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    if dir.join(SETTINGS).exists() {
        let settings = Settings::read(dir)?;
        return Ok(settings.ledgers.iter().map(|ledger| ledger_dir(dir, ledger)).collect());
    }
    let is_dev = dir.join("genesis.json").exists();
    Ok(if is_dev { vec![dir.to_owned()] } else { Vec::new() })
}

fn scan_ledger(needles: &Needles, dir: &Path, findings: &mut Findings) -> Outcome {
    let folder = NodeFolder::open(dir)?;
    let shown = dir.display().to_string();
    let mut visit = |key: &[u8], value: &[u8]| {
        findings.entries += 1;
        findings.bytes += (key.len() + value.len()) as u64;
        for (part, bytes) in [("key", key), ("value", value)] {
            for hit in needles.find(bytes) {
                let place = format!("{shown}: {part} of entry {}", hex::encode(key));
                findings.found.insert((place, hit.at, hit.word, hit.how));
            }
        }
    };
    each_entry(&folder, &mut visit)
        .map_err(|e| Failure::hint(e, "stop the node first; then look again"))
}

fn scan_path(needles: &Needles, path: &Path, findings: &mut Findings) -> Outcome {
    let failed = |e: std::io::Error| Failure(format!("{}: {e}", path.display()));
    let shown = path.display().to_string();
    for hit in needles.find(path.as_os_str().as_encoded_bytes()) {
        findings.found.insert((format!("the name of {shown}"), hit.at, hit.word, hit.how));
    }
    let meta = fs::symlink_metadata(path).map_err(failed)?;
    if meta.is_dir() {
        let entries: Result<Vec<_>, _> = fs::read_dir(path).map_err(failed)?.collect();
        let mut entries: Vec<PathBuf> =
            entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
        entries.sort_unstable();
        return entries.iter().try_for_each(|entry| scan_path(needles, entry, findings));
    }
    if !meta.is_file() {
        return Ok(());
    }
    findings.files += 1;
    let mut file = File::open(path).map_err(failed)?;
    let mut head = [0; 4];
    let is_zstd = file.read_exact(&mut head).is_ok() && head == ZSTD;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    findings.bytes += scan_stream(needles, &mut file, &shown, findings).map_err(failed)?;
    if is_zstd {
        let file = File::open(path).map_err(failed)?;
        let mut inside = zstd::Decoder::new(file).map_err(failed)?;
        let place = format!("{shown}, decompressed");
        findings.bytes += scan_stream(needles, &mut inside, &place, findings).map_err(failed)?;
    }
    Ok(())
}

/// Looks at a stream in pieces that overlap, and says how many bytes it has.
fn scan_stream(
    needles: &Needles,
    stream: &mut dyn Read,
    place: &str,
    findings: &mut Findings,
) -> std::io::Result<u64> {
    let reach = needles.reach();
    let (mut piece, mut before): (Vec<u8>, u64) = (Vec::new(), 0);
    loop {
        let wanted = PIECE as u64;
        let read = (&mut *stream).take(wanted).read_to_end(&mut piece)?;
        for hit in needles.find(&piece) {
            let at = usize::try_from(before).unwrap_or(usize::MAX).saturating_add(hit.at);
            findings.found.insert((place.to_owned(), at, hit.word, hit.how));
        }
        if read < PIECE {
            return Ok(before + piece.len() as u64);
        }
        let done = piece.len().saturating_sub(reach);
        piece.drain(..done);
        before += done as u64;
    }
}
