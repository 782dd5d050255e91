//! Records in a folder: what comes back, what is refused, and every place at which a process may die.

use std::{fs, path::PathBuf, sync::Mutex};

use super::*;
use crate::LocalMaster;

mod copies;
mod masters;
mod stock;

const BOTH: [Suite; 2] = [Suite::Aes256Gcm, Suite::Sm4Gcm];
const NAME: &[u8] = "张三, 13800000000, 浙A12345".as_bytes();

/// A vault in a folder of its own, with its master key in a file beside it.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        LocalMaster::create_file(&home.key()).unwrap();
        home
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("master.key")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("vault").join(name)
    }

    fn open(&self, suite: Suite) -> Vault {
        self.try_open(&Unlock::File(self.key()), suite).unwrap()
    }

    fn try_open(&self, unlock: &Unlock, suite: Suite) -> Result<Vault, VaultError> {
        Vault::open_folder(&self.path(""), unlock, suite)
    }

    /// Every file of the vault.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut folders, mut files) = (vec![self.path("")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), fs::read(path).unwrap()));
                }
            }
        }
        files
    }
}

fn id(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn records_come_back_in_either_suite_and_nothing_is_in_clear() {
    let home = Home::new();
    for (number, suite) in [(1, Suite::Aes256Gcm), (2, Suite::Sm4Gcm), (3, Suite::Aes256Gcm)] {
        let vault = home.open(suite);
        vault.write(id(number), 1, 7, NAME).unwrap();
        vault.write(id(number), 2, 8, b"").unwrap();
    }
    // Suites are mixed, and whoever opens it next reads all of them.
    for suite in BOTH {
        let vault = home.open(suite);
        for (number, made) in [(1, Suite::Aes256Gcm), (2, Suite::Sm4Gcm), (3, Suite::Aes256Gcm)] {
            let first = vault.read_record(id(number), 1).unwrap();
            assert_eq!((first.schema, first.suite, first.data.as_slice()), (7, made, NAME));
            let second = vault.read_record(id(number), 2).unwrap();
            assert_eq!((second.schema, second.data.as_slice()), (8, &b""[..]));
            assert_eq!(vault.versions(id(number)).unwrap(), [1, 2]);
            assert!(!format!("{first:?}").contains("张"));
        }
    }
    let files = home.files();
    assert_eq!(files.len(), 1 + 6 + 6);
    for (path, bytes) in files {
        assert!(!contains(&bytes, NAME), "{}", path.display());
        assert!(!contains(&bytes, "张三".as_bytes()), "{}", path.display());
    }
}

#[test]
fn a_record_is_written_once_and_within_bounds() {
    let home = Home::new();
    let vault = home.open(Suite::Aes256Gcm);
    let written = vault.write(id(1), 1, 0, NAME).unwrap();
    let exists = VaultError::Exists { id: id(1), version: 1 };
    assert_eq!(vault.write(id(1), 1, 0, b"other"), Err(exists));
    assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
    let stored = fs::read(home.path(&record_name(id(1), 1))).unwrap();
    assert_eq!(written.digest, sha256(&stored));
    assert_ne!(vault.write(id(1), 2, 0, NAME).unwrap(), written, "equal records look alike");
    let large = vec![0; RECORD_BYTES_MAX + 1];
    let (given, most) = (large.len(), RECORD_BYTES_MAX);
    assert_eq!(vault.write(id(2), 1, 0, &large), Err(VaultError::TooLarge { given, most }));
    assert_eq!(vault.read_record(id(1), 3), Err(VaultError::NotFound { id: id(1), version: 3 }));
    assert_eq!(vault.erase(id(9)), Err(VaultError::Unknown { id: id(9) }));
}

#[test]
fn another_master_key_opens_nothing() {
    let home = Home::new();
    home.open(Suite::Sm4Gcm).write(id(1), 1, 0, NAME).unwrap();
    let before = home.files();
    let other = home.folder.path().join("other.key");
    LocalMaster::create_file(&other).unwrap();
    let words = Unlock::Passphrase(Zeroizing::new("correct horse".to_owned()));
    for unlock in [Unlock::File(other), words] {
        let refused = home.try_open(&unlock, Suite::Sm4Gcm).err();
        assert_eq!(refused, Some(VaultError::WrongMaster));
    }
    assert_eq!(home.files(), before);
}

#[test]
fn a_passphrase_opens_its_vault_and_no_other_does() {
    let home = Home::new();
    let words = |text: &str| Unlock::Passphrase(Zeroizing::new(text.to_owned()));
    let vault = home.try_open(&words("土楼 one ring"), Suite::Aes256Gcm).unwrap();
    vault.write(id(1), 1, 0, NAME).unwrap();
    drop(vault);
    let again = home.try_open(&words("土楼 one ring"), Suite::Aes256Gcm).unwrap();
    assert_eq!(again.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
    let refused = home.try_open(&words("土楼 one ring "), Suite::Aes256Gcm).err();
    assert_eq!(refused, Some(VaultError::WrongMaster));
}

#[test]
fn a_key_file_is_its_owners_alone() {
    let home = Home::new();
    assert!(matches!(LocalMaster::create_file(&home.key()), Err(VaultError::KeyFile { .. })));
    let reason = |path: &Path| match LocalMaster::read_file(path).err() {
        Some(VaultError::KeyFile { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert!(LocalMaster::read_file(&home.key()).is_ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |mode| fs::set_permissions(home.key(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(home.key()).unwrap().permissions().mode() & 0o777, 0o600);
        for lax in [0o640, 0o604, 0o666] {
            mode(lax);
            assert!(reason(&home.key()).contains("chmod 600"));
        }
        mode(0o600);
    }
    assert!(reason(&home.folder.path().join("none")).contains("o such file"));
    for wrong in ["", "12", &"g".repeat(64), &"0".repeat(66), &"0".repeat(200)] {
        fs::write(home.key(), wrong).unwrap();
        assert!(reason(&home.key()).contains("it is no key"), "{wrong}");
    }
}

#[test]
fn changed_bytes_are_noticed_wherever_they_are() {
    for suite in BOTH {
        let home = Home::new();
        let vault = home.open(suite);
        vault.write(id(1), 1, 5, b"a plate").unwrap();
        for name in [record_name(id(1), 1), key_name(id(1), 1)] {
            let good = fs::read(home.path(&name)).unwrap();
            for place in 0..good.len() {
                let mut bad = good.clone();
                bad[place] ^= 1;
                fs::write(home.path(&name), &bad).unwrap();
                let found = vault.read_record(id(1), 1);
                assert!(
                    matches!(found, Err(VaultError::Damaged { .. })),
                    "{name} {place}: {found:?}"
                );
            }
            for length in 0..good.len() {
                fs::write(home.path(&name), &good[..length]).unwrap();
                let found = vault.read_record(id(1), 1);
                assert!(matches!(found, Err(VaultError::Damaged { .. })), "{name} {length}");
            }
            fs::write(home.path(&name), &good).unwrap();
            assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), b"a plate");
        }
    }
}

#[test]
fn a_record_moved_to_another_place_is_noticed() {
    let home = Home::new();
    let vault = home.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 5, b"unit 301").unwrap();
    vault.write(id(1), 2, 5, b"unit 302").unwrap();
    vault.write(id(2), 1, 5, b"unit 401").unwrap();
    for (from, to) in [((1, 1), (1, 2)), ((1, 1), (2, 1))] {
        for both in [false, true] {
            let copy = |name: fn(B256, u64) -> String| {
                let (from, to) = (name(id(from.0), from.1), name(id(to.0), to.1));
                fs::copy(home.path(&from), home.path(&to)).unwrap();
            };
            copy(record_name);
            if both {
                copy(key_name);
            }
            let found = vault.read_record(id(to.0), to.1);
            assert!(matches!(found, Err(VaultError::Damaged { .. })), "{found:?}");
        }
    }
    fs::remove_file(home.path(&record_name(id(1), 1))).unwrap();
    assert!(matches!(vault.read_record(id(1), 1), Err(VaultError::Damaged { .. })));
}

#[test]
fn what_is_erased_is_gone_and_stays_so() {
    let home = Home::new();
    let vault = home.open(Suite::Sm4Gcm);
    let first = vault.write(id(1), 1, 0, NAME).unwrap().digest;
    let second = vault.write(id(1), 4, 0, b"moved out").unwrap().digest;
    vault.write(id(2), 1, 0, b"a neighbour").unwrap();
    let erasure = vault.erase(id(1)).unwrap();
    assert_eq!(erasure, Erasure { id: id(1), versions: vec![(1, first), (4, second)] });
    let erased = VaultError::Erased { id: id(1) };
    for _ in 0..2 {
        let vault = home.open(Suite::Aes256Gcm);
        assert_eq!(vault.read_record(id(1), 1).unwrap_err(), erased);
        assert_eq!(vault.read_record(id(1), 9).unwrap_err(), erased);
        assert_eq!(vault.write(id(1), 5, 0, NAME).unwrap_err(), erased);
        assert_eq!(vault.erase(id(1)).unwrap(), erasure, "the proof is the same each time");
        assert_eq!(vault.versions(id(1)).unwrap(), [] as [u64; 0]);
        assert_eq!(vault.read_record(id(2), 1).unwrap().data.as_slice(), b"a neighbour");
    }
    // The identity, the neighbour's two objects and the erasure.
    assert_eq!(home.files().len(), 4);
    let changed = Erasure { versions: vec![(1, first), (5, second)], ..erasure.clone() };
    assert_ne!(changed.commitment(), erasure.commitment());
}

#[test]
fn an_erasure_that_was_cut_off_is_completed() {
    /// How far the process came.
    const STEPS: [&str; 5] = ["intent", "first key", "keys", "first record", "records"];
    for (done, step) in STEPS.iter().enumerate() {
        let home = Home::new();
        let vault = home.open(Suite::Aes256Gcm);
        vault.write(id(1), 1, 0, NAME).unwrap();
        vault.write(id(1), 2, 0, NAME).unwrap();
        let begun = vault.begin_erasure(id(1)).unwrap();
        let gone =
            [key_name(id(1), 1), key_name(id(1), 2), record_name(id(1), 1), record_name(id(1), 2)];
        for name in &gone[..done] {
            fs::remove_file(home.path(name)).unwrap();
        }
        // Nothing is readable from the intent on, and a second call is not another erasure.
        let erased = VaultError::Erased { id: id(1) };
        assert_eq!(vault.read_record(id(1), 1).unwrap_err(), erased, "{step}");
        assert_eq!(vault.begin_erasure(id(1)).unwrap(), begun, "{step}");
        drop(vault);
        let vault = home.open(Suite::Aes256Gcm);
        assert_eq!(vault.erase(id(1)).unwrap(), begun, "{step}");
        assert_eq!(home.files().len(), 2, "{step}: the identity and the erasure");
    }
    // Died after the erasure was written down and before the intent was removed.
    let home = Home::new();
    let vault = home.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 0, NAME).unwrap();
    let begun = vault.begin_erasure(id(1)).unwrap();
    vault.destroy(&begun).unwrap();
    vault.objects.put(&erased_name(id(1)), json(&begun), PutMode::Overwrite).unwrap();
    drop(vault);
    assert_eq!(home.open(Suite::Aes256Gcm).erase(id(1)).unwrap(), begun);
    assert_eq!(home.files().len(), 2);
}

#[test]
fn a_write_that_was_cut_off_was_never_made() {
    let home = Home::new();
    let vault = home.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 0, b"first try").unwrap();
    // The record came to the disk, its key did not.
    fs::remove_file(home.path(&key_name(id(1), 1))).unwrap();
    let missing = VaultError::NotFound { id: id(1), version: 1 };
    assert_eq!(vault.read_record(id(1), 1).unwrap_err(), missing);
    assert_eq!(vault.versions(id(1)).unwrap(), [] as [u64; 0]);
    vault.write(id(1), 1, 0, b"second try").unwrap();
    assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), b"second try");
    // An erasure takes remains without a key along.
    vault.write(id(1), 2, 0, NAME).unwrap();
    fs::remove_file(home.path(&key_name(id(1), 2))).unwrap();
    vault.erase(id(1)).unwrap();
    assert_eq!(home.files().len(), 2);
}

