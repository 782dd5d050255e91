//! A snapshot in a folder: `manifest.json` and a file for each chunk.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use super::{
    MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES, SnapshotSink, SnapshotSource,
    manifest::{Chunk, Manifest},
};

/// Name of the manifest file.
const MANIFEST: &str = "manifest.json";

/// Reads and writes a snapshot in one folder.
#[derive(Clone, Debug)]
pub struct FolderSnapshot(PathBuf);

impl FolderSnapshot {
    /// The folder is made when something is written.
    pub fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    fn chunk_path(&self, chunk: &Chunk) -> PathBuf {
        self.0.join(format!("{}.zst", chunk.sha256))
    }

    /// Writes a file beside its place and moves it there, so that a file is whole if it is there.
    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(&self.0)?.sync_all()
    }
}

impl SnapshotSink for FolderSnapshot {
    fn chunk(&mut self, chunk: &Chunk, bytes: Vec<u8>) -> Result<(), String> {
        let path = self.chunk_path(chunk);
        if fs::metadata(&path).is_ok_and(|data| data.len() == chunk.bytes) {
            return Ok(());
        }
        self.write(&path, &bytes).map_err(|error| shown(&path, &error))
    }

    fn finish(&mut self, manifest: &Manifest) -> Result<(), String> {
        let path = self.0.join(MANIFEST);
        self.write(&path, &manifest.to_json()).map_err(|error| shown(&path, &error))
    }
}

impl SnapshotSource for FolderSnapshot {
    fn manifest(&mut self) -> Result<Vec<u8>, String> {
        read(&self.0.join(MANIFEST), MAX_MANIFEST_BYTES as u64)
    }

    fn chunk(&mut self, chunk: &Chunk) -> Result<Vec<u8>, String> {
        read(&self.chunk_path(chunk), MAX_CHUNK_BYTES)
    }
}

/// A file, one byte more than `limit` at most.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| shown(path, &error))?;
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|error| shown(path, &error))
}

fn shown(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
