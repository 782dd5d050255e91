//! `node.toml`: what one process runs.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use tulou_primitives::NodeKind;
use tulou_rpc::{Limits, Readers, TlsFiles};
use tulou_vault::{Place, Suite};

use crate::AcmeSettings;

/// Name of the file in a node's folder.
pub const SETTINGS: &str = "node.toml";

/// A `node.toml` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is missing or cannot be read.
    #[error("{path}: {source}; `tulou init` makes a node's folder")]
    Io {
        /// The file.
        path: String,
        /// What the disk said.
        source: io::Error,
    },
    /// It does not say what it should.
    #[error("{path}{line}: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// `, line 3`, or empty.
        line: String,
        /// What is wrong.
        reason: String,
    },
}

/// Everything in `node.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The process.
    pub node: NodeSettings,
    /// Bounds for callers and accounts; those that are left out stay as they are.
    #[serde(default)]
    pub limits: Limits,
    /// The ledgers it keeps; the first is also at `/`.
    #[serde(rename = "ledger", default)]
    pub ledgers: Vec<LedgerSettings>,
}

/// The process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings {
    /// Where people and programs reach it.
    pub rpc: SocketAddr,
    /// Whether it refuses transactions and only answers questions.
    #[serde(default)]
    pub read_only: bool,
    /// Who may read rows of the class `scope`.
    #[serde(default)]
    pub readers: Readers,
    /// Origins of web pages, other than the node's own, that may call; `*` for any.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The certificate for HTTPS; without it the address speaks plain HTTP, for this machine or for a
    /// server before it that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Bytes the node may use on disk before it warns; 0 watches the free space alone.
    #[serde(default)]
    pub disk_budget: u64,
    /// The personal records that this member keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultSettings>,
}

/// A member's vault. Of `master_key`, `passphrase` and `key_command` one is given, or none: then the vault is
/// one that is kept and not read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSettings {
    /// Its folder, relative to that of `node.toml`, or a bucket.
    pub at: Place,
    /// How new records are encrypted.
    #[serde(default)]
    pub suite: Suite,
    /// The file of the master key, relative to the folder of `node.toml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_key: Option<PathBuf>,
    /// The master key comes from a passphrase.
    #[serde(default)]
    pub passphrase: bool,
    /// Command that wraps and unwraps keys, for key management services and hardware modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_command: Option<String>,
    /// Vaults of other members that erasures, and where this one is only kept records, are fetched from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Place>,
    /// Seconds between two looks at them.
    #[serde(default = "ten_minutes")]
    pub every_s: u64,
}

fn ten_minutes() -> u64 {
    600
}

/// The certificate of the node's address: files that somebody else replaces, in use within half a minute, or
/// one that the node gets by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with the certificate and those that lead to its authority, relative to the folder of
    /// `node.toml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file with its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The node gets and renews the certificate by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acme: Option<AcmeSettings>,
}

impl TlsSettings {
    /// What is wrong, with what to write instead.
    fn problem(&self) -> Option<String> {
        match (&self.certificate, &self.key, &self.acme) {
            (Some(_), Some(_), None) => None,
            (None, None, Some(acme)) => acme.problem(),
            (None, None, None) => {
                Some("[node.tls] has neither certificate and key nor [node.tls.acme]".into())
            }
            (_, _, None) => Some("[node.tls] wants both certificate and key".into()),
            (_, _, Some(_)) => Some(
                "[node.tls] has a certificate of its own and [node.tls.acme], which gets one: leave \
                 one of the two"
                    .into(),
            ),
        }
    }

    /// Where certificate and key are, in the folder of `node.toml`.
    pub fn files(&self, dir: &Path) -> Option<TlsFiles> {
        match (&self.certificate, &self.key, &self.acme) {
            (_, _, Some(acme)) => Some(crate::acme::files(dir, acme)),
            (Some(certificate), Some(key), None) => {
                Some(TlsFiles::new(dir.join(certificate), dir.join(key)))
            }
            _ => None,
        }
    }
}

/// One ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSettings {
    /// Short name: the ledger is at `/l/<name>/`.
    pub name: String,
    /// Its folder, relative to that of `node.toml`.
    pub dir: PathBuf,
    /// Where other nodes of this ledger connect.
    pub listen: SocketAddr,
    /// What the node keeps. Whether it votes is decided by the ledger's set of validators.
    #[serde(default)]
    pub role: NodeKind,
    /// Final blocks kept below the head; absent keeps all. An archive keeps all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_blocks: Option<u64>,
    /// States below the head that can be asked for; absent the last 64, and of an archive all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_states: Option<u64>,
    /// Command that prints a secret key, for hardware modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_command: Option<String>,
    /// Snapshots that the node writes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<SnapshotSettings>,
    /// Addresses that stand instead of those on the ledger: key to `host:port`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub peers: BTreeMap<B256, String>,
}

/// Snapshots at intervals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotSettings {
    /// Blocks between two.
    pub every: u64,
    /// Their folder, relative to that of `node.toml`.
    pub dir: PathBuf,
    /// How many stay.
    #[serde(default = "two")]
    pub keep: usize,
}

fn two() -> usize {
    2
}

impl Settings {
    /// Reads the file of a node's folder.
    ///
    /// # Errors
    /// [`SettingsError`], with the line where one is to blame.
    pub fn read(dir: &Path) -> Result<Self, SettingsError> {
        let path = dir.join(SETTINGS);
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path)
            .map_err(|source| SettingsError::Io { path: shown.clone(), source })?;
        let malformed = |line: Option<usize>, reason: String| SettingsError::Malformed {
            path: shown.clone(),
            line: line.map(|line| format!(", line {line}")).unwrap_or_default(),
            reason,
        };
        let settings: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            malformed(line, error.message().to_owned())
        })?;
        if settings.ledgers.is_empty() {
            return Err(malformed(None, "there is no [[ledger]]; `tulou init` adds one".into()));
        }
        if let Some(problem) = settings.node.tls.as_ref().and_then(TlsSettings::problem) {
            return Err(malformed(None, problem));
        }
        if let Some(vault) = &settings.node.vault {
            let ways = usize::from(vault.master_key.is_some())
                + usize::from(vault.passphrase)
                + usize::from(vault.key_command.is_some());
            if ways > 1 {
                let reason = "of master_key, passphrase and key_command a vault has one";
                return Err(malformed(None, reason.into()));
            }
        }
        for (i, ledger) in settings.ledgers.iter().enumerate() {
            let before = &settings.ledgers[..i];
            if before.iter().any(|other| other.name == ledger.name || other.dir == ledger.dir) {
                let reason = format!("two ledgers share the name or folder of {}", ledger.name);
                return Err(malformed(None, reason));
            }
            let clash = before.iter().find(|other| other.listen == ledger.listen);
            if let Some(other) = clash.filter(|_| ledger.listen.port() != 0) {
                let (one, two) = (&other.name, &ledger.name);
                let reason = format!("{one} and {two} both listen on {}", ledger.listen);
                return Err(malformed(None, reason));
            }
        }
        Ok(settings)
    }
}
