use std::{
    ops::ControlFlow,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tulou_ledger::{ArchivedBlock, Ledger, LedgerConfig, LedgerError, LogQuery};

use crate::{
    chain::{EPOCH, certify, extend, genesis},
    damage::verify,
};

/// Few versions, so that few blocks have to stay.
fn open_small(dir: &Path) -> Ledger {
    let (block, changes) = genesis();
    let config =
        LedgerConfig { retained_versions: 8, memtable_bytes: 64 << 10, ..Default::default() };
    Ledger::open(dir, &block, changes, config).unwrap()
}

fn prune(ledger: &Ledger, below: u64) -> tulou_ledger::PruneReport {
    ledger.prune(below, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn archived(ledger: &Ledger, height: u64) -> ArchivedBlock {
    ArchivedBlock {
        block: ledger.block(height).unwrap().unwrap(),
        receipts: ledger.receipts(height).unwrap().unwrap(),
        certificate: ledger.finality(height).unwrap(),
    }
}

#[test]
fn old_blocks_go_and_what_proves_the_sets_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_small(dir.path());
    certify(&ledger, 300);
    let old = archived(&ledger, 100);
    let ends: Vec<_> = (0..15).map(|epoch| ledger.epoch_end(epoch).unwrap()).collect();
    let report = prune(&ledger, 200);
    assert_eq!((report.blocks, report.first_kept), (199, 200));
    assert_eq!(prune(&ledger, 200).blocks, 0, "nothing is left to do");
    drop(ledger);

    let ledger = open_small(dir.path());
    assert_eq!((ledger.first_kept(), ledger.head().height), (200, 300));
    for height in [1, 40, 100, 199] {
        for error in [
            ledger.block(height).err(),
            ledger.header(height).err(),
            ledger.receipts(height).err(),
            ledger.finality(height).err(),
        ] {
            let error = error.expect("it is not kept");
            let pruned =
                matches!(error, LedgerError::Pruned { height: h, first_kept: 200 } if h == height);
            assert!(pruned, "{error}");
        }
    }
    assert!(ledger.block(0).unwrap().is_some() && ledger.header(0).unwrap().is_some());
    assert!(ledger.block(200).unwrap().is_some() && ledger.receipts(200).unwrap().is_some());
    assert_eq!(ledger.transaction(old.block.transactions()[0].hash()).unwrap(), None);
    assert!(matches!(
        ledger.block_by_hash(old.block.hash()),
        Ok(None) | Err(LedgerError::Pruned { .. })
    ));
    let query = LogQuery { from: 150, to: 250, ..Default::default() };
    assert!(matches!(ledger.logs(&query, 1_000), Err(LedgerError::Pruned { .. })));
    assert_eq!(ledger.logs(&LogQuery { from: 200, ..query }, 1_000).unwrap().len(), 51);
    let now: Vec<_> = (0..15).map(|epoch| ledger.epoch_end(epoch).unwrap()).collect();
    assert_eq!(now, ends);
    assert_eq!(ends.iter().flatten().count() as u64, 300 / EPOCH);
    let report = verify(&ledger);
    assert!(report.is_sound() && report.from == 200 && report.blocks == 101, "{report:?}");
    assert!(ledger.damage().is_none());
    extend(&ledger, 3);
}

#[test]
fn what_the_retained_versions_need_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_small(dir.path());
    certify(&ledger, 30);
    assert_eq!(prune(&ledger, u64::MAX).first_kept, 22);
    let tip = ledger.latest();
    for height in 0..=30 {
        let hash = tulou_primitives::StateReader::block_hash(&tip, height).unwrap();
        assert_ne!(hash, alloy_primitives::B256::ZERO, "{height}");
    }
    drop((tip, ledger));
    let ledger = open_small(dir.path());
    (23..=30).for_each(|height| assert!(ledger.version_at(height).is_some()));
    extend(&ledger, 20);
    assert!(verify(&ledger).is_sound());
}

#[test]
fn pruned_blocks_can_be_put_back_by_anybody_but_only_the_true_ones() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_small(dir.path());
    certify(&ledger, 300);
    let all: Vec<_> = (0..300).map(|height| archived(&ledger, height)).collect();
    let before = ledger.epoch_end(3).unwrap();
    prune(&ledger, 250);

    let refused = ledger.put_back(&all[100..249]);
    assert!(matches!(refused, Err(LedgerError::NotNext { .. })), "a gap");
    let mut forged = all[240..250].to_vec();
    forged[4].receipts.pop();
    assert!(matches!(ledger.put_back(&forged), Err(LedgerError::Damaged { .. })));
    let mut swapped = all[240..250].to_vec();
    swapped.swap(0, 1);
    assert!(matches!(ledger.put_back(&swapped), Err(LedgerError::NotNext { .. })));
    assert_eq!(ledger.first_kept(), 250);
    assert!(ledger.damage().is_none(), "what others hand over damages nothing");

    assert_eq!(ledger.put_back(&all[100..250]).unwrap(), 100);
    assert_eq!(ledger.put_back(&all[1..100]).unwrap(), 0);
    for (height, old) in (0..).zip(&all) {
        let found = archived(&ledger, height);
        assert_eq!(found.block.encode(), old.block.encode());
        assert_eq!(
            (found.receipts, found.certificate),
            (old.receipts.clone(), old.certificate.clone())
        );
    }
    assert_eq!(ledger.epoch_end(3).unwrap(), before);
    let report = verify(&ledger);
    assert!(report.is_sound() && report.blocks == 301, "{report:?}");
}

/// Set for the process that is to be killed while it prunes.
const PRUNER: &str = "TULOU_LEDGER_PRUNER";

/// Not a test of its own: the process that [`killed_while_pruning`] starts and kills.
#[test]
fn pruner() {
    let Some(dir) = std::env::var_os(PRUNER) else { return };
    let ledger = open_small(Path::new(&dir));
    let below = (ledger.first_kept() + 200).min(800);
    ledger
        .prune(below, &mut |_| {
            std::thread::sleep(Duration::from_millis(5));
            ControlFlow::Continue(())
        })
        .unwrap();
    println!("done");
}

#[test]
fn killed_while_pruning() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open_small(dir.path());
    certify(&ledger, 900);
    let root = ledger.latest().root();
    drop(ledger);
    let mut rng = StdRng::from_os_rng();
    let mut kept = 0;
    for _ in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "prune::pruner", "--nocapture", "--test-threads=1"])
            .env(PRUNER, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(rng.random_range(20..400)));
        child.kill().unwrap();
        child.wait().unwrap();
        let ledger = open_small(dir.path());
        assert!(ledger.first_kept() >= kept);
        kept = ledger.first_kept();
        assert_eq!((ledger.head().height, ledger.latest().root()), (900, root));
        let report = verify(&ledger);
        assert!(report.is_sound() && report.from == kept, "{report:?}");
        assert_eq!(ledger.block(kept).unwrap().unwrap().height(), kept);
        assert!(kept == 0 || ledger.block(kept.saturating_sub(1).max(1)).is_err());
    }
    let ledger = open_small(dir.path());
    assert_eq!(prune(&ledger, 800).first_kept, 800);
    assert!(verify(&ledger).is_sound());
}
