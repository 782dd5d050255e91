//! What a snapshot consists of.

use alloy_primitives::{B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};
use tulou_primitives::Header;

use super::{MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES, SnapshotError};
use crate::{codec::decode_header, epochs::names};

/// Changes with the records.
const FORMAT: u32 = 1;

/// A list of chunks and what they are the state of. It is a JSON file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Of the records.
    pub format: u32,
    /// Chain id of the ledger.
    pub chain_id: u64,
    /// Hash of its genesis block.
    pub genesis: B256,
    /// Height of the block.
    pub height: u64,
    /// Hash of the block.
    pub hash: B256,
    /// RLP of its header.
    pub header: Bytes,
    /// The certificate of exactly this block.
    pub certificate: Bytes,
    /// Hash of the last block of the epoch before; that of the genesis block in the first epoch.
    pub epoch_parent: B256,
    /// Root of the state.
    pub state_root: B256,
    /// Accounts in it.
    pub accounts: u64,
    /// Slots in it.
    pub slots: u64,
    /// Codes in it.
    pub codes: u64,
    /// Ends of epochs up to the block.
    pub epoch_ends: u64,
    /// Bytes of all chunks.
    pub bytes: u64,
    /// Bytes of all records.
    pub record_bytes: u64,
    /// The chunks in the order in which they are read.
    pub chunks: Vec<Chunk>,
}

/// A part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chunk {
    /// SHA-256 of its bytes, in hexadecimal: also its name.
    pub sha256: String,
    /// What is in it.
    pub kind: ChunkKind,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of its records.
    pub record_bytes: u64,
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChunkKind {
    /// Ends of epochs with their certificates.
    Epochs,
    /// The block, its receipts and the headers below it.
    Block,
    /// Accounts and slots.
    State,
    /// Code.
    Code,
}

impl Manifest {
    /// The header.
    ///
    /// # Errors
    /// - [`SnapshotError::Manifest`]: it does not decode.
    pub fn decoded_header(&self) -> Result<Header, SnapshotError> {
        decode_header(&self.header)
            .map_err(|error| SnapshotError::Manifest(format!("its header: {error}")))
    }

    /// The file.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads a file and checks all that can be checked without the chunks and without validators.
    ///
    /// # Errors
    /// - [`SnapshotError::Manifest`]: it does not decode, is of another format, or contradicts itself.
    pub fn from_json(json: &[u8]) -> Result<Self, SnapshotError> {
        let wrong = |reason: String| SnapshotError::Manifest(reason);
        if json.len() > MAX_MANIFEST_BYTES {
            return Err(wrong(format!("it has {} bytes", json.len())));
        }
        let manifest: Self = serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        manifest.check().map_err(wrong)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("format {}, this program reads format {FORMAT}", self.format));
        }
        if keccak256(&self.header) != self.hash {
            return Err("its header has another hash".into());
        }
        let header = decode_header(&self.header).map_err(|error| error.to_string())?;
        if header.number != self.height || header.state_root != self.state_root {
            return Err("its header is of another block".into());
        }
        if !names(&self.certificate, &self.hash) {
            return Err("its certificate names another block".into());
        }
        let sums = |of: fn(&Chunk) -> u64| {
            self.chunks.iter().try_fold(0u64, |sum, chunk| sum.checked_add(of(chunk)))
        };
        if sums(|chunk| chunk.bytes) != Some(self.bytes)
            || sums(|chunk| chunk.record_bytes) != Some(self.record_bytes)
        {
            return Err("its chunks do not add up".into());
        }
        let fits = |chunk: &Chunk| {
            let name = chunk.sha256.as_bytes();
            let hex = name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            name.len() == 64 && hex && chunk.bytes.max(chunk.record_bytes) <= MAX_CHUNK_BYTES
        };
        match self.chunks.iter().find(|chunk| !fits(chunk)) {
            Some(chunk) => Err(format!("chunk {:?} has no good name or size", chunk.sha256)),
            None => Ok(()),
        }
    }

    pub(super) const fn format_now() -> u32 {
        FORMAT
    }
}
