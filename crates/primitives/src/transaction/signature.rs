//! The signatures that a batch may carry. P-256 gives no key back, so the public key travels along, and
//! the account is the end of its hash.

use alloy_consensus::crypto::secp256k1;
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256, uint};
use aws_lc_rs::{
    digest::{self, Digest, SHA256},
    signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::BatchError;
use crate::Suite;

const SECP256K1_BYTES: usize = 65;
const P256: u8 = 0x01;
const WEBAUTHN: u8 = 0x02;
const KEYCHAIN: u8 = 0x04;
/// The account's address before a key's own signature.
const ACCOUNT_BYTES: usize = 20;
/// `r`, `s`, `x`, `y`.
const P256_BYTES: usize = 128;
/// Most bytes of a WebAuthn signature after its kind.
const WEBAUTHN_BYTES_MAX: usize = 2_048;

/// Half of the order of P-256, rounded down: the highest `s` of the two that verify.
const P256_HALF: U256 =
    uint!(0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8_U256);

/// Authenticator data without extensions: hash of the site's id, flags, counter.
const AUTHENTICATOR_BYTES: usize = 37;
const FLAGS_AT: usize = 32;
/// The person was there, or was recognised.
const PRESENT_OR_VERIFIED: u8 = 0x01 | 0x04;
/// Data of a new key follows: nothing that signs a login does that.
const ATTESTED: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Why a signature gives no account. WebAuthn's in the order in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// secp256k1: no key is recovered, or `s` is in the upper half.
    #[error("the signature does not recover an account")]
    NoAccount,
    /// The authenticator's data or the client's are cut short.
    #[error("WebAuthn: {0} bytes are too few for authenticator data and client data")]
    Short(usize),
    /// Neither presence nor verification of a person.
    #[error("WebAuthn: neither the UP nor the UV flag is set")]
    NoPerson,
    /// The authenticator registered a key instead of signing.
    #[error("WebAuthn: the AT flag is set")]
    Attested,
    /// Extensions would follow.
    #[error("WebAuthn: the ED flag is set")]
    Extensions,
    /// The client's data are not the JSON that they should be.
    #[error("WebAuthn: the client data are not JSON with a type and a challenge")]
    ClientData,
    /// Made for something else than a login.
    #[error("WebAuthn: the client data's type is not \"webauthn.get\"")]
    WrongType,
    /// Made for other bytes.
    #[error("WebAuthn: the challenge is not the hash of this transaction")]
    WrongChallenge,
    /// P-256: the other `s` is the one that counts.
    #[error("P-256: s is in the upper half")]
    HighS,
    /// P-256: the public key is no point of the curve.
    #[error("P-256: the public key is not on the curve")]
    BadKey,
    /// SM2: the key is no point of the curve, a number is out of range, or made with another key or for
    /// other bytes.
    #[error("SM2: the signature does not verify")]
    Sm2,
    /// P-256: made with another key or for other bytes.
    #[error("P-256: the signature does not verify")]
    Forged,
}

/// A P-256 signature with the key that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct P256Signature {
    /// First half.
    pub r: B256,
    /// Second half, the lower one of the two that verify.
    pub s: B256,
    /// The public key's first coordinate.
    pub x: B256,
    /// The public key's second coordinate.
    pub y: B256,
}

/// The signature of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchSignature {
    /// 65 bytes: `r || s || v`, with v 27 or 28.
    Secp256k1(Signature),
    /// `0x01 || r || s || x || y || prehash`.
    P256 {
        /// Signature and key.
        signature: P256Signature,
        /// Whether sha256 of the hash was signed, as WebCrypto does, and not the hash itself.
        prehash: bool,
    },
    /// `0x02 || authenticator data || client data || r || s || x || y`.
    WebAuthn {
        /// Authenticator data (37 bytes) and client data (JSON).
        data: Bytes,
        /// Signature and key.
        signature: P256Signature,
    },
    /// `0x04 || account || signature`: a key of the account signs for it, by one of the kinds above. Whether
    /// it may is the ledger's to say, from the state.
    Keychain {
        /// For whom the key signs.
        account: Address,
        /// The key's signature over `keccak256(0x04 || hash || account)`: good for this account alone.
        inner: Box<Self>,
    },
}

