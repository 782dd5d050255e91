//! `tulou node`: a member's node, with one or several ledgers.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use clap::Args;
use tulou_node::{Drill, Host, HostOptions, Settings, ledger_dir};

use crate::{
    backup,
    output::{Failure, Outcome, say},
    passphrase,
};

/// How often the nodes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder with node.toml.
    #[arg(long)]
    dir: PathBuf,
    /// Address for people and programs, instead of the one in node.toml.
    #[arg(long)]
    rpc: Option<SocketAddr>,
    /// A snapshot to start from where the node has no blocks yet: its folder, or the newest of an archive,
    /// `file:///folder` or `s3://bucket/prefix`. It needs no trust.
    #[arg(long)]
    from_snapshot: Option<String>,
    /// Ends when standard input closes: for a program that starts nodes and may be killed.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
    /// A drill: the clock is wrong by so many milliseconds.
    #[arg(long, hide = true, allow_negative_numbers = true, default_value_t = 0)]
    drill_clock_offset_ms: i64,
    /// A drill: the node speaks another version of the protocol.
    #[arg(long, hide = true)]
    drill_protocol: Option<u32>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let settings = Settings::read(&options.dir)?;
    if let Some(from) = &options.from_snapshot {
        backup::start_from(&options.dir, from)?;
    }
    let keys: Vec<PathBuf> = settings
        .ledgers
        .iter()
        .filter(|ledger| ledger.key_command.is_none())
        .map(|ledger| ledger_dir(&options.dir, ledger).join("keys"))
        .collect();
    let drill =
        Drill { clock_offset_ms: options.drill_clock_offset_ms, protocol: options.drill_protocol };
    let host = HostOptions {
        passphrase: passphrase::for_folders(keys.iter().map(PathBuf::as_path))?,
        vault_passphrase: match &settings.node.vault {
            Some(vault) if vault.passphrase => {
                Some(passphrase::for_vault(passphrase::VAULT, false)?)
            }
            _ => None,
        },
        rpc: options.rpc,
        clock: None,
        drill,
    };
    // Before the engines start: a signal that comes meanwhile must not be lost.
    let stopped = match options.until_stdin_closes {
        true => on_closed_stdin(on_interrupt()?),
        false => on_interrupt()?,
    };
    let hangups = on_hangup()?;
    let mut host = Host::open(&options.dir, &settings, host)?;
    let address = host.serve()?;
    let scheme = if settings.node.tls.is_some() { "https" } else { "http" };
    say(&format!("{scheme}://{address}"))?;
    while stopped.recv_timeout(LOOK_EVERY).is_err() {
        if hangups.try_recv().is_ok() {
            reload(&options.dir, &host);
        }
        host.tend().map_err(|stopped| {
            let hint = "nothing final is lost; the log says more, and a start continues from there";
            Failure::hint(stopped, hint)
        })?;
    }
    Ok(())
}

/// Takes the limits from node.toml anew. A file that cannot be read changes nothing.
fn reload(dir: &Path, host: &Host) {
    match Settings::read(dir) {
        Ok(settings) => {
            host.set_limits(settings.limits);
            tracing::info!(
                "the limits of node.toml are in force; the rest of it waits for a start"
            );
        }
        Err(error) => {
            tracing::error!(%error, "node.toml cannot be read; the limits stay as they are")
        }
    }
}

/// Gets a message on each hangup signal, which asks for the limits to be read anew.
fn on_hangup() -> Result<mpsc::Receiver<()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let (send, hangups) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let mut hangup = signal(SignalKind::hangup())?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(
            async move { while hangup.recv().await.is_some() && send.send(()).is_ok() {} },
        );
    });
    Ok(hangups)
}

/// As `stopped`, and also when standard input closes.
fn on_closed_stdin(stopped: mpsc::Receiver<()>) -> mpsc::Receiver<()> {
    let (stop, either) = mpsc::channel();
    let by_input = stop.clone();
    std::thread::spawn(move || {
        // Reads to the end; an error is an end, too.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = by_input.send(());
    });
    std::thread::spawn(move || {
        let _ = stopped.recv();
        let _ = stop.send(());
    });
    either
}

/// Gets a message on Ctrl-C or a terminate signal.
pub(crate) fn on_interrupt() -> Result<mpsc::Receiver<()>, Failure> {
    let (stop, stopped) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        });
        // The receiver is gone only when the program already ends.
        let _ = stop.send(());
    });
    Ok(stopped)
}
