//! What the folder holds: the first page, the keys, the record of votes.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use serde_json::Value;
use tulou_client::Key;
use tulou_node::{
    Keys, LedgerSettings, NodeFolder, Unlock,
    founding::{genesis_hash, mark, node_key},
};
use tulou_primitives::{Genesis, GenesisMember};

use super::{Finding, Patient};

/// The first page, and whether the running node has the same.
pub(super) fn genesis(
    settings: &LedgerSettings,
    dir: PathBuf,
    running: Option<Value>,
) -> (Vec<Finding>, Option<Patient<'_>>) {
    let name = &settings.name;
    let cure = "`tulou init assemble` makes it again from the founding file and the cards";
    let read = NodeFolder::open(&dir).and_then(|folder| folder.genesis());
    let genesis = match read {
        Ok(Some(genesis)) => genesis,
        Ok(None) => {
            let what = format!("{name}: {} is missing", dir.join("genesis.json").display());
            return (vec![Finding::fail(what, cure)], None);
        }
        Err(e) => return (vec![Finding::fail(format!("{name}: {e}"), cure)], None),
    };
    let hash = match genesis_hash(&genesis) {
        Ok(hash) => hash,
        Err(e) => return (vec![Finding::fail(format!("{name}: the genesis: {e}"), cure)], None),
    };
    let mut findings =
        vec![Finding::ok(format!("{name}: {}, mark {}", genesis.estate, mark(hash)))];
    let theirs = running.as_ref().and_then(|seen| seen["ledger"]["genesis"].as_str()?.parse().ok());
    if let Some(theirs) = theirs.filter(|theirs: &B256| *theirs != hash) {
        findings.push(Finding::fail(
            format!(
                "{name}: the program on this address keeps another ledger, mark {}",
                mark(theirs)
            ),
            "look for a second node with the same rpc address",
        ));
    }
    (findings, Some(Patient { settings, dir, genesis, hash, me: None, running }))
}

/// The keys: there, for the owner alone, and those of a member.
pub(super) fn keys(
    patient: &mut Patient<'_>,
    passphrase: Option<String>,
    closed: bool,
) -> Vec<Finding> {
    let name = patient.settings.name.clone();
    let unlock = Unlock { passphrase, command: patient.settings.key_command.clone() };
    let keys = Keys::new(patient.dir.join("keys"), unlock);
    let mut findings = Vec::new();
    let by_command = patient.settings.key_command.is_some();
    for (key, needed) in [("validator", true), ("keeper", true), ("account", false)] {
        match keys.file(key) {
            Some(path) => findings.extend(permissions(&name, &path)),
            None if by_command || !needed => {}
            None => findings.push(Finding::fail(
                format!("{name}: {} is missing", keys.dir().join(format!("{key}.json")).display()),
                "put the key back from where it is kept safe; without it this node cannot be a member",
            )),
        }
    }
    if closed && !by_command {
        findings.push(Finding::warn(
            format!("{name}: the keys were not opened"),
            "run without --no-keys to see whether they belong to this ledger",
        ));
        return findings;
    }
    if keys.file("validator").is_some() || by_command {
        match keys.secret("validator") {
            Ok(secret) => {
                let me = node_key(secret);
                patient.me = Some(me);
                findings.push(belongs(&name, me, &patient.genesis, patient.running.as_ref()));
            }
            Err(e) => {
                findings.push(Finding::fail(format!("{name}: {e}"), "give the right passphrase"))
            }
        }
    }
    if keys.file("account").is_some()
        && let Ok(secret) = keys.secret("account")
        && let Some(member) = own_member(&patient.genesis, patient.me)
    {
        findings.push(account(&name, Key::from_bytes(secret).address(), member));
    }
    findings
}

fn own_member(genesis: &Genesis, me: Option<B256>) -> Option<&GenesisMember> {
    genesis.members.iter().find(|member| Some(member.node) == me)
}

fn permissions(name: &str, path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode();
    let shown = path.display();
    Some(match mode & 0o077 {
        0 => Finding::ok(format!("{name}: {shown} is there, for its owner alone")),
        _ => Finding::fail(
            format!("{name}: others on this machine can read {shown} (mode {:o})", mode & 0o777),
            format!("chmod 600 {shown}; if they may have read it, replace the key"),
        ),
    })
}

/// Whether a node key is that of a member, at the founding or now.
fn belongs(name: &str, me: B256, genesis: &Genesis, running: Option<&Value>) -> Finding {
    if let Some(member) = own_member(genesis, Some(me)) {
        return Finding::ok(format!("{name}: the node key is that of {}", member.name));
    }
    let now = running.and_then(|seen| {
        let members = seen["members"].as_array()?;
        let key = me.to_string();
        members.iter().find(|m| m["key"].as_str() == Some(&key))?["name"].as_str()
    });
    match now {
        Some(member) => {
            Finding::ok(format!("{name}: the node key is that of {member}, since the founding"))
        }
        None => Finding::fail(
            format!("{name}: the node key {me} belongs to no member of this ledger"),
            "put the right key back; a member that joined later is known once the node runs",
        ),
    }
}

fn account(name: &str, found: alloy_primitives::Address, member: &GenesisMember) -> Finding {
    if found == member.account {
        return Finding::ok(format!("{name}: the account is that of {}", member.name));
    }
    Finding::fail(
        format!("{name}: keys/account is {found}, {} speaks with {}", member.name, member.account),
        "put the right key back, or let the council change the member's account",
    )
}

/// Whether this node may vote.
pub(super) fn votes(patient: &Patient<'_>) -> Vec<Finding> {
    let name = &patient.settings.name;
    let Ok(folder) = NodeFolder::open(&patient.dir) else { return Vec::new() };
    vec![match (folder.has_journal(), folder.may_begin()) {
        (true, _) => Finding::ok(format!("{name}: the record of this node's votes is there")),
        (false, true) => Finding::ok(format!("{name}: founded and never started")),
        (false, false) => Finding::warn(
            format!("{name}: there is no record of this node's votes"),
            "nothing to do: it follows, and votes again in the next epoch. If the folder exists \
             elsewhere, stop and put it back",
        ),
    }]
}