/// How a key signs; a signature of a keychain counts as its inner one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// secp256k1.
    Secp256k1,
    /// P-256.
    P256,
    /// WebAuthn.
    WebAuthn,
}

impl KeyKind {
    /// The kind of key, as the council opens and closes them.
    pub fn suite(self) -> Suite {
        match self {
            Self::Secp256k1 => Suite::Secp256k1,
            Self::P256 | Self::WebAuthn => Suite::P256,
        }
    }
}

impl BatchSignature {
    /// Reads a signature. Of the ways to write it only one is taken, so that nobody can give a
    /// transaction a second hash.
    ///
    /// # Errors
    /// - [`BatchError::SignatureLength`]: no bytes, or of the wrong number for their kind.
    /// - [`BatchError::SignatureKind`]: a kind that is not accepted.
    /// - [`BatchError::SignatureByte`]: the last byte is not one of two.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BatchError> {
        let wrong_length = BatchError::SignatureLength(bytes.len());
        if bytes.len() == SECP256K1_BYTES {
            let v = bytes[64];
            if v != 27 && v != 28 {
                return Err(BatchError::SignatureByte(v, "27 or 28"));
            }
            return Ok(Self::Secp256k1(Signature::from_bytes_and_parity(bytes, v == 28)));
        }
        let (kind, rest) = bytes.split_first().ok_or(wrong_length)?;
        match *kind {
            P256 => {
                let (signature, prehash) =
                    rest.split_first_chunk::<P256_BYTES>().ok_or(wrong_length)?;
                let signature = P256Signature::from_array(signature);
                match *prehash {
                    [byte @ (0 | 1)] => Ok(Self::P256 { signature, prehash: byte == 1 }),
                    [byte] => Err(BatchError::SignatureByte(byte, "0 or 1")),
                    _ => Err(wrong_length),
                }
            }
            WEBAUTHN if rest.len() > WEBAUTHN_BYTES_MAX => Err(wrong_length),
            WEBAUTHN => {
                let (data, signature) =
                    rest.split_last_chunk::<P256_BYTES>().ok_or(wrong_length)?;
                let signature = P256Signature::from_array(signature);
                Ok(Self::WebAuthn { data: Bytes::copy_from_slice(data), signature })
            }
            KEYCHAIN => {
                let (account, inner) =
                    rest.split_first_chunk::<ACCOUNT_BYTES>().ok_or(wrong_length)?;
                if inner.first() == Some(&KEYCHAIN) && inner.len() != SECP256K1_BYTES {
                    return Err(BatchError::SignatureKind(KEYCHAIN));
                }
                let inner = Box::new(Self::from_bytes(inner)?);
                Ok(Self::Keychain { account: account.into(), inner })
            }
            kind => Err(BatchError::SignatureKind(kind)),
        }
    }

    /// What [`BatchSignature::from_bytes`] reads.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Secp256k1(signature) => Bytes::copy_from_slice(&signature.as_bytes()),
            Self::P256 { signature, prehash } => {
                let prehash = [u8::from(*prehash)];
                [&[P256][..], &signature.to_array(), &prehash].concat().into()
            }
            Self::WebAuthn { data, signature } => {
                [&[WEBAUTHN][..], data, &signature.to_array()].concat().into()
            }
            Self::Keychain { account, inner } => {
                [&[KEYCHAIN][..], account.as_slice(), &inner.to_bytes()].concat().into()
            }
        }
    }

    /// How the key signs.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Secp256k1(_) => KeyKind::Secp256k1,
            Self::P256 { .. } => KeyKind::P256,
            Self::WebAuthn { .. } => KeyKind::WebAuthn,
            Self::Keychain { inner, .. } => inner.kind(),
        }
    }

    /// The key that signed this hash on behalf of an account; `None` where the account itself signed. For
    /// a signature that was found good before: a P-256 key is read off and not verified again.
    ///
    /// # Errors
    /// - [`SignatureError::NoAccount`]: secp256k1 gives no key.
    pub fn key_of_account(&self, hash: B256) -> Result<Option<Address>, SignatureError> {
        let Self::Keychain { account, inner } = self else { return Ok(None) };
        match &**inner {
            Self::P256 { signature, .. } | Self::WebAuthn { signature, .. } => {
                Ok(Some(signature.account()))
            }
            other => other.recover(keychain_hash(hash, *account)).map(Some),
        }
    }

    /// The account that signed this hash, or for which a key of its says to have signed.
    ///
    /// # Errors
    /// - [`SignatureError`]: what is wrong with the signature.
    pub fn recover(&self, hash: B256) -> Result<Address, SignatureError> {
        match self {
            Self::Secp256k1(signature) => {
                secp256k1::recover_signer(signature, hash).map_err(|_| SignatureError::NoAccount)
            }
            Self::P256 { signature, prehash } => {
                let hash = if *prehash { sha256(&[hash.as_slice()]) } else { hash };
                signature.verify(hash)
            }
            Self::WebAuthn { data, signature } => signature.verify(webauthn_message(data, hash)?),
            Self::Keychain { account, inner } => {
                inner.recover(keychain_hash(hash, *account)).map(|_| *account)
            }
        }
    }
}

