//! `[node.tls.acme]`.

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Let's Encrypt.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// A certificate that the node gets and renews by itself, from an authority that speaks ACME (RFC 8555).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcmeSettings {
    /// The names under which people reach the node, as they stand in a browser.
    pub domains: Vec<String>,
    /// Whether the operator agrees to the terms of the authority.
    #[serde(default)]
    pub accept_terms: bool,
    /// Addresses for letters of the authority, such as `office@example.org`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contact: Vec<String>,
    /// Where the authority's directory is.
    #[serde(default = "directory")]
    pub directory: String,
    /// PEM file with the roots that the directory is trusted by, relative to the folder of `node.toml`;
    /// absent those that browsers trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// Folder of the account's key and the certificate, relative to that of `node.toml`.
    #[serde(default = "folder")]
    pub dir: PathBuf,
    /// What an authority gives to its customers, where it serves nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_account: Option<ExternalAccount>,
}

/// An account that was made elsewhere and that this one is bound to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalAccount {
    /// What the authority calls it.
    pub id: String,
    /// File with its key in base64url, relative to the folder of `node.toml`.
    pub key: PathBuf,
}

fn directory() -> String {
    DIRECTORY.into()
}

fn folder() -> PathBuf {
    "acme".into()
}

impl AcmeSettings {
    /// What is wrong, with what to write instead.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.domains.is_empty() {
            return Some(
                "tls.acme.domains is empty: name what people type into a browser, such as \
                 \"ledger.example.org\""
                    .into(),
            );
        }
        if let Some(problem) = self.domains.iter().find_map(|domain| wrong_name(domain)) {
            return Some(problem);
        }
        if !self.accept_terms {
            return Some(format!(
                "tls.acme.accept_terms is not true: read the terms that {} names (\"termsOfService\") \
                 and say so",
                self.directory
            ));
        }
        if !self.directory.starts_with("https://") {
            return Some(format!("tls.acme.directory {:?} is no https:// address", self.directory));
        }
        let odd = self.contact.iter().find(|contact| !contact.contains('@'))?;
        Some(format!("tls.acme.contact {odd:?} is no mail address"))
    }
}

/// Why an authority gives no certificate for this name.
fn wrong_name(name: &str) -> Option<String> {
    if name.parse::<IpAddr>().is_ok() {
        return Some(format!(
            "tls.acme.domains has the address {name}: an authority needs a name; without one `tulou tls \
             new` makes a certificate"
        ));
    }
    if name.starts_with("*.") {
        return Some(format!(
            "tls.acme.domains has {name}: a node proves names one by one, so write each in full"
        ));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(fits) && !label.starts_with('-')
    };
    if name.len() <= 253 && name.split('.').all(is_label) {
        return None;
    }
    Some(format!(
        "tls.acme.domains has {name:?}, which is no name: without https:// and without a port, other \
         scripts as xn--..."
    ))
}
