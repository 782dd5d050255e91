//! Making a ledger from a snapshot.

use std::path::Path;

use alloy_primitives::{B256, Bytes, keccak256};
use sha2::{Digest, Sha256};
use tulou_primitives::{AccountState, Block, Header};

use super::{
    SnapshotError,
    manifest::{Chunk, Manifest},
    record::Record,
};
use crate::{
    change::Leaf,
    codec::{cut_block, decode_header},
    epochs::{EpochEnd, check_validators, ends_epoch},
    error::LedgerError,
    ledger::{Ledger, LedgerConfig, block_entry},
    reads::{check_block, check_receipts},
    store::{
        EpochRecord, HeadRecord, Store,
        keys::{self, by_hash, by_height},
    },
    trie::RootOfLeaves,
};

/// Where a snapshot comes from. It needs no trust.
pub trait SnapshotSource {
    /// The manifest file.
    ///
    /// # Errors
    /// In words, when it cannot be had.
    fn manifest(&mut self) -> Result<Vec<u8>, String>;

    /// A chunk. Its digest is checked by the caller.
    ///
    /// # Errors
    /// In words, when it cannot be had.
    fn chunk(&mut self, chunk: &Chunk) -> Result<Vec<u8>, String>;
}

/// What a snapshot claims, before its state is read: for the caller to check who vouches for it.
#[derive(Debug)]
pub struct Offer<'a> {
    /// Height, header and certificate.
    pub manifest: &'a Manifest,
    /// The header of the manifest.
    pub header: &'a Header,
    /// Ends of all epochs before, from the first on. Their headers hang together with their links and
    /// their validators with their headers; signatures are not checked.
    pub epoch_ends: &'a [EpochEnd],
}

impl Ledger {
    /// Makes a ledger whose head is the block of a snapshot and that has no blocks below. Each chunk is
    /// checked when it arrives; `check` judges the certificate when the ends of epochs are there and
    /// before anything else is read; the state must have the root of the certified header. The folder
    /// appears when all is on disk, or not at all. Memory stays small until the state is loaded.
    ///
    /// # Errors
    /// - [`SnapshotError::Occupied`]: the folder holds a ledger.
    /// - [`SnapshotError::Transfer`]: the source.
    /// - [`SnapshotError::Manifest`]: it is of another ledger, or not usable.
    /// - [`SnapshotError::Chunk`]: a chunk is damaged or does not fit.
    /// - [`SnapshotError::Refused`]: by `check`.
    /// - [`SnapshotError::Ledger`]: [`LedgerError::InUse`], [`LedgerError::RootMismatch`], the disk.
    pub fn open_snapshot(
        dir: &Path,
        genesis_block: &Block,
        chain_id: u64,
        source: &mut dyn SnapshotSource,
        check: &mut dyn FnMut(&Offer<'_>) -> Result<(), String>,
        config: LedgerConfig,
    ) -> Result<(Self, Manifest), SnapshotError> {
        if dir.join("store").try_exists().map_err(LedgerError::from)? {
            return Err(SnapshotError::Occupied);
        }
        let json = source.manifest().map_err(SnapshotError::Transfer)?;
        let manifest = Manifest::from_json(&json)?;
        let wrong = |reason: String| Err(SnapshotError::Manifest(reason));
        if manifest.chain_id != chain_id {
            return wrong(format!("it is of chain {}, not {chain_id}", manifest.chain_id));
        }
        if manifest.genesis != genesis_block.hash() {
            return wrong(format!("it is of the ledger with genesis {}", manifest.genesis));
        }
        let header = manifest.decoded_header()?;
        let store = Store::open(dir, config.sizes(), |store| {
            let reader = Reader::new(store, &manifest, &header);
            reader.run(source, check, genesis_block)
        })?;
        Ok((Self::start(store, genesis_block, config)?, manifest))
    }
}

/// A chunk's records, when its bytes are what the manifest says.
fn unpack(chunk: &Chunk, bytes: &[u8]) -> Result<Vec<u8>, SnapshotError> {
    let wrong = |reason: &str| Err(SnapshotError::chunk(&chunk.sha256, reason));
    if bytes.len() as u64 != chunk.bytes {
        return wrong("it has another length");
    }
    if alloy_primitives::hex::encode(Sha256::digest(bytes)) != chunk.sha256 {
        return wrong("its digest is another");
    }
    let records = usize::try_from(chunk.record_bytes)
        .ok()
        .and_then(|size| zstd::bulk::decompress(bytes, size).ok());
    match records {
        Some(records) if records.len() as u64 == chunk.record_bytes => Ok(records),
        _ => wrong("it does not unpack"),
    }
}

/// What has been read so far.
struct Reader<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    header: &'a Header,
    ends: Vec<EpochEnd>,
    end_records: Vec<(u64, EpochRecord, Vec<B256>)>,
    checked: bool,
    block: Option<Block>,
    receipts: Option<Bytes>,
    /// Headers below the block, the highest first.
    below: Vec<(B256, Header)>,
    sum: RootOfLeaves,
    account: Option<(B256, AccountState)>,
    slot: Option<B256>,
    counts: [u64; 3],
}

