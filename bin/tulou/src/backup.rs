//! `tulou snapshot`, `backup`, `restore` and `verify`: a node's data kept, brought back and checked.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use tulou_node::{
    LedgerSettings, NodeFolder, SETTINGS, Settings, ledger_dir, open_ledger, replay_ledger,
    send_to_archive, start_from_archive, start_from_snapshot, verify_node, write_snapshot,
};

use crate::output::{Failure, Outcome, say};

/// The node and one of its ledgers.
#[derive(Clone, Debug, Args)]
pub(crate) struct Which {
    /// The node's folder, with node.toml, or the folder of `tulou dev`. The node must not run.
    #[arg(long)]
    dir: PathBuf,
    /// Name of the ledger; the first one without it.
    #[arg(long)]
    ledger: Option<String>,
}

impl Which {
    fn settings(&self) -> Result<LedgerSettings, Failure> {
        let settings = Settings::read(&self.dir)?;
        let named = |ledger: &LedgerSettings| match &self.ledger {
            Some(name) => ledger.name == *name,
            None => true,
        };
        let found = settings.ledgers.into_iter().find(named);
        found.ok_or_else(|| Failure(format!("{} has no such ledger", self.dir.display())))
    }

    fn folder(&self) -> Result<NodeFolder, Failure> {
        // A dev ledger stands alone in its folder, without settings.
        if !self.dir.join(SETTINGS).exists() && self.dir.join("genesis.json").exists() {
            return Ok(NodeFolder::open(&self.dir)?);
        }
        Ok(NodeFolder::open(&ledger_dir(&self.dir, &self.settings()?))?)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    #[command(flatten)]
    which: Which,
    /// Folder for the snapshot; or an archive, `file:///folder` or `s3://bucket/prefix` with its keys in the
    /// usual variables (AWS_ACCESS_KEY_ID ...), which gets the blocks as well.
    #[arg(long)]
    out: String,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    which: Which,
    /// New folder for the backup.
    #[arg(long)]
    out: PathBuf,
    /// Also the encrypted keys. Plain ones are never copied.
    #[arg(long)]
    with_keys: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A folder that `tulou backup` made.
    #[arg(long)]
    from: PathBuf,
    /// New folder for the node.
    #[arg(long)]
    dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    which: Which,
    /// Also execute all blocks anew from the first page on; every header must come out the same. Needs
    /// room for a second ledger.
    #[arg(long)]
    replay: bool,
}

/// Files of a ledger's folder that a backup holds beside its snapshot. Never the votes, nor the right to
/// begin: a node that comes back must not vote where it may have voted.
const FILES: [&str; 2] = ["genesis.json", "card.toml"];

pub(crate) fn snapshot(options: &Snapshot) -> Outcome {
    let begun = Instant::now();
    let (genesis, ledger) = open_ledger(&options.which.folder()?).map_err(in_use)?;
    let out = &options.out;
    let manifest = if is_archive(out) {
        let (manifest, shipped) = send_to_archive(&ledger, genesis.chain_id, out)?;
        say(&format!(
            "{} blocks sent; the archive holds all below {}",
            shipped.blocks, shipped.next
        ))?;
        manifest
    } else {
        write_snapshot(&ledger, genesis.chain_id, Path::new(out))?
    };
    let mb = manifest.bytes as f64 / 1e6;
    let rate = manifest.record_bytes as f64 / 1e6 / begun.elapsed().as_secs_f64().max(1e-3);
    say(&format!(
        "block {}: {} accounts, {mb:.1} MB in {} parts, {rate:.0} MB of state a second, in {out}",
        manifest.height,
        manifest.accounts,
        manifest.chunks.len(),
    ))
}

/// Whether a place is an archive rather than a plain folder.
fn is_archive(place: &str) -> bool {
    place.contains("://")
}

pub(crate) fn backup(options: &Backup) -> Outcome {
    let out = &options.out;
    if out.exists() && fs::read_dir(out)?.next().is_some() {
        return Err(Failure::hint(
            format!("{} is not empty", out.display()),
            "choose a new folder for each backup; nothing was written",
        ));
    }
    let settings = options.which.settings()?;
    let folder = options.which.folder()?;
    let (genesis, ledger) = open_ledger(&folder).map_err(in_use)?;
    fs::create_dir_all(out)?;
    let manifest = write_snapshot(&ledger, genesis.chain_id, &out.join("snapshot"))?;
    copy(&options.which.dir.join(SETTINGS), &out.join(SETTINGS))?;
    for name in FILES {
        let from = folder.path().join(name);
        if from.exists() {
            copy(&from, &out.join(name))?;
        }
    }
    let mut keys = 0;
    if options.with_keys {
        for name in ["validator.json", "account.json", "keeper.json"] {
            let from = folder.path().join("keys").join(name);
            if from.exists() {
                fs::create_dir_all(out.join("keys"))?;
                copy(&from, &out.join("keys").join(name))?;
                keys += 1;
            }
        }
    }
    // Last: without it there is no backup.
    fs::write(out.join("ledger"), format!("{}\n", settings.name))?;
    say(&format!(
        "backup of {} at block {} with {keys} keys in {}; the votes are not in it, on purpose",
        settings.name,
        manifest.height,
        out.display()
    ))
}

pub(crate) fn restore(options: &Restore) -> Outcome {
    let (from, dir) = (&options.from, &options.dir);
    let nothing = "nothing was written";
    let name = fs::read_to_string(from.join("ledger")).map_err(|e| {
        Failure::hint(format!("{} is no whole backup: {e}", from.display()), nothing)
    })?;
    let name = name.trim();
    if dir.join(SETTINGS).exists() {
        let what = format!("{} is a node's folder already", dir.display());
        return Err(Failure::hint(what, nothing));
    }
    fs::create_dir_all(dir)?;
    copy(&from.join(SETTINGS), &dir.join(SETTINGS))?;
    let which = Which { dir: dir.clone(), ledger: Some(name.to_owned()) };
    let folder = which.folder()?;
    for file in FILES {
        if from.join(file).exists() {
            copy(&from.join(file), &folder.path().join(file))?;
        }
    }
    let keys = from.join("keys");
    if keys.exists() {
        let to = folder.path().join("keys");
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&keys)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    let begun = Instant::now();
    let height = start_from_snapshot(&folder, &from.join("snapshot"))?;
    say(&format!(
        "restored {name} up to block {height} in {:.1} s, signed by its validators since the first page",
        begun.elapsed().as_secs_f64()
    ))?;
    if !keys.exists() {
        say(&format!(
            "put the keys into {} before you start it",
            folder.path().join("keys").display()
        ))?;
    }
    say("it follows when it starts and votes from the next epoch on")
}

pub(crate) fn verify(options: &Verify) -> Outcome {
    let begun = Instant::now();
    let (report, archive) = verify_node(&options.which.folder()?, |_| {}).map_err(in_use)?;
    for damage in report.damage.iter().chain(&archive.damage) {
        say(&format!("DAMAGED  {damage}"))?;
    }
    say(&format!(
        "blocks {} to {} and the whole state were read in {:.1} s",
        report.from,
        report.to,
        begun.elapsed().as_secs_f64()
    ))?;
    say(&format!(
        "{} blocks and {} certificates of the engine were compared with them",
        archive.blocks, archive.certificates
    ))?;
    let wrong = report.damage.len() + archive.damage.len();
    let cure = match report.is_sound() {
        _ if wrong == 0 => {
            say("all of it is sound")?;
            return if options.replay { replay(&options.which.folder()?) } else { Ok(()) };
        }
        true => {
            "move the engine folder away: the node goes on from its ledger and votes again from a later \
             epoch; or restore a backup"
        }
        false => {
            "move the ledger folder away: it is made again from the engine's blocks; or restore a backup"
        }
    };
    Err(Failure::hint(format!("{wrong} things are wrong"), cure))
}

/// Executes everything anew in a folder beside the ledger, which is removed again.
fn replay(folder: &NodeFolder) -> Outcome {
    let scratch = folder.path().join("replay");
    let begun = Instant::now();
    let clear = || match fs::remove_dir_all(&scratch) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure(format!("{}: {e}", scratch.display())))
        }
        _ => Ok(()),
    };
    clear()?;
    let replayed = replay_ledger(folder, &scratch, |_| {});
    clear()?;
    let done = replayed.map_err(|fault| {
        Failure::hint(fault, "the node was not changed; compare with another member's node")
    })?;
    say(&format!("execution and roots, senders known: {:.3} s", done.checking.as_secs_f64()))?;
    say(&format!(
        "{} transactions in {} blocks were executed anew in {:.1} s and came out the same: state root {}",
        done.transactions,
        done.height,
        begun.elapsed().as_secs_f64(),
        done.state_root
    ))
}

/// Makes the ledger of a node from a snapshot, where the node has none yet.
pub(crate) fn start_from(dir: &Path, from: &str) -> Outcome {
    let which = Which { dir: dir.to_owned(), ledger: None };
    let folder = which.folder()?;
    if folder.ledger().exists() {
        // The second start with the same arguments goes on.
        return Ok(());
    }
    let height = match is_archive(from) {
        true => start_from_archive(&folder, from)?,
        false => start_from_snapshot(&folder, Path::new(from))?,
    };
    say(&format!("starting from block {height}, signed by the validators since the first page"))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).map_err(|e| Failure(format!("{}: {e}", from.display())))
}

fn in_use(fault: tulou_node::SnapshotFault) -> Failure {
    Failure::hint(
        fault,
        "stop the node first; a running one writes snapshots by itself with [ledger.snapshots] in node.toml",
    )
}
