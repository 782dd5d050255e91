//! The block in the shape the consensus library wants: bytes, digest, height, parent.

use alloy_primitives::B256;
use alloy_trie::root::ordered_trie_root_with_encoder;
use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, EncodeSize, Error, RangeCfg, Read, Write, varint::MAX_U32_VARINT_SIZE,
};
use commonware_consensus::{BoundedBlock, Heightable, types::Height};
use commonware_cryptography::{Digested, Digestible};
use tulou_primitives::Block;

/// 32 bytes that validators vote on. The library's SHA-256 digest is used only as a container: the
/// content is the keccak256 of the Ethereum header.
pub(crate) type Digest = commonware_cryptography::sha256::Digest;

/// The digest of a block hash.
pub(crate) fn digest(hash: B256) -> Digest {
    commonware_cryptography::sha256::Digest(hash.0)
}

/// A block with its encoding, which is kept because one block is sent, cached and archived.
#[derive(Clone, Debug)]
pub(crate) struct ChainBlock {
    block: Block,
    encoded: Bytes,
}

impl ChainBlock {
    /// Wraps a block made here.
    pub(crate) fn new(block: Block) -> Self {
        let encoded = block.encode().into();
        Self { block, encoded }
    }

    /// Wraps a block made here and pairs it with its digest.
    pub(crate) fn digested(block: Block) -> Digested<Self> {
        let digest = digest(block.hash());
        Digested::precomputed(Self::new(block), digest)
    }

    /// The block.
    pub(crate) fn block(&self) -> &Block {
        &self.block
    }

    /// Size of the encoded block in bytes, without its length prefix.
    pub(crate) fn encoded_len(&self) -> usize {
        self.encoded.len()
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
        let block =
            Block::decode(&encoded).map_err(|error| Error::Wrapped("Block", error.into()))?;
        // The digest covers the header alone. Without this check a peer could attach any body to a
        // certified header, and the archive would keep it.
        let root = ordered_trie_root_with_encoder(block.transactions(), |tx, out| {
            out.extend_from_slice(tx.raw());
        });
        if root != block.header().transactions_root {
            return Err(Error::Invalid("Block", "transactions do not match the header"));
        }
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
