//! The key sheet: all that a reader must know beforehand, short enough for a square code on paper.

use alloy_primitives::{B256, keccak256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::namespace;

/// Most validators a sheet may name.
pub const VALIDATORS_MAX: usize = 64;
/// What the text begins with, before the version.
const PREFIX: &str = "tulou:";
/// The only version there is.
const VERSION: &str = "1";
/// Before the bytes under the checksum.
const DOMAIN: &[u8] = b"tulou key sheet 1";
/// Bytes of the checksum.
const CHECKSUM: usize = 4;
/// Longest text that is read.
const TEXT_MAX: usize = 4_096;

/// What a reader trusts to begin with: which ledger, how long its epochs are, and who certified in one
/// of them. Everything later follows from the ledger's own pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySheet {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of the first block.
    pub genesis: B256,
    /// Heights in one epoch.
    pub epoch_length: u64,
    /// Epoch of the set: 0 on the sheet of the founding, later on a sheet printed anew.
    pub epoch: u64,
    /// ed25519 keys of the validators of that epoch, ascending.
    pub validators: Vec<B256>,
}

/// A text that is no key sheet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// It does not begin as a key sheet does, or is far too long.
    #[error("this is not a key sheet: one begins with tulou:1:")]
    NotASheet,
    /// A version this program does not know.
    #[error("key sheet of version {0}: this program knows version 1, a newer one is needed")]
    Version(String),
    /// Characters that do not belong, or a piece missing.
    #[error("the key sheet is damaged: scan it again")]
    Damaged,
    /// One or more characters are wrong.
    #[error("a character of the key sheet is wrong: scan it again")]
    Checksum,
    /// The values cannot be those of a ledger.
    #[error("the key sheet makes no sense: {0}")]
    Values(&'static str),
}

impl KeySheet {
    /// Checks the values and sorts the keys.
    ///
    /// # Errors
    /// - [`SheetError::Values`]: no epoch length; no validators, more than [`VALIDATORS_MAX`], or one twice.
    pub fn new(
        chain_id: u64,
        genesis: B256,
        epoch_length: u64,
        epoch: u64,
        mut validators: Vec<B256>,
    ) -> Result<Self, SheetError> {
        validators.sort_unstable();
        if epoch_length == 0 {
            return Err(SheetError::Values("epochs without length"));
        }
        if validators.is_empty() || validators.len() > VALIDATORS_MAX {
            return Err(SheetError::Values("number of keys"));
        }
        if validators.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(SheetError::Values("a key twice"));
        }
        Ok(Self { chain_id, genesis, epoch_length, epoch, validators })
    }

    /// Reads what [`KeySheet::print`] wrote. White space anywhere is ignored, for text typed from paper.
    ///
    /// # Errors
    /// [`SheetError`], in the order in which its variants are listed.
    pub fn parse(text: &str) -> Result<Self, SheetError> {
        if text.len() > TEXT_MAX {
            return Err(SheetError::NotASheet);
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let rest = text.strip_prefix(PREFIX).ok_or(SheetError::NotASheet)?;
        let (version, body) = rest.split_once(':').ok_or(SheetError::NotASheet)?;
        if version != VERSION {
            return Err(SheetError::Version(version.chars().take(8).collect()));
        }
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| SheetError::Damaged)?;
        let split = bytes.len().checked_sub(CHECKSUM).ok_or(SheetError::Damaged)?;
        let (body, sum) = bytes.split_at(split);
        if checksum(body) != *sum {
            return Err(SheetError::Checksum);
        }
        Self::decode(body).ok_or(SheetError::Damaged)?
    }

    fn decode(body: &[u8]) -> Option<Result<Self, SheetError>> {
        let mut rest = body;
        let chain_id = number(&mut rest)?;
        let genesis = B256::from_slice(take(&mut rest, 32)?);
        let epoch_length = number(&mut rest)?;
        let epoch = number(&mut rest)?;
        let count = usize::try_from(number(&mut rest)?).ok()?;
        let keys = take(&mut rest, count.checked_mul(32)?)?;
        let keys: Vec<B256> = keys.chunks_exact(32).map(B256::from_slice).collect();
        let ascending = keys.windows(2).all(|pair| pair[0] < pair[1]);
        (rest.is_empty() && ascending)
            .then(|| Self::new(chain_id, genesis, epoch_length, epoch, keys))
    }

    /// The sheet as text: `tulou:1:` and base64url without padding of the values and a checksum. 276
    /// characters for five validators.
    pub fn print(&self) -> String {
        let mut bytes = Vec::with_capacity(64 + 32 * self.validators.len());
        put_number(&mut bytes, self.chain_id);
        bytes.extend_from_slice(self.genesis.as_slice());
        put_number(&mut bytes, self.epoch_length);
        put_number(&mut bytes, self.epoch);
        put_number(&mut bytes, self.validators.len() as u64);
        self.validators.iter().for_each(|key| bytes.extend_from_slice(key.as_slice()));
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        format!("{PREFIX}{VERSION}:{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What every signature of this ledger is bound to.
    pub fn namespace(&self) -> Vec<u8> {
        namespace(self.chain_id, self.genesis)
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let hash = keccak256([DOMAIN, body].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

/// Numbers are written as in certificates.
fn number(rest: &mut &[u8]) -> Option<u64> {
    crate::certificate::varint(rest).ok()
}

fn put_number(out: &mut Vec<u8>, value: u64) {
    crate::certificate::put_varint(out, value);
}
