//! Keys of the tables, and the seal on values that nothing else vouches for.

use alloy_primitives::{B256, keccak256};

use crate::error::LedgerError;

/// `a | hashed address` -> account.
pub(crate) const ACCOUNT: u8 = b'a';
/// `s | hashed address | hashed slot` -> value without leading zeros.
pub(crate) const SLOT: u8 = b's';
/// `c | hash` -> code.
pub(crate) const CODE: u8 = b'c';
/// `u | height` -> old values of what the block changed.
pub(crate) const UNDO: u8 = b'u';
/// `h | height` -> header.
pub(crate) const HEADER: u8 = b'h';
/// `b | height` -> list of transactions.
pub(crate) const BODY: u8 = b'b';
/// `r | height` -> receipts.
pub(crate) const RECEIPTS: u8 = b'r';
/// `f | height` -> certificate of finality, sealed.
pub(crate) const FINALITY: u8 = b'f';
/// `i | block hash` -> height.
pub(crate) const HEIGHT: u8 = b'i';
/// `t | transaction hash` -> height, index.
pub(crate) const TRANSACTION: u8 = b't';
/// `e | height` -> the last block of an epoch and what proves it, sealed.
pub(crate) const EPOCH_END: u8 = b'e';
/// `k | epoch` -> keys of its validators, sealed.
pub(crate) const VALIDATORS: u8 = b'k';
/// `p` -> the lowest height whose block is kept, sealed. Absent where all are.
pub(crate) const FIRST_KEPT: u8 = b'p';
/// `m` -> head.
pub(crate) const HEAD: u8 = b'm';
/// `v` -> format.
pub(crate) const FORMAT: u8 = b'v';

/// Bytes of a seal.
const SEAL: usize = 8;

pub(crate) fn by_height(table: u8, height: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(9);
    key.push(table);
    key.extend_from_slice(&height.to_be_bytes());
    key
}

pub(crate) fn by_hash(table: u8, hash: &B256) -> Vec<u8> {
    let mut key = Vec::with_capacity(65);
    key.push(table);
    key.extend_from_slice(hash.as_slice());
    key
}

/// The hash that begins at `at` in a key.
pub(crate) fn hash_in(key: &[u8], at: usize) -> Result<B256, LedgerError> {
    key.get(at..at + 32)
        .map(B256::from_slice)
        .ok_or_else(|| LedgerError::damaged("a key", "too short"))
}

/// The height in a key of [`by_height`].
pub(crate) fn height_in(key: &[u8]) -> Result<u64, LedgerError> {
    let bytes = key.get(1..).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u64::from_be_bytes).ok_or_else(|| LedgerError::damaged("a key", "not a height"))
}

/// A value with a digest of it and its key in front: for what no header vouches for.
pub(crate) fn seal(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = digest(key, value).to_vec();
    sealed.extend_from_slice(value);
    sealed
}

/// The value that [`seal`] sealed.
pub(crate) fn unseal<'a>(key: &[u8], sealed: &'a [u8], what: &str) -> Result<&'a [u8], LedgerError> {
    match sealed.split_at_checked(SEAL) {
        Some((found, value)) if found == digest(key, value) => Ok(value),
        _ => Err(LedgerError::damaged(what, "its digest is another")),
    }
}

fn digest(key: &[u8], value: &[u8]) -> [u8; SEAL] {
    let whole = keccak256([key, value].concat());
    std::array::from_fn(|n| whole[n])
}
