//! Records by number and version, and their end.

use std::{path::Path, sync::Arc};

use alloy_primitives::{B256, hex};
use object_store::PutMode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use tulou_place::Place;

use crate::{MasterKey, Suite, Unlock, VaultError, objects::Objects, seal::fill};

mod rewrap;
mod stock;
mod sync;

pub use rewrap::Rewrapped;
pub use stock::{Behind, Stock};
pub use sync::{RefusedCopy, Synced};

/// Changes with the layout.
const FORMAT: u32 = 1;
/// The object that says which master key belongs to the vault.
const IDENTITY: &str = "vault.json";
/// Most bytes of one record.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// First bytes of a record and of a key.
const RECORD_MAGIC: [u8; 4] = *b"TVR1";
const KEY_MAGIC: [u8; 4] = *b"TVK1";
/// Stands instead of the master key's id where a vault holds no keys.
const NO_MASTER: &str = "none";

/// A vault of encrypted records. One process writes to it at a time.
pub struct Vault {
    objects: Objects,
    /// `None` where it was opened without.
    master: Option<Arc<dyn MasterKey>>,
    /// Whether it holds records without their keys.
    is_keyless: bool,
    suite: Suite,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Identity {
    format: u32,
    /// Of a passphrase. Made for every vault, so that the passphrase may be used later.
    salt: String,
    /// [`MasterKey::id`], or `none`.
    master: String,
    /// A change of the master key that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
}

/// The master key that is to follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Next {
    salt: String,
    master: String,
}

/// A record in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Number of the form of the data; the vault does not look into it.
    pub schema: u32,
    /// Suite that it is encrypted in.
    pub suite: Suite,
    /// What was put. Wiped from memory when dropped.
    pub data: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.data.len();
        write!(f, "Record {{ schema: {}, suite: {:?}, {bytes} bytes }}", self.schema, self.suite)
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the encrypted record. Says nothing about what it holds.
    pub digest: B256,
}

/// The end of a record: what an entry about it can say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Erasure {
    /// The record.
    pub id: B256,
    /// Each version that was held, with the SHA-256 of its encrypted bytes: those of [`Written::digest`].
    pub versions: Vec<(u64, B256)>,
}

impl Erasure {
    /// One hash of all of it: SHA-256 of the id and, for each version in ascending order, its number (8
    /// bytes, big-endian) and digest.
    pub fn commitment(&self) -> B256 {
        let mut hash = Sha256::new();
        hash.update(self.id);
        for (version, digest) in &self.versions {
            hash.update(version.to_be_bytes());
            hash.update(digest);
        }
        B256::from(<[u8; 32]>::from(hash.finalize()))
    }
}

