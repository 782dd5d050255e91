//! What happens in a simulated run. A seed decides all of it.

use std::time::Duration;

use crate::{dice::Dice, ledger::Sets, liars::Kind};

/// Members of every simulated chain.
pub(crate) const MEMBERS: usize = 4;

/// One direction between two members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Road {
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
    /// Messages lost of a thousand.
    pub(crate) lost: u64,
}

/// What happens to the members.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Messages pass only within these and within the others.
    Split(Vec<usize>),
    /// All messages pass again.
    Heal,
    /// A member loses what it has not written to disk, and stops.
    Crash(usize),
    /// A stopped member starts again; its node has forgotten all blocks if the flag is set.
    Restart(usize, bool),
    /// A member stops, loses its whole disk, and starts again: without its votes, so that it stays
    /// silent until an epoch begins later; from a snapshot of another member if the flag is set.
    LoseDisk(usize, bool),
    /// Disks begin to refuse one of this many operations.
    BadDisks(u64),
    /// Disks work again.
    GoodDisks,
    /// All members learn of a transaction.
    Transaction(u64),
}

/// Families of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// The network falls apart 2|2 or 3|1, more than once.
    Partitions,
    /// Members crash and come back, alone and together.
    Crashes,
    /// One member is away for several epochs.
    Sleeper,
    /// Disks refuse to work, and members crash on it.
    BadDisks,
    /// Members lose their disks, and with them their votes.
    LostVotes,
    /// A member that lost its disk starts from a snapshot.
    Snapshot,
    /// Members keep few blocks, one keeps all, and they crash.
    Windows,
    /// The validators change from epoch to epoch.
    Sets,
    /// One member lies.
    Liar(Kind),
}

/// A run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// From each member to each.
    pub(crate) roads: [[Road; MEMBERS]; MEMBERS],
    /// In order of time.
    pub(crate) events: Vec<(Duration, Event)>,
    /// The validators of each epoch.
    pub(crate) sets: Sets,
    /// What each member keeps below the newest block.
    pub(crate) keeps: [Option<u64>; MEMBERS],
    /// Who lies.
    pub(crate) liar: Option<(usize, Kind)>,
}

impl Plan {
    /// The run of a story that a seed decides on.
    pub(crate) fn new(story: Story, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let slow = dice.one(&[5, 20, 80]);
        let lossy = dice.one(&[0, 0, 5, 20]);
        let roads = std::array::from_fn(|_| {
            std::array::from_fn(|_| Road {
                latency: dice.millis(slow..2 * slow),
                jitter: dice.millis(0..slow),
                lost: dice.pick(0..lossy + 1),
            })
        });
        let (events, sets) = (Vec::new(), Sets::default());
        let mut plan = Self { seed, roads, events, sets, keeps: [None; MEMBERS], liar: None };
        match story {
            Story::Partitions => plan.partitions(&mut dice),
            Story::Crashes => plan.crashes(&mut dice),
            Story::Sleeper => plan.sleeper(&mut dice),
            Story::BadDisks => plan.bad_disks(&mut dice),
            Story::LostVotes => plan.lost_disks(&mut dice, false),
            Story::Snapshot => plan.lost_disks(&mut dice, true),
            Story::Windows => plan.windows(&mut dice),
            Story::Sets => plan.changing_sets(&mut dice),
            Story::Liar(Kind::RemovedVoter) => plan.removal(&mut dice),
            Story::Liar(kind) => {
                plan.liar = Some((dice.pick(0..MEMBERS as u64) as usize, kind));
                if dice.once_in(3) {
                    plan.partitions(&mut dice);
                }
            }
        }
        let end = plan.end().as_millis() as u64 + 2_000;
        for id in 0..6 {
            plan.events.push((dice.millis(0..end), Event::Transaction(id)));
        }
        plan.events.sort_by_key(|(at, _)| *at);
        plan
    }

    /// When the last thing happens, after which the chain has to go on.
    pub(crate) fn end(&self) -> Duration {
        self.events.iter().map(|(at, _)| *at).max().unwrap_or(Duration::from_secs(4))
    }

