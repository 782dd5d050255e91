use std::os::unix::fs::PermissionsExt;

use crate::{Clock, NodeFolder};

#[test]
fn a_secret_is_made_once_and_read_by_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = NodeFolder::open(dir.path()).unwrap();
    let first = folder.secret("validator").unwrap();
    assert_eq!(folder.secret("validator").unwrap(), first);
    assert_ne!(folder.secret("keeper").unwrap(), first);
    let mode = std::fs::metadata(dir.path().join("validator.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(dir.path().join("validator.key"), "not a key").unwrap();
    let error = folder.secret("validator").unwrap_err().to_string();
    assert!(error.contains("validator.key") && error.contains("64"), "{error}");
}

#[test]
fn a_clock_set_forward_never_goes_back() {
    let real = Clock::starting_after(0).now();
    let ahead = Clock::starting_after(real + 1_000);
    assert!(ahead.now() >= real + 1_000);
    assert!(ahead.advance(50) >= real + 1_050);
    ahead.stand_at(real + 5_000);
    assert_eq!(ahead.now(), real + 5_000);
    ahead.run_from(real + 6_000);
    assert!((real + 6_000..real + 6_060).contains(&ahead.now()));
}

#[test]
fn a_folder_that_lost_its_genesis_is_damaged_and_not_new() {
    let dir = tempfile::tempdir().unwrap();
    let folder = NodeFolder::open(dir.path()).unwrap();
    assert!(folder.is_new().unwrap());
    for data in [folder.ledger(), folder.engine()] {
        std::fs::create_dir(&data).unwrap();
        let error = folder.is_new().unwrap_err().to_string();
        assert!(error.contains("genesis.json") && error.contains("missing"), "{error}");
        std::fs::remove_dir(&data).unwrap();
    }
    assert!(folder.is_new().unwrap());
}

#[test]
fn a_wrong_clock_is_wrong_by_what_the_drill_says() {
    let right = Clock::system(0);
    let wrong = Clock::system(-30_000);
    let lag = right.now_ms() - wrong.now_ms();
    assert!((29_000..=30_000).contains(&lag), "{lag}");
}
