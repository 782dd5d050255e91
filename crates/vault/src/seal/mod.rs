//! Authenticated encryption in one of two suites.

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{AeadInPlace, consts::U12},
};
use alloy_primitives::B256;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand,
};
use serde::{Deserialize, Serialize};
use sm4::Sm4;
use zeroize::Zeroizing;

use crate::VaultError;

/// Bytes of a nonce.
const NONCE: usize = 12;
/// Bytes of a tag.
const TAG: usize = 16;

/// How a record and its key are encrypted. Records of both lie side by side in one vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Suite {
    /// AES-256 in Galois/Counter Mode, by AWS-LC.
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm = 1,
    /// SM4 (GB/T 32907) in Galois/Counter Mode as in RFC 8998, by RustCrypto; not independently audited and
    /// about thirty times slower.
    #[serde(rename = "sm4-gcm")]
    Sm4Gcm = 2,
}

impl std::str::FromStr for Suite {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = [Self::Aes256Gcm, Self::Sm4Gcm].into_iter().find(|suite| suite.name() == text);
        named.ok_or_else(|| format!("{text:?} is no suite: aes-256-gcm or sm4-gcm"))
    }
}

impl Suite {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Aes256Gcm, Self::Sm4Gcm].into_iter().find(|suite| *suite as u8 == byte)
    }

    /// As it is written in settings and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Sm4Gcm => "sm4-gcm",
        }
    }

    /// Bytes of a key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Aes256Gcm => 32,
            Self::Sm4Gcm => 16,
        }
    }

    /// A key by chance.
    pub(crate) fn random_key(self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut key = Zeroizing::new(vec![0; self.key_bytes()]);
        fill(&mut key)?;
        Ok(key)
    }

    /// `nonce || ciphertext || tag` under a nonce by chance.
    ///
    /// # Errors
    /// - [`VaultError::Store`]: the machine gives no randomness.
    pub(crate) fn seal(self, key: &[u8], aad: &[u8], data: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        Ok(self.seal_with(key, nonce, aad, data))
    }

    fn seal_with(self, key: &[u8], nonce: [u8; NONCE], aad: &[u8], data: &[u8]) -> Vec<u8> {
        debug_assert_eq!(key.len(), self.key_bytes());
        let mut sealed = Vec::with_capacity(NONCE + data.len() + TAG);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(data);
        let tag = match self {
            Self::Aes256Gcm => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let tag = aes(key).seal_in_place_separate_tag(
                    nonce,
                    Aad::from(aad),
                    &mut sealed[NONCE..],
                );
                tag.expect("a record is far below the limit of the mode").as_ref().to_vec()
            }
            Self::Sm4Gcm => {
                let tag =
                    sm4(key).encrypt_in_place_detached((&nonce).into(), aad, &mut sealed[NONCE..]);
                tag.expect("a record is far below the limit of the mode").to_vec()
            }
        };
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// What [`Suite::seal`] was given; `None` under another key, for other associated data, or where a bit
    /// was changed.
    pub(crate) fn open(self, key: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
        let (body, tag) = rest.split_last_chunk::<TAG>()?;
        if key.len() != self.key_bytes() {
            return None;
        }
        match self {
            Self::Aes256Gcm => {
                let mut data = Zeroizing::new(rest.to_vec());
                let nonce = Nonce::assume_unique_for_key(*nonce);
                aes(key).open_in_place(nonce, Aad::from(aad), &mut data).ok()?;
                data.truncate(body.len());
                Some(data)
            }
            Self::Sm4Gcm => {
                let mut data = Zeroizing::new(body.to_vec());
                let (nonce, tag) = (nonce.into(), tag.into());
                sm4(key).decrypt_in_place_detached(nonce, aad, &mut data, tag).ok()?;
                Some(data)
            }
        }
    }
}

fn aes(key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of the suite's length"))
}

fn sm4(key: &[u8]) -> AesGcm<Sm4, U12> {
    AesGcm::new_from_slice(key).expect("a key of the suite's length")
}

/// A number for a record, by chance.
///
/// # Errors
/// - [`VaultError::Store`]: the machine gives no randomness.
pub fn random_id() -> Result<B256, VaultError> {
    let mut id = B256::ZERO;
    fill(id.as_mut_slice())?;
    Ok(id)
}

/// Fills with the machine's randomness.
///
/// # Errors
/// - [`VaultError::Store`]: there is none.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), VaultError> {
    rand::fill(bytes).map_err(|_| VaultError::Store("the machine gives no randomness".into()))
}

#[cfg(test)]
mod tests;
