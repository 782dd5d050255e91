//! What a vault holds, and how far it is behind another: for who watches over it.

use std::collections::BTreeSet;

use super::*;

/// What a vault holds, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Records, each counted once.
    pub records: u64,
    /// Their versions.
    pub versions: u64,
    /// Records that were erased.
    pub erased: u64,
    /// Bytes of everything that is stored.
    pub bytes: u64,
}

/// What another vault has and this one has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// Records that were erased there and not here.
    pub erasures: u64,
    /// Versions of records that are held there, and here are neither held nor erased.
    pub versions: u64,
}

impl Vault {
    /// [`Vault::look_at`] with the master key: what is held can be read, and nothing is written.
    ///
    /// # Errors
    /// - [`VaultError::Place`], [`VaultError::Damaged`], [`VaultError::Store`]: as [`Vault::look_at`].
    /// - [`VaultError::KeyFile`], [`VaultError::Rewrapping`], [`VaultError::WrongMaster`]: the master key.
    pub fn look_with(place: &Place, unlock: &Unlock) -> Result<Self, VaultError> {
        let vault = Self::look_at(place)?;
        let found = identity(&vault.objects)?;
        let found = found.ok_or_else(|| VaultError::damaged(IDENTITY, "it has gone"))?;
        let master = unlock.master(&salt_of(&found.salt)?)?;
        if let Some(master) = &master {
            if found.next.is_some() {
                return Err(VaultError::Rewrapping);
            }
            if hex::encode(master.id()) != found.master {
                return Err(VaultError::WrongMaster);
            }
        }
        Ok(Self { master, ..vault })
    }

    /// Counts what is held. Reads names and sizes alone.
    ///
    /// # Errors
    /// - [`VaultError::Store`].
    pub fn stock(&self) -> Result<Stock, VaultError> {
        let held = self.records()?;
        let records: BTreeSet<_> = held.iter().map(|(id, _)| *id).collect();
        Ok(Stock {
            records: records.len() as u64,
            versions: held.len() as u64,
            erased: self.erased()?.len() as u64,
            bytes: self.objects.bytes()?,
        })
    }

    /// Counts what another vault has and this one has not.
    ///
    /// # Errors
    /// - [`VaultError::Store`].
    pub fn behind(&self, other: &Self) -> Result<Behind, VaultError> {
        let (erased, theirs) = (self.erased()?, other.erased()?);
        let held: BTreeSet<_> = self.records()?.into_iter().collect();
        let there = other.records()?.into_iter();
        let gone = |id: &B256| erased.contains(id) || theirs.contains(id);
        let missing = there.filter(|record| !held.contains(record) && !gone(&record.0));
        Ok(Behind {
            erasures: theirs.difference(&erased).count() as u64,
            versions: missing.count() as u64,
        })
    }

    /// Numbers of the records that were erased.
    fn erased(&self) -> Result<BTreeSet<B256>, VaultError> {
        let names = self.objects.names("erased")?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }
}
