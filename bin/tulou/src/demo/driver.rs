//! Sends the story's transactions at the story's times.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolCall;
use tulou_client::{Key, demo_key, refusal_in_words};
use tulou_modules::schedule::ISchedule;
use tulou_node::Node;

use crate::{
    dev::CHAIN_ID,
    output::{Failure, Outcome},
};

/// Gas of each transaction of the story: the most that one transaction may ask for (EIP-7825).
const GAS: u64 = 16_777_216;
/// Longest wait for a block.
const PATIENCE: Duration = Duration::from_secs(60);

/// A transaction on its way.
struct Sent {
    hash: B256,
    from: Address,
    to: Address,
    data: Bytes,
    /// Names it in a failure.
    what: String,
}

/// A node whose clock the story moves.
pub(crate) struct Driver<'n> {
    node: &'n Node,
    keys: BTreeMap<String, (Key, u64)>,
    sent: Vec<Sent>,
    now: u64,
}

impl<'n> Driver<'n> {
    pub(crate) fn new(node: &'n Node) -> Self {
        let now = node.head().timestamp;
        node.clock().stand_at(now);
        Self { node, keys: BTreeMap::new(), sent: Vec::new(), now }
    }

    /// The story's time.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// Moves to a later time: what was sent becomes final first, then what is due by then is done by
    /// the keeper. A time already past changes nothing.
    pub(crate) fn at(&mut self, time: u64) -> Outcome {
        self.settle()?;
        while let Some(due) = self.next_due()?.filter(|due| *due <= time) {
            self.now = self.now.max(due);
            self.node.clock().stand_at(self.now);
            self.wait(|driver| Ok(driver.next_due()?.is_none_or(|next| next > driver.now)))?;
        }
        self.now = self.now.max(time);
        self.node.clock().stand_at(self.now);
        Ok(())
    }

    /// Sends a call of a demo person without waiting for it.
    pub(crate) fn send<C: SolCall>(&mut self, who: &str, to: Address, call: &C) -> Outcome {
        self.send_raw(who, to, call.abi_encode().into(), C::SIGNATURE)
    }

    /// Sends calldata of a demo person without waiting for it; `what` names it in a failure.
    pub(crate) fn send_raw(&mut self, who: &str, to: Address, data: Bytes, what: &str) -> Outcome {
        let (key, nonce) = self.keys.entry(who.to_owned()).or_insert_with(|| (demo_key(who), 0));
        let (from, raw) = (key.address(), key.sign_call(CHAIN_ID, *nonce, GAS, to, data.clone()));
        *nonce += 1;
        let hash = self.node.submit(raw)?;
        self.sent.push(Sent { hash, from, to, data, what: format!("{what} by {who}") });
        Ok(())
    }

    /// Waits until everything sent is final, and fails where something was refused.
    pub(crate) fn settle(&mut self) -> Outcome {
        for sent in std::mem::take(&mut self.sent) {
            self.wait(|driver| Ok(driver.node.ledger().transaction(sent.hash)?.is_some()))?;
            let ledger = self.node.ledger();
            let Some(place) = ledger.transaction(sent.hash)? else { continue };
            let receipts = ledger.receipts(place.height)?.unwrap_or_default();
            let done = receipts.get(place.index as usize).is_some_and(|receipt| receipt.status());
            if !done {
                return Err(self.refused(sent));
            }
        }
        Ok(())
    }

    fn refused(&self, sent: Sent) -> Failure {
        let why = self.node.try_call(sent.from, sent.to, sent.data).err();
        let why = why.and_then(|data| refusal_in_words(&data));
        let (what, at) = (sent.what, self.now);
        Failure(format!("the story broke at {at}: {what} was refused: {why:?}"))
    }

    /// Reads through a view.
    pub(crate) fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Failure> {
        let answer = self.node.try_call(Address::ZERO, to, call.abi_encode().into());
        let output = answer.map_err(|data| {
            let why = refusal_in_words(&data);
            Failure(format!("the story broke: {} was refused: {why:?}", C::SIGNATURE))
        })?;
        Ok(C::abi_decode_returns(&output)?)
    }

    /// Ends the story: all is final, and the clock runs on from its last moment.
    pub(crate) fn finish(mut self, now: u64) -> Outcome {
        self.at(now)?;
        self.node.clock().run_from(now);
        Ok(())
    }

    fn next_due(&self) -> Result<Option<u64>, Failure> {
        let at = self.view(tulou_modules::address::schedule, &ISchedule::nextDueAtCall {})?;
        Ok((at != 0).then_some(at))
    }

    fn wait(&self, done: impl Fn(&Self) -> Result<bool, Failure>) -> Outcome {
        let begun = Instant::now();
        while !done(self)? {
            if begun.elapsed() > PATIENCE || !self.node.is_running() {
                return Err(Failure("the story broke: no block comes; the log says why".into()));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}
