//! Copies of a vault at members who may hold it: erasures first, then records, then keys where the member
//! may read.

use std::collections::BTreeSet;

use alloy_primitives::B256;
use object_store::PutMode;

use super::*;

/// What a synchronisation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Records that were erased there because they were erased here.
    pub erased: Vec<B256>,
    /// Erasures of here that nobody could show an entry of: they were not carried there.
    pub unproven: Vec<B256>,
    /// Records that were erased there and are held here: not copied; carry their erasures here.
    pub erased_there: Vec<B256>,
    /// Records that were not there.
    pub copied: u64,
    /// Records that were there and not what they are here.
    pub mended: u64,
    /// Records that were the same.
    pub same: u64,
    /// Keys that were wrapped for the master key there.
    pub keys: u64,
    /// Records that nobody there could read, and nobody here could give the key of.
    pub unreadable: u64,
    /// Records that were not copied, and why.
    pub refused: Vec<RefusedCopy>,
}

/// A record that was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCopy {
    /// The record.
    pub id: B256,
    /// Its version.
    pub version: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What was done about one record.
enum Outcome {
    Same,
    Copied,
    Mended,
    Unreadable,
}

impl Vault {
    /// Brings the vault `to` up to this one. Erasures go first, each only if `is_proven` knows of an entry about
    /// it: otherwise whoever alters one copy could erase them all. What was erased on either side is never
    /// copied. A record that this vault has the key of is opened before it is copied; one that the other vault
    /// has the key of must open with it. What was copied is read back and compared.
    ///
    /// # Errors
    /// - [`VaultError::Blind`]: `to` holds keys and was opened without its master key.
    /// - [`VaultError::Damaged`]: an erasure cannot be read, or what was copied is not what came to lie there.
    /// - [`VaultError::Master`], [`VaultError::Store`], and what `is_proven` answers with.
    pub fn sync_to(
        &self,
        to: &Self,
        mut is_proven: impl FnMut(&Erasure) -> Result<bool, VaultError>,
    ) -> Result<Synced, VaultError> {
        if !to.is_keyless {
            to.master()?;
        }
        let mut done = Synced::default();
        for erasure in self.erasures()? {
            if to.erasure(&erased_name(erasure.id), erasure.id)?.is_some() {
                continue;
            }
            if !is_proven(&erasure)? {
                done.unproven.push(erasure.id);
                continue;
            }
            to.adopt(&erasure)?;
            done.erased.push(erasure.id);
        }
        let mut erased_there = BTreeSet::new();
        for (id, version) in self.records()? {
            if self.is_erased(id)? {
                continue;
            }
            if to.is_erased(id)? {
                erased_there.insert(id);
                continue;
            }
            match self.copy_to(to, id, version, &mut done.keys) {
                Ok(Outcome::Same) => done.same += 1,
                Ok(Outcome::Copied) => done.copied += 1,
                Ok(Outcome::Mended) => done.mended += 1,
                Ok(Outcome::Unreadable) => done.unreadable += 1,
                Err(VaultError::Damaged { reason, .. }) => {
                    done.refused.push(RefusedCopy { id, version, reason });
                }
                Err(error) => return Err(error),
            }
        }
        done.erased_there = erased_there.into_iter().collect();
        Ok(done)
    }

    /// Takes over an erasure of another vault, whether anything of the record is held here or not: it must not
    /// come here later.
    fn adopt(&self, erasure: &Erasure) -> Result<(), VaultError> {
        self.objects.put(&erasing_name(erasure.id), json(erasure), PutMode::Overwrite)?;
        self.destroy(erasure)?;
        self.end_erasure(erasure)
    }

    fn is_erased(&self, id: B256) -> Result<bool, VaultError> {
        match self.check_not_erased(id) {
            Ok(()) => Ok(false),
            Err(VaultError::Erased { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn copy_to(
        &self,
        to: &Self,
        id: B256,
        version: u64,
        keys: &mut u64,
    ) -> Result<Outcome, VaultError> {
        let name = record_name(id, version);
        let record = self.objects.read(&name)?;
        let record = record.ok_or_else(|| VaultError::damaged(&name, "it is missing"))?;
        let ours = if self.master.is_some() { self.key(id, version)? } else { None };
        match &ours {
            Some(key) => drop(key.open(id, version, &record)?),
            None => drop(parts(&name, RECORD_MAGIC, &record)?),
        }
        let theirs = match to.master.is_some() && !to.is_keyless {
            true => to.key(id, version),
            false => Ok(None),
        };
        let (theirs, is_torn) = match theirs {
            // We have the same key whole.
            Err(VaultError::Damaged { .. }) if ours.is_some() => (None, true),
            other => (other?, false),
        };
        let there = to.objects.read(&name)?;
        let outcome = match &there {
            Some(bytes) if *bytes == record && !is_torn => Outcome::Same,
            Some(_) => Outcome::Mended,
            None => Outcome::Copied,
        };
        match (&theirs, &ours) {
            (Some(key), _) => drop(key.open(id, version, &record)?),
            (None, None) if !to.is_keyless => return Ok(Outcome::Unreadable),
            // Nobody can tell which of two copies is right.
            (None, None) if matches!(outcome, Outcome::Mended) => {
                return Err(VaultError::damaged(&name, "the copy there is another one"));
            }
            _ => {}
        }
        if !matches!(outcome, Outcome::Same) {
            to.objects.put(&name, record.clone(), PutMode::Overwrite)?;
            if to.objects.read(&name)?.is_none_or(|stored| sha256(&stored) != sha256(&record)) {
                return Err(VaultError::damaged(&name, "what came to lie there is something else"));
            }
        }
        if let (Some(key), Some(master), None) = (&ours, &to.master, &theirs)
            && !to.is_keyless
        {
            let context = context(id, version, key.schema);
            let wrapped = wrapped_key(&**master, key.suite, key.schema, &key.key, &context)?;
            to.objects.put(&key_name(id, version), wrapped, PutMode::Overwrite)?;
            *keys += 1;
        }
        Ok(outcome)
    }
}
