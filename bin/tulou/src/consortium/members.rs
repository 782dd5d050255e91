//! The five processes: started, stopped, looked at.

use std::{
    fs::{self, OpenOptions},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tulou_client::Rpc;
use tulou_node::{NodeFolder, Settings, founding::Card, ledger_dir};

use crate::output::{Failure, Outcome};

/// Longest wait for a node to answer.
const START: Duration = Duration::from_secs(60);
/// Longest wait for a node to end after it was asked to.
const STOP: Duration = Duration::from_secs(15);

/// A member as the page sees it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seen {
    index: usize,
    name: String,
    key: B256,
    rpc: String,
    running: bool,
    pid: Option<u32>,
}

struct Member {
    name: String,
    key: B256,
    folder: PathBuf,
    rpc: SocketAddr,
    child: Mutex<Option<Child>>,
}

/// All members. Dropping it ends their processes.
pub(super) struct Members(Vec<Member>);

/// The members' folders in their order.
pub(super) fn folders(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("ledgers").is_dir())
        .collect();
    found.sort();
    Ok(found)
}

impl Members {
    /// Starts a process for every member's folder.
    pub(super) fn start(dir: &Path) -> Result<Self, Failure> {
        let mut members = Vec::new();
        for folder in folders(dir)? {
            let settings = Settings::read(&folder)?;
            let ledger = settings
                .ledgers
                .first()
                .ok_or_else(|| Failure(format!("{} has no ledger", folder.display())))?;
            let ledger = ledger_dir(&folder, ledger);
            NodeFolder::open(&ledger)?;
            let card = Card::read(&fs::read_to_string(ledger.join("card.toml"))?)?;
            members.push(Member {
                name: card.member,
                key: card.node,
                folder,
                rpc: settings.node.rpc,
                child: Mutex::new(None),
            });
        }
        let members = Self(members);
        for index in 0..members.0.len() {
            members.run(index)?;
        }
        Ok(members)
    }

    /// Waits until each node answers.
    pub(super) fn wait_until_they_answer(&mut self) -> Outcome {
        let begun = Instant::now();
        for member in &self.0 {
            let rpc = Rpc::new(&format!("http://{}", member.rpc));
            while rpc.block_number().is_err() {
                if !member.is_running() || begun.elapsed() > START {
                    let log = member.folder.join("node.log");
                    return Err(Failure::hint(
                        format!("the node of {} does not start", member.name),
                        &format!("{} says why; nothing is lost", log.display()),
                    ));
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// All members as they are now.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = |(index, member): (usize, &Member)| Seen {
            index,
            name: member.name.clone(),
            key: member.key,
            rpc: format!("http://{}", member.rpc),
            running: member.is_running(),
            pid: member.child.lock().as_ref().map(Child::id),
        };
        self.0.iter().enumerate().map(seen).collect()
    }

    /// Addresses of the nodes, `first` before the others.
    pub(super) fn living(&self, first: usize) -> Vec<(usize, SocketAddr)> {
        let count = self.0.len();
        let order = (0..count).map(|i| (first + i) % count);
        order.filter(|i| self.0[*i].is_running()).map(|i| (i, self.0[i].rpc)).collect()
    }

    /// Whether there is such a member.
    pub(super) fn has(&self, index: usize) -> bool {
        index < self.0.len()
    }

    /// Starts a member's process; one that runs already stays.
    pub(super) fn run(&self, index: usize) -> Outcome {
        let Some(member) = self.0.get(index) else { return Ok(()) };
        if member.is_running() {
            return Ok(());
        }
        let log =
            OpenOptions::new().create(true).append(true).open(member.folder.join("node.log"))?;
        let child = Command::new(std::env::current_exe()?)
            .args(["node", "--until-stdin-closes", "--dir"])
            .arg(&member.folder)
            // Held open by this process: should it be killed, the node ends, too.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        *member.child.lock() = Some(child);
        Ok(())
    }

    /// Asks a member's process to end and waits for it.
    pub(super) fn end(&self, index: usize) {
        if let Some(member) = self.0.get(index) {
            member.ask_to_end();
            member.wait_for_end();
        }
    }

    /// Ends all processes.
    pub(super) fn stop_all(&self) {
        self.0.iter().for_each(Member::ask_to_end);
        self.0.iter().for_each(Member::wait_for_end);
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.stop_all();
    }
}

impl Member {
    fn is_running(&self) -> bool {
        let mut child = self.child.lock();
        let running = child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !running {
            *child = None;
        }
        running
    }

    fn ask_to_end(&self) {
        if let Some(child) = self.child.lock().as_ref()
            && let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
        {
            // It may have ended by itself; then there is nobody to ask.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    fn wait_for_end(&self) {
        let begun = Instant::now();
        while self.is_running() {
            if begun.elapsed() > STOP {
                let mut child = self.child.lock();
                if let Some(mut child) = child.take() {
                    let _ = child.kill();
                    let _ = child.wait();
                }
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
