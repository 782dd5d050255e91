//! Copies at members who may keep, and at members who may read.

use tulou_testing::BucketServer;

use super::*;

/// Every erasure has its entry.
fn proven(_: &Erasure) -> Result<bool, VaultError> {
    Ok(true)
}

fn keyless(home: &Home) -> Vault {
    home.try_open(&Unlock::Blind, Suite::Aes256Gcm).unwrap()
}

fn holds_keys(home: &Home) -> bool {
    home.files().iter().any(|(path, _)| path.starts_with(home.path("keys")))
}

#[test]
fn who_may_keep_gets_records_without_keys_and_gives_them_back() {
    let (ours, theirs) = (Home::new(), Home::new());
    let vault = ours.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 7, NAME).unwrap();
    vault.write(id(1), 2, 7, b"moved").unwrap();
    ours.open(Suite::Sm4Gcm).write(id(2), 1, 7, NAME).unwrap();
    let copy = keyless(&theirs);
    let done = vault.sync_to(&copy, proven).unwrap();
    assert_eq!(done, Synced { copied: 3, ..Synced::default() });
    assert_eq!(vault.sync_to(&copy, proven).unwrap(), Synced { same: 3, ..Synced::default() });
    assert!(!holds_keys(&theirs));
    assert_eq!(copy.records().unwrap(), [(id(1), 1), (id(1), 2), (id(2), 1)]);
    assert_eq!(copy.read_record(id(1), 1).unwrap_err(), VaultError::Blind);
    // Not with our key either: it is not the vault's.
    let refused = theirs.try_open(&Unlock::File(ours.key()), Suite::Aes256Gcm).err();
    assert_eq!(refused, Some(VaultError::WrongMaster));
    // Our disk loses a record and damages another one.
    fs::remove_file(ours.path(&record_name(id(1), 1))).unwrap();
    fs::write(ours.path(&record_name(id(2), 1)), b"TVR1 not what it was").unwrap();
    let done = copy.sync_to(&vault, proven).unwrap();
    assert_eq!(done, Synced { copied: 1, mended: 1, same: 1, ..Synced::default() });
    assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
    assert_eq!(vault.read_record(id(2), 1).unwrap().data.as_slice(), NAME);
}

#[test]
fn who_may_read_gets_keys_wrapped_by_their_own_master_key() {
    let (ours, theirs) = (Home::new(), Home::new());
    let vault = ours.open(Suite::Sm4Gcm);
    vault.write(id(1), 1, 7, NAME).unwrap();
    let other = theirs.open(Suite::Aes256Gcm);
    other.write(id(9), 1, 7, b"their own").unwrap();
    let done = vault.sync_to(&other, proven).unwrap();
    assert_eq!(done, Synced { copied: 1, keys: 1, ..Synced::default() });
    let other = theirs.open(Suite::Aes256Gcm);
    let record = other.read_record(id(1), 1).unwrap();
    assert_eq!((record.schema, record.suite, record.data.as_slice()), (7, Suite::Sm4Gcm, NAME));
    assert_eq!(vault.sync_to(&other, proven).unwrap(), Synced { same: 1, ..Synced::default() });
    // Their own records stay theirs: without their keys nobody here could read them.
    let blind = theirs.try_open(&Unlock::Blind, Suite::Aes256Gcm).unwrap();
    let done = blind.sync_to(&vault, proven).unwrap();
    assert_eq!(done, Synced { same: 1, unreadable: 1, ..Synced::default() });
    assert_eq!(vault.versions(id(9)).unwrap(), [] as [u64; 0]);
    // And a vault with keys is not filled by who does not open it.
    assert_eq!(vault.sync_to(&blind, proven), Err(VaultError::Blind));
}

#[test]
fn a_master_key_that_only_wraps_is_enough_to_be_given_a_record() {
    struct Door(LocalMaster);
    impl MasterKey for Door {
        fn id(&self) -> [u8; 8] {
            self.0.id()
        }
        fn wrap(&self, suite: Suite, key: &[u8], context: &[u8]) -> Result<Vec<u8>, VaultError> {
            self.0.wrap(suite, key, context)
        }
        fn unwrap(
            &self,
            _: Suite,
            _: &[u8],
            _: &[u8],
        ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
            Err(VaultError::Master("only its owner unwraps".into()))
        }
    }
    let (ours, theirs) = (Home::new(), Home::new());
    let vault = ours.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 7, NAME).unwrap();
    let door = Door(LocalMaster::read_file(&theirs.key()).unwrap());
    let other = theirs.try_open(&Unlock::Keeper(Arc::new(door)), Suite::Aes256Gcm).unwrap();
    assert_eq!(vault.sync_to(&other, proven).unwrap().keys, 1);
    let read = theirs.open(Suite::Aes256Gcm).read_record(id(1), 1).unwrap();
    assert_eq!(read.data.as_slice(), NAME);
}

