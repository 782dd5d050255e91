//! What the program says: results to stdout, everything else to stderr.

use std::{
    fmt,
    io::{self, Write},
};

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
