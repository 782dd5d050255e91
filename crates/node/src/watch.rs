//! The state of the consortium as this node sees it: who is here, who agrees, who signed, what is
//! missing where nothing goes on.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use tulou_consensus::{EngineHandle, Finality};
use tulou_ledger::{Head, Ledger};
use tulou_primitives::{Genesis, epoch_of};
use tulou_rpc::{
    Consortium, LedgerId, Member, MemberState, PROGRAM, PROTOCOL, Stalled, Watch, quorum,
};

use crate::{
    Clock,
    committee::Committee,
    gossip::SharedEngine,
    guard::Stand,
    peers::{Peer, Peers, RELEASE},
    roster::{self, RosterNode},
};

/// Certificates that the record of signers spans.
const SPAN: usize = 100;
/// Without a final block for this long the ledger stands still, or for three heartbeats.
const STALLED: Duration = Duration::from_secs(15);
/// Heights that a node may lag and still count as following.
const LAG: u64 = 3;

/// Who signed the last certificates.
#[derive(Default)]
pub(crate) struct Signers {
    /// Newest last: height and the keys that signed.
    last: VecDeque<(u64, Vec<B256>)>,
    /// Newest height that a key signed.
    newest: BTreeMap<B256, u64>,
}

impl Signers {
    /// Notes the certificate of a height.
    pub(crate) fn note(&mut self, height: u64, certificate: &[u8], committee: &Committee) {
        if self.last.back().is_some_and(|(last, _)| *last >= height) {
            return;
        }
        let Ok(finality) = Finality::decode(certificate) else { return };
        let set = committee.sorted(finality.epoch);
        let signed: Vec<B256> =
            finality.signers.iter().filter_map(|i| set.get(*i as usize).copied()).collect();
        for key in &signed {
            self.newest.insert(*key, height);
        }
        if self.last.len() == SPAN {
            self.last.pop_front();
        }
        self.last.push_back((height, signed));
    }

    fn of(&self, key: &B256) -> (usize, usize, Option<u64>) {
        let signed = self.last.iter().filter(|(_, keys)| keys.contains(key)).count();
        (signed, self.last.len(), self.newest.get(key).copied())
    }
}

/// Everything the report is made from.
pub(crate) struct Watcher {
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) genesis_hash: B256,
    pub(crate) me: B256,
    pub(crate) ledger: Ledger,
    pub(crate) engine: SharedEngine,
    pub(crate) peers: Arc<Peers>,
    pub(crate) committee: Arc<Committee>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) signers: Mutex<Signers>,
    /// When the newest final block came, on the monotonic clock and in milliseconds since 1970.
    pub(crate) final_at: Mutex<(Instant, u64)>,
    /// Why the node must not serve.
    pub(crate) stand: Stand,
    /// Bytes that the ledger's folder may take; 0 has no budget.
    pub(crate) disk_budget: u64,
}

