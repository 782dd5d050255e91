//! Type 0x53: an EIP-1559 transaction signed by SM2. The fields are those of type 2, then `r`, `s`, `x`, `y`
//! as strings of 32 bytes each: numbers without a sign, one way to write each.
//!
//! The message that SM2 signs is the 32-byte hash that a wallet would sign in a type 2 transaction, with this
//! type's first byte: keccak256(0x53 || rlp(fields)). It is signed as a message (ZA of the default identity,
//! SM3), so that any tool for SM2 can sign and verify it.

use alloy_consensus::{
    TxEip1559,
    transaction::{RlpEcdsaDecodableTx, RlpEcdsaEncodableTx},
};
use alloy_primitives::{Address, B256, keccak256};
use alloy_rlp::{BufMut, Decodable, Encodable, Header};

use super::{SignatureError, TxError};
use crate::sm::{SM2_TX_TYPE, Sm2Key, Sm2PublicKey, Sm2Signature};

/// Bytes of one number: its length and 32 bytes.
const NUMBER: usize = 33;

/// A transaction of type 0x53.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSm2 {
    /// What is signed.
    pub tx: TxEip1559,
    /// The signature.
    pub signature: Sm2Signature,
    /// The key that made it: SM2 gives no key back.
    pub key: Sm2PublicKey,
}

impl SignedSm2 {
    /// The first byte.
    pub const TYPE: u8 = SM2_TX_TYPE;

    /// What is signed as a message: keccak256(0x53 || rlp(fields)).
    pub fn signing_hash(tx: &TxEip1559) -> B256 {
        let mut out = Vec::with_capacity(tx.rlp_encoded_length() + 1);
        out.put_u8(Self::TYPE);
        tx.rlp_encode(&mut out);
        keccak256(out)
    }

    /// Signs a transaction.
    pub fn sign(tx: TxEip1559, key: &Sm2Key) -> Self {
        let signature = key.sign(Self::signing_hash(&tx).as_slice());
        Self { tx, signature, key: key.public_key() }
    }

    /// The bytes that are sent: `0x53 || rlp(fields, r, s, x, y)`.
    pub fn encoded_2718(&self) -> Vec<u8> {
        let payload_length = self.tx.rlp_encoded_fields_length() + 4 * NUMBER;
        let mut out = Vec::with_capacity(payload_length + 6);
        out.push(Self::TYPE);
        Header { list: true, payload_length }.encode(&mut out);
        self.tx.rlp_encode_fields(&mut out);
        for number in [self.signature.r, self.signature.s, self.key.x, self.key.y] {
            number.encode(&mut out);
        }
        out
    }

    /// Decodes what follows the first byte, and leaves what follows the transaction.
    ///
    /// # Errors
    /// - [`TxError::Malformed`]: the RLP is broken or not canonical, a number has not 32 bytes.
    pub fn decode(buf: &mut &[u8]) -> Result<Self, TxError> {
        Self::decode_rlp(buf).map_err(|error| TxError::Malformed(error.to_string()))
    }

    fn decode_rlp(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let mut payload = Header::decode_bytes(buf, true)?;
        let tx = TxEip1559::rlp_decode_fields(&mut payload)?;
        let mut number = || B256::decode(&mut payload);
        let signature = Sm2Signature { r: number()?, s: number()? };
        let key = Sm2PublicKey { x: number()?, y: number()? };
        if !payload.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength);
        }
        Ok(Self { tx, signature, key })
    }

    /// The account that signed.
    ///
    /// # Errors
    /// - [`SignatureError::Sm2`]: the key is no point of the curve, a number is out of range, or the
    ///   signature was made with another key or for other bytes.
    pub fn recover_signer(&self) -> Result<Address, SignatureError> {
        if !self.key.verifies(Self::signing_hash(&self.tx).as_slice(), &self.signature) {
            return Err(SignatureError::Sm2);
        }
        Ok(self.key.address())
    }
}

#[cfg(test)]
mod tests;
