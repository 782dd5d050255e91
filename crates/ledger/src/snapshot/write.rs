//! Writing a snapshot of a version that is held, while the ledger goes on.

use std::collections::BTreeSet;

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY};
use sha2::{Digest, Sha256};
use tulou_primitives::StateReader;

use super::{
    CHUNK_BYTES, SnapshotError,
    manifest::{Chunk, ChunkKind, Manifest},
    record::Record,
};
use crate::{
    codec::encode_receipts,
    epochs::{ends_up_to, names},
    error::LedgerError,
    ledger::Ledger,
    trie::try_walk,
    version::Version,
};

/// Hashes of so many blocks below can be asked for by a contract.
const WINDOW: u64 = 256;
/// Of zstd: more takes longer and gives little, as most bytes are hashes.
const LEVEL: i32 = 3;

/// Where a snapshot goes.
pub trait SnapshotSink {
    /// Keeps a chunk. It may be there already: then nothing needs to be done.
    ///
    /// # Errors
    /// In words, when it cannot be kept.
    fn chunk(&mut self, chunk: &Chunk, bytes: Vec<u8>) -> Result<(), String>;

    /// Keeps the manifest, after all chunks: from now on the snapshot is whole.
    ///
    /// # Errors
    /// In words, when it cannot be kept.
    fn finish(&mut self, manifest: &Manifest) -> Result<(), String>;
}

