//! Members that lie, each named by what it does. They run the honest engine: what they say, build and
//! agree to passes through their hands.

mod censor;
mod equivocator;
mod invalid_proposer;
mod old_epoch_replayer;
mod removed_voter;
mod withholder;
mod wrong_state_root;

use std::sync::Arc;

use alloy_primitives::B256;
use bytes::{Buf, Bytes, BytesMut};
use commonware_codec::{Copying, Decode, Encode, ReadExt, varint::UInt};
use commonware_consensus::simplex::{scheme::ed25519::Scheme, types::Vote};
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use tulou_primitives::Block;

pub(crate) use censor::Censor;
pub(crate) use equivocator::Equivocator;
pub(crate) use invalid_proposer::InvalidProposer;
pub(crate) use old_epoch_replayer::OldEpochReplayer;
pub(crate) use removed_voter::RemovedVoter;
pub(crate) use withholder::Withholder;
pub(crate) use wrong_state_root::WrongStateRoot;

/// Channels of the engine.
pub(crate) const VOTES: u64 = 0;
pub(crate) const CERTIFICATES: u64 = 1;
pub(crate) const BACKFILL: u64 = 3;
pub(crate) const BROADCAST: u64 = 4;

/// The ways to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Equivocator,
    InvalidProposer,
    WrongStateRoot,
    /// Proposes, and sends the block to nobody.
    BlockWithholder,
    /// Never votes.
    VoteWithholder,
    OldEpochReplayer,
    Censor,
    /// Votes on after it was removed from the validators.
    RemovedVoter,
}

/// What a liar does where an honest member does what it should.
pub(crate) trait Mischief: Send + Sync {
    /// What is sent to whom instead of `message` to `to`.
    fn outgoing(
        &self,
        _channel: u64,
        to: Vec<PublicKey>,
        message: Bytes,
    ) -> Vec<(Vec<PublicKey>, Bytes)> {
        vec![(to, message)]
    }

    /// What is proposed instead of `honest`.
    fn propose(&self, _parent: &Block, honest: Block) -> Block {
        honest
    }

    /// What is said of a block of which an honest member says `honest`.
    fn verdict(&self, _block: &Block, honest: bool) -> bool {
        honest
    }

    /// Which validators an epoch has, of which an honest member says `honest`; `first` were those of
    /// epoch 0.
    fn committee(&self, honest: Vec<B256>, _first: Vec<B256>) -> Vec<B256> {
        honest
    }

    /// Whether a transaction is put into own blocks.
    fn includes(&self, _transaction: u64) -> bool {
        true
    }
}

/// A liar of the given kind that signs with `scheme`.
pub(crate) fn liar(kind: Kind, scheme: Scheme) -> Arc<dyn Mischief> {
    match kind {
        Kind::Equivocator => Arc::new(Equivocator::new(scheme)),
        Kind::InvalidProposer => Arc::new(InvalidProposer),
        Kind::WrongStateRoot => Arc::new(WrongStateRoot),
        Kind::BlockWithholder => Arc::new(Withholder::of_blocks()),
        Kind::VoteWithholder => Arc::new(Withholder::of_votes()),
        Kind::OldEpochReplayer => Arc::new(OldEpochReplayer::default()),
        Kind::Censor => Arc::new(Censor),
        Kind::RemovedVoter => Arc::new(RemovedVoter::default()),
    }
}

/// Takes a message apart into its epoch and what is inside.
pub(crate) fn open(message: &Bytes) -> Option<(u64, Bytes)> {
    let mut rest = message.clone();
    let epoch = UInt::<u64>::read(&mut rest).ok()?.0;
    Some((epoch, rest.copy_to_bytes(rest.remaining())))
}

/// Puts a message together again.
fn close(epoch: u64, inside: &[u8]) -> Bytes {
    let mut message = BytesMut::from(&UInt(epoch).encode()[..]);
    message.extend_from_slice(inside);
    message.freeze()
}

/// A vote from its bytes.
pub(crate) fn vote(inside: &Bytes) -> Option<Vote<Scheme, Digest>> {
    Vote::decode_cfg(Copying(inside), &()).ok()
}
