//! `tulou vault`: personal records off the chain.

mod copies;
mod entries;
mod people;
mod place;

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
};

use alloy_primitives::{B256, hex};
use clap::{Args, Subcommand};
use serde_json::json;
use tulou_vault::{LocalMaster, Suite, Vault, Zeroizing, random_id};

use self::place::nothing_done;
pub(crate) use self::{people::keep_people, place::Which};
use crate::output::{Failure, Outcome, say};

#[derive(Debug, Subcommand)]
pub(crate) enum Step {
    /// Makes a vault, and the file of its master key where --master-key names one that is not there.
    New(New),
    /// Keeps a record: from a file, or from standard input.
    #[command(disable_version_flag = true)]
    Put(Put),
    /// Prints a record.
    #[command(disable_version_flag = true)]
    Get(Get),
    /// Lists what is held and what was erased; opens nothing.
    List(Which),
    /// Prints the people of the register that the vault holds.
    People(Which),
    /// Erases records for good and enters the proof on the ledger.
    Erase(entries::Erase),
    /// Compares the erasures of the vault with the entries on the ledger.
    Check(entries::Check),
    /// Changes the master key.
    Rewrap(copies::Rewrap),
    /// Brings another vault up to this one: erasures, records, and keys where its member may read.
    Sync(copies::Sync),
}

#[derive(Debug, Args)]
pub(crate) struct New {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Put {
    #[command(flatten)]
    which: Which,
    /// Number of the record, 64 hexadecimal digits; one by chance where it is left out.
    id: Option<B256>,
    /// What to keep; standard input without it.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Version; the next one where it is left out.
    #[arg(long)]
    version: Option<u64>,
    /// Number of the form of the data, for whoever reads it.
    #[arg(long, default_value_t = 0)]
    schema: u32,
    /// How it is encrypted: aes-256-gcm or sm4-gcm.
    #[arg(long, default_value_t = Suite::default().name().to_owned())]
    suite: String,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    #[command(flatten)]
    which: Which,
    /// Number of the record.
    id: B256,
    /// Version; the newest where it is left out.
    #[arg(long)]
    version: Option<u64>,
}

pub(crate) fn run(step: &Step) -> Outcome {
    match step {
        Step::New(options) => new(options),
        Step::Put(options) => put(options),
        Step::Get(options) => get(options),
        Step::List(which) => list(which),
        Step::People(which) => people::list(which),
        Step::Erase(options) => entries::erase(options),
        Step::Check(options) => entries::check(options),
        Step::Rewrap(options) => copies::rewrap(options),
        Step::Sync(options) => copies::sync(options),
    }
}

fn new(options: &New) -> Outcome {
    let which = &options.which;
    let place = which.place()?;
    if Vault::is_in(&place)? {
        let what = format!("there is a vault in {} already", place.url);
        return Err(Failure::hint(what, "nothing was changed"));
    }
    let made = match which.key_file()? {
        Some(file) if !file.exists() => {
            LocalMaster::create_file(&file)?;
            Some(file)
        }
        _ => None,
    };
    let unlock = which.unlock(true)?;
    let vault = Vault::open(&place, &unlock, which.suite()?).map_err(nothing_done)?;
    say(&format!(
        "a vault in {}{}",
        place.url,
        if vault.is_keyless() {
            ", which holds no keys: records are kept and not read"
        } else {
            ""
        }
    ))?;
    if let Some(file) = made {
        say(&format!(
            "its master key is {}: keep a copy elsewhere, never beside a copy of the vault",
            file.display()
        ))?;
    }
    Ok(())
}

fn put(options: &Put) -> Outcome {
    let suite = options.suite.parse().map_err(Failure)?;
    let vault = options.which.open_in(suite)?;
    let mut data = Zeroizing::new(Vec::new());
    match &options.file {
        Some(file) => {
            let read = fs::read(file).map_err(|e| Failure(format!("{}: {e}", file.display())))?;
            *data = read;
        }
        None => {
            std::io::stdin().read_to_end(&mut data)?;
        }
    }
    let id = match options.id {
        Some(id) => id,
        None => random_id()?,
    };
    let version = match options.version {
        Some(version) => version,
        None => vault.versions(id)?.last().map_or(1, |last| last.saturating_add(1)),
    };
    let written = vault.write(id, version, options.schema, &data).map_err(nothing_done)?;
    say(&json!({ "id": id, "version": version, "digest": written.digest }).to_string())
}

fn get(options: &Get) -> Outcome {
    let (vault, id) = (options.which.open()?, options.id);
    let version = match options.version {
        Some(version) => version,
        // An erased record says so before it says that nothing is held.
        None => vault.versions(id)?.last().copied().unwrap_or(1),
    };
    let record = vault.read_record(id, version).map_err(nothing_done)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&record.data)?;
    Ok(out.flush()?)
}

fn list(which: &Which) -> Outcome {
    let vault = which.look()?;
    let records = vault.records()?;
    for same in records.chunk_by(|a, b| a.0 == b.0) {
        let versions: Vec<u64> = same.iter().map(|(_, version)| *version).collect();
        say(&json!({ "id": same[0].0, "versions": versions }).to_string())?;
    }
    for erasure in vault.erasures()? {
        let commitment = erasure.commitment();
        say(&json!({ "id": erasure.id, "erased": true, "commitment": commitment }).to_string())?;
    }
    Ok(())
}

/// A record's number as it is written in an answer.
fn shown(ids: &[B256]) -> Vec<String> {
    ids.iter().map(hex::encode_prefixed).collect()
}
