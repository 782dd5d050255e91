//! Which vault, and how it is opened.

use std::path::PathBuf;

use clap::Args;
use tulou_node::{Settings, unlock_vault};
use tulou_vault::{Place, Suite, Unlock, Vault, VaultError};

use crate::{
    output::Failure,
    passphrase::{self, Lock},
};

/// A vault by its place, or that of a node. Its master key is in a file, made from a passphrase, or kept by a
/// command.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Folder of the vault, or s3://bucket/prefix with its keys in the usual variables (AWS_ACCESS_KEY_ID ...).
    #[arg(long)]
    vault: Option<String>,
    /// Folder of a node: its vault, as [node.vault] in node.toml says.
    #[arg(long, conflicts_with_all = ["vault", "master_key", "passphrase", "key_command", "keyless"])]
    dir: Option<PathBuf>,
    /// File of the master key.
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// The master key is made from a passphrase, which is in the file that TULOU_VAULT_PASSPHRASE_FILE names or
    /// asked for.
    #[arg(long, conflicts_with = "master_key")]
    passphrase: bool,
    /// Command that wraps and unwraps keys (docs/operating.md).
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["master_key", "passphrase"])]
    key_command: Option<String>,
    /// The vault holds no keys: records are kept and not read.
    #[arg(long, conflicts_with_all = ["master_key", "passphrase", "key_command"])]
    keyless: bool,
}

/// Another master key, of another vault or of the same from now on.
#[derive(Debug, Args)]
pub(crate) struct Other {
    /// File of its master key.
    #[arg(long, value_name = "FILE")]
    pub(super) to_master_key: Option<PathBuf>,
    /// Its master key is made from a passphrase, which is in the file that TULOU_TO_PASSPHRASE_FILE names or
    /// asked for.
    #[arg(long, conflicts_with = "to_master_key")]
    to_passphrase: bool,
    /// Command that wraps its keys.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["to_master_key", "to_passphrase"])]
    to_key_command: Option<String>,
}

impl Other {
    /// How it is opened; `None` where nothing is said of a key.
    pub(super) fn unlock(&self, is_new: bool) -> Result<Option<Unlock>, Failure> {
        let lock = passphrase::OTHER_VAULT;
        unlock(&self.to_master_key, (self.to_passphrase, lock, is_new), &self.to_key_command)
    }
}

fn unlock(
    file: &Option<PathBuf>,
    (by_passphrase, lock, is_new): (bool, Lock, bool),
    command: &Option<String>,
) -> Result<Option<Unlock>, Failure> {
    if file.is_none() && command.is_none() && !by_passphrase {
        return Ok(None);
    }
    let passphrase = match by_passphrase {
        true => Some(passphrase::for_vault(lock, is_new)?),
        false => None,
    };
    Ok(Some(Unlock::by(file.clone(), passphrase, command.as_deref())?))
}

impl Which {
    /// Whether a vault was named.
    pub(crate) fn is_named(&self) -> bool {
        self.vault.is_some() || self.dir.is_some()
    }

    /// Whether it was said that it holds no keys.
    pub(super) fn is_keyless(&self) -> bool {
        self.keyless
    }

    /// Its place.
    pub(super) fn place(&self) -> Result<Place, Failure> {
        match (&self.vault, &self.dir) {
            (Some(url), _) => Ok(Place { url: url.clone(), ..Place::default() }),
            (None, Some(dir)) => Ok(self.settings()?.at.below(dir)),
            (None, None) => Err(Failure("name the vault: --vault or --dir".into())),
        }
    }

    fn settings(&self) -> Result<tulou_node::VaultSettings, Failure> {
        let dir = self.dir.clone().unwrap_or_default();
        let missing = || {
            let what = format!("{} has no vault", dir.display());
            Failure::hint(what, "write [node.vault] into its node.toml (docs/operating.md)")
        };
        Settings::read(&dir)?.node.vault.ok_or_else(missing)
    }

    /// The file of its master key, where that is how it is opened.
    pub(super) fn key_file(&self) -> Result<Option<PathBuf>, Failure> {
        match &self.dir {
            Some(dir) => Ok(self.settings()?.master_key.map(|file| dir.join(file))),
            None => Ok(self.master_key.clone()),
        }
    }

    /// The suite of new records.
    pub(super) fn suite(&self) -> Result<Suite, Failure> {
        if self.dir.is_some() { Ok(self.settings()?.suite) } else { Ok(Suite::default()) }
    }

    /// How it is opened.
    pub(super) fn unlock(&self, is_new: bool) -> Result<Unlock, Failure> {
        if let Some(dir) = &self.dir {
            let settings = self.settings()?;
            let passphrase = match settings.passphrase {
                true => Some(passphrase::for_vault(passphrase::VAULT, is_new)?),
                false => None,
            };
            return unlock_vault(dir, &settings, passphrase).map_err(|e| Failure(e.to_string()));
        }
        let by_passphrase = (self.passphrase, passphrase::VAULT, is_new);
        let how = unlock(&self.master_key, by_passphrase, &self.key_command)?;
        match how {
            Some(unlock) => Ok(unlock),
            None if self.keyless => Ok(Unlock::Blind),
            None => Err(Failure::hint(
                "the vault has a master key: --master-key, --passphrase or --key-command",
                "--keyless is for a vault that holds no keys; nothing was done",
            )),
        }
    }

    /// Opens a vault that is there.
    pub(super) fn open(&self) -> Result<Vault, Failure> {
        self.open_in(self.suite()?)
    }

    /// As [`Which::open`], with another suite for new records.
    pub(super) fn open_in(&self, suite: Suite) -> Result<Vault, Failure> {
        let place = self.place()?;
        if !Vault::is_in(&place)? {
            let what = format!("there is no vault in {}", place.url);
            return Err(Failure::hint(what, "`tulou vault new` makes one; nothing was done"));
        }
        Vault::open(&place, &self.unlock(false)?, suite).map_err(nothing_done)
    }

    /// Looks at a vault without its master key and without changing anything.
    pub(super) fn look(&self) -> Result<Vault, Failure> {
        Vault::look_at(&self.place()?).map_err(nothing_done)
    }

    /// Opens a vault without its master key, to erase: that needs nobody's leave.
    pub(super) fn open_blind(&self) -> Result<Vault, Failure> {
        self.look()?;
        Vault::open(&self.place()?, &Unlock::Blind, Suite::default()).map_err(nothing_done)
    }
}

pub(super) fn nothing_done(error: VaultError) -> Failure {
    Failure::hint(error, "nothing was changed")
}
