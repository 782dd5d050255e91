//! Backups: the files that make a node, a snapshot, and all blocks up to it.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use tulou_ledger::{Ledger, LedgerConfig, Manifest, Offer};
use tulou_primitives::Block;

use crate::{
    error::ArchiveError,
    snapshots::SnapshotName,
    store::{Archive, digest},
};

/// Changes with the manifest.
const FORMAT: u32 = 1;
const BACKUPS: &str = "backups";
const FILES: &str = "files";
/// Bytes of one file of a node's folder.
const MAX_FILE: u64 = 64 << 20;
/// Files of a backup.
const MAX_FILES: usize = 10_000;

/// What a backup holds. It is a JSON file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupManifest {
    /// Of this list.
    pub format: u32,
    /// Chain id of the ledger.
    pub chain_id: u64,
    /// Hash of its genesis block.
    pub genesis: B256,
    /// When it was made, in seconds since 1970.
    pub made_at: u64,
    /// Height of the snapshot, to which a restored ledger comes back.
    pub height: u64,
    /// First bytes of the block's hash, in hexadecimal.
    pub hash: String,
    /// The last block in the sections when it was made.
    pub last_block: u64,
    /// Files of the node's folder.
    pub files: Vec<StoredFile>,
}

/// A file of a node's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StoredFile {
    /// Where it stands below the folder.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// Who may read and write it.
    pub mode: u32,
}

/// What a backup sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// Its name.
    pub name: String,
    /// Height of its snapshot.
    pub height: u64,
    /// Files in it.
    pub files: usize,
    /// Blocks that were not in the archive before.
    pub new_blocks: u64,
}

/// What a restore brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// Height of the head.
    pub height: u64,
    /// Hash of the head.
    pub hash: B256,
    /// The lowest height whose block is there.
    pub first_kept: u64,
}

impl BackupManifest {
    /// Its snapshot.
    pub fn snapshot(&self) -> SnapshotName {
        SnapshotName { height: self.height, hash: self.hash.clone() }
    }
}

impl Archive {
    /// Makes a backup: `files` of the folder `root` (whole folders too), a snapshot of the newest version
    /// that has one, and the blocks up to it. Keys belong into it only as encrypted keystores. The
    /// engine's journal must never be in it: a validator that comes back with an old one may sign twice.
    ///
    /// # Errors
    /// - [`ArchiveError::File`]: a file cannot be read, or is not below `root`.
    /// - [`ArchiveError::Missing`]: no version has a certificate of its own.
    /// - [`ArchiveError::Gap`], [`ArchiveError::Snapshot`], [`ArchiveError::Ledger`],
    ///   [`ArchiveError::Store`].
    pub fn backup(
        &self,
        ledger: &Ledger,
        root: &Path,
        files: &[PathBuf],
        made_at: u64,
    ) -> Result<BackupReport, ArchiveError> {
        let mut paths = Vec::new();
        for path in files {
            collect(root, path, &mut paths)?;
        }
        paths.sort();
        paths.dedup();
        let stored =
            paths.iter().map(|path| self.put_file(root, path)).collect::<Result<Vec<_>, _>>()?;
        let version = ledger
            .snapshot_version()?
            .ok_or_else(|| ArchiveError::Missing("a block with a certificate of its own".into()))?;
        let snapshot = self.put_snapshot(ledger, &version)?;
        let shipped = self.ship_blocks(ledger, snapshot.height, true)?;
        let height = snapshot.height;
        let manifest = BackupManifest {
            format: FORMAT,
            chain_id: self.chain_id(),
            genesis: self.genesis(),
            made_at,
            height,
            hash: snapshot.hash,
            last_block: shipped.next - 1,
            files: stored,
        };
        let name = format!("{made_at:012}-{height:012}");
        self.put_json(&object_of(&name), &manifest)?;
        let files = manifest.files.len();
        Ok(BackupReport { name, height, files, new_blocks: shipped.blocks })
    }

    /// Names of all backups, the newest last.
    ///
    /// # Errors
    /// - [`ArchiveError::Store`].
    pub fn backups(&self) -> Result<Vec<String>, ArchiveError> {
        let found = self.list(BACKUPS)?;
        Ok(found.iter().filter_map(|(name, _)| Some(name.strip_suffix(".json")?.into())).collect())
    }

    /// What a backup holds.
    ///
    /// # Errors
    /// - [`ArchiveError::Missing`]: there is none of this name.
    /// - [`ArchiveError::Damaged`]: it is of another format or ledger.
    pub fn backup_manifest(&self, name: &str) -> Result<BackupManifest, ArchiveError> {
        let object = object_of(name);
        let manifest: BackupManifest = self.json(&object)?;
        let ours = manifest.chain_id == self.chain_id() && manifest.genesis == self.genesis();
        if manifest.format != FORMAT || !ours || manifest.files.len() > MAX_FILES {
            return Err(ArchiveError::damaged(object, "it is not a backup of this ledger"));
        }
        Ok(manifest)
    }

