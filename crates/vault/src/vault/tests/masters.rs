//! Other master keys: a command, none at all, and one that follows another.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::Command;

fn words(text: &str) -> Unlock {
    Unlock::Passphrase(Zeroizing::new(text.to_owned()))
}

/// A key service as a script: AES by openssl under a key in a file, and what it says in a log.
fn service(home: &Home, body: &str) -> String {
    let path = home.folder.path().join("service.sh");
    fs::write(&path, body).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

/// Wraps by an XOR of a fixed key and authenticates with HMAC over context and result: small enough for a
/// test, and it refuses what was changed or moved as a service does.
const SERVICE: &str = r#"#!/bin/sh
read -r input
mac() { printf '%s%s%s' "$TULOU_SUITE" "$TULOU_CONTEXT" "$1" | openssl dgst -sha256 -hmac secret -r | cut -c1-64; }
case "$TULOU_VAULT" in
  id) echo "the service of the street office" ;;
  wrap) printf '%s%s' "$input" "$(mac "$input")" ;;
  unwrap)
    length=$((${#input} - 64))
    body=$(printf '%s' "$input" | cut -c1-$length)
    [ "$input" = "$body$(mac "$body")" ] && printf '%s' "$body"
    exit 0 ;;
esac
"#;

#[test]
fn a_command_keeps_the_master_key() {
    for suite in BOTH {
        let home = Home::new();
        let command = service(&home, SERVICE);
        let unlock = || Unlock::Keeper(Arc::new(Command::new(&command).unwrap()));
        let vault = home.try_open(&unlock(), suite).unwrap();
        vault.write(id(1), 1, 7, NAME).unwrap();
        assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
        let vault = home.try_open(&unlock(), suite).unwrap();
        assert_eq!(vault.read_record(id(1), 1).unwrap().data.as_slice(), NAME);
        // A key that was moved is none of its own.
        vault.write(id(2), 1, 7, NAME).unwrap();
        fs::copy(home.path(&key_name(id(1), 1)), home.path(&key_name(id(2), 1))).unwrap();
        let moved = vault.read_record(id(2), 1);
        assert!(matches!(moved, Err(VaultError::Damaged { .. })), "{moved:?}");
        let other = home.try_open(&Unlock::File(home.key()), suite).err();
        assert_eq!(other, Some(VaultError::WrongMaster));
    }
}

#[test]
fn a_command_that_fails_is_not_believed() {
    let home = Home::new();
    let failed = |body: &str| {
        let command = service(&home, body);
        match Command::new(&command) {
            Err(VaultError::Master(reason)) => reason,
            Err(other) => panic!("{other}"),
            Ok(keeper) => match keeper.wrap(Suite::Aes256Gcm, &[1; 32], b"context") {
                Err(VaultError::Master(reason)) => reason,
                other => panic!("{other:?}"),
            },
        }
    };
    assert!(failed("#!/bin/sh\nexit 3\n").contains("exit status: 3"));
    assert!(failed("#!/bin/sh\ntrue\n").contains("does not say who it is"));
    assert!(failed("#!/bin/sh\necho no\n").contains("something else than hexadecimal"));
    let silent = "#!/bin/sh\n[ $TULOU_VAULT = id ] && echo me; exit 0\n";
    assert!(failed(silent).contains("wrapped nothing"));
}

#[test]
fn without_the_key_it_is_listed_and_erased_and_nothing_else() {
    let home = Home::new();
    home.open(Suite::Aes256Gcm).write(id(1), 1, 0, NAME).unwrap();
    let vault = home.try_open(&Unlock::Blind, Suite::Aes256Gcm).unwrap();
    assert!(!vault.is_keyless());
    assert_eq!(vault.records().unwrap(), [(id(1), 1)]);
    assert_eq!(vault.read_record(id(1), 1).unwrap_err(), VaultError::Blind);
    assert_eq!(vault.write(id(2), 1, 0, NAME).unwrap_err(), VaultError::Blind);
    let erasure = vault.erase(id(1)).unwrap();
    assert_eq!(home.open(Suite::Aes256Gcm).erasures().unwrap(), [erasure]);
}

#[test]
fn a_new_master_key_opens_all_and_the_old_one_nothing() {
    let home = Home::new();
    let (old, new) = (Unlock::File(home.key()), words("a new passphrase"));
    for (number, suite) in [(1, Suite::Aes256Gcm), (2, Suite::Sm4Gcm)] {
        home.open(suite).write(id(number), 1, 7, NAME).unwrap();
    }
    home.open(Suite::Aes256Gcm).write(id(3), 1, 0, b"to be erased").unwrap();
    let erasure = home.open(Suite::Aes256Gcm).erase(id(3)).unwrap();
    let records = |home: &Home| {
        let is_record = |path: &Path| path.starts_with(home.path("records"));
        home.files().into_iter().filter(|(path, _)| is_record(path)).collect::<Vec<_>>()
    };
    let before = records(&home);
    let place = Place::folder(&home.path(""));
    let wrong = Vault::rewrap(&place, &words("another"), &new);
    assert_eq!(wrong, Err(VaultError::WrongMaster));
    let done = Vault::rewrap(&place, &old, &new).unwrap();
    assert_eq!(done, Rewrapped { keys: 2, damaged: vec![] });
    assert_eq!(records(&home), before, "records stay as they are");
    assert_eq!(home.try_open(&old, Suite::Aes256Gcm).err(), Some(VaultError::WrongMaster));
    let vault = home.try_open(&new, Suite::Aes256Gcm).unwrap();
    for number in [1, 2] {
        assert_eq!(vault.read_record(id(number), 1).unwrap().data.as_slice(), NAME);
    }
    assert_eq!(vault.erasures().unwrap(), [erasure]);
    assert_eq!(Vault::rewrap(&place, &old, &new), Err(VaultError::WrongMaster));
    let missing = Place::folder(&home.folder.path().join("none"));
    assert!(matches!(Vault::rewrap(&missing, &old, &new), Err(VaultError::Place { .. })));
}

#[test]
fn a_change_of_the_master_key_that_was_cut_off_is_completed() {
    for rewrapped in 0..=3 {
        let home = Home::new();
        let other = home.folder.path().join("other.key");
        LocalMaster::create_file(&other).unwrap();
        let (old, new) = (Unlock::File(home.key()), Unlock::File(other.clone()));
        let place = Place::folder(&home.path(""));
        let vault = home.open(Suite::Aes256Gcm);
        for number in 1..=3 {
            vault.write(id(number), 1, 0, NAME).unwrap();
        }
        // It died after so many keys: the identity says what was begun.
        let next = LocalMaster::read_file(&other).unwrap();
        let found = identity(&vault.objects).unwrap().unwrap();
        let begun = Next { salt: found.salt.clone(), master: hex::encode(next.id()) };
        let begun = Identity { next: Some(begun), ..found };
        vault.objects.put(IDENTITY, json(&begun), PutMode::Overwrite).unwrap();
        for number in 1..=rewrapped {
            vault.rewrap_one(&next, id(number), 1).unwrap();
        }
        drop(vault);
        for unlock in [&old, &new] {
            let refused = home.try_open(unlock, Suite::Aes256Gcm).err();
            assert_eq!(refused, Some(VaultError::Rewrapping));
        }
        let third = words("a third one");
        assert_eq!(Vault::rewrap(&place, &old, &third), Err(VaultError::WrongMaster));
        let done = Vault::rewrap(&place, &old, &new).unwrap();
        assert_eq!(done, Rewrapped { keys: 3, damaged: vec![] });
        let vault = home.try_open(&new, Suite::Aes256Gcm).unwrap();
        for number in 1..=3 {
            assert_eq!(vault.read_record(id(number), 1).unwrap().data.as_slice(), NAME);
        }
    }
}

#[test]
fn a_key_that_was_damaged_before_is_named_and_stops_nothing() {
    let home = Home::new();
    let vault = home.open(Suite::Aes256Gcm);
    vault.write(id(1), 1, 0, NAME).unwrap();
    vault.write(id(2), 1, 0, NAME).unwrap();
    let name = home.path(&key_name(id(1), 1));
    let mut bytes = fs::read(&name).unwrap();
    bytes[20] ^= 1;
    fs::write(&name, bytes).unwrap();
    let (old, new) = (Unlock::File(home.key()), words("a new passphrase"));
    let done = Vault::rewrap(&Place::folder(&home.path("")), &old, &new).unwrap();
    assert_eq!(done, Rewrapped { keys: 1, damaged: vec![(id(1), 1)] });
    let vault = home.try_open(&new, Suite::Aes256Gcm).unwrap();
    assert_eq!(vault.read_record(id(2), 1).unwrap().data.as_slice(), NAME);
}
