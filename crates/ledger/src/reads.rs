//! Reading finalized blocks. What comes from the disk is checked against its header before anybody sees
//! it, and kept in memory for the next who asks.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering},
};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::root::ordered_trie_root_with_encoder;
use parking_lot::Mutex;
use tulou_primitives::{Block, Header, ReceiptEnvelope};

use crate::{
    codec::{decode_header, decode_receipts, join_block},
    error::LedgerError,
    ledger::Ledger,
    store::TxPlace,
};

#[cfg(test)]
mod tests;

/// Memory for checked blocks, and as much for receipts.
const SHELF: usize = 16 << 20;
/// Headers kept in memory, in bytes; one counts as [`HEADER`].
const HEADERS: usize = 2 << 20;
/// About what a header takes in memory.
const HEADER: usize = 800;
/// What a transaction takes beside its bytes: the decoded fields, hash, sender, its place on the heap.
const TX: usize = 800;
/// What a receipt takes beside its bytes, its bloom filter first of all.
const RECEIPT: usize = 600;
/// What an entry of a shelf itself takes.
const ENTRY: usize = 200;

/// Blocks that were read from the disk and checked.
#[derive(Default)]
pub(crate) struct Shelves {
    headers: Mutex<Shelf<Header>>,
    blocks: Mutex<Shelf<Block>>,
    receipts: Mutex<Shelf<Vec<ReceiptEnvelope>>>,
}

impl Shelves {
    /// Forgets all: the blocks were taken away.
    pub(crate) fn clear(&self) {
        *self.headers.lock() = Shelf::default();
        *self.blocks.lock() = Shelf::default();
        *self.receipts.lock() = Shelf::default();
    }

    /// Memory that they count.
    pub(crate) fn bytes(&self) -> usize {
        let records = self.blocks.lock().bytes + self.receipts.lock().bytes;
        records + self.headers.lock().bytes
    }
}

