//! Tokens: what they say, sealed with a secret of the running process.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Bytes of a seal.
pub(super) const SEAL: usize = 16;
/// Kind, session, generation, end.
const TOLD: usize = 1 + 16 + 8 + 8;

/// Number of a session, random.
pub(super) type SessionId = [u8; 16];

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// To read.
    Access,
    /// To get the next pair of tokens.
    Refresh,
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) of: SessionId,
    pub(super) used_for: Use,
    /// How often the session was refreshed before.
    pub(super) generation: u64,
    /// First second since 1970 in which it is good for nothing.
    pub(super) ends_at: u64,
}

/// The secret of one ledger's sessions in one process: no other node, no other ledger and no later start can
/// make or read its tokens.
pub(super) struct Secret(hmac::Key);

impl Secret {
    pub(super) fn random() -> Self {
        let bytes: [u8; 32] = alloy_primitives::B256::random().0;
        Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// The first half of the HMAC of a text.
    pub(super) fn seal(&self, text: &[u8]) -> [u8; SEAL] {
        let tag = hmac::sign(&self.0, text);
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&tag.as_ref()[..SEAL]);
        seal
    }

    /// Whether a seal is that of a text; takes the same time for every wrong one.
    pub(super) fn is_seal(&self, text: &[u8], seal: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.seal(text), seal).is_ok()
    }

    pub(super) fn write(&self, token: Token) -> String {
        let kind = match token.used_for {
            Use::Access => [1],
            Use::Refresh => [2],
        };
        let (generation, ends_at) = (token.generation.to_be_bytes(), token.ends_at.to_be_bytes());
        let told = [&kind[..], &token.of, &generation, &ends_at].concat();
        let seal = self.seal(&told);
        URL_SAFE_NO_PAD.encode([told, seal.to_vec()].concat())
    }

    /// What a token of this process says; `None` for anything else.
    pub(super) fn read(&self, text: &str) -> Option<Token> {
        // A longer text is none, and needs not be decoded.
        let bytes = if text.len() > 128 { None } else { URL_SAFE_NO_PAD.decode(text).ok() }?;
        let (told, seal) = bytes.split_first_chunk::<TOLD>()?;
        if !self.is_seal(told, seal) {
            return None;
        }
        let used_for = match told[0] {
            1 => Use::Access,
            2 => Use::Refresh,
            _ => return None,
        };
        let (of, numbers) = told[1..].split_first_chunk::<16>()?;
        let (generation, ends_at) = numbers.split_first_chunk::<8>()?;
        Some(Token {
            of: *of,
            used_for,
            generation: u64::from_be_bytes(*generation),
            ends_at: u64::from_be_bytes(ends_at.try_into().ok()?),
        })
    }
}
