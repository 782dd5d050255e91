//! The types of transaction that this ledger keeps.

use alloy_consensus::{
    Transaction, TxEnvelope, TxType as EthereumType, Typed2718, transaction::SignerRecoverable,
};
use alloy_eips::{Decodable2718, Encodable2718, eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};

use super::{SignatureError, SignedBatch, SignedSm2, TxError, Window};
use crate::Suite;

/// The first byte of a typed transaction and of its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TxType {
    /// Before EIP-2718: no byte at all.
    Legacy = 0,
    /// With an access list.
    Eip2930 = 1,
    /// With a tip and a cap on the fee.
    Eip1559 = 2,
    /// With blobs. Only in chains that are replayed.
    Eip4844 = 3,
    /// With authorizations to act as code.
    Eip7702 = 4,
    /// One call, signed by SM2.
    Sm2 = 0x53,
    /// Several calls, signed by a passkey or another key.
    Batch = 0x76,
}

impl TxType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Legacy,
        Self::Eip2930,
        Self::Eip1559,
        Self::Eip4844,
        Self::Eip7702,
        Self::Sm2,
        Self::Batch,
    ];
}

impl From<TxType> for u8 {
    fn from(kind: TxType) -> Self {
        kind as Self
    }
}

impl TryFrom<u8> for TxType {
    type Error = TxError;

    fn try_from(byte: u8) -> Result<Self, TxError> {
        let known = Self::ALL.into_iter().find(|kind| *kind as u8 == byte);
        known.ok_or(TxError::UnsupportedType(byte))
    }
}

impl From<EthereumType> for TxType {
    fn from(kind: EthereumType) -> Self {
        match kind {
            EthereumType::Legacy => Self::Legacy,
            EthereumType::Eip2930 => Self::Eip2930,
            EthereumType::Eip1559 => Self::Eip1559,
            EthereumType::Eip4844 => Self::Eip4844,
            EthereumType::Eip7702 => Self::Eip7702,
        }
    }
}

/// A signed transaction of any type. What is rare is boxed, so that Ethereum's own are no larger here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a box around Ethereum's own would cost an allocation each"
)]
pub enum Envelope {
    /// One of Ethereum's own types.
    Ethereum(TxEnvelope),
    /// Type 0x53.
    Sm2(Box<SignedSm2>),
    /// Type 0x76.
    Batch(Box<SignedBatch>),
}

/// Asks the transaction inside, whichever it is.
macro_rules! inside {
    ($envelope:expr, $tx:ident => $answer:expr) => {
        match $envelope {
            Envelope::Ethereum($tx) => $answer,
            Envelope::Sm2(signed) => {
                let $tx = &signed.tx;
                $answer
            }
            Envelope::Batch($tx) => $answer,
        }
    };
}

impl Envelope {
    /// Decodes one transaction and leaves what follows it.
    ///
    /// # Errors
    /// - [`TxError::Malformed`]: no transaction begins here.
    /// - [`TxError::Batch`]: a batch outside of the accepted subset.
    pub fn decode_2718(buf: &mut &[u8]) -> Result<Self, TxError> {
        if let [SignedBatch::TYPE, rest @ ..] = *buf {
            *buf = rest;
            return Ok(Self::Batch(Box::new(SignedBatch::decode(buf)?)));
        }
        if let [SignedSm2::TYPE, rest @ ..] = *buf {
            *buf = rest;
            return Ok(Self::Sm2(Box::new(SignedSm2::decode(buf)?)));
        }
        TxEnvelope::decode_2718(buf)
            .map(Self::Ethereum)
            .map_err(|error| TxError::Malformed(error.to_string()))
    }

    /// The bytes that were signed and sent.
    pub fn encoded_2718(&self) -> Vec<u8> {
        match self {
            Self::Ethereum(tx) => tx.encoded_2718(),
            Self::Sm2(tx) => tx.encoded_2718(),
            Self::Batch(tx) => tx.encoded_2718(),
        }
    }

    /// Its type.
    pub fn tx_type(&self) -> TxType {
        match self {
            Self::Ethereum(tx) => tx.tx_type().into(),
            Self::Sm2(_) => TxType::Sm2,
            Self::Batch(_) => TxType::Batch,
        }
    }

    /// Whether it is of the type without a byte.
    pub fn is_legacy(&self) -> bool {
        matches!(self, Self::Ethereum(tx) if tx.is_legacy())
    }