impl Vault {
    /// [`Vault::open`] of a folder.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_folder(folder: &Path, unlock: &Unlock, suite: Suite) -> Result<Self, VaultError> {
        Self::open(&Place::folder(folder), unlock, suite)
    }

    /// Opens the vault in a place, or makes it, and completes erasures that were cut off. New records are
    /// encrypted in `suite`; those that are there in the suite that each names.
    ///
    /// # Errors
    /// - [`VaultError::Place`]: the place cannot be used.
    /// - [`VaultError::Damaged`]: what it says of itself cannot be read.
    /// - [`VaultError::Rewrapping`]: a change of the master key was cut off.
    /// - [`VaultError::KeyFile`], [`VaultError::WrongMaster`]: the master key.
    /// - [`VaultError::Store`]: an erasure cannot be completed.
    pub fn open(place: &Place, unlock: &Unlock, suite: Suite) -> Result<Self, VaultError> {
        let wrong = |reason: String| VaultError::Place { place: place.url.clone(), reason };
        let objects = Objects::at(place).map_err(wrong)?;
        let found = identity(&objects)?;
        let salt = match &found {
            Some(identity) => salt_of(&identity.salt)?,
            None => random_salt()?,
        };
        let master = unlock.master(&salt)?;
        let name = master.as_ref().map_or(NO_MASTER.to_owned(), |master| hex::encode(master.id()));
        let is_keyless = match &found {
            Some(Identity { master: theirs, next, .. }) => {
                if master.is_some() && next.is_some() {
                    return Err(VaultError::Rewrapping);
                }
                if master.is_some() && *theirs != name {
                    return Err(VaultError::WrongMaster);
                }
                theirs == NO_MASTER
            }
            None => {
                let is_keyless = name == NO_MASTER;
                let salt = hex::encode(salt);
                let identity = Identity { format: FORMAT, salt, master: name, next: None };
                objects.put(IDENTITY, json(&identity), PutMode::Create)?;
                is_keyless
            }
        };
        let vault = Self { objects, master, is_keyless, suite };
        vault.complete_erasures()?;
        Ok(vault)
    }

    /// The vault in a place as its keeper left it: nothing is written, no erasure completed. Without the master
    /// key.
    ///
    /// # Errors
    /// - [`VaultError::Place`]: the place cannot be used, or there is no vault in it.
    /// - [`VaultError::Damaged`], [`VaultError::Store`].
    pub fn look_at(place: &Place) -> Result<Self, VaultError> {
        let wrong = |reason: String| VaultError::Place { place: place.url.clone(), reason };
        let objects = Objects::at(place).map_err(wrong)?;
        let found = identity(&objects)?.ok_or_else(|| wrong("there is no vault in it".into()))?;
        let is_keyless = found.master == NO_MASTER;
        Ok(Self { objects, master: None, is_keyless, suite: Suite::default() })
    }

    /// Whether there is a vault in a place.
    ///
    /// # Errors
    /// - [`VaultError::Place`], [`VaultError::Damaged`], [`VaultError::Store`].
    pub fn is_in(place: &Place) -> Result<bool, VaultError> {
        let wrong = |reason: String| VaultError::Place { place: place.url.clone(), reason };
        Ok(identity(&Objects::at(place).map_err(wrong)?)?.is_some())
    }

    /// Whether it holds records without their keys: a copy of a member that may keep, not read.
    pub fn is_keyless(&self) -> bool {
        self.is_keyless
    }

    fn master(&self) -> Result<&dyn MasterKey, VaultError> {
        self.master.as_deref().ok_or(VaultError::Blind)
    }

    /// Encrypts a record under a key of its own and keeps it. Returned is durable.
    ///
    /// # Errors
    /// - [`VaultError::TooLarge`]: above 64 MiB.
    /// - [`VaultError::Blind`]: opened without the master key.
    /// - [`VaultError::Erased`], [`VaultError::Exists`].
    /// - [`VaultError::Master`], [`VaultError::Store`].
    pub fn write(
        &self,
        id: B256,
        version: u64,
        schema: u32,
        data: &[u8],
    ) -> Result<Written, VaultError> {
        let (given, most) = (data.len(), RECORD_BYTES_MAX);
        if given > most {
            return Err(VaultError::TooLarge { given, most });
        }
        let master = self.master()?;
        self.check_not_erased(id)?;
        if self.objects.read(&key_name(id, version))?.is_some() {
            return Err(VaultError::Exists { id, version });
        }
        let suite = self.suite;
        let context = context(id, version, schema);
        let key = suite.random_key()?;
        let head = [&RECORD_MAGIC[..], &[suite as u8], &schema.to_be_bytes()].concat();
        let sealed = [head, suite.seal(&key, &context, data)?].concat();
        let digest = sha256(&sealed);
        let wrapped = wrapped_key(master, suite, schema, &key, &context)?;
        // The key comes last: a record without one was never written, and is written over.
        self.objects.put(&record_name(id, version), sealed, PutMode::Overwrite)?;
        self.objects.put(&key_name(id, version), wrapped, PutMode::Create)?;
        Ok(Written { digest })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// - [`VaultError::Blind`]: opened without the master key.
    /// - [`VaultError::Erased`], [`VaultError::NotFound`].
    /// - [`VaultError::Damaged`]: changed, or moved here from another place.
    /// - [`VaultError::Master`], [`VaultError::Store`].
    pub fn read_record(&self, id: B256, version: u64) -> Result<Record, VaultError> {
        self.master()?;
        self.check_not_erased(id)?;
        let key = self.key(id, version)?.ok_or(VaultError::NotFound { id, version })?;
        let record_at = record_name(id, version);
        let record = self.objects.read(&record_at)?;
        let record = record.ok_or_else(|| VaultError::damaged(&record_at, "it is missing"))?;
        key.open(id, version, &record)
    }

    /// The key of a record, unwrapped; `None` where none is held.
    fn key(&self, id: B256, version: u64) -> Result<Option<RecordKey>, VaultError> {
        let key_at = key_name(id, version);
        let Some(bytes) = self.objects.read(&key_at)? else { return Ok(None) };
        let (suite, schema, wrapped) = parts(&key_at, KEY_MAGIC, &bytes)?;
        let context = context(id, version, schema);
        let key = self.master()?.unwrap(suite, wrapped, &context)?;
        let key = key.ok_or_else(|| VaultError::damaged(&key_at, "it was changed or moved"))?;
        Ok(Some(RecordKey { suite, schema, key }))
    }

    /// The versions that are held of a record, in ascending order.
    ///
    /// # Errors
    /// - [`VaultError::Store`].
    pub fn versions(&self, id: B256) -> Result<Vec<u64>, VaultError> {
        self.objects.numbers(&format!("{}/{id:x}", self.index()))
    }

    /// Every record that is held, with its version, in ascending order.
    ///
    /// # Errors
    /// - [`VaultError::Store`].
    pub fn records(&self) -> Result<Vec<(B256, u64)>, VaultError> {
        let named = self.objects.within(self.index())?;
        let numbered = named.iter().filter_map(|(id, version)| {
            Some((id.parse::<B256>().ok()?, version.parse::<u64>().ok()?))
        });
        let mut records: Vec<_> = numbered.collect();
        records.sort_unstable();
        Ok(records)
    }

    /// Every erasure that is done.
    ///
    /// # Errors
    /// - [`VaultError::Damaged`], [`VaultError::Store`].
    pub fn erasures(&self) -> Result<Vec<Erasure>, VaultError> {
        let ids = self.objects.names("erased")?;
        let ids = ids.iter().filter_map(|name| name.parse::<B256>().ok());
        ids.filter_map(|id| self.erasure(&erased_name(id), id).transpose()).collect()
    }

    /// The folder that says what is held: without its key a record was never written, unless no keys are
    /// held at all.
    fn index(&self) -> &'static str {
        if self.is_keyless { "records" } else { "keys" }
    }

    /// Erases all versions of a record for ever: keys first, then the encrypted bytes. An erasure that is cut
    /// off is completed when the vault is opened or the call is made again. Gives what an entry of the
    /// erasure says, the same each time.
    ///
    /// # Errors
    /// - [`VaultError::Unknown`]: nothing of it was ever held.
    /// - [`VaultError::Store`].
    pub fn erase(&self, id: B256) -> Result<Erasure, VaultError> {
        if let Some(done) = self.erasure(&erased_name(id), id)? {
            return Ok(done);
        }
        let erasure = self.begin_erasure(id)?;
        self.destroy(&erasure)?;
        self.end_erasure(&erasure)?;
        Ok(erasure)
    }

    /// Writes down what is to be erased, before anything is.
    fn begin_erasure(&self, id: B256) -> Result<Erasure, VaultError> {
        if let Some(begun) = self.erasure(&erasing_name(id), id)? {
            return Ok(begun);
        }
        let mut versions = Vec::new();
        for version in self.versions(id)? {
            let record = self.objects.read(&record_name(id, version))?.unwrap_or_default();
            versions.push((version, sha256(&record)));
        }
        if versions.is_empty() {
            return Err(VaultError::Unknown { id });
        }
        let erasure = Erasure { id, versions };
        self.objects.put(&erasing_name(id), json(&erasure), PutMode::Overwrite)?;
        Ok(erasure)
    }

    /// Destroys keys, then records, those without a key too: each is written over with zeros, durably, before
    /// its name goes, because a folder's lost names can come back after a power cut.
    fn destroy(&self, erasure: &Erasure) -> Result<(), VaultError> {
        let id = erasure.id;
        for folder in [format!("keys/{id:x}"), format!("records/{id:x}")] {
            for version in self.objects.numbers(&folder)? {
                let name = format!("{folder}/{version}");
                let length = self.objects.read(&name)?.unwrap_or_default().len();
                self.objects.put(&name, vec![0; length], PutMode::Overwrite)?;
                self.objects.delete(&name)?;
            }
        }
        Ok(())
    }

    fn end_erasure(&self, erasure: &Erasure) -> Result<(), VaultError> {
        self.objects.put(&erased_name(erasure.id), json(erasure), PutMode::Overwrite)?;
        self.objects.delete(&erasing_name(erasure.id))
    }

    /// Completes erasures that were cut off, of another process, too.
    ///
    /// # Errors
    /// - [`VaultError::Damaged`], [`VaultError::Store`].
    pub fn complete_erasures(&self) -> Result<(), VaultError> {
        for name in self.objects.names("erasing")? {
            let Ok(id) = name.parse::<B256>() else { continue };
            let Some(erasure) = self.erasure(&erasing_name(id), id)? else { continue };
            self.destroy(&erasure)?;
            self.end_erasure(&erasure)?;
        }
        Ok(())
    }

    fn erasure(&self, name: &str, id: B256) -> Result<Option<Erasure>, VaultError> {
        let Some(bytes) = self.objects.read(name)? else { return Ok(None) };
        let read: Erasure = serde_json::from_slice(&bytes)
            .map_err(|error| VaultError::damaged(name, error.to_string()))?;
        if read.id != id {
            return Err(VaultError::damaged(name, "it is of another record"));
        }
        Ok(Some(read))
    }

    fn check_not_erased(&self, id: B256) -> Result<(), VaultError> {
        for name in [erased_name(id), erasing_name(id)] {
            if self.objects.read(&name)?.is_some() {
                return Err(VaultError::Erased { id });
            }
        }
        Ok(())
    }
}

