//! Room on the disk: how much there is, how much is used, and for how long it will do.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Bytes that may still be written below a folder.
///
/// # Errors
/// When the folder cannot be asked.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes that a folder really takes on the disk. Files that go away meanwhile are not counted.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn used_bytes(dir: &Path) -> io::Result<u64> {
    let mut sum = 0u64;
    for entry in fs::read_dir(dir)?.flatten() {
        let bytes = match entry.metadata() {
            Ok(data) if data.is_dir() => used_bytes(&entry.path()).unwrap_or_default(),
            Ok(data) => data.blocks().saturating_mul(512),
            Err(_) => 0,
        };
        sum = sum.saturating_add(bytes);
    }
    Ok(sum)
}

/// What a ledger may take on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageBudget {
    /// Bytes that it may use; `None` is all that the disk has.
    pub limit_bytes: Option<u64>,
    /// Percent of what it may use from which the keeper is warned.
    pub warn_at: u8,
    /// Percent of what it may use at which the node must stop writing.
    pub stop_at: u8,
    /// The keeper is also warned when the rest will do for fewer days than this.
    pub warn_days: u64,
    /// Bytes that stay free whatever the percentages say: sorting tables needs room of its own.
    pub reserve_bytes: u64,
}

impl Default for StorageBudget {
    fn default() -> Self {
        Self { limit_bytes: None, warn_at: 80, stop_at: 95, warn_days: 30, reserve_bytes: 256 << 20 }
    }
}

/// Two looks at how much was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Bytes between the looks, never negative.
    pub bytes: u64,
    /// Seconds between the looks.
    pub seconds: u64,
}

impl Growth {
    /// Bytes a day; `None` where the looks are less than a minute apart, or nothing was added.
    pub fn per_day(&self) -> Option<u64> {
        if self.seconds < 60 || self.bytes == 0 {
            return None;
        }
        let per_day = u128::from(self.bytes) * u128::from(DAY) / u128::from(self.seconds);
        Some(u64::try_from(per_day).unwrap_or(u64::MAX).max(1))
    }
}

/// Whether there is room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageState {
    /// There is.
    Ok(Room),
    /// The keeper should act soon.
    Warn(Room),
    /// The node must not write: it steps down, and goes on when there is room again.
    Stop(Room),
}

/// Bytes and days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes used.
    pub used: u64,
    /// Bytes that may be used in all before the node stops.
    pub stop: u64,
    /// Whole days until then at the present growth; `None` where nothing grows, or nobody knows yet.
    pub days: Option<u64>,
}

impl Room {
    /// Bytes that may still be written before the node stops.
    pub fn left(&self) -> u64 {
        self.stop.saturating_sub(self.used)
    }
}

impl StorageBudget {
    /// Judges `used` bytes of this ledger while `free` bytes are free on its disk.
    pub fn state(&self, used: u64, free: u64, growth: Option<Growth>) -> StorageState {
        let on_disk = used.saturating_add(free);
        let capacity = self.limit_bytes.map_or(on_disk, |limit| limit.min(on_disk));
        let stop = percent(capacity, self.stop_at)
            .min(on_disk.saturating_sub(self.reserve_bytes.min(on_disk / 2)));
        let left = stop.saturating_sub(used);
        let days = growth.and_then(|growth| growth.per_day()).map(|per_day| left / per_day);
        let room = Room { used, stop, days };
        if used >= stop {
            return StorageState::Stop(room);
        }
        let soon = days.is_some_and(|days| days < self.warn_days);
        if used >= percent(capacity, self.warn_at).min(stop) || soon {
            return StorageState::Warn(room);
        }
        StorageState::Ok(room)
    }
}

impl StorageState {
    /// The figures behind it.
    pub fn room(&self) -> &Room {
        match self {
            Self::Ok(room) | Self::Warn(room) | Self::Stop(room) => room,
        }
    }

    /// What a keeper should read, `None` where all is well.
    pub fn words(&self) -> Option<String> {
        let room = self.room();
        let (used, stop) = (megabytes(room.used), megabytes(room.stop));
        match self {
            Self::Ok(_) => None,
            Self::Warn(_) => Some(match room.days {
                Some(days) => format!(
                    "{used} of {stop} MB are used; at the present growth this will do for {days} \
                     days: prune, or give the ledger more room"
                ),
                None => format!("{used} of {stop} MB are used: prune, or give the ledger more room"),
            }),
            Self::Stop(_) => Some(format!(
                "{used} of {stop} MB are used: this node takes no more blocks until there is room; \
                 nothing was lost. Prune, or give the ledger more room"
            )),
        }
    }
}

fn percent(of: u64, percent: u8) -> u64 {
    u64::try_from(u128::from(of) * u128::from(percent.min(100)) / 100).unwrap_or(of)
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

#[cfg(test)]
mod tests;
