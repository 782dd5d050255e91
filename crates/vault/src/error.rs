//! Why the vault did not do what it was asked.

use alloy_primitives::B256;

/// Every call that fails changed nothing that could be read before, but an erasure that was begun: that is
/// completed by the next opening.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The folder cannot be used.
    #[error("the vault in {place} cannot be opened: {reason}")]
    Place {
        /// The folder.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of the master key cannot be used.
    #[error("the master key in {path} is not used: {reason}")]
    KeyFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The vault was made with another master key, or the passphrase is another.
    #[error("this is not the master key (or passphrase) of the vault: nothing was read or written")]
    WrongMaster,
    /// It was opened without its master key, or holds no keys at all.
    #[error(
        "this vault was opened without a master key, or holds no keys: records are not read or written"
    )]
    Blind,
    /// A change of the master key was cut off.
    #[error(
        "a change of the master key was cut off: `tulou vault rewrap` with the old and the new key \
         completes it"
    )]
    Rewrapping,
    /// The service that holds the master key did not answer as it should.
    #[error("the keeper of the master key: {0}")]
    Master(String),
    /// Such a record is not held here.
    #[error("no record {id} in version {version} is held here")]
    NotFound {
        /// The record.
        id: B256,
        /// Its version.
        version: u64,
    },
    /// Nothing of the record was ever held here.
    #[error("nothing of record {id} is held here")]
    Unknown {
        /// The record.
        id: B256,
    },
    /// It was erased, for ever.
    #[error("record {id} was erased; its number is never used again")]
    Erased {
        /// The record.
        id: B256,
    },
    /// This version is held already; a correction has the next version.
    #[error("record {id} is held in version {version} already: a correction needs another version")]
    Exists {
        /// The record.
        id: B256,
        /// Its version.
        version: u64,
    },
    /// More than a record may hold.
    #[error("a record holds at most {most} bytes, not {given}")]
    TooLarge {
        /// Bytes that were given.
        given: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// What is stored is not what was written, or was moved to another place.
    #[error("object {name} of the vault is damaged: {reason}")]
    Damaged {
        /// The object.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store failed.
    #[error("the vault's store: {0}")]
    Store(String),
}

impl VaultError {
    pub(crate) fn damaged(name: &str, reason: impl Into<String>) -> Self {
        Self::Damaged { name: name.into(), reason: reason.into() }
    }
}