impl<'a> Reader<'a> {
    fn new(store: &'a Store, manifest: &'a Manifest, header: &'a Header) -> Self {
        Self {
            store,
            manifest,
            header,
            ends: Vec::new(),
            end_records: Vec::new(),
            checked: false,
            block: None,
            receipts: None,
            below: Vec::new(),
            sum: RootOfLeaves::default(),
            account: None,
            slot: None,
            counts: [0; 3],
        }
    }

    fn run(
        mut self,
        source: &mut dyn SnapshotSource,
        check: &mut dyn FnMut(&Offer<'_>) -> Result<(), String>,
        genesis: &Block,
    ) -> Result<(), SnapshotError> {
        for chunk in &self.manifest.chunks {
            let bytes = source.chunk(chunk).map_err(SnapshotError::Transfer)?;
            let records = unpack(chunk, &bytes)?;
            let mut rest = records.as_slice();
            let mut leaves = Vec::new();
            loop {
                let record = Record::read(&mut rest)
                    .map_err(|error| SnapshotError::chunk(&chunk.sha256, error))?;
                let Some(record) = record else { break };
                if !self.checked && !matches!(record, Record::EpochEnd(..)) {
                    self.judge(check, genesis)?;
                }
                let taken = self.take(record, &mut leaves);
                taken.map_err(|reason| SnapshotError::chunk(&chunk.sha256, reason))?;
            }
            self.keep(leaves)?;
        }
        self.finish(genesis)
    }

    /// Asks the caller, once all ends of epochs are there.
    fn judge(
        &mut self,
        check: &mut dyn FnMut(&Offer<'_>) -> Result<(), String>,
        genesis: &Block,
    ) -> Result<(), SnapshotError> {
        self.checked = true;
        let wrong = |reason: &str| Err(SnapshotError::Manifest(reason.into()));
        if self.ends.len() as u64 != self.manifest.epoch_ends {
            return wrong("it has not as many ends of epochs as it says");
        }
        let before = self.ends.iter().rev().find(|end| end.header.number < self.manifest.height);
        let parent = before.map_or(genesis.hash(), |end| end.header.hash_slow());
        if parent != self.manifest.epoch_parent {
            return wrong("its epoch does not follow the one before");
        }
        let offer =
            Offer { manifest: self.manifest, header: self.header, epoch_ends: &self.ends };
        check(&offer).map_err(SnapshotError::Refused)
    }

    fn take(&mut self, record: Record, leaves: &mut Vec<Written>) -> Result<(), String> {
        match record {
            Record::EpochEnd(height, record, validators) => {
                if self.checked {
                    return Err("an end of an epoch out of order".into());
                }
                let end = self.epoch_end(height, &record, &validators)?;
                self.ends.push(end);
                self.end_records.push((height, record, validators));
            }
            Record::Block(bytes) => self.block = Some(self.take_block(&bytes)?),
            Record::Receipts(bytes) => self.receipts = Some(bytes),
            Record::Header(bytes) => self.take_header(&bytes)?,
            Record::Account(key, state) => self.take_account(key, state, leaves)?,
            Record::Slot(key, value) => {
                let Some((owner, _)) = self.account else { return Err("a slot of nobody".into()) };
                if value.is_zero() || self.slot.is_some_and(|last| last >= key) {
                    return Err("slots are out of order".into());
                }
                self.slot = Some(key);
                self.counts[1] += 1;
                self.sum.slot(key, value);
                leaves.push(Written::Leaf(Leaf::Slot(owner, key, value)));
            }
            Record::Code(code) => {
                self.counts[2] += 1;
                leaves.push(Written::Code(keccak256(&code), code));
            }
        }
        Ok(())
    }

    fn take_account(
        &mut self,
        key: B256,
        state: AccountState,
        leaves: &mut Vec<Written>,
    ) -> Result<(), String> {
        match self.account {
            Some(last) if last == (key, state) && leaves.is_empty() => return Ok(()),
            Some((last, _)) if last >= key => return Err("accounts are out of order".into()),
            _ if state.is_empty() => return Err("an empty account".into()),
            _ => {}
        }
        self.account = Some((key, state));
        self.slot = None;
        self.counts[0] += 1;
        self.sum.account(key, state);
        leaves.push(Written::Leaf(Leaf::Account(key, Some(state))));
        Ok(())
    }

    fn epoch_end(
        &self,
        height: u64,
        record: &EpochRecord,
        validators: &[B256],
    ) -> Result<EpochEnd, String> {
        let epoch = self.ends.len() as u64;
        let what = |reason: &str| format!("the end of epoch {epoch}: {reason}");
        let header = decode_header(&record.header).map_err(|error| what(&error.to_string()))?;
        let length = self.ends.first().map_or(height, |first| first.header.number) + 1;
        if header.number != height || Some(height + 1) != length.checked_mul(epoch + 1) {
            return Err(what("it stands at another height"));
        }
        if !ends_epoch(&header) || height > self.manifest.height {
            return Err(what("it ends no epoch of this ledger"));
        }
        let mut links: Vec<Header> = Vec::new();
        for bytes in &record.links {
            let link = decode_header(bytes).map_err(|error| what(&error.to_string()))?;
            let parent = links.last().unwrap_or(&header).hash_slow();
            if link.parent_hash != parent {
                return Err(what("its links do not hang together"));
            }
            links.push(link);
        }
        if !validators.is_empty() {
            check_validators(epoch + 1, validators, &header)?;
        }
        Ok(EpochEnd {
            epoch,
            header,
            certificate: Some(record.certificate.clone()).filter(|bytes| !bytes.is_empty()),
            links,
            next_validators: validators.to_vec(),
        })
    }

    fn take_block(&self, bytes: &[u8]) -> Result<Block, String> {
        let block = Block::decode(bytes).map_err(|error| error.to_string())?;
        if block.hash() != self.manifest.hash {
            return Err("it is another block".into());
        }
        let (header, body) = cut_block(&block).map_err(|error| error.to_string())?;
        check_block(self.manifest.height, &header, &body).map_err(|error| error.to_string())
    }

    fn take_header(&mut self, bytes: &[u8]) -> Result<(), String> {
        let header = decode_header(bytes).map_err(|error| error.to_string())?;
        let above = self.below.last().map_or(self.header, |(_, header)| header);
        let hash = keccak256(bytes);
        if above.parent_hash != hash || header.number + 1 != above.number || header.number == 0 {
            return Err("headers do not hang together".into());
        }
        self.below.push((hash, header));
        Ok(())
    }

    /// Writes the leaves of a chunk. They count when the head is written.
    fn keep(&self, leaves: Vec<Written>) -> Result<(), LedgerError> {
        let mut batch = self.store.batch(leaves.len());
        for written in leaves {
            match written {
                Written::Leaf(leaf) => batch.leaf(&leaf),
                Written::Code(hash, code) => {
                    batch.put(by_hash(keys::CODE, &hash), code.to_vec());
                }
            }
        }
        batch.write_later()
    }

    fn finish(mut self, genesis: &Block) -> Result<(), SnapshotError> {
        let manifest = self.manifest;
        let (height, hash) = (manifest.height, manifest.hash);
        let wrong = |reason: &str| SnapshotError::Manifest(reason.into());
        if self.counts != [manifest.accounts, manifest.slots, manifest.codes] {
            return Err(wrong("its chunks hold more or less than it says"));
        }
        let (Some(block), Some(receipts)) = (self.block.take(), self.receipts.take()) else {
            return Err(wrong("its block is missing"));
        };
        let window = height.min(257).saturating_sub(1);
        if self.below.len() as u64 != window {
            return Err(wrong("headers below its block are missing"));
        }
        let receipts = check_receipts(height, self.header, &receipts)?;
        let found = self.sum.root();
        let expected = manifest.state_root;
        if found != expected {
            return Err(LedgerError::RootMismatch { height, expected, found }.into());
        }
        let mut batch = self.store.batch(1_024);
        batch.block(block_entry(genesis, &[])?);
        for (hash, header) in &self.below {
            batch.header(header.number, hash, alloy_rlp::encode(header));
        }
        let mut entry = block_entry(&block, &receipts)?;
        // Its record comes with the others, with what proves it.
        entry.ends_epoch = false;
        batch.block(entry);
        for (end, record, validators) in &self.end_records {
            batch.put_sealed(by_height(keys::EPOCH_END, *end), &alloy_rlp::encode(record));
            if !validators.is_empty() {
                let next = self.ends.iter().find(|known| known.header.number == *end);
                let next = next.map_or(0, |known| known.epoch + 1);
                let list = alloy_rlp::encode(validators);
                batch.put_sealed(by_height(keys::VALIDATORS, next), &list);
            }
        }
        batch.put_sealed(by_height(keys::FINALITY, height), &manifest.certificate);
        batch.first_kept(height);
        batch.head(HeadRecord { height, hash, root: found });
        Ok(batch.write()?)
    }
}

/// What a chunk brings to the tables of the state.
enum Written {
    Leaf(Leaf),
    Code(B256, Bytes),
}
