//! A member's node: it builds and checks blocks by simple rules, and keeps what is final.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy_primitives::{B256, Bytes, keccak256};
use commonware_runtime::{Clock, deterministic};
use futures::future::BoxFuture;
use tulou_consensus::{Application, EngineFloor, Finality, namespace, public_key};
use tulou_primitives::{Block, Header};

use crate::{liars::Mischief, plan::MEMBERS};

pub(crate) const CHAIN_ID: u64 = 7755;
/// Short, so that every run crosses several boundaries.
pub(crate) const EPOCH_LENGTH: u64 = 5;
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(400);
/// How often a proposer looks for transactions.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn seed(member: usize) -> [u8; 32] {
    [member as u8 + 1; 32]
}

/// The validators by the epoch from which they hold. The others follow.
#[derive(Clone, Debug)]
pub(crate) struct Sets(Vec<(u64, Vec<usize>)>);

impl Default for Sets {
    fn default() -> Self {
        Self(vec![(0, (0..MEMBERS).collect())])
    }
}

impl Sets {
    /// The first set holds from epoch 0, the others from the epochs named, ascending.
    pub(crate) fn new(first: Vec<usize>, later: Vec<(u64, Vec<usize>)>) -> Self {
        Self([vec![(0, first)], later].concat())
    }

    /// The keys of an epoch's validators, ascending.
    pub(crate) fn committee(&self, epoch: u64) -> Vec<B256> {
        let (_, set) = self.0.iter().rfind(|(from, _)| *from <= epoch).expect("epoch 0 has a set");
        let mut keys: Vec<_> = set.iter().map(|member| public_key(seed(*member))).collect();
        keys.sort_unstable();
        keys
    }

    /// First epoch of the last set.
    pub(crate) fn settled(&self) -> u64 {
        self.0.last().map_or(0, |(from, _)| *from)
    }
}

pub(crate) fn genesis() -> Block {
    Block::new(Header { timestamp: 1_700_000_000, ..Header::default() }, Vec::new())
}

pub(crate) fn chain_namespace() -> Vec<u8> {
    namespace(CHAIN_ID, genesis().hash())
}

/// The transactions of a block: numbers of eight bytes in its extra data.
pub(crate) fn transactions(block: &Block) -> Vec<u64> {
    let chunks = block.header().extra_data.chunks_exact(8);
    chunks.map(|chunk| u64::from_be_bytes(chunk.try_into().unwrap())).collect()
}

/// The state after a block is the hash of the state before and its transactions.
fn state_root(parent: &Block, extra_data: &[u8]) -> B256 {
    keccak256([parent.header().state_root.as_slice(), extra_data].concat())
}

/// A block that keeps all rules.
pub(crate) fn child(parent: &Block, transactions: &[u64]) -> Block {
    let extra_data: Vec<u8> = transactions.iter().flat_map(|id| id.to_be_bytes()).collect();
    let header = Header {
        parent_hash: parent.hash(),
        number: parent.height() + 1,
        timestamp: parent.header().timestamp + 1,
        state_root: state_root(parent, &extra_data),
        extra_data: extra_data.into(),
        ..Header::default()
    };
    Block::new(header, Vec::new())
}

/// Why `block` breaks a rule that does not depend on older blocks.
pub(crate) fn fault(parent: &Block, block: &Block) -> Option<&'static str> {
    let header = block.header();
    if header.parent_hash != parent.hash() || header.number != parent.height() + 1 {
        return Some("it is no child of its parent");
    }
    if header.timestamp != parent.header().timestamp + 1 {
        return Some("its time is wrong");
    }
    if header.state_root != state_root(parent, &header.extra_data) {
        return Some("its state root is wrong");
    }
    let unique: BTreeSet<_> = transactions(block).into_iter().collect();
    let whole = unique.len() * 8 == header.extra_data.len();
    (!whole).then_some("a transaction is there twice, or cut off")
}

