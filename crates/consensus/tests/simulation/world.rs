//! Four members on a simulated network and simulated disks, and what happens to them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_cryptography::{
    Signer,
    ed25519::{PrivateKey, PublicKey},
};
use commonware_p2p::simulated::{self, Control, Link, Manager, Network, Oracle};
use commonware_runtime::{
    Clock, Handle, Quota, Runner, Spawner, Supervisor,
    deterministic::{self, FaultConfig, PartialWriteMode, WriteConfig},
};
use commonware_utils::{NZU32, NZUsize, Probability, ordered::Set};
use tulou_consensus::{
    EngineConfig, EngineFloor,
    platform::{self, Channels, Parts, Platform, Setup},
    public_key,
};

use crate::{
    ballot::Ballot,
    ledger::{
        CHAIN_ID, EPOCH_LENGTH, HEARTBEAT, Ledger, Node, Pool, chain_namespace, genesis, seed,
    },
    liars::{self, Mischief},
    plan::{Event, MEMBERS, Plan, Road, Story},
    properties,
    tap::Tap,
};

type Context = deterministic::Context;

/// The engine on the simulated runtime and network.
struct Simulated;

impl Platform for Simulated {
    type Context = Context;
    type Sender = Tap;
    type Receiver = simulated::Receiver<PublicKey>;
    type Peers = Manager<PublicKey, Context>;
    type Blocker = Control<PublicKey, Context>;
}

/// Far above what the members send.
const QUOTA: Quota = Quota::per_second(NZU32!(512));
/// Within this time after the last event the chain must have gone on.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pause between looks at the members.
const LOOK: Duration = Duration::from_millis(250);
/// In which a crashed member's files are closed.
const CLOSE: Duration = Duration::from_millis(5);

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Digest of everything the runtime did.
    pub(crate) audit: String,
    /// Height of each member at the end.
    pub(crate) heights: Vec<u64>,
    /// Virtual time from the last event until the chain had gone on.
    pub(crate) recovered: Duration,
}

/// Plays a plan to its end.
///
/// # Errors
/// A sentence: the property that does not hold.
pub(crate) fn play(plan: &Plan) -> Result<Report, String> {
    play_and_keep(plan, &Mutex::default())
}

/// Plays a plan to its end and keeps the honest ledgers.
///
/// # Errors
/// A sentence: the property that does not hold.
pub(crate) fn play_and_keep(plan: &Plan, kept: &Mutex<Vec<Ledger>>) -> Result<Report, String> {
    let config = deterministic::Config::new()
        .with_seed(plan.seed)
        // A member whose disk fails panics, and must not take the others along.
        .with_catch_panics(true)
        .with_timeout(Some(Duration::from_secs(600)));
    deterministic::Runner::new(config).start(|context| async move {
        let mut world = World::new(context, plan).await;
        world.events().await;
        let recovered = world.goes_on().await?;
        world.check()?;
        let ledgers = world.members.iter().map(|member| Arc::clone(&member.ledger));
        let ledgers: Vec<_> =
            ledgers.map(|ledger| std::mem::take(&mut *ledger.lock().unwrap())).collect();
        let heights = ledgers.iter().map(Ledger::height).collect();
        *kept.lock().unwrap() = ledgers;
        Ok(Report { audit: world.context.auditor().state(), heights, recovered })
    })
}

/// A member over all its lives.
struct Member {
    key: PublicKey,
    ledger: Arc<Mutex<Ledger>>,
    ballot: Arc<Ballot>,
    mischief: Option<Arc<dyn Mischief>>,
    life: u32,
    /// Disks that were lost.
    lost: u32,
    /// Second in which the last one was lost.
    vote_after: Option<u64>,
    /// What it starts from, where its disk is empty.
    floor: Option<EngineFloor>,
    task: Option<Handle<Result<(), String>>>,
}

struct World<'a> {
    context: Context,
    oracle: Oracle<PublicKey, Context>,
    plan: &'a Plan,
    pool: Pool,
    members: Vec<Member>,
    split: Vec<usize>,
}

impl<'a> World<'a> {
    async fn new(context: Context, plan: &'a Plan) -> Self {
        let config = simulated::Config {
            max_size: 2 << 20,
            max_peers_per_set: NZUsize!(MEMBERS),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(1),
        };
        let members: Vec<_> = (0..MEMBERS).map(|index| member(index, plan)).collect();
        let keys = members.iter().map(|member| member.key.clone());
        let (network, oracle) =
            Network::new_with_peers(context.child("network"), config, keys).await;
        network.start();
        let mut world =
            Self { context, oracle, plan, pool: Pool::default(), members, split: Vec::new() };
        world.connect().await;
        for index in 0..MEMBERS {
            world.start(index).await;
        }
        world
    }