/// Things by height up to so many bytes of memory, not of what stands on the disk: a small block takes several
/// times as much once it is decoded. The oldest go first.
struct Shelf<T> {
    by_height: HashMap<u64, (Arc<T>, usize)>,
    order: VecDeque<u64>,
    bytes: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { by_height: HashMap::new(), order: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Shelf<T> {
    fn get(&self, height: u64) -> Option<Arc<T>> {
        self.by_height.get(&height).map(|(thing, _)| thing.clone())
    }

    fn put(&mut self, height: u64, thing: Arc<T>, bytes: usize, limit: usize) {
        let bytes = bytes + ENTRY;
        if bytes > limit || self.by_height.contains_key(&height) {
            return;
        }
        self.by_height.insert(height, (thing, bytes));
        self.order.push_back(height);
        self.bytes += bytes;
        while self.bytes > limit {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.by_height.remove(&oldest).map_or(0, |(_, bytes)| bytes);
        }
    }
}

impl Ledger {
    /// A finalized block, `None` above the head.
    ///
    /// # Errors
    /// - [`LedgerError::Pruned`]: it is not kept here.
    /// - [`LedgerError::Damaged`]: it is not what was written, and is not served.
    /// - [`LedgerError::Store`]: the disk. The same for the methods below.
    pub fn block(&self, height: u64) -> Result<Option<Block>, LedgerError> {
        if !self.is_told(height) {
            return Ok(None);
        }
        if height == 0 {
            return Ok(Some(self.genesis().clone()));
        }
        if let Some(recent) = self.0.versions.read().recent(height) {
            return Ok(Some(recent.block.as_ref().clone()));
        }
        self.read_block(height).map(|block| Some(block.as_ref().clone()))
    }

    fn read_block(&self, height: u64) -> Result<Arc<Block>, LedgerError> {
        self.kept(height)?;
        if let Some(block) = self.0.shelves.blocks.lock().get(height) {
            return Ok(block);
        }
        let read = || {
            let store = &self.0.store;
            let (Some(header), Some(body)) = (store.header(height)?, store.body(height)?) else {
                return Err(self.absent(height, "block"));
            };
            store.confirm(height, &keccak256(&header))?;
            let block = check_block(height, &header, &body)?;
            // Calldata stands in the raw bytes and in the decoded transaction.
            let bytes = HEADER + 2 * body.len() + TX * block.transactions().len();
            Ok((Arc::new(block), bytes))
        };
        let (block, bytes) = self.watched(read())?;
        self.0.shelves.blocks.lock().put(height, block.clone(), bytes, SHELF);
        Ok(block)
    }

    /// A finalized block by its hash.
    pub fn block_by_hash(&self, hash: B256) -> Result<Option<Block>, LedgerError> {
        self.height_of(hash)?.map_or(Ok(None), |height| self.block(height))
    }

    /// Header of a finalized block.
    pub fn header(&self, height: u64) -> Result<Option<Header>, LedgerError> {
        if !self.is_told(height) {
            return Ok(None);
        }
        if height == 0 {
            return Ok(Some(self.genesis().header().clone()));
        }
        if let Some(version) = self.0.versions.read().at(height) {
            return Ok(Some(version.header().as_ref().clone()));
        }
        self.kept(height)?;
        if let Some(header) = self.0.shelves.headers.lock().get(height) {
            return Ok(Some(header.as_ref().clone()));
        }
        let read = || {
            let (header, hash) = self.raw_header(height)?;
            self.0.store.confirm(height, &hash)?;
            Ok(header)
        };
        let header = self.watched(read())?;
        self.0.shelves.headers.lock().put(height, Arc::new(header.clone()), HEADER, HEADERS);
        Ok(Some(header))
    }

    /// Headers of a range of kept heights in order, each checked by the parent hash of the next and the
    /// last by the index: cheaper than one by one.
    pub(crate) fn linked_headers(
        &self,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(u64, &Header) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        if from > to {
            return Ok(());
        }
        self.kept(from)?;
        let mut before: Option<B256> = None;
        for height in from..=to {
            let (header, hash) = self.watched(self.raw_header(height))?;
            if before.is_some_and(|before| header.parent_hash != before) {
                let reason = format!("its parent is not the block at {}", height - 1);
                return self.watched(Err(LedgerError::damaged(format!("header {height}"), reason)));
            }
            visit(height, &header)?;
            before = Some(hash);
        }
        before.map_or(Ok(()), |hash| self.watched(self.0.store.confirm(to, &hash)))
    }

    fn raw_header(&self, height: u64) -> Result<(Header, B256), LedgerError> {
        let bytes = self.0.store.header(height)?.ok_or_else(|| self.absent(height, "header"))?;
        let header = decode_header(&bytes)
            .map_err(|error| LedgerError::damaged(format!("header {height}"), error))?;
        Ok((header, keccak256(&bytes)))
    }

    /// Receipts of a finalized block, one per transaction.
    pub fn receipts(&self, height: u64) -> Result<Option<Vec<ReceiptEnvelope>>, LedgerError> {
        Ok(self.shared_receipts(height)?.map(Arc::unwrap_or_clone))
    }

    /// As [`Ledger::receipts`], without a copy.
    pub fn shared_receipts(
        &self,
        height: u64,
    ) -> Result<Option<Arc<Vec<ReceiptEnvelope>>>, LedgerError> {
        if !self.is_told(height) {
            return Ok(None);
        }
        if height == 0 {
            return Ok(Some(Arc::default()));
        }
        if let Some(recent) = self.0.versions.read().recent(height) {
            return Ok(Some(recent.receipts.clone()));
        }
        self.kept(height)?;
        if let Some(receipts) = self.0.shelves.receipts.lock().get(height) {
            return Ok(Some(receipts));
        }
        let Some(header) = self.header(height)? else { return Ok(None) };
        let read = || {
            let bytes =
                self.0.store.receipts(height)?.ok_or_else(|| self.absent(height, "receipts"))?;
            let receipts = check_receipts(height, &header, &bytes)?;
            let held = 2 * bytes.len() + RECEIPT * receipts.len();
            Ok((Arc::new(receipts), held))
        };
        let (receipts, bytes) = self.watched(read())?;
        self.0.shelves.receipts.lock().put(height, receipts.clone(), bytes, SHELF);
        Ok(Some(receipts))
    }

    /// Where a finalized transaction stands. A transaction of a block that is not kept is not found.
    pub fn transaction(&self, hash: B256) -> Result<Option<TxPlace>, LedgerError> {
        let place = self.watched(self.0.store.transaction(&hash))?;
        let Some(place) = place.filter(|place| self.is_told(place.height)) else { return Ok(None) };
        let Some(block) = self.block(place.height)? else { return Ok(None) };
        let there = usize::try_from(place.index).ok().and_then(|n| block.transactions().get(n));
        if there.is_some_and(|tx| tx.hash() == hash) {
            return Ok(Some(place));
        }
        let reason = format!("it is not in block {} at {}", place.height, place.index);
        self.watched(Err(LedgerError::damaged(format!("the place of transaction {hash}"), reason)))
    }

    /// Height of a finalized block.
    pub fn height_of(&self, block_hash: B256) -> Result<Option<u64>, LedgerError> {
        let height = self.watched(self.0.store.height_of(&block_hash))?;
        let Some(height) = height.filter(|height| self.is_told(*height)) else { return Ok(None) };
        let read = || {
            let bytes = self.0.store.header(height)?;
            if bytes.is_none_or(|bytes| keccak256(bytes) != block_hash) {
                let reason = format!("the block at {height} has another");
                return Err(LedgerError::damaged(format!("the height of {block_hash}"), reason));
            }
            Ok(Some(height))
        };
        self.watched(read())
    }

    /// Keeps the certificate that made a block final. The ledger does not look into it.
    ///
    /// # Errors
    /// - [`LedgerError::Full`], [`LedgerError::Store`]: the disk.
    pub fn put_finality(&self, height: u64, certificate: Bytes) -> Result<(), LedgerError> {
        self.0.store.put_finality(height, &certificate)
    }

    /// The certificate that made a block final, if it was put. It may name a block above: then the
    /// headers in between link the two.
    pub fn finality(&self, height: u64) -> Result<Option<Bytes>, LedgerError> {
        let certificate = self.watched(self.0.store.finality(height))?;
        if certificate.is_none() && self.is_told(height) && height > 0 {
            self.kept(height)?;
        }
        Ok(certificate)
    }

    /// The lowest height whose block is kept; the genesis block always is.
    pub fn first_kept(&self) -> u64 {
        self.0.first_kept.load(Ordering::Acquire)
    }

    /// Refuses a height below [`Ledger::first_kept`].
    pub(crate) fn kept(&self, height: u64) -> Result<(), LedgerError> {
        let first_kept = self.first_kept();
        if height < first_kept { Err(LedgerError::Pruned { height, first_kept }) } else { Ok(()) }
    }

    /// Why a record is not there: taken away a moment ago, or lost.
    fn absent(&self, height: u64, what: &str) -> LedgerError {
        match self.kept(height) {
            Err(pruned) => pruned,
            Ok(()) => LedgerError::damaged(format!("{what} {height}"), "missing"),
        }
    }

    /// Remembers damage that a read has met.
    pub(crate) fn watched<T>(&self, result: Result<T, LedgerError>) -> Result<T, LedgerError> {
        self.0.store.health().watched(result)
    }
}

/// Joins a header and a body and checks that they belong together.
pub(crate) fn check_block(height: u64, header: &[u8], body: &[u8]) -> Result<Block, LedgerError> {
    let what = || format!("block {height}");
    let block = join_block(header, body).map_err(|error| LedgerError::damaged(what(), error))?;
    if block.height() != height {
        let reason = format!("its header says height {}", block.height());
        return Err(LedgerError::damaged(what(), reason));
    }
    if block.transactions_root() != block.header().transactions_root {
        return Err(LedgerError::damaged(what(), "its transactions are not those of its header"));
    }
    Ok(block)
}

/// Decodes receipts and checks that they belong to a header.
pub(crate) fn check_receipts(
    height: u64,
    header: &Header,
    bytes: &[u8],
) -> Result<Vec<ReceiptEnvelope>, LedgerError> {
    let what = || format!("receipts {height}");
    let receipts = decode_receipts(bytes).map_err(|error| LedgerError::damaged(what(), error))?;
    let root = ordered_trie_root_with_encoder(&receipts, |receipt, out| receipt.encode_2718(out));
    if root != header.receipts_root {
        return Err(LedgerError::damaged(what(), "they are not those of its header"));
    }
    Ok(receipts)
}