/// What a member keeps, crash or not.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) finals: BTreeMap<u64, (Block, Finality)>,
    /// Height and hash of blocks that were final here before the node lost its state.
    pub(crate) forgotten: Vec<(u64, B256)>,
    /// Transactions below the snapshot that the node began with.
    pub(crate) before: BTreeSet<u64>,
    /// What must not have happened.
    pub(crate) violations: Vec<String>,
}

impl Ledger {
    pub(crate) fn height(&self) -> u64 {
        self.finals.last_key_value().map_or(0, |(height, _)| *height)
    }

    /// Loses the state.
    pub(crate) fn forget(&mut self) {
        let lost = std::mem::take(&mut self.finals);
        self.forgotten.extend(lost.into_iter().map(|(height, (block, _))| (height, block.hash())));
    }

    /// The height of the first block that is held: 1, or that of a snapshot.
    pub(crate) fn first(&self) -> u64 {
        self.finals.first_key_value().map_or(1, |(height, _)| *height)
    }

    /// A ledger that begins at the newest block with a certificate of its own, as after a snapshot of
    /// it. `None` where there is no such block above the first epoch.
    pub(crate) fn snapshot(&self) -> Option<(Self, EngineFloor)> {
        let certified = |(_, (block, finality)): &(&u64, &(Block, Finality))| {
            block.hash() == finality.digest && block.height() >= EPOCH_LENGTH
        };
        let (height, (block, finality)) = self.finals.iter().rev().find(certified)?;
        let end = height / EPOCH_LENGTH * EPOCH_LENGTH - 1;
        let (epoch_parent, _) = self.finals.get(&end)?;
        let floor = EngineFloor {
            block: block.clone(),
            certificate: finality.encoded.clone(),
            epoch_parent: epoch_parent.hash(),
        };
        let below = self.finals.range(..=height).flat_map(|(_, (block, _))| transactions(block));
        let before = self.before.iter().copied().chain(below).collect();
        let finals = BTreeMap::from([(*height, (block.clone(), finality.clone()))]);
        Some((Self { finals, before, ..Self::default() }, floor))
    }

    pub(crate) fn block(&self, height: u64) -> Block {
        self.finals.get(&height).map_or_else(genesis, |(block, _)| block.clone())
    }

    pub(crate) fn has(&self, transaction: u64) -> bool {
        self.before.contains(&transaction)
            || self.finals.values().any(|(block, _)| transactions(block).contains(&transaction))
    }
}

/// Transactions that all members know of.
pub(crate) type Pool = Arc<Mutex<BTreeSet<u64>>>;

/// One life of a member's node.
pub(crate) struct Node {
    pub(crate) context: Arc<deterministic::Context>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) pool: Pool,
    pub(crate) mischief: Option<Arc<dyn Mischief>>,
    pub(crate) sets: Sets,
    /// Blocks built or checked in this life.
    candidates: Arc<Mutex<BTreeMap<B256, Block>>>,
}

impl Node {
    pub(crate) fn new(
        context: deterministic::Context,
        ledger: Arc<Mutex<Ledger>>,
        pool: Pool,
        mischief: Option<Arc<dyn Mischief>>,
        sets: Sets,
    ) -> Self {
        let (context, candidates) = (Arc::new(context), Arc::default());
        Self { context, ledger, pool, mischief, sets, candidates }
    }

    /// The transactions in `tip` and the blocks below it.
    fn included(&self, tip: &Block) -> BTreeSet<u64> {
        let (ledger, candidates) = (self.ledger.lock().unwrap(), self.candidates.lock().unwrap());
        let mut included = BTreeSet::new();
        let mut block = tip.clone();
        while block.height() > ledger.height() {
            included.extend(transactions(&block));
            match candidates.get(&block.header().parent_hash) {
                Some(parent) => block = parent.clone(),
                None => break,
            }
        }
        included.extend(ledger.before.iter().copied());
        included.extend(ledger.finals.values().flat_map(|(block, _)| transactions(block)));
        included
    }

