//! Reading single records.

use std::ops::Range;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use fjall::Slice;

use super::{
    HeadRecord, Store, TxPlace,
    keys::{self, by_hash, by_height, height_in, unseal},
};
use crate::{
    change::{Deltas, decode_undo},
    error::LedgerError,
};

/// The last block of an epoch. What else proves it is in other tables until they are pruned.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct EpochRecord {
    pub(crate) header: Bytes,
    /// Empty while it is in the table of certificates, or unknown.
    pub(crate) certificate: Bytes,
    /// Headers above, up to the one that the certificate names; empty where it names this block.
    pub(crate) links: Vec<Bytes>,
}

impl EpochRecord {
    pub(crate) fn new(header: &[u8]) -> Self {
        let header = Bytes::copy_from_slice(header);
        Self { header, certificate: Bytes::new(), links: Vec::new() }
    }
}

impl Store {
    /// Every key and value, decompressed.
    pub(crate) fn each_entry(
        &self,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), LedgerError> {
        for item in self.keyspace.iter() {
            let (key, value) = item.into_inner()?;
            visit(&key, &value);
        }
        Ok(())
    }

    /// The last block, `None` in a new folder.
    pub(crate) fn head(&self) -> Result<Option<HeadRecord>, LedgerError> {
        self.decoded(&[keys::HEAD], "the head")
    }

    pub(crate) fn header(&self, height: u64) -> Result<Option<Slice>, LedgerError> {
        Ok(self.keyspace.get(by_height(keys::HEADER, height))?)
    }

    pub(crate) fn body(&self, height: u64) -> Result<Option<Slice>, LedgerError> {
        Ok(self.keyspace.get(by_height(keys::BODY, height))?)
    }

    pub(crate) fn receipts(&self, height: u64) -> Result<Option<Slice>, LedgerError> {
        Ok(self.keyspace.get(by_height(keys::RECEIPTS, height))?)
    }

    pub(crate) fn undo(&self, height: u64) -> Result<Option<Deltas>, LedgerError> {
        let bytes = self.keyspace.get(by_height(keys::UNDO, height))?;
        bytes
            .map(|bytes| decode_undo(&bytes))
            .transpose()
            .map_err(|error| LedgerError::damaged(format!("undo record {height}"), error))
    }

    /// Height of a finalized block.
    pub(crate) fn height_of(&self, hash: &B256) -> Result<Option<u64>, LedgerError> {
        self.decoded(&by_hash(keys::HEIGHT, hash), "the height of a block")
    }

    /// Hash of a finalized block, which the index of heights must confirm.
    pub(crate) fn hash_at(&self, height: u64) -> Result<Option<B256>, LedgerError> {
        let Some(hash) = self.header(height)?.map(keccak256) else { return Ok(None) };
        self.confirm(height, &hash)?;
        Ok(Some(hash))
    }

    /// Checks that a header with this hash was written at this height.
    pub(crate) fn confirm(&self, height: u64, hash: &B256) -> Result<(), LedgerError> {
        if self.height_of(hash)? == Some(height) {
            return Ok(());
        }
        let reason = format!("its hash {hash} is not the one that was written at this height");
        Err(LedgerError::damaged(format!("header {height}"), reason))
    }

    pub(crate) fn transaction(&self, hash: &B256) -> Result<Option<TxPlace>, LedgerError> {
        self.decoded(&by_hash(keys::TRANSACTION, hash), "the place of a transaction")
    }

    /// Keeps a certificate. It is as durable as the next block: the engine has its own copy.
    pub(crate) fn put_finality(&self, height: u64, bytes: &[u8]) -> Result<(), LedgerError> {
        let mut batch = self.batch(1);
        batch.put_sealed(by_height(keys::FINALITY, height), bytes);
        batch.write_later()
    }

    pub(crate) fn finality(&self, height: u64) -> Result<Option<Bytes>, LedgerError> {
        self.sealed(&by_height(keys::FINALITY, height), &format!("certificate {height}"))
    }

    /// The lowest height whose block is kept.
    pub(crate) fn first_kept(&self) -> Result<u64, LedgerError> {
        let what = "the lowest height";
        let Some(bytes) = self.sealed(&[keys::FIRST_KEPT], what)? else { return Ok(0) };
        decode(&bytes, what)
    }

    pub(crate) fn epoch_end(&self, height: u64) -> Result<Option<EpochRecord>, LedgerError> {
        let what = format!("the end of an epoch at {height}");
        let bytes = self.sealed(&by_height(keys::EPOCH_END, height), &what)?;
        bytes.map(|bytes| decode(&bytes, &what)).transpose()
    }

    /// Height of the first epoch's last block.
    pub(crate) fn first_epoch_end(&self) -> Result<Option<u64>, LedgerError> {
        self.keyspace
            .prefix([keys::EPOCH_END])
            .next()
            .map(|item| height_in(&item.key()?))
            .transpose()
    }

    /// Height of the last end of an epoch below `height`.
    pub(crate) fn epoch_end_below(&self, height: u64) -> Result<Option<u64>, LedgerError> {
        self.keyspace
            .range(by_height(keys::EPOCH_END, 0)..by_height(keys::EPOCH_END, height))
            .next_back()
            .map(|item| height_in(&item.key()?))
            .transpose()
    }

    pub(crate) fn put_validators(&self, epoch: u64, keys_: &[B256]) -> Result<(), LedgerError> {
        let mut batch = self.batch(1);
        let list = alloy_rlp::encode(keys_.to_vec());
        batch.put_sealed(by_height(keys::VALIDATORS, epoch), &list);
        batch.write_later()
    }

    pub(crate) fn validators(&self, epoch: u64) -> Result<Option<Vec<B256>>, LedgerError> {
        let what = format!("the validators of epoch {epoch}");
        let bytes = self.sealed(&by_height(keys::VALIDATORS, epoch), &what)?;
        bytes.map(|bytes| decode(&bytes, &what)).transpose()
    }

    /// Heights in `range` of which a table has a record, at most `limit`.
    pub(crate) fn heights(
        &self,
        table: u8,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, LedgerError> {
        self.keyspace
            .range(by_height(table, range.start)..by_height(table, range.end))
            .take(limit)
            .map(|item| height_in(&item.key()?))
            .collect()
    }

    /// Entries of an index of transactions whose height passes.
    pub(crate) fn count(
        &self,
        table: u8,
        passes: impl Fn(u64) -> bool,
    ) -> Result<u64, LedgerError> {
        let mut found = 0;
        for item in self.keyspace.prefix([table]) {
            let place: TxPlace = decode(&item.value()?, "the place of a transaction")?;
            found += u64::from(passes(place.height));
        }
        Ok(found)
    }

    fn sealed(&self, key: &[u8], what: &str) -> Result<Option<Bytes>, LedgerError> {
        let Some(bytes) = self.keyspace.get(key)? else { return Ok(None) };
        Ok(Some(Bytes::copy_from_slice(unseal(key, &bytes, what)?)))
    }

    fn decoded<T: Decodable>(&self, key: &[u8], what: &str) -> Result<Option<T>, LedgerError> {
        let Some(bytes) = self.keyspace.get(key)? else { return Ok(None) };
        decode(&bytes, what).map(Some)
    }
}

fn decode<T: Decodable>(mut bytes: &[u8], what: &str) -> Result<T, LedgerError> {
    T::decode(&mut bytes).map_err(|error| LedgerError::damaged(what, error))
}
