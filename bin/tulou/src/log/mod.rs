//! The log: text or JSON, to stderr, to files that are replaced by size and day, or to both.
//!
//! What is logged is what happened to blocks, peers, disks and clocks: never a key, a passphrase, a
//! caller's address or what a transaction says.

use std::{io, path::PathBuf};

use clap::{Args, ValueEnum};
use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_rolling_file::{RollingConditionBase, RollingFileAppender};
use tracing_subscriber::{
    EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::output::Failure;

#[cfg(test)]
mod tests;

/// Name of the newest file; older ones have `.1`, `.2` ... behind it.
const FILE: &str = "tulou.log";
/// Lines that wait for a slow disk. What comes on top is dropped and counted, so that a full disk
/// never holds up consensus.
const WAITING_LINES: usize = 16_384;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the log goes and how much of it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct Options {
    /// How much is logged: `warn`, `info`, or by part: `info,tulou_node=debug`.
    #[arg(long, env = "RUST_LOG", default_value = "warn", global = true)]
    log: String,
    /// How a line looks.
    #[arg(long, env = "TULOU_LOG_FORMAT", default_value = "text", global = true)]
    log_format: Format,
    /// Folder for files; without one the log goes to stderr alone.
    #[arg(long, env = "TULOU_LOG_DIR", global = true)]
    log_dir: Option<PathBuf>,
    /// Files that are kept, the newest included; the oldest one goes.
    #[arg(long, env = "TULOU_LOG_FILES", default_value_t = 14, global = true,
        value_parser = clap::value_parser!(u16).range(1..))]
    log_files: u16,
    /// Mebibytes of a file before the next one begins; each day begins one too.
    #[arg(long, env = "TULOU_LOG_MIB", default_value_t = 64, global = true,
        value_parser = clap::value_parser!(u16).range(1..))]
    log_mib: u16,
    /// With files, nothing goes to stderr.
    #[arg(long, env = "TULOU_LOG_QUIET", global = true)]
    log_quiet: bool,
}

/// Writes out what waits when it is dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Running(#[expect(dead_code, reason = "held for its end")] Option<WorkerGuard>);

impl Options {
    /// Starts the log of this process.
    ///
    /// # Errors
    /// The folder cannot be made or written, or the filter is none.
    pub(crate) fn start(&self) -> Result<Running, Failure> {
        let files = self.files()?;
        let (file, guard) = files.unzip();
        let to_stderr = (!self.log_quiet || file.is_none()).then_some(io::stderr as fn() -> _);
        tracing_subscriber::registry()
            .with(self.filter()?)
            .with(to_stderr.map(|stderr| lines(self.log_format, stderr)))
            .with(file.map(|file| lines(self.log_format, file)))
            .init();
        Ok(Running(guard))
    }

    fn filter(&self) -> Result<EnvFilter, Failure> {
        EnvFilter::try_new(&self.log).map_err(|e| {
            let hint = "say warn, info, debug, or a part and a level: info,tulou_node=debug";
            Failure::hint(format!("log {:?}: {e}", self.log), hint)
        })
    }

    /// A writer that never waits for the disk.
    fn files(&self) -> Result<Option<(NonBlocking, WorkerGuard)>, Failure> {
        let Some(dir) = &self.log_dir else { return Ok(None) };
        if dir.to_str().is_none() {
            return Err(Failure(format!("--log-dir {}: not a name in UTF-8", dir.display())));
        }
        let shown = |e: io::Error| Failure(format!("{}: {e}", dir.display()));
        std::fs::create_dir_all(dir).map_err(shown)?;
        let bytes = u64::from(self.log_mib) << 20;
        let appender =
            appender(dir.join(FILE), bytes, usize::from(self.log_files)).map_err(shown)?;
        let builder = NonBlockingBuilder::default();
        let builder = builder.buffered_lines_limit(WAITING_LINES).thread_name("log");
        Ok(Some(builder.finish(appender)))
    }
}

fn appender(
    path: PathBuf,
    bytes: u64,
    log_files: usize,
) -> io::Result<RollingFileAppender<RollingConditionBase>> {
    let condition = RollingConditionBase::new().daily().max_size(bytes);
    // The library counts the older ones alone.
    RollingFileAppender::new(path, condition, log_files.saturating_sub(1))
}

/// Lines of a format for a writer.
fn lines<S, W>(format: Format, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        Format::Text => lines.with_ansi(false).boxed(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    }
}