/// What a key signs on behalf of an account.
fn keychain_hash(hash: B256, account: Address) -> B256 {
    keccak256([&[KEYCHAIN][..], hash.as_slice(), account.as_slice()].concat())
}

impl P256Signature {
    fn from_array(bytes: &[u8; P256_BYTES]) -> Self {
        let word = |at: usize| B256::from_slice(&bytes[32 * at..32 * (at + 1)]);
        Self { r: word(0), s: word(1), x: word(2), y: word(3) }
    }

    fn to_array(self) -> [u8; P256_BYTES] {
        let mut out = [0; P256_BYTES];
        for (place, word) in out.chunks_exact_mut(32).zip([self.r, self.s, self.x, self.y]) {
            place.copy_from_slice(word.as_slice());
        }
        out
    }

    /// The account of the key: the end of the hash of its coordinates, as Ethereum takes it of its own.
    pub fn account(&self) -> Address {
        let mut key = [0; 64];
        key[..32].copy_from_slice(self.x.as_slice());
        key[32..].copy_from_slice(self.y.as_slice());
        Address::from_slice(&keccak256(key)[12..])
    }

    /// The account, if its key signed this hash.
    fn verify(&self, hash: B256) -> Result<Address, SignatureError> {
        if U256::from_be_bytes(self.s.0) > P256_HALF {
            return Err(SignatureError::HighS);
        }
        let bytes = self.to_array();
        let mut point = [0x04; 65];
        point[1..].copy_from_slice(&bytes[64..]);
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| SignatureError::BadKey)?;
        let digest = Digest::import_less_safe(hash.as_slice(), &SHA256)
            .map_err(|_| SignatureError::Forged)?;
        key.verify_digest_sig(&digest, &bytes[..64]).map_err(|_| SignatureError::Forged)?;
        Ok(self.account())
    }
}

fn sha256(parts: &[&[u8]]) -> B256 {
    let mut context = digest::Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    B256::from_slice(context.finish().as_ref())
}

/// What of the client's data is looked at. Both must be plain: an escape in them is refused.
#[derive(Deserialize)]
struct ClientData<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    challenge: &'a str,
}

/// The message that an authenticator signs for this hash, if its data are as they should be. For which
/// site it was asked is not looked at: the ledger has none.
fn webauthn_message(data: &[u8], hash: B256) -> Result<B256, SignatureError> {
    let short = SignatureError::Short(data.len());
    let (authenticator, client) =
        data.split_at_checked(AUTHENTICATOR_BYTES).filter(|cut| cut.1.len() >= 32).ok_or(short)?;
    let flags = authenticator[FLAGS_AT];
    if flags & PRESENT_OR_VERIFIED == 0 {
        return Err(SignatureError::NoPerson);
    }
    if flags & ATTESTED != 0 {
        return Err(SignatureError::Attested);
    }
    if flags & EXTENSIONS != 0 {
        return Err(SignatureError::Extensions);
    }
    let told: ClientData<'_> =
        serde_json::from_slice(client).map_err(|_| SignatureError::ClientData)?;
    if told.kind != "webauthn.get" {
        return Err(SignatureError::WrongType);
    }
    // 32 bytes are 43 characters.
    let mut challenge = [0; 43];
    let written = URL_SAFE_NO_PAD.encode_slice(hash, &mut challenge);
    if written.ok() != Some(challenge.len()) || told.challenge.as_bytes() != challenge {
        return Err(SignatureError::WrongChallenge);
    }
    let client = sha256(&[client]);
    Ok(sha256(&[authenticator, client.as_slice()]))
}
