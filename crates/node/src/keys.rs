//! Secret keys of a node: encrypted files, plain files for demonstrations, or a command that asks a
//! hardware module.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use alloy_primitives::{B256, hex};
use alloy_signer::k256::elliptic_curve::rand_core::OsRng;

/// Read and written by its owner alone.
const OWNER_ONLY: u32 = 0o600;

/// A key that cannot be had. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is neither an encrypted nor a plain file.
    #[error("{path}.json is missing, and so is {path}.key: put the key back")]
    Missing {
        /// Path without its ending.
        path: String,
    },
    /// The file is encrypted and nobody said the passphrase.
    #[error(
        "{path} is encrypted and no passphrase was given: name a file with it in \
         TULOU_PASSPHRASE_FILE, or start the program at a terminal"
    )]
    Locked {
        /// The file.
        path: String,
    },
    /// Decryption failed.
    #[error("{path} does not open: {reason}")]
    NotOpened {
        /// The file.
        path: String,
        /// Why not: usually another passphrase.
        reason: String,
    },
    /// Not 32 bytes in hexadecimal.
    #[error("{origin}: expected 64 hexadecimal digits")]
    NotAKey {
        /// File or command.
        origin: String,
    },
    /// The command of `key_command` gave nothing.
    #[error("the key command {command:?} failed for {name}: {reason}")]
    Command {
        /// The command.
        command: String,
        /// Which key was asked for.
        name: String,
        /// What happened.
        reason: String,
    },
    /// A key of this name is there already.
    #[error("{0} is there already: a key is never overwritten")]
    Exists(String),
    /// The disk said no.
    #[error("{path}: {source}")]
    Io {
        /// File or folder.
        path: String,
        /// What the disk said.
        source: io::Error,
    },
}

/// How the keys of a folder are opened.
#[derive(Clone, Default)]
pub struct Unlock {
    /// Opens encrypted files.
    pub passphrase: Option<String>,
    /// Prints a key in hexadecimal, with its name in the variable `TULOU_KEY`. Used instead of files.
    pub command: Option<String>,
}

impl std::fmt::Debug for Unlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unlock").field("command", &self.command).finish_non_exhaustive()
    }
}

/// The folder with a node's keys.
#[derive(Clone, Debug)]
pub struct Keys {
    dir: PathBuf,
    unlock: Unlock,
}

impl Keys {
    /// Keys in `dir`, opened as `unlock` says. Touches nothing yet.
    pub fn new(dir: PathBuf, unlock: Unlock) -> Self {
        Self { dir, unlock }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file that holds a key, if one does.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        [self.dir.join(format!("{name}.json")), self.dir.join(format!("{name}.key"))]
            .into_iter()
            .find(|path| path.exists())
    }

    /// The secret of this name.
    ///
    /// # Errors
    /// [`KeyError`], except `Exists`.
    pub fn secret(&self, name: &str) -> Result<B256, KeyError> {
        if let Some(command) = &self.unlock.command {
            return from_command(command, name);
        }
        let path = self
            .file(name)
            .ok_or_else(|| KeyError::Missing { path: self.dir.join(name).display().to_string() })?;
        let shown = path.display().to_string();
        if path.extension().is_some_and(|ending| ending == "key") {
            let text = fs::read_to_string(&path).map_err(|e| io_error(&path, e))?;
            return text.trim().parse().map_err(|_| KeyError::NotAKey { origin: shown });
        }
        secret_in(&path, self.unlock.passphrase.clone())
    }

    /// Keeps a new secret, encrypted where there is a passphrase (Web3 Secret Storage, version 3).
    ///
    /// # Errors
    /// [`KeyError::Exists`], [`KeyError::Io`], [`KeyError::NotOpened`] where it does not encrypt.
    pub fn keep(&self, name: &str, secret: B256) -> Result<(), KeyError> {
        if let Some(path) = self.file(name) {
            return Err(KeyError::Exists(path.display().to_string()));
        }
        fs::create_dir_all(&self.dir)
            .and_then(|()| fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o700)))
            .map_err(|e| io_error(&self.dir, e))?;
        let Some(passphrase) = &self.unlock.passphrase else {
            return write_new(&self.dir.join(format!("{name}.key")), &hex::encode(secret));
        };
        let file = format!("{name}.json");
        let path = self.dir.join(&file);
        eth_keystore::encrypt_key(&self.dir, &mut OsRng, secret, passphrase, Some(&file)).map_err(
            |e| KeyError::NotOpened { path: path.display().to_string(), reason: e.to_string() },
        )?;
        fs::set_permissions(&path, fs::Permissions::from_mode(OWNER_ONLY))
            .and_then(|()| fs::File::open(&path)?.sync_all())
            .map_err(|e| io_error(&path, e))
    }
}

/// The secret in an encrypted file (Web3 Secret Storage, version 3).
///
/// # Errors
/// [`KeyError::Locked`], [`KeyError::NotOpened`], [`KeyError::NotAKey`].
pub fn secret_in(path: &Path, passphrase: Option<String>) -> Result<B256, KeyError> {
    let shown = path.display().to_string();
    let Some(passphrase) = passphrase else {
        return Err(KeyError::Locked { path: shown });
    };
    let secret = eth_keystore::decrypt_key(path, passphrase)
        .map_err(|e| KeyError::NotOpened { path: shown.clone(), reason: e.to_string() })?;
    B256::try_from(secret.as_slice()).map_err(|_| KeyError::NotAKey { origin: shown })
}

fn from_command(command: &str, name: &str) -> Result<B256, KeyError> {
    let failed = |reason: String| KeyError::Command {
        command: command.to_owned(),
        name: name.to_owned(),
        reason,
    };
    let output = Command::new("sh")
        .args(["-c", command])
        .env("TULOU_KEY", name)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| KeyError::NotAKey { origin: command.to_owned() })
}

/// Writes a file that must not exist yet, for its owner alone.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), KeyError> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path);
    file.and_then(|mut file| {
        writeln!(file, "{text}")?;
        file.sync_all()
    })
    .map_err(|e| io_error(path, e))
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.display().to_string(), source }
}
