//! A node process of one's own on this machine, for benchmarks and tests.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::Rpc;

/// Longest wait for a node to answer. A first start of the demo estate tells a year's story.
const START: Duration = Duration::from_secs(120);

/// Why a node of one's own does not run.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The program cannot be started, or the folder not made.
    #[error("{program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("the node ended while starting: {0}")]
    Ended(String),
    /// It runs but does not answer.
    #[error("the node did not answer within {0:?}")]
    Silent(Duration),
}

/// A running `tulou dev`. Ended with the value, and its folder removed.
#[derive(Debug)]
pub struct LocalNode {
    program: PathBuf,
    arguments: Vec<String>,
    dir: PathBuf,
    port: u16,
    child: Child,
    rpc: Rpc,
    patience: Duration,
}

impl LocalNode {
    /// Starts `program dev` with more arguments in a new folder, on a free port, and waits until it
    /// answers.
    ///
    /// # Errors
    /// [`LocalError::Start`], [`LocalError::Ended`] or [`LocalError::Silent`].
    pub fn start(program: &Path, arguments: &[&str]) -> Result<Self, LocalError> {
        Self::start_within(program, arguments, START)
    }

    /// As [`LocalNode::start`], with another patience: a ledger that begins with millions of accounts
    /// takes its time.
    ///
    /// # Errors
    /// As [`LocalNode::start`].
    pub fn start_within(
        program: &Path,
        arguments: &[&str],
        patience: Duration,
    ) -> Result<Self, LocalError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("tulou-{}-{number}", std::process::id()));
        let failed = |source| LocalError::Start { program: program.display().to_string(), source };
        // A folder left by an earlier process with the same number is not ours to continue.
        match fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(failed)?
            .port();
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let child = spawn(program, &arguments, &dir, port).map_err(failed)?;
        let rpc = Rpc::new(&format!("http://127.0.0.1:{port}"));
        let mut node =
            Self { program: program.to_owned(), arguments, dir, port, child, rpc, patience };
        node.wait_until_it_answers()?;
        Ok(node)
    }

    /// Its JSON-RPC and REST.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power cut would end the process (SIGKILL).
    pub fn kill(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same folder and port.
    pub fn restart(&mut self) -> Result<(), LocalError> {
        self.kill();
        self.child =
            spawn(&self.program, &self.arguments, &self.dir, self.port).map_err(|source| {
                LocalError::Start { program: self.program.display().to_string(), source }
            })?;
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> Result<(), LocalError> {
        let begun = Instant::now();
        loop {
            if self.rpc.block_number().is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(LocalError::Ended(status.to_string()));
            }
            if begun.elapsed() > self.patience {
                return Err(LocalError::Silent(self.patience));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for LocalNode {
    fn drop(&mut self) {
        self.kill();
        // Nobody is left who could do something about a folder that does not go away.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn spawn(program: &Path, arguments: &[String], dir: &Path, port: u16) -> io::Result<Child> {
    Command::new(program)
        .arg("dev")
        .args(["--port", &port.to_string(), "--dir"])
        .arg(dir)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
}