impl Ledger {
    /// The newest version that a snapshot can be written of: its block has a certificate of its own.
    ///
    /// # Errors
    /// - [`LedgerError::Damaged`], [`LedgerError::Store`]: the disk.
    pub fn snapshot_version(&self) -> Result<Option<Version>, LedgerError> {
        let head = self.head().height;
        for height in (0..=head).rev() {
            let Some(version) = self.version_at(height) else { break };
            let certificate = self.finality(height)?;
            if certificate.is_some_and(|bytes| names(&bytes, &version.block_hash())) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// Writes a snapshot of a final version. The ledger goes on meanwhile: nothing is locked, and the
    /// version stays readable as long as this takes. The same version gives the same chunks.
    ///
    /// # Errors
    /// - [`SnapshotError::NotHeld`]: the version is of a candidate, or its block is pruned.
    /// - [`SnapshotError::NoCertificate`]: its block has no certificate of its own.
    /// - [`SnapshotError::Transfer`]: the sink; what it has may stay, chunks are found again by name.
    /// - [`SnapshotError::Ledger`]: the disk.
    pub fn snapshot(
        &self,
        version: &Version,
        chain_id: u64,
        sink: &mut dyn SnapshotSink,
    ) -> Result<Manifest, SnapshotError> {
        let (height, hash) = (version.height(), version.block_hash());
        let not_held = || SnapshotError::NotHeld(hash);
        let block = self.block(height)?.filter(|b| b.hash() == hash).ok_or_else(not_held)?;
        let receipts = self.shared_receipts(height)?.ok_or_else(not_held)?;
        let certificate = self.finality(height)?.filter(|bytes| names(bytes, &hash));
        let certificate = certificate.ok_or(SnapshotError::NoCertificate(height))?;
        let mut writer = Writer::new(sink, Manifest {
            format: Manifest::format_now(),
            chain_id,
            genesis: self.genesis().hash(),
            height,
            hash,
            header: alloy_rlp::encode(version.header().as_ref()).into(),
            certificate,
            epoch_parent: self.watched(self.epoch_parent(height))?,
            state_root: version.root(),
            accounts: 0,
            slots: 0,
            codes: 0,
            epoch_ends: 0,
            bytes: 0,
            record_bytes: 0,
            chunks: Vec::new(),
        });
        self.write_epochs(height, &mut writer)?;
        writer.put(ChunkKind::Block, &Record::Block(block.encode()))?;
        writer.put(ChunkKind::Block, &Record::Receipts(encode_receipts(&receipts).into()))?;
        self.write_headers(height, &mut writer)?;
        let codes = write_state(version, &mut writer)?;
        for hash in codes {
            let code = version
                .code(hash)
                .map_err(|error| LedgerError::damaged(format!("code {hash}"), error))?;
            writer.manifest.codes += 1;
            writer.put(ChunkKind::Code, &Record::Code(code))?;
        }
        writer.finish()
    }

    fn write_epochs(&self, height: u64, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        let Some(length) = self.watched(self.epoch_length())? else { return Ok(()) };
        for (end, record) in self.watched(ends_up_to(&self.0.store, height))? {
            let next = (end + 1) / length;
            let validators = self.epoch_validators(next)?.unwrap_or_default();
            writer.manifest.epoch_ends += 1;
            writer.put(ChunkKind::Epochs, &Record::EpochEnd(end, record, validators))?;
        }
        Ok(())
    }

    fn write_headers(&self, height: u64, writer: &mut Writer<'_>) -> Result<(), SnapshotError> {
        for below in (height.saturating_sub(WINDOW).max(1)..height).rev() {
            let bytes = self.watched(self.0.store.header(below))?;
            let bytes = bytes.ok_or_else(|| {
                LedgerError::damaged(format!("header {below}"), "missing")
            })?;
            let bytes = Bytes::copy_from_slice(&bytes);
            writer.put(ChunkKind::Block, &Record::Header(bytes))?;
        }
        Ok(())
    }
}

/// Writes accounts and slots and returns the hashes of their codes.
fn write_state(
    version: &Version,
    writer: &mut Writer<'_>,
) -> Result<BTreeSet<B256>, SnapshotError> {
    let mut codes = BTreeSet::new();
    try_walk(version.state(), &mut |key: &B256, account| {
        let state = account.state();
        if state.code_hash != KECCAK256_EMPTY {
            codes.insert(state.code_hash);
        }
        let head = Record::Account(*key, state);
        writer.manifest.accounts += 1;
        writer.put(ChunkKind::State, &head)?;
        try_walk(account.storage(), &mut |slot: &B256, value| {
            if writer.is_empty() {
                writer.put(ChunkKind::State, &head)?;
            }
            writer.manifest.slots += 1;
            writer.put(ChunkKind::State, &Record::Slot(*slot, value.0))
        })
    })?;
    Ok(codes)
}

/// Fills chunks and hands them on.
struct Writer<'a> {
    sink: &'a mut dyn SnapshotSink,
    manifest: Manifest,
    kind: ChunkKind,
    records: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(sink: &'a mut dyn SnapshotSink, manifest: Manifest) -> Self {
        Self { sink, manifest, kind: ChunkKind::Epochs, records: Vec::new() }
    }

    /// Whether the next record begins a chunk.
    fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn put(&mut self, kind: ChunkKind, record: &Record) -> Result<(), SnapshotError> {
        if kind != self.kind {
            self.flush()?;
            self.kind = kind;
        }
        record.write(&mut self.records);
        if self.records.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        if self.records.is_empty() {
            return Ok(());
        }
        let bytes = zstd::bulk::compress(&self.records, LEVEL)
            .map_err(|error| SnapshotError::Transfer(error.to_string()))?;
        let chunk = Chunk {
            sha256: alloy_primitives::hex::encode(Sha256::digest(&bytes)),
            kind: self.kind,
            bytes: bytes.len() as u64,
            record_bytes: self.records.len() as u64,
        };
        self.records.clear();
        self.manifest.bytes += chunk.bytes;
        self.manifest.record_bytes += chunk.record_bytes;
        self.sink.chunk(&chunk, bytes).map_err(SnapshotError::Transfer)?;
        self.manifest.chunks.push(chunk);
        Ok(())
    }

    fn finish(mut self) -> Result<Manifest, SnapshotError> {
        self.flush()?;
        self.sink.finish(&self.manifest).map_err(SnapshotError::Transfer)?;
        Ok(self.manifest)
    }
}

