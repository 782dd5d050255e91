//! The node's certificate by ACME (RFC 8555): ordered at the start where there is none, renewed while the
//! old one still holds. Names are proven on the node's own door (TLS-ALPN-01, RFC 8737), so that nothing
//! but port 443 of the name has to lead to it.

mod http;
mod order;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use instant_acme::{Account, CertificateIdentifier, Error, ExternalAccountKey, NewAccount};
use time::OffsetDateTime;
use tracing::{error, info};
use tulou_rpc::{Renewals, TlsFiles};

pub use settings::{AcmeSettings, ExternalAccount};

use http::Http;
use store::{Held, Store, certificate_in};

/// How often the authority is asked when it wants the certificate renewed (RFC 9773).
const LOOK: Duration = Duration::from_secs(6 * 3_600);
/// Waits after attempts that failed: five in the first hour, which is what Let's Encrypt allows.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const WAIT_FACTOR: u32 = 3;
const LONGEST_WAIT: Duration = LOOK;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// Nobody outside reaches the node.
    #[error(
        "with [node.tls.acme] the authority must reach the node, and rpc {0} is this machine alone: write \
         0.0.0.0 and let port 443 of the domain lead to its port"
    )]
    Loopback(SocketAddr),
    /// A file or folder.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The authority cannot be reached, or says no.
    #[error("{0}")]
    Protocol(#[from] Error),
    /// It wants a proof that a node does not give.
    #[error("the authority offers no proof of {0} by TLS-ALPN-01")]
    NoChallenge(String),
    /// It did not find the proof.
    #[error(
        "the authority did not find {name} here: {reason}; port 443 of the name must lead to this node"
    )]
    Unproven {
        /// The name.
        name: String,
        /// What it saw.
        reason: String,
    },
    /// What it sent helps nobody.
    #[error("the authority: {0}")]
    Useless(String),
    /// A key or certificate could not be made.
    #[error("{0}")]
    Made(#[from] rcgen::Error),
}

