//! A sender through which a liar's messages pass.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use commonware_actor::{Feedback, Unreliable};
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{CheckedSender, LimitedSender, Recipients, Sender as _, simulated};
use commonware_runtime::{IoBufs, deterministic};

use crate::liars::Mischief;

type Inner = simulated::Sender<PublicKey, deterministic::Context>;

/// Sends what its member says, or what a liar makes of it.
#[derive(Clone)]
pub(crate) struct Tap {
    inner: Inner,
    channel: u64,
    mischief: Option<Arc<dyn Mischief>>,
}

impl Tap {
    pub(crate) fn new(inner: Inner, channel: u64, mischief: Option<Arc<dyn Mischief>>) -> Self {
        Self { inner, channel, mischief }
    }
}

impl LimitedSender for Tap {
    type PublicKey = PublicKey;
    type Checked<'a> = Checked<'a>;

    fn check(&mut self, recipients: Recipients<PublicKey>) -> Result<Checked<'_>, SystemTime> {
        let raw = self.inner.clone();
        let honest = self.inner.check(recipients)?;
        Ok(Checked { honest, raw, channel: self.channel, mischief: self.mischief.as_deref() })
    }
}

/// A sender for chosen recipients.
pub(crate) struct Checked<'a> {
    honest: <Inner as LimitedSender>::Checked<'a>,
    raw: Inner,
    channel: u64,
    mischief: Option<&'a dyn Mischief>,
}

impl CheckedSender for Checked<'_> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<PublicKey> {
        self.honest.recipients()
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        let Some(liar) = self.mischief else { return self.honest.send(message, priority) };
        let mut raw = self.raw;
        let message: Bytes = message.into().coalesce().into();
        for (to, message) in liar.outgoing(self.channel, self.honest.recipients(), message) {
            raw.send(Recipients::Some(to), message, priority);
        }
        Unreliable::new(Feedback::Ok)
    }
}