fn identity(objects: &Objects) -> Result<Option<Identity>, VaultError> {
    let Some(bytes) = objects.read(IDENTITY)? else { return Ok(None) };
    let identity: Identity = serde_json::from_slice(&bytes)
        .map_err(|error| VaultError::damaged(IDENTITY, error.to_string()))?;
    if identity.format != FORMAT {
        let reason = format!("format {}, this program reads {FORMAT}", identity.format);
        return Err(VaultError::damaged(IDENTITY, reason));
    }
    Ok(Some(identity))
}

/// A record's own key.
struct RecordKey {
    suite: Suite,
    schema: u32,
    key: Zeroizing<Vec<u8>>,
}

impl RecordKey {
    /// Opens the stored bytes of the record.
    fn open(&self, id: B256, version: u64, record: &[u8]) -> Result<Record, VaultError> {
        let record_at = record_name(id, version);
        let (suite, schema, sealed) = parts(&record_at, RECORD_MAGIC, record)?;
        if (suite, schema) != (self.suite, self.schema) {
            return Err(VaultError::damaged(&record_at, "its head is not that of its key"));
        }
        let data = suite.open(&self.key, &context(id, version, schema), sealed);
        let data =
            data.ok_or_else(|| VaultError::damaged(&record_at, "it was changed or moved"))?;
        Ok(Record { schema, suite, data })
    }
}