impl AcmeError {
    fn file(path: &Path, reason: impl fmt::Display) -> Self {
        Self::File { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Gets and renews the certificate of a node. Clones share the door.
#[derive(Clone)]
pub(crate) struct Acme {
    settings: AcmeSettings,
    external: Option<(String, Vec<u8>)>,
    http: Http,
    store: Store,
    renewals: Renewals,
}

/// Where the certificate lies.
pub(crate) fn files(dir: &Path, settings: &AcmeSettings) -> TlsFiles {
    let file = certificate_in(&dir.join(&settings.dir));
    TlsFiles::new(file.clone(), file)
}

impl Acme {
    /// Makes ready, without asking anybody. `dir` is the folder of `node.toml`, `rpc` the node's address.
    ///
    /// # Errors
    /// - [`AcmeError::Loopback`].
    /// - [`AcmeError::File`]: the roots, the external account's key, the folder.
    pub(crate) fn open(
        dir: &Path,
        settings: &AcmeSettings,
        rpc: SocketAddr,
    ) -> Result<Self, AcmeError> {
        if rpc.ip().is_loopback() {
            return Err(AcmeError::Loopback(rpc));
        }
        let root = settings.root.as_ref().map(|root| dir.join(root));
        let http = Http::new(root.as_deref())?;
        let external = settings.external_account.as_ref();
        let external = external
            .map(|account| {
                Ok::<_, AcmeError>((account.id.clone(), secret(&dir.join(&account.key))?))
            })
            .transpose()?;
        let mut settings = settings.clone();
        settings.domains.iter_mut().for_each(|name| name.make_ascii_lowercase());
        let store = Store::open(dir.join(&settings.dir))?;
        Ok(Self { settings, external, http, store, renewals: Renewals::default() })
    }

    /// The files that the door reads.
    pub(crate) fn files(&self) -> TlsFiles {
        let file = self.store.certificate();
        TlsFiles { renewals: Some(self.renewals.clone()), ..TlsFiles::new(file.clone(), file) }
    }

    /// Looks after the certificate for ever. The old one stays in use while no new one can be had.
    pub(crate) async fn run(self) {
        let mut failures = 0;
        loop {
            let held = self.store.held();
            let (due, known) = self.due(held.as_ref()).await;
            if let Ok(wait) = u64::try_from(due - now())
                && wait > 0
            {
                tokio::time::sleep(Duration::from_secs(wait).min(LOOK)).await;
                continue;
            }
            let done = self.fetch(held.as_ref().filter(|_| known)).await;
            self.renewals.forget_proofs();
            match done {
                Ok(held) => {
                    failures = 0;
                    self.renewals.succeeded();
                    let days = (held.until - now()) / 86_400;
                    info!(names = ?held.names, days, "a certificate was fetched");
                }
                Err(reason) => {
                    let wait = back_off(failures);
                    failures += 1;
                    self.renewals.failed();
                    let left = held.map_or(0, |held| (held.until - now()).max(0));
                    let (days_left, again_s) = (left / 86_400, wait.as_secs());
                    error!(%reason, days_left, again_s, "no new certificate could be had");
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// When the next certificate should be fetched, and whether the authority said it.
    async fn due(&self, held: Option<&Held>) -> (i64, bool) {
        let Some(held) = held.filter(|held| is_wanted(held, &self.settings)) else {
            return (0, false);
        };
        match self.window(held).await {
            Some(window) => (moment(held, Some(window)), true),
            None => (moment(held, None), false),
        }
    }

    /// When the authority wants the certificate renewed, where it says so.
    async fn window(&self, held: &Held) -> Option<(i64, i64)> {
        let id = CertificateIdentifier::try_from(&held.der.as_slice().into()).ok()?;
        let (said, _) = self.account().await.ok()?.renewal_info(&id).await.ok()?;
        let window = said.suggested_window;
        Some((window.start.unix_timestamp(), window.end.unix_timestamp()))
    }

    /// One attempt. `before` is what it replaces, where the authority keeps count of that.
    async fn fetch(&self, before: Option<&Held>) -> Result<Held, AcmeError> {
        let account = self.account().await?;
        let der = before.map(|held| held.der.as_slice().into());
        let replaces = der.as_ref().and_then(|der| CertificateIdentifier::try_from(der).ok());
        let domains = &self.settings.domains;
        let fetched = order::fetch(&account, domains, replaces, &self.renewals).await?;
        self.store.keep(&self.settings.directory, &fetched.chain, &fetched.key, |held| {
            match is_wanted(held, &self.settings) {
                false => Err(AcmeError::Useless(format!("it certified {:?} alone", held.names))),
                true if moment(held, None) <= now() => Err(AcmeError::Useless(
                    "its certificate is old by this machine's clock: is the clock right?".into(),
                )),
                true => Ok(()),
            }
        })
    }

    /// The account at the authority, made at the first time.
    async fn account(&self) -> Result<Account, AcmeError> {
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        let directory = &self.settings.directory;
        if let Some(known) = self.store.account(directory)? {
            return Ok(builder.from_credentials(known).await?);
        }
        let contact: Vec<_> =
            self.settings.contact.iter().map(|address| format!("mailto:{address}")).collect();
        let contact: Vec<_> = contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: self.settings.accept_terms,
            only_return_existing: false,
        };
        let external = self.external.as_ref();
        let external = external.map(|(id, key)| ExternalAccountKey::new(id.clone(), key));
        let (account, credentials) =
            builder.create(&new, directory.clone(), external.as_ref()).await?;
        self.store.keep_account(directory, &credentials)?;
        Ok(account)
    }
}

/// Whether a certificate is for these names and from this authority.
fn is_wanted(held: &Held, settings: &AcmeSettings) -> bool {
    held.directory == settings.directory
        && settings.domains.iter().all(|name| held.names.contains(name))
}

/// When a certificate should be renewed: within the authority's window, each certificate at a moment of its
/// own, or after two thirds of its life. A window that ends after the certificate is not believed.
fn moment(held: &Held, window: Option<(i64, i64)>) -> i64 {
    match window {
        Some((start, end)) if start <= end && end <= held.until => {
            let share = i64::from(held.der.last().copied().unwrap_or_default());
            start + (end - start) * share / 256
        }
        _ => held.from + (held.until - held.from) * 2 / 3,
    }
}

/// How long to wait after an attempt that failed, when so many had failed before it.
fn back_off(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(WAIT_FACTOR.saturating_pow(failures)).min(LONGEST_WAIT)
}

/// The key of an external account, in base64url as authorities print it.
fn secret(path: &Path) -> Result<Vec<u8>, AcmeError> {
    let text = fs::read_to_string(path).map_err(|error| AcmeError::file(path, error))?;
    BASE64_URL_SAFE_NO_PAD
        .decode(text.trim().trim_end_matches('='))
        .map_err(|error| AcmeError::file(path, error))
}

/// Seconds since 1970 by this machine's own clock: an authority knows no other.
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
