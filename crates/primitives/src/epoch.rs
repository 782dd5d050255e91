//! Epochs: stretches of heights with one set of validators.

use alloy_primitives::{B256, keccak256};

/// First bytes of what a commitment to a set of validators is the hash of.
const DOMAIN: &[u8] = b"tulou validators 1";

/// Epoch of a height.
pub fn epoch_of(height: u64, epoch_length: u64) -> u64 {
    height.checked_div(epoch_length).unwrap_or_default()
}

/// Whether a height is the last of its epoch. Its header commits to the validators of the next one.
pub fn is_epoch_end(height: u64, epoch_length: u64) -> bool {
    epoch_of(height, epoch_length) != epoch_of(height.saturating_add(1), epoch_length)
}

/// Commitment to the validators of an epoch, in any order: what `extraData` of the last block of the
/// epoch before holds. keccak256 of the domain, the epoch and the number of keys (8 bytes each, most
/// significant first), and the keys in ascending order.
pub fn validators_hash(epoch: u64, validators: &[B256]) -> B256 {
    let mut keys = validators.to_vec();
    keys.sort_unstable();
    let mut bytes = DOMAIN.to_vec();
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(&(keys.len() as u64).to_be_bytes());
    keys.iter().for_each(|key| bytes.extend_from_slice(key.as_slice()));
    keccak256(bytes)
}