impl Watcher {
    /// Notes each final block, for ever.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut heads = self.ledger.subscribe();
        let head = self.ledger.head().height;
        self.note(head.saturating_sub(SPAN as u64 - 1).max(1), head);
        let mut noted = head;
        while heads.changed().await.is_ok() {
            let height = heads.borrow_and_update().height;
            *self.final_at.lock() = (Instant::now(), self.clock.now_ms());
            self.note((noted + 1).max(height.saturating_sub(SPAN as u64)), height);
            noted = height;
        }
    }

    fn note(&self, from: u64, to: u64) {
        let mut signers = self.signers.lock();
        for height in from..=to {
            if let Ok(Some(certificate)) = self.ledger.finality(height) {
                signers.note(height, &certificate, &self.committee);
            }
        }
    }

    fn report(&self) -> Consortium {
        let head = self.ledger.head();
        let engine = self.engine.read().as_ref().map(EngineHandle::status);
        let epoch = epoch_of(head.height + 1, self.genesis.epoch_length);
        let set = self.committee.sorted(epoch);
        let voting = engine.as_ref().is_some_and(|status| status.votes);
        let nodes = roster::nodes(&self.ledger.latest(), &self.genesis);
        let highest = self.highest(head.height);
        let members = nodes.iter().map(|node| self.member(node, &set, &head, highest)).collect();
        Consortium {
            ledger: LedgerId {
                name: self.genesis.estate.clone(),
                chain_id: self.genesis.chain_id,
                genesis: self.genesis_hash,
            },
            me: Some(self.me),
            program: PROGRAM.into(),
            release: roster::release(&self.ledger.latest(), &self.genesis, head.height + 1),
            protocol: PROTOCOL,
            height: head.height,
            hash: head.hash,
            timestamp: head.timestamp,
            final_at_ms: Some(self.final_at.lock().1),
            epoch,
            epoch_length: self.genesis.epoch_length,
            view: engine.as_ref().map_or(0, |status| status.view),
            leader: engine.as_ref().and_then(|status| status.leader),
            quorum: quorum(set.len()),
            voting,
            observing_until: (set.contains(&self.me) && !voting && engine.is_some())
                .then(|| "next epoch".to_owned()),
            read_only: false,
            members,
            stalled: self.stalled(&set),
        }
    }

    /// The highest height that anyone here has said.
    fn highest(&self, mine: u64) -> u64 {
        let heights = self.genesis.members.iter().filter_map(|member| {
            self.peers.get(&member.node).filter(Peer::is_here).map(|peer| peer.status.height)
        });
        heights.max().unwrap_or(mine).max(mine)
    }

    fn member(&self, node: &RosterNode, set: &[B256], head: &Head, highest: u64) -> Member {
        let (signed, of, newest) = self.signers.lock().of(&node.key);
        let mut member = Member {
            name: node.name.clone(),
            account: node.account,
            key: node.key,
            kind: node.kind,
            endpoint: node.endpoint.clone(),
            in_set: set.contains(&node.key),
            signed_last: signed as u64,
            of_last: of as u64,
            last_signed_height: newest,
            ..Default::default()
        };
        if node.key == self.me {
            member.connected = true;
            member.last_seen_ms = Some(self.clock.now_ms());
            member.height = Some(head.height);
            member.hash = Some(head.hash);
            member.program = Some(PROGRAM.into());
            member.release = Some(RELEASE);
            member.clock_offset_ms = Some(0);
            member.state = match head.height + LAG < highest {
                true => MemberState::Behind,
                false => MemberState::Agrees,
            };
            return member;
        }
        let Some(peer) = self.peers.get(&node.key) else {
            return member;
        };
        member.connected = peer.is_here() && !self.peers.is_refused(&node.key);
        member.last_seen_ms = Some(peer.heard_ms);
        member.height = Some(peer.status.height);
        member.hash = Some(peer.status.hash);
        member.program = Some(peer.status.program.clone());
        member.release = Some(peer.status.release);
        member.clock_offset_ms = Some(peer.clock_offset_ms);
        member.state = match &peer {
            peer if peer.differs => MemberState::Differs,
            _ if !member.connected => MemberState::Stopped,
            peer if peer.status.height + LAG < highest => MemberState::Behind,
            _ => MemberState::Agrees,
        };
        member
    }

    /// Why no block becomes final, where none did for long.
    fn stalled(&self, set: &[B256]) -> Option<Stalled> {
        let (since, since_ms) = *self.final_at.lock();
        let patience = STALLED.max(Duration::from_millis(self.genesis.heartbeat_ms) * 3);
        if since.elapsed() < patience {
            return None;
        }
        let is_missing = |key: &&B256| {
            **key != self.me
                && (self.peers.is_refused(key)
                    || !self.peers.get(key).is_some_and(|peer| peer.is_here()))
        };
        let missing: Vec<B256> = set.iter().filter(is_missing).copied().collect();
        let needed = quorum(set.len());
        let have = u32::try_from(set.len() - missing.len()).unwrap_or(u32::MAX);
        let reason = match self.stand.lock().as_ref() {
            Some(reason) => reason.words().to_owned(),
            None if have < needed => format!(
                "{have} of {} validators are here, {needed} are needed: start or reconnect those \
                 that are missing; nothing final is lost",
                set.len()
            ),
            None => "enough validators are here, but no block becomes final: compare their clocks \
                     and versions, then their logs"
                .into(),
        };
        Some(Stalled { since_ms, missing, needed, have, reason })
    }
}

impl Watch for Watcher {
    fn consortium(&self) -> Consortium {
        self.report()
    }

    fn metrics(&self) -> String {
        self.engine.read().as_ref().map(EngineHandle::metrics).unwrap_or_default()
    }

    fn refusal(&self) -> Option<String> {
        self.stand.lock().as_ref().map(|reason| reason.words().to_owned())
    }

    fn disk_budget_bytes(&self) -> Option<u64> {
        (self.disk_budget > 0).then_some(self.disk_budget)
    }
}
