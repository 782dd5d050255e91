//! `tulou doctor`: looks at a node's folder, machine and peers, and names the cure for what is wrong.

mod folder;
mod machine;
mod peers;
#[cfg(test)]
mod tests;
mod tls;
mod vault;

use std::{fmt, path::PathBuf};

use alloy_primitives::B256;
use clap::Args;
use serde_json::Value;
use tulou_client::Rpc;
use tulou_node::{LedgerSettings, Settings};
use tulou_primitives::Genesis;

use crate::{
    output::{Failure, Outcome, say},
    passphrase,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder with node.toml.
    #[arg(long)]
    dir: PathBuf,
    /// Address of the running node, where it was started with another one than in node.toml.
    #[arg(long)]
    rpc: Option<std::net::SocketAddr>,
    /// Do not ask for a passphrase: keys that are encrypted are not opened.
    #[arg(long)]
    no_keys: bool,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One line of the report.
#[derive(Clone, Debug)]
struct Finding {
    verdict: Verdict,
    what: String,
    /// What to do; empty where all is well.
    cure: String,
}

impl Finding {
    fn ok(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, what: what.into(), cure: String::new() }
    }

    fn warn(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, what: what.into(), cure: cure.into() }
    }

    fn fail(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, what: what.into(), cure: cure.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        write!(f, "{word}  {}", self.what)?;
        if self.cure.is_empty() { Ok(()) } else { write!(f, "\n      cure: {}", self.cure) }
    }
}

/// A ledger of the node, as far as its folder tells.
struct Patient<'s> {
    settings: &'s LedgerSettings,
    dir: PathBuf,
    genesis: Genesis,
    /// Key of this node, where it could be read.
    me: Option<B256>,
    /// What the running node says of itself.
    running: Option<Value>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let settings = match Settings::read(&options.dir) {
        Ok(settings) => settings,
        Err(e) => {
            say(&Finding::fail(e.to_string(), "mend the file, or point --dir at a node's folder")
                .to_string())?;
            return Err(Failure("1 thing is wrong".into()));
        }
    };
    let findings = examine(options, &settings)?;
    for finding in &findings {
        say(&finding.to_string())?;
    }
    let count = |verdict| findings.iter().filter(|f| f.verdict == verdict).count();
    let (warned, failed) = (count(Verdict::Warn), count(Verdict::Fail));
    say(&format!("{} checks: {failed} failed, {warned} warnings", findings.len()))?;
    match failed {
        0 => Ok(()),
        _ => Err(Failure("the node is not healthy; nothing was changed by looking".into())),
    }
}

fn examine(options: &Options, settings: &Settings) -> Result<Vec<Finding>, Failure> {
    let keys: Vec<PathBuf> = settings
        .ledgers
        .iter()
        .filter(|ledger| ledger.key_command.is_none())
        .map(|ledger| tulou_node::ledger_dir(&options.dir, ledger).join("keys"))
        .collect();
    let passphrase = match options.no_keys {
        true => None,
        false => passphrase::for_folders(keys.iter().map(PathBuf::as_path))?,
    };
    let mut findings = machine::disk(&options.dir, settings.node.disk_budget);
    let rpc = options.rpc.unwrap_or(settings.node.rpc);
    let base = match settings.node.tls {
        Some(_) => format!("https://{rpc}"),
        None => format!("http://{rpc}"),
    };
    for (i, ledger) in settings.ledgers.iter().enumerate() {
        let path = if i == 0 { String::new() } else { format!("/l/{}", ledger.name) };
        let running = Rpc::unverified(&format!("{base}{path}")).get("/api/v1/node/consortium").ok();
        let dir = tulou_node::ledger_dir(&options.dir, ledger);
        let (mut found, patient) = folder::genesis(ledger, dir, running);
        findings.append(&mut found);
        let Some(mut patient) = patient else { continue };
        findings.extend(folder::keys(&mut patient, passphrase.clone(), options.no_keys));
        findings.extend(folder::votes(&patient));
        findings.push(machine::port(
            &format!("{}: port for other nodes", ledger.name),
            ledger.listen,
            patient.running.is_some(),
        ));
        findings.extend(peers::reachable(&patient));
        findings.extend(peers::connected(&patient));
    }
    let runs = Rpc::unverified(&base).block_number().is_ok();
    findings.push(machine::port("port for people and programs", rpc, runs));
    if let Some(settings) = &settings.node.tls {
        findings.extend(tls::certificate(&options.dir, settings, tls::now()));
    }
    if let Some(settings) = &settings.node.vault {
        let passphrase = match settings.passphrase && !options.no_keys {
            true => Some(passphrase::for_vault(passphrase::VAULT, false)?),
            false => None,
        };
        findings.extend(vault::findings(&options.dir, settings, passphrase, options.no_keys));
    }
    Ok(findings)
}
