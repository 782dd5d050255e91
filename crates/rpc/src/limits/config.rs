//! What one caller may ask for.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Bounds for each caller. IPv6 addresses count by their /64, which is what one household gets.
///
/// Calls are counted in units: a plain read is 1, an execution 10, a proof or search 20
/// ([`Class::units`](crate::limits::Class::units) has them all).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Callers that nothing here binds but `deny`; by default this machine itself.
    #[serde(with = "nets")]
    pub exempt: Vec<IpNet>,
    /// Proxies whose `X-Forwarded-For` is believed. From anybody else it is ignored.
    #[serde(with = "nets")]
    pub proxies: Vec<IpNet>,
    /// Callers that may come; empty lets everybody in.
    #[serde(with = "nets")]
    pub allow: Vec<IpNet>,
    /// Callers that may not come, whatever `allow` says.
    #[serde(with = "nets")]
    pub deny: Vec<IpNet>,
    /// Units a caller gets back each second, at least 1.
    pub units_per_s: u32,
    /// Units a caller may use at once, at least 1.
    pub units_burst: u32,
    /// Connections of one caller at a time. Proxies and exempt callers are not counted.
    pub connections: usize,
    /// Transactions an account may submit each second through this node, at least 1.
    pub submissions_per_s: u32,
    /// Transactions an account may submit at once, at least 1.
    pub submissions_burst: u32,
    /// Attempts to sign in, or to stay signed in, that a caller gets back each second, and as many of an account
    /// whose signature is good; at least 1.
    pub sign_ins_per_s: u32,
    /// Attempts to sign in at once, at least 1.
    pub sign_ins_burst: u32,
    /// Callers, and as many accounts, that are remembered. The one that was idle longest goes first
    /// and comes back with full units.
    pub remembered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exempt: loopback(),
            proxies: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            units_per_s: 100,
            units_burst: 1_000,
            connections: 64,
            submissions_per_s: 20,
            submissions_burst: 200,
            sign_ins_per_s: 2,
            sign_ins_burst: 60,
            remembered: 16_384,
        }
    }
}

/// Addresses of this machine itself.
fn loopback() -> Vec<IpNet> {
    [([127, 0, 0, 0].into(), 8), (std::net::Ipv6Addr::LOCALHOST.into(), 128)]
        .into_iter()
        .filter_map(|(address, bits)| IpNet::new(address, bits).ok())
        .collect()
}

/// Networks as people write them: `192.0.2.0/24`, or one address alone.
mod nets {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(nets: &[IpNet], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(nets.iter().map(IpNet::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| read(text).map_err(D::Error::custom)).collect()
    }

    fn read(text: &str) -> Result<IpNet, String> {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map_err(|_| format!("{text:?} is no address and no network such as 192.0.2.0/24"))
    }
}
