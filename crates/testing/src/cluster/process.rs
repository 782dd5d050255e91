//! One process of a member, and what it writes.

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::wait_until;

/// What a member's process writes goes here, in its folder's parent so that a full disk of the member
/// does not silence it.
const LOG: &str = "log";

/// A running member. Killed with the value.
pub(super) struct Process(Child);

impl Process {
    /// Runs `tulou node` on a folder, through `launcher` if there is one (`ip netns exec ...`).
    pub(super) fn start(
        program: &Path,
        launcher: Option<Vec<String>>,
        folder: &Path,
        more: &[&str],
    ) -> io::Result<Self> {
        let mut words = launcher.unwrap_or_default();
        words.push(program.display().to_string());
        let log =
            fs::OpenOptions::new().create(true).append(true).open(folder.with_extension(LOG))?;
        Command::new(&words[0])
            .args(&words[1..])
            .args(["node", "--dir"])
            .arg(folder)
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map(Self)
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.0.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Asks it to end and waits.
    pub(super) fn ask_to_end(&mut self, patience: Duration) {
        let asked = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        if asked.is_ok_and(|status| status.success()) {
            // Whoever does not listen is killed when the value goes.
            let _ = wait_until(patience, || self.ended().is_some());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything that a member wrote.
pub(super) fn log(folder: &Path) -> String {
    let bytes = fs::read(folder.with_extension(LOG)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Its last lines.
pub(super) fn log_end(folder: &Path, lines: usize) -> String {
    let text = log(folder);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
