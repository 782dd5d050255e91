//! Links between members that can be made slow, lossy or cut while the members run.
//!
//! Every ordered pair of members has a door of its own: a port on this machine that passes what comes
//! in to the other member, as the link says at that moment. It works on TCP connections in user space,
//! so it needs no rights and no kernel module, and it shows what a program over TCP would feel:
//!
//! - **latency, jitter**: bytes arrive that much later, in order;
//! - **bandwidth**: all connections of a direction share it, a full queue stops the sender;
//! - **loss**: TCP hides a lost segment behind a wait. A chunk with a lost segment, and all behind it,
//!   waits one retransmission timeout (200 ms and a round trip), doubled for every retransmission that
//!   is lost too. Fast retransmit is not modelled: the link is worse than the kernel's TCP, never
//!   better;
//! - **cut**: nothing passes and nobody is told. After healing, a connection that had something to say
//!   goes on at its next retransmission, whose distance has doubled since the cut.
//!
//! Chance comes from a seed and the pair, so a run makes the same decisions in the same order of chunks.

mod pipe;
mod wire;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

use pipe::Direction;
use wire::Wires;

/// How a dial into a cut link fails: unanswered for this long, then closed.
const DIAL_PATIENCE: Duration = Duration::from_secs(2);

/// One direction between two members.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Link {
    /// One-way delay.
    pub latency: Duration,
    /// Most that is added to the delay by chance.
    pub jitter: Duration,
    /// Bytes a second; `None` is as fast as this machine.
    pub bytes_per_s: Option<u64>,
    /// Share of segments of 1,448 bytes that are lost, 0 to 1.
    pub loss: f64,
    /// Nothing passes.
    pub is_cut: bool,
}

impl Link {
    /// A link with nothing but a delay.
    pub fn slow(latency: Duration) -> Self {
        Self { latency, ..Self::default() }
    }
}

/// The links between all members. Ended with the value.
pub struct Links {
    wires: Arc<Wires>,
    doors: BTreeMap<(usize, usize), SocketAddr>,
    members: usize,
    runtime: Option<Runtime>,
}

impl Links {
    /// Opens a door for every ordered pair of `members`, which are where they listen. Each must be told
    /// to reach the others through its doors.
    ///
    /// # Errors
    /// What the system says: no ports, no threads.
    pub fn open(members: &[SocketAddr], seed: u64) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("links")
            .enable_all()
            .build()?;
        let wires = Arc::new(Wires::new(members.len(), seed));
        let mut doors = BTreeMap::new();
        for from in 0..members.len() {
            for to in (0..members.len()).filter(|to| *to != from) {
                let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
                doors.insert((from, to), listener.local_addr()?);
                let route = Route { wires: wires.clone(), from, to, target: members[to] };
                runtime.spawn(route.serve(listener));
            }
        }
        Ok(Self { wires, doors, members: members.len(), runtime: Some(runtime) })
    }

    /// Where `from` reaches `to`.
    ///
    /// # Panics
    /// For a member that is not there, or one and itself.
    pub fn door(&self, from: usize, to: usize) -> SocketAddr {
        self.doors[&(from, to)]
    }

    /// Sets one direction.
    pub fn set(&self, from: usize, to: usize, link: Link) {
        self.wires.change(from, to, |old| *old = link);
    }

    /// Sets every direction.
    pub fn set_all(&self, link: Link) {
        for (from, to) in self.doors.keys() {
            self.set(*from, *to, link);
        }
    }

    /// Cuts both directions between two members.
    pub fn cut(&self, one: usize, other: usize) {
        self.wires.change(one, other, |link| link.is_cut = true);
        self.wires.change(other, one, |link| link.is_cut = true);
    }

    /// Heals both directions between two members.
    pub fn heal(&self, one: usize, other: usize) {
        self.wires.change(one, other, |link| link.is_cut = false);
        self.wires.change(other, one, |link| link.is_cut = false);
    }

    /// Cuts everything between the members of `side` and all others.
    pub fn part(&self, side: &[usize]) {
        for inner in side {
            for outer in (0..self.members).filter(|member| !side.contains(member)) {
                self.cut(*inner, outer);
            }
        }
    }

    /// Heals every link; latency and the rest stay.
    pub fn heal_all(&self) {
        for (from, to) in self.doors.keys() {
            self.wires.change(*from, *to, |link| link.is_cut = false);
        }
    }

    /// Bytes that were delivered in one direction since the beginning.
    pub fn delivered(&self, from: usize, to: usize) -> u64 {
        self.wires.delivered(from, to)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("members", &self.members).finish_non_exhaustive()
    }
}

/// The way from one member to another.
#[derive(Clone)]
struct Route {
    wires: Arc<Wires>,
    from: usize,
    to: usize,
    target: SocketAddr,
}

impl Route {
    async fn serve(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(self.clone().connect(stream));
                }
                // Out of file descriptors: some connection will end.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn connect(self, near: TcpStream) {
        let both = async {
            self.wires.open(self.from, self.to).await;
            self.wires.open(self.to, self.from).await;
        };
        if tokio::time::timeout(DIAL_PATIENCE, both).await.is_err() {
            return;
        }
        // Nobody listens: the near side sees its connection closed, as it would be refused.
        let Ok(far) = TcpStream::connect(self.target).await else { return };
        // The members set it, too; without it the emulator would add delays of its own.
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let (near_read, near_write) = near.into_split();
        let (far_read, far_write) = far.into_split();
        let there = Direction { wires: self.wires.clone(), from: self.from, to: self.to };
        let back = Direction { wires: self.wires, from: self.to, to: self.from };
        tokio::join!(there.carry(near_read, far_write), back.carry(far_read, near_write));
    }
}

#[cfg(test)]
mod tests;
