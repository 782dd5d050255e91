//! A change of the master key: the keys of all records are wrapped anew, the records stay as they are.

use alloy_primitives::{B256, hex};
use object_store::PutMode;

use super::*;

/// What a change of the master key did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Keys that only the new master key opens now.
    pub keys: u64,
    /// Keys that were damaged before, left as they are.
    pub damaged: Vec<(B256, u64)>,
}

impl Vault {
    /// Wraps the keys of all records by another master key. What is cut off is completed by the same call; until
    /// then nothing is read. Who copied the vault and has the old key still reads that copy.
    ///
    /// # Errors
    /// - [`VaultError::Place`]: the place cannot be used, or there is no vault in it.
    /// - [`VaultError::Damaged`]: what it says of itself cannot be read.
    /// - [`VaultError::Blind`]: the vault holds no keys, or either key is missing.
    /// - [`VaultError::KeyFile`], [`VaultError::WrongMaster`]: not its master key; or a change to another one was
    ///   begun.
    /// - [`VaultError::Master`], [`VaultError::Store`].
    pub fn rewrap(place: &Place, old: &Unlock, new: &Unlock) -> Result<Rewrapped, VaultError> {
        let wrong = |reason: String| VaultError::Place { place: place.url.clone(), reason };
        let objects = Objects::at(place).map_err(wrong)?;
        let found = identity(&objects)?.ok_or_else(|| wrong("there is no vault in it".into()))?;
        if found.master == NO_MASTER {
            return Err(VaultError::Blind);
        }
        let old = old.master(&salt_of(&found.salt)?)?.ok_or(VaultError::Blind)?;
        let salt = match &found.next {
            Some(next) => salt_of(&next.salt)?,
            None => random_salt()?,
        };
        let new = new.master(&salt)?.ok_or(VaultError::Blind)?;
        let next = Next { salt: hex::encode(salt), master: hex::encode(new.id()) };
        let is_begun_for_another =
            found.next.as_ref().is_some_and(|begun| begun.master != next.master);
        if hex::encode(old.id()) != found.master || is_begun_for_another {
            return Err(VaultError::WrongMaster);
        }
        let begun = Identity { next: Some(next.clone()), ..found };
        objects.put(IDENTITY, json(&begun), PutMode::Overwrite)?;
        let vault = Self { objects, master: Some(old), is_keyless: false, suite: Suite::Aes256Gcm };
        let mut done = Rewrapped::default();
        for (id, version) in vault.records()? {
            match vault.rewrap_one(&*new, id, version) {
                Ok(()) => done.keys += 1,
                Err(VaultError::Damaged { .. }) => done.damaged.push((id, version)),
                Err(error) => return Err(error),
            }
        }
        let ended = Identity { format: FORMAT, salt: next.salt, master: next.master, next: None };
        vault.objects.put(IDENTITY, json(&ended), PutMode::Overwrite)?;
        Ok(done)
    }

    pub(super) fn rewrap_one(
        &self,
        new: &dyn MasterKey,
        id: B256,
        version: u64,
    ) -> Result<(), VaultError> {
        let name = key_name(id, version);
        let bytes = self.objects.read(&name)?.unwrap_or_default();
        let (suite, schema, wrapped) = parts(&name, KEY_MAGIC, &bytes)?;
        let context = context(id, version, schema);
        // By a call that was cut off.
        if new.unwrap(suite, wrapped, &context)?.is_some() {
            return Ok(());
        }
        let key = self.master()?.unwrap(suite, wrapped, &context)?;
        let key = key.ok_or_else(|| VaultError::damaged(&name, "it was changed or moved"))?;
        let again = wrapped_key(new, suite, schema, &key, &context)?;
        self.objects.put(&name, again, PutMode::Overwrite)
    }
}
