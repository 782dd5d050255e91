//! Where the passphrase of encrypted keys comes from: a file, a credential of the service manager, or
//! the person at the terminal. Never an argument or a variable, which others on the machine can read.

use std::{env, fs, io::IsTerminal, path::Path};

use crate::output::Failure;

/// What a passphrase opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock {
    /// Variable with the name of a file.
    file: &'static str,
    /// Name of the service manager's credential.
    credential: &'static str,
}

/// The keys of a node or a member.
const KEYS: Lock = Lock { file: "TULOU_PASSPHRASE_FILE", credential: "tulou-passphrase" };
/// A vault.
pub(crate) const VAULT: Lock =
    Lock { file: "TULOU_VAULT_PASSPHRASE_FILE", credential: "tulou-vault-passphrase" };
/// The vault, or the master key, that another one is carried or changed to.
pub(crate) const OTHER_VAULT: Lock =
    Lock { file: "TULOU_TO_PASSPHRASE_FILE", credential: "tulou-to-passphrase" };

/// The passphrase that the surroundings give.
fn given(lock: Lock) -> Result<Option<String>, Failure> {
    let named = env::var_os(lock.file);
    let path = match (&named, env::var_os("CREDENTIALS_DIRECTORY")) {
        (Some(path), _) => path.into(),
        (None, Some(dir)) => Path::new(&dir).join(lock.credential),
        (None, None) => return Ok(None),
    };
    if named.is_none() && !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path)
        .map_err(|e| Failure::hint(format!("{}: {e}", path.display()), "nothing was changed"))?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        return Err(Failure::hint(
            format!("{}: the passphrase is empty", path.display()),
            "nothing was changed",
        ));
    }
    Ok(Some(text))
}

fn asked(prompt: &str) -> Result<Option<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    Ok(Some(rpassword::prompt_password(prompt)?))
}

/// The passphrase for new keys; `None` only where plain files were asked for.
pub(crate) fn for_new_keys(plain: bool) -> Result<Option<String>, Failure> {
    if plain {
        return Ok(None);
    }
    if let Some(passphrase) = given(KEYS)? {
        return Ok(Some(passphrase));
    }
    let hint = "name a file with it in TULOU_PASSPHRASE_FILE, start this at a terminal, or, for a \
                trial, add --plain-keys; nothing was written";
    let missing = || Failure::hint("new keys need a passphrase", hint);
    twice("Passphrase for the new keys: ", missing).map(Some)
}

/// The passphrase of a vault; asked for twice where it is a new one.
pub(crate) fn for_vault(lock: Lock, is_new: bool) -> Result<String, Failure> {
    if let Some(passphrase) = given(lock)? {
        return Ok(passphrase);
    }
    let hint = format!(
        "name a file with it in {}, or start this at a terminal; nothing was done",
        lock.file
    );
    let missing = || Failure::hint("the vault needs its passphrase", &hint);
    match is_new {
        true => twice("Passphrase for the vault: ", missing),
        false => asked("Passphrase of the vault: ")?.ok_or_else(missing),
    }
}

/// A new passphrase, asked for twice.
fn twice(prompt: &str, missing: impl Fn() -> Failure) -> Result<String, Failure> {
    let first = asked(prompt)?.ok_or_else(&missing)?;
    let second = asked("The same again: ")?.ok_or_else(&missing)?;
    if first != second {
        return Err(Failure::hint("the two passphrases differ", "nothing was written"));
    }
    if first.chars().count() < 8 {
        return Err(Failure::hint(
            "the passphrase has fewer than 8 characters",
            "nothing was written",
        ));
    }
    Ok(first)
}

/// The passphrase for the keys in some folders, where any of them is encrypted.
pub(crate) fn for_folders<'a>(
    folders: impl IntoIterator<Item = &'a Path>,
) -> Result<Option<String>, Failure> {
    let encrypted = folders.into_iter().any(|dir| dir.join("validator.json").exists());
    if !encrypted {
        return Ok(None);
    }
    given_or_asked("Passphrase of this node's keys: ")
}

/// The passphrase of one encrypted key.
pub(crate) fn for_key(file: &Path) -> Result<Option<String>, Failure> {
    given_or_asked(&format!("Passphrase of {}: ", file.display()))
}

fn given_or_asked(prompt: &str) -> Result<Option<String>, Failure> {
    match given(KEYS)? {
        Some(passphrase) => Ok(Some(passphrase)),
        None => asked(prompt),
    }
}
