use std::os::unix::fs::PermissionsExt;

use tulou_vault::{LocalMaster, Suite, Vault};

use crate::{Clock, NodeFolder, SETTINGS, Settings, VaultFault, unlock_vault};

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

#[test]
fn a_vault_is_opened_in_one_way_or_kept_without_keys() {
    let dir = tempfile::tempdir().unwrap();
    let read = |vault: &str| {
        let text = format!(
            "[node]\nrpc = \"127.0.0.1:0\"\n[node.vault]\nat = {{ url = \"vault\" }}\n{vault}\n\
             [[ledger]]\nname = \"one\"\ndir = \"ledgers/one\"\nlisten = \"127.0.0.1:0\"\n"
        );
        std::fs::write(dir.path().join(SETTINGS), text).unwrap();
        Settings::read(dir.path()).map(|settings| settings.node.vault.unwrap())
    };
    LocalMaster::create_file(&dir.path().join("vault.key")).unwrap();
    let id = tulou_vault::random_id().unwrap();
    let open = |vault: &str, passphrase: Option<&str>| {
        let settings = read(vault).unwrap();
        let unlock = unlock_vault(dir.path(), &settings, passphrase.map(str::to_owned))?;
        Ok::<_, VaultFault>(Vault::open(&settings.at.below(dir.path()), &unlock, settings.suite)?)
    };
    let by_file = "suite = \"sm4-gcm\"\nmaster_key = \"vault.key\"";
    open(by_file, None).unwrap().write(id, 1, 0, b"a name").unwrap();
    let record = open(by_file, None).unwrap().read_record(id, 1).unwrap();
    assert_eq!((record.suite, record.data.as_slice()), (Suite::Sm4Gcm, &b"a name"[..]));
    assert!(open("", None).unwrap().read_record(id, 1).is_err(), "without a key nothing is read");
    assert!(matches!(open("passphrase = true", None), Err(VaultFault::Locked)));
    let wrong = open("passphrase = true", Some("another")).err().unwrap().to_string();
    assert!(wrong.contains("not the master key"), "{wrong}");
    let silent = open("key_command = \"exit 3\"", None).err().unwrap().to_string();
    assert!(silent.contains("exit status: 3"), "{silent}");
    for two in ["passphrase = true\nmaster_key = \"a\"", "key_command = \"a\"\nmaster_key = \"a\""]
    {
        let refused = read(two).unwrap_err().to_string();
        assert!(refused.contains("a vault has one"), "{refused}");
    }
    assert!(read("suite = \"rot13\"").is_err());
}
