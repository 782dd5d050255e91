//! The member's vault: its folder, its master key, whether a record opens, and how far it is behind the vaults
//! that it looks at.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tulou_node::{VaultSettings, unlock_vault};
use tulou_vault::{Place, Unlock, Vault, VaultError};

use super::Finding;

/// Everything about the vault of the node in `dir`; where it is `closed` the master key is not used. Nothing is
/// written.
pub(super) fn findings(
    dir: &Path,
    settings: &VaultSettings,
    passphrase: Option<String>,
    closed: bool,
) -> Vec<Finding> {
    let place = settings.at.below(dir);
    let mut findings = Vec::new();
    if let Some(folder) = folder_of(&place) {
        // Opening a place makes its folder.
        if !Path::new(folder).exists() {
            return vec![none_yet(&place)];
        }
        findings.extend(rights(Path::new(folder)));
    }
    match Vault::is_in(&place) {
        Ok(true) => {}
        Ok(false) => return vec![none_yet(&place)],
        Err(error) => {
            findings.push(Finding::fail(
                format!("vault: {error}"),
                "make the place readable for the user that runs the node, or restore it from a copy",
            ));
            return findings;
        }
    }
    let has_key =
        settings.master_key.is_some() || settings.passphrase || settings.key_command.is_some();
    if has_key && closed {
        findings.push(Finding::warn(
            "vault: its master key was not used",
            "run without --no-keys to see whether it opens the records",
        ));
    }
    let unlock = match has_key && closed {
        true => Ok(Unlock::Blind),
        false => unlock_vault(dir, settings, passphrase).map_err(|error| error.to_string()),
    };
    let opened = unlock
        .and_then(|unlock| Vault::look_with(&place, &unlock).map_err(|error| error.to_string()));
    match opened {
        Ok(vault) => {
            findings.extend(held(&vault, has_key && !closed));
            for from in &settings.from {
                findings.push(step(&vault, &from.below(dir)));
            }
        }
        Err(error) => findings.push(Finding::fail(
            format!("vault: {error}"),
            "put the right master key in the place that [node.vault] names; the node does not start \
             without it",
        )),
    }
    findings
}

fn none_yet(place: &Place) -> Finding {
    Finding::warn(
        format!("vault: there is none in {}", place.url),
        "the start of the node makes it; if there was one, put it back before that",
    )
}

/// The folder of a place that is one.
fn folder_of(place: &Place) -> Option<&str> {
    let folder = place.url.strip_prefix("file://").unwrap_or(&place.url);
    (!folder.contains("://")).then_some(folder)
}

/// Whoever can write there can destroy records, though not read them.
fn rights(folder: &Path) -> Option<Finding> {
    let mode = fs::metadata(folder).ok()?.permissions().mode();
    let shown = folder.display();
    Some(match mode & 0o022 {
        0 => Finding::ok(format!("vault: only its owner writes in {shown}")),
        _ => Finding::fail(
            format!("vault: others on this machine can write in {shown} (mode {:o})", mode & 0o777),
            format!("chmod 700 {shown}, then `tulou vault check`: what was destroyed is in a copy"),
        ),
    })
}

/// What is held, and whether the newest number of it opens.
fn held(vault: &Vault, with_key: bool) -> Vec<Finding> {
    let damaged = "take it from a copy: `tulou vault sync` of a vault that has it whole";
    let (stock, records) = match vault.stock().and_then(|stock| Ok((stock, vault.records()?))) {
        Ok(found) => found,
        Err(error) => return vec![Finding::fail(format!("vault: {error}"), damaged)],
    };
    let kind = if vault.is_keyless() { " without their keys" } else { "" };
    let mut findings = vec![Finding::ok(format!(
        "vault: {} records{kind} in {} versions, {} erased, {} bytes",
        stock.records, stock.versions, stock.erased, stock.bytes
    ))];
    let newest = records.last().filter(|_| with_key && !vault.is_keyless());
    if let Some((id, version)) = newest {
        findings.push(match vault.read_record(*id, *version) {
            Ok(_) => Finding::ok("vault: the master key opens a record"),
            Err(error @ VaultError::Master(_)) => {
                Finding::fail(format!("vault: {error}"), "see whether key_command works by hand")
            }
            Err(error) => Finding::fail(format!("vault: {error}"), damaged),
        });
    }
    findings
}

/// How far the vault is behind one that it looks at.
fn step(vault: &Vault, from: &Place) -> Finding {
    let url = &from.url;
    let behind = match folder_of(from).is_some_and(|folder| !Path::new(folder).exists()) {
        true => Err(VaultError::Store("there is no such folder".into())),
        false => Vault::look_at(from).and_then(|theirs| vault.behind(&theirs)),
    };
    match behind {
        Err(error) => Finding::warn(
            format!("vault: {url} cannot be looked at: {error}"),
            "its member's node or bucket may be away; erasures there are not carried out here \
             meanwhile",
        ),
        Ok(behind) if behind.erasures > 0 => Finding::warn(
            format!("vault: {} records that {url} has erased are still here", behind.erasures),
            "the running node erases them as soon as the entry stands on the ledger; where it is \
             missing, that member sends it by `tulou vault erase`",
        ),
        // Who has keys of its own takes no records: those of others are none of its business.
        Ok(behind) if behind.versions > 0 && vault.is_keyless() => Finding::warn(
            format!("vault: {} records of {url} are not here yet", behind.versions),
            "the running node fetches them; its log names those that it does not take",
        ),
        Ok(_) => Finding::ok(format!("vault: in step with {url}")),
    }
}