#[test]
fn what_was_erased_while_the_other_was_away_is_erased_there_and_never_comes_back() {
    for may_read in [false, true] {
        let (ours, theirs) = (Home::new(), Home::new());
        let vault = ours.open(Suite::Aes256Gcm);
        let open = || if may_read { theirs.open(Suite::Aes256Gcm) } else { keyless(&theirs) };
        vault.write(id(1), 1, 0, NAME).unwrap();
        vault.write(id(2), 1, 0, b"a neighbour").unwrap();
        vault.sync_to(&open(), proven).unwrap();
        // The other is away: it is erased here, and one it never had, too.
        vault.write(id(3), 1, 0, NAME).unwrap();
        let erasures = [vault.erase(id(1)).unwrap(), vault.erase(id(3)).unwrap()];
        let old = theirs.files();
        let copy = open();
        let done = vault.sync_to(&copy, proven).unwrap();
        assert_eq!((done.erased, done.same), (vec![id(1), id(3)], 1));
        assert_eq!(copy.erasures().unwrap(), erasures);
        assert_eq!(copy.records().unwrap(), [(id(2), 1)]);
        assert!(!theirs.path(&record_name(id(1), 1)).exists());
        // A third one that was away longer still has it: it goes neither way.
        let third = Home::new();
        for (path, bytes) in old {
            let to = third.path("").join(path.strip_prefix(theirs.path("")).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
        fs::copy(theirs.key(), third.key()).unwrap();
        let late = if may_read { third.open(Suite::Aes256Gcm) } else { keyless(&third) };
        let done = late.sync_to(&copy, proven).unwrap();
        assert_eq!(done, Synced { erased_there: vec![id(1)], same: 1, ..Synced::default() });
        let done = late.sync_to(&vault, proven).unwrap();
        assert_eq!(done.erased_there, [id(1)]);
        assert_eq!(vault.records().unwrap(), [(id(2), 1)]);
        // Until the erasure is carried there.
        assert_eq!(copy.sync_to(&late, proven).unwrap().erased, [id(1), id(3)]);
        assert_eq!(late.records().unwrap(), [(id(2), 1)]);
    }
}

#[test]
fn an_erasure_without_an_entry_erases_nothing_elsewhere() {
    let (ours, theirs) = (Home::new(), Home::new());
    let vault = ours.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 0, NAME).unwrap();
    vault.write(id(2), 1, 0, NAME).unwrap();
    let copy = keyless(&theirs);
    vault.sync_to(&copy, proven).unwrap();
    // Whoever has the copy's disk writes erasures of their own.
    let forged = Erasure { id: id(1), versions: vec![(1, B256::ZERO)] };
    copy.objects.put(&erased_name(id(1)), json(&forged), PutMode::Create).unwrap();
    let done = copy.sync_to(&vault, |_| Ok(false)).unwrap();
    assert_eq!((done.unproven, done.same), (vec![id(1)], 1));
    assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
    // One that lies under another's name is not an erasure at all.
    copy.objects.put(&erased_name(id(2)), json(&forged), PutMode::Create).unwrap();
    let damaged = copy.sync_to(&vault, proven);
    assert!(matches!(damaged, Err(VaultError::Damaged { .. })), "{damaged:?}");
    // Where the entries cannot be looked up, nothing was done.
    fs::remove_file(theirs.path(&erased_name(id(2)))).unwrap();
    let unreachable = VaultError::Master("no node answers".into());
    let stopped = copy.sync_to(&vault, |_| Err(unreachable.clone()));
    assert_eq!(stopped, Err(unreachable.clone()));
    assert_eq!(vault.records().unwrap().len(), 2);
}

#[test]
fn a_copy_that_lies_or_was_torn_is_mended_and_never_believed() {
    for may_read in [false, true] {
        let (ours, theirs) = (Home::new(), Home::new());
        let vault = ours.open(Suite::Aes256Gcm);
        let digest = vault.write(id(1), 1, 0, NAME).unwrap().digest;
        let copy = if may_read { theirs.open(Suite::Aes256Gcm) } else { keyless(&theirs) };
        vault.sync_to(&copy, proven).unwrap();
        let at = theirs.path(&record_name(id(1), 1));
        let good = fs::read(&at).unwrap();
        let mut lie = good.clone();
        *lie.last_mut().unwrap() ^= 1;
        for bad in [lie.clone(), good[..good.len() / 2].to_vec(), Vec::new()] {
            // Towards ours: refused, and ours stays.
            fs::write(&at, &bad).unwrap();
            let done = copy.sync_to(&vault, proven).unwrap();
            assert_eq!(done.refused.len(), 1, "{done:?}");
            assert_eq!((done.copied, done.mended), (0, 0));
            assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
            // Where ours is lost, it still does not stand in for it.
            let own = ours.path(&record_name(id(1), 1));
            fs::remove_file(&own).unwrap();
            assert_eq!(copy.sync_to(&vault, proven).unwrap().refused.len(), 1);
            assert!(!own.exists());
            fs::write(&own, &good).unwrap();
            // From ours: mended.
            let done = vault.sync_to(&copy, proven).unwrap();
            assert_eq!((done.mended, done.refused.len()), (1, 0), "{done:?}");
            assert_eq!(sha256(&fs::read(&at).unwrap()), digest);
        }
        if may_read {
            // A torn key is wrapped anew.
            let key = theirs.path(&key_name(id(1), 1));
            let whole = fs::read(&key).unwrap();
            fs::write(&key, &whole[..whole.len() - 1]).unwrap();
            let done = vault.sync_to(&copy, proven).unwrap();
            assert_eq!((done.mended, done.keys), (1, 1));
            assert_eq!(copy.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
        }
    }
}

#[test]
fn two_keyless_copies_that_differ_are_both_left_alone() {
    let (ours, one, two) = (Home::new(), Home::new(), Home::new());
    let vault = ours.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 0, NAME).unwrap();
    let (first, second) = (keyless(&one), keyless(&two));
    vault.sync_to(&first, proven).unwrap();
    assert_eq!(first.sync_to(&second, proven).unwrap().copied, 1);
    let at = two.path(&record_name(id(1), 1));
    let mut lie = fs::read(&at).unwrap();
    lie[30] ^= 1;
    fs::write(&at, &lie).unwrap();
    let done = first.sync_to(&second, proven).unwrap();
    assert_eq!(done.refused[0].reason, "the copy there is another one");
    assert_eq!(fs::read(&at).unwrap(), lie);
    // Who has the key decides it.
    assert_eq!(vault.sync_to(&second, proven).unwrap().mended, 1);
}

#[test]
fn a_copy_that_was_cut_off_goes_on() {
    let (ours, theirs) = (Home::new(), Home::new());
    let vault = ours.open(Suite::Aes256Gcm);
    for number in 1..=3 {
        vault.write(id(number), 1, 0, NAME).unwrap();
    }
    let other = theirs.open(Suite::Aes256Gcm);
    vault.sync_to(&other, proven).unwrap();
    // The first is whole, of the second there is no key yet, of the third nothing.
    fs::remove_file(theirs.path(&key_name(id(2), 1))).unwrap();
    fs::remove_file(theirs.path(&key_name(id(3), 1))).unwrap();
    fs::remove_file(theirs.path(&record_name(id(3), 1))).unwrap();
    let done = vault.sync_to(&other, proven).unwrap();
    assert_eq!((done.copied, done.same, done.keys), (1, 2, 2));
    for number in 1..=3 {
        assert_eq!(other.read_record(id(number), 1).unwrap().data.as_slice(), NAME);
    }
}

#[test]
fn a_bucket_is_a_vault_as_a_folder_is() {
    let server = BucketServer::start();
    let (ours, there) = (Home::new(), server.place("vault"));
    let unlock = Unlock::File(ours.key());
    assert_eq!(Vault::is_in(&there), Ok(false));
    let vault = Vault::open(&there, &unlock, Suite::Aes256Gcm).unwrap();
    assert_eq!(Vault::is_in(&there), Ok(true));
    vault.write(id(1), 1, 7, NAME).unwrap();
    vault.write(id(2), 1, 7, NAME).unwrap();
    vault.write(id(2), 2, 7, b"moved").unwrap();
    let exists = VaultError::Exists { id: id(1), version: 1 };
    assert_eq!(vault.write(id(1), 1, 7, b"again"), Err(exists));
    // A copy in another bucket, erasures between the two, another master key.
    let copied = server.place("copy");
    let copy = Vault::open(&copied, &Unlock::Blind, Suite::Aes256Gcm).unwrap();
    assert_eq!(vault.sync_to(&copy, proven).unwrap().copied, 3);
    let erasure = vault.erase(id(2)).unwrap();
    assert_eq!(vault.sync_to(&copy, proven).unwrap().erased, [id(2)]);
    let copy = Vault::look_at(&copied).unwrap();
    assert_eq!(
        (copy.records().unwrap(), copy.erasures().unwrap()),
        (vec![(id(1), 1)], vec![erasure])
    );
    let new = Unlock::Passphrase(Zeroizing::new("a new passphrase".to_owned()));
    assert_eq!(Vault::rewrap(&there, &unlock, &new).unwrap().keys, 1);
    let vault = Vault::open(&there, &new, Suite::Aes256Gcm).unwrap();
    assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
    assert_eq!(vault.read_record(id(2), 1).unwrap_err(), VaultError::Erased { id: id(2) });
}
