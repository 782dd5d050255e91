//! Who may come in, how often, and over how many connections.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Address;
use axum::http::{HeaderMap, HeaderName};
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use ipnet::IpNet;
use parking_lot::{Mutex, RwLock};
use quick_cache::sync::Cache;

use super::{Caller, Limits};

/// Who a request comes from, as proxies report it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// More than one caller may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch {
    /// When to come back.
    pub(crate) retry_after: Duration,
    /// What comes back each second.
    pub(crate) per_s: u32,
}

/// Token buckets by key, a bounded number of them.
struct Buckets<K> {
    quota: Quota,
    by_key: Cache<K, Arc<DefaultDirectRateLimiter>>,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    fn new(per_s: u32, burst: u32, remembered: usize) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(per_s)).allow_burst(at_least_one(burst));
        Self { quota, by_key: Cache::new(remembered.max(1)) }
    }

    /// Takes `units` out of a bucket. More than a bucket holds takes all of it.
    fn take(&self, key: &K, units: u32) -> Result<(), TooMuch> {
        let Some(units) = NonZeroU32::new(units.min(self.quota.burst_size().get())) else {
            return Ok(());
        };
        let fresh = || Ok::<_, TooMuch>(Arc::new(RateLimiter::direct(self.quota)));
        let bucket = self.by_key.get_or_insert_with(key, fresh)?;
        match bucket.check_n(units) {
            Ok(Err(until)) => Err(TooMuch {
                retry_after: until.wait_time_from(DefaultClock::default().now()),
                per_s: per_second(&self.quota),
            }),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

fn per_second(quota: &Quota) -> u32 {
    let nanos = quota.replenish_interval().as_nanos().max(1);
    u32::try_from(1_000_000_000 / nanos).unwrap_or(u32::MAX)
}

/// What one set of limits needs; made anew when they change.
struct Rules {
    limits: Limits,
    callers: Buckets<IpAddr>,
    accounts: Buckets<Address>,
    sign_ins: Buckets<IpAddr>,
    sign_ins_of: Buckets<Address>,
}

impl Rules {
    fn new(limits: Limits) -> Self {
        let callers = Buckets::new(limits.units_per_s, limits.units_burst, limits.remembered);
        let accounts =
            Buckets::new(limits.submissions_per_s, limits.submissions_burst, limits.remembered);
        let (per_s, burst) = (limits.sign_ins_per_s, limits.sign_ins_burst);
        let sign_ins = Buckets::new(per_s, burst, limits.remembered);
        let sign_ins_of = Buckets::new(per_s, burst, limits.remembered);
        Self { limits, callers, accounts, sign_ins, sign_ins_of }
    }
}

/// The limits in force and what callers have used of them.
pub(crate) struct Gate {
    rules: RwLock<Arc<Rules>>,
    /// Only callers that have a connection, so never more than there are sockets.
    connections: Mutex<HashMap<IpAddr, usize>>,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        let rules = RwLock::new(Arc::new(Rules::new(limits)));
        Self { rules, connections: Mutex::default() }
    }

    /// Replaces the limits. Everybody starts with full units.
    pub(crate) fn reload(&self, limits: Limits) {
        *self.rules.write() = Arc::new(Rules::new(limits));
    }

    fn rules(&self) -> Arc<Rules> {
        self.rules.read().clone()
    }

    /// Who sent a request that came over a connection from `peer`.
    pub(crate) fn caller(&self, peer: SocketAddr, headers: &HeaderMap) -> Caller {
        let rules = self.rules();
        let address = origin(peer.ip(), headers, &rules.limits.proxies);
        Caller::new(address, holds(&rules.limits.exempt, address))
    }

    /// Whether an address may come at all.
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        let rules = self.rules();
        let Limits { allow, deny, exempt, .. } = &rules.limits;
        let wanted = allow.is_empty() || holds(allow, address) || holds(exempt, address);
        wanted && !holds(deny, address)
    }

    /// Charges a caller.
    pub(crate) fn charge(&self, caller: &Caller, units: u32) -> Result<(), TooMuch> {
        if caller.is_exempt() {
            return Ok(());
        }
        self.rules().callers.take(&household(caller.address()), units)
    }

    /// Counts a transaction of an account.
    pub(crate) fn submission(&self, caller: &Caller, account: Address) -> Result<(), TooMuch> {
        if caller.is_exempt() {
            return Ok(());
        }
        self.rules().accounts.take(&account, 1)
    }

    /// Counts an attempt of a caller to sign in, or to stay signed in.
    pub(crate) fn sign_in(&self, caller: &Caller) -> Result<(), TooMuch> {
        if caller.is_exempt() {
            return Ok(());
        }
        self.rules().sign_ins.take(&household(caller.address()), 1)
    }

    /// Counts a good signature of an account under a text to sign in.
    pub(crate) fn sign_in_of(&self, caller: &Caller, account: Address) -> Result<(), TooMuch> {
        if caller.is_exempt() {
            return Ok(());
        }
        self.rules().sign_ins_of.take(&account, 1)
    }

    /// A place for one more connection, given back when it is dropped; `None` where the caller has
    /// as many as it may have, or may not come.
    pub(crate) fn seat(self: &Arc<Self>, peer: SocketAddr) -> Option<Seat> {
        let address = peer.ip().to_canonical();
        let rules = self.rules();
        let Limits { proxies, exempt, deny, connections: most, .. } = &rules.limits;
        if holds(deny, address) {
            return None;
        }
        if holds(proxies, address) || holds(exempt, address) {
            return Some(Seat { gate: self.clone(), of: None });
        }
        let household = household(address);
        let mut connections = self.connections.lock();
        let count = connections.entry(household).or_insert(0);
        if *count >= *most {
            if *count == 0 {
                connections.remove(&household);
            }
            return None;
        }
        *count += 1;
        Some(Seat { gate: self.clone(), of: Some(household) })
    }

    #[cfg(test)]
    pub(crate) fn seats(&self) -> usize {
        self.connections.lock().values().sum()
    }

    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.rules().callers.by_key.len()
    }
}

/// The place of one connection.
pub(crate) struct Seat {
    gate: Arc<Gate>,
    of: Option<IpAddr>,
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat").field("of", &self.of).finish_non_exhaustive()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(household) = self.of else { return };
        let mut connections = self.gate.connections.lock();
        if let Some(count) = connections.get_mut(&household) {
            *count -= 1;
            if *count == 0 {
                connections.remove(&household);
            }
        }
    }
}

fn holds(nets: &[IpNet], address: IpAddr) -> bool {
    nets.iter().any(|net| net.contains(&address))
}

/// Whom an address is counted with: IPv4 alone, IPv6 by its /64.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// The last address that no trusted proxy stands for: each proxy appends whom it was called by, so
/// the list is read from its end, and what stands before the first stranger is that stranger's word.
pub(crate) fn origin(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let mut address = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    for name in named.into_iter().rev() {
        if !holds(proxies, address) {
            break;
        }
        let Some(before) = parse(name) else { break };
        address = before;
    }
    address
}

/// An address as proxies write it: alone, or with a port.
fn parse(name: &str) -> Option<IpAddr> {
    let alone = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let address = alone.or_else(|| name.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}
