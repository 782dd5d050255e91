//! The key that wraps the keys of records: kept in a file, derived from a passphrase, or held by a service
//! that never gives it away.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::hex;
use scrypt::{Params, scrypt};
use sha2::{Digest, Sha256};
use tulou_primitives::sm::sm3;
use zeroize::Zeroizing;

use crate::{Command, Suite, VaultError, seal::fill};

/// scrypt's N is 2 to this: 128 MiB and about half a second for one guess.
const SCRYPT_LOG_N: u8 = 17;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;

/// Who wraps the keys of records. A key management service implements this; it is asked once for each record
/// that is written or read and never told what the record holds.
pub trait MasterKey: Send + Sync {
    /// Tells this master key from others. Public.
    fn id(&self) -> [u8; 8];

    /// Encrypts the key of a record. `context` names record, version and schema, and must be authenticated.
    ///
    /// # Errors
    /// - [`VaultError::Master`]: the keeper does not answer.
    fn wrap(&self, suite: Suite, key: &[u8], context: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// What [`MasterKey::wrap`] was given; `None` where it was wrapped by another, for another context, or
    /// was changed.
    ///
    /// # Errors
    /// - [`VaultError::Master`]: the keeper does not answer.
    fn unwrap(
        &self,
        suite: Suite,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
}

/// How a vault is opened.
#[derive(Clone)]
pub enum Unlock {
    /// The key is in this file, as [`LocalMaster::create_file`] writes it.
    File(PathBuf),
    /// The key is derived from these words and the vault's salt.
    Passphrase(Zeroizing<String>),
    /// Somebody else wraps and unwraps.
    Keeper(Arc<dyn MasterKey>),
    /// Without the key: to list, to carry and to erase. A vault that is made so holds no keys ever.
    Blind,
}

impl Unlock {
    /// By what is given: of file, passphrase and command at most one; none of them is [`Unlock::Blind`].
    ///
    /// # Errors
    /// - [`VaultError::Master`]: the command does not answer.
    pub fn by(
        file: Option<PathBuf>,
        passphrase: Option<String>,
        command: Option<&str>,
    ) -> Result<Self, VaultError> {
        Ok(match (file, passphrase, command) {
            (_, Some(words), _) => Self::Passphrase(words.into()),
            (Some(file), None, _) => Self::File(file),
            (None, None, Some(command)) => Self::Keeper(Arc::new(Command::new(command)?)),
            (None, None, None) => Self::Blind,
        })
    }

    /// The master key, where there is one.
    pub(crate) fn master(&self, salt: &[u8; 16]) -> Result<Option<Arc<dyn MasterKey>>, VaultError> {
        Ok(Some(match self {
            Self::File(path) => Arc::new(LocalMaster::read_file(path)?),
            Self::Passphrase(words) => Arc::new(LocalMaster::from_passphrase(words, salt)),
            Self::Keeper(keeper) => keeper.clone(),
            Self::Blind => return Ok(None),
        }))
    }
}

/// A master key in this process.
pub struct LocalMaster {
    secret: Zeroizing<[u8; 32]>,
}

impl LocalMaster {
    /// Makes a key by chance and a file for it that only its owner reads.
    ///
    /// # Errors
    /// - [`VaultError::KeyFile`]: the file is there already, or cannot be written.
    pub fn create_file(path: &Path) -> Result<Self, VaultError> {
        let mut secret = Zeroizing::new([0; 32]);
        fill(secret.as_mut_slice())?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let line = Zeroizing::new(format!("{}\n", hex::encode(*secret)));
        let written = options.open(path).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| key_file(path, error.to_string()))?;
        Ok(Self { secret })
    }

    /// Reads the key of a file: 64 hexadecimal digits and a line's end.
    ///
    /// # Errors
    /// - [`VaultError::KeyFile`]: no such file, one that others may read, or something else in it.
    pub fn read_file(path: &Path) -> Result<Self, VaultError> {
        let meta = fs::metadata(path).map_err(|error| key_file(path, error.to_string()))?;
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777;
            if mode & 0o077 != 0 {
                let reason = format!("others may read it (mode {mode:o}): chmod 600 it");
                return Err(key_file(path, reason));
            }
        }
        if meta.len() > 128 {
            return Err(key_file(path, "it is no key: too long".into()));
        }
        let text = fs::read_to_string(path).map_err(|error| key_file(path, error.to_string()))?;
        let text = Zeroizing::new(text);
        let mut secret = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim_end(), secret.as_mut_slice())
            .map_err(|_| key_file(path, "it is no key: 64 hexadecimal digits are wanted".into()))?;
        Ok(Self { secret })
    }

    /// Derives the key from a passphrase by scrypt (N = 2^17, r = 8, p = 1).
    pub fn from_passphrase(passphrase: &str, salt: &[u8; 16]) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        let params = Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P);
        let params = params.expect("parameters within scrypt's bounds");
        scrypt(passphrase.as_bytes(), salt, &params, secret.as_mut_slice())
            .expect("a length within scrypt's bounds");
        Self { secret }
    }

    /// The key of a suite: no key is used in two algorithms.
    fn key(&self, suite: Suite) -> Zeroizing<Vec<u8>> {
        let mut input = Zeroizing::new(b"tulou vault wrapping key ".to_vec());
        input.push(suite as u8);
        input.extend_from_slice(self.secret.as_slice());
        let digest = Zeroizing::new(match suite {
            Suite::Aes256Gcm => Sha256::digest(&*input).into(),
            Suite::Sm4Gcm => sm3(&input).0,
        });
        Zeroizing::new(digest[..suite.key_bytes()].to_vec())
    }
}

impl MasterKey for LocalMaster {
    fn id(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(b"tulou vault master key id");
        hash.update(*self.secret);
        let mut id = [0; 8];
        id.copy_from_slice(&hash.finalize()[..8]);
        id
    }

    fn wrap(&self, suite: Suite, key: &[u8], context: &[u8]) -> Result<Vec<u8>, VaultError> {
        suite.seal(&self.key(suite), context, key)
    }

    fn unwrap(
        &self,
        suite: Suite,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(suite.open(&self.key(suite), context, wrapped))
    }
}

fn key_file(path: &Path, reason: String) -> VaultError {
    VaultError::KeyFile { path: path.display().to_string(), reason }
}
