//! The vault of a process.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::ConstGauge, gauge::Gauge},
    registry::{Registry, Unit},
};

/// What a node tells of its vault. The node observes, the server shows. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct VaultMeters(Arc<Mutex<VaultFigures>>);

impl PartialEq for VaultMeters {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for VaultMeters {}

/// A vault at its last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultFigures {
    /// Records, each counted once.
    pub records: u64,
    /// Their versions.
    pub versions: u64,
    /// Records whose keys were destroyed.
    pub erased: u64,
    /// Bytes of everything that is stored.
    pub bytes: u64,
    /// Records that were erased here without an entry on any ledger.
    pub without_entry: u64,
    /// When all of this was seen, in seconds since 1970; 0 before the first look.
    pub seen: i64,
    /// The vaults of other members that are looked at.
    pub others: Vec<OtherVault>,
}

/// A vault of another member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherVault {
    /// Its place.
    pub place: String,
    /// When it was read last, in seconds since 1970; 0 where it never was.
    pub read: i64,
    /// What it has erased and this one has not.
    pub erasures_behind: u64,
    /// Versions of records that it has and this one, which holds copies, has not.
    pub versions_behind: u64,
}

impl VaultMeters {
    /// What the last look has found.
    pub fn last(&self) -> VaultFigures {
        self.0.lock().clone()
    }

    /// A look is over.
    pub fn looked(&self, found: VaultFigures) {
        *self.0.lock() = found;
    }

    /// Adds the figures to a registry with the prefix `tulou`.
    pub(super) fn register(&self, to: &mut Registry) {
        let found = self.last();
        for (name, help, count) in [
            ("vault_records", "Records in the vault, each counted once", found.records),
            ("vault_record_versions", "Versions of records in the vault", found.versions),
            ("vault_erased_records", "Records whose keys were destroyed", found.erased),
            (
                "vault_erasures_without_entry",
                "Records erased here without an entry on any ledger",
                found.without_entry,
            ),
        ] {
            to.register(name, help, ConstGauge::new(count));
        }
        let help = "Everything that the vault stores";
        to.register_with_unit("vault_stored", help, Unit::Bytes, ConstGauge::new(found.bytes));
        let help = "Last look at the vault, seconds since 1970; 0 before the first one";
        let seen = ConstGauge::new(found.seen);
        to.register_with_unit("vault_look_timestamp", help, Unit::Seconds, seen);
        if !found.others.is_empty() {
            others(&found.others, to);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FromLabel {
    from: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BehindLabels {
    from: String,
    kind: &'static str,
}

fn others(found: &[OtherVault], to: &mut Registry) {
    let read = Family::<FromLabel, Gauge>::default();
    let behind = Family::<BehindLabels, Gauge>::default();
    for other in found {
        let from = other.place.clone();
        read.get_or_create(&FromLabel { from: from.clone() }).set(other.read);
        for (kind, count) in
            [("erasures", other.erasures_behind), ("versions", other.versions_behind)]
        {
            let labels = BehindLabels { from: from.clone(), kind };
            behind.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
    let help = "Last time that another member's vault was read, seconds since 1970; 0 for never";
    to.register_with_unit("vault_source_read_timestamp", help, Unit::Seconds, read);
    let help = "What another member's vault has and this one has not";
    to.register("vault_source_behind", help, behind);
}
