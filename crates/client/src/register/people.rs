//! Who the commitments stand for: one sealed file and its key. Without the key, or with one byte
//! changed, nothing opens; deleting the key makes every commitment meaningless.

use std::{
    fmt, fs,
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use aes_gcm::{
    Aes256Gcm, Key, KeyInit, Nonce,
    aead::{Aead, OsRng, Payload, rand_core::RngCore},
};
use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::{OwnerKind, Register, commitment};

/// First byte of a people file, and authenticated with it.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;

/// One owner as the sealed file has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The registrar's number for the owner.
    pub id: String,
    /// Person, company or developer.
    pub kind: OwnerKind,
    /// Name.
    pub name: String,
    /// Telephone number; may be empty.
    pub phone: String,
    /// The registrar's note; may be empty.
    pub note: String,
    /// Salt of the commitment.
    pub salt: B256,
}

impl Person {
    /// What the ledger knows the owner by.
    pub fn commitment(&self) -> B256 {
        commitment(self.salt, &self.id, self.kind, &self.name, &self.phone)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a people file does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// It is shorter than any people file.
    #[error("not a people file: too short")]
    TooShort,
    /// It was written by another version.
    #[error("people file of version {0}, this program reads version {VERSION}")]
    UnknownVersion(u8),
    /// The key is another, or bytes were changed.
    #[error("the key does not open this people file, or the file was changed")]
    NotOpened,
    /// It opened, but what it holds is not a list of people.
    #[error("the people file holds something else")]
    Malformed,
}

impl Register {
    /// Who the owners are. Personal data: it never goes to the ledger or to a log.
    pub fn people(&self) -> impl Iterator<Item = Person> {
        self.owners.iter().map(|owner| Person {
            id: owner.id.clone(),
            kind: owner.kind,
            name: owner.name.clone(),
            phone: owner.phone.clone(),
            note: owner.note.clone(),
            salt: owner.salt,
        })
    }

    /// Names, telephone numbers and salts, sealed with a key: version byte, nonce, ciphertext.
    ///
    /// # Errors
    /// No randomness from the operating system.
    pub fn seal_people(&self, key: &[u8; KEY_BYTES]) -> io::Result<Vec<u8>> {
        let people: Vec<Person> = self.people().collect();
        let plain = serde_json::to_vec(&people)?;
        let mut nonce = [0u8; NONCE_BYTES];
        fill(&mut nonce)?;
        let payload = Payload { msg: &plain, aad: &[VERSION] };
        let sealed = cipher(key).encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| io::Error::other("the register is too large to seal"))?;
        Ok([[VERSION].as_slice(), &nonce, &sealed].concat())
    }
}

/// Opens what [`Register::seal_people`] made.
///
/// # Errors
/// [`PeopleError`], in the order of its variants.
pub fn open_people(bytes: &[u8], key: &[u8; KEY_BYTES]) -> Result<Vec<Person>, PeopleError> {
    let (&version, rest) = bytes.split_first().ok_or(PeopleError::TooShort)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(PeopleError::TooShort)?;
    if version != VERSION {
        return Err(PeopleError::UnknownVersion(version));
    }
    let payload = Payload { msg: sealed, aad: &[VERSION] };
    let plain = cipher(key).decrypt(&Nonce::from(*nonce), payload);
    let plain = plain.map_err(|_| PeopleError::NotOpened)?;
    serde_json::from_slice(&plain).map_err(|_| PeopleError::Malformed)
}

/// Writes the sealed people of a register to `path`, under the key in `<path>.key`; makes the key,
/// readable by its owner only, where there is none. A file that stands there already is kept beside it
/// as `<path>.1`, `<path>.2` and so on: it may hold the only salts of an estate.
///
/// # Errors
/// What the file system says, or a key file that is not 64 hexadecimal digits.
pub fn write_people(register: &Register, path: &Path) -> io::Result<()> {
    let key = key_of(&suffixed(path, "key"))?;
    let sealed = register.seal_people(&key)?;
    let partial = suffixed(path, "partial");
    // A half-written file must never stand where the only salts were.
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(&sealed)?;
    file.sync_all()?;
    if path.exists() {
        let kept = (1u32..).map(|n| suffixed(path, &n.to_string())).find(|kept| !kept.exists());
        fs::rename(path, kept.ok_or(io::ErrorKind::AlreadyExists)?)?;
    }
    fs::rename(&partial, path)
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn key_of(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let key: B256 = text.trim().parse().map_err(|_| {
                let reason = format!("{}: expected 64 hexadecimal digits", path.display());
                io::Error::new(io::ErrorKind::InvalidData, reason)
            })?;
            Ok(key.0)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0u8; KEY_BYTES];
            fill(&mut key)?;
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            writeln!(file, "{:x}", B256::from(key))?;
            file.sync_all()?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    OsRng.try_fill_bytes(bytes).map_err(|error| io::Error::other(error.to_string()))
}
