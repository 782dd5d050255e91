//! The certificate that makes a block final: its bytes and how to check it without the engine.

use alloy_primitives::{B256, Bytes};
use ed25519_zebra::{Signature, VerificationKey};

/// Suffix that separates votes to finalize from the two other kinds of vote.
const FINALIZE: &[u8] = b"_FINALIZE";
/// Largest committee a certificate may speak of. Bounds what a decoder allocates.
const MAX_COMMITTEE: u64 = 4096;
/// Bytes of one Ed25519 signature.
const SIGNATURE: usize = 64;

/// Proof that a quorum of validators finalized one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finality {
    /// Epoch of the committee that signed.
    pub epoch: u64,
    /// View in which the block was proposed. Views are not heights: a view may end without a block.
    pub view: u64,
    /// View of the parent block.
    pub parent_view: u64,
    /// Hash of the final block: keccak256 of its header.
    pub digest: B256,
    /// Size of the committee.
    pub size: u32,
    /// Who signed: places in the committee sorted by key bytes, ascending.
    pub signers: Vec<u32>,
    /// One signature for each entry of `signers`, in the same order.
    pub signatures: Vec<[u8; 64]>,
    /// The certificate as sent and stored: varint epoch, view and parent view, 32 bytes digest, then
    /// the signers as a bitmap (8 bytes big-endian length in bits, bits from the lowest), varint
    /// count and 64 bytes for each signature.
    pub encoded: Bytes,
}

/// Bytes that are not a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalityDecodeError {
    /// The bytes end too early.
    #[error("the certificate is cut off")]
    Truncated,
    /// A number does not fit or is not in its shortest form.
    #[error("a number in the certificate is malformed")]
    Varint,
    /// The bitmap is longer than any committee, or has bits beyond its length.
    #[error("the list of signers is malformed")]
    Signers,
    /// The number of signatures differs from the number of signers.
    #[error("{signers} signers but {signatures} signatures")]
    Count {
        /// Bits set in the bitmap.
        signers: usize,
        /// Announced signatures.
        signatures: u64,
    },
    /// Bytes are left over.
    #[error("{0} bytes too many")]
    Trailing(usize),
}

/// A certificate that proves nothing for the given committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinalityError {
    /// The committee is empty, names a key twice, or holds something that is no Ed25519 key.
    #[error("the committee is malformed")]
    Committee,
    /// The certificate speaks of a committee of another size.
    #[error("made by a committee of {certificate}, not of {committee}")]
    Size {
        /// Size in the certificate.
        certificate: usize,
        /// Validators of the committee.
        committee: usize,
    },
    /// `signers` and `signatures` differ in length.
    #[error("{signers} signers but {signatures} signatures")]
    Count {
        /// Length of `signers`.
        signers: usize,
        /// Length of `signatures`.
        signatures: usize,
    },
    /// A signer is outside the committee.
    #[error("signer {0} is not in the committee")]
    UnknownSigner(u32),
    /// A signer appears twice, or the signers are not in ascending order.
    #[error("signer {0} is repeated or out of order")]
    RepeatedSigner(u32),
    /// Fewer signatures than a quorum.
    #[error("{signatures} of the {quorum} signatures needed")]
    NoQuorum {
        /// Distinct signers.
        signatures: usize,
        /// Signatures needed.
        quorum: usize,
    },
    /// A signature is not by its signer over this chain, epoch, view and block.
    #[error("the signature of signer {0} is wrong")]
    BadSignature(u32),
}

/// What every signature of a chain is bound to, so that none is valid on another chain: `TULOU`,
/// the chain id as 8 bytes big-endian, and the hash of the genesis block.
pub fn namespace(chain_id: u64, genesis: B256) -> Vec<u8> {
    [b"TULOU".as_slice(), &chain_id.to_be_bytes(), genesis.as_slice()].concat()
}

/// Signatures needed of a committee of `n`: `n - floor((n - 1) / 3)`; 0 for an empty one.
pub fn quorum(n: usize) -> usize {
    n - n.saturating_sub(1) / 3
}

impl Finality {
    /// Decodes a certificate. Checks its form only: see [`Finality::verify`].
    ///
    /// # Errors
    /// [`FinalityDecodeError`], at the first byte that does not fit.
    pub fn decode(bytes: &[u8]) -> Result<Self, FinalityDecodeError> {
        let mut rest = bytes;
        let epoch = varint(&mut rest)?;
        let view = varint(&mut rest)?;
        let parent_view = varint(&mut rest)?;
        let digest = B256::from_slice(take(&mut rest, 32)?);
        let (size, signers) = bitmap(&mut rest)?;
        let count = varint(&mut rest)?;
        if count != signers.len() as u64 {
            return Err(FinalityDecodeError::Count { signers: signers.len(), signatures: count });
        }
        let mut signatures = Vec::with_capacity(signers.len());
        for _ in &signers {
            let mut signature = [0; SIGNATURE];
            signature.copy_from_slice(take(&mut rest, SIGNATURE)?);
            signatures.push(signature);
        }
        if !rest.is_empty() {
            return Err(FinalityDecodeError::Trailing(rest.len()));
        }
        let encoded = Bytes::copy_from_slice(bytes);
        Ok(Self { epoch, view, parent_view, digest, size, signers, signatures, encoded })
    }

