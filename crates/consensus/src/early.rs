//! Votes for an epoch that we have not entered yet.
//!
//! Validators cross an epoch boundary a few milliseconds apart. Nobody sends a vote twice before a
//! view times out, so a vote dropped here would cost the chain seconds at every boundary.

use std::{collections::VecDeque, num::NonZeroUsize};

use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{Message, Receiver};
use tokio::sync::mpsc;

/// Messages kept for the next epoch. More come only from a peer that floods us.
const KEPT: usize = 256;

/// Messages of one channel for epochs that are not ours.
pub(crate) struct Early {
    arrivals: mpsc::Receiver<(u64, Message<PublicKey>)>,
    kept: VecDeque<(u64, Message<PublicKey>)>,
}

impl Early {
    /// `arrivals`: messages with their epoch that no running engine takes.
    pub(crate) fn new(arrivals: mpsc::Receiver<(u64, Message<PublicKey>)>) -> Self {
        Self { arrivals, kept: VecDeque::new() }
    }

    /// Waits for a message of an epoch later than `epoch`, keeps it if it is of the very next one,
    /// and tells who sent it. `None` when the channel is closed.
    pub(crate) async fn ahead_of(&mut self, epoch: u64) -> Option<PublicKey> {
        loop {
            let (theirs, message) = self.arrivals.recv().await?;
            if theirs > epoch {
                let from = message.0.clone();
                self.keep(epoch.saturating_add(1), theirs, message);
                return Some(from);
            }
        }
    }

    /// Puts what was kept for `epoch` before what `receiver` yields.
    pub(crate) fn release<R>(&mut self, epoch: u64, receiver: R) -> Primed<R>
    where
        R: Receiver<PublicKey = PublicKey>,
    {
        while let Ok((theirs, message)) = self.arrivals.try_recv() {
            self.keep(epoch, theirs, message);
        }
        let early = std::mem::take(&mut self.kept)
            .into_iter()
            .filter(|(theirs, _)| *theirs == epoch)
            .map(|(_, message)| message)
            .collect();
        Primed { early, receiver }
    }

    fn keep(&mut self, next: u64, theirs: u64, message: Message<PublicKey>) {
        if theirs == next && self.kept.len() < KEPT {
            self.kept.push_back((theirs, message));
        }
    }
}

/// A receiver with messages that came before it existed.
#[derive(Debug)]
pub(crate) struct Primed<R: Receiver> {
    early: VecDeque<Message<R::PublicKey>>,
    receiver: R,
}

impl<R: Receiver> Receiver for Primed<R> {
    type Error = R::Error;
    type PublicKey = R::PublicKey;

    async fn recv(&mut self) -> Result<Message<R::PublicKey>, R::Error> {
        match self.early.pop_front() {
            Some(message) => Ok(message),
            None => self.receiver.recv().await,
        }
    }

    fn capacity(&self) -> NonZeroUsize {
        self.receiver.capacity()
    }
}