    fn waiting(&self, parent: &Block) -> Vec<u64> {
        let included = self.included(parent);
        let pool = self.pool.lock().unwrap();
        let wanted = |id: &u64| self.mischief.as_ref().is_none_or(|liar| liar.includes(*id));
        pool.iter().filter(|id| !included.contains(id) && wanted(id)).copied().collect()
    }

    fn handle(&self) -> Self {
        Self {
            context: Arc::clone(&self.context),
            ledger: Arc::clone(&self.ledger),
            pool: Arc::clone(&self.pool),
            mischief: self.mischief.clone(),
            sets: self.sets.clone(),
            candidates: Arc::clone(&self.candidates),
        }
    }

    fn keep(&self, block: &Block) {
        self.candidates.lock().unwrap().insert(block.hash(), block.clone());
    }

    fn take(&self, block: Block, finality: Finality) {
        let mut ledger = self.ledger.lock().unwrap();
        let height = block.height();
        if let Some((known, _)) = ledger.finals.get(&height) {
            if known.hash() != block.hash() {
                ledger.violations.push(format!("two blocks are final at {height}"));
            }
            return;
        }
        if height != ledger.height() + 1 {
            let last = ledger.height();
            ledger.violations.push(format!("block {height} was delivered after {last}"));
        }
        ledger.finals.insert(height, (block, finality));
        let low = height.saturating_sub(8);
        self.candidates.lock().unwrap().retain(|_, block| block.height() > low);
    }
}

impl Application for Node {
    fn genesis(&self) -> Block {
        genesis()
    }

    fn propose(&self, parent: Block) -> BoxFuture<'static, Option<Block>> {
        let node = self.handle();
        Box::pin(async move {
            let until = node.context.current() + HEARTBEAT;
            while node.waiting(&parent).is_empty() && node.context.current() < until {
                node.context.sleep(LOOK).await;
            }
            let block = child(&parent, &node.waiting(&parent));
            let block = match &node.mischief {
                Some(liar) => liar.propose(&parent, block),
                None => block,
            };
            node.keep(&block);
            Some(block)
        })
    }

    fn verify(&self, parent: Block, block: Block) -> BoxFuture<'static, bool> {
        let repeats = transactions(&block).iter().any(|id| self.included(&parent).contains(id));
        let honest = fault(&parent, &block).is_none() && !repeats;
        let verdict = self.mischief.as_ref().map_or(honest, |liar| liar.verdict(&block, honest));
        if verdict {
            self.keep(&block);
        }
        Box::pin(std::future::ready(verdict))
    }

    fn finalized(
        &self,
        block: Block,
        finality: Finality,
    ) -> BoxFuture<'static, Result<(), String>> {
        self.take(block, finality);
        Box::pin(std::future::ready(Ok(())))
    }

    fn holds(&self, block: B256) -> bool {
        let ledger = self.ledger.lock().unwrap();
        ledger.block(ledger.height()).hash() == block
            || self.candidates.lock().unwrap().contains_key(&block)
    }

    fn take_up(&self, blocks: Vec<Block>) -> BoxFuture<'static, ()> {
        blocks.iter().for_each(|block| self.keep(block));
        Box::pin(std::future::ready(()))
    }

    fn height(&self) -> Option<u64> {
        Some(self.ledger.lock().unwrap().height())
    }

    fn heard(&self, _from: B256, _message: Bytes) {}

    fn block_hash(&self, height: u64) -> Option<B256> {
        self.ledger.lock().unwrap().finals.get(&height).map(|(block, _)| block.hash())
    }

    fn validators(&self, epoch: u64) -> Vec<B256> {
        let honest = self.sets.committee(epoch);
        match &self.mischief {
            Some(liar) => liar.committee(honest, self.sets.committee(0)),
            None => honest,
        }
    }
}
