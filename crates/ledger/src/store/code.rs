//! Code by its hash, with the last used in memory.

use std::collections::HashMap;

use alloy_primitives::{B256, Bytes, keccak256};

use super::{
    Store,
    keys::{self, by_hash},
};
use crate::error::LedgerError;

/// Bytes of code kept in memory.
const CODE_CACHE: usize = 32 << 20;

#[derive(Default)]
pub(super) struct CodeCache {
    by_hash: HashMap<B256, Bytes>,
    bytes: usize,
}

impl Store {
    /// Code by its hash, which it is checked against when it comes from the disk.
    pub(crate) fn code(&self, hash: B256) -> Result<Option<Bytes>, LedgerError> {
        if let Some(code) = self.codes.lock().by_hash.get(&hash) {
            return Ok(Some(code.clone()));
        }
        let Some(code) = self.stored_code(hash)? else { return Ok(None) };
        let mut cache = self.codes.lock();
        if cache.bytes + code.len() > CODE_CACHE {
            *cache = CodeCache::default();
        }
        if cache.by_hash.insert(hash, code.clone()).is_none() {
            cache.bytes += code.len();
        }
        Ok(Some(code))
    }

    /// As [`Store::code`], always from the disk.
    pub(crate) fn stored_code(&self, hash: B256) -> Result<Option<Bytes>, LedgerError> {
        let Some(bytes) = self.keyspace.get(by_hash(keys::CODE, &hash))? else { return Ok(None) };
        if keccak256(&bytes) != hash {
            return Err(LedgerError::damaged(format!("code {hash}"), "its hash is another"));
        }
        Ok(Some(Bytes::copy_from_slice(&bytes)))
    }
}
