//! Blocks and receipts on disk: as short as they can be without a dictionary.

use alloy_consensus::{Eip658Value, Receipt};
use alloy_primitives::Log;
use alloy_rlp::{Decodable, Encodable, Header as Head, RlpDecodable, RlpEncodable};
use tulou_primitives::{Block, BlockDecodeError, Header, ReceiptEnvelope, TxType};

/// Cuts the encoding of a block into its header and its list of transactions, both RLP.
pub(crate) fn cut_block(block: &Block) -> alloy_rlp::Result<(Vec<u8>, Vec<u8>)> {
    let bytes = block.encode();
    let mut rest = bytes.as_ref();
    let payload = Head::decode_bytes(&mut rest, true)?;
    let header = item(payload)?;
    let body = item(&payload[header.len()..])?;
    Ok((header.to_vec(), body.to_vec()))
}

/// The block that [`cut_block`] cut.
pub(crate) fn join_block(header: &[u8], body: &[u8]) -> Result<Block, BlockDecodeError> {
    let payload_length = header.len() + body.len() + 1;
    let mut bytes = Vec::with_capacity(payload_length + 5);
    Head { list: true, payload_length }.encode(&mut bytes);
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(body);
    bytes.push(alloy_rlp::EMPTY_LIST_CODE);
    Block::decode(&bytes)
}

/// A header alone.
pub(crate) fn decode_header(mut bytes: &[u8]) -> alloy_rlp::Result<Header> {
    Header::decode(&mut bytes)
}

/// The first RLP item of `bytes`, with its head.
fn item(bytes: &[u8]) -> alloy_rlp::Result<&[u8]> {
    let mut rest = bytes;
    let head = Head::decode(&mut rest)?;
    let len = bytes.len() - rest.len() + head.payload_length;
    bytes.get(..len).ok_or(alloy_rlp::Error::InputTooShort)
}

/// A receipt without its bloom, which is 256 bytes and follows from the logs.
#[derive(RlpEncodable, RlpDecodable)]
struct ReceiptRecord {
    kind: u8,
    success: bool,
    /// Of this transaction alone: shorter than the cumulative number.
    gas: u64,
    logs: Vec<Log>,
}

/// Bytes of all receipts of a block.
pub(crate) fn encode_receipts(receipts: &[ReceiptEnvelope]) -> Vec<u8> {
    let mut before = 0;
    let records: Vec<_> = receipts
        .iter()
        .map(|receipt| {
            let gas = receipt.cumulative_gas_used().saturating_sub(before);
            before = receipt.cumulative_gas_used();
            ReceiptRecord {
                kind: receipt.tx_type() as u8,
                success: receipt.is_success(),
                gas,
                logs: receipt.logs().to_vec(),
            }
        })
        .collect();
    let mut out = Vec::with_capacity(records.length());
    records.encode(&mut out);
    out
}

/// What [`encode_receipts`] wrote, blooms computed again.
pub(crate) fn decode_receipts(mut bytes: &[u8]) -> alloy_rlp::Result<Vec<ReceiptEnvelope>> {
    let mut gas = 0u64;
    Vec::<ReceiptRecord>::decode(&mut bytes)?
        .into_iter()
        .map(|record| {
            let kind = TxType::try_from(record.kind)
                .map_err(|_| alloy_rlp::Error::Custom("unknown transaction type"))?;
            gas = gas.checked_add(record.gas).ok_or(alloy_rlp::Error::Overflow)?;
            let receipt = Receipt {
                status: Eip658Value::Eip658(record.success),
                cumulative_gas_used: gas,
                logs: record.logs,
            };

            Ok(ReceiptEnvelope::from_typed(kind, receipt.with_bloom()))
        })
        .collect()
}