/// A key management service that counts, and can be out of reach.
struct Keeper {
    inside: LocalMaster,
    asked: Mutex<(usize, bool)>,
}

impl Keeper {
    fn ask(&self) -> Result<(), VaultError> {
        let mut asked = self.asked.lock().unwrap();
        asked.0 += 1;
        if asked.1 { Ok(()) } else { Err(VaultError::Master("out of reach".into())) }
    }
}

impl MasterKey for Keeper {
    fn id(&self) -> [u8; 8] {
        self.inside.id()
    }
    fn wrap(&self, suite: Suite, key: &[u8], context: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.ask()?;
        self.inside.wrap(suite, key, context)
    }
    fn unwrap(
        &self,
        suite: Suite,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.ask()?;
        self.inside.unwrap(suite, wrapped, context)
    }
}

#[test]
fn a_keeper_is_asked_once_for_each_record_and_may_fail() {
    let home = Home::new();
    let inside = LocalMaster::read_file(&home.key()).unwrap();
    let keeper = Arc::new(Keeper { inside, asked: Mutex::new((0, true)) });
    let vault = home.try_open(&Unlock::Keeper(keeper.clone()), Suite::Sm4Gcm).unwrap();
    vault.write(id(1), 1, 0, NAME).unwrap();
    vault.read_record(id(1), 1).unwrap();
    assert_eq!(*keeper.asked.lock().unwrap(), (2, true));
    keeper.asked.lock().unwrap().1 = false;
    let unreachable = VaultError::Master("out of reach".into());
    assert_eq!(vault.read_record(id(1), 1).unwrap_err(), unreachable);
    assert_eq!(vault.write(id(1), 2, 0, NAME).unwrap_err(), unreachable);
    assert_eq!(vault.versions(id(1)).unwrap(), [1]);
    // Erasing needs nobody's leave.
    vault.erase(id(1)).unwrap();
}

#[test]
fn a_vault_that_is_not_understood_is_left_alone() {
    let home = Home::new();
    drop(home.open(Suite::Aes256Gcm));
    let unlock = Unlock::File(home.key());
    let good = fs::read_to_string(home.path(IDENTITY)).unwrap();
    for bad in [
        String::new(),
        "{}".to_owned(),
        good.replace("\"format\":1", "\"format\":2"),
        good.replace("\"salt\":\"", "\"salt\":\"00"),
    ] {
        fs::write(home.path(IDENTITY), &bad).unwrap();
        let refused = home.try_open(&unlock, Suite::Aes256Gcm).err();
        assert!(matches!(refused, Some(VaultError::Damaged { .. })), "{bad}: {refused:?}");
        assert_eq!(fs::read_to_string(home.path(IDENTITY)).unwrap(), bad);
    }
    let blocked = home.folder.path().join("master.key").join("vault");
    let refused = Vault::open_folder(&blocked, &unlock, Suite::Aes256Gcm).err();
    assert!(matches!(refused, Some(VaultError::Place { .. })), "{refused:?}");
}
