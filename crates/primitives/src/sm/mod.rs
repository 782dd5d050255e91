//! The national algorithms of signing: SM3 (GB/T 32905, GM/T 0004) and SM2 signatures (GB/T 32918.2 on
//! the curve of GB/T 32918.5, GM/T 0003). The curve is `sm2`'s and the hash `sm3`'s, neither of them
//! independently audited; a node verifies public data only, so their timing gives nothing away.
//!
//! **Malleability.** From a valid (r, s) nobody but the holder of the key makes a second signature of
//! the same message: the verifier computes (x1, y1) = sG + (r+s)P and demands r = e + x1, so another s
//! must lead to -(x1, y1), and that s is -s - 2rd/(1+d), which takes the private key d. The negation
//! that makes ECDSA malleable does not verify here, and r and s are 32 bytes each below the order, so
//! that a valid signature has one form. The signer can sign anew, as with every scheme with a nonce:
//! that is another transaction with another hash and the same place in the account's order.

use alloy_primitives::{Address, B256, keccak256};
use sm2::{
    SecretKey,
    dsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer, Verifier, hazmat::PrehashVerifier},
    },
};
use sm3::{Digest, Sm3};

/// The identity of a signer who states none, by GM/T 0009.
pub const DEFAULT_ID: &str = "1234567812345678";

/// First byte of a transaction signed by SM2, and of what its sender's address is the hash of: no key of
/// another kind leads to the same address.
pub const SM2_TX_TYPE: u8 = 0x53;

/// SM3 of the data.
pub fn sm3(data: &[u8]) -> B256 {
    B256::from(<[u8; 32]>::from(Sm3::digest(data)))
}

/// A public key: the coordinates of a point, not yet judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sm2PublicKey {
    /// First coordinate, big-endian.
    pub x: B256,
    /// Second coordinate, big-endian.
    pub y: B256,
}

/// A signature, not yet judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sm2Signature {
    /// From 1 to the order less 1, big-endian.
    pub r: B256,
    /// From 1 to the order less 1, big-endian.
    pub s: B256,
}

impl Sm2PublicKey {
    /// The account of this key: the last 20 bytes of keccak256(0x53 || x || y).
    pub fn address(&self) -> Address {
        let mut bytes = [0u8; 65];
        bytes[0] = SM2_TX_TYPE;
        bytes[1..33].copy_from_slice(self.x.as_slice());
        bytes[33..].copy_from_slice(self.y.as_slice());
        Address::from_word(keccak256(bytes))
    }

    /// Whether this is the signature of a message by the standard's own way: e = SM3(ZA || message), where
    /// ZA binds the default identity, the curve and this key.
    ///
    /// False for a key that is no point of the curve and for r or s out of range, too. About five times the
    /// work of recovering a secp256k1 sender.
    pub fn verifies(&self, message: &[u8], signature: &Sm2Signature) -> bool {
        let (Some(key), Some(signature)) = (self.key(), signature.scalars()) else { return false };
        key.verify(message, &signature).is_ok()
    }

    /// [`Sm2PublicKey::verifies`] for one who has computed e.
    pub fn verifies_digest(&self, e: &B256, signature: &Sm2Signature) -> bool {
        let (Some(key), Some(signature)) = (self.key(), signature.scalars()) else { return false };
        key.verify_prehash(e.as_slice(), &signature).is_ok()
    }

    fn key(&self) -> Option<VerifyingKey> {
        let mut point = [0u8; 65];
        // The uncompressed form of SEC 1.
        point[0] = 0x04;
        point[1..33].copy_from_slice(self.x.as_slice());
        point[33..].copy_from_slice(self.y.as_slice());
        VerifyingKey::from_sec1_bytes(DEFAULT_ID, &point).ok()
    }
}

impl Sm2Signature {
    fn scalars(&self) -> Option<Signature> {
        Signature::from_scalars(self.r.0, self.s.0).ok()
    }
}

/// A private key that signs with the default identity: for tools, measurements and tests. A node has none.
pub struct Sm2Key(SigningKey);

impl Sm2Key {
    /// The key of 32 big-endian bytes; `None` for zero and from the order less 1 on.
    pub fn from_bytes(bytes: &B256) -> Option<Self> {
        let secret = SecretKey::from_slice(bytes.as_slice()).ok()?;
        let key = SigningKey::new(DEFAULT_ID, &secret).ok()?;
        // The library takes the order less 1, with which nothing can be signed (1 + d has no inverse).
        key.try_sign(&[]).is_ok().then_some(Self(key))
    }

    /// Its public half.
    pub fn public_key(&self) -> Sm2PublicKey {
        use sm2::elliptic_curve::point::AffineCoordinates;
        let point = self.0.verifying_key().as_affine();
        let (x, y): ([u8; 32], [u8; 32]) = (point.x().into(), point.y().into());
        Sm2PublicKey { x: x.into(), y: y.into() }
    }

    /// Signs a message; the nonce is derived from key and message as RFC 6979 says.
    pub fn sign(&self, message: &[u8]) -> Sm2Signature {
        let signature: Signature = self.0.sign(message);
        let (r, s): ([u8; 32], [u8; 32]) = (signature.r_bytes().into(), signature.s_bytes().into());
        Sm2Signature { r: r.into(), s: s.into() }
    }
}

#[cfg(test)]
mod tests;