    /// Brings the files of a backup back below `root`. A file that is there and equal stays; another one
    /// is refused and nothing is overwritten.
    ///
    /// # Errors
    /// - [`ArchiveError::File`]: another file is in the way, or the folder cannot be written.
    /// - [`ArchiveError::Missing`], [`ArchiveError::Damaged`]: an object.
    pub fn restore_files(
        &self,
        manifest: &BackupManifest,
        root: &Path,
    ) -> Result<usize, ArchiveError> {
        for file in &manifest.files {
            check_path(&file.path)?;
            let bytes = self.get_checked(&file_object(file), file.bytes, &file.sha256)?;
            let path = root.join(&file.path);
            match fs::read(&path) {
                Ok(found) if found == bytes => continue,
                Ok(_) => return Err(ArchiveError::file(&path, "another file is there already")),
                Err(_) => {}
            }
            write(&path, &bytes, file.mode).map_err(|error| ArchiveError::file(&path, error))?;
        }
        Ok(manifest.files.len())
    }

    /// Makes the ledger of a backup anew in `dir`: the state from its snapshot and the blocks below from
    /// the sections. Called again after an interruption it goes on.
    ///
    /// # Errors
    /// - [`ArchiveError::Snapshot`]: damage, or `check` refuses who vouches for it.
    /// - [`ArchiveError::Missing`], [`ArchiveError::Damaged`], [`ArchiveError::Ledger`],
    ///   [`ArchiveError::Store`].
    pub fn restore_ledger(
        &self,
        manifest: &BackupManifest,
        dir: &Path,
        genesis: &Block,
        check: &mut dyn FnMut(&Offer<'_>) -> Result<(), String>,
        config: LedgerConfig,
    ) -> Result<(Ledger, RestoreReport), ArchiveError> {
        let ledger = if dir.join("store").exists() {
            Ledger::open(dir, genesis, Default::default(), config)?
        } else {
            let mut source = self.snapshot(&manifest.snapshot());
            let (chain_id, source) = (self.chain_id(), &mut source);
            let opened = Ledger::open_snapshot(dir, genesis, chain_id, source, check, config)?;
            let (ledger, _): (Ledger, Manifest) = opened;
            ledger
        };
        let first_kept = self.restore_blocks(&ledger)?;
        let head = ledger.head();
        let report = RestoreReport { height: head.height, hash: head.hash, first_kept };
        Ok((ledger, report))
    }

    /// Snapshots that a backup comes back to.
    pub(crate) fn snapshots_of_backups(&self) -> Result<HashSet<SnapshotName>, ArchiveError> {
        let names = self.backups()?;
        names.iter().map(|name| Ok(self.backup_manifest(name)?.snapshot())).collect()
    }

    /// Keeps the newest `keep` backups, at least one, with their files. Their snapshots go with the next
    /// [`Archive::retain`].
    ///
    /// # Errors
    /// - [`ArchiveError::Damaged`], [`ArchiveError::Store`].
    pub fn retain_backups(&self, keep: usize) -> Result<usize, ArchiveError> {
        let mut names = self.backups()?;
        let kept = names.split_off(names.len().saturating_sub(keep.max(1)));
        let mut used = HashSet::new();
        for name in &kept {
            used.extend(self.backup_manifest(name)?.files.into_iter().map(|file| file.sha256));
        }
        let dropped = self.delete(names.iter().map(|name| object_of(name).into()).collect())?;
        let unused = self.list(FILES)?.into_iter().filter(|(name, _)| !used.contains(name));
        self.delete(unused.map(|(_, meta)| meta.location).collect())?;
        Ok(dropped)
    }

    fn put_file(&self, root: &Path, path: &Path) -> Result<StoredFile, ArchiveError> {
        let whole = root.join(path);
        let failed = |error: std::io::Error| ArchiveError::file(&whole, error);
        let file = File::open(&whole).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(ArchiveError::file(&whole, "it is too large for a backup"));
        }
        let length = bytes.len() as u64;
        let stored =
            StoredFile { path: path.to_owned(), bytes: length, sha256: digest(&bytes), mode };
        self.put_once(&file_object(&stored), bytes)?;
        Ok(stored)
    }
}

fn object_of(name: &str) -> String {
    format!("{BACKUPS}/{name}.json")
}

fn file_object(file: &StoredFile) -> String {
    format!("{FILES}/{}", file.sha256)
}

/// Refuses a path that leads out of the folder.
fn check_path(path: &Path) -> Result<(), ArchiveError> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && path.components().next().is_some() {
        Ok(())
    } else {
        Err(ArchiveError::file(path, "it is not below the node's folder"))
    }
}

/// Files at a path below `root`, without following links.
fn collect(root: &Path, path: &Path, found: &mut Vec<PathBuf>) -> Result<(), ArchiveError> {
    check_path(path)?;
    let whole = root.join(path);
    let failed = |error: std::io::Error| ArchiveError::file(&whole, error);
    let kind = fs::symlink_metadata(&whole).map_err(failed)?.file_type();
    if kind.is_file() {
        found.push(path.to_owned());
        if found.len() > MAX_FILES {
            return Err(ArchiveError::file(root, "it has too many files for a backup"));
        }
    } else if kind.is_dir() {
        for entry in fs::read_dir(&whole).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            collect(root, &path.join(entry.file_name()), found)?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_added_extension("new");
    let mut file = File::options().create(true).truncate(true).write(true).mode(mode).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
