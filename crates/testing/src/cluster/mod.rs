//! A consortium of real processes on this machine: founded by `tulou init`, run by `tulou node`.

mod founding;
mod judge;
mod namespace;
mod neighbour;
mod process;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use tempfile::TempDir;
use tulou_client::Rpc;

use crate::Links;
pub use judge::Receipt;
use namespace::Namespaces;
pub use neighbour::Neighbour;
use process::Process;

/// How often something is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(20);
/// Longest wait for a node to answer after its start.
const START: Duration = Duration::from_secs(60);

/// How the members reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Directly, over the loopback interface.
    Loopback,
    /// Through [`Links`] with this seed.
    Links(u64),
    /// Each in a network namespace of its own, on one bridge.
    Namespaces,
}

/// What to found.
#[derive(Clone, Debug)]
pub struct ClusterPlan {
    /// The program.
    pub program: PathBuf,
    /// Members that vote; member `i` of every call is the `i`-th of these, then the observers.
    pub validators: usize,
    /// Members that follow.
    pub observers: usize,
    /// Heights in an epoch.
    pub epoch_length: u64,
    /// How long an idle leader waits.
    pub heartbeat_ms: u64,
    /// How they reach each other.
    pub network: Network,
    /// Where the folders are made; the system's folder for temporary files where nothing is said.
    pub below: Option<PathBuf>,
    /// Gas of a block; what `tulou init` takes by itself where nothing is said.
    pub gas_limit: Option<u64>,
    /// Accounts with a native balance.
    pub funded: Vec<Address>,
    /// So many accounts more in the state.
    pub filler: u64,
}

impl ClusterPlan {
    /// Some validators on the loopback interface, with epochs of 500 heights.
    pub fn new(program: &Path, validators: usize) -> Self {
        Self {
            program: program.to_owned(),
            validators,
            observers: 0,
            epoch_length: 500,
            heartbeat_ms: 500,
            network: Network::Loopback,
            below: None,
            gas_limit: None,
            funded: Vec::new(),
            filler: 0,
        }
    }
}

/// Why there is no consortium to test.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// `tulou init` said no.
    #[error("the founding failed: {0}")]
    Founding(String),
    /// A node ended although it should run.
    #[error("member {member} ended while starting ({status}):\n{log}")]
    Ended {
        /// Which.
        member: usize,
        /// How.
        status: String,
        /// Its last words.
        log: String,
    },
    /// A node does not answer.
    #[error("member {member} did not answer within {START:?}:\n{log}")]
    Silent {
        /// Which.
        member: usize,
        /// Its last words.
        log: String,
    },
}

impl ClusterError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// One member.
struct Member {
    key: B256,
    folder: PathBuf,
    rpc: Rpc,
    process: Option<Process>,
}

/// A consortium of processes. Everything ends with the value, on a panic too.
pub struct Cluster {
    plan: ClusterPlan,
    members: Vec<Member>,
    links: Option<Links>,
    namespaces: Option<Namespaces>,
    ledger: String,
    chain_id: u64,
    /// Height up to which the members' blocks were compared, and the hash there.
    compared: std::cell::Cell<u64>,
    // Last, so that the folders go when nobody writes to them any more.
    dir: TempDir,
}

impl Cluster {
    /// Founds a consortium without starting anybody.
    ///
    /// # Errors
    /// [`ClusterError::Io`], [`ClusterError::Founding`].
    pub fn found(plan: ClusterPlan) -> Result<Self, ClusterError> {
        founding::found(plan)
    }

    /// Founds a consortium, starts all and waits until every member has the first block.
    ///
    /// # Errors
    /// Any [`ClusterError`].
    pub fn start(plan: ClusterPlan) -> Result<Self, ClusterError> {
        let mut cluster = Self::found(plan)?;
        cluster.start_all()?;
        for member in 0..cluster.members.len() {
            cluster
                .wait_for_height(member, 1, START)
                .ok_or_else(|| ClusterError::Silent { member, log: cluster.log_end(member) })?;
        }
        Ok(cluster)
    }

    /// Starts all members that do not run.
    ///
    /// # Errors
    /// As [`Cluster::start_member`].
    pub fn start_all(&mut self) -> Result<(), ClusterError> {
        let idle: Vec<usize> =
            (0..self.members.len()).filter(|member| !self.is_running(*member)).collect();
        for member in &idle {
            self.launch(*member, &[])?;
        }
        idle.iter().try_for_each(|member| self.wait_until_it_answers(*member))
    }

    /// Starts one member and waits until it answers.
    ///
    /// # Errors
    /// [`ClusterError::Io`], [`ClusterError::Ended`], [`ClusterError::Silent`].
    pub fn start_member(&mut self, member: usize, more: &[&str]) -> Result<(), ClusterError> {
        self.launch(member, more)?;
        self.wait_until_it_answers(member)
    }