    /// Sets up the roads between the members that can reach each other, and no others.
    async fn connect(&self) {
        for from in 0..MEMBERS {
            for to in (0..MEMBERS).filter(|to| *to != from) {
                let (sender, receiver) = (&self.members[from].key, &self.members[to].key);
                // Fails where there is none.
                let _ = self.oracle.remove_link(sender.clone(), receiver.clone()).await;
                if self.split.contains(&from) == self.split.contains(&to) {
                    let link = link(self.plan.roads[from][to]);
                    let added = self.oracle.add_link(sender.clone(), receiver.clone(), link).await;
                    added.expect("the road is new");
                }
            }
        }
    }

    async fn start(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.life += 1;
        let control = self.oracle.control(member.key.clone());
        let tapped: Option<Arc<dyn Mischief>> =
            Some(member.mischief.clone().unwrap_or_else(|| member.ballot.clone()));
        let mut channels = Vec::new();
        for number in 0..6 {
            let (sender, receiver) = control.register(number, QUOTA).await.expect("a network");
            channels.push((Tap::new(sender, number, tapped.clone()), receiver));
        }
        let mut next = channels.into_iter();
        let mut next = || next.next().expect("six channels");
        let channels = Channels {
            votes: next(),
            certificates: next(),
            resolver: next(),
            backfill: next(),
            broadcast: next(),
            gossip: next(),
        };
        let parts = Parts {
            channels,
            peers: self.oracle.manager(),
            blocker: control,
            network: None,
            partitions: format!("member-{index}-disk-{}-", member.lost),
        };
        let context = self
            .context
            .child("member")
            .with_attribute("index", index)
            .with_attribute("life", member.life);
        let (ledger, pool) = (Arc::clone(&member.ledger), Arc::clone(&self.pool));
        let mischief = member.mischief.clone();
        let sets = self.plan.sets.clone();
        let node = Arc::new(Node::new(context.child("node"), ledger, pool, mischief, sets));
        let config = EngineConfig {
            keep_blocks: self.plan.keeps[index],
            vote_after: member.vote_after,
            floor: member.floor.clone(),
            ..config(index)
        };
        let setup = Setup::new(config, &*node).expect("the configuration is good");
        member.task = Some(context.spawn(move |context| async move {
            platform::run::<Simulated>(&context, setup, parts, node).await
        }));
    }

    async fn events(&mut self) {
        let begin = self.context.current();
        for (at, event) in self.plan.events.clone() {
            self.sleep_until(begin + at).await;
            match event {
                Event::Split(side) => self.part(side).await,
                Event::Heal => self.part(Vec::new()).await,
                Event::Crash(index) => self.crash(index).await,
                Event::Restart(index, forgets) => self.restart(index, forgets).await,
                Event::LoseDisk(index, snapshot) => self.lose_disk(index, snapshot).await,
                Event::BadDisks(of) => *self.context.storage_fault_config().write() = faults(of),
                Event::GoodDisks => {
                    *self.context.storage_fault_config().write() = FaultConfig::default();
                }
                Event::Transaction(id) => {
                    self.pool.lock().unwrap().insert(id);
                }
            }
        }
    }

    async fn part(&mut self, side: Vec<usize>) {
        self.split = side;
        self.connect().await;
    }

    async fn sleep_until(&self, at: SystemTime) {
        if let Ok(wait) = at.duration_since(self.context.current()) {
            self.context.sleep(wait).await;
        }
    }

    async fn crash(&mut self, index: usize) {
        if let Some(task) = self.members[index].task.take() {
            task.abort();
            self.context.sleep(CLOSE).await;
        }
    }

    async fn restart(&mut self, index: usize, forgets: bool) {
        // Where a disk has failed the member has ended by itself, or hangs on it.
        self.crash(index).await;
        if forgets {
            self.members[index].ledger.lock().unwrap().forget();
        }
        self.start(index).await;
    }

    async fn lose_disk(&mut self, index: usize, snapshot: bool) {
        self.crash(index).await;
        let heights = self.members.iter().map(|member| member.ledger.lock().unwrap().height());
        let newest = heights.max().unwrap_or(0);
        let source = self.members[(index + 1) % MEMBERS].ledger.lock().unwrap().snapshot();
        let member = &mut self.members[index];
        member.lost += 1;
        // Blocks tell the second by their height. Its last votes may be for the next two.
        member.vote_after = Some(genesis().header().timestamp + newest + 2);
        member.floor = None;
        {
            let mut ledger = member.ledger.lock().unwrap();
            ledger.forget();
            ledger.before.clear();
            if let Some((copy, floor)) = source.filter(|_| snapshot) {
                (ledger.finals, ledger.before) = (copy.finals, copy.before);
                member.floor = Some(floor);
            }
        }
        self.start(index).await;
    }