    /// The bytes every signer signed: length of the namespace, namespace, then the first part of
    /// the certificate up to and including the digest.
    pub fn signed_message(&self, namespace: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(namespace.len() + FINALIZE.len() + 64);
        put_varint(&mut out, (namespace.len() + FINALIZE.len()) as u64);
        out.extend_from_slice(namespace);
        out.extend_from_slice(FINALIZE);
        self.put_proposal(&mut out);
        out
    }

    /// Checks that a quorum of `validators` signed. `namespace` is that of [`namespace()`];
    /// `validators` are the keys of the committee of `self.epoch`, in any order. Whether the
    /// committee is the right one for the epoch is for the caller to know. Signatures are judged by
    /// the rules of ZIP 215, as the engine judges them, so that no two checkers disagree.
    ///
    /// # Errors
    /// In this order: [`FinalityError::Committee`], [`FinalityError::Size`], [`FinalityError::Count`],
    /// [`FinalityError::UnknownSigner`] or [`FinalityError::RepeatedSigner`] at the first such
    /// signer, [`FinalityError::NoQuorum`], [`FinalityError::BadSignature`].
    pub fn verify(&self, namespace: &[u8], validators: &[B256]) -> Result<(), FinalityError> {
        let mut keys = validators.to_vec();
        keys.sort_unstable();
        if keys.is_empty() || keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(FinalityError::Committee);
        }
        let keys = keys
            .iter()
            .map(|key| VerificationKey::try_from(key.0).map_err(|_| FinalityError::Committee))
            .collect::<Result<Vec<_>, _>>()?;
        let (certificate, committee) = (self.size as usize, keys.len());
        if certificate != committee {
            return Err(FinalityError::Size { certificate, committee });
        }
        let (signers, signatures) = (self.signers.len(), self.signatures.len());
        if signers != signatures {
            return Err(FinalityError::Count { signers, signatures });
        }
        let mut last = None;
        for &signer in &self.signers {
            if signer as usize >= keys.len() {
                return Err(FinalityError::UnknownSigner(signer));
            }
            if last.is_some_and(|last| last >= signer) {
                return Err(FinalityError::RepeatedSigner(signer));
            }
            last = Some(signer);
        }
        let quorum = quorum(keys.len());
        if signatures < quorum {
            return Err(FinalityError::NoQuorum { signatures, quorum });
        }
        let message = self.signed_message(namespace);
        for (&signer, signature) in self.signers.iter().zip(&self.signatures) {
            let signature = Signature::from(*signature);
            if keys[signer as usize].verify(&signature, &message).is_err() {
                return Err(FinalityError::BadSignature(signer));
            }
        }
        Ok(())
    }

    fn put_proposal(&self, out: &mut Vec<u8>) {
        put_varint(out, self.epoch);
        put_varint(out, self.view);
        put_varint(out, self.parent_view);
        out.extend_from_slice(self.digest.as_slice());
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], FinalityDecodeError> {
    let (head, tail) = rest.split_at_checked(len).ok_or(FinalityDecodeError::Truncated)?;
    *rest = tail;
    Ok(head)
}

/// Seven bits a byte, lowest first, the high bit on every byte but the last, shortest form only.
pub(crate) fn varint(rest: &mut &[u8]) -> Result<u64, FinalityDecodeError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        let bits = u64::from(byte & 0x7f);
        let overflows = shift == 63 && bits > 1;
        let padded = shift > 0 && byte == 0;
        if overflows || padded {
            return Err(FinalityDecodeError::Varint);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(FinalityDecodeError::Varint)
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Size of the committee, and the places of the signers.
fn bitmap(rest: &mut &[u8]) -> Result<(u32, Vec<u32>), FinalityDecodeError> {
    let mut len = [0; 8];
    len.copy_from_slice(take(rest, 8)?);
    let len = u64::from_be_bytes(len);
    if len > MAX_COMMITTEE {
        return Err(FinalityDecodeError::Signers);
    }
    let bits = take(rest, len.div_ceil(8) as usize)?;
    let mut signers = Vec::new();
    for place in 0..bits.len() as u64 * 8 {
        if bits[(place / 8) as usize] >> (place % 8) & 1 == 1 {
            if place >= len {
                return Err(FinalityDecodeError::Signers);
            }
            signers.push(place as u32);
        }
    }
    Ok((len as u32, signers))
}
