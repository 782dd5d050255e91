//! Old blocks in sections.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use tulou_ledger::{ArchivedBlock, Ledger, LedgerError};

use crate::{
    error::ArchiveError,
    store::{Archive, digest},
};

const SECTIONS: &str = "blocks";
const BODIES: &str = "sections";
/// Blocks of a section.
const SECTION: u64 = 1_000;
/// Bytes of blocks from which a section is closed earlier.
const SECTION_BYTES: usize = 16 << 20;
/// Bytes that a reader accepts.
const MAX_SECTION_BYTES: u64 = 128 << 20;
/// Blocks that are put back at once.
const BATCH: usize = 256;
/// Of zstd: blocks are read rarely.
const LEVEL: i32 = 6;

/// Blocks that lie together, and how to know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Section {
    /// Lowest height.
    pub from: u64,
    /// Highest height.
    pub to: u64,
    /// Hash of the block below `from`.
    pub parent: B256,
    /// Hash of the block at `to`.
    pub last: B256,
    /// Bytes of the object.
    pub bytes: u64,
    /// Bytes of the blocks in it.
    pub record_bytes: u64,
    /// SHA-256 of the object, in hexadecimal: also its name.
    pub sha256: String,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shipped {
    /// Sections that are new.
    pub sections: u64,
    /// Blocks in them.
    pub blocks: u64,
    /// The next height that the archive needs.
    pub next: u64,
}

impl Archive {
    /// Sends blocks up to and including a height, from where the archive ends: whole sections of 1,000
    /// blocks, and with `rest` also the last blocks in a shorter one. What was interrupted goes on where
    /// it ended.
    ///
    /// # Errors
    /// - [`ArchiveError::Gap`]: the ledger does not keep the next block.
    /// - [`ArchiveError::Damaged`]: the archive does not fit the ledger.
    /// - [`ArchiveError::Ledger`], [`ArchiveError::Store`].
    pub fn ship_blocks(
        &self,
        ledger: &Ledger,
        up_to: u64,
        rest: bool,
    ) -> Result<Shipped, ArchiveError> {
        let up_to = up_to.min(ledger.head().height);
        let sections = self.sections()?;
        let mut next = sections.last().map_or(1, |section| section.to + 1);
        let mut parent = sections.last().map_or(ledger.genesis().hash(), |section| section.last);
        let mut shipped = Shipped { next, ..Shipped::default() };
        while next <= up_to {
            let first_kept = ledger.first_kept();
            if next < first_kept {
                return Err(ArchiveError::Gap { next, first_kept });
            }
            let Some(section) = self.ship(ledger, next, up_to, parent, rest)? else { break };
            shipped.sections += 1;
            shipped.blocks += section.to + 1 - section.from;
            next = section.to + 1;
            parent = section.last;
            shipped.next = next;
        }
        Ok(shipped)
    }

    /// Sends one section from a height, unless it would be too short.
    fn ship(
        &self,
        ledger: &Ledger,
        from: u64,
        up_to: u64,
        parent: B256,
        rest: bool,
    ) -> Result<Option<Section>, ArchiveError> {
        let mut records = Vec::new();
        let (mut last, mut to) = (parent, from);
        for height in from..=up_to.min(from + SECTION - 1) {
            let block = ledger
                .archived_block(height)?
                .ok_or_else(|| ArchiveError::Missing(format!("block {height} of the ledger")))?;
            if block.block.header().parent_hash != last {
                let name = format!("section up to {}", height.saturating_sub(1));
                return Err(ArchiveError::damaged(name, "it is of another chain of blocks"));
            }
            last = block.block.hash();
            to = height;
            block.encode(&mut records);
            if records.len() >= SECTION_BYTES {
                break;
            }
        }
        let whole = to + 1 - from == SECTION || records.len() >= SECTION_BYTES;
        if records.is_empty() || !(whole || rest) {
            return Ok(None);
        }
        let bytes = zstd::bulk::compress(&records, LEVEL)
            .map_err(|error| ArchiveError::Store(error.to_string()))?;
        let section = Section {
            from,
            to,
            parent,
            last,
            bytes: bytes.len() as u64,
            record_bytes: records.len() as u64,
            sha256: digest(&bytes),
        };
        self.put_once(&object_of(&section), bytes)?;
        // The index comes last: a section that is listed is there.
        self.put_json(&format!("{SECTIONS}/{from:012}-{to:012}.json"), &section)?;
        Ok(Some(section))
    }

