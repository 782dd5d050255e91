//! What the program says: results to stdout, everything else to stderr.

use std::{
    fmt,
    io::{self, Write},
};

use tracing_subscriber::EnvFilter;

/// A failure in words for the person at the terminal: what happened, whether anything was changed,
/// what to do.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.0)
    }
}

impl Failure {
    /// A failure with a line that says what to do.
    pub(crate) fn hint(what: impl fmt::Display, hint: &str) -> Self {
        Self(format!("{what}\nhint: {hint}"))
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Result of a command.
pub(crate) type Outcome = Result<(), Failure>;

/// Prints a result. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn say(text: &str) -> Outcome {
    match writeln!(io::stdout(), "{text}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}

/// Sends the log to stderr; `RUST_LOG` chooses how much of it.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
