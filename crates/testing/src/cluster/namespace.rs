//! One network namespace for each member, joined by a bridge. Needs root and `ip` of iproute2.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// Port on which every member listens for the others; each has an address of its own.
const PORT: u16 = 7800;
/// Port for people and programs.
const RPC: u16 = 8545;

/// The namespaces. Removed with the value.
pub(super) struct Namespaces {
    /// Unique on this machine, and short: the names of interfaces have 15 characters.
    tag: String,
    net: u8,
    members: usize,
}

impl Namespaces {
    /// Why they cannot be had here, if so.
    pub(super) fn missing() -> Option<String> {
        let probe = format!("tulou-{}", std::process::id());
        match ip(&["netns", "add", &probe]) {
            Ok(()) => ip(&["netns", "del", &probe]).err().map(|e| e.to_string()),
            Err(e) => Some(e.to_string()),
        }
    }

    pub(super) fn new(members: usize) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id().wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        // 10.200.x.0/24 with x from the process: two test runs do not meet.
        let spaces = Self { tag: format!("tu{}", number % 100_000), net: number as u8, members };
        let bridge = spaces.bridge();
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{}/24", spaces.address(None)), "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        for member in 0..members {
            spaces.add(member)?;
        }
        Ok(spaces)
    }

    fn add(&self, member: usize) -> io::Result<()> {
        let (space, cable, bridge) = (self.space(member), self.cable(member), self.bridge());
        let address = format!("{}/24", self.address(Some(member)));
        ip(&["netns", "add", &space])?;
        ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &space])?;
        ip(&["link", "set", &cable, "master", &bridge, "up"])?;
        ip(&["-n", &space, "addr", "add", &address, "dev", "eth0"])?;
        ip(&["-n", &space, "link", "set", "eth0", "up"])?;
        ip(&["-n", &space, "link", "set", "lo", "up"])
    }

    /// Where a member listens for the others.
    pub(super) fn listen(&self, member: usize) -> SocketAddr {
        (self.address(Some(member)), PORT).into()
    }

    /// Where a member serves people and programs.
    pub(super) fn rpc(&self, member: usize) -> SocketAddr {
        (self.address(Some(member)), RPC).into()
    }

    /// The words before a command that run it in a member's namespace.
    pub(super) fn launcher(&self, member: usize) -> Vec<String> {
        ["ip", "netns", "exec", &self.space(member)].map(str::to_owned).to_vec()
    }

    /// Pulls a member's cable off the bridge, or plugs it in.
    pub(super) fn plug(&self, member: usize, is_in: bool) -> io::Result<()> {
        ip(&["link", "set", &self.cable(member), if is_in { "up" } else { "down" }])
    }

    fn address(&self, member: Option<usize>) -> Ipv4Addr {
        // The bridge, which is this machine, is the first.
        Ipv4Addr::new(10, 200, self.net, member.map_or(1, |member| 10 + member as u8))
    }

    fn bridge(&self) -> String {
        format!("{}-br", self.tag)
    }

    fn space(&self, member: usize) -> String {
        format!("{}-{member}", self.tag)
    }

    fn cable(&self, member: usize) -> String {
        format!("{}-{member}", self.tag)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // What was not made cannot be removed, and nobody is left to tell.
        for member in 0..self.members {
            let _ = ip(&["link", "del", &self.cable(member)]);
            let _ = ip(&["netns", "del", &self.space(member)]);
        }
        let _ = ip(&["link", "del", &self.bridge()]);
    }
}

fn ip(words: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("ip {}: {reason}", words.join(" "))))
}
