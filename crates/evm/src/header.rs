//! Headers in the shape of Ethereum's Osaka fork: every field that this ledger does not use has the
//! value that an empty one has there, so that any Ethereum client decodes and hashes them.

use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH,
    constants::{EMPTY_RECEIPTS, EMPTY_TRANSACTIONS, EMPTY_WITHDRAWALS},
};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B64, B256, Bytes, U256};
use tulou_primitives::Header;

use crate::executor::{BlockEnv, Executed};

/// A header with no parent and no content.
pub(crate) fn empty_header() -> Header {
    Header {
        parent_hash: B256::ZERO,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_TRANSACTIONS,
        receipts_root: EMPTY_RECEIPTS,
        difficulty: U256::ZERO,
        nonce: B64::ZERO,
        extra_data: Bytes::new(),
        base_fee_per_gas: Some(0),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        block_access_list_hash: None,
        slot_number: None,
        ..Default::default()
    }
}

/// The header of an executed block on `parent`.
pub fn seal_header(
    parent: &Header,
    env: &BlockEnv,
    executed: &Executed,
    state_root: B256,
) -> Header {
    Header {
        parent_hash: parent.hash_slow(),
        beneficiary: env.beneficiary,
        state_root,
        transactions_root: executed.transactions_root,
        receipts_root: executed.receipts_root,
        logs_bloom: executed.logs_bloom,
        number: env.height,
        gas_limit: env.gas_limit,
        gas_used: executed.gas_used,
        timestamp: env.timestamp,
        mix_hash: env.prevrandao,
        extra_data: env.next_validators.map(|hash| hash.into()).unwrap_or_default(),
        ..empty_header()
    }
}

/// Checks what a header says before its block is executed; [`seal_header`] compared with it afterwards
/// covers the rest: the gas limit, too, which the state after the parent says ([`crate::gas_limit`]). The caller compares `parent_hash` with the hash that it knows the parent by.
///
/// # Errors
/// The first of these that is wrong, in words: height, timestamp (never before the parent's), gas used (within the limit), fields that are always the same and the length of
/// `extraData` (a commitment or nothing).
pub fn validate_header(parent: &Header, header: &Header) -> Result<(), String> {
    if parent.number.checked_add(1) != Some(header.number) {
        return Err(format!("height {} does not follow {}", header.number, parent.number));
    }
    if header.timestamp < parent.timestamp {
        return Err(format!(
            "timestamp {} is before the parent's {}",
            header.timestamp, parent.timestamp
        ));
    }
    if header.gas_used > header.gas_limit {
        return Err(format!("gas used {} exceeds the limit {}", header.gas_used, header.gas_limit));
    }
    let fixed = Header {
        parent_hash: header.parent_hash,
        beneficiary: header.beneficiary,
        state_root: header.state_root,
        transactions_root: header.transactions_root,
        receipts_root: header.receipts_root,
        logs_bloom: header.logs_bloom,
        number: header.number,
        gas_limit: header.gas_limit,
        gas_used: header.gas_used,
        timestamp: header.timestamp,
        extra_data: header.extra_data.clone(),
        ..empty_header()
    };
    if *header != fixed || !matches!(header.extra_data.len(), 0 | 32) {
        return Err("a field that has one value in every block has another".into());
    }
    Ok(())
}
