//! A node's folder: its genesis, its keys, its engine's and its ledger's data.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, hex};
use tulou_primitives::Genesis;

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk said no.
    #[error("{path}: {source}")]
    Io {
        /// File or folder.
        path: String,
        /// What the disk said.
        source: io::Error,
    },
    /// A file of ours that is not as we wrote it.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Seconds by which a lost journal's votes may be younger than our clock says.
const MARGIN_S: u64 = 60;
/// The right to begin: there until the first start has used it up.
const FOUNDING: &str = "founding";
/// Second after which a node that lost its journal may vote again.
const VOTES_AFTER: &str = "votes-after";

/// Files of one node below one folder.
#[derive(Clone, Debug)]
pub struct NodeFolder(PathBuf);

impl NodeFolder {
    /// Uses a folder, making it where it is missing.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(|source| io_error(path, source))?;
        Ok(Self(path.to_owned()))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the engine keeps its journal and archives.
    pub fn engine(&self) -> PathBuf {
        self.0.join("engine")
    }

    /// Where the ledger keeps blocks and state.
    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }

    /// Whether nothing was kept here yet. A folder that holds data but has lost its genesis is damaged,
    /// not new: nothing in it may be taken for a beginning.
    ///
    /// # Errors
    /// - [`FolderError::Damaged`]: data without a genesis.
    pub fn is_new(&self) -> Result<bool, FolderError> {
        if self.genesis()?.is_some() {
            return Ok(false);
        }
        for data in [self.ledger(), self.engine()] {
            if data.exists() {
                return Err(FolderError::Damaged {
                    path: self.0.join("genesis.json").display().to_string(),
                    reason: format!("it is missing, but {} is there", data.display()),
                });
            }
        }
        Ok(true)
    }

    /// The genesis of this folder, if it has one yet.
    pub fn genesis(&self) -> Result<Option<Genesis>, FolderError> {
        let path = self.0.join("genesis.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error(&path, source)),
        };
        serde_json::from_str(&text).map(Some).map_err(|e| FolderError::Damaged {
            path: path.display().to_string(),
            reason: e.to_string(),
        })
    }

    /// Writes the genesis, whole or not at all.
    pub fn write_genesis(&self, genesis: &Genesis) -> Result<(), FolderError> {
        let path = self.0.join("genesis.json");
        let text = serde_json::to_string_pretty(genesis).map_err(|e| FolderError::Damaged {
            path: path.display().to_string(),
            reason: e.to_string(),
        })?;
        self.write_whole("genesis.json", &text)
    }

    /// Gives the folder of a new member the right to vote from the first block on.
    pub fn allow_first_start(&self, genesis_hash: B256) -> Result<(), FolderError> {
        self.write_whole(FOUNDING, &format!("{genesis_hash}\n"))
    }

    /// Whether the right to begin is still unused.
    pub fn may_begin(&self) -> bool {
        self.0.join(FOUNDING).exists()
    }

    /// Whether the votes that this node cast are here. Without them it might sign twice.
    pub fn has_journal(&self) -> bool {
        fs::read_dir(self.engine()).is_ok_and(|mut entries| entries.next().is_some())
    }

    /// Prepares a start among other validators: uses up the right to begin, once, or says after which
    /// second an epoch must have ended so that this node may vote in the next one.
    ///
    /// # Errors
    /// - [`FolderError::Damaged`]: the right to begin is one of another ledger.
    /// - [`FolderError::Io`].
    pub fn begin(&self, genesis_hash: B256, now: u64) -> Result<Option<u64>, FolderError> {
        let token = self.0.join(FOUNDING);
        if self.has_journal() {
            self.remove(&token)?;
            return self.votes_after();
        }
        match fs::read_to_string(&token) {
            Ok(text) if text.trim() == genesis_hash.to_string() => {
                // First the place for the journal, so that a crash between the two leaves the right.
                let engine = self.engine();
                fs::create_dir_all(&engine).map_err(|e| io_error(&engine, e))?;
                self.remove(&token)?;
                self.votes_after()
            }
            Ok(_) => Err(FolderError::Damaged {
                path: token.display().to_string(),
                reason: "it gives the right to begin another ledger; remove it".into(),
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let after = now.saturating_add(MARGIN_S);
                self.write_whole(VOTES_AFTER, &format!("{after}\n"))?;
                Ok(Some(after))
            }
            Err(source) => Err(io_error(&token, source)),
        }
    }

    fn votes_after(&self) -> Result<Option<u64>, FolderError> {
        let path = self.0.join(VOTES_AFTER);
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| FolderError::Damaged {
                path: path.display().to_string(),
                reason: "expected seconds since 1970".into(),
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error(&path, source)),
        }
    }

    /// Removes a file for good, if it is there.
    fn remove(&self, path: &Path) -> Result<(), FolderError> {
        match fs::remove_file(path) {
            Ok(()) => sync_dir(&self.0),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(io_error(path, source)),
        }
    }

    /// Writes a file whole or not at all, and for good.
    fn write_whole(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let (path, new) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let written = fs::File::create(&new).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&new, &path)).map_err(|e| io_error(&path, e))?;
        sync_dir(&self.0)
    }

    /// A 32-byte secret of this name, made from the system's randomness on first use and readable by
    /// its owner alone.
    pub fn secret(&self, name: &str) -> Result<B256, FolderError> {
        let path = self.0.join(format!("{name}.key"));
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|_| FolderError::Damaged {
                path: path.display().to_string(),
                reason: "expected 64 hexadecimal digits".into(),
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let secret = B256::from(rand::random::<[u8; 32]>());
                fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .and_then(|mut file| {
                        writeln!(file, "{}", hex::encode(secret))?;
                        file.sync_all()
                    })
                    .map_err(|source| io_error(&path, source))?;
                Ok(secret)
            }
            Err(source) => Err(io_error(&path, source)),
        }
    }
}

fn sync_dir(path: &Path) -> Result<(), FolderError> {
    fs::File::open(path).and_then(|dir| dir.sync_all()).map_err(|e| io_error(path, e))
}

fn io_error(path: &Path, source: io::Error) -> FolderError {
    FolderError::Io { path: path.display().to_string(), source }
}
