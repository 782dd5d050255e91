//! Where the passphrase of encrypted keys comes from: a file, a credential of the service manager, or
//! the person at the terminal. Never an argument or a variable, which others on the machine can read.

use std::{env, fs, io::IsTerminal, path::Path};

use crate::output::Failure;

/// Variable with the name of a file.
const FILE: &str = "TULOU_PASSPHRASE_FILE";
/// Name of the service manager's credential.
const CREDENTIAL: &str = "tulou-passphrase";

/// The passphrase that the surroundings give.
fn given() -> Result<Option<String>, Failure> {
    let path = match (env::var_os(FILE), env::var_os("CREDENTIALS_DIRECTORY")) {
        (Some(path), _) => path.into(),
        (None, Some(dir)) => Path::new(&dir).join(CREDENTIAL),
        (None, None) => return Ok(None),
    };
    if env::var_os(FILE).is_none() && !path.exists() {
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
    if let Some(passphrase) = given()? {
        return Ok(Some(passphrase));
    }
    let hint = "name a file with it in TULOU_PASSPHRASE_FILE, start this at a terminal, or, for a \
                trial, add --plain-keys; nothing was written";
    let missing = || Failure::hint("new keys need a passphrase", hint);
    let first = asked("Passphrase for the new keys: ")?.ok_or_else(missing)?;
    let second = asked("The same again: ")?.ok_or_else(missing)?;
    if first != second {
        return Err(Failure::hint("the two passphrases differ", "nothing was written"));
    }
    if first.chars().count() < 8 {
        return Err(Failure::hint(
            "the passphrase has fewer than 8 characters",
            "nothing was written",
        ));
    }
    Ok(Some(first))
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
    match given()? {
        Some(passphrase) => Ok(Some(passphrase)),
        None => asked(prompt),
    }
}