    /// Liveness: all honest members finalize more than an epoch of new blocks and everything that
    /// waits.
    async fn goes_on(&mut self) -> Result<Duration, String> {
        let begin = self.context.current();
        let height = |member: &Member| member.ledger.lock().unwrap().height();
        let goal = self.members.iter().map(height).max().unwrap_or(0) + EPOCH_LENGTH + 2;
        // And past the last change of the validators.
        let goal = goal.max((self.plan.sets.settled() + 2) * EPOCH_LENGTH);
        loop {
            let pool: Vec<u64> = self.pool.lock().unwrap().iter().copied().collect();
            let reached = self.honest().all(|member| {
                let ledger = member.ledger.lock().unwrap();
                ledger.height() >= goal && pool.iter().all(|id| ledger.has(*id))
            });
            let since = self.context.current().duration_since(begin).unwrap_or_default();
            if reached {
                return Ok(since);
            }
            if since > PATIENCE {
                let heights: Vec<_> = self.members.iter().map(height).collect();
                return Err(format!("not at {goal} after {PATIENCE:?}: heights {heights:?}"));
            }
            self.context.sleep(LOOK).await;
        }
    }

    fn honest(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.mischief.is_none())
    }

    /// Safety.
    fn check(&self) -> Result<(), String> {
        let ledgers: Vec<_> = self.honest().map(|member| member.ledger.lock().unwrap()).collect();
        properties::check(
            &ledgers.iter().map(|ledger| &**ledger).collect::<Vec<_>>(),
            &self.plan.sets,
        )?;
        for (index, member) in self.members.iter().enumerate() {
            if member.mischief.is_none()
                && let Some(contradiction) = member.ballot.contradictions().first()
            {
                return Err(format!("honest member {index} cast {contradiction}"));
            }
        }
        Ok(())
    }
}

fn member(index: usize, plan: &Plan) -> Member {
    let key = private_key(index);
    let lies = plan.liar.filter(|(liar, _)| *liar == index);
    let mischief = lies.map(|(_, kind)| {
        let committee = Set::from_iter_dedup((0..MEMBERS).map(|i| private_key(i).public_key()));
        let scheme = Scheme::signer(&chain_namespace(), committee, key.clone());
        liars::liar(kind, scheme.expect("a member of the committee"))
    });
    Member {
        key: key.public_key(),
        ledger: Arc::default(),
        ballot: Arc::default(),
        mischief,
        life: 0,
        lost: 0,
        vote_after: None,
        floor: None,
        task: None,
    }
}

fn private_key(index: usize) -> PrivateKey {
    use commonware_codec::{Copying, DecodeExt};
    PrivateKey::decode(Copying(&seed(index))).expect("any 32 bytes are a seed")
}

fn link(road: Road) -> Link {
    let success_rate = Probability::new(1000 - road.lost, 1000).expect("at most one");
    Link { latency: road.latency, jitter: road.jitter, success_rate }
}

/// One of `of` operations fails, and a failed write leaves half of itself.
fn faults(of: u64) -> FaultConfig {
    let rate = Probability::new(1, of).expect("at most one");
    let half = Probability::new(1, 2).expect("at most one");
    FaultConfig::default().sync(rate).write(WriteConfig {
        failure_rate: rate,
        retention_rate: half,
        mode: PartialWriteMode::Prefix,
    })
}

fn config(index: usize) -> EngineConfig {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    EngineConfig {
        dir: PathBuf::new(),
        key: seed(index),
        listen: nowhere,
        peers: (0..MEMBERS).map(|i| (public_key(seed(i)), nowhere)).collect(),
        max_peers: MEMBERS,
        chain_id: CHAIN_ID,
        genesis_hash: genesis().hash(),
        epoch_length: EPOCH_LENGTH,
        heartbeat_ms: HEARTBEAT.as_millis() as u64,
        max_block_bytes: 1 << 16,
        vote_after: None,
        floor: None,
        keep_blocks: None,
        threads: 2,
    }
}

/// The families of runs, each with the name of its test.
pub(crate) const STORIES: [(Story, &str); 16] = [
    (Story::Partitions, "the_chain_goes_on_after_partitions"),
    (Story::Crashes, "the_chain_goes_on_after_crashes"),
    (Story::Sleeper, "a_member_that_slept_for_epochs_catches_up"),
    (Story::BadDisks, "bad_disks_stop_members_and_forge_nothing"),
    (Story::LostVotes, "who_lost_its_votes_never_contradicts_them"),
    (Story::Snapshot, "a_member_goes_on_from_a_snapshot"),
    (Story::Windows, "windows_of_blocks_lose_nothing_that_counts"),
    (Story::Sets, "validators_change_from_epoch_to_epoch"),
    (Story::Liar(liars::Kind::RemovedVoter), "votes_of_a_removed_validator_count_for_nothing"),
    (Story::Liar(liars::Kind::Equivocator), "an_equivocator_splits_nothing"),
    (Story::Liar(liars::Kind::InvalidProposer), "an_invalid_proposer_gets_nothing_through"),
    (Story::Liar(liars::Kind::WrongStateRoot), "a_wrong_state_root_never_becomes_final"),
    (Story::Liar(liars::Kind::BlockWithholder), "a_withholder_of_blocks_only_loses_its_turns"),
    (Story::Liar(liars::Kind::VoteWithholder), "a_withholder_of_votes_stops_nobody"),
    (Story::Liar(liars::Kind::OldEpochReplayer), "votes_of_old_epochs_count_for_nothing"),
    (Story::Liar(liars::Kind::Censor), "a_censor_delays_but_does_not_prevent"),
];
