//! Snapshots in an archive. Chunks are shared by all that have the same.

use std::{
    collections::HashSet,
    fs,
    path::Path as FilePath,
    time::{Duration, SystemTime},
};

use alloy_primitives::hex;
use tulou_ledger::{
    Chunk, FolderSnapshot, Ledger, Manifest, SnapshotSink, SnapshotSource, Version,
};

use crate::{
    error::ArchiveError,
    store::{Archive, MAX_JSON, digest},
};

const MANIFESTS: &str = "snapshots";
const CHUNKS: &str = "chunks";

/// A snapshot's place in an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName {
    /// Height of the block.
    pub height: u64,
    /// First bytes of the block's hash, in hexadecimal.
    pub hash: String,
}

impl SnapshotName {
    fn of(manifest: &Manifest) -> Self {
        Self { height: manifest.height, hash: hex::encode(&manifest.hash[..8]) }
    }

    fn object(&self) -> String {
        format!("{MANIFESTS}/{:012}-{}.json", self.height, self.hash)
    }

    fn parse(file: &str) -> Option<Self> {
        let (height, hash) = file.strip_suffix(".json")?.split_once('-')?;
        let hex = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then_some(Self { height: height.parse().ok()?, hash: hash.into() })
    }
}

/// What was kept and what went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Snapshots that stay.
    pub snapshots: usize,
    /// Snapshots that went.
    pub dropped: usize,
    /// Chunks that went, because no snapshot that stays has them.
    pub chunks: usize,
}

/// A snapshot of an archive, chunk by chunk.
pub struct ArchiveSnapshot<'a> {
    archive: &'a Archive,
    name: SnapshotName,
}

impl Archive {
    /// Puts a snapshot of a version. Chunks that are there already are not sent again, so that a call
    /// that was interrupted goes on where it ended when it is made again.
    ///
    /// # Errors
    /// - [`ArchiveError::Snapshot`]: the version has none, or the store failed.
    pub fn put_snapshot(
        &self,
        ledger: &Ledger,
        version: &Version,
    ) -> Result<SnapshotName, ArchiveError> {
        let manifest = ledger.snapshot(version, self.chain_id(), &mut Sink(self))?;
        Ok(SnapshotName::of(&manifest))
    }

    /// All snapshots, the highest last.
    ///
    /// # Errors
    /// - [`ArchiveError::Store`]: the store; also for the methods below.
    pub fn snapshots(&self) -> Result<Vec<SnapshotName>, ArchiveError> {
        let mut names: Vec<_> = self
            .list(MANIFESTS)?
            .iter()
            .filter_map(|(name, _)| SnapshotName::parse(name))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The manifest of a snapshot.
    ///
    /// # Errors
    /// - [`ArchiveError::Missing`]: there is none.
    /// - [`ArchiveError::Snapshot`]: it is not usable.
    pub fn manifest(&self, name: &SnapshotName) -> Result<Manifest, ArchiveError> {
        Ok(Manifest::from_json(&self.get(&name.object(), MAX_JSON)?)?)
    }

    /// A snapshot as a source for [`Ledger::open_snapshot`], which checks every chunk.
    pub fn snapshot(&self, name: &SnapshotName) -> ArchiveSnapshot<'_> {
        ArchiveSnapshot { archive: self, name: name.clone() }
    }

    /// Brings a snapshot into a folder, from which [`FolderSnapshot`] reads it. What is there already
    /// is checked and not brought again.
    ///
    /// # Errors
    /// - [`ArchiveError::Missing`], [`ArchiveError::Damaged`]: the manifest or a chunk.
    /// - [`ArchiveError::File`]: the folder.
    pub fn fetch_snapshot(
        &self,
        name: &SnapshotName,
        folder: &FilePath,
    ) -> Result<FolderSnapshot, ArchiveError> {
        let manifest = self.manifest(name)?;
        let failed = |reason: String| ArchiveError::file(folder, reason);
        let mut local = FolderSnapshot::new(folder);
        fs::create_dir_all(folder).map_err(|error| ArchiveError::file(folder, error))?;
        for chunk in &manifest.chunks {
            let found = SnapshotSource::chunk(&mut local, chunk);
            if found.is_ok_and(|bytes| digest(&bytes) == chunk.sha256) {
                continue;
            }
            let object = object_of(chunk);
            let bytes = self.get_checked(&object, chunk.bytes, &chunk.sha256)?;
            // A file that is there is damaged: it would be taken for the chunk.
            let _ = fs::remove_file(folder.join(format!("{}.zst", chunk.sha256)));
            SnapshotSink::chunk(&mut local, chunk, bytes).map_err(failed)?;
        }
        local.finish(&manifest).map_err(failed)?;
        Ok(local)
    }

    /// Keeps the newest `keep` snapshots, at least one, and those that a backup needs. Chunks of the others
    /// go when they are older than `grace`, so that a snapshot that is just being written keeps its own.
    pub fn retain(&self, keep: usize, grace: Duration) -> Result<Retained, ArchiveError> {
        let mut names = self.snapshots()?;
        let needed = self.snapshots_of_backups()?;
        let old = names.len().saturating_sub(keep.max(1));
        let (dropped, mut kept): (Vec<_>, Vec<_>) =
            names.drain(..old).partition(|name| !needed.contains(name));
        kept.extend(names);
        let mut used = HashSet::new();
        for name in &kept {
            used.extend(self.manifest(name)?.chunks.into_iter().map(|chunk| chunk.sha256));
        }
        // Manifests go first: a snapshot without chunks would look whole.
        self.delete(dropped.iter().map(|name| name.object().into()).collect())?;
        let before = SystemTime::now().checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
        let unused = self
            .list(CHUNKS)?
            .into_iter()
            .filter(|(name, meta)| {
                let name = name.strip_suffix(".zst").unwrap_or(name);
                !used.contains(name) && SystemTime::from(meta.last_modified) <= before
            })
            .map(|(_, meta)| meta.location)
            .collect();
        let chunks = self.delete(unused)?;
        Ok(Retained { snapshots: kept.len(), dropped: dropped.len(), chunks })
    }
}

fn object_of(chunk: &Chunk) -> String {
    format!("{CHUNKS}/{}.zst", chunk.sha256)
}

struct Sink<'a>(&'a Archive);

impl SnapshotSink for Sink<'_> {
    fn chunk(&mut self, chunk: &Chunk, bytes: Vec<u8>) -> Result<(), String> {
        self.0.put_once(&object_of(chunk), bytes).map(|_| ()).map_err(|error| error.to_string())
    }

    fn finish(&mut self, manifest: &Manifest) -> Result<(), String> {
        let object = SnapshotName::of(manifest).object();
        self.0.put(&object, manifest.to_json()).map_err(|error| error.to_string())
    }
}

impl SnapshotSource for ArchiveSnapshot<'_> {
    fn manifest(&mut self) -> Result<Vec<u8>, String> {
        self.archive.get(&self.name.object(), MAX_JSON).map_err(|error| error.to_string())
    }

    fn chunk(&mut self, chunk: &Chunk) -> Result<Vec<u8>, String> {
        self.archive.get(&object_of(chunk), chunk.bytes).map_err(|error| error.to_string())
    }
}