    /// All sections, the lowest first. They lie without gaps from block 1 on.
    ///
    /// # Errors
    /// - [`ArchiveError::Damaged`]: a section does not follow the one before.
    /// - [`ArchiveError::Store`].
    pub fn sections(&self) -> Result<Vec<Section>, ArchiveError> {
        let mut sections: Vec<Section> = Vec::new();
        for (name, _) in self.list(SECTIONS)? {
            let section: Section = self.json(&format!("{SECTIONS}/{name}"))?;
            let expected = sections.last().map_or(1, |last| last.to + 1);
            let follows = sections.last().is_none_or(|last| last.last == section.parent);
            if section.from != expected || section.to < section.from || !follows {
                return Err(ArchiveError::damaged(name, "it does not follow the section before"));
            }
            sections.push(section);
        }
        Ok(sections)
    }

    /// Blocks of a section, each checked against its header and its parent.
    ///
    /// # Errors
    /// - [`ArchiveError::Missing`], [`ArchiveError::Damaged`]: the object.
    pub fn read_section(&self, section: &Section) -> Result<Vec<ArchivedBlock>, ArchiveError> {
        let name = object_of(section);
        let wrong = |reason: String| ArchiveError::damaged(&name, reason);
        if section.bytes.max(section.record_bytes) > MAX_SECTION_BYTES {
            return Err(wrong("it is too large".into()));
        }
        let bytes = self.get_checked(&name, section.bytes, &section.sha256)?;
        let size = usize::try_from(section.record_bytes).unwrap_or_default();
        let records =
            zstd::bulk::decompress(&bytes, size).map_err(|error| wrong(error.to_string()))?;
        let mut rest = records.as_slice();
        let mut blocks = Vec::new();
        let mut parent = section.parent;
        while !rest.is_empty() {
            let block =
                ArchivedBlock::decode(&mut rest).map_err(|error| wrong(error.to_string()))?;
            let height = section.from + blocks.len() as u64;
            if block.block.header().parent_hash != parent || block.block.height() != height {
                return Err(wrong(format!("its blocks do not hang together at {height}")));
            }
            parent = block.block.hash();
            blocks.push(block);
        }
        if parent != section.last || section.from + blocks.len() as u64 != section.to + 1 {
            return Err(wrong("it holds other blocks than its index says".into()));
        }
        Ok(blocks)
    }

    /// One block, `None` where no section has it.
    ///
    /// # Errors
    /// As [`Archive::sections`] and [`Archive::read_section`].
    pub fn block(&self, height: u64) -> Result<Option<ArchivedBlock>, ArchiveError> {
        let sections = self.sections()?;
        let Some(section) = sections.iter().find(|s| (s.from..=s.to).contains(&height)) else {
            return Ok(None);
        };
        let place = usize::try_from(height - section.from).unwrap_or(usize::MAX);
        Ok(self.read_section(section)?.into_iter().nth(place))
    }

    /// Puts blocks back into a ledger that does not keep them, from the highest down, as far as the archive
    /// has them. Returns the lowest height that the ledger keeps then; interrupted, it goes on from there.
    ///
    /// # Errors
    /// - [`ArchiveError::Damaged`], [`ArchiveError::Missing`]: a section; what was put back stays.
    /// - [`ArchiveError::Ledger`]: [`LedgerError::NotNext`] where the archive is of another chain of
    ///   blocks.
    pub fn restore_blocks(&self, ledger: &Ledger) -> Result<u64, ArchiveError> {
        let sections = self.sections()?;
        loop {
            let first_kept = ledger.first_kept();
            let Some(below) = first_kept.checked_sub(1).filter(|below| *below > 0) else {
                return Ok(first_kept);
            };
            let Some(section) = sections.iter().find(|s| (s.from..=s.to).contains(&below)) else {
                return Ok(first_kept);
            };
            let mut blocks = self.read_section(section)?;
            blocks.truncate(usize::try_from(first_kept - section.from).unwrap_or(usize::MAX));
            for piece in blocks.rchunks(BATCH) {
                let kept = ledger.put_back(piece)?;
                if kept >= first_kept {
                    return Err(LedgerError::Pruned { height: below, first_kept }.into());
                }
            }
        }
    }
}

fn object_of(section: &Section) -> String {
    format!("{BODIES}/{}.zst", section.sha256)
}
