use std::{collections::BTreeMap, fs, path::Path};

use tulou_ledger::{
    Chunk, ChunkKind, FolderSnapshot, Ledger, LedgerConfig, LedgerError, Manifest, Offer,
    SnapshotError, SnapshotSink, SnapshotSource,
};
use tulou_primitives::StateReader;

use crate::{
    chain::{
        CHAIN_ID, EPOCH, PEOPLE, certificate, certify, contract, extend, genesis, grow, open,
        person, validators,
    },
    damage::verify,
};

/// A snapshot in memory.
#[derive(Clone, Default)]
struct Memory {
    manifest: Vec<u8>,
    chunks: BTreeMap<String, Vec<u8>>,
}

impl SnapshotSink for Memory {
    fn chunk(&mut self, chunk: &Chunk, bytes: Vec<u8>) -> Result<(), String> {
        self.chunks.insert(chunk.sha256.clone(), bytes);
        Ok(())
    }

    fn finish(&mut self, manifest: &Manifest) -> Result<(), String> {
        self.manifest = manifest.to_json();
        Ok(())
    }
}

impl SnapshotSource for Memory {
    fn manifest(&mut self) -> Result<Vec<u8>, String> {
        Ok(self.manifest.clone())
    }

    fn chunk(&mut self, chunk: &Chunk) -> Result<Vec<u8>, String> {
        self.chunks.get(&chunk.sha256).cloned().ok_or_else(|| "there is no such chunk".into())
    }
}

fn accept(_: &Offer<'_>) -> Result<(), String> {
    Ok(())
}

fn take(dir: &Path, source: &mut dyn SnapshotSource) -> Result<(Ledger, Manifest), SnapshotError> {
    let (block, _) = genesis();
    let config = LedgerConfig::default();
    Ledger::open_snapshot(dir, &block, CHAIN_ID, source, &mut accept, config)
}

fn snapshot(ledger: &Ledger) -> (Memory, Manifest) {
    let mut memory = Memory::default();
    let version = ledger.snapshot_version().unwrap().unwrap();
    let manifest = ledger.snapshot(&version, CHAIN_ID, &mut memory).unwrap();
    (memory, manifest)
}

#[test]
fn a_ledger_goes_on_from_a_snapshot_in_a_folder() {
    let (from, to, files) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
    let (from, to, files) = (from.unwrap(), to.unwrap(), files.unwrap());
    let ledger = open(from.path());
    certify(&ledger, 330);
    let mut folder = FolderSnapshot::new(&files.path().join("snapshot"));
    let manifest = ledger.snapshot(&ledger.latest(), CHAIN_ID, &mut folder).unwrap();
    assert_eq!((manifest.height, manifest.hash), (330, ledger.head().hash));
    assert_eq!((manifest.epoch_ends, manifest.chain_id), (330 / EPOCH, CHAIN_ID));

    let mut offered = None;
    let (block, changes) = genesis();
    let mut check = |offer: &Offer<'_>| {
        let last = offer.epoch_ends.last().ok_or("no epochs")?;
        offered = Some((offer.manifest.height, last.epoch, last.next_validators.clone()));
        (offer.manifest.certificate == certificate(offer.header.hash_slow(), 330))
            .then_some(())
            .ok_or("another certificate".into())
    };
    let config = LedgerConfig::default();
    let taken = Ledger::open_snapshot(to.path(), &block, CHAIN_ID, &mut folder, &mut check, config);
    let (new, read) = taken.unwrap();
    assert_eq!(read, manifest);
    let (height, epoch, next) = offered.unwrap();
    let mut expected = validators(16);
    expected.sort_unstable();
    assert_eq!((height, epoch, next), (330, 15, expected));

    check_equal(&new, &ledger, &manifest);
    let again = tempfile::tempdir().unwrap();
    crate::crash::copy(to.path(), again.path());
    check_equal(&Ledger::open(again.path(), &block, changes, config).unwrap(), &ledger, &manifest);
    // Both go on to the same block.
    certify(&ledger, 20);
    certify(&new, 20);
    assert_eq!(new.head(), ledger.head());
    assert!(verify(&new).is_sound());
}

