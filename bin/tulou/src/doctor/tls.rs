//! The certificate of the node's address: how long it holds, who can read its key, and whether its names
//! lead here.

use std::{
    fs,
    net::{IpAddr, ToSocketAddrs, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use time::OffsetDateTime;
use tulou_node::{TlsFiles, TlsSettings};

use super::Finding;

/// Days before its end at which a certificate should long have been renewed.
const SOON: i64 = 14;
const DAY: i64 = 86_400;

/// Everything about the certificate. `now` is in seconds since 1970.
pub(super) fn certificate(dir: &Path, settings: &TlsSettings, now: i64) -> Vec<Finding> {
    let Some(files) = settings.files(dir) else { return Vec::new() };
    let mut findings = vec![life(&files, settings.acme.is_some(), now)];
    findings.extend(secret(&files.key));
    if let Some(acme) = &settings.acme {
        findings.extend(acme.domains.iter().map(|domain| leads_here(domain)));
    }
    findings
}

/// The seconds since 1970.
pub(super) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn life(files: &TlsFiles, is_fetched: bool, now: i64) -> Finding {
    let cure = match is_fetched {
        true => "the node's log says why it gets no new one; port 443 of its names must lead to it",
        false => "`tulou tls renew`, or look after the program that replaces the files",
    };
    if is_fetched && !files.certificate.exists() {
        return Finding::warn(
            "certificate: there is none yet",
            "start the node: it asks for one; while it has none its log says why",
        );
    }
    let ends = match files.ends() {
        Ok(ends) => ends,
        Err(error) => return Finding::fail(format!("certificate: {error}"), cure),
    };
    let day = OffsetDateTime::from_unix_timestamp(ends).map(|end| end.date().to_string());
    let (left, day) = ((ends - now).div_euclid(DAY), day.unwrap_or_default());
    match ends - now {
        over if over <= 0 => Finding::fail(format!("certificate: it ended on {day}"), cure),
        soon if soon <= SOON * DAY => {
            Finding::warn(format!("certificate: it ends on {day}, in {left} days"), cure)
        }
        _ => Finding::ok(format!("certificate: it holds until {day}, {left} days more")),
    }
}

fn secret(key: &Path) -> Option<Finding> {
    let mode = fs::metadata(key).ok()?.permissions().mode();
    let shown = key.display();
    (mode & 0o077 != 0).then(|| {
        Finding::fail(
            format!(
                "certificate: others on this machine can read {shown} (mode {:o})",
                mode & 0o777
            ),
            format!("chmod 600 {shown}; if they may have read it, get a new certificate"),
        )
    })
}

/// Whether a name leads to this machine, as far as this machine can tell.
pub(super) fn leads_here(name: &str) -> Finding {
    let found: Vec<IpAddr> = match (name, 443).to_socket_addrs() {
        Ok(found) => found.map(|address| address.ip()).collect(),
        Err(error) => {
            return Finding::fail(
                format!("certificate: the name {name} leads nowhere: {error}"),
                "give the name an address (A or AAAA) with whoever keeps the domain",
            );
        }
    };
    let list: Vec<String> = found.iter().map(ToString::to_string).collect();
    let list = list.join(", ");
    match found.iter().any(is_ours) {
        true => Finding::ok(format!("certificate: the name {name} leads to this machine ({list})")),
        false => Finding::warn(
            format!("certificate: the name {name} leads to {list}, no address of this machine"),
            "right where a router or balancer passes port 443 on to the node; else correct the name",
        ),
    }
}

/// Only an own address can be bound.
fn is_ours(address: &IpAddr) -> bool {
    UdpSocket::bind((*address, 0)).is_ok()
}