    /// Starts one member without waiting for it.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn launch(&mut self, member: usize, more: &[&str]) -> Result<(), ClusterError> {
        let launcher = self.namespaces.as_ref().map(|spaces| spaces.launcher(member));
        let Member { folder, process, .. } = &mut self.members[member];
        *process = None;
        let started = Process::start(&self.plan.program, launcher, folder, more)
            .map_err(ClusterError::io(format!("member {member}")))?;
        *process = Some(started);
        Ok(())
    }

    fn wait_until_it_answers(&mut self, member: usize) -> Result<(), ClusterError> {
        let begun = Instant::now();
        while begun.elapsed() < START {
            if self.members[member].rpc.block_number().is_ok() {
                return Ok(());
            }
            if let Some(status) = self.ended(member) {
                return Err(ClusterError::Ended { member, status, log: self.log_end(member) });
            }
            thread::sleep(LOOK);
        }
        Err(ClusterError::Silent { member, log: self.log_end(member) })
    }

    /// Ends a member at once, as a power cut would (SIGKILL).
    pub fn kill(&mut self, member: usize) {
        self.members[member].process = None;
    }

    /// Asks a member to end (SIGTERM) and waits for it; kills it where it does not listen.
    pub fn stop(&mut self, member: usize) {
        if let Some(process) = &mut self.members[member].process {
            process.ask_to_end(Duration::from_secs(15));
        }
        self.members[member].process = None;
    }

    /// How a member's process ended by itself, if it did.
    pub fn ended(&mut self, member: usize) -> Option<String> {
        self.members[member].process.as_mut()?.ended()
    }

    /// Whether a member's process is there.
    pub fn is_running(&mut self, member: usize) -> bool {
        self.members[member].process.is_some() && self.ended(member).is_none()
    }

    /// A member's process.
    pub fn pid(&self, member: usize) -> Option<u32> {
        self.members[member].process.as_ref().map(Process::pid)
    }

    /// How many members there are, observers included.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never: a consortium has members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// A member's JSON-RPC and REST.
    pub fn rpc(&self, member: usize) -> &Rpc {
        &self.members[member].rpc
    }

    /// Where all members answer.
    pub fn urls(&self) -> Vec<String> {
        self.members.iter().map(|member| member.rpc.url().to_owned()).collect()
    }

    /// The key of a member's node.
    pub fn key(&self, member: usize) -> B256 {
        self.members[member].key
    }

    /// A member's folder, which holds `node.toml`.
    pub fn folder(&self, member: usize) -> &Path {
        &self.members[member].folder
    }

    /// The folder of the ledger in a member's folder.
    pub fn ledger_folder(&self, member: usize) -> PathBuf {
        self.members[member].folder.join("ledgers").join(&self.ledger)
    }

    /// EIP-155 id of the ledger.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The links between the members.
    ///
    /// # Panics
    /// Where the plan asked for none.
    pub fn links(&self) -> &Links {
        self.links.as_ref().expect("the plan asks for links")
    }

    /// Takes a member off the bridge, or puts it back.
    ///
    /// # Errors
    /// [`ClusterError::Io`]: the namespaces are not there, or the system says no.
    pub fn plug(&self, member: usize, is_in: bool) -> Result<(), ClusterError> {
        let missing = || io::Error::other("the plan asks for no namespaces");
        self.namespaces
            .as_ref()
            .ok_or_else(missing)
            .and_then(|spaces| spaces.plug(member, is_in))
            .map_err(ClusterError::io(format!("the cable of member {member}")))
    }

    /// Why namespaces cannot be had here, if so.
    pub fn no_namespaces() -> Option<String> {
        Namespaces::missing()
    }

    /// Removes everything that a member has stored, as a new disk would: keys, genesis and settings
    /// come back from the safe.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn wipe(&mut self, member: usize) -> Result<(), ClusterError> {
        self.kill(member);
        let folder = self.ledger_folder(member);
        let kept = ["genesis.json", "keys", "card.toml"];
        let entries =
            fs::read_dir(&folder).map_err(ClusterError::io(folder.display().to_string()))?;
        for entry in entries.flatten() {
            if kept.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let path = entry.path();
            let gone =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            gone.map_err(ClusterError::io(path.display().to_string()))?;
        }
        Ok(())
    }

    /// Newest final height of a member; `None` where it does not answer.
    pub fn height(&self, member: usize) -> Option<u64> {
        self.members[member].rpc.block_number().ok()
    }

    /// Highest height that any member says.
    pub fn highest(&self) -> u64 {
        (0..self.members.len()).filter_map(|member| self.height(member)).max().unwrap_or_default()
    }

    /// Waits until a member has a height. Returns how long that took, or nothing where it was too long.
    pub fn wait_for_height(
        &self,
        member: usize,
        height: u64,
        patience: Duration,
    ) -> Option<Duration> {
        wait_until(patience, || self.height(member).is_some_and(|now| now >= height))
    }

    /// Waits until a member is as high as the others were at some moment while it waited.
    pub fn wait_until_level(&self, member: usize, patience: Duration) -> Option<Duration> {
        wait_until(patience, || self.height(member).is_some_and(|now| now + 1 >= self.highest()))
    }

    /// The last lines that a member wrote.
    pub fn log_end(&self, member: usize) -> String {
        process::log_end(&self.members[member].folder, 30)
    }

    /// Everything that a member wrote since the founding.
    pub fn log(&self, member: usize) -> String {
        process::log(&self.members[member].folder)
    }

    /// The folder of everything.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            for member in 0..self.members.len() {
                eprintln!("--- last words of member {member}\n{}", self.log_end(member));
            }
        }
        for member in &mut self.members {
            member.process = None;
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// Waits until something holds. Returns how long that took, or nothing where it was too long.
pub fn wait_until(patience: Duration, mut holds: impl FnMut() -> bool) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if holds() {
            return Some(begun.elapsed());
        }
        thread::sleep(LOOK);
    }
    None
}

/// A port on this machine that is free now and outside the range from which the system takes ports for
/// connections.
///
/// # Errors
/// Where thousands in a row are taken.
pub fn free_port() -> io::Result<u16> {
    use std::{
        net::{Ipv4Addr, TcpListener},
        sync::atomic::{AtomicU32, Ordering},
    };
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 15_000;
    const COUNT: u32 = 17_000;
    let start = std::process::id().wrapping_mul(137);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = (FIRST + start.wrapping_add(step) % COUNT) as u16;
        if TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("no free port"))
}
