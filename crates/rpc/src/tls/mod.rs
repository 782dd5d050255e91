//! HTTPS on the node's own door, with a certificate from files that may be replaced while it runs.

mod line;
mod renewals;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::RwLock;
use tokio_rustls::{
    Accept, TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

pub(crate) use line::{Line, Socket};
pub use renewals::Renewals;
use renewals::{PROOF, asks_for_proof};

/// Where the certificate of a door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM file with the certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM file with its private key (PKCS#8, PKCS#1 or SEC1); may be the same file.
    pub key: PathBuf,
    /// Shared with who fetches the certificate, where the node does it by itself: then the door opens
    /// before there is one.
    pub renewals: Option<Renewals>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing, or holds no certificate or no key.
    #[error("{path}: {reason}; `tulou tls new` makes a certificate for a network without a domain")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("{certificate} and {key}: {reason}")]
    Pair {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
}

impl TlsFiles {
    /// The files of a certificate that somebody else replaces.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key, renewals: None }
    }

    /// When the certificate ends, in seconds since 1970.
    ///
    /// # Errors
    /// - [`TlsError::File`]: the certificate's, then the key's.
    /// - [`TlsError::Pair`].
    pub fn ends(&self) -> Result<i64, TlsError> {
        Ok(self.read()?.ends)
    }

    /// Reads both.
    ///
    /// # Errors
    /// - [`TlsError::File`]: the certificate's, then the key's.
    /// - [`TlsError::Pair`].
    fn read(&self) -> Result<Shown, TlsError> {
        let file = |path: &Path, reason: String| TlsError::File { path: path.into(), reason };
        let certificates = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| file(&self.certificate, error.to_string()))?;
        let Some(first) = certificates.first() else {
            return Err(file(&self.certificate, "there is no certificate in it".into()));
        };
        let ends = x509_parser::parse_x509_certificate(first)
            .map(|(_, certificate)| certificate.validity().not_after.timestamp())
            .map_err(|error| file(&self.certificate, error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| file(&self.key, error.to_string()))?;
        let key = CertifiedKey::from_der(certificates, key, &aws_lc_rs::default_provider())
            .map_err(|error| TlsError::Pair {
                certificate: self.certificate.clone(),
                key: self.key.clone(),
                reason: error.to_string(),
            })?;
        Ok(Shown { key: Arc::new(key), ends })
    }

    /// Changes whenever a file does.
    fn stamp(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let about = fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}

/// A certificate that is shown to whoever comes.
#[derive(Clone)]
struct Shown {
    key: Arc<CertifiedKey>,
    /// Seconds since 1970.
    ends: i64,
}

/// Chooses what is shown: the certificate, or the proof for an authority that looks for one.
struct Chooser {
    key: Option<Arc<CertifiedKey>>,
    renewals: Option<Renewals>,
}

impl fmt::Debug for Chooser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chooser").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Chooser {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match &self.renewals {
            Some(renewals) if asks_for_proof(&hello) => renewals.proof(hello.server_name()?),
            _ => self.key.clone(),
        }
    }
}

/// The certificate in use. Clones share it.
#[derive(Clone)]
pub(crate) struct Tls {
    files: TlsFiles,
    in_use: Arc<RwLock<InUse>>,
}

struct InUse {
    /// Absent until the first one was fetched.
    ends: Option<i64>,
    config: Arc<ServerConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files. Of a node that fetches its certificate they may be missing or useless.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let shown = match files.read() {
            Ok(shown) => Some(shown),
            Err(_) if files.renewals.is_some() => None,
            Err(error) => return Err(error),
        };
        let in_use = Arc::new(RwLock::new(in_use(&files, shown)?));
        Ok(Self { files, in_use })
    }

    /// When the certificate in use ends, in seconds since 1970.
    pub(crate) fn ends(&self) -> Option<i64> {
        self.in_use.read().ends
    }

    /// How often a certificate was fetched and was not, where the node does it.
    pub(crate) fn fetched(&self) -> Option<(u64, u64)> {
        self.files.renewals.as_ref().map(Renewals::fetched)
    }

    /// Looks at the files for ever. New ones hold from the next connection on; while they cannot be
    /// used, the old ones do.
    pub(crate) async fn follow(self, every: Duration) {
        let mut seen = self.files.stamp();
        loop {
            let wait = tokio::time::sleep(every);
            match &self.files.renewals {
                Some(renewals) => tokio::select! { () = wait => {}, () = renewals.new_one() => {} },
                None => wait.await,
            }
            let now = self.files.stamp();
            if now != seen {
                seen = now;
                self.renew();
            }
        }
    }

    fn renew(&self) {
        match self.files.read().and_then(|shown| in_use(&self.files, Some(shown))) {
            Ok(new) => {
                *self.in_use.write() = new;
                tracing::info!(certificate = %self.files.certificate.display(), "a new certificate is in use");
            }
            Err(error) => {
                tracing::warn!(%error, "the new certificate cannot be used; the old one stays")
            }
        }
    }

    fn accept(&self, socket: Socket) -> Accept<Socket> {
        TlsAcceptor::from(self.in_use.read().config.clone()).accept(socket)
    }
}

/// A configuration of its own for each certificate, so that no session outlives it.
fn in_use(files: &TlsFiles, shown: Option<Shown>) -> Result<InUse, TlsError> {
    let ends = shown.as_ref().map(|shown| shown.ends);
    let renewals = files.renewals.clone();
    let mut protocols = vec![b"http/1.1".to_vec()];
    protocols.extend(renewals.is_some().then(|| PROOF.to_vec()));
    let chooser = Chooser { key: shown.map(|shown| shown.key), renewals };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Pair {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            reason: error.to_string(),
        })?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(chooser));
    config.alpn_protocols = protocols;
    Ok(InUse { ends, config: Arc::new(config) })
}
