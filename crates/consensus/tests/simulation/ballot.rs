//! What honest members have voted, kept to see that none ever contradicts itself.

use std::{collections::BTreeMap, sync::Mutex};

use bytes::Bytes;
use commonware_consensus::{
    Epochable, Viewable,
    simplex::{scheme::ed25519::Scheme, types::Vote},
};
use commonware_cryptography::{ed25519::PublicKey, sha256::Digest};

use crate::liars::{Mischief, VOTES, open, vote};

/// Epoch, view and kind of a vote.
type Place = (u64, u64, &'static str);

/// The votes of one member over all its lives.
#[derive(Default)]
pub(crate) struct Ballot {
    cast: Mutex<BTreeMap<Place, Option<Digest>>>,
    contradictions: Mutex<Vec<String>>,
}

impl Ballot {
    /// Votes that contradict others.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        self.contradictions.lock().unwrap().clone()
    }

    fn note(&self, vote: &Vote<Scheme, Digest>) {
        let (epoch, view) = (vote.epoch().get(), vote.view().get());
        let (kind, payload) = match vote {
            Vote::Notarize(vote) => ("notarize", Some(vote.proposal.payload)),
            Vote::Nullify(_) => ("nullify", None),
            Vote::Finalize(vote) => ("finalize", Some(vote.proposal.payload)),
        };
        let mut cast = self.cast.lock().unwrap();
        let before = *cast.entry((epoch, view, kind)).or_insert(payload);
        let both = ["nullify", "finalize"].iter().all(|k| cast.contains_key(&(epoch, view, *k)));
        if before != payload || both {
            let text = format!("two votes in view {view} of epoch {epoch}: {kind}");
            self.contradictions.lock().unwrap().push(text);
        }
    }
}

impl Mischief for Ballot {
    fn outgoing(
        &self,
        channel: u64,
        to: Vec<PublicKey>,
        message: Bytes,
    ) -> Vec<(Vec<PublicKey>, Bytes)> {
        if channel == VOTES
            && let Some(vote) = open(&message).and_then(|(_, inside)| vote(&inside))
        {
            self.note(&vote);
        }
        vec![(to, message)]
    }
}
