//! What a process and a folder cost, as the system accounts them.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// CPU seconds a process has used so far, user and system.
pub(crate) fn cpu_s(pid: u32) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0.0;
    };
    // Fields after the name in parentheses: state is the first, utime and stime the 12th and 13th,
    // in ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Memory a process holds now.
pub(crate) fn rss_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    let kib = status.unwrap_or_default().lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok()
    });
    kib.unwrap_or(0.0) / 1024.0
}

/// Bytes in a folder on disk.
pub(crate) fn folder_bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// CPU seconds this process has used so far, user and system, all threads.
pub(crate) fn own_cpu_s() -> f64 {
    cpu_s(std::process::id())
}

/// The process of this user that listens on a TCP port of this machine.
pub(crate) fn listening_on(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let lines: Vec<String> = tables
        .into_iter()
        .flatten()
        .flat_map(|t| t.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    // Local address, remote address, state (0A is LISTEN), and the inode as the tenth field.
    let inode = lines.iter().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields.get(3) == Some(&"0A");
        let mine = fields.get(1)?.ends_with(&format!(":{port:04X}"));
        (listens && mine).then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
    })?;
    let owns = |pid: &u32| {
        let sockets = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        sockets
            .flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|target| target.as_os_str() == inode.as_str())
            .then_some(())
    };
    fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find(|pid| owns(pid).is_some())
}
