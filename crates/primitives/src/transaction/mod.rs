//! A transaction as it travels: the bytes that were signed, their hash and, once somebody has paid for
//! the recovery, the sender.

mod batch;
mod envelope;
mod json;
mod message;
mod signature;
mod sm2;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_rlp::{BufMut, Encodable};

pub use batch::{Batch, BatchError, Call, SignedBatch, Window};
pub use envelope::{Envelope, TxType};
pub use message::{MessageSignature, Signer};
pub use signature::{BatchSignature, KeyKind, P256Signature, SignatureError};
pub use sm2::SignedSm2;

use crate::Suite;

/// Bytes that are not a transaction this ledger accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxError {
    /// The bytes do not decode, or something follows the transaction.
    #[error("not a transaction: {0}")]
    Malformed(String),
    /// A type that this ledger does not keep.
    #[error("transaction type {0:#04x} is not accepted here")]
    UnsupportedType(u8),
    /// A batch (type 0x76) with what this ledger leaves out of that type.
    #[error("batch (type 0x76): {0}")]
    Batch(#[from] BatchError),
    /// The signature gives no sender.
    #[error("no sender: {0}")]
    BadSignature(#[from] SignatureError),
}

/// A decoded transaction. Shared by pool, blocks and receipts, so that decoding, hashing and sender
/// recovery each happen once.
#[derive(Debug)]
pub struct Tx {
    envelope: Envelope,
    hash: B256,
    raw: Bytes,
    sender: OnceLock<Result<Address, SignatureError>>,
}

impl Tx {
    /// Decodes an EIP-2718 envelope of one of the accepted types ([`TxType`], without blobs). The sender
    /// is not recovered yet.
    ///
    /// # Errors
    /// - [`TxError::Malformed`]: not exactly one transaction.
    /// - [`TxError::UnsupportedType`]: a blob transaction.
    /// - [`TxError::Batch`]: a batch outside of the accepted subset.
    pub fn decode(raw: Bytes) -> Result<Arc<Self>, TxError> {
        let mut rest = raw.as_ref();
        let envelope = Envelope::decode_2718(&mut rest)?;
        if !rest.is_empty() {
            return Err(TxError::Malformed(format!("{} bytes too many", rest.len())));
        }
        if envelope.tx_type() == TxType::Eip4844 {
            return Err(TxError::UnsupportedType(3));
        }
        let hash = keccak256(&raw);
        Ok(Arc::new(Self { envelope, hash, raw, sender: OnceLock::new() }))
    }

    /// Wraps an envelope that was made here rather than received.
    pub fn from_envelope(envelope: impl Into<Envelope>) -> Arc<Self> {
        let envelope = envelope.into();
        let raw = Bytes::from(envelope.encoded_2718());
        let hash = keccak256(&raw);
        Arc::new(Self { envelope, hash, raw, sender: OnceLock::new() })
    }

    /// The decoded envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The kind of key that signed.
    pub fn suite(&self) -> Suite {
        self.envelope.suite()
    }

    /// keccak256 of the EIP-2718 bytes.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// The EIP-2718 bytes as they were signed and sent.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Its bytes in a block: a legacy transaction is a list already, a typed one is wrapped as a string.
    pub fn encode_in_block(&self, out: &mut dyn BufMut) {
        if self.envelope.is_legacy() {
            out.put_slice(&self.raw);
        } else {
            self.raw.encode(out);
        }
    }

    /// Length of what [`Tx::encode_in_block`] writes.
    pub fn length_in_block(&self) -> usize {
        if self.envelope.is_legacy() { self.raw.len() } else { self.raw.length() }
    }

    /// The account that signed, where somebody has recovered it already.
    pub fn known_sender(&self) -> Option<Address> {
        self.sender.get().and_then(|sender| sender.ok())
    }

    /// Takes over a sender that was recovered from another copy of these bytes: one with the same hash,
    /// which covers the signature.
    pub fn assume_sender(&self, sender: Address) {
        // Somebody may have recovered it meanwhile, and it is the same.
        let _ = self.sender.set(Ok(sender));
    }

    /// The account that signed. The first call costs a curve operation (about 30 us; SM2 some 160), later ones
    /// nothing; call it from many threads at admission.
    ///
    /// # Errors
    /// - [`TxError::BadSignature`]: no sender, or a signature with a high `s`.
    pub fn sender(&self) -> Result<Address, TxError> {
        let sender = self.sender.get_or_init(|| self.envelope.recover_signer());
        (*sender).map_err(TxError::BadSignature)
    }
}
