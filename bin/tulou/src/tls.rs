//! `tulou tls`: a certificate for a network that has no domain of its own.
//!
//! The authority is made for this one estate and can vouch for the given names alone (RFC 5280, name
//! constraints): a phone that trusts it trusts it for nothing else, even if its key is stolen.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::output::{Failure, Outcome, say};

/// Years for which phones need not be touched again.
const AUTHORITY: Duration = Duration::days(3_653);
/// Longest that browsers accept for a certificate.
const CERTIFICATE: Duration = Duration::days(397);
/// Clocks of phones may be behind.
const EARLIER: Duration = Duration::days(1);

/// The files of a folder.
const AUTHORITY_CERTIFICATE: &str = "authority.pem";
const AUTHORITY_KEY: &str = "authority.key";
const NODE_CERTIFICATE: &str = "node.pem";
const NODE_KEY: &str = "node.key";
const NAMES: &str = "names";

#[derive(Debug, Subcommand)]
pub(crate) enum Step {
    /// Makes an authority for this estate and a certificate for its node.
    New(New),
    /// Makes a new certificate by the same authority; a running node takes it over by itself.
    Renew {
        /// Folder that `tulou tls new` made.
        #[arg(long, default_value = "tls")]
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// Folder for the files. It must not exist.
    #[arg(long, default_value = "tls")]
    out: PathBuf,
    /// A name or an IP address under which phones reach the node; give it once for each. Fingerprints
    /// (passkeys) need a name, such as `ledger.lan`: they do not work with a bare address.
    #[arg(long = "name", required = true)]
    names: Vec<String>,
}

/// Makes what was asked for.
///
/// # Errors
/// A name that is none, a folder that exists or does not, a file that cannot be read or written.
pub(crate) fn run(step: &Step) -> Outcome {
    match step {
        Step::New(options) => new(&options.out, &options.names),
        Step::Renew { dir } => renew(dir),
    }
}

fn new(out: &Path, names: &[String]) -> Outcome {
    let subtrees = names.iter().map(|name| subtree(name)).collect::<Result<Vec<_>, _>>()?;
    if out.exists() {
        return Err(Failure::hint(
            format_args!("{} is there already; nothing was written", out.display()),
            "`tulou tls renew` makes a new certificate by the authority in it",
        ));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("Tulou {}", names[0]));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: subtrees, excluded_subtrees: Vec::new() });
    last(&mut params, AUTHORITY);
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?;
    fs::create_dir_all(out)?;
    write(&out.join(AUTHORITY_KEY), &key.serialize_pem(), 0o600)?;
    write(&out.join(AUTHORITY_CERTIFICATE), &authority.pem(), 0o644)?;
    write(&out.join(NAMES), &(names.join("\n") + "\n"), 0o644)?;
    certify(out)?;
    say(&advice(out, names, authority.der()))
}

fn renew(dir: &Path) -> Outcome {
    certify(dir)?;
    let until = (OffsetDateTime::now_utc() + CERTIFICATE).date();
    say(&format!("{} is new and holds until {until}", dir.join(NODE_CERTIFICATE).display()))
}

/// Writes the node's key and certificate, each in one step, so that a node that looks finds whole files.
fn certify(dir: &Path) -> Outcome {
    let names = read(&dir.join(NAMES))?;
    let names: Vec<String> = names.lines().map(str::to_owned).collect();
    let authority = read(&dir.join(AUTHORITY_CERTIFICATE))?;
    let issuer =
        Issuer::from_ca_cert_pem(&authority, KeyPair::from_pem(&read(&dir.join(AUTHORITY_KEY))?)?)?;
    let mut params = CertificateParams::new(names.clone())?;
    params.distinguished_name.push(DnType::CommonName, names[0].clone());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    last(&mut params, CERTIFICATE);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    for (name, text, mode) in [
        (NODE_KEY, key.serialize_pem(), 0o600),
        (NODE_CERTIFICATE, certificate.pem() + &authority, 0o644),
    ] {
        let beside = dir.join(format!("{name}.new"));
        // What an attempt that was cut off has left.
        let _ = fs::remove_file(&beside);
        write(&beside, &text, mode)?;
        fs::rename(&beside, dir.join(name))?;
    }
    Ok(())
}

/// What the authority may vouch for: the name and what is below it, or the one address.
fn subtree(name: &str) -> Result<GeneralSubtree, Failure> {
    match name.parse() {
        Ok(IpAddr::V4(ip)) => {
            Ok(GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(ip.octets(), 32)))
        }
        Ok(IpAddr::V6(ip)) => {
            Ok(GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(ip.octets(), 128)))
        }
        Err(_) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let label = |label: &str| {
                (1..=63).contains(&label.len())
                    && label.chars().all(fits)
                    && !label.starts_with('-')
            };
            if name.len() > 253 || !name.split('.').all(label) {
                return Err(Failure::hint(
                    format_args!(
                        "{name:?} is neither an IP address nor a name; nothing was written"
                    ),
                    "give it without http:// and without a port: --name ledger.lan",
                ));
            }
            Ok(GeneralSubtree::DnsName(name.to_owned()))
        }
    }
}

fn last(params: &mut CertificateParams, how_long: Duration) {
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - EARLIER, now + how_long);
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::hint(
            format_args!("{}: {error}", path.display()),
            "`tulou tls new` makes this folder",
        )
    })
}

fn write(path: &Path, text: &str, mode: u32) -> Outcome {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

/// What to do with the files.
fn advice(out: &Path, names: &[String], authority: &[u8]) -> String {
    let at = |name: &str| out.join(name).display().to_string();
    let print = fingerprint(authority);
    let bare = names.iter().all(|name| name.parse::<IpAddr>().is_ok());
    let warning = if bare {
        "\nFingerprints (passkeys) need a name: with addresses alone the app works, but signing in by \
         fingerprint does not.\n"
    } else {
        ""
    };
    format!(
        "An authority for {} and a certificate by it, good for 397 days.\n{warning}\n\
         In node.toml, relative to its folder:\n\n  [node.tls]\n  certificate = {:?}\n  key = {:?}\n\n\
         On each phone, once: open {}, allow it as an authority, and compare the fingerprint with the one in \
         the lobby:\n\n  {print}\n\n\
         {} stays in a safe place, not on the server; `tulou tls renew` needs it once a year.",
        names.join(", "),
        at(NODE_CERTIFICATE),
        at(NODE_KEY),
        at(AUTHORITY_CERTIFICATE),
        at(AUTHORITY_KEY),
    )
}

/// SHA-256 in pairs, as phones show it.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.chunks(16).map(|half| half.join(":")).collect::<Vec<_>>().join(":\n  ")
}

#[cfg(test)]
mod tests;
