//! Final blocks or certificates on disk: all of them, or a window of the newest.

use commonware_codec::CodecShared;
use commonware_consensus::{marshal::store, simplex::types::Finalization, types::Height};
use commonware_runtime::{Clock, Handle, Metrics, Storage};
use commonware_storage::{
    archive::{Archive as _, Error, Identifier, immutable, prunable},
    translator::EightCap,
};
use std::sync::Arc;

use crate::{
    block::{ChainBlock, Digest},
    schemes::Scheme,
};

/// What a store needs of its context.
pub(crate) trait Disk: Storage + Clock + Metrics {}
impl<E: Storage + Clock + Metrics> Disk for E {}

/// Values by height and block hash. An index of the window is kept in memory, of the whole on disk.
pub(crate) enum Store<E: Disk, V: CodecShared> {
    /// Nothing is ever removed.
    Whole(immutable::Archive<E, Digest, V>),
    /// Old values are removed in sections.
    Window(prunable::Archive<EightCap, E, Digest, V>),
}

/// Does the same with either kind.
macro_rules! either {
    ($store:expr, $archive:ident => $does:expr) => {
        match $store {
            Store::Whole($archive) => $does,
            Store::Window($archive) => $does,
        }
    };
}

/// Does the same with either kind and keeps the kind.
macro_rules! each {
    ($store:expr, $archive:ident => $does:expr) => {
        match $store {
            Store::Whole($archive) => Store::Whole($does),
            Store::Window($archive) => Store::Window($does),
        }
    };
}

impl<E: Disk, V: CodecShared> Store<E, V> {
    async fn put_at(self, height: u64, digest: Digest, value: &V) -> Result<Self, Error> {
        Ok(each!(self, archive => archive.put(height, digest, value).await?))
    }

    async fn synced(self) -> Result<Self, Error> {
        Ok(each!(self, archive => archive.sync().await?))
    }

    async fn sync_started(self) -> Result<(Self, Handle<()>), Error> {
        Ok(match self {
            Self::Whole(archive) => {
                let (archive, handle) = archive.start_sync().await?;
                (Self::Whole(archive), handle)
            }
            Self::Window(archive) => {
                let (archive, handle) = archive.start_sync().await?;
                (Self::Window(archive), handle)
            }
        })
    }

    async fn find(&self, id: Identifier<'_, Digest>) -> Result<Option<V>, Error> {
        either!(self, archive => archive.get(id).await)
    }

    /// Removes the sections that end below `height`.
    async fn drop_below(self, height: u64) -> Result<Self, Error> {
        Ok(match self {
            Self::Whole(archive) => Self::Whole(archive),
            Self::Window(archive) => Self::Window(archive.prune(height).await?),
        })
    }

    /// The highest stored height.
    pub(crate) fn last(&self) -> Option<u64> {
        either!(self, archive => archive.last_index())
    }

    async fn holds(&self, height: u64) -> Result<bool, Error> {
        either!(self, archive => archive.has(Identifier::Index(height)).await)
    }

    /// Up to `max` heights at `start` and above that are missing below others that are stored.
    fn gaps(&self, start: u64, max: usize) -> Vec<u64> {
        either!(self, archive => archive.missing_items(start, max))
    }

    fn gap_after(&self, height: u64) -> (Option<u64>, Option<u64>) {
        either!(self, archive => archive.next_gap(height))
    }

    fn stored_from(&self, height: u64) -> Vec<(u64, u64)> {
        either!(self, archive => archive.ranges_from(height).collect())
    }

    /// Copies what `from` holds at `first` and above, durably.
    pub(crate) async fn filled(
        mut self,
        from: &Self,
        first: u64,
        digest: impl Fn(&V) -> Digest,
    ) -> Result<Self, Error> {
        for (start, end) in from.stored_from(first) {
            for height in start.max(first)..=end {
                if let Some(value) = from.find(Identifier::Index(height)).await? {
                    self = self.put_at(height, digest(&value), &value).await?;
                }
            }
        }
        self.synced().await
    }

    /// Removes everything from the disk.
    pub(crate) async fn destroy(self) -> Result<(), Error> {
        either!(self, archive => archive.destroy().await)
    }
}

impl<E: Disk> store::Blocks for Store<E, Arc<ChainBlock>> {
    type Block = Arc<ChainBlock>;
    type Error = Error;

    async fn put(self, digest: Digest, block: &Self::Block) -> Result<Self, Error> {
        self.put_at(block.block().height(), digest, block).await
    }

    async fn sync(self) -> Result<Self, Error> {
        self.synced().await
    }

    async fn start_sync(self) -> Result<(Self, Handle<()>), Error> {
        self.sync_started().await
    }

    async fn get(&self, id: Identifier<'_, Digest>) -> Result<Option<Self::Block>, Error> {
        self.find(id).await
    }

    async fn prune(self, min: Height) -> Result<Self, Error> {
        self.drop_below(min.get()).await
    }

    fn missing_items(&self, start: Height, max: usize) -> Vec<Height> {
        self.gaps(start.get(), max).into_iter().map(Height::new).collect()
    }

    fn next_gap(&self, value: Height) -> (Option<Height>, Option<Height>) {
        let (end, next) = self.gap_after(value.get());
        (end.map(Height::new), next.map(Height::new))
    }

    fn last_index(&self) -> Option<Height> {
        self.last().map(Height::new)
    }
}

impl<E: Disk> store::Certificates for Store<E, Finalization<Scheme, Digest>> {
    type BlockDigest = Digest;
    type Commitment = Digest;
    type Scheme = Scheme;
    type Error = Error;

    async fn put(
        self,
        height: Height,
        digest: Digest,
        finalization: &Finalization<Scheme, Digest>,
    ) -> Result<Self, Error> {
        self.put_at(height.get(), digest, finalization).await
    }

    async fn sync(self) -> Result<Self, Error> {
        self.synced().await
    }

    async fn start_sync(self) -> Result<(Self, Handle<()>), Error> {
        self.sync_started().await
    }

    async fn get(
        &self,
        id: Identifier<'_, Digest>,
    ) -> Result<Option<Finalization<Scheme, Digest>>, Error> {
        self.find(id).await
    }

    async fn has(&self, height: Height) -> Result<bool, Error> {
        self.holds(height.get()).await
    }

    async fn prune(self, min: Height) -> Result<Self, Error> {
        self.drop_below(min.get()).await
    }

    fn last_index(&self) -> Option<Height> {
        self.last().map(Height::new)
    }

    fn ranges_from(&self, from: Height) -> impl Iterator<Item = (Height, Height)> {
        let ranges = self.stored_from(from.get()).into_iter();
        ranges.map(|(start, end)| (Height::new(start), Height::new(end)))
    }
}