    fn partitions(&mut self, dice: &mut Dice) {
        let mut at = dice.millis(500..4_000);
        for _ in 0..dice.pick(1..3) {
            let one = dice.pick(0..MEMBERS as u64) as usize;
            let mut side = vec![one];
            if dice.once_in(2) {
                side.push((one + dice.pick(1..MEMBERS as u64) as usize) % MEMBERS);
            }
            self.events.push((at, Event::Split(side)));
            at += dice.millis(500..8_000);
            self.events.push((at, Event::Heal));
            at += dice.millis(500..4_000);
        }
    }

    fn crashes(&mut self, dice: &mut Dice) {
        let mut at = Duration::ZERO;
        for _ in 0..dice.pick(1..4) {
            at += dice.millis(200..4_000);
            let first = dice.pick(0..MEMBERS as u64) as usize;
            let count = dice.one(&[1, 1, 2, MEMBERS]);
            let victims: Vec<_> = (0..count).map(|i| (first + i) % MEMBERS).collect();
            self.events.extend(victims.iter().map(|victim| (at, Event::Crash(*victim))));
            for victim in victims {
                at += dice.millis(0..1_500);
                self.events.push((at, Event::Restart(victim, dice.once_in(3))));
            }
        }
    }

    fn sleeper(&mut self, dice: &mut Dice) {
        let sleeper = dice.pick(0..MEMBERS as u64) as usize;
        self.events.push((dice.millis(0..3_000), Event::Crash(sleeper)));
        self.events.push((dice.millis(20_000..30_000), Event::Restart(sleeper, false)));
    }

    fn lost_disks(&mut self, dice: &mut Dice, snapshot: bool) {
        // Late enough that there is a block with a certificate above the first epoch.
        let mut at = dice.millis(if snapshot { 6_000..9_000 } else { 300..5_000 });
        let victim = dice.pick(0..MEMBERS as u64) as usize;
        for _ in 0..dice.pick(1..3) {
            self.events.push((at, Event::LoseDisk(victim, snapshot)));
            at += dice.millis(500..6_000);
        }
        if dice.once_in(2) {
            self.events.push((at, Event::Restart(victim, false)));
        }
    }

    fn windows(&mut self, dice: &mut Dice) {
        let whole = dice.pick(0..MEMBERS as u64) as usize;
        self.keeps = std::array::from_fn(|member| (member != whole).then(|| dice.pick(1..12)));
        // Sections of a window go when they are whole: at least sixteen blocks below two epochs.
        let mut at = dice.millis(14_000..20_000);
        for _ in 0..dice.pick(1..3) {
            let victim = dice.pick(0..MEMBERS as u64) as usize;
            self.events.push((at, Event::Crash(victim)));
            at += dice.millis(300..6_000);
            self.events.push((at, Event::Restart(victim, false)));
            at += dice.millis(500..3_000);
        }
    }

    fn changing_sets(&mut self, dice: &mut Dice) {
        let all: Vec<usize> = (0..MEMBERS).collect();
        let without = |member: usize| all.iter().copied().filter(|m| *m != member).collect();
        let (late, early) = (dice.pick(0..MEMBERS as u64), dice.pick(0..MEMBERS as u64));
        let full = dice.pick(1..3);
        let small = full + dice.pick(1..3);
        let later = vec![
            (full, all.clone()),
            (small, without(early as usize)),
            (small + dice.pick(1..3), vec![early as usize]),
        ];
        self.sets = Sets::new(without(late as usize), later);
        self.events.push((dice.millis(10_000..16_000), Event::Heal));
    }

    fn removal(&mut self, dice: &mut Dice) {
        let liar = dice.pick(0..MEMBERS as u64) as usize;
        let others = (0..MEMBERS).filter(|member| *member != liar).collect();
        self.sets = Sets::new((0..MEMBERS).collect(), vec![(dice.pick(1..4), others)]);
        self.liar = Some((liar, Kind::RemovedVoter));
        self.events.push((dice.millis(8_000..14_000), Event::Heal));
    }

    fn bad_disks(&mut self, dice: &mut Dice) {
        let begin = dice.millis(200..3_000);
        let end = begin + dice.millis(500..4_000);
        self.events.push((begin, Event::BadDisks(dice.one(&[20, 100, 400]))));
        self.events.push((end, Event::GoodDisks));
        for member in 0..MEMBERS {
            self.events.push((end + dice.millis(1..2_000), Event::Restart(member, false)));
        }
    }
}
