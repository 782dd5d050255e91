//! The records in chunks.

use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use tulou_primitives::AccountState;

use crate::{
    change::{decode_account, encode_account},
    store::EpochRecord,
};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The last block of an epoch at a height, with the validators of the next.
    EpochEnd(u64, EpochRecord, Vec<B256>),
    /// The encoded block.
    Block(Bytes),
    /// Its receipts as they are on disk.
    Receipts(Bytes),
    /// A header below the block, the highest first.
    Header(Bytes),
    /// An account by its hashed address.
    Account(B256, AccountState),
    /// A slot of the account before, by its hashed key.
    Slot(B256, U256),
    /// Code.
    Code(Bytes),
}

#[derive(RlpEncodable, RlpDecodable)]
struct Epoch {
    height: u64,
    record: EpochRecord,
    validators: Vec<B256>,
}

impl Record {
    /// Appends it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::EpochEnd(height, record, validators) => {
                out.push(b'e');
                let (height, record, validators) = (*height, record.clone(), validators.clone());
                Epoch { height, record, validators }.encode(out);
            }
            Self::Block(bytes) => tagged(out, b'b', bytes),
            Self::Receipts(bytes) => tagged(out, b'r', bytes),
            Self::Header(bytes) => tagged(out, b'h', bytes),
            Self::Code(bytes) => tagged(out, b'c', bytes),
            Self::Account(key, state) => {
                out.push(b'a');
                out.extend_from_slice(key.as_slice());
                out.extend_from_slice(&encode_account(state));
            }
            Self::Slot(key, value) => {
                out.push(b's');
                out.extend_from_slice(key.as_slice());
                value.encode(out);
            }
        }
    }

    /// Takes the first record off `bytes`; `None` at their end.
    pub(super) fn read(bytes: &mut &[u8]) -> alloy_rlp::Result<Option<Self>> {
        let Some((tag, rest)) = bytes.split_first() else { return Ok(None) };
        *bytes = rest;
        let record = match tag {
            b'e' => {
                let epoch = Epoch::decode(bytes)?;
                Self::EpochEnd(epoch.height, epoch.record, epoch.validators)
            }
            b'b' => Self::Block(Bytes::decode(bytes)?),
            b'r' => Self::Receipts(Bytes::decode(bytes)?),
            b'h' => Self::Header(Bytes::decode(bytes)?),
            b'c' => Self::Code(Bytes::decode(bytes)?),
            b'a' => {
                let key = key(bytes)?;
                let mut rest = *bytes;
                let head = alloy_rlp::Header::decode(&mut rest)?;
                let length = bytes.len() - rest.len() + head.payload_length;
                let (item, after) =
                    bytes.split_at_checked(length).ok_or(alloy_rlp::Error::InputTooShort)?;
                *bytes = after;
                Self::Account(key, decode_account(item)?)
            }
            b's' => Self::Slot(key(bytes)?, U256::decode(bytes)?),
            _ => return Err(alloy_rlp::Error::Custom("a record of an unknown kind")),
        };
        Ok(Some(record))
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &Bytes) {
    out.push(tag);
    bytes.encode(out);
}

fn key(bytes: &mut &[u8]) -> alloy_rlp::Result<B256> {
    let (key, rest) = bytes.split_at_checked(32).ok_or(alloy_rlp::Error::InputTooShort)?;
    *bytes = rest;
    Ok(B256::from_slice(key))
}
