use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::B256;
use tulou_archive::{Archive, ArchiveError, Place};
use tulou_ledger::{Ledger, SnapshotError};
use tulou_testing::BucketServer;

use crate::chain::{CHAIN_ID, accept, config, extend, genesis, open};

fn archive(config: &Place) -> Archive {
    Archive::open(config, CHAIN_ID, genesis().0.hash()).unwrap()
}

fn blocks(ledger: &Ledger) -> Vec<Vec<u8>> {
    let heights = 0..=ledger.head().height;
    heights.map(|height| ledger.block(height).unwrap().unwrap().encode().to_vec()).collect()
}

/// A node's folder: keys, a genesis file, a ledger.
fn essentials(root: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(root.join("keys")).unwrap();
    fs::write(root.join("genesis.json"), "{}").unwrap();
    fs::write(root.join("keys/node.json"), "encrypted").unwrap();
    fs::set_permissions(root.join("keys/node.json"), fs::Permissions::from_mode(0o600)).unwrap();
    ["genesis.json", "keys"].map(PathBuf::from).to_vec()
}

/// Blocks, backup, the folder destroyed, restore: the same head, root, blocks and files.
fn drill(place: &Place) {
    let node = tempfile::tempdir().unwrap();
    let files = essentials(node.path());
    let dir = node.path().join("ledger");
    let ledger = open(&dir);
    extend(&ledger, 1_030);
    let (head, all) = (ledger.head(), blocks(&ledger));
    let end = ledger.epoch_end(0).unwrap();
    let report = archive(place).backup(&ledger, node.path(), &files, 1_000).unwrap();
    assert_eq!((report.height, report.files, report.new_blocks), (1_030, 2, 1_030));
    // The same again sends nothing.
    let again = archive(place).backup(&ledger, node.path(), &files, 1_001).unwrap();
    assert_eq!((again.height, again.new_blocks), (1_030, 0));
    drop(ledger);
    fs::remove_dir_all(node.path().join("keys")).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    fs::remove_file(node.path().join("genesis.json")).unwrap();

    let archive = Archive::find(place).unwrap();
    assert_eq!((archive.chain_id(), archive.genesis()), (CHAIN_ID, genesis().0.hash()));
    let newest = archive.backups().unwrap().pop().unwrap();
    assert_eq!(newest, again.name);
    let manifest = archive.backup_manifest(&newest).unwrap();
    assert_eq!(archive.restore_files(&manifest, node.path()).unwrap(), 2);
    let key = node.path().join("keys/node.json");
    assert_eq!(fs::read(&key).unwrap(), b"encrypted");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let (block, _) = genesis();
    let mut check = accept;
    let (ledger, report) =
        archive.restore_ledger(&manifest, &dir, &block, &mut check, config()).unwrap();
    assert_eq!((report.height, report.hash, report.first_kept), (1_030, head.hash, 0));
    assert_eq!(ledger.head(), head);
    assert_eq!(blocks(&ledger), all);
    assert_eq!(ledger.epoch_end(0).unwrap(), end);
    let verified = ledger
        .verify(0..=u64::MAX, Default::default(), &mut |_| std::ops::ControlFlow::Continue(()));
    assert!(verified.is_sound() && verified.blocks == 1_031, "{verified:?}");
    extend(&ledger, 2);
    // A second restore finds the ledger and changes nothing; another key is not overwritten.
    drop(ledger);
    let (ledger, _) =
        archive.restore_ledger(&manifest, &dir, &block, &mut check, config()).unwrap();
    assert_eq!(ledger.head().height, 1_032);
    fs::write(&key, "another").unwrap();
    let refused = archive.restore_files(&manifest, node.path());
    assert!(matches!(refused, Err(ArchiveError::File { .. })));
    assert_eq!(fs::read(&key).unwrap(), b"another");
}

#[test]
fn the_drill_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    drill(&Place::folder(&folder.path().join("archive")));
}

#[test]
fn the_drill_on_an_s3_server() {
    let server = BucketServer::start();
    drill(&server.place("estates/guihua"));
}

