//! The last blocks of epochs: the links that lead somebody who knows only the first validators from set
//! to set. They are kept for ever, whatever is pruned.

use alloy_primitives::{B256, Bytes, keccak256};
use tulou_primitives::{Block, Header, validators_hash};

use crate::{
    codec::decode_header,
    error::LedgerError,
    ledger::Ledger,
    store::{EpochRecord, Store, keys},
};

/// Headers that are looked through for the one that a certificate names. The engine needs a certificate
/// soon after, so more is damage.
const MAX_LINKS: u64 = 1_024;
/// A certificate names its block within its first bytes: three numbers of at most ten bytes come before.
const NAMED_WITHIN: usize = 30 + 32;

/// The last block of an epoch and what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The epoch that ends, 0 for the first.
    pub epoch: u64,
    /// Its last header; `extraData` commits to the validators of the next epoch.
    pub header: Header,
    /// The certificate; `None` while none is known. It names the last of `links`, or this block where
    /// there are none.
    pub certificate: Option<Bytes>,
    /// Headers above this block in order, up to the one that the certificate names.
    pub links: Vec<Header>,
    /// Keys of the next epoch's validators, ascending; empty where nobody put them.
    pub next_validators: Vec<B256>,
}

/// A block from which an engine can start that has no earlier ones.
#[derive(Clone, Debug)]
pub struct Floor {
    /// The block.
    pub block: Block,
    /// The certificate of exactly this block.
    pub certificate: Bytes,
    /// Hash of the last block of the epoch before; that of the genesis block in the first epoch.
    pub epoch_parent: B256,
}

/// Whether a header is the last of its epoch: it commits to the next validators. (The genesis header
/// commits to something else.)
pub(crate) fn ends_epoch(header: &Header) -> bool {
    header.number > 0 && header.extra_data.len() == 32
}

/// Whether a certificate names the block with this hash. The rest of it is for others to check.
pub(crate) fn names(certificate: &[u8], hash: &B256) -> bool {
    let begin = &certificate[..certificate.len().min(NAMED_WITHIN)];
    begin.windows(32).any(|window| window == hash.as_slice())
}

impl Ledger {
    /// The last block of an epoch with what proves it, `None` while the epoch lasts.
    ///
    /// # Errors
    /// - [`LedgerError::Damaged`], [`LedgerError::Store`]: the disk; also for the methods below.
    pub fn epoch_end(&self, epoch: u64) -> Result<Option<EpochEnd>, LedgerError> {
        self.watched(self.read_epoch_end(epoch))
    }

    fn read_epoch_end(&self, epoch: u64) -> Result<Option<EpochEnd>, LedgerError> {
        let Some(length) = self.epoch_length()? else { return Ok(None) };
        let after = epoch.checked_add(1).and_then(|next| next.checked_mul(length));
        let Some(height) = after.map(|after| after - 1).filter(|height| self.is_told(*height)) else {
            return Ok(None);
        };
        let Some(record) = self.0.store.epoch_end(height)? else {
            return Err(LedgerError::damaged(format!("the end of epoch {epoch}"), "missing"));
        };
        let record = proven(&self.0.store, height, record)?;
        let what = |error| LedgerError::damaged(format!("the end of epoch {epoch}"), error);
        let links = record.links.iter().map(|bytes| decode_header(bytes));
        Ok(Some(EpochEnd {
            epoch,
            header: decode_header(&record.header).map_err(what)?,
            certificate: Some(record.certificate).filter(|bytes| !bytes.is_empty()),
            links: links.collect::<Result<_, _>>().map_err(what)?,
            next_validators: self.epoch_validators(epoch + 1)?.unwrap_or_default(),
        }))
    }

    /// Heights of an epoch; `None` before the first epoch has ended.
    pub(crate) fn epoch_length(&self) -> Result<Option<u64>, LedgerError> {
        Ok(self.0.store.first_epoch_end()?.map(|end| end + 1))
    }

    /// Keeps the keys of an epoch's validators, in any order: the header of the epoch before has only
    /// their commitment. It is as durable as the next block.
    ///
    /// # Errors
    /// - [`LedgerError::Full`], [`LedgerError::Store`]: the disk.
    pub fn put_epoch_validators(&self, epoch: u64, validators: &[B256]) -> Result<(), LedgerError> {
        let mut validators = validators.to_vec();
        validators.sort_unstable();
        self.0.store.put_validators(epoch, &validators)
    }

    /// Keys of an epoch's validators, ascending, if they were put.
    pub fn epoch_validators(&self, epoch: u64) -> Result<Option<Vec<B256>>, LedgerError> {
        self.watched(self.0.store.validators(epoch))
    }

    /// The head as a place from which an engine can start that has no blocks; `None` where its
    /// certificate is not known or names another block.
    pub fn floor(&self) -> Result<Option<Floor>, LedgerError> {
        let head = self.head();
        let certificate = self.finality(head.height)?;
        let Some(certificate) = certificate.filter(|bytes| names(bytes, &head.hash)) else {
            return Ok(None);
        };
        let Some(block) = self.block(head.height)? else { return Ok(None) };
        let epoch_parent = self.watched(self.epoch_parent(head.height))?;
        Ok(Some(Floor { block, certificate, epoch_parent }))
    }

    /// Hash of the last block of the epoch before the one of `height`.
    pub(crate) fn epoch_parent(&self, height: u64) -> Result<B256, LedgerError> {
        match self.0.store.epoch_end_below(height)? {
            None => Ok(self.genesis().hash()),
            Some(end) => {
                let record = self.0.store.epoch_end(end)?;
                record.map(|record| keccak256(record.header)).ok_or_else(|| {
                    LedgerError::damaged(format!("the end of an epoch at {end}"), "missing")
                })
            }
        }
    }
}

/// A record with the certificate and the links that are still in other tables.
pub(crate) fn proven(
    store: &Store,
    height: u64,
    mut record: EpochRecord,
) -> Result<EpochRecord, LedgerError> {
    if !record.certificate.is_empty() {
        return Ok(record);
    }
    let Some(certificate) = store.finality(height)? else { return Ok(record) };
    let mut hash = keccak256(&record.header);
    let mut links = Vec::new();
    let mut above = height;
    while !names(&certificate, &hash) {
        above += 1;
        let header = store.header(above)?.filter(|_| above - height <= MAX_LINKS);
        // What it names is not here yet.
        let Some(header) = header else { return Ok(record) };
        hash = keccak256(&header);
        links.push(Bytes::copy_from_slice(&header));
    }
    record.certificate = certificate;
    record.links = links;
    Ok(record)
}

/// Checks that keys are the ones that the end of the epoch before commits to.
pub(crate) fn check_validators(
    epoch: u64,
    validators: &[B256],
    end: &Header,
) -> Result<(), String> {
    if validators_hash(epoch, validators).as_slice() == end.extra_data.as_ref() {
        Ok(())
    } else {
        Err(format!("the validators of epoch {epoch} are not those that its ledger commits to"))
    }
}

/// Ends of epochs up to and including `height`, with all that proves them.
pub(crate) fn ends_up_to(
    store: &Store,
    height: u64,
) -> Result<Vec<(u64, EpochRecord)>, LedgerError> {
    let heights = store.heights(keys::EPOCH_END, 0..height + 1, usize::MAX)?;
    heights
        .into_iter()
        .map(|height| {
            let record = store.epoch_end(height)?.ok_or_else(|| {
                LedgerError::damaged(format!("the end of an epoch at {height}"), "missing")
            })?;
            Ok((height, proven(store, height, record)?))
        })
        .collect()
}
