//! Snapshots of a ledger: written, believed only with the validators' signatures, started from.

use std::{ops::ControlFlow, path::Path};

use alloy_primitives::B256;
use tulou_archive::{Archive, ArchiveError, Place, Shipped};
use tulou_consensus::{ArchiveReport, Finality};
use tulou_ledger::{
    FolderSnapshot, Ledger, LedgerConfig, LedgerError, Manifest, Offer, Pace, SnapshotError,
    SnapshotSource, VerifyProgress, VerifyReport,
};
use tulou_primitives::{Block, Genesis, epoch_of};

use crate::{FolderError, NodeFolder, start::BLOCK_BYTES};

/// What did not work. Nothing was changed where it does not say otherwise.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The folder has no first page.
    #[error("there is no ledger in {0}: `tulou init assemble` puts its first page there")]
    NotFounded(String),
    /// The genesis names something that is not there.
    #[error("the genesis cannot be built: {0}")]
    Genesis(String),
    /// Blocks and state.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive belongs to another ledger, or holds no snapshot yet.
    #[error("{url}: {reason}")]
    Unfit {
        /// The archive.
        url: String,
        /// Why nothing there is of use.
        reason: String,
    },
    /// No block that is held has a certificate of its own yet.
    #[error(
        "no block that is still held has a certificate of its own: try again after the next block"
    )]
    NoCertificate,
}

/// The first page of a folder, ready to be opened.
fn founded(folder: &NodeFolder) -> Result<(Genesis, Block, Ledger0), SnapshotFault> {
    let missing = || SnapshotFault::NotFounded(folder.path().display().to_string());
    let genesis = folder.genesis()?.ok_or_else(missing)?;
    let changes = tulou_evm::genesis_changes(&genesis).map_err(SnapshotFault::Genesis)?;
    let block = tulou_evm::genesis_block(&genesis, Ledger::genesis_root(&changes));
    Ok((genesis, block, changes))
}

/// What the state before the first block is made from.
type Ledger0 = tulou_primitives::ChangeSet;

/// Opens the ledger of a node that does not run.
///
/// # Errors
/// [`SnapshotFault`], except `Snapshot` and `NoCertificate`.
pub fn open_ledger(folder: &NodeFolder) -> Result<(Genesis, Ledger), SnapshotFault> {
    let (genesis, block, changes) = founded(folder)?;
    let ledger = Ledger::open(&folder.ledger(), &block, changes, LedgerConfig::default())?;
    Ok((genesis, ledger))
}

/// Writes a snapshot of the newest certified block into a folder.
///
/// # Errors
/// [`SnapshotFault::NoCertificate`], [`SnapshotFault::Ledger`], [`SnapshotFault::Snapshot`]: what was
/// written so far may stay, and is no snapshot without its manifest.
pub fn write_snapshot(
    ledger: &Ledger,
    chain_id: u64,
    out: &Path,
) -> Result<Manifest, SnapshotFault> {
    let version = ledger.snapshot_version()?.ok_or(SnapshotFault::NoCertificate)?;
    Ok(ledger.snapshot(&version, chain_id, &mut FolderSnapshot::new(out))?)
}

/// Makes the ledger of a folder from a snapshot, which needs no trust: the validators of the first page
/// must have signed the way from set to set up to its block. Returns the height.
///
/// # Errors
/// [`SnapshotFault`]. The ledger appears whole or not at all.
pub fn start_from_snapshot(folder: &NodeFolder, from: &Path) -> Result<u64, SnapshotFault> {
    begin(folder, &mut FolderSnapshot::new(from))
}

/// As [`start_from_snapshot`], from the newest snapshot of an archive: a folder, or `s3://bucket/prefix`
/// with its keys in the environment. Blocks until it is done.
///
/// # Errors
/// [`SnapshotFault`].
pub fn start_from_archive(folder: &NodeFolder, url: &str) -> Result<u64, SnapshotFault> {
    let unfit = |reason: &str| SnapshotFault::Unfit { url: url.into(), reason: reason.into() };
    let (_, block, _) = founded(folder)?;
    let archive = Archive::find(&Place { url: url.into(), ..Place::default() })?;
    if archive.genesis() != block.hash() {
        return Err(unfit("it holds another ledger's archive"));
    }
    let newest = archive.snapshots()?.pop().ok_or_else(|| unfit("it holds no snapshot yet"))?;
    begin(folder, &mut archive.snapshot(&newest))
}

