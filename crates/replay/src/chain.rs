//! `chain.rlp`: blocks in Ethereum's network encoding, one after the other.

use std::sync::Arc;

use alloy_consensus::{Block as EthereumBlock, TxEnvelope};
use alloy_eips::eip4895::Withdrawals;
use alloy_rlp::Decodable;
use tulou_primitives::{Header, Tx};

/// A block of the file.
#[derive(Clone, Debug)]
pub struct ChainBlock {
    /// Its header.
    pub header: Header,
    /// Its transactions, those with blobs too.
    pub transactions: Vec<Arc<Tx>>,
    /// Headers of its uncles.
    pub ommers: Vec<Header>,
    /// What left the beacon chain.
    pub withdrawals: Option<Withdrawals>,
}

/// Reads all blocks.
///
/// # Errors
/// - the first block that does not decode.
pub fn read_chain(mut bytes: &[u8]) -> alloy_rlp::Result<Vec<ChainBlock>> {
    let mut blocks = Vec::new();
    while !bytes.is_empty() {
        let block = EthereumBlock::<TxEnvelope>::decode(&mut bytes)?;
        blocks.push(ChainBlock {
            header: block.header,
            transactions: block.body.transactions.into_iter().map(Tx::from_envelope).collect(),
            ommers: block.body.ommers,
            withdrawals: block.body.withdrawals,
        });
    }
    Ok(blocks)
}
