//! What a vault says of itself to who watches over it.

use super::*;

#[test]
fn what_is_held_is_counted_as_it_lies_there() {
    let home = Home::new();
    let vault = home.open(Suite::Aes256Gcm);
    for (byte, version) in [(1, 1), (1, 2), (2, 1), (3, 1)] {
        vault.write(id(byte), version, 0, NAME).unwrap();
    }
    vault.erase(id(3)).unwrap();
    let stock = vault.stock().unwrap();
    assert_eq!((stock.records, stock.versions, stock.erased), (2, 3, 1));
    let on_disk: usize = home.files().iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(stock.bytes, on_disk as u64);
}

#[test]
fn a_copy_says_by_how_much_it_is_behind() {
    let (home, copy) = (Home::new(), Home::new());
    let vault = home.open(Suite::Aes256Gcm);
    let other = copy.try_open(&Unlock::Blind, Suite::Aes256Gcm).unwrap();
    for byte in 1..=3 {
        vault.write(id(byte), 1, 0, NAME).unwrap();
    }
    assert_eq!(other.behind(&vault).unwrap(), Behind { erasures: 0, versions: 3 });
    vault.sync_to(&other, |_| Ok(true)).unwrap();
    assert_eq!(other.behind(&vault).unwrap(), Behind::default());
    vault.erase(id(2)).unwrap();
    vault.write(id(3), 2, 0, NAME).unwrap();
    assert_eq!(other.behind(&vault).unwrap(), Behind { erasures: 1, versions: 1 });
    assert_eq!(vault.behind(&other).unwrap(), Behind::default(), "erased here is not missing here");
    vault.sync_to(&other, |_| Ok(true)).unwrap();
    assert_eq!(other.behind(&vault).unwrap(), Behind::default());
}

#[test]
fn a_look_with_the_master_key_reads_and_writes_nothing() {
    let home = Home::new();
    let place = Place::folder(&home.path(""));
    let by_file = Unlock::File(home.key());
    assert!(matches!(Vault::look_with(&place, &by_file), Err(VaultError::Place { .. })));
    assert!(!home.path("vault.json").exists(), "nothing was made");
    home.open(Suite::Sm4Gcm).write(id(1), 1, 7, NAME).unwrap();
    let before = home.files();
    let record = Vault::look_with(&place, &by_file).unwrap().read_record(id(1), 1).unwrap();
    assert_eq!((record.schema, record.data.as_slice()), (7, NAME));
    assert_eq!(home.files(), before);
    let other = Unlock::Passphrase("another".to_owned().into());
    assert!(matches!(Vault::look_with(&place, &other), Err(VaultError::WrongMaster)));
    let missing = Unlock::File(home.path("nowhere.key"));
    assert!(matches!(Vault::look_with(&place, &missing), Err(VaultError::KeyFile { .. })));
    let blind = Vault::look_with(&place, &Unlock::Blind).unwrap();
    assert!(matches!(blind.read_record(id(1), 1), Err(VaultError::Blind)));
}
