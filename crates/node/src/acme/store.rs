//! The folder of the account's key and the certificate, for its owner alone.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use instant_acme::AccountCredentials;
use x509_parser::{extensions::GeneralName, pem::parse_x509_pem};

use super::AcmeError;

/// Certificate, chain and key in one file, so that a reader never sees two that do not belong together.
const CERTIFICATE: &str = "certificate.pem";
/// What stands before the address of the directory, above the certificate.
const FROM: &str = "From ";

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Store(PathBuf);

/// The certificate that was fetched last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Directory of the authority it came from.
    pub(super) directory: String,
    /// The names it holds for.
    pub(super) names: Vec<String>,
    /// From when and until when, in seconds since 1970.
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) der: Vec<u8>,
}

impl Store {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// [`AcmeError::File`].
    pub(super) fn open(dir: PathBuf) -> Result<Self, AcmeError> {
        fs::create_dir_all(&dir)
            .and_then(|()| fs::set_permissions(&dir, Permissions::from_mode(0o700)))
            .map_err(|error| AcmeError::file(&dir, error))?;
        Ok(Self(dir))
    }

    pub(super) fn certificate(&self) -> PathBuf {
        certificate_in(&self.0)
    }

    /// The certificate, where there is one that can be read.
    pub(super) fn held(&self) -> Option<Held> {
        read(&fs::read_to_string(self.certificate()).ok()?)
    }

    /// Puts a certificate in the place of the one before.
    ///
    /// # Errors
    /// - [`AcmeError::Useless`]: it cannot be read.
    /// - [`AcmeError::File`].
    pub(super) fn keep(
        &self,
        directory: &str,
        chain: &str,
        key: &str,
        judge: impl FnOnce(&Held) -> Result<(), AcmeError>,
    ) -> Result<Held, AcmeError> {
        let text = format!("{FROM}{directory}\n{}\n{key}", chain.trim_end());
        let held = read(&text)
            .ok_or_else(|| AcmeError::Useless("what it sent is no certificate".into()))?;
        judge(&held)?;
        let path = self.certificate();
        replace(&path, &text).map_err(|error| AcmeError::file(&path, error))?;
        Ok(held)
    }

    /// The account at an authority.
    ///
    /// # Errors
    /// [`AcmeError::File`]: there is a file and it cannot be read.
    pub(super) fn account(&self, directory: &str) -> Result<Option<AccountCredentials>, AcmeError> {
        let path = self.account_file(directory);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| AcmeError::file(&path, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AcmeError::file(&path, error)),
        }
    }

    /// Keeps the account at an authority.
    ///
    /// # Errors
    /// [`AcmeError::File`].
    pub(super) fn keep_account(
        &self,
        directory: &str,
        account: &AccountCredentials,
    ) -> Result<(), AcmeError> {
        let path = self.account_file(directory);
        let text = serde_json::to_string(account).map_err(|error| AcmeError::file(&path, error))?;
        replace(&path, &text).map_err(|error| AcmeError::file(&path, error))
    }

    /// One for each authority: an account of one means nothing to another.
    fn account_file(&self, directory: &str) -> PathBuf {
        let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = directory.trim_start_matches("https://").chars().map(safe).collect();
        self.0.join(format!("account-{name}.json"))
    }
}

/// The file of the certificate in such a folder.
pub(super) fn certificate_in(dir: &Path) -> PathBuf {
    dir.join(CERTIFICATE)
}

fn read(text: &str) -> Option<Held> {
    let directory = text.lines().next()?.strip_prefix(FROM)?.to_owned();
    let (_, pem) = parse_x509_pem(text.as_bytes()).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let names = certificate.subject_alternative_name().ok()??.value.general_names.iter();
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_ascii_lowercase()),
        _ => None,
    });
    Some(Held {
        directory,
        names: names.collect(),
        from: certificate.validity().not_before.timestamp(),
        until: certificate.validity().not_after.timestamp(),
        der: pem.contents.clone(),
    })
}

/// Writes a file in one step, for its owner alone.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    // What an attempt that was cut off has left.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}