/// A ledger from a snapshot serves what the one it came from serves at its head.
fn check_equal(new: &Ledger, ledger: &Ledger, manifest: &Manifest) {
    assert_eq!(new.head(), ledger.head());
    assert_eq!(new.first_kept(), 330);
    let found = new.block(330).unwrap().unwrap();
    assert_eq!(found.encode(), ledger.block(330).unwrap().unwrap().encode());
    assert_eq!(new.receipts(330).unwrap(), ledger.receipts(330).unwrap());
    assert_eq!(new.floor().unwrap().unwrap().epoch_parent, manifest.epoch_parent);
    assert!(matches!(new.block(329), Err(LedgerError::Pruned { height: 329, first_kept: 330 })));
    assert_eq!(new.block(0).unwrap().unwrap().hash(), ledger.genesis().hash());
    for epoch in 0..17 {
        assert_eq!(new.epoch_end(epoch).unwrap(), ledger.epoch_end(epoch).unwrap());
    }
    for height in 330 - 256..=330 {
        let hash = StateReader::block_hash(&new.latest(), height).unwrap();
        assert_eq!(hash, StateReader::block_hash(&ledger.latest(), height).unwrap());
    }
    let (old, latest) = (ledger.latest(), new.latest());
    for who in (0..PEOPLE * 2).map(person).chain((0..5).map(contract)) {
        assert_eq!(old.account(who).unwrap(), latest.account(who).unwrap());
    }
    for n in 0..5 {
        let hash = old.account(contract(n)).unwrap().unwrap().code_hash;
        assert_eq!(latest.code(hash).unwrap(), old.code(hash).unwrap());
    }
    let report = verify(new);
    assert!(report.is_sound() && report.blocks == 1, "{report:?}");
}

#[test]
fn the_same_version_gives_the_same_bytes_while_the_ledger_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    certify(&ledger, 40);
    let version = ledger.latest();
    let (first, second) = std::thread::scope(|scope| {
        let write = || {
            let mut memory = Memory::default();
            ledger.snapshot(&version, CHAIN_ID, &mut memory).unwrap();
            memory
        };
        let first = scope.spawn(write);
        certify(&ledger, 30);
        (first.join().unwrap(), write())
    });
    assert_eq!(first.manifest, second.manifest);
    assert_eq!(first.chunks, second.chunks);

    // Another node that came to the same state another way, and holds another certificate.
    let other_dir = tempfile::tempdir().unwrap();
    let other = open(other_dir.path());
    certify(&other, 39);
    let block = grow(&other, other.head().hash, 0);
    let mut proof = certificate(block.hash(), 40).to_vec();
    proof.push(1);
    other.put_finality(40, proof.into()).unwrap();
    other.finalize(block.hash()).unwrap();
    let (_, manifest) = snapshot(&other);
    let state = |manifest: &Manifest| -> Vec<_> {
        let chunks = manifest.chunks.iter();
        chunks.filter(|chunk| chunk.kind == ChunkKind::State).cloned().collect()
    };
    let first = Manifest::from_json(&first.manifest).unwrap();
    assert_ne!(manifest, first);
    assert_eq!(state(&manifest), state(&first));
}

