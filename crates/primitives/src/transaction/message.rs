//! Signatures over a message that is no transaction, such as a sign-in: the kinds that a batch carries, and
//! SM2's.

use alloy_primitives::{Address, B256, Bytes};

use super::{BatchError, BatchSignature, KeyKind, SignatureError};
use crate::{
    Suite,
    sm::{SM2_TX_TYPE, Sm2Key, Sm2PublicKey, Sm2Signature},
};

/// `r`, `s`, `x`, `y`.
const SM2_BYTES: usize = 128;

/// A signature over the hash of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageSignature {
    /// As in a transaction of type 0x76.
    Key(BatchSignature),
    /// `0x53 || r || s || x || y`; the hash is signed as a message, as in a transaction of type 0x53.
    Sm2 {
        /// The signature.
        signature: Sm2Signature,
        /// The key that made it.
        key: Sm2PublicKey,
    },
}

/// Who signed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The account that signed, or for which a key says to have signed.
    pub account: Address,
    /// The key that signed for it and how it signs; `None` where the account's own did.
    pub key: Option<(Address, KeyKind)>,
    /// Kind of the key.
    pub suite: Suite,
}

impl MessageSignature {
    /// Reads a signature.
    ///
    /// # Errors
    /// As [`BatchSignature::from_bytes`]; [`BatchError::SignatureLength`] for an SM2 signature of another
    /// length than 129 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BatchError> {
        let sm2 = bytes.strip_prefix(&[SM2_TX_TYPE]).filter(|rest| rest.len() != 64);
        let Some(rest) = sm2 else { return BatchSignature::from_bytes(bytes).map(Self::Key) };
        let numbers = <&[u8; SM2_BYTES]>::try_from(rest)
            .map_err(|_| BatchError::SignatureLength(bytes.len()))?;
        let word = |at: usize| B256::from_slice(&numbers[32 * at..32 * (at + 1)]);
        Ok(Self::Sm2 {
            signature: Sm2Signature { r: word(0), s: word(1) },
            key: Sm2PublicKey { x: word(2), y: word(3) },
        })
    }

    /// What [`MessageSignature::from_bytes`] reads.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Key(signature) => signature.to_bytes(),
            Self::Sm2 { signature, key } => {
                let numbers = [signature.r, signature.s, key.x, key.y].concat();
                [&[SM2_TX_TYPE][..], &numbers].concat().into()
            }
        }
    }

    /// Signs a hash with an SM2 key.
    pub fn by_sm2(key: &Sm2Key, hash: B256) -> Self {
        Self::Sm2 { signature: key.sign(hash.as_slice()), key: key.public_key() }
    }

    /// Who signed this hash. Whether a key may sign for its account is the ledger's to say, from the state.
    ///
    /// # Errors
    /// - [`SignatureError`]: what is wrong with the signature.
    pub fn signer(&self, hash: B256) -> Result<Signer, SignatureError> {
        match self {
            Self::Key(signature) => {
                let account = signature.recover(hash)?;
                let kind = signature.kind();
                let key = signature.key_of_account(hash)?.map(|key| (key, kind));
                Ok(Signer { account, key, suite: kind.suite() })
            }
            Self::Sm2 { signature, key } if key.verifies(hash.as_slice(), signature) => {
                Ok(Signer { account: key.address(), key: None, suite: Suite::Sm2 })
            }
            Self::Sm2 { .. } => Err(SignatureError::Sm2),
        }
    }
}
