//! Who signs in which epoch.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use commonware_codec::{Copying, DecodeExt};
use commonware_consensus::types::Epoch;
use commonware_cryptography::{
    certificate::{Provider, Scoped},
    ed25519::{PrivateKey, PublicKey},
};
use commonware_utils::ordered::Set;
use parking_lot::RwLock;

/// Ed25519 multisignatures: one 64-byte signature per signer.
pub(crate) type Scheme = commonware_consensus::simplex::scheme::ed25519::Scheme;

/// Largest committee. Message sizes allow for it, so all nodes of a chain must agree on it.
pub(crate) const MAX_VALIDATORS: u32 = 64;
/// Epochs whose committees are remembered: the archive may still check certificates of the epoch
/// before the current one.
const REMEMBERED: u64 = 3;

/// The committee of one epoch.
#[derive(Clone)]
pub(crate) struct Committee {
    pub(crate) epoch: u64,
    /// Checks its certificates, and signs if we vote.
    pub(crate) scheme: Arc<Scheme>,
}

/// The committees by epoch.
#[derive(Clone)]
pub(crate) struct Schemes {
    namespace: Arc<[u8]>,
    key: PrivateKey,
    by_epoch: Arc<RwLock<BTreeMap<u64, Arc<Scheme>>>>,
}

impl Schemes {
    /// No committees yet.
    pub(crate) fn new(namespace: &[u8], key: PrivateKey) -> Self {
        Self { namespace: namespace.into(), key, by_epoch: Arc::default() }
    }

    /// Registers the committee of `epoch` and returns it. Its scheme signs if we are a member and
    /// `votes`.
    ///
    /// # Errors
    /// A sentence: no validators; more than [`MAX_VALIDATORS`]; a key that is not a point of the curve; a key twice.
    pub(crate) fn register(
        &self,
        epoch: u64,
        validators: &[B256],
        votes: bool,
    ) -> Result<Committee, String> {
        let committee = committee(validators).map_err(|why| format!("epoch {epoch}: {why}"))?;
        let signer =
            votes.then(|| Scheme::signer(&self.namespace, committee.clone(), self.key.clone()));
        let scheme =
            signer.flatten().unwrap_or_else(|| Scheme::verifier(&self.namespace, committee));
        let scheme = Arc::new(scheme);
        let mut by_epoch = self.by_epoch.write();
        by_epoch.insert(epoch, Arc::clone(&scheme));
        by_epoch.retain(|known, _| known.saturating_add(REMEMBERED) > epoch);
        Ok(Committee { epoch, scheme })
    }
}

impl Provider for Schemes {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        self.by_epoch.read().get(&epoch.get()).cloned().map(Scoped::scheme)
    }
}

/// A key from its 32 bytes; `None` if they are no point of the curve.
pub(crate) fn decode_key(key: &B256) -> Option<PublicKey> {
    PublicKey::decode(Copying(key.as_slice())).ok()
}

fn committee(validators: &[B256]) -> Result<Set<PublicKey>, String> {
    if validators.is_empty() {
        return Err("no validators".into());
    }
    if validators.len() > MAX_VALIDATORS as usize {
        return Err(format!("{} validators, at most {MAX_VALIDATORS}", validators.len()));
    }
    let keys = validators
        .iter()
        .map(|key| decode_key(key).ok_or_else(|| format!("{key} is not an Ed25519 key")))
        .collect::<Result<Vec<_>, _>>()?;
    Set::try_from(keys).map_err(|_| "a validator is named twice".into())
}
