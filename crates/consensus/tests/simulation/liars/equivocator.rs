//! Tells one half of the others one thing and the other half another: two blocks in one turn, and two
//! votes in one view.

use std::{collections::BTreeMap, sync::Mutex};

use bytes::Bytes;
use commonware_codec::Encode;
use commonware_consensus::simplex::{
    scheme::ed25519::Scheme,
    types::{Finalize, Notarize, Proposal, Vote},
};
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};
use tulou_primitives::Block;

use super::{BROADCAST, Mischief, VOTES, close, open, vote};
use crate::ledger::{child, transactions};

/// A transaction that only the second block has.
const SECOND: u64 = u64::MAX;

/// See above.
pub(crate) struct Equivocator {
    scheme: Scheme,
    /// The second block of each first one.
    twins: Mutex<BTreeMap<Digest, Block>>,
}

impl Equivocator {
    pub(crate) fn new(scheme: Scheme) -> Self {
        Self { scheme, twins: Mutex::default() }
    }

    /// What the second half is told instead of `proposal`: the twin of an own block, or a block that
    /// does not exist.
    fn other(&self, proposal: &Proposal<Digest>) -> Proposal<Digest> {
        let twins = self.twins.lock().unwrap();
        let payload = twins.get(&proposal.payload).map_or_else(
            || Digest(alloy_primitives::keccak256(proposal.payload.as_ref()).0),
            |twin| Digest(twin.hash().0),
        );
        Proposal::new(proposal.round, proposal.parent, payload)
    }

    fn contradict(&self, vote: &Vote<Scheme, Digest>) -> Option<Vote<Scheme, Digest>> {
        match vote {
            Vote::Notarize(vote) => {
                Notarize::sign(&self.scheme, self.other(&vote.proposal)).map(Vote::Notarize)
            }
            Vote::Finalize(vote) => {
                Finalize::sign(&self.scheme, self.other(&vote.proposal)).map(Vote::Finalize)
            }
            Vote::Nullify(_) => None,
        }
    }
}

impl Mischief for Equivocator {
    fn outgoing(
        &self,
        channel: u64,
        to: Vec<PublicKey>,
        message: Bytes,
    ) -> Vec<(Vec<PublicKey>, Bytes)> {
        if channel == BROADCAST {
            let twins: Vec<_> = self.twins.lock().unwrap().values().cloned().collect();
            let mut all = vec![(to.clone(), message)];
            // Both blocks are known to all: what differs is what each half is told to vote on.
            all.extend(twins.iter().map(|twin| (to.clone(), twin.encode().0.encode())));
            return all;
        }
        let (VOTES, Some((epoch, inside))) = (channel, open(&message)) else {
            return vec![(to, message)];
        };
        let Some(other) = vote(&inside).and_then(|vote| self.contradict(&vote)) else {
            return vec![(to, message)];
        };
        let (first, second) = to.split_at(to.len() / 2);
        let other = close(epoch, &other.encode());
        vec![(first.to_vec(), message), (second.to_vec(), other)]
    }

    fn propose(&self, parent: &Block, honest: Block) -> Block {
        let mut more = transactions(&honest);
        more.push(SECOND - honest.height());
        let mut twins = self.twins.lock().unwrap();
        twins.retain(|_, twin| twin.height() >= honest.height());
        twins.insert(Digest(honest.hash().0), child(parent, &more));
        honest
    }

    fn verdict(&self, _block: &Block, _honest: bool) -> bool {
        true
    }
}
