//! Blocks in Ethereum's shape. Validators vote on keccak256 of the header alone, so that a phone can
//! check a certificate without the body.

use std::sync::{Arc, OnceLock};

use alloy_consensus::proofs::ordered_trie_root_with_encoder;
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Decodable, Encodable, Header as RlpHeader};

use crate::{Tx, TxError};

pub use alloy_consensus::Header;

/// Bytes that are not a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockDecodeError {
    /// The RLP is broken or not canonical.
    #[error("not a block: {0}")]
    Rlp(#[from] alloy_rlp::Error),
    /// One of the transactions is not acceptable.
    #[error("transaction {index} of the block: {source}")]
    Tx {
        /// Place of the transaction in the block, from 0.
        index: usize,
        /// What is wrong with it.
        source: TxError,
    },
}

/// A header with its transactions and its hash.
#[derive(Clone, Debug)]
pub struct Block {
    header: Header,
    hash: B256,
    transactions: Vec<Arc<Tx>>,
    root: OnceLock<B256>,
}

/// Root of the ordered trie of transactions, as a header names it.
pub fn transactions_root(transactions: &[Arc<Tx>]) -> B256 {
    ordered_trie_root_with_encoder(transactions, |tx, out| out.extend_from_slice(tx.raw()))
}

impl Block {
    /// Joins a header and its transactions and computes the hash. Whether they belong together is
    /// for the verifier to check.
    pub fn new(header: Header, transactions: Vec<Arc<Tx>>) -> Self {
        let hash = header.hash_slow();
        Self { header, hash, transactions, root: OnceLock::new() }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// keccak256 of the RLP of the header: what validators vote on.
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// Height, 0 for genesis.
    pub fn height(&self) -> u64 {
        self.header.number
    }

    /// The transactions in order.
    pub fn transactions(&self) -> &[Arc<Tx>] {
        &self.transactions
    }

    /// [`transactions_root`] of what it holds, computed once and kept by its clones: the header's, where
    /// they belong together.
    pub fn transactions_root(&self) -> B256 {
        *self.root.get_or_init(|| transactions_root(&self.transactions))
    }

    /// Replaces transactions by known ones with the same hash, whose senders are already recovered.
    pub fn with_known(mut self, known: impl Fn(&B256) -> Option<Arc<Tx>>) -> Self {
        for tx in &mut self.transactions {
            if let Some(found) = known(&tx.hash()) {
                *tx = found;
            }
        }
        self
    }

    /// Ethereum's network encoding: `[header, [transactions], []]`.
    pub fn encode(&self) -> Bytes {
        let txs: usize = self.transactions.iter().map(|tx| tx.length_in_block()).sum();
        let txs_head = RlpHeader { list: true, payload_length: txs };
        let payload = self.header.length() + txs_head.length_with_payload() + 1;
        let head = RlpHeader { list: true, payload_length: payload };
        let mut out = Vec::with_capacity(head.length_with_payload());
        head.encode(&mut out);
        self.header.encode(&mut out);
        txs_head.encode(&mut out);
        for tx in &self.transactions {
            tx.encode_in_block(&mut out);
        }
        out.push(alloy_rlp::EMPTY_LIST_CODE);
        out.into()
    }

    /// Decodes what [`Block::encode`] wrote, and nothing else: no trailing bytes, no uncles.
    ///
    /// # Errors
    /// - [`BlockDecodeError::Rlp`]: broken or not canonical.
    /// - [`BlockDecodeError::Tx`]: a transaction that is not accepted.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlockDecodeError> {
        let mut buf = bytes;
        let mut payload = RlpHeader::decode_bytes(&mut buf, true)?;
        if !buf.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength.into());
        }
        let header_bytes = payload;
        let header = Header::decode(&mut payload)?;
        let header_len = header_bytes.len() - payload.len();
        let hash = keccak256(&header_bytes[..header_len]);
        let mut body = RlpHeader::decode_bytes(&mut payload, true)?;
        if payload != [alloy_rlp::EMPTY_LIST_CODE] {
            return Err(alloy_rlp::Error::UnexpectedLength.into());
        }
        let mut transactions = Vec::new();
        while !body.is_empty() {
            let raw = if body[0] >= alloy_rlp::EMPTY_LIST_CODE {
                let mut rest = body;
                let item = RlpHeader::decode(&mut rest)?;
                let total = body.len() - rest.len() + item.payload_length;
                let (item, after) =
                    body.split_at_checked(total).ok_or(alloy_rlp::Error::InputTooShort)?;
                body = after;
                Bytes::copy_from_slice(item)
            } else {
                Bytes::decode(&mut body)?
            };
            let index = transactions.len();
            let tx = Tx::decode(raw).map_err(|source| BlockDecodeError::Tx { index, source })?;
            transactions.push(tx);
        }
        let block = Self { header, hash, transactions, root: OnceLock::new() };
        // The hash above is of the bytes received; a header that re-encodes otherwise would have two.
        if block.header.hash_slow() != hash {
            return Err(alloy_rlp::Error::Custom("header is not canonical").into());
        }
        Ok(block)
    }
}