#[test]
fn a_snapshot_that_was_altered_anywhere_is_refused_and_leaves_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    certify(&ledger, 45);
    let (whole, manifest) = snapshot(&ledger);
    let to = tempfile::tempdir().unwrap();
    let refuse = |memory: &mut Memory| {
        let error = take(to.path(), memory).err().expect("it is refused");
        let left = ["store", "store.new"].map(|name| to.path().join(name).exists());
        assert_eq!(left, [false; 2]);
        error
    };
    for name in whole.chunks.keys() {
        let mut cut = whole.clone();
        cut.chunks.get_mut(name).unwrap().pop();
        assert!(matches!(refuse(&mut cut), SnapshotError::Chunk { name: n, .. } if n == *name));
        let mut flipped = whole.clone();
        flipped.chunks.get_mut(name).unwrap()[20] ^= 1;
        assert!(matches!(refuse(&mut flipped), SnapshotError::Chunk { name: n, .. } if n == *name));
        let mut gone = whole.clone();
        gone.chunks.remove(name);
        assert!(matches!(refuse(&mut gone), SnapshotError::Transfer(_)));
    }
    let altered = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        Memory { manifest: manifest.to_json(), ..whole.clone() }
    };
    type Change<'a> = &'a dyn Fn(&mut Manifest);
    let cases: [(Change<'_>, &str); 11] = [
        (&|m| m.format = 9, "format 9"),
        (&|m| m.chain_id = 1, "chain 1"),
        (&|m| m.genesis.0[0] ^= 1, "genesis"),
        (&|m| m.height += 1, "another block"),
        (&|m| m.hash.0[0] ^= 1, "another hash"),
        (&|m| m.state_root.0[0] ^= 1, "another block"),
        (&|m| m.certificate = vec![0; 300].into(), "certificate"),
        (&|m| m.epoch_parent.0[0] ^= 1, "epoch does not follow"),
        (&|m| m.bytes += 1, "add up"),
        (&|m| m.accounts += 1, "more or less"),
        (&|m| m.chunks[0].sha256 = "../../etc/passwd".into(), "no good name"),
    ];
    for (change, words) in cases {
        let error = refuse(&mut altered(change));
        assert!(matches!(error, SnapshotError::Manifest(_)), "{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    // A chunk that is left out is missed in the counts.
    let mut short = manifest.clone();
    let gone = short.chunks.pop().unwrap();
    short.bytes -= gone.bytes;
    short.record_bytes -= gone.record_bytes;
    let mut short = Memory { manifest: short.to_json(), ..whole.clone() };
    assert!(matches!(refuse(&mut short), SnapshotError::Manifest(_)));
    let mut garbage = Memory { manifest: b"{}".to_vec(), ..whole.clone() };
    assert!(matches!(refuse(&mut garbage), SnapshotError::Manifest(_)));

    let (block, _) = genesis();
    let mut never = |_: &Offer<'_>| Err("the certificate lacks a signature".to_string());
    let config = LedgerConfig::default();
    let mut source = whole.clone();
    let refused =
        Ledger::open_snapshot(to.path(), &block, CHAIN_ID, &mut source, &mut never, config);
    let words = refused.err().unwrap().to_string();
    assert!(words.contains("lacks a signature"), "{words}");

    // After all that, the true one is taken, once.
    drop(take(to.path(), &mut whole.clone()).unwrap());
    assert!(matches!(take(to.path(), &mut whole.clone()), Err(SnapshotError::Occupied)));
}

#[test]
fn only_a_held_block_with_its_own_certificate_makes_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let mut memory = Memory::default();
    assert!(ledger.snapshot_version().unwrap().is_none());
    let genesis = ledger.snapshot(&ledger.latest(), CHAIN_ID, &mut memory);
    assert!(matches!(genesis, Err(SnapshotError::NoCertificate(0))));
    certify(&ledger, 2);
    extend(&ledger, 1);
    assert_eq!(ledger.snapshot_version().unwrap().unwrap().height(), 2);
    let bare = ledger.snapshot(&ledger.latest(), CHAIN_ID, &mut memory);
    assert!(matches!(bare, Err(SnapshotError::NoCertificate(3))));
    let candidate = grow(&ledger, ledger.head().hash, 0);
    let version = ledger.version(candidate.hash()).unwrap();
    let candidate = ledger.snapshot(&version, CHAIN_ID, &mut memory);
    assert!(matches!(candidate, Err(SnapshotError::NotHeld(_))));
    assert!(memory.manifest.is_empty());
}

#[test]
fn a_half_written_folder_is_filled_up_and_bad_files_are_named() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ledger = open(dir.path());
    certify(&ledger, 5);
    let mut folder = FolderSnapshot::new(files.path());
    let version = ledger.latest();
    let manifest = ledger.snapshot(&version, CHAIN_ID, &mut folder).unwrap();
    let chunk = files.path().join(format!("{}.zst", manifest.chunks[0].sha256));
    fs::remove_file(&chunk).unwrap();
    let to = tempfile::tempdir().unwrap();
    let error = take(to.path(), &mut folder).err().unwrap();
    assert!(matches!(&error, SnapshotError::Transfer(words) if words.contains(".zst")), "{error}");
    ledger.snapshot(&version, CHAIN_ID, &mut folder).unwrap();
    let (new, _) = take(to.path(), &mut folder).unwrap();
    assert_eq!(new.head(), ledger.head());
}