/// Snapshots come and go; chunks go when nobody has them.
fn retention(place: &Place) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let archive = archive(place);
    assert!(archive.snapshots().unwrap().is_empty());
    let mut names = Vec::new();
    for _ in 0..4 {
        extend(&ledger, 3);
        names.push(archive.put_snapshot(&ledger, &ledger.latest()).unwrap());
    }
    assert_eq!(archive.snapshots().unwrap(), names);
    let young = archive.retain(3, Duration::from_secs(3_600)).unwrap();
    assert_eq!((young.snapshots, young.dropped, young.chunks), (3, 1, 0));
    let retained = archive.retain(2, Duration::ZERO).unwrap();
    assert_eq!((retained.snapshots, retained.dropped), (2, 1));
    assert!(retained.chunks > 0);
    assert_eq!(archive.snapshots().unwrap(), names[2..]);
    for name in &names[2..] {
        let new = tempfile::tempdir().unwrap();
        let (block, _) = genesis();
        let source = &mut archive.snapshot(name);
        let opened =
            Ledger::open_snapshot(new.path(), &block, CHAIN_ID, source, &mut accept, config());
        assert_eq!(opened.unwrap().0.head().height, name.height);
    }
    assert!(matches!(archive.manifest(&names[0]), Err(ArchiveError::Missing(_))));
    // The snapshot of a backup stays as long as the backup.
    let root = tempfile::tempdir().unwrap();
    archive.backup(&ledger, root.path(), &[], 5).unwrap();
    extend(&ledger, 1);
    archive.put_snapshot(&ledger, &ledger.latest()).unwrap();
    archive.retain(1, Duration::ZERO).unwrap();
    assert_eq!(archive.snapshots().unwrap().len(), 2);
    archive.backup(&ledger, root.path(), &[], 6).unwrap();
    assert_eq!(archive.retain_backups(1).unwrap(), 1);
    archive.retain(1, Duration::ZERO).unwrap();
    assert_eq!(archive.snapshots().unwrap().len(), 1);
}

#[test]
fn retention_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    retention(&Place::folder(folder.path()));
}

#[test]
fn retention_on_an_s3_server() {
    let server = BucketServer::start();
    retention(&server.place("retention"));
}