/// The object of a record's key.
fn wrapped_key(
    master: &dyn MasterKey,
    suite: Suite,
    schema: u32,
    key: &[u8],
    context: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let wrapped = master.wrap(suite, key, context)?;
    Ok([&KEY_MAGIC[..], &[suite as u8], &schema.to_be_bytes(), &wrapped].concat())
}

fn salt_of(text: &str) -> Result<[u8; 16], VaultError> {
    let salt = hex::decode(text).ok().and_then(|salt| <[u8; 16]>::try_from(salt).ok());
    salt.ok_or_else(|| VaultError::damaged(IDENTITY, "the salt is not 16 bytes"))
}

fn random_salt() -> Result<[u8; 16], VaultError> {
    let mut salt = [0; 16];
    fill(&mut salt)?;
    Ok(salt)
}

/// Suite, schema and the rest of an object.
fn parts<'a>(
    name: &str,
    magic: [u8; 4],
    bytes: &'a [u8],
) -> Result<(Suite, u32, &'a [u8]), VaultError> {
    let found = bytes.strip_prefix(&magic).and_then(|rest| {
        let (suite, rest) = rest.split_first()?;
        let (schema, rest) = rest.split_first_chunk::<4>()?;
        Some((Suite::from_byte(*suite)?, u32::from_be_bytes(*schema), rest))
    });
    found.ok_or_else(|| VaultError::damaged(name, "it does not begin as it should"))
}

/// What is authenticated with a record and with its key: id, version, schema.
fn context(id: B256, version: u64, schema: u32) -> Vec<u8> {
    [id.as_slice(), &version.to_be_bytes(), &schema.to_be_bytes()].concat()
}

fn record_name(id: B256, version: u64) -> String {
    format!("records/{id:x}/{version}")
}

fn key_name(id: B256, version: u64) -> String {
    format!("keys/{id:x}/{version}")
}

fn erasing_name(id: B256) -> String {
    format!("erasing/{id:x}")
}

fn erased_name(id: B256) -> String {
    format!("erased/{id:x}")
}

fn sha256(bytes: &[u8]) -> B256 {
    B256::from(<[u8; 32]>::from(Sha256::digest(bytes)))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data becomes JSON")
}

#[cfg(test)]
mod tests;
