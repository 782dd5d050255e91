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

/// Files of one node below one folder.
#[derive(Clone, Debug)]
pub struct NodeFolder(PathBuf);

impl NodeFolder {
    /// Uses a folder, making it where it is missing.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(|source| io_error(path, source))?;
        Ok(Self(path.to_owned()))
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
        let new = self.0.join("genesis.json.new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(|e| io_error(&path, e))
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

fn io_error(path: &Path, source: io::Error) -> FolderError {
    FolderError::Io { path: path.display().to_string(), source }
}
