//! The block in the shape the consensus library wants: bytes, digest, height, parent.

use alloy_primitives::B256;
use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, EncodeSize, Error, RangeCfg, Read, Write, varint::MAX_U32_VARINT_SIZE,
};
use commonware_consensus::{BoundedBlock, Heightable, types::Height};
use commonware_cryptography::{Digested, Digestible};
use tulou_primitives::{Block, BlockDecodeError};

/// 32 bytes that validators vote on. The library's SHA-256 digest is used only as a container: the
/// content is the keccak256 of the Ethereum header.
pub(crate) type Digest = commonware_cryptography::sha256::Digest;

/// The digest of a block hash.
pub(crate) fn digest(hash: B256) -> Digest {
    commonware_cryptography::sha256::Digest(hash.0)
}

/// A block that no validator keeps.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// More bytes than the chain allows.
    #[error("the block has {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Size of the encoded block in bytes.
        size: usize,
        /// The chain's limit in bytes.
        limit: usize,
    },
    /// The bytes are not a block.
    #[error(transparent)]
    Decode(#[from] BlockDecodeError),
    /// The transactions are not those of the header.
    #[error("the transactions do not match the header")]
    Transactions,
}

/// Decodes a block as it comes from another validator. Validators vote on the header alone, so a
/// body is taken only if it is that of its header: without this check anyone could attach another
/// body to a certified header.
///
/// # Errors
/// In this order: [`BlockError::TooLarge`], [`BlockError::Decode`], [`BlockError::Transactions`].
pub fn decode_block(bytes: &[u8], max_bytes: usize) -> Result<Block, BlockError> {
    check_size(bytes.len(), max_bytes)?;
    let block = Block::decode(bytes)?;
    check_body(&block)?;
    Ok(block)
}

fn check_size(size: usize, limit: usize) -> Result<(), BlockError> {
    if size > limit { Err(BlockError::TooLarge { size, limit }) } else { Ok(()) }
}

fn check_body(block: &Block) -> Result<(), BlockError> {
    let belongs = block.transactions_root() == block.header().transactions_root;
    if belongs { Ok(()) } else { Err(BlockError::Transactions) }
}

/// A block with its encoding, which is kept because one block is sent, cached and archived.
#[derive(Clone, Debug)]
pub(crate) struct ChainBlock {
    block: Block,
    encoded: Bytes,
}

impl ChainBlock {
    /// Wraps a block made here that passed [`ChainBlock::checked`] before.
    pub(crate) fn digested(block: Block) -> Digested<Self> {
        let digest = digest(block.hash());
        let encoded = block.encode().into();
        Digested::precomputed(Self { block, encoded }, digest)
    }

    /// Wraps a block made here. One that others would refuse to decode could not be read back from
    /// our own archive either.
    ///
    /// # Errors
    /// [`BlockError::TooLarge`], [`BlockError::Transactions`].
    pub(crate) fn checked(block: Block, max_bytes: usize) -> Result<Digested<Self>, BlockError> {
        let block = Self::digested(block);
        check_size(block.inner().encoded.len(), max_bytes)?;
        check_body(&block.inner().block)?;
        Ok(block)
    }

    /// The block.
    pub(crate) fn block(&self) -> &Block {
        &self.block
    }
}

impl Write for ChainBlock {
    fn write(&self, buf: &mut impl BufMut) {
        self.encoded.write(buf);
    }
}

impl EncodeSize for ChainBlock {
    fn encode_size(&self) -> usize {
        self.encoded.encode_size()
    }
}

impl Read for ChainBlock {
    /// Largest accepted size of an encoded block in bytes.
    type Cfg = usize;

    fn read_cfg(buf: &mut impl Buf, max_bytes: &usize) -> Result<Self, Error> {
        let encoded = Bytes::read_cfg(buf, &RangeCfg::new(..=*max_bytes))?;
        let block = decode_block(&encoded, *max_bytes)
            .map_err(|error| Error::Wrapped("Block", error.into()))?;
        Ok(Self { block, encoded })
    }
}

impl Digestible for ChainBlock {
    type Digest = Digest;

    fn digest(&self) -> Digest {
        digest(self.block.hash())
    }
}

impl Heightable for ChainBlock {
    fn height(&self) -> Height {
        Height::new(self.block.height())
    }
}

impl commonware_consensus::Block for ChainBlock {
    fn parent(&self) -> Digest {
        digest(self.block.header().parent_hash)
    }
}

impl BoundedBlock for ChainBlock {
    fn max_encode_size(max_bytes: &usize) -> usize {
        max_bytes.saturating_add(MAX_U32_VARINT_SIZE)
    }
}
