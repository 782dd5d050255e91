//! What a fault test found, for people and for the table in `docs/design/faults.md`.

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    time::{Duration, Instant},
};

use serde_json::json;

/// File to which every drill adds a line of JSON, where it is named.
const RECORD: &str = "TULOU_FAULT_RECORD";

/// One fault and what came of it. A drill that is not said to hold is recorded as failed.
#[derive(Debug)]
pub struct Drill {
    fault: &'static str,
    expected: &'static str,
    begun: Instant,
    first_block: Option<Duration>,
    caught_up: Option<Duration>,
    outcome: String,
    notes: Vec<String>,
}

impl Drill {
    /// Begins a drill: what goes wrong, and what is expected then.
    pub fn begin(fault: &'static str, expected: &'static str) -> Self {
        println!("drill: {fault}");
        Self {
            fault,
            expected,
            begun: Instant::now(),
            first_block: None,
            caught_up: None,
            outcome: "FAILED".into(),
            notes: Vec::new(),
        }
    }

    /// Time from the moment the fault was made, or mended where nothing can go on before, to the first
    /// new final block.
    ///
    /// # Panics
    /// Where there was none.
    pub fn first_block(&mut self, took: Option<Duration>) {
        assert!(took.is_some(), "{}: no new final block", self.fault);
        self.first_block = took;
    }

    /// Time from the mending until the member is level with the others.
    ///
    /// # Panics
    /// Where it never was.
    pub fn caught_up(&mut self, took: Option<Duration>) {
        assert!(took.is_some(), "{}: the member does not catch up", self.fault);
        self.caught_up = took;
    }

    /// Something worth knowing about this run.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Everything expected was so.
    pub fn holds(mut self) {
        self.outcome = "holds".into();
    }

    /// It could not be tried here.
    pub fn cannot(mut self, reason: &str) {
        println!("NOT TRIED: {}: {reason}", self.fault);
        self.outcome = "not tried".into();
        self.note(reason);
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        let shown = |took: Option<Duration>| {
            took.map_or_else(|| "-".to_owned(), |took| format!("{:.2} s", took.as_secs_f64()))
        };
        println!(
            "drill: {}: {} | first new final block {} | caught up {} | whole drill {:.1} s{}",
            self.fault,
            self.outcome,
            shown(self.first_block),
            shown(self.caught_up),
            self.begun.elapsed().as_secs_f64(),
            self.notes.iter().map(|note| format!(" | {note}")).collect::<String>(),
        );
        let Some(path) = env::var_os(RECORD) else { return };
        let ms = |took: Option<Duration>| took.map(|took| took.as_millis() as u64);
        let line = json!({
            "fault": self.fault,
            "expected": self.expected,
            "outcome": self.outcome,
            "firstBlockMs": ms(self.first_block),
            "caughtUpMs": ms(self.caught_up),
            "notes": self.notes,
        });
        let file = OpenOptions::new().create(true).append(true).open(&path);
        if let Err(e) = file.and_then(|mut file| writeln!(file, "{line}")) {
            eprintln!("{}: {e}", path.display());
        }
    }
}
