//! What one caller may ask for.

use ipnet::IpNet;

/// Bounds for each caller. IPv6 addresses count by their /64, which is what one household gets.
///
/// Calls are counted in units: a plain read is 1, an execution 10, a proof or search 20
/// ([`Class::units`](crate::limits::Class::units) has them all).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Callers that nothing here binds but `deny`; by default this machine itself.
    pub exempt: Vec<IpNet>,
    /// Proxies whose `X-Forwarded-For` is believed. From anybody else it is ignored.
    pub proxies: Vec<IpNet>,
    /// Callers that may come; empty lets everybody in.
    pub allow: Vec<IpNet>,
    /// Callers that may not come, whatever `allow` says.
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
