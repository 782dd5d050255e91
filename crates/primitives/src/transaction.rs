//! A transaction as it travels: the bytes that were signed, their hash and, once somebody has paid for
//! the recovery, the sender.

use std::sync::{Arc, OnceLock};

use alloy_consensus::{TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, keccak256};

use crate::Suite;

/// Bytes that are not a transaction this ledger accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxError {
    /// The bytes do not decode, or something follows the transaction.
    #[error("not a transaction: {0}")]
    Malformed(String),
    /// The type is known to Ethereum but carries data (blobs) that this ledger does not keep.
    #[error("transaction type {0:#04x} is not accepted here")]
    UnsupportedType(u8),
    /// The signature recovers no sender.
    #[error("the signature does not recover a sender")]
    BadSignature,
}

/// A decoded transaction. Shared by pool, blocks and receipts, so that decoding, hashing and sender
/// recovery each happen once.
#[derive(Debug)]
pub struct Tx {
    envelope: TxEnvelope,
    hash: B256,
    raw: Bytes,
    sender: OnceLock<Option<Address>>,
}

impl Tx {
    /// Decodes an EIP-2718 envelope (types 0, 1, 2 and 4). The sender is not recovered yet.
    ///
    /// # Errors
    /// - [`TxError::Malformed`]: not exactly one transaction.
    /// - [`TxError::UnsupportedType`]: a blob transaction.
    pub fn decode(raw: Bytes) -> Result<Arc<Self>, TxError> {
        let mut rest = raw.as_ref();
        let envelope =
            TxEnvelope::decode_2718(&mut rest).map_err(|e| TxError::Malformed(e.to_string()))?;
        if !rest.is_empty() {
            return Err(TxError::Malformed(format!("{} bytes too many", rest.len())));
        }
        if envelope.is_eip4844() {
            return Err(TxError::UnsupportedType(3));
        }
        let hash = keccak256(&raw);
        Ok(Arc::new(Self { envelope, hash, raw, sender: OnceLock::new() }))
    }

    /// Wraps an envelope that was made here rather than received.
    pub fn from_envelope(envelope: TxEnvelope) -> Arc<Self> {
        let raw = Bytes::from(envelope.encoded_2718());
        let hash = keccak256(&raw);
        Arc::new(Self { envelope, hash, raw, sender: OnceLock::new() })
    }

    /// The decoded envelope.
    pub fn envelope(&self) -> &TxEnvelope {
        &self.envelope
    }

    /// The kind of key that signed.
    pub fn suite(&self) -> Suite {
        Suite::Secp256k1
    }

    /// keccak256 of the EIP-2718 bytes.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// The EIP-2718 bytes as they were signed and sent.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The account that signed, where somebody has recovered it already.
    pub fn known_sender(&self) -> Option<Address> {
        self.sender.get().copied().flatten()
    }

    /// Takes over a sender that was recovered from another copy of these bytes: one with the same hash,
    /// which covers the signature.
    pub fn assume_sender(&self, sender: Address) {
        // Somebody may have recovered it meanwhile, and it is the same.
        let _ = self.sender.set(Some(sender));
    }

    /// The account that signed. The first call costs a curve operation (about 30 us), later ones
    /// nothing; call it from many threads at admission.
    ///
    /// # Errors
    /// - [`TxError::BadSignature`]: no sender, or a signature with a high `s`.
    pub fn sender(&self) -> Result<Address, TxError> {
        self.sender.get_or_init(|| self.envelope.recover_signer().ok()).ok_or(TxError::BadSignature)
    }
}
