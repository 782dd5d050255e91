//! Taking old blocks away, and putting them back from an archive.

use std::{ops::ControlFlow, sync::atomic::Ordering};

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, keccak256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use alloy_trie::root::ordered_trie_root_with_encoder;
use tulou_primitives::{Block, ReceiptEnvelope};

use crate::{
    codec::{decode_receipts, encode_receipts},
    epochs::proven,
    error::LedgerError,
    ledger::{Ledger, block_entry},
    reads::check_block,
    store::{
        Batch,
        keys::{self, by_hash, by_height},
    },
};

/// Heights that one batch takes away: what a reader may wait for, and what a crash repeats.
const STEP: usize = 64;
/// Headers below the head that stay: contracts may ask for the hashes of 256 blocks, at any retained
/// version.
const WINDOW: u64 = 256;

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Blocks that went.
    pub blocks: u64,
    /// The lowest height whose block is kept now.
    pub first_kept: u64,
}

/// An old block as an archive hands it back.
#[derive(Clone, Debug)]
pub struct ArchivedBlock {
    /// The block.
    pub block: Block,
    /// Its receipts, one per transaction.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Its certificate, if one is known.
    pub certificate: Option<Bytes>,
}

impl Ledger {
    /// Takes away the blocks below a height: bodies, receipts, the index of their transactions,
    /// certificates and headers. Ends of epochs stay with their certificates, as do the genesis block
    /// and what the retained versions need, so that less may go than was asked for. It works in small
    /// steps, each durable; `go_on` is asked after each with the lowest height that is kept.
    ///
    /// # Errors
    /// - [`LedgerError::Damaged`]: an old block cannot be read; it stays.
    /// - [`LedgerError::Full`], [`LedgerError::Store`]: the disk.
    pub fn prune(
        &self,
        below: u64,
        go_on: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<PruneReport, LedgerError> {
        let retained = self.config().kept_states();
        let head = self.head().height;
        let below = below.min(head.saturating_sub(retained));
        let headers_below = below.min(head.saturating_sub(retained.saturating_add(WINDOW)));
        let mut report = PruneReport { blocks: 0, first_kept: self.first_kept() };
        loop {
            let step = self.watched(self.prune_step(below, headers_below))?;
            report.first_kept = self.first_kept();
            report.blocks += step.unwrap_or_default();
            if step.is_none() || go_on(report.first_kept).is_break() {
                return Ok(report);
            }
        }
    }

    /// One step: bodies first, then headers that nobody needs. `None` when nothing is left to do.
    fn prune_step(&self, below: u64, headers_below: u64) -> Result<Option<u64>, LedgerError> {
        let _one_at_a_time = self.0.finalizing.lock();
        let store = &self.0.store;
        let first = self.first_kept();
        let bodies = store.heights(keys::BODY, first.max(1)..below, STEP)?;
        if let Some(last) = bodies.last() {
            let next = if bodies.len() < STEP { below } else { last + 1 };
            let mut batch = store.batch(STEP * 8);
            for height in &bodies {
                self.prune_body(&mut batch, *height)?;
            }
            batch.first_kept(next);
            // Readers are refused before the records go, so that nobody takes their absence for damage.
            self.0.first_kept.store(next, Ordering::Release);
            if let Err(error) = batch.write() {
                self.0.first_kept.store(first, Ordering::Release);
                return Err(error);
            }
            self.0.shelves.clear();
            return Ok(Some(bodies.len() as u64));
        }
        let headers = store.heights(keys::HEADER, 1..headers_below, STEP * 16)?;
        if headers.is_empty() {
            return Ok(None);
        }
        let mut batch = store.batch(headers.len() * 2);
        for height in headers {
            if let Some(header) = store.header(height)? {
                batch.remove(by_hash(keys::HEIGHT, &keccak256(header)));
            }
            batch.remove(by_height(keys::HEADER, height));
        }
        batch.write()?;
        Ok(Some(0))
    }

    fn prune_body(&self, batch: &mut Batch<'_>, height: u64) -> Result<(), LedgerError> {
        let store = &self.0.store;
        let missing = |what: &str| LedgerError::damaged(format!("{what} {height}"), "missing");
        let header = store.header(height)?.ok_or_else(|| missing("header"))?;
        let body = store.body(height)?.ok_or_else(|| missing("block"))?;
        let block = check_block(height, &header, &body)?;
        for tx in block.transactions() {
            batch.remove(by_hash(keys::TRANSACTION, &tx.hash()));
        }
        if let Some(record) = store.epoch_end(height)? {
            let whole = proven(store, height, record)?;
            batch.put_sealed(by_height(keys::EPOCH_END, height), &alloy_rlp::encode(whole));
        }
        for table in [keys::BODY, keys::RECEIPTS, keys::FINALITY, keys::UNDO] {
            batch.remove(by_height(table, height));
        }
        Ok(())
    }

    /// Puts back blocks that end just below [`Ledger::first_kept`], in ascending order. Each is checked
    /// as the parent of the one above it, so that whoever hands them over needs no trust. All or none
    /// are kept.
    ///
    /// # Errors
    /// - [`LedgerError::NotNext`]: they are not the blocks below the lowest that is kept.
    /// - [`LedgerError::Damaged`]: transactions or receipts are not those of their header; nothing was
    ///   kept, and the ledger itself is sound.
    /// - [`LedgerError::Full`], [`LedgerError::Store`]: the disk.
    pub fn put_back(&self, blocks: &[ArchivedBlock]) -> Result<u64, LedgerError> {
        let _one_at_a_time = self.0.finalizing.lock();
        let store = &self.0.store;
        let first = self.first_kept();
        let Some(header) = self.header(first)? else { return Ok(first) };
        let mut expected = header.parent_hash;
        let mut batch = store.batch(blocks.len() * 8);
        let mut lowest = first;
        for old in blocks.iter().rev() {
            let (hash, height) = (old.block.hash(), old.block.height());
            if hash != expected || height + 1 != lowest {
                return Err(LedgerError::NotNext { hash, head: expected });
            }
            check_archived(old)?;
            let mut entry = block_entry(&old.block, &old.receipts)?;
            // The record that stayed has the certificate and the links as well.
            entry.ends_epoch &= store.epoch_end(height)?.is_none();
            batch.block(entry);
            if let Some(certificate) = &old.certificate {
                batch.put_sealed(by_height(keys::FINALITY, height), certificate);
            }
            expected = old.block.header().parent_hash;
            lowest = height;
        }
        // Nothing is below block 1 but the genesis block, which is always there.
        let lowest = if lowest == 1 { 0 } else { lowest };
        batch.first_kept(lowest);
        batch.write()?;
        self.0.first_kept.store(lowest, Ordering::Release);
        Ok(lowest)
    }
}

fn check_archived(old: &ArchivedBlock) -> Result<(), LedgerError> {
    let header = old.block.header();
    let what = format!("block {} from the archive", header.number);
    if old.block.transactions_root() != header.transactions_root {
        return Err(LedgerError::damaged(what, "its transactions are not those of its header"));
    }
    let receipts =
        ordered_trie_root_with_encoder(&old.receipts, |receipt, out| receipt.encode_2718(out));
    if receipts != header.receipts_root {
        return Err(LedgerError::damaged(what, "its receipts are not those of its header"));
    }
    Ok(())
}

#[derive(RlpEncodable, RlpDecodable)]
struct Packed {
    block: Bytes,
    receipts: Bytes,
    /// Empty where none is known.
    certificate: Bytes,
}

impl ArchivedBlock {
    /// Appends its bytes: RLP.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let packed = Packed {
            block: self.block.encode(),
            receipts: encode_receipts(&self.receipts).into(),
            certificate: self.certificate.clone().unwrap_or_default(),
        };
        packed.encode(out);
    }

    /// Takes one block off `bytes`, checked against its header.
    ///
    /// # Errors
    /// - [`LedgerError::Damaged`]: it does not decode, or its transactions or receipts are not those of
    ///   its header.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, LedgerError> {
        let wrong = |error: String| LedgerError::damaged("a block from the archive", error);
        let packed = Packed::decode(bytes).map_err(|error| wrong(error.to_string()))?;
        let block = Block::decode(&packed.block).map_err(|error| wrong(error.to_string()))?;
        let receipts =
            decode_receipts(&packed.receipts).map_err(|error| wrong(error.to_string()))?;
        let certificate = Some(packed.certificate).filter(|bytes| !bytes.is_empty());
        let archived = Self { block, receipts, certificate };
        check_archived(&archived)?;
        Ok(archived)
    }
}

impl Ledger {
    /// A finalized block with all that belongs to it, `None` above the head.
    ///
    /// # Errors
    /// - [`LedgerError::Pruned`], [`LedgerError::Damaged`], [`LedgerError::Store`].
    pub fn archived_block(&self, height: u64) -> Result<Option<ArchivedBlock>, LedgerError> {
        let (Some(block), Some(receipts)) = (self.block(height)?, self.receipts(height)?) else {
            return Ok(None);
        };
        Ok(Some(ArchivedBlock { block, receipts, certificate: self.finality(height)? }))
    }
}