    /// The batch, where it is one.
    pub fn as_batch(&self) -> Option<&SignedBatch> {
        match self {
            Self::Batch(batch) => Some(batch),
            Self::Ethereum(_) | Self::Sm2(_) => None,
        }
    }

    /// Whether every one of its calls goes where `is` says yes. A creation goes nowhere.
    pub fn all_to(&self, is: impl Fn(&Address) -> bool) -> bool {
        match self {
            Self::Batch(signed) => signed.batch.calls.iter().all(|call| is(&call.to)),
            Self::Ethereum(_) | Self::Sm2(_) => self.to().is_some_and(|to| is(&to)),
        }
    }

    /// When it may be in a block, where it says so.
    pub fn window(&self) -> Option<Window> {
        self.as_batch().map(|signed| signed.batch.window)
    }

    /// Wei that all of its calls move together, capped at the largest number.
    pub fn total_value(&self) -> U256 {
        match self {
            Self::Ethereum(tx) => tx.value(),
            Self::Sm2(signed) => signed.tx.value,
            Self::Batch(signed) => signed.batch.total_value(),
        }
    }

    /// The account that signed.
    ///
    /// # Errors
    /// - [`SignatureError`]: what is wrong with the signature.
    pub fn recover_signer(&self) -> Result<Address, SignatureError> {
        match self {
            Self::Ethereum(tx) => tx.recover_signer().map_err(|_| SignatureError::NoAccount),
            Self::Sm2(signed) => signed.recover_signer(),
            Self::Batch(signed) => signed.recover_signer(),
        }
    }

    /// The kind of key that signed.
    pub fn suite(&self) -> Suite {
        match self {
            Self::Ethereum(_) => Suite::Secp256k1,
            Self::Sm2(_) => Suite::Sm2,
            Self::Batch(signed) => signed.signature.kind().suite(),
        }
    }
}

impl From<TxEnvelope> for Envelope {
    fn from(tx: TxEnvelope) -> Self {
        Self::Ethereum(tx)
    }
}

impl From<SignedSm2> for Envelope {
    fn from(tx: SignedSm2) -> Self {
        Self::Sm2(Box::new(tx))
    }
}

impl From<SignedBatch> for Envelope {
    fn from(batch: SignedBatch) -> Self {
        Self::Batch(Box::new(batch))
    }
}

impl Typed2718 for Envelope {
    fn ty(&self) -> u8 {
        self.tx_type() as u8
    }
}

impl Transaction for Envelope {
    fn chain_id(&self) -> Option<u64> {
        inside!(self, tx => tx.chain_id())
    }
    fn nonce(&self) -> u64 {
        inside!(self, tx => tx.nonce())
    }
    fn gas_limit(&self) -> u64 {
        inside!(self, tx => tx.gas_limit())
    }
    fn gas_price(&self) -> Option<u128> {
        inside!(self, tx => tx.gas_price())
    }
    fn max_fee_per_gas(&self) -> u128 {
        inside!(self, tx => tx.max_fee_per_gas())
    }
    fn max_priority_fee_per_gas(&self) -> Option<u128> {
        inside!(self, tx => tx.max_priority_fee_per_gas())
    }
    fn max_fee_per_blob_gas(&self) -> Option<u128> {
        inside!(self, tx => tx.max_fee_per_blob_gas())
    }
    fn priority_fee_or_price(&self) -> u128 {
        inside!(self, tx => tx.priority_fee_or_price())
    }
    fn effective_gas_price(&self, base_fee: Option<u64>) -> u128 {
        inside!(self, tx => tx.effective_gas_price(base_fee))
    }
    fn is_dynamic_fee(&self) -> bool {
        inside!(self, tx => tx.is_dynamic_fee())
    }
    fn kind(&self) -> TxKind {
        inside!(self, tx => tx.kind())
    }
    fn is_create(&self) -> bool {
        inside!(self, tx => tx.is_create())
    }
    fn value(&self) -> U256 {
        inside!(self, tx => tx.value())
    }
    fn input(&self) -> &Bytes {
        inside!(self, tx => tx.input())
    }
    fn access_list(&self) -> Option<&AccessList> {
        inside!(self, tx => tx.access_list())
    }
    fn blob_versioned_hashes(&self) -> Option<&[B256]> {
        inside!(self, tx => tx.blob_versioned_hashes())
    }
    fn authorization_list(&self) -> Option<&[SignedAuthorization]> {
        inside!(self, tx => tx.authorization_list())
    }
}