/// Sends a snapshot of the newest certified block to an archive, and every block that is not there yet.
/// Blocks until it is done; what was interrupted goes on where it ended.
///
/// # Errors
/// [`SnapshotFault::NoCertificate`], [`SnapshotFault::Ledger`], [`SnapshotFault::Archive`].
pub fn send_to_archive(
    ledger: &Ledger,
    chain_id: u64,
    url: &str,
) -> Result<(Manifest, Shipped), SnapshotFault> {
    let config = Place { url: url.into(), ..Place::default() };
    let version = ledger.snapshot_version()?.ok_or(SnapshotFault::NoCertificate)?;
    let archive = Archive::open(&config, chain_id, ledger.genesis().hash())?;
    let name = archive.put_snapshot(ledger, &version)?;
    let shipped = archive.ship_blocks(ledger, ledger.head().height, true)?;
    Ok((archive.manifest(&name)?, shipped))
}

fn begin(folder: &NodeFolder, source: &mut dyn SnapshotSource) -> Result<u64, SnapshotFault> {
    let (genesis, block, _) = founded(folder)?;
    let mut check = |offer: &Offer<'_>| check_offer(&genesis, block.hash(), offer);
    let config = LedgerConfig::default();
    let (dir, chain_id) = (folder.ledger(), genesis.chain_id);
    let (_, manifest) = Ledger::open_snapshot(&dir, &block, chain_id, source, &mut check, config)?;
    Ok(manifest.height)
}

/// Follows the signatures from the first validators to the snapshot's block.
fn check_offer(genesis: &Genesis, genesis_hash: B256, offer: &Offer<'_>) -> Result<(), String> {
    let namespace = tulou_consensus::namespace(genesis.chain_id, genesis_hash);
    let mut set = genesis.validators();
    for (epoch, end) in (0u64..).zip(offer.epoch_ends) {
        let top = end.links.last().unwrap_or(&end.header);
        let certificate = end.certificate.as_ref();
        let certificate =
            certificate.ok_or_else(|| format!("the end of epoch {epoch} has no certificate"))?;
        if end.epoch != epoch {
            return Err(format!("the end of epoch {epoch} is missing"));
        }
        signed(&namespace, &set, certificate, top.hash_slow(), epoch)?;
        if end.next_validators.is_empty() {
            return Err(format!("the validators after epoch {epoch} are not named"));
        }
        // The header commits to them, which the ledger has checked.
        set.clone_from(&end.next_validators);
    }
    let epoch = epoch_of(offer.header.number, genesis.epoch_length);
    let ends = u64::try_from(offer.epoch_ends.len()).unwrap_or(u64::MAX);
    if ends != epoch {
        return Err(format!("it is in epoch {epoch} and shows the ends of {ends}"));
    }
    signed(&namespace, &set, &offer.manifest.certificate, offer.header.hash_slow(), epoch)
}

/// Whether a set has signed a block in its epoch.
fn signed(
    namespace: &[u8],
    set: &[B256],
    certificate: &[u8],
    hash: B256,
    epoch: u64,
) -> Result<(), String> {
    let finality = Finality::decode(certificate).map_err(|e| e.to_string())?;
    if finality.digest != hash {
        return Err(format!("a certificate of epoch {epoch} is for another block"));
    }
    if finality.epoch != epoch {
        // The next set cannot vouch for itself.
        return Err(format!("a certificate of epoch {epoch} is by the validators of another"));
    }
    finality.verify(namespace, set).map_err(|e| format!("a certificate of epoch {epoch}: {e}"))
}

/// Shows every key and value of a stopped node's ledger, as they were before they were compressed.
///
/// # Errors
/// [`SnapshotFault`], except `Snapshot`, `Archive`, `Unfit` and `NoCertificate`.
pub fn each_entry(
    folder: &NodeFolder,
    visit: &mut dyn FnMut(&[u8], &[u8]),
) -> Result<(), SnapshotFault> {
    let (_, ledger) = open_ledger(folder)?;
    Ok(ledger.each_entry(visit)?)
}

/// Checks everything that a stopped node keeps: every block, receipt, index, the whole state, and the
/// blocks and certificates of the engine's archive, which must be those of the ledger.
///
/// # Errors
/// [`SnapshotFault::Ledger`] where the ledger cannot be opened at all.
pub fn verify_node(
    folder: &NodeFolder,
    mut progress: impl FnMut(VerifyProgress),
) -> Result<(VerifyReport, ArchiveReport), SnapshotFault> {
    let (_, ledger) = open_ledger(folder)?;
    let mut go_on = |seen: VerifyProgress| {
        progress(seen);
        ControlFlow::Continue(())
    };
    let report = ledger.verify(0..=u64::MAX, Pace::default(), &mut go_on);
    let hash = |height| Some(ledger.header(height).ok().flatten()?.hash_slow());
    let archive = tulou_consensus::verify_archive(&folder.engine(), BLOCK_BYTES, &hash);
    Ok((report, archive))
}
