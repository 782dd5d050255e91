//! What the door shares with who fetches its certificate: proofs for the authority (RFC 8737,
//! TLS-ALPN-01), word of a new certificate, and how often it went well.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_rustls::rustls::{
    self,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::ClientHello,
    sign::CertifiedKey,
};

/// The protocol by which an authority asks for a proof (RFC 8737, section 6.2).
pub(super) const PROOF: &[u8] = b"acme-tls/1";

/// Whether an authority asks: it names this one protocol and no other.
pub(super) fn asks_for_proof(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|offered| offered.eq([PROOF]))
}

/// Shared by a door and who fetches its certificate. Clones are the same one.
#[derive(Clone, Default)]
pub struct Renewals(Arc<Inner>);

#[derive(Default)]
struct Inner {
    proofs: Mutex<BTreeMap<String, Arc<CertifiedKey>>>,
    new_one: Notify,
    fetched: AtomicU64,
    failed: AtomicU64,
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").field("fetched", &self.fetched()).finish_non_exhaustive()
    }
}

impl PartialEq for Renewals {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Renewals {}

impl Renewals {
    /// Shows this certificate to an authority that asks for a proof for `name`, until
    /// [`Renewals::forget_proofs`].
    ///
    /// # Errors
    /// The key is of a kind that is not known.
    pub fn prove(
        &self,
        name: &str,
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), rustls::Error> {
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(key)?;
        // Not compared with the key: a proof's own extension is critical, and unknown to who compares.
        let proof = CertifiedKey::new(vec![certificate], key);
        self.0.proofs.lock().insert(name.to_ascii_lowercase(), Arc::new(proof));
        Ok(())
    }

    /// Proves nothing any more.
    pub fn forget_proofs(&self) {
        self.0.proofs.lock().clear();
    }

    /// A new certificate lies in the files: the door need not wait for its next look.
    pub fn succeeded(&self) {
        self.0.fetched.fetch_add(1, Ordering::Relaxed);
        self.0.new_one.notify_one();
    }

    /// No certificate could be had.
    pub fn failed(&self) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// How often one was fetched, and how often it could not be.
    pub fn fetched(&self) -> (u64, u64) {
        (self.0.fetched.load(Ordering::Relaxed), self.0.failed.load(Ordering::Relaxed))
    }

    pub(super) fn proof(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.0.proofs.lock().get(&name.to_ascii_lowercase()).cloned()
    }

    pub(super) async fn new_one(&self) {
        self.0.new_one.notified().await;
    }
}