#[test]
fn blocks_go_out_in_sections_and_come_back_into_a_pruned_ledger() {
    let (folder, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = archive(&Place::folder(folder.path()));
    let ledger = open(dir.path());
    extend(&ledger, 1_500);
    let all = blocks(&ledger);
    let shipped = archive.ship_blocks(&ledger, u64::MAX, false).unwrap();
    assert_eq!((shipped.sections, shipped.blocks, shipped.next), (1, 1_000, 1_001));
    assert_eq!(archive.ship_blocks(&ledger, u64::MAX, false).unwrap().blocks, 0);
    let shipped = archive.ship_blocks(&ledger, 1_400, true).unwrap();
    assert_eq!((shipped.sections, shipped.blocks, shipped.next), (1, 400, 1_401));
    let found = archive.block(1_234).unwrap().unwrap();
    assert_eq!(found.block.encode().to_vec(), all[1_234]);
    assert_eq!(found.certificate, ledger.finality(1_234).unwrap());
    assert!(archive.block(1_401).unwrap().is_none());

    ledger.prune(1_300, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!(archive.restore_blocks(&ledger).unwrap(), 0);
    assert_eq!(blocks(&ledger), all);

    // An archive that lags behind what the node has pruned says so.
    let late = tempfile::tempdir().unwrap();
    let late = self::archive(&Place::folder(late.path()));
    ledger.prune(1_300, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    let gap = late.ship_blocks(&ledger, u64::MAX, true);
    assert!(matches!(gap, Err(ArchiveError::Gap { next: 1, first_kept: 1_300 })));
    assert_eq!(late.restore_blocks(&ledger).unwrap(), 1_300);
}

/// Every object of an archive, altered one at a time.
#[test]
fn what_was_altered_in_the_archive_is_not_used() {
    let (folder, node) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = Place::folder(folder.path());
    let files = essentials(node.path());
    let ledger = open(&node.path().join("ledger"));
    extend(&ledger, 40);
    let name = archive(&place).backup(&ledger, node.path(), &files, 1).unwrap().name;
    let mut objects = Vec::new();
    for part in ["chunks", "snapshots", "blocks", "sections", "files", "backups"] {
        let found = fs::read_dir(folder.path().join(part)).unwrap();
        objects.extend(found.map(|entry| entry.unwrap().path()));
    }
    assert!(objects.len() > 7, "{objects:?}");
    for object in objects {
        let whole = fs::read(&object).unwrap();
        let mut bytes = whole.clone();
        // In the middle of a JSON file a digit or a letter becomes another.
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&object, &bytes).unwrap();
        let to = tempfile::tempdir().unwrap();
        let restored = restore(&place, &name, to.path());
        let words = restored.err().map(|error| error.to_string());
        assert!(words.is_some(), "{} was used", object.display());
        fs::write(&object, &whole).unwrap();
    }
    let to = tempfile::tempdir().unwrap();
    assert_eq!(restore(&place, &name, to.path()).unwrap(), (ledger.head().hash, 0));
}

fn restore(place: &Place, name: &str, to: &Path) -> Result<(B256, u64), ArchiveError> {
    let archive = Archive::open(place, CHAIN_ID, genesis().0.hash())?;
    let manifest = archive.backup_manifest(name)?;
    archive.restore_files(&manifest, to)?;
    let (block, _) = genesis();
    let dir = to.join("ledger");
    let (_, report) = archive.restore_ledger(&manifest, &dir, &block, &mut accept, config())?;
    Ok((report.hash, report.first_kept))
}

#[test]
fn a_fetched_snapshot_goes_on_where_it_was_interrupted() {
    let (folder, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = archive(&Place::folder(folder.path()));
    let ledger = open(dir.path());
    extend(&ledger, 5);
    let name = archive.put_snapshot(&ledger, &ledger.latest()).unwrap();
    let local = tempfile::tempdir().unwrap();
    archive.fetch_snapshot(&name, local.path()).unwrap();
    let manifest = archive.manifest(&name).unwrap();
    // One chunk is missing here and one is damaged; all others are gone from the archive.
    let [first, second] =
        [0, 1].map(|n| local.path().join(format!("{}.zst", manifest.chunks[n].sha256)));
    fs::remove_file(&first).unwrap();
    let mut damaged = fs::read(&second).unwrap();
    damaged[0] ^= 1;
    fs::write(&second, damaged).unwrap();
    for chunk in &manifest.chunks[2..] {
        fs::remove_file(folder.path().join(format!("chunks/{}.zst", chunk.sha256))).unwrap();
    }
    let mut source = archive.fetch_snapshot(&name, local.path()).unwrap();
    let (new, (block, _)) = (tempfile::tempdir().unwrap(), genesis());
    let opened =
        Ledger::open_snapshot(new.path(), &block, CHAIN_ID, &mut source, &mut accept, config());
    assert_eq!(opened.unwrap().0.head(), ledger.head());
    let mut refuse = |_: &tulou_ledger::Offer<'_>| Err("nobody vouches for it".to_string());
    let other = tempfile::tempdir().unwrap();
    let refused =
        Ledger::open_snapshot(other.path(), &block, CHAIN_ID, &mut source, &mut refuse, config());
    assert!(matches!(refused.err(), Some(SnapshotError::Refused(_))));
}

#[test]
fn places_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::folder(folder.path());
    assert!(matches!(Archive::find(&place), Err(ArchiveError::Missing(_))));
    drop(archive(&place));
    let other = Archive::open(&place, CHAIN_ID, B256::ZERO);
    assert!(matches!(other, Err(ArchiveError::OtherLedger { chain_id: CHAIN_ID, .. })));
    for url in ["", "s3://", "ftp://somewhere"] {
        let place = Place { url: url.into(), ..Default::default() };
        assert!(matches!(Archive::find(&place), Err(ArchiveError::Place { .. })), "{url}");
    }
    let secret = Place { secret_key: Some("hush".into()), ..place };
    assert!(!format!("{secret:?}").contains("hush"));

    let root = tempfile::tempdir().unwrap();
    let archive = archive(&Place::folder(folder.path()));
    let ledger = open(&root.path().join("ledger"));
    extend(&ledger, 1);
    for path in ["../secret", "/etc/passwd", "missing"] {
        let refused = archive.backup(&ledger, root.path(), &[path.into()], 1);
        assert!(matches!(refused, Err(ArchiveError::File { .. })), "{path}");
    }
    assert!(archive.backups().unwrap().is_empty());
}
